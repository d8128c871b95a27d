"""What the tracker keeps: states and calls, a statement each however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.db import connection

from cityhall.engines.positioning import Calls, Status
from cityhall.kernel.journal import append
from cityhall.kernel.vehicles.keeping import as_json, keep_places
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.realtime import history
from cityhall.services.transit.tracking.fleet import Fleet
from cityhall.services.transit.tracking.shown import feature

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


def _known(values: np.ndarray) -> list[float | None]:
    """NaN as None."""
    return [None if value != value else value for value in values.tolist()]


def _as_settled(fleet: Fleet, rows: np.ndarray, latest: dict[str, np.ndarray]) -> None:
    """Takes from vehicles the trips that they have not been given, whatever the engine takes them for.

    One that another has been given its trip is on its line all the same; a school bus is on none.
    """
    hidden = np.array([fleet.vehicles[row].hidden for row in rows.tolist()], np.bool_)
    latest["way"][hidden] = -1
    none = hidden | ((fleet.claims.trip[rows] < 0) & (latest["trip"] >= 0))
    for column in ("trip", "next_stop"):
        latest[column][none] = -1
    latest["service_day"][none] = 0
    for column in ("delay_s", "along_m"):
        latest[column][none] = np.nan
    latest["at_stop"][none] = False
    driving = none & (latest["status"] != Status.RECKONED) & (latest["status"] != Status.LOST)
    latest["status"][driving] = Status.UNMATCHED


def states(fleet: Fleet, rows: np.ndarray, remember: np.ndarray) -> dict[str, list[Any]]:
    """The columns of the states of some rows of the fleet; those in the mask `remember` with the filter's memory."""
    schedule, ways = fleet.network.schedule, fleet.network.ways
    latest = {name: column[rows] for name, column in fleet.latest.items()}
    _as_settled(fleet, rows, latest)
    way, trip, said = latest["way"].tolist(), latest["trip"].tolist(), [fleet.said[row] for row in rows.tolist()]
    route = [int(ways.route[one]) if one >= 0 else -1 for one in way]
    # Off every known way, what the driver logged on to is still worth showing.
    logged = [fleet.network.route_row(fix.line) if fix and fix.line else -1 for fix in said]
    shown = [own if own >= 0 else other for own, other in zip(route, logged, strict=True)]
    names, colors = schedule.routes.short_name, schedule.routes.color
    delay = _known(latest["delay_s"])
    return {
        "vehicle_id": [fleet.vehicles[row].pk for row in rows.tolist()],
        "at": latest["heard"].tolist(),
        "lon": latest["lon"].tolist(),
        "lat": latest["lat"].tolist(),
        "measured_lon": [fix.lon if fix else lon for fix, lon in zip(said, latest["lon"].tolist(), strict=True)],
        "measured_lat": [fix.lat if fix else lat for fix, lat in zip(said, latest["lat"].tolist(), strict=True)],
        "accuracy_m": latest["accuracy_m"].tolist(),
        "fix_class": latest["fix_class"].tolist(),
        "bearing": _known(latest["bearing"]),
        "speed": _known(latest["speed"]),
        "status": [STATUS[Status(status)].value for status in latest["status"].tolist()],
        "route": [schedule.routes.id[one] if one >= 0 else "" for one in route],
        "direction": [int(ways.direction[one]) if one >= 0 else -1 for one in way],
        "trip": [schedule.trips.id[one] if one >= 0 else "" for one in trip],
        "service_day": [date.fromordinal(day) if day > 0 else None for day in latest["service_day"].tolist()],
        "along_m": _known(latest["along_m"]),
        "lateral_m": _known(latest["lateral_m"]),
        "lane": [lane if lane >= 0 else None for lane in latest["lane"].tolist()],
        "next_sequence": [stop if stop >= 0 else None for stop in latest["next_stop"].tolist()],
        "at_stop": latest["at_stop"].tolist(),
        "delay_s": [None if late is None else round(late) for late in delay],
        "occupancy": [fix.occupancy if fix and fix.occupancy >= 0 else None for fix in said],
        "line": [
            (names[one] or schedule.routes.long_name[one]) if one >= 0 else (fix.line if fix else "")
            for one, fix in zip(shown, said, strict=True)
        ],
        "color": [colors[one] if one >= 0 else "" for one in shown],
        "memory": [
            fleet.engine.remember(row) if wanted else None
            for row, wanted in zip(rows.tolist(), remember.tolist(), strict=True)
        ],
    }


def keep_states(columns: dict[str, list[Any]]) -> None:
    """Writes states, one row a vehicle: where each is, and what it does there."""
    keep_places(columns)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_DRIVING, [as_json(columns, list(COLUMNS))])


def features(fleet: Fleet, rows: np.ndarray, columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
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
        feature(vehicle=fleet.vehicles[row].public_id, **dict(zip(names, shown, strict=True)))
        for row, shown in zip(rows.tolist(), values, strict=True)
    ]


def keep_history(fleet: Fleet, rows: np.ndarray, columns: dict[str, list[Any]]) -> None:
    """Hands the same states to the history of positions."""
    history.keep([fleet.vehicles[row] for row in rows.tolist()], columns)


def keep_calls(fleet: Fleet, rows: Sequence[tuple[Any, ...]]) -> int:
    """Writes calls, each once however often it is given, and tells the journal of trips begun and ended.

    Gives how many were new. A tracker that was killed may see a call again: the constraint makes it one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_CALLS, [list(column) for column in zip(*rows, strict=True)])
        new = cursor.fetchall()
    for day, trip, sequence, vehicle, arrived_at in new:
        _tell(fleet, day, trip, sequence, vehicle, arrived_at)
    return len(new)


def call_rows(fleet: Fleet, calls: Calls) -> list[tuple[Any, ...]]:
    """Calls as `keep_calls` takes them, with what the timetable says of each."""
    schedule, runs, ways = fleet.network.schedule, fleet.network.runs, fleet.network.ways
    found = []
    columns = (calls.vehicle, calls.run, calls.trip, calls.service_day, calls.sequence, calls.arrived, calls.departed)
    for vehicle, run, trip, day, sequence, arrived, departed in zip(*(c.tolist() for c in columns), strict=True):
        if fleet.vehicles[vehicle].hidden or fleet.claims.driven_by_another(vehicle, trip, day):
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
                fleet.vehicles[vehicle].public_id,
                arrived,
                None if departed != departed else departed,
                float(runs.arrival[planned]),
                float(runs.departure[planned]),
            )
        )
    return found


def _tell(fleet: Fleet, day: date, trip: str, sequence: int, vehicle: str, arrived_at: datetime) -> None:
    row = fleet.network.ways.trip_row.get(trip, -1)
    if row < 0:
        return
    first = fleet.network.schedule.trips.first
    last = int(first[row + 1] - first[row]) - 1
    if sequence in (0, last):
        append(
            "transit",
            "transit.trip.begun" if sequence == 0 else "transit.trip.ended",
            {"trip": trip, "day": str(day), "vehicle": vehicle, "at": arrived_at.astimezone(UTC).isoformat()},
            subject=f"{day} {trip}",
        )
