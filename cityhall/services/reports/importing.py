"""Bulk import of another system's reports: a CSV, and a TOML file that says which column is what.

    [columns]                 # ours -> theirs
    category = "Service Type"
    text = "Description"
    lon = "Longitude"
    lat = "Latitude"
    filed_at = "Created Date"
    done_at = "Closed Date"   # may be left out, as due_at, address, text and number
    due_at = "Due Date"       # till when it was promised
    number = "Unique Key"

    [categories]              # theirs -> ours; "*" is for whatever is not named
    "Pothole" = "pothole"

    [time]
    format = "%m/%d/%Y %I:%M:%S %p"   # ISO 8601 where it is left out
    zone = "America/New_York"         # the city's where it is left out

Rows go in by COPY, BATCH at a time, each batch in a transaction of its own with one event in the journal. What cannot
be right is written to a report with its line and its reason. A number that is there already is passed over, so a file
can be read again after it was mended.

The file is read in the command's own process, not in one with limits (kernel/confined.py) as what strangers send:
whoever runs the machine chose it, the command serves nobody else, and it ends with Ctrl-C.
"""

from __future__ import annotations

import csv
import json
import secrets
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from cityhall.kernel.cases.actions import look_later
from cityhall.kernel.cases.calendars import ALWAYS
from cityhall.kernel.cases.clock import AMBER
from cityhall.kernel.cases.workflow import State
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.cells import cell_of, center
from cityhall.kernel.values import cell
from cityhall.services.reports import heat
from cityhall.services.reports.filing import LONGEST, OUTSIDE
from cityhall.services.reports.models import Category

BATCH = 5000
NEEDED = ("category", "lon", "lat", "filed_at")
KNOWN = (*NEEDED, "text", "address", "done_at", "due_at", "number")
CASES = """COPY cases_case (id, kind, state, agency_id, opened_at, changed_at, done_at, calendar, promised, used, level,
in_time, reopened, since, due_at) FROM STDIN"""
REPORTS = """COPY reports_report (case_id, category_id, state, text, language, answers, translated, point, shown, cell,
address, zone, public, filed_at, changed_at, via, source, name, email, phone, secret, supporters_count, elsewhere)
FROM STDIN"""
COUNTS = "COPY reports_cellcount (cell, category_id, open, count) FROM STDIN"


@dataclass(frozen=True, slots=True)
class Row:
    """A report to be imported. `number` is the other system's."""

    category: Category
    text: str
    lon: float
    lat: float
    address: str
    filed_at: datetime
    done_at: datetime | None
    number: str
    due_at: datetime | None = None


@dataclass(slots=True)
class Imported:
    """How an import went: rows taken, rows that were there before, and what was refused (line, reason)."""

    taken: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Mapping:
    """A mapping file. Raises Invalid, naming what is wrong, where it cannot be used."""

    columns: dict[str, str]
    categories: dict[str, Category]
    form: str
    zone: ZoneInfo

    @classmethod
    def read(cls, path: Path) -> Mapping:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            columns = dict(values["columns"])
            time = values.get("time", {})
            zone = ZoneInfo(time.get("zone", settings.CITY.timezone))
        except (OSError, KeyError, ValueError) as problem:
            raise Invalid(f"{path.name}: {problem!r}", mend="Write it as docs/reports.md shows.") from problem
        wrong = [name for name in NEEDED if name not in columns] + [name for name in columns if name not in KNOWN]
        if wrong:
            raise Invalid(f"{path.name}: [columns] {', '.join(wrong)}", mend=f"It may have: {', '.join(KNOWN)}.")
        known = {one.slug: one for one in Category.objects.filter(agency__isnull=False).select_related("agency")}
        named = values.get("categories", {})
        missing = sorted({slug for slug in named.values() if slug not in known})
        if missing:
            raise Invalid(f"{path.name}: [categories] {', '.join(missing)}", mend=f"Ours are: {', '.join(known)}.")
        return cls(columns, {name: known[slug] for name, slug in named.items()}, time.get("format", ""), zone)

    def row(self, values: dict[str, str]) -> Row:
        """A line of the file as a Row. Raises ValueError with the reason."""

        def take(name: str) -> str:
            return (values.get(self.columns.get(name, "")) or "").replace("\0", "").strip()

        category = self.categories.get(take("category")) or self.categories.get("*")
        if category is None:
            raise ValueError(f"category {take('category')!r} is not mapped")
        try:
            lon, lat = float(take("lon")), float(take("lat"))
        except ValueError:
            raise ValueError("it has no position") from None
        west, south, east, north = settings.CITY.bounds
        if not (west - OUTSIDE <= lon <= east + OUTSIDE and south - OUTSIDE <= lat <= north + OUTSIDE):
            raise ValueError(f"{lat}, {lon} is not in the city")
        filed_at = self._moment(take("filed_at"))
        done_at = self._moment(take("done_at")) if take("done_at") else None
        if done_at is not None and done_at < filed_at:
            raise ValueError("it was done before it was filed")
        due_at = self._moment(take("due_at")) if take("due_at") else None
        if due_at is not None and due_at <= filed_at:
            raise ValueError("it was due before it was filed")
        text, address = take("text")[:LONGEST], take("address")[:300]
        return Row(category, text, lon, lat, address, filed_at, done_at, take("number"), due_at)

    def _moment(self, text: str) -> datetime:
        try:
            at = datetime.strptime(text, self.form) if self.form else datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no time of the form that is given") from None
        return at if at.tzinfo else at.replace(tzinfo=self.zone)


