"""What is kept of buses: what they do on the network and their calls, a statement each however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection

from cityhall.engines.positioning import Calls, Status
from cityhall.kernel.journal import append
from cityhall.kernel.vehicles.keeping import as_json
from cityhall.kernel.vehicles.tracking.fleet import Columns, Rows, known
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.realtime import history
from cityhall.services.transit.tracking.shown import feature

if TYPE_CHECKING:
    from cityhall.services.transit.tracking.buses import Buses

STATUS = {
    Status.ON_ROUTE: VehicleState.Status.ON_ROUTE,
    Status.OFF_ROUTE: VehicleState.Status.OFF_ROUTE,
    Status.WRONG_WAY: VehicleState.Status.WRONG_WAY,
    Status.UNMATCHED: VehicleState.Status.UNMATCHED,
    Status.RECKONED: VehicleState.Status.RECKONED,
    Status.LOST: VehicleState.Status.LOST,
}
COLUMNS = {
    "vehicle_id": "bigint",
    "status": "text",
    "route": "text",
    "direction": "smallint",
    "trip": "text",
    "service_day": "date",
    "along_m": "float8",
    "lateral_m": "float8",
    "lane": "smallint",
    "next_sequence": "int",
    "at_stop": "boolean",
    "delay_s": "int",
    "occupancy": "smallint",
    "line": "text",
    "color": "text",
}
_TOLD = (*("way", "trip", "service_day", "status", "along_m", "lateral_m", "lane", "next_stop", "at_stop", "delay_s"),)
_KEEP_DRIVING = f"""
INSERT INTO transit_driving ({", ".join(COLUMNS)})
SELECT {", ".join(f"x.{name}" for name in COLUMNS)}
FROM jsonb_to_recordset(%s::jsonb) AS x ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
ORDER BY x.vehicle_id
ON CONFLICT (vehicle_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "vehicle_id")}
"""
_KEEP_CALLS = """
INSERT INTO transit_stopcall (service_day, trip, sequence, stop, route, direction, vehicle, arrived_at, departed_at,
    scheduled_arrival, scheduled_departure)
SELECT day, trip, sequence, stop, route, direction, vehicle, to_timestamp(arrived), to_timestamp(departed),
    to_timestamp(planned_arrival), to_timestamp(planned_departure)
FROM unnest(%s::date[], %s::text[], %s::int[], %s::text[], %s::text[], %s::smallint[], %s::text[], %s::float8[],
    %s::float8[], %s::float8[], %s::float8[]) AS x (day, trip, sequence, stop, route, direction, vehicle, arrived,
    departed, planned_arrival, planned_departure)
ON CONFLICT (service_day, trip, sequence) DO NOTHING
RETURNING service_day, trip, sequence, vehicle, arrived_at
"""


def _as_settled(buses: Buses, rows: Rows, latest: dict[str, np.ndarray]) -> None:
    """Takes from vehicles the trips that they have not been given, whatever the engine takes them for.

    One that another has been given its trip is on its line all the same; a school bus is on none.
    """
    hidden = np.array([buses.vehicles[row].hidden for row in rows.tolist()], np.bool_)
    latest["way"][hidden] = -1
    none = hidden | ((buses.claims.trip[rows] < 0) & (latest["trip"] >= 0))
    for column in ("trip", "next_stop"):
        latest[column][none] = -1
    latest["service_day"][none] = 0
    for column in ("delay_s", "along_m"):
        latest[column][none] = np.nan
    latest["at_stop"][none] = False
    driving = none & (latest["status"] != Status.RECKONED) & (latest["status"] != Status.LOST)
    latest["status"][driving] = Status.UNMATCHED


def driving(buses: Buses, rows: Rows) -> Columns:
    """What some of the buses do on the network: COLUMNS without the vehicle's id."""
    schedule, ways = buses.network.schedule, buses.network.ways
    latest = {name: buses.latest[name][rows] for name in _TOLD}
    _as_settled(buses, rows, latest)
    said = [buses.said[row] for row in rows.tolist()]
    route = [int(ways.route[one]) if one >= 0 else -1 for one in latest["way"].tolist()]
    # Off every known way, what the driver logged on to is still worth showing.
    logged = [buses.network.route_row(fix.line) if fix and fix.line else -1 for fix in said]
    shown = [own if own >= 0 else other for own, other in zip(route, logged, strict=True)]
    names, colors = schedule.routes.short_name, schedule.routes.color
    return {
        "status": [STATUS[Status(status)].value for status in latest["status"].tolist()],
        "route": [schedule.routes.id[one] if one >= 0 else "" for one in route],
        "direction": [int(ways.direction[one]) if one >= 0 else -1 for one in latest["way"].tolist()],
        "trip": [schedule.trips.id[one] if one >= 0 else "" for one in latest["trip"].tolist()],
        "service_day": [date.fromordinal(day) if day > 0 else None for day in latest["service_day"].tolist()],
        "along_m": known(latest["along_m"]),
        "lateral_m": known(latest["lateral_m"]),
        "lane": [lane if lane >= 0 else None for lane in latest["lane"].tolist()],
        "next_sequence": [stop if stop >= 0 else None for stop in latest["next_stop"].tolist()],
        "at_stop": latest["at_stop"].tolist(),
        "delay_s": [None if late is None else round(late) for late in known(latest["delay_s"])],
        "occupancy": [fix.occupancy if fix and fix.occupancy >= 0 else None for fix in said],
        "line": [
            (names[one] or schedule.routes.long_name[one]) if one >= 0 else (fix.line if fix else "")
            for one, fix in zip(shown, said, strict=True)
        ],
        "color": [colors[one] if one >= 0 else "" for one in shown],
    }


