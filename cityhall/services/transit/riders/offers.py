"""A journey of the planner's answer, as the form that takes it carries it: what was shown is what is taken.

Searched for anew it may be gone: every second the buses' delays make other journeys the best.
"""

from __future__ import annotations

from dataclasses import astuple
from datetime import date, timedelta
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from cityhall.engines.timetable import Journey, Ride, Walk
from cityhall.kernel.errors import Conflict
from cityhall.kernel.places.point import Point
from cityhall.services.transit import timetables
from cityhall.services.transit.itinerary import Itinerary, itineraries
from cityhall.services.transit.plan import Plan, Question

SALT = "transit.journey"
AGE = timedelta(hours=12)
"""How long a page may lie open before one of its journeys is taken."""


def offers(found: Plan) -> list[tuple[Itinerary, str]]:
    """Each journey of a plan, and the city's signed word for it, about 300 characters."""
    return [
        (itinerary, _signed(found.question, journey))
        for itinerary, journey in zip(itineraries(found), found.journeys, strict=True)
    ]


def taken(offer: str) -> tuple[Question, Itinerary]:
    """The question and the journey that an offer is of, as it was shown.

    Raises Conflict where the city did not make it, or it is of another timetable than the one in service.
    """
    try:
        feed, (origin, goal, day, *asked), (departure, arrival, legs) = signing.loads(offer, salt=SALT, max_age=AGE)
    except (signing.BadSignature, ValueError) as problem:
        raise gone() from problem
    if feed != _feed():
        raise gone()
    question = Question(Point(*origin), Point(*goal), date.fromisoformat(day), *asked)
    journey = Journey(departure, arrival, tuple(_leg(leg) for leg in legs))
    (itinerary,) = itineraries(Plan(question, (journey,), None))
    return question, itinerary


def _signed(question: Question, journey: Journey) -> str:
    origin, goal, day, *asked = astuple(question)
    legs = [astuple(leg) for leg in journey.legs]
    what = _feed(), (origin, goal, day.isoformat(), *asked), (journey.departure, journey.arrival, legs)
    return signing.dumps(what, salt=SALT, compress=True)


def _leg(numbers: list[Any]) -> Ride | Walk:
    return Walk(*numbers) if len(numbers) == len(Walk.__slots__) else Ride(*numbers)


def _feed() -> str:
    """The timetable whose rows the numbers are."""
    return timetables.service().folder.name


def gone() -> Conflict:
    """For what was offered and cannot be taken."""
    return Conflict(
        _("This journey is not to be had any more."),
        code="journey_gone",
        mend=_("Look at the journeys there are now, and choose again."),
    )
