"""Tables to take along, as CSV (RFC 4180): written a page at a time, however large they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import islice
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse

from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Account
from cityhall.kernel.values import BOM, cell
from cityhall.services.treasury.amounts import plain
from cityhall.services.treasury.reading import Due, Sheet

PIECE = 500
"""Rows that are sent together."""


def answer(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """A file to keep; `name` without its ending."""
    made = StreamingHttpResponse(_pieces(head, iter(rows)), content_type="text/csv; charset=utf-8")
    made.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return made


def _pieces(head: Iterable[str], rows: Iterator[Iterable[Any]]) -> Iterator[bytes]:
    some: list[Iterable[Any]] = [list(head)]
    begin = BOM
    while some:
        text = StringIO()
        text.write(begin)
        begin = ""
        csv.writer(text).writerows([_cell(one) for one in row] for row in some)
        yield text.getvalue().encode()
        some = list(islice(rows, PIECE))


class Amount(str):
    """A number as text: the one kind of cell that may begin with a minus sign."""


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, Amount) else cell(value)


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
