"""Where vehicles were, kept for those who learn from it: a row about every EVERY_S a vehicle, a partition a day.

The tracker calls `keep` with what it has just estimated. Vehicles that not everybody may see are not kept at all. Days
are the city's. `archive.py` turns a day that is over into a file; raw rows go after `[service.transit] history_days`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from cityhall.kernel.places.point import Point
from cityhall.services.transit import days
from cityhall.services.transit.models import Vehicle, VehicleState

EVERY_S = 10.0
RAW_DAYS = 14
CALL_DAYS = 400
TABLE = "transit_positionhistory"
COLUMNS = (
    *("day", "at", "vehicle", "lon", "lat", "accuracy_m", "fix_class", "bearing", "speed", "status", "route"),
    *("direction", "trip", "service_day", "next_sequence", "at_stop", "delay_s", "occupancy"),
)
_COPY = f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN"
_PARTITION = re.compile(rf"{TABLE}_(\d{{8}})")

_kept: dict[int, tuple[datetime, str, str, bool]] = {}
"""By vehicle, when it was last kept, and its trip, status and whether it was at a stop: a change is kept at once."""
_made: set[date] = set()


@dataclass(slots=True)
class Seen:
    """What of a state is kept; the tracker has thousands a second, and a model's object is dear."""

    vehicle: Vehicle
    at: datetime
    point: Point
    accuracy_m: float
    fix_class: int
    bearing: float | None
    speed: float | None
    status: str
    route: str
    direction: int
    trip: str
    service_day: date | None
    next_sequence: int | None
    at_stop: bool
    delay_s: int | None
    occupancy: int | None


def keep(states: Iterable[VehicleState | Seen]) -> int:
    """Keeps what is due of `states`, with their vehicles loaded, in the caller's transaction; gives how many rows."""
    zone = settings.CITY.zone
    rows = []
    for state in states:
        if state.vehicle.hidden or not _due(state):
            continue
        day = state.at.astimezone(zone).date()
        rows.append(
            (
                *(day, state.at, state.vehicle.public_id, state.point.lon, state.point.lat, state.accuracy_m),
                *(state.fix_class, state.bearing, state.speed, state.status, state.route, state.direction),
                *(state.trip, state.service_day, state.next_sequence, state.at_stop, state.delay_s, state.occupancy),
            )
        )
    if rows:
        for day in {row[0] for row in rows} - _made:
            make_partition(day)
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
    return len(rows)


def _due(state: VehicleState | Seen) -> bool:
    now = (state.at, state.trip, state.status, state.at_stop)
    before = _kept.get(state.vehicle.pk)
    if before is not None and before[1:] == now[1:]:
        # A clock that was set back must not keep a vehicle out until it has caught up.
        if abs((state.at - before[0]).total_seconds()) < EVERY_S:
            return False
    _kept[state.vehicle.pk] = now
    return True


def make_partition(day: date) -> None:
    """Room for a day; that there is some already is no error."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE}_{day:%Y%m%d} PARTITION OF {TABLE} FOR VALUES IN ('{day}')")
    transaction.on_commit(lambda: _made.add(day))


def kept_days() -> list[date]:
    """Days of which there are raw rows, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE])
        found = [_PARTITION.fullmatch(name.split(".")[-1]) for (name,) in cursor.fetchall()]
    return sorted(datetime.strptime(name[1], "%Y%m%d").date() for name in found if name)


def forget(archived: set[date]) -> list[date]:
    """Drops the raw rows of days that are older than the city keeps them and are in `archived`; gives which."""
    options = settings.CITY.options.get("transit", {})
    oldest = days.today() - timedelta(days=int(options.get("history_days", RAW_DAYS)))
    old = [day for day in kept_days() if day < oldest and day in archived]
    with connection.cursor() as cursor:
        for day in old:
            cursor.execute(f"DROP TABLE {TABLE}_{day:%Y%m%d}")
            _made.discard(day)
    return old
