"""Amounts as banks write them, exact, and in the smallest unit of their currency (ISO 4217, list one)."""

from __future__ import annotations

import re
from decimal import Decimal

from cityhall.engines.banking.message import BankFileError

NO_PARTS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
TEN_THOUSANDTHS = frozenset(("CLF", "UYW"))
AMOUNT = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}")
MOST_DIGITS, MOST_DECIMALS = 18, 5


def decimals(currency: str) -> int:
    """How many decimal places a currency's smallest unit has."""
    if currency in NO_PARTS:
        return 0
    if currency in THOUSANDTHS:
        return 3
    return 4 if currency in TEN_THOUSANDTHS else 2


def minor_units(amount: Decimal, currency: str) -> int | None:
    """The amount in smallest units; None where it is no whole number of them, so that nothing is rounded unseen."""
    scaled = amount.scaleb(decimals(currency))
    return int(scaled) if scaled == scaled.to_integral_value() else None


def major_text(minor: int, currency: str) -> str:
    """Smallest units as a bank's file has them: 1234 in EUR is "12.34", in JPY "1234"."""
    places = decimals(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def amount(text: str | None, currency: str | None, what: str) -> tuple[Decimal, str]:
    """An ActiveOrHistoricCurrencyAndAmount: at most 18 digits, 5 of them decimals, never negative.

    Raises BankFileError, which says that it is about `what`.
    """
    clean = (text or "").strip()
    if not clean:
        raise BankFileError(f"{what} has no amount.")
    if not AMOUNT.fullmatch(clean):
        raise BankFileError(f"{what} has the amount {clean[:40]!r}, which is no number of a bank's file.")
    whole, _, parts = clean.lstrip("+").partition(".")
    if len(parts.rstrip("0")) > MOST_DECIMALS or len(whole.lstrip("0")) + len(parts.rstrip("0")) > MOST_DIGITS:
        raise BankFileError(f"{what} has the amount {clean[:40]!r}: at most 18 digits and 5 decimals are written.")
    code = (currency or "").strip()
    if not CURRENCY.fullmatch(code):
        raise BankFileError(f"{what} has the currency {code[:10]!r}, which is none.")
    return Decimal(clean), code


def plain(value: Decimal) -> str:
    """An amount for people, without an exponent: "18.15"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