def keep_driving(columns: Columns) -> None:
    """Writes what buses do, one row a vehicle; where each is has been written."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_DRIVING, [as_json(columns, list(COLUMNS))])


def features(buses: Buses, rows: Rows, columns: Columns) -> list[dict[str, Any]]:
    """The same states as the public sees them, in the order of the rows."""
    names = (
        "lon",
        "lat",
        "line",
        "color",
        "bearing",
        "speed",
        "at",
        "accuracy_m",
        "fix_class",
        "status",
        "delay_s",
        "lane",
    )
    values = zip(*(columns[name] for name in names), strict=True)
    return [
        feature(vehicle=buses.vehicles[row].public_id, **dict(zip(names, shown, strict=True)))
        for row, shown in zip(rows.tolist(), values, strict=True)
    ]


def keep_history(buses: Buses, rows: Rows, columns: Columns) -> None:
    """Hands the same states to the history of positions."""
    history.keep([buses.vehicles[row] for row in rows.tolist()], columns)


def keep_calls(buses: Buses, rows: Sequence[tuple[Any, ...]]) -> int:
    """Writes calls, each once however often it is given, and tells the journal of trips begun and ended.

    Gives how many were new. A tracker that was killed may see a call again: the constraint makes it one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_CALLS, [list(column) for column in zip(*rows, strict=True)])
        new = cursor.fetchall()
    for day, trip, sequence, vehicle, arrived_at in new:
        _tell(buses, day, trip, sequence, vehicle, arrived_at)
    return len(new)


def call_rows(buses: Buses, calls: Calls) -> list[tuple[Any, ...]]:
    """Calls as `keep_calls` takes them, with what the timetable says of each."""
    schedule, runs, ways = buses.network.schedule, buses.network.runs, buses.network.ways
    found = []
    columns = (calls.vehicle, calls.run, calls.trip, calls.service_day, calls.sequence, calls.arrived, calls.departed)
    for vehicle, run, trip, day, sequence, arrived, departed in zip(*(c.tolist() for c in columns), strict=True):
        if buses.vehicles[vehicle].hidden or buses.claims.driven_by_another(vehicle, trip, day):
            continue
        planned = int(runs.first[run]) + sequence
        stop = int(schedule.stop_times.stop[schedule.trips.first[trip] + sequence])
        found.append(
            (
                date.fromordinal(day),
                schedule.trips.id[trip],
                sequence,
                schedule.stops.id[stop],
                schedule.routes.id[schedule.trips.route[trip]],
                int(ways.direction[runs.way[run]]),
                buses.vehicles[vehicle].public_id,
                arrived,
                None if departed != departed else departed,
                float(runs.arrival[planned]),
                float(runs.departure[planned]),
            )
        )
    return found


def _tell(buses: Buses, day: date, trip: str, sequence: int, vehicle: str, arrived_at: datetime) -> None:
    row = buses.network.ways.trip_row.get(trip, -1)
    if row < 0:
        return
    first = buses.network.schedule.trips.first
    last = int(first[row + 1] - first[row]) - 1
    if sequence in (0, last):
        append(
            "transit",
            "transit.trip.begun" if sequence == 0 else "transit.trip.ended",
            {"trip": trip, "day": str(day), "vehicle": vehicle, "at": arrived_at.astimezone(UTC).isoformat()},
            subject=f"{day} {trip}",
        )
