"""Tables to take along, as CSV (RFC 4180): written a page at a time, however large they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse

from cityhall.kernel.values import BOM, cell

PIECE = 500
"""Rows that are sent together."""


class Amount(str):
    """A number as text: the one kind of cell that may begin with a minus sign."""


def answer(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """A file to keep; `name` without its ending. Text that a spreadsheet would take for a formula is none."""
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


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, Amount) else cell(value)
