"""HTTP API of what riders see and use: arrivals, buses, lines live, trips that are followed, favourites, alarms."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from ninja.security import django_auth
from pydantic import Field

from cityhall.kernel.people.actors import actor_of, person_of
from cityhall.services.transit import days, queries
from cityhall.services.transit.itinerary import RideLeg
from cityhall.services.transit.models import LeaveAlarm
from cityhall.services.transit.riders import alarms, favourites, following, lines, school, vehicles
from cityhall.services.transit.riders.arrivals import stop_arrivals
from cityhall.services.transit.riders.board import row
from cityhall.services.transit.riders.progress import progress_of
from cityhall.services.transit.wire import from_json

router = Router()
GTFS_ID = Path(..., max_length=200)


class ArrivalOut(Schema):
    """A trip that will leave a stop. `low` and `high` bound the departure 8 times in 10; null: only the timetable."""

    trip: str
    day: dt.date = Field(description="Service day")
    sequence: int = Field(description="Place of the stop in the trip, from 0")
    line: str
    line_id: str
    headsign: str
    mode: str
    scheduled: dt.datetime
    expected: dt.datetime
    low: dt.datetime | None
    high: dt.datetime | None
    live: bool
    delay_s: int | None
    wait: str = Field(description="In words of the request's language")
    cancelled: bool
    stops_away: int | None
    occupancy: int | None = Field(description="GTFS-Realtime OccupancyStatus")
    wheelchair: int
    vehicle: str


@router.get("/stops/{stop_id}/arrivals", response=list[ArrivalOut], summary="What comes to a stop, live")
def arrivals(request: HttpRequest, stop_id: str = GTFS_ID, limit: int = Query(12, ge=1, le=50)) -> list[dict[str, Any]]:
    """The next trips, soonest first by what is expected of each."""
    now = days.now()
    return [row(arrival, now) for arrival in stop_arrivals(queries.find_stop(stop_id), now, limit)]


class NextStopOut(Schema):
    """A stop that a bus comes to."""

    id: str
    name: str
    scheduled: dt.datetime
    expected: dt.datetime


class VehicleOut(Schema):
    """A bus. `accuracy_m` is the radius that holds its true place 95 times in 100; `fix` the GGA quality."""

    id: str
    line: str
    line_id: str
    headsign: str
    lon: float
    lat: float
    bearing: float | None
    speed: float | None = Field(description="m/s")
    status: str
    delay_s: int | None
    fix: int
    accuracy_m: float
    lane: int | None = Field(description="Lanes from the kerb, 0 the nearest")
    occupancy: int | None
    wheelchair: int
    at: dt.datetime
    next_stops: list[NextStopOut]


@router.get("/vehicles", response=list[VehicleOut], summary="Every bus on the road")
def all_vehicles(request: HttpRequest) -> list[dict[str, Any]]:
    """Those heard of in the last minutes; at most 300. The map's layer and GTFS-Realtime have all."""
    return vehicles.listed(days.now())


@router.get("/vehicles/{vehicle_id}", response=VehicleOut, summary="A bus")
def vehicle(request: HttpRequest, vehicle_id: str = Path(..., max_length=100)) -> dict[str, Any]:
    """Where a bus is, and its next stops. 404 for one that is not on the road."""
    return vehicles.describe(vehicles.find_vehicle(vehicle_id), days.now())


class LineStopOut(Schema):
    """A stop of a line: the next departure there, and the buses that come to it next."""

    id: str
    name: str
    next: dt.datetime | None
    live: bool
    vehicles: list[str]


class DirectionOut(Schema):
    """A direction of a line. `headway_min` is null where the line does not come often enough to have one."""

    direction: int
    headsign: str
    headway_min: int | None
    stops: list[LineStopOut]


@router.get("/lines/{line_id}/vehicles", response=list[VehicleOut], summary="A line's buses")
def line_vehicles(request: HttpRequest, line_id: str = GTFS_ID) -> list[dict[str, Any]]:
    """Those on the road now."""
    return vehicles.listed(days.now(), queries.find_line(line_id).gtfs_id)


@router.get("/lines/{line_id}/now", response=list[DirectionOut], summary="A line, stop by stop, live")
def line_now(request: HttpRequest, line_id: str = GTFS_ID) -> list[dict[str, Any]]:
    """Each direction with its stops, the buses between them and the next departures."""
    return [
        pattern
        | {
            "stops": [
                {
                    "id": stop["id"],
                    "name": stop["name"],
                    "next": stop["next"].departure if stop["next"] else None,
                    "live": bool(stop["next"] and stop["next"].predicted),
                    "vehicles": [bus["id"] for bus in stop["buses"]],
                }
                for stop in pattern["stops"]
            ]
        }
        for pattern in lines.diagram(queries.find_line(line_id), days.now())
    ]


class TripLegOut(Schema):
    """A leg of a followed trip: planned and expected. `risk` is "", tight, missed or cancelled."""

    mode: str
    line: str
    planned_departure: dt.datetime
    planned_arrival: dt.datetime
    departure: dt.datetime
    arrival: dt.datetime
    live: bool
    risk: str
    stops_away: int | None


