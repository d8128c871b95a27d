"""HTTP API of journeys, stops and lines."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cityhall.engines.timetable.footpaths import WALKING_SPEED
from cityhall.kernel import values
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.point import Point
from cityhall.services.transit import days, queries, validity
from cityhall.services.transit.control.api import router as control
from cityhall.services.transit.itinerary import itineraries, walk_only
from cityhall.services.transit.models import FeedVersion, Line
from cityhall.services.transit.plan import Mode, Prefer, Question, plan
from cityhall.services.transit.wire import to_json

router = Router()
router.add_router("", "cityhall.kernel.vehicles.api.former")
router.add_router("", control)


class JourneysOut(Schema):
    """Journeys, best first. `day` is the service day searched; `out_of_date` says that it is not the day asked for."""

    day: dt.date
    asked_day: dt.date
    out_of_date: bool
    valid_from: dt.date | None
    valid_to: dt.date | None
    walk: dict[str, Any] | None = Field(None, description="The whole way on foot, where it is not too far")
    journeys: list[dict[str, Any]]


def read_point(text: str, field: str) -> Point:
    """A Point from "lon,lat". Raises Invalid naming the field."""
    if not text.strip(", "):
        raise Invalid(
            _("A place is missing."),
            field=field,
            code="missing_place",
            mend=_("Write %(field)s=longitude,latitude.") % {"field": field},
        )
    return Point(*values.position(text, field))


@router.get("/journeys", response=JourneysOut, summary="Plan a journey from door to door")
def journeys(
    request: HttpRequest,
    origin: str = Query(..., alias="from", max_length=60, description="longitude,latitude"),
    to: str = Query(..., max_length=60, description="longitude,latitude"),
    date: dt.date | None = Query(None, description="Day, YYYY-MM-DD; today where it is left out"),
    time: dt.time | None = Query(None, description="HH:MM on the city's clock; now where it is left out"),
    mode: Mode = Query("leave", description="leave at, or arrive by, the time"),
    prefer: Prefer = Query("fastest"),
    wheelchair: bool = Query(False),
    pace: float = Query(WALKING_SPEED, ge=0.3, le=3.0, description="On foot or in a wheelchair, m/s"),
    longest: int | None = Query(None, ge=50, le=5000, description="The longest way on foot at a time, metres"),
) -> dict[str, Any]:
    """Up to five journeys, none worse than another in every way, with lines for a map and steps on foot."""
    question, asked = make_question(
        read_point(origin, "from"), read_point(to, "to"), date, time, mode, prefer, wheelchair, pace, longest
    )
    found = plan(question)
    version = queries.in_service()
    return {
        "day": question.day,
        "asked_day": asked,
        "out_of_date": question.day != asked,
        "valid_from": version.first_day if version else None,
        "valid_to": version.last_day if version else None,
        "walk": to_json(walk_only(question, found.walk_s)) if found.walk_s is not None else None,
        "journeys": [to_json(one) for one in itineraries(found)],
    }


def make_question(
    origin: Point,
    goal: Point,
    day: dt.date | None,
    time: dt.time | None,
    mode: Mode,
    prefer: Prefer,
    wheelchair: bool,
    pace: float = WALKING_SPEED,
    longest_m: int | None = None,
) -> tuple[Question, dt.date]:
    """The question, and the day that was asked for: the question's may be another where the feed is out of date."""
    now = days.now()
    asked = day or now.date()
    used = days.usual_day(asked)
    second = days.second_of(used, (time or now.time()).replace(tzinfo=None))
    question = Question(origin, goal, used, second, mode, prefer, wheelchair, pace=pace, longest_m=longest_m)
    return question, asked


class StopOut(Schema):
    """A stop and how far it is."""

    id: str
    name: str
    lon: float
    lat: float
    lines: list[str]
    wheelchair: int


class DepartureOut(Schema):
    """A trip that leaves a stop."""

    line: str
    line_id: str
    headsign: str
    mode: str
    at: dt.datetime
    wheelchair: int


@router.get("/stops/{stop_id}", response=StopOut, summary="A stop")
def stop(request: HttpRequest, stop_id: str) -> dict[str, Any]:
    """Where a stop is, and which lines call there."""
    found = queries.find_stop(stop_id)
    return {
        "id": found.gtfs_id,
        "name": found.name,
        "lon": found.point.lon,
        "lat": found.point.lat,
        "lines": found.lines,
        "wheelchair": found.wheelchair,
    }


@router.get("/stops/{stop_id}/departures", response=list[DepartureOut], summary="Next departures from a stop")
def departures(
    request: HttpRequest,
    stop_id: str,
    date: dt.date | None = Query(None),
    time: dt.time | None = Query(None),
    limit: int = Query(20, ge=1, le=100),
) -> list[queries.Departure]:
    """The trips that leave a stop from a time on."""
    found = queries.find_stop(stop_id)
    now = days.now()
    day = days.usual_day(date or now.date())
    second = days.second_of(day, (time or now.time()).replace(tzinfo=None))
    return queries.departures(found, day, second, limit)


class LineOut(Schema):
    """A line, and the days on which its timetable begins and ends; null where no trip of it ever runs."""

    gtfs_id: str
    short_name: str
    long_name: str
    mode: str
    color: str
    text_color: str
    valid_from: dt.date | None
    valid_to: dt.date | None

    @staticmethod
    def resolve_valid_from(line: Line) -> dt.date | None:
        return (validity.line_days(line.row) or (None, None))[0]

    @staticmethod
    def resolve_valid_to(line: Line) -> dt.date | None:
        return (validity.line_days(line.row) or (None, None))[1]


@router.get("/lines", response=list[LineOut], summary="Every line")
def lines(request: HttpRequest) -> list[Line]:
    """The lines of the timetable in service."""
    return list(Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE))


router.add_router("", "cityhall.services.transit.riders.api.router")