def import_csv(
    actor: Actor, path: Path, mapping: Mapping, progress: Callable[[str, float], None], errors: Path | None = None
) -> Imported:
    """Imports a file; writes what was refused to `errors` (line, reason).

    Raises Invalid for what is no CSV in UTF-8, or lacks a column.
    """
    result = Imported()
    size = max(1, path.stat().st_size)
    try:
        with path.open("rb") as raw, TextIOWrapper(raw, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in mapping.columns.values() if name not in (reader.fieldnames or ())]
            if missing:
                raise Invalid(f"{path.name} has no column {', '.join(missing)}.", mend="Mend [columns].")
            for batch in _batches(_rows(reader, mapping, result)):
                taken = store(actor, _fresh(batch, result))
                result.taken += taken
                progress(f"{result.taken} taken, {len(result.refused)} refused", raw.tell() / size)
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Invalid(f"{path.name}: {problem}", mend="Save it as CSV in UTF-8.") from problem
    if errors is not None and result.refused:
        with errors.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "reason"))
            writer.writerows((line, cell(reason)) for line, reason in result.refused)
    return result


def _rows(reader: csv.DictReader[str], mapping: Mapping, result: Imported) -> Iterator[Row]:
    for values in reader:
        try:
            yield mapping.row(values)
        except ValueError as problem:
            result.refused.append((reader.line_num, str(problem)))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _fresh(batch: list[Row], result: Imported) -> list[Row]:
    """Those whose number was not imported before, each once."""
    numbers = [row.number for row in batch if row.number]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT elsewhere->>'import' FROM reports_report WHERE via = 'import' AND elsewhere->>'import' = ANY(%s)",
            [numbers],
        )
        seen = {number for (number,) in cursor.fetchall()}
    fresh = []
    for row in batch:
        if row.number and row.number in seen:
            result.known += 1
            continue
        seen.add(row.number)
        fresh.append(row)
    return fresh


@transaction.atomic
def store(actor: Actor, rows: list[Row]) -> int:
    """Puts rows into the tables by COPY, with their counts and one event; gives how many.

    Where the file says when each was due, that is what was promised: done ones count as in time or late, and on open
    ones the clock runs. Where it does not, no clock runs: the past is not judged by what we would have promised.
    """
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('cases_case', 'id')) FROM generate_series(1, %s)", [len(rows)]
        )
        ids = [int(one) for (one,) in cursor.fetchall()]
        raw = cursor.cursor
        with raw.copy(CASES) as copy:
            for number, row in zip(ids, rows, strict=True):
                copy.write_row(_case(number, row))
        counts: Counter[tuple[int, int, bool]] = Counter()
        with raw.copy(REPORTS) as copy:
            for number, row in zip(ids, rows, strict=True):
                cell, values = _report(number, row)
                copy.write_row(values)
                counts[cell, row.category.pk, row.done_at is None] += 1
        with raw.copy(COUNTS) as copy:
            for key, count in counts.items():
                copy.write_row((*key, count))
    look_later((number, at) for number, row in zip(ids, rows, strict=True) if (at := _look_at(row)) is not None)
    append("reports", "reports.imported", {"count": len(ids), "first": ids[0], "last": ids[-1]}, actor=str(actor))
    return len(ids)


def _case(number: int, row: Row) -> tuple[Any, ...]:
    state = State.NEW if row.done_at is None else State.CLOSED
    begun = (
        number,
        "reports",
        str(state),
        row.category.agency_id,
        row.filed_at,
        row.done_at or row.filed_at,
        row.done_at,
    )
    if row.due_at is None:
        promised = timedelta(hours=row.category.hours)
        return (*begun, row.category.calendar, promised, timedelta(), 0, None, 0, None, None)
    # Another system's working hours are not ours: its due time is taken as it stands.
    promised = row.due_at - row.filed_at
    if row.done_at is not None:
        used, in_time = row.done_at - row.filed_at, row.done_at <= row.due_at
        return (*begun, ALWAYS, promised, used, 0, in_time, 0, None, None)
    return (*begun, ALWAYS, promised, timedelta(), 0, None, 0, row.filed_at, row.due_at)


def _look_at(row: Row) -> datetime | None:
    """When the clock of an imported report is amber; None where none runs."""
    if row.due_at is None or row.done_at is not None:
        return None
    return row.filed_at + AMBER * (row.due_at - row.filed_at)


def _report(number: int, row: Row) -> tuple[int, tuple[Any, ...]]:
    """(cell, values) of a report's row."""
    here = (row.lon, row.lat)
    shown = center(cell_of(*here, heat.SENSITIVE)) if row.category.sensitive else here
    cell = cell_of(*shown, heat.FINE)
    state = State.NEW if row.done_at is None else State.CLOSED
    elsewhere = f'{{"import": {json.dumps(row.number)}}}' if row.number else "{}"
    return cell, (
        *(number, row.category.pk, str(state), row.text, settings.LANGUAGE_CODE, "{}", ""),
        *(f"({here[0]!r},{here[1]!r})", f"({shown[0]!r},{shown[1]!r})", cell, row.address, "", True),
        *(row.filed_at.astimezone(UTC), (row.done_at or row.filed_at).astimezone(UTC), "import", "", "", "", ""),
        *(secrets.token_bytes(32), 0, elsewhere),
    )
