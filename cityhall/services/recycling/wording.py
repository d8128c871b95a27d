"""What a city writes in several languages, and weights and points as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.utils.translation import get_language, ngettext

from cityhall.kernel.payments.money import money_text


def worded(texts: Mapping[str, str], otherwise: str = "") -> str:
    """Of texts by language code the one in the language now active, else in the city's own, else any."""
    for code in (get_language() or "", settings.LANGUAGE_CODE):
        if code[:2] in texts:
            return str(texts[code[:2]])
    return str(next(iter(texts.values()), otherwise))


def _locale() -> str:
    return (get_language() or "en").replace("-", "_")


def number(amount: float) -> str:
    """A number as people write it: 12,500, or 7.5."""
    from babel.numbers import format_decimal

    return str(format_decimal(amount, locale=_locale()))


def kilograms(grams: int) -> str:
    """A weight as people write it: 17450 -> "17.45 kg"."""
    from babel.numbers import format_decimal

    return f"{format_decimal(Decimal(grams) / 1000, locale=_locale(), decimal_quantization=False)} kg"


def summed(grams: int) -> str:
    """A sum of many weights: from a hundred kilograms on, the grams tell nobody anything: 1867905 -> "1,868 kg"."""
    return kilograms(grams if abs(grams) < 100_000 else round(grams, -3))


def percent(amount: float, digits: int = 0) -> str:
    """A number of per cent as people write it: 37.04, 1 -> "37.0 %"."""
    from babel.numbers import format_decimal

    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return f"{format_decimal(round(amount, digits), format=pattern, locale=_locale())} %"


def points(amount: int) -> str:
    """An amount of points: "1,250 points"."""
    return ngettext("%(points)s point", "%(points)s points", amount) % {"points": number(amount)}


def money(amount: int) -> str:
    """An amount of the smallest part of the city's currency: 1250 -> "€12.50"."""
    return money_text(amount, settings.CITY.currency)
