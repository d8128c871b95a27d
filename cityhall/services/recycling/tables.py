"""Tables of the desk to take along, as CSV (RFC 4180)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from cityhall.kernel.payments.money import decimals
from cityhall.kernel.values import BOM, cell


def answer(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """A file to keep; `name` without its ending. Text that a spreadsheet would take for a formula is none."""
    text = StringIO()
    text.write(BOM)
    csv.writer(text).writerows([list(head), *([cell(one) for one in row] for row in rows)])
    made = HttpResponse(text.getvalue().encode(), content_type="text/csv; charset=utf-8")
    made.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return made


def amount(value: int) -> float | int:
    """An amount of the smallest part of the currency as a plain number of the whole: 1250 -> 12.5."""
    digits = decimals(settings.CITY.currency)
    return round(value / 10**digits, digits) if digits else value
