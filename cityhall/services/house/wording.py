"""What a city writes of its rooms and wares, in the reader's language, and money as people write it."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import get_language

from cityhall.kernel.payments.money import money_text


def worded(texts: Mapping[str, str], otherwise: str = "") -> str:
    """Of texts by language code the one in the language now active, else in the city's own, else any."""
    for code in (get_language() or "", settings.LANGUAGE_CODE):
        if code[:2] in texts:
            return str(texts[code[:2]])
    return str(next(iter(texts.values()), otherwise))


def money(amount: int) -> str:
    """An amount of the smallest part of the city's currency: 1250 -> "€12.50"."""
    return money_text(amount, settings.CITY.currency)
