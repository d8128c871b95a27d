"""Keeping where vehicles are: one statement however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection

from cityhall.kernel import clock

COLUMNS = {
    "vehicle_id": "bigint",
    "at": "float8",
    "lon": "float8",
    "lat": "float8",
    "measured_lon": "float8",
    "measured_lat": "float8",
    "accuracy_m": "float8",
    "fix_class": "smallint",
    "bearing": "float8",
    "speed": "float8",
    "memory": "jsonb",
}
_MADE = {
    "at": "to_timestamp(x.at)",
    "point": "point(x.lon, x.lat)",
    "measured": "point(x.measured_lon, x.measured_lat)",
    "published_at": "%s::timestamptz",
    "memory": "coalesce(x.memory, '{}')",
}
_TARGETS = [name for name in COLUMNS if name not in ("lon", "lat", "measured_lon", "measured_lat")]
_TARGETS += ["point", "measured", "published_at"]
_KEEP = f"""
INSERT INTO transit_vehiclestate AS s ({", ".join(_TARGETS)})
SELECT {", ".join(_MADE.get(name, f"x.{name}") for name in _TARGETS)}
FROM jsonb_to_recordset(%s::jsonb) AS x ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
ORDER BY x.vehicle_id
ON CONFLICT (vehicle_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _TARGETS if name not in ("vehicle_id", "memory"))},
    memory = CASE WHEN excluded.memory = '{{}}' THEN s.memory ELSE excluded.memory END
"""


def as_json(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> str:
    """Rows as one JSON text: a parameter of each kind as an array took several times as long to write out."""
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(columns[name] for name in names), strict=True)]
    return orjson.dumps(rows).decode()


def keep_places(columns: Mapping[str, Sequence[Any]]) -> None:
    """Writes where vehicles are, one row a vehicle, in the caller's transaction.

    `columns` are those of COLUMNS, of one length: `at` in Unix seconds, degrees of WGS 84, `accuracy_m` in metres,
    `speed` in m/s; `memory` is the filter's own, None where the one kept stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [clock.now(), as_json(columns, list(COLUMNS))])