class TripOut(Schema):
    """A followed trip as it goes. `broken` is the place of the first ride that will not be caught."""

    leave_at: dt.datetime
    arrival: dt.datetime
    step: str = Field(description="leave, walk, wait, ride, alight or arrived")
    at: int = Field(description="Place of the leg under way or next, from 0")
    broken: int | None
    legs: list[TripLegOut]


@router.get("/trips/{secret}", response=TripOut, summary="A followed trip as it goes")
def followed_trip(request: HttpRequest, secret: str = Path(..., max_length=100)) -> dict[str, Any]:
    """Whoever has the secret may. 404 where it is not followed any more."""
    progress = progress_of(from_json(following.find_followed(secret).itinerary), days.now())
    return {
        "leave_at": progress.leave_at,
        "arrival": progress.arrival,
        "step": progress.step,
        "at": progress.at,
        "broken": progress.broken,
        "legs": [
            {
                "mode": leg.leg.mode,
                "line": leg.leg.line if isinstance(leg.leg, RideLeg) else "",
                "planned_departure": leg.planned_departure,
                "planned_arrival": leg.planned_arrival,
                "departure": leg.departure,
                "arrival": leg.arrival,
                "live": leg.live,
                "risk": leg.risk,
                "stops_away": leg.stops_away,
            }
            for leg in progress.legs
        ],
    }


class FavouriteIn(Schema):
    """A stop, a line or a journey. `reference` is the GTFS id; a journey's ends as "lon,lat;lon,lat"."""

    kind: Literal["stop", "line", "journey"]
    reference: str = Field(min_length=1, max_length=200)
    name: str = Field("", max_length=300)
    label: Literal["", "home", "work"] = ""


class FavouriteOut(Schema):
    """A favourite."""

    kind: str
    reference: str
    name: str
    label: str


@router.get("/favourites", response=list[FavouriteOut], auth=django_auth, summary="My favourites")
def my_favourites(request: HttpRequest) -> list[favourites.Wanted]:
    """In the order they were added."""
    return favourites.kept(actor_of(request).person_id)


@router.post("/favourites", response=FavouriteOut, auth=django_auth, summary="Keep a favourite")
def add_favourite(request: HttpRequest, body: FavouriteIn) -> Any:
    """Keeping one again changes its name and label."""
    wanted = favourites.Wanted(body.kind, body.reference, body.name, body.label)
    return favourites.add(actor_of(request), wanted)


@router.delete("/favourites", response={204: None}, auth=django_auth, summary="Remove a favourite")
def remove_favourite(
    request: HttpRequest, kind: Literal["stop", "line", "journey"], reference: str = Query(..., max_length=200)
) -> Status[None]:
    """404 where it is none of mine."""
    favourites.remove(actor_of(request), kind, reference)
    return Status(204, None)


class AlarmIn(Schema):
    """One bus at one stop, as `/stops/{id}/arrivals` gives them; `walk_s` is the way to the stop, seconds."""

    stop: str = Field(max_length=200)
    trip: str = Field(max_length=200)
    day: dt.date
    sequence: int = Field(ge=0, le=10_000)
    walk_s: int = Field(0, ge=0, le=alarms.LONGEST_WALK_S)


class AlarmOut(Schema):
    """An alarm. `promised_at` is when to leave as it was first known or last told, `leave_at` as it is known now."""

    id: int
    line: str
    stop: str
    stop_name: str
    promised_at: dt.datetime
    leave_at: dt.datetime
    state: str


@router.get("/alarms", response=list[AlarmOut], auth=django_auth, summary="My alarms")
def my_alarms(request: HttpRequest) -> list[LeaveAlarm]:
    """Those that wait."""
    waiting = LeaveAlarm.objects.filter(person=person_of(request), state=LeaveAlarm.State.WAITING)
    return list(waiting)


@router.post("/alarms", response=AlarmOut, auth=django_auth, summary="Tell me when to leave")
def set_alarm(request: HttpRequest, body: AlarmIn) -> LeaveAlarm:
    """Told in the inbox and by web push, recalculated with every prediction until then."""
    return alarms.set_for_bus(actor_of(request), body.stop, body.trip, body.day, body.sequence, body.walk_s)


@router.delete("/alarms/{alarm_id}", response={204: None}, auth=django_auth, summary="Take an alarm back")
def cancel_alarm(request: HttpRequest, alarm_id: int = Path(..., ge=1, le=2**62)) -> Status[None]:
    """404 for another's."""
    alarms.cancel(actor_of(request), alarm_id)
    return Status(204, None)


class SchoolBusOut(Schema):
    """A pupil's bus. The seconds until it is at their stop, null where that cannot be told."""

    lon: float
    lat: float
    at: dt.datetime
    low_s: int | None
    high_s: int | None
    at_school: bool


@router.get("/school/{pupil_id}", response=SchoolBusOut | None, auth=django_auth, summary="My child's school bus")
def school_bus(request: HttpRequest, pupil_id: int = Path(..., ge=1, le=2**62)) -> Any:
    """For its guardians only; for everybody else there is no such thing (404). Null: not on the road."""
    bus = school.bus_of(actor_of(request), pupil_id, days.now())
    if bus is None:
        return None
    return {
        "lon": bus.state.point.lon,
        "lat": bus.state.point.lat,
        "at": bus.state.at,
        "low_s": bus.low_s,
        "high_s": bus.high_s,
        "at_school": bus.at_school,
    }
