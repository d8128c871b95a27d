"""What leaves next: where somebody stands, from a stop, for a journey they keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.urls import reverse

from cityhall.engines.timetable.footpaths import WALKING_SPEED
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.places.point import Point
from cityhall.services.transit import queries, timetables
from cityhall.services.transit.api import make_question
from cityhall.services.transit.models import Stop
from cityhall.services.transit.plan import network_for, plan, stops_near
from cityhall.services.transit.riders import board, favourites
from cityhall.services.transit.riders.arrivals import stop_arrivals
from cityhall.services.transit.riders.offers import offers
from cityhall.services.transit.riders.trip_pages import Option, live_options

FARTHEST_S = 900
"""The longest way on foot to a stop that is near."""
STOPS, ROWS, JOURNEYS = 4, 3, 2
ANSWERED = 12
"""Favourites whose departures are in the page at once; the rest follow, so that a page of sixty is not late."""
LOOKED_AT = 12
"""Stops that are looked at until STOPS of them have something that leaves."""


@dataclass(frozen=True, slots=True)
class NearStop:
    """A stop, the way there on foot at the usual speed, and its next departures as `board.row` gives them."""

    stop: Stop
    metres: int
    seconds: int
    rows: list[dict[str, Any]]


def rows_of(stop: Stop, now: datetime, limit: int = ROWS) -> list[dict[str, Any]]:
    """The next departures of a stop, in words."""
    return [board.row(arrival, now) for arrival in stop_arrivals(stop, now, limit)]


def nearest(place: Point, now: datetime) -> list[NearStop]:
    """The nearest stops that something leaves from, at most STOPS, the nearest first. Raises Unavailable."""
    found: list[NearStop] = []
    for row, seconds in _places(place)[:LOOKED_AT]:
        stop = Stop.objects.filter(version=queries.in_service(), row=row).first()
        rows = rows_of(stop, now) if stop else []
        if stop and rows:
            found.append(NearStop(stop, round(seconds * WALKING_SPEED), seconds, rows))
        if len(found) == STOPS:
            break
    return found


def _places(place: Point) -> list[tuple[int, int]]:
    """(row, seconds on foot) of the stops near by, a station's platforms as their station, the nearest first."""
    near = stops_near(network_for(False), place, FARTHEST_S)
    parent = np.asarray(timetables.service().schedule.stops.parent)[near.stops]
    best: dict[int, int] = {}
    for row, above, seconds in zip(near.stops.tolist(), parent.tolist(), near.seconds.tolist(), strict=True):
        whole = above if above >= 0 else row
        best[whole] = min(seconds, best.get(whole, seconds))
    return sorted(best.items(), key=lambda one: one[1])


def next_journeys(reference: str, now: datetime) -> list[Option]:
    """The next journeys of a favourite that leave from now on. Raises Invalid for one that is none, Unavailable."""
    start, goal = favourites.ends_of(reference)
    question, asked = make_question(Point(*start), Point(*goal), None, None, "leave", "fastest", False)
    if question.day != asked:
        return []
    options = live_options(offers(plan(question)), now)
    return [option for option in options if not option.too_late][:JOURNEYS]


def part_of(wanted: favourites.Wanted) -> str:
    """The address of what leaves next for a favourite; "" for a line, which leaves everywhere."""
    if wanted.kind == "stop":
        return f"{reverse('transit_stop_next', args=[wanted.reference])}?part=1&bare=1"
    return (
        f"{reverse('transit_journey_next')}?{urlencode({'journey': wanted.reference})}" if wanted.kind != "line" else ""
    )


def beside(kept: list[favourites.Wanted], now: datetime) -> list[tuple[favourites.Wanted, str, str, dict[str, Any]]]:
    """Favourites, each with its page, the address of its next departures and what those are now."""
    return [
        (one, favourites.address(one), part_of(one), _shown(one, now, place < ANSWERED))
        for place, one in enumerate(kept)
    ]


def _shown(one: favourites.Wanted, now: datetime, answered: bool) -> dict[str, Any]:
    """The next departures of a favourite; what is not to be had is said in its place, and the others are shown."""
    if not answered or one.kind == "line":
        return {}
    try:
        if one.kind == "stop":
            return {"rows": rows_of(queries.find_stop(one.reference), now)}
        return {"options": next_journeys(one.reference, now)}
    except CityhallError as problem:
        return {"problem": problem}
