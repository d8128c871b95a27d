"""Predictions as arrays, for thousands of trips at once."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from cityhall.engines.gtfs.schedule import Int64
from cityhall.kernel.vehicles.kinds import public_kinds
from cityhall.kernel.vehicles.models import PUBLIC_SQL

FRESH_S = 300
"""Predictions made longer ago than this are of a vehicle that is not heard any more."""

# PostgreSQL's binary form of an array (array_send): 20 bytes of header, then each element's length and value. Read as
# such, the times cost a fifth of what parsing their text does.
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
_HEADER = 20
_READ = f"""
SELECT p.trip, p.service_day, p.vehicle, COALESCE(v.label, ''), p.first_sequence, array_send(p.arrival),
       array_send(p.departure), extract(epoch FROM p.made_at)::bigint
FROM transit_tripprediction p LEFT JOIN transit_vehicle v ON v.public_id = p.vehicle
WHERE p.made_at > to_timestamp(%(now)s - %(fresh)s) AND p.made_at < to_timestamp(%(now)s + %(ahead)s)
  AND (%(hidden)s OR v.id IS NULL OR {PUBLIC_SQL})
ORDER BY p.service_day, p.trip
"""


class Predicted(NamedTuple):
    """A trip's predictions; `arrival` and `departure` are Unix seconds, one for each call from `first_sequence` on."""

    trip: str
    service_day: date
    vehicle: str
    label: str
    first_sequence: int
    arrival: Int64
    departure: Int64
    made_at: int


def read(now: float, *, hidden: bool = False, ahead: float = 1.0) -> list[Predicted]:
    """What is expected at `now` (Unix seconds); trips of vehicles that not everybody may see only where `hidden`.

    What was made up to `ahead` seconds later is in it.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "now": now,
            "fresh": FRESH_S,
            "hidden": hidden,
            "ahead": ahead,
            "public_kinds": list(public_kinds()),
        }
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    return [
        Predicted(trip, day, vehicle, label, sequence, _array(arrival), _array(departure), made_at)
        for trip, day, vehicle, label, sequence, arrival, departure, made_at in rows
    ]


def _array(sent: bytes) -> Int64:
    if len(sent) < _HEADER:
        return np.zeros(0, np.int64)
    return np.frombuffer(sent, _ELEMENT, offset=_HEADER)["value"].astype(np.int64)
