"""Several feeds written as one zip, with the ids of the merged Schedule: those that a realtime feed refers to."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from cityhall.engines.gtfs.archive import Archive, Limits, open_archive
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.schedule import Schedule

# By kind of id: the file that defines it, and the columns that name it in any file.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "agency_id": (("agency.txt",), ("agency_id",)),
    "stop_id": (("stops.txt",), ("stop_id", "parent_station", "from_stop_id", "to_stop_id")),
    "route_id": (("routes.txt",), ("route_id", "from_route_id", "to_route_id")),
    "trip_id": (("trips.txt",), ("trip_id", "from_trip_id", "to_trip_id")),
    "service_id": (("calendar.txt", "calendar_dates.txt"), ("service_id",)),
    "shape_id": (("shapes.txt",), ("shape_id",)),
    "fare_id": (("fare_attributes.txt",), ("fare_id",)),
}
FILES = (
    *("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt", "calendar.txt", "calendar_dates.txt"),
    *("shapes.txt", "frequencies.txt", "transfers.txt", "fare_attributes.txt", "fare_rules.txt", "attributions.txt"),
)
ALWAYS = {"agency.txt": "agency_id", "routes.txt": "agency_id"}
"""Columns that a feed of one agency may leave out, and one of several may not."""
Rows = Iterator[list[str]]


def write_merged(paths: Sequence[Path], schedule: Schedule, target: Path) -> None:
    """Writes the feeds at `paths`, in the order they were merged into `schedule`, as one zip at `target`.

    Files whose ids are not known here (pathways, fares v2, translations) are left out. Raises FeedError for what is
    no feed.
    """
    report, limits = Report(), Limits()
    with ExitStack() as opened, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        feeds = [opened.enter_context(open_archive(path, report, limits)) for path in paths]
        renamed = [_renamed(feed, schedule) for feed in feeds]
        for file in FILES:
            columns = list(dict.fromkeys(name for feed in feeds for name in _header(feed, file)))
            if columns:
                with bundle.open(file, "w", force_zip64=True) as raw:
                    text = io.TextIOWrapper(raw, "utf-8", newline="")
                    writer = csv.writer(text, lineterminator="\n")
                    writer.writerow(columns)
                    for feed, kinds in zip(feeds, renamed, strict=True):
                        writer.writerows(_rows(feed, file, columns, kinds))
                    text.flush()
                    text.detach()


def _open(archive: Archive, file: str) -> Rows:
    path = archive.files.get(file)
    if path is None:
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        yield from csv.reader(line.replace("\0", "") for line in text)


def _header(archive: Archive, file: str) -> list[str]:
    names = [name.strip().lower() for name in next(_open(archive, file), [])]
    always = ALWAYS.get(file)
    return [*names, always] if names and always and always not in names else names


def _prefix(archive: Archive) -> str:
    """What `merge` puts in front."""
    return archive.name.removesuffix(".zip")


def _renamed(archive: Archive, schedule: Schedule) -> set[str]:
    """Kinds of id of a feed that got its name in front when it was merged."""
    known = {
        "agency_id": set(schedule.agencies),
        "stop_id": set(schedule.stops.id),
        "route_id": set(schedule.routes.id),
        "trip_id": {name.partition("@")[0] for name in schedule.trips.id} | set(schedule.trips.id),
        "service_id": set(schedule.services.id),
        "shape_id": set(schedule.shapes.id),
        "fare_id": set(schedule.fares.id),
    }
    found = set()
    for kind, (files, _columns) in KINDS.items():
        own = {name for file in files for name in _values(archive, file, kind)}
        if any(f"{_prefix(archive)}:{name}" in known[kind] for name in own or {""}):
            found.add(kind)
    return found


def _values(archive: Archive, file: str, column: str) -> Iterator[str]:
    rows = _open(archive, file)
    names = [name.strip().lower() for name in next(rows, [])]
    if column in names:
        place = names.index(column)
        yield from (row[place].strip() for row in rows if len(row) > place)


def _rows(archive: Archive, file: str, columns: list[str], renamed: set[str]) -> Rows:
    """A feed's rows under the columns of all."""
    rows = _open(archive, file)
    names = [name.strip().lower() for name in next(rows, [])]
    if not names:
        return
    places = [names.index(column) if column in names else -1 for column in columns]
    prefixed = [any(column in KINDS[kind][1] for kind in renamed) for column in columns]
    always, prefix = ALWAYS.get(file), _prefix(archive)
    for row in rows:
        if not any(row):
            continue
        values = [row[place].strip() if 0 <= place < len(row) else "" for place in places]
        yield [
            f"{prefix}:{value}" if renames and (value or column == always) else value
            for column, value, renames in zip(columns, values, prefixed, strict=True)
        ]
