"""Where vehicles were, kept for those who learn from it: a row about every EVERY_S a vehicle, a partition a day.

The tracker calls `keep` with what it has just estimated. Vehicles that not everybody may see are not kept at all. Days
are the city's. `archive.py` turns a day that is over into a file; raw rows go after `[service.transit] history_days`.
The program's role makes no tables: it asks two functions of the owner's for a day's partition (migration 0007).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days

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

_kept: dict[int, tuple[float, tuple[str, str, bool]]] = {}
"""By vehicle, when it was last kept, and its trip, status and whether it was at a stop: a change is kept at once."""
_made: set[date] = set()


def keep(vehicles: Sequence[Vehicle], columns: Mapping[str, Sequence[Any]]) -> int:
    """Keeps what is due, in the caller's transaction; gives how many rows.

    `columns` are states of `vehicles`, by the names of COLUMNS; `at` in Unix seconds.
    """
    due = [place for place, vehicle in enumerate(vehicles) if not vehicle.hidden and _due(vehicle.pk, place, columns)]
    if not due:
        return 0
    zone, moments = settings.CITY.zone, columns["at"]
    made: dict[str, list[Any]] = {
        "day": [datetime.fromtimestamp(moments[place], zone).date() for place in due],
        "at": [datetime.fromtimestamp(moments[place], UTC) for place in due],
        "vehicle": [vehicles[place].public_id for place in due],
    }
    made |= {name: [columns[name][place] for place in due] for name in COLUMNS if name not in made}
    for day in set(made["day"]) - _made:
        make_partition(day)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in zip(*(made[name] for name in COLUMNS), strict=True):
            copy.write_row(row)
    return len(due)


def _due(vehicle: int, place: int, columns: Mapping[str, Sequence[Any]]) -> bool:
    at = columns["at"][place]
    now = (columns["trip"][place], columns["status"][place], columns["at_stop"][place])
    before = _kept.get(vehicle)
    # A clock that was set back must not keep a vehicle out until it has caught up.
    if before is not None and before[1] == now and abs(at - before[0]) < EVERY_S:
        return False
    _kept[vehicle] = at, now
    return True


def make_partition(day: date) -> None:
    """Room for a day; that there is some already is no error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT transit_history_begin(%s::date)", [day])
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
            cursor.execute("SELECT transit_history_drop(%s::date)", [day])
            _made.discard(day)
    return old
