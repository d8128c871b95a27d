"""A 311 CSV of another system."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.utils import timezone

from cityhall.kernel.cases.queries import ranking
from cityhall.kernel.deadlines.taker import take_due
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import system
from cityhall.services.reports import heat, importing
from cityhall.services.reports.models import Report

pytestmark = pytest.mark.django_db
MAPPING = """
[columns]
category = "Service Type"
text = "Description"
lon = "Longitude"
lat = "Latitude"
filed_at = "Created"
done_at = "Closed"
number = "Key"
[categories]
"Pot Hole" = "pothole"
"Loud Music" = "noise"
[time]
format = "%m/%d/%Y %I:%M:%S %p"
"""
HEAD = ["Key", "Service Type", "Description", "Longitude", "Latitude", "Created", "Closed"]
GOOD = ["1", "Pot Hole", 'Deep, with "water"\nin it \\N \t end', "-51.2", "-30.03", "01/02/2026 03:04:05 PM", ""]
LINES = [
    GOOD,
    ["2", "Pot Hole", "", "-51.21", "-30.03", "01/02/2026 03:04:05 PM", "01/05/2026 09:00:00 AM"],
    ["3", "Loud Music", "Number 7", "-51.2", "-30.03", "01/02/2026 11:04:05 PM", ""],
    ["4", "Comet", "", "-51.2", "-30.03", "01/02/2026 03:04:05 PM", ""],
    ["5", "Pot Hole", "", "", "-30.03", "01/02/2026 03:04:05 PM", ""],
    ["6", "Pot Hole", "", "2.3", "48.8", "01/02/2026 03:04:05 PM", ""],
    ["7", "Pot Hole", "", "-51.2", "-30.03", "2 January", ""],
    ["8", "Pot Hole", "", "-51.2", "-30.03", "01/02/2026 03:04:05 PM", "01/01/2026 09:00:00 AM"],
    ["2", "Pot Hole", "again", "-51.21", "-30.03", "01/02/2026 03:04:05 PM", ""],
]


def write(folder: Path) -> tuple[Path, Path]:
    file, mapping = folder / "311.csv", folder / "mapping.toml"
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows([HEAD, *LINES])
    mapping.write_text(MAPPING)
    return file, mapping


def quiet(what: str, share: float) -> None:
    assert 0 <= share <= 1


def test_good_rows_are_taken_and_bad_ones_are_named(city: Path) -> None:
    file, mapping = write(city)
    errors = city / "errors.csv"
    result = importing.import_csv(system("test"), file, importing.Mapping.read(mapping), quiet, errors)
    assert (result.taken, result.known) == (3, 1)
    with errors.open() as read:
        rows = list(csv.reader(read))
    assert [row[0] for row in rows] == ["line", "6", "7", "8", "9", "10"], "with the line break inside the first"
    assert "Comet" in rows[1][1] and "position" in rows[2][1] and "city" in rows[3][1]
    first = Report.objects.select_related("case__agency").get(elsewhere__import="1")
    assert first.text == 'Deep, with "water"\nin it \\N \t end' and first.case.agency.slug == "public-works"
    assert first.filed_at.isoformat() == "2026-01-02T18:04:05+00:00" and first.case.due_at is None
    assert Report.objects.get(elsewhere__import="2").state == "closed"
    noise = Report.objects.get(elsewhere__import="3")
    assert noise.shown != noise.point
    assert sum(number for _cell, number in heat.cells(9)) == 2
    assert Entry.objects.get(type="reports.imported").data["count"] == 3
    again = importing.import_csv(system("test"), file, importing.Mapping.read(mapping), quiet)
    assert (again.taken, again.known, Report.objects.count()) == (0, 4, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [("lon =", "length ="), ('"pothole"', '"volcano"'), ("[columns]", "[column"), ('"Longitude"', '"X"')],
)
def test_a_mapping_that_cannot_be_used(city: Path, old: str, new: str) -> None:
    file, mapping = write(city)
    mapping.write_text(MAPPING.replace(old, new))
    with pytest.raises(Invalid):
        importing.import_csv(system("test"), file, importing.Mapping.read(mapping), quiet)
    assert Report.objects.count() == 0


def test_where_the_file_says_when_it_was_due_that_counts(city: Path) -> None:
    file, path = write(city)
    path.write_text(MAPPING.replace('number = "Key"', 'number = "Key"\ndue_at = "Due"'))
    rows = [
        [*LINES[0], "01/04/2026 03:04:05 PM"],
        [*LINES[1], "01/04/2026 03:04:05 PM"],
        [
            "9",
            "Pot Hole",
            "",
            "-51.2",
            "-30.03",
            "01/02/2026 03:04:05 PM",
            "01/03/2026 09:00:00 AM",
            "01/04/2026 03:04:05 PM",
        ],
        ["10", "Pot Hole", "", "-51.2", "-30.03", "01/02/2026 03:04:05 PM", "", "01/01/2026 03:04:05 PM"],
    ]
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows([[*HEAD, "Due"], *rows])
    result = importing.import_csv(system("test"), file, importing.Mapping.read(path), quiet)
    assert result.taken == 3 and "due before" in result.refused[0][1]
    open_one, late, early = (Report.objects.get(elsewhere__import=key).case for key in ("1", "2", "9"))
    assert (late.in_time, early.in_time, open_one.in_time) == (False, True, None)
    assert open_one.light(timezone.now()) == "red" and take_due() == 1
    open_one.refresh_from_db()
    assert open_one.above is not None and open_one.above.slug == "city-hall"
    standing = next(
        one for one in ranking("reports", late.opened_at, timezone.now()) if one.agency.slug == "public-works"
    )
    assert (standing.done, standing.in_time, standing.late) == (2, 1, 1)
