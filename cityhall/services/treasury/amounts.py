"""Amounts as people read them: 123456 of EUR is 1,234.56, of JPY 123,456; what is no money has no decimals.

In the treasurer's tables the unit stands beside them, so there is no sign of a currency.
"""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.payments.money import decimals, read_money


def plain(amount: int, unit: str) -> str:
    """For programs: a full stop, no groups ("-1234.56")."""
    places = decimals(unit)
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def shown(amount: int, unit: str) -> str:
    """For people, as the reader's language writes it, with a true minus sign."""
    text = number_format(plain(abs(amount), unit), decimals(unit), force_grouping=True)
    return f"−{text}" if amount < 0 else text


def read(text: str, unit: str) -> int | None:
    """An amount above zero as an officer types it ("12", "12.5", "12,50"), in the smallest part; None for nothing.

    Raises Invalid for what is no amount, or has more decimals than the unit.
    """
    if not text.strip():
        return None
    found = read_money(text, unit)
    if not found:
        raise Invalid(_("This is no amount."), field="amount", mend=_("Write it as 12.50, without groups."))
    return found
