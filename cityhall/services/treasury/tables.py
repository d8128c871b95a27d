"""What the treasury's tables hold that are taken along as CSV (web/tables.py): a row at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings

from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Account
from cityhall.services.treasury.amounts import plain
from cityhall.services.treasury.reading import Due, Sheet
from cityhall.web.tables import Amount


def moment(at: datetime | None) -> str:
    """ISO 8601 on the city's clock, with its distance from UTC."""
    return at.astimezone(settings.CITY.zone).isoformat(timespec="milliseconds") if at else ""


TRIAL_HEAD = ("unit", "account", "kind", "debit", "credit")


def trial(sheets: Iterable[Sheet]) -> Iterator[tuple[Any, ...]]:
    """Every account, and under each unit its sums."""
    for sheet in sheets:
        for row in sheet.rows:
            debit, credit = max(0, row.posted), max(0, -row.posted)
            yield sheet.unit, row.key, row.kind, _amount(debit, sheet.unit), _amount(credit, sheet.unit)
        yield sheet.unit, "", "sum", _amount(sheet.debit, sheet.unit), _amount(sheet.credit, sheet.unit)


STATEMENT_HEAD = ("written", "counts_from", "posting", "what", "about", "amount", "balance", "unit", "reverses")


def statement(account: Account, begin: datetime, end: datetime) -> Iterator[tuple[Any, ...]]:
    """An account's entries, between a line for what it had before and one for what it has after."""
    unit, side = account.unit, account.side
    opening = side * queries.posted_at(account.pk, begin - datetime.resolution)
    yield moment(begin), "", "", "opening", "", "", _amount(opening, unit), unit, ""
    last = opening
    for entry in queries.statement(account.pk, begin, end):
        posting, last = entry.posting, side * entry.posted
        amounts = _amount(side * entry.amount, unit), _amount(last, unit)
        said = moment(entry.at), moment(posting.effective_at), str(posting.uid), posting.kind, posting.subject
        yield *said, *amounts, unit, str(posting.reverses_id or "")
    yield moment(end), "", "", "closing", "", "", _amount(last, unit), unit, ""


def liability(unit: str, origins: list[str], dues: list[Due]) -> Iterator[tuple[Any, ...]]:
    """A month and origin in each row; "" is what never expires."""
    for due in dues:
        for origin, amount in zip(origins, due.parts, strict=True):
            if amount:
                yield (f"{due.month:%Y-%m}" if due.month else ""), origin, _amount(amount, unit), unit


LIABILITY_HEAD = ("expires_in", "origin", "amount", "unit")


def _amount(amount: int, unit: str) -> Amount:
    return Amount(plain(amount, unit))
