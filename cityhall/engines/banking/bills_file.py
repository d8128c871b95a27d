"""Bills given in a file, to try a statement on: JSON or CSV. The format is in docs/bank-files.md."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

from cityhall.engines.banking.amounts import CURRENCY, decimals
from cityhall.engines.banking.matching import Bill
from cityhall.engines.banking.message import BankFileError

FIELDS = ("reference", "amount", "currency", "payer")
MOST_BILLS = 1_000_000


def read_bills(data: bytes) -> list[Bill]:
    """The bills. An amount as text ("12.30") is in units, a whole number of JSON in smallest units.

    Raises BankFileError, with the number of the bill and what is wrong with it.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BankFileError("The bills are not written in UTF-8.") from None
    rows = _json(text) if text.lstrip()[:1] in ("[", "{") else _csv(text)
    bills = [_bill(row, number) for number, row in enumerate(rows, 1)]
    if len(bills) > MOST_BILLS:
        raise BankFileError(f"There are more than {MOST_BILLS} bills.")
    return bills


def _json(text: str) -> list[dict[str, Any]]:
    try:
        said = json.loads(text, parse_float=Decimal)
    except ValueError as problem:
        raise BankFileError(f"The bills are not JSON: {str(problem)[:120]}.") from None
    rows = said.get("bills") if isinstance(said, dict) else said
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BankFileError('The bills are no list of objects: [{"reference": ..., "amount": ..., "currency": ...}].')
    return rows


def _csv(text: str) -> list[dict[str, Any]]:
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    heads = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    if not {"reference", "amount"} <= set(heads):
        raise BankFileError("The bills' first line names no reference and amount: reference,amount,currency,payer.")
    rows.fieldnames = heads
    return list(rows)


def _bill(row: dict[str, Any], number: int) -> Bill:
    reference, currency, payer = (str(row.get(one) or "").strip() for one in ("reference", "currency", "payer"))
    currency = currency or "EUR"
    if not reference:
        raise BankFileError(f"Bill {number} has no reference.")
    if not CURRENCY.fullmatch(currency):
        raise BankFileError(f"Bill {number} has the currency {currency[:10]!r}, which is none.")
    return Bill(reference, _minor(row.get("amount"), currency, number), currency, payer)


def _minor(said: object, currency: str, number: int) -> int:
    if isinstance(said, int) and not isinstance(said, bool):
        minor = Decimal(said)
    else:
        try:
            minor = Decimal(str(said).strip())
        except ArithmeticError:
            raise BankFileError(f"Bill {number} has the amount {str(said)[:30]!r}, which is no number.") from None
        if not minor.is_finite():
            raise BankFileError(f"Bill {number} has the amount {str(said)[:30]!r}, which is no number.")
        minor = minor.scaleb(decimals(currency))
    if minor <= 0 or minor != minor.to_integral_value():
        raise BankFileError(f"Bill {number} is of {str(said)[:30]}: more than nothing, in whole smallest units.")
    return int(minor)
