"""A day that is over as Parquet files, open data: where vehicles were, and their calls at stops.

Files are written beside and put in place by one rename, so that whoever lists them never sees half of one. Each says in
its metadata what city it is of, under which licence, and what every column means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection, transaction

from cityhall.kernel.journal import append
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.vehicles.kinds import public_kinds
from cityhall.kernel.vehicles.models import WAS_PUBLIC_SQL
from cityhall.kernel.work.aside import passing_over
from cityhall.services.transit import days
from cityhall.services.transit.models import StopCall
from cityhall.services.transit.realtime import history

Kind = Literal["positions", "stop_calls"]
ROW_GROUP = 131_072
LATE_H = 4
"""Hours after midnight that a day is written: the last trips are still out."""
LICENCE = "CC-BY-4.0"
WRITTEN = "transit.history.written"
"""The event of a file that was written; its subject is the file's name."""
NAME = re.compile(r"(positions|stop_calls)-(\d{4}-\d\d-\d\d)\.parquet")
_MOMENT, _TEXT = pa.timestamp("ms", tz="UTC"), pa.dictionary(pa.int32(), pa.string())


def _field(name: str, kind: pa.DataType, says: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": says})


POSITIONS = pa.schema(
    [
        _field("at", _MOMENT, "when it was measured"),
        _field("vehicle", _TEXT, "vehicle.id of GTFS-Realtime"),
        _field("lon", pa.float64(), "longitude, degrees, WGS 84, best estimate"),
        _field("lat", pa.float64(), "latitude, degrees, WGS 84, best estimate"),
        _field("accuracy_m", pa.float32(), "radius in metres that holds the true place 95 times in 100"),
        _field("fix_class", pa.int8(), "GGA quality: 0 not known, 1 GPS, 2 DGNSS, 4 RTK fixed, 5 RTK float"),
        _field("bearing", pa.float32(), "degrees clockwise from north"),
        _field("speed", pa.float32(), "metres a second"),
        _field("status", _TEXT, "on_route, off_route, wrong_way, unmatched or reckoned"),
        _field("route", _TEXT, "route_id of GTFS, empty where not known"),
        _field("direction", pa.int8(), "direction_id of GTFS, -1 where not known"),
        _field("trip", _TEXT, "trip_id of GTFS, empty where not known"),
        _field("service_day", pa.date32(), "service day of the trip"),
        _field("next_sequence", pa.int32(), "place of the next stop in the trip, from 0"),
        _field("at_stop", pa.bool_(), "whether it stands at that stop"),
        _field("delay_s", pa.int32(), "seconds late, early where negative"),
        _field("occupancy", pa.int8(), "OccupancyStatus of GTFS-Realtime"),
    ]
)
STOP_CALLS = pa.schema(
    [
        _field("service_day", pa.date32(), "service day of the trip"),
        _field("trip", _TEXT, "trip_id of GTFS"),
        _field("sequence", pa.int32(), "place of the stop in the trip, from 0"),
        _field("stop", _TEXT, "stop_id of GTFS"),
        _field("route", _TEXT, "route_id of GTFS"),
        _field("direction", pa.int8(), "direction_id of GTFS, -1 where not known"),
        _field("vehicle", _TEXT, "vehicle.id of GTFS-Realtime"),
        _field("arrived_at", _MOMENT, "when the vehicle came"),
        _field("departed_at", _MOMENT, "when it left, null where not seen"),
        _field("scheduled_arrival", _MOMENT, "when it should have come"),
        _field("scheduled_departure", _MOMENT, "when it should have left"),
    ]
)
SCHEMAS: dict[Kind, pa.Schema] = {"positions": POSITIONS, "stop_calls": STOP_CALLS}
_SELECT: dict[Kind, str] = {
    "positions": f"SELECT {{columns}} FROM {history.TABLE} h WHERE day = %s AND {WAS_PUBLIC_SQL} ORDER BY vehicle, at",
    "stop_calls": (
        f"SELECT {{columns}} FROM transit_stopcall h WHERE service_day = %s AND {WAS_PUBLIC_SQL} "
        "ORDER BY route, trip, sequence"
    ),
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the archive."""

    kind: Kind
    day: date
    path: Path
    size: int

    @property
    def name(self) -> str:
        return self.path.name


def folder() -> Path:
    """Where the files lie: with what cannot be made anew, since raw rows go after a while."""
    return Path(settings.MEDIA_ROOT) / "history"


def files() -> list[File]:
    """Every file, the newest day first."""
    found = []
    for path in folder().glob("*.parquet"):
        name = NAME.fullmatch(path.name)
        if name:
            found.append(File(name[1], date.fromisoformat(name[2]), path, path.stat().st_size))  # type: ignore[arg-type]
    return sorted(found, key=lambda file: (file.day, file.kind), reverse=True)


def find(name: str) -> Path | None:
    """The file of that name, None where there is none."""
    path = folder() / name
    return path if NAME.fullmatch(name) and path.is_file() else None


def run() -> None:
    """The regular task: writes the days that are over, then forgets raw rows that are old. Does nothing twice."""
    history.make_partition(days.today() + timedelta(days=1))
    over = days.over(LATE_H)
    # A file that the journal does not tell of was put in place by a worker that was killed then: it is written anew.
    told = set(Entry.objects.filter(stream="transit", type=WRITTEN).values_list("subject", flat=True))
    there = {(file.kind, file.day) for file in files() if file.name in told}
    for day in history.kept_days():
        if day <= over and ("positions", day) not in there:
            with passing_over("transit.history", f"positions {day}"):
                write("positions", day)
    called = StopCall.objects.filter(service_day__lte=over).values_list("service_day", flat=True).distinct()
    for day in sorted(called):
        if ("stop_calls", day) not in there:
            with passing_over("transit.history", f"stop_calls {day}"):
                write("stop_calls", day)
    history.forget({file.day for file in files() if file.kind == "positions"})
    kept = int(settings.CITY.options.get("transit", {}).get("stop_call_days", history.CALL_DAYS))
    archived = {file.day for file in files() if file.kind == "stop_calls"}
    oldest = days.today() - timedelta(days=kept)
    StopCall.objects.filter(service_day__in=[day for day in archived if day < oldest]).delete()


def write(kind: Kind, day: date) -> Path:
    """Writes a day's file, in place of one that is there."""
    folder().mkdir(parents=True, exist_ok=True)
    target = folder() / f"{kind}-{day}.parquet"
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    schema = SCHEMAS[kind].with_metadata(_about(kind, day))
    rows = 0
    try:
        with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            for batch in _batches(kind, day, schema):
                writer.write_table(batch, row_group_size=ROW_GROUP)
                rows += batch.num_rows
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        append("transit", WRITTEN, {"file": target.name, "rows": rows}, subject=target.name)
    return target


def _batches(kind: Kind, day: date, schema: pa.Schema) -> Iterator[pa.Table]:
    """The day's rows, ROW_GROUP at a time: a large city's day is more than belongs in memory."""
    statement = _SELECT[kind].format(columns=", ".join(schema.names))
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, [day, list(public_kinds())])
        while rows := cursor.fetchmany(ROW_GROUP):
            columns = list(zip(*rows, strict=True))
            arrays = [_array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def _about(kind: Kind, day: date) -> dict[str, str]:
    city = settings.CITY
    options = city.options.get("transit", {})
    return {
        "title": f"{city.name}: {kind.replace('_', ' ')}, {day}",
        "city": city.name,
        "day": day.isoformat(),
        "timezone": city.timezone,
        "licence": str(options.get("licence", LICENCE)),
        "attribution": str(options.get("attribution", city.name)),
        "source": f"{settings.PUBLIC_URL}/transit/history/",
    }
