"""What the feeds of one edition are made of: the state of the fleet and what riders are told, read at one moment.

Three feeds that are each made of what the database holds when they are asked for contradict one another: a vehicle that
takes over a trip between two reads is on it in one feed, and another is in the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db import connection, transaction

from cityhall.kernel.vehicles.kinds import public_kinds
from cityhall.kernel.vehicles.models import PUBLIC_SQL
from cityhall.services.transit import days
from cityhall.services.transit.models import ServiceAlert
from cityhall.services.transit.realtime import named, predictions
from cityhall.services.transit.realtime.alerts import to_come
from cityhall.services.transit.realtime.predictions import Predicted
from cityhall.services.transit.realtime.selection import left_out

FRESH_S = 300
LONGEST_S = 5
"""An edition bears the second in which it might first have been made; one that is made so much later, or less, has in
it what was heard since.
"""
NOTICE_DAYS = 2
"""Cancelled trips are told from yesterday's service day to tomorrow's; what is later is told by its alert."""

# Only what everybody may see: a school bus is nobody's business but its pupils' families'.
_VEHICLES = f"""
SELECT v.public_id, v.label, v.wheelchair, (s.point)[0], (s.point)[1], s.bearing, s.speed,
       extract(epoch FROM s.at)::bigint, d.trip, d.route, d.service_day, d.next_sequence, d.at_stop,
       d.occupancy
FROM transit_vehiclestate s JOIN transit_driving d USING (vehicle_id) JOIN transit_vehicle v ON v.id = vehicle_id
WHERE s.at > to_timestamp(%(now)s - %(fresh)s) AND s.at < to_timestamp(%(now)s + %(ahead)s)
  AND {PUBLIC_SQL}
ORDER BY v.public_id
"""


@dataclass(frozen=True)
class Snapshot:
    """The city at a second (Unix time): rows of vehicles, what is expected, and the notices that hold.

    `off` are each service day's trips that do not run, and the calls that others leave out; `plan` is None before the
    first timetable.
    """

    now: int
    plan: named.Plan | None
    vehicles: list[Any]
    expected: list[Predicted]
    off: dict[date, tuple[set[int], dict[int, list[int]]]]
    alerts: list[ServiceAlert]

    @classmethod
    def of(cls, now: int) -> Snapshot:
        """Reads it."""
        with _one_moment():
            plan = named.plan()
            expected = predictions.read(now, ahead=LONGEST_S + 1) if plan else []
            around = {days.today() + timedelta(days=offset) for offset in range(-1, NOTICE_DAYS)}
            around |= {one.service_day for one in expected}
            off = {day: left_out(day) for day in sorted(around)} if plan else {}
            return cls(now, plan, _vehicles(now), expected, off, to_come())

    @cached_property
    def drivers(self) -> dict[tuple[str, date | None], str]:
        """The vehicle that is on each trip of a service day."""
        return {(row[8], row[10]): row[0] for row in self.vehicles if row[8]}


@contextmanager
def _one_moment() -> Iterator[None]:
    """What is read within is the database of one moment, whatever is written meanwhile."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _vehicles(now: int) -> list[Any]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "now": now,
            "fresh": FRESH_S,
            "ahead": LONGEST_S + 1,
            "public_kinds": list(public_kinds()),
        }
        cursor.execute(_VEHICLES, values)
        return list(cursor.fetchall())


class Snapshots:
    """The newest snapshots of this process, each read once, by whichever feed is asked for first."""

    def __init__(self) -> None:
        self._kept: dict[int, Snapshot] = {}
        self._lock = threading.Lock()

    def at(self, second: int) -> Snapshot:
        """That of a second. A feed that is late by one still finds the one that the others were made of."""
        with self._lock:
            found = self._kept.get(second)
            if found is None:
                found = Snapshot.of(second)
                self._kept = {at: one for at, one in self._kept.items() if at == max(self._kept)} | {second: found}
            return found

    def forget(self) -> None:
        """Reads anew from now on."""
        self._kept = {}
