"""Amounts in words for people: "R$ 12,50" in the reader's language, from whole numbers of the smallest part."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils import translation


def decimals(unit: str) -> int:
    """How many digits an amount of the unit has behind its point (ISO 4217); none for what is no currency."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(unit)) if _is_currency(unit) else 0


def money_text(amount: int, unit: str) -> str:
    """An amount as people read it."""
    from babel.numbers import format_currency, format_decimal

    language = (translation.get_language() or "en").replace("-", "_")
    whole = Decimal(amount).scaleb(-decimals(unit))
    if not _is_currency(unit):
        return f"{format_decimal(whole, locale=language)} {unit}"
    return str(format_currency(whole, unit, locale=language))


def read_money(text: str, unit: str) -> int | None:
    """An amount that somebody typed, with point or comma, as a whole number; None for what is none."""
    clean = text.strip().replace(" ", "").replace(",", ".")
    if not clean.isascii() or len(clean) > 16 or clean.count(".") > 1 or not clean.replace(".", "").isdigit():
        return None
    try:
        found = Decimal(clean).scaleb(decimals(unit))
    except InvalidOperation:
        return None
    return int(found) if found == found.to_integral_value() else None


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isascii() and unit.isupper()
