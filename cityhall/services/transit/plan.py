"""From door to door: on foot to the stops near by, the best rides, on foot to the goal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
from django.utils.translation import gettext as _

from cityhall.engines.streets import Network, Snap
from cityhall.engines.timetable import Journey, Places, Router, Wishes
from cityhall.engines.timetable.footpaths import METRES_A_DEGREE, NEVER, WALKING_SPEED
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.point import Point, metres_between
from cityhall.kernel.places.streets import streets
from cityhall.services.transit import timetables
from cityhall.services.transit.realtime import routing
from cityhall.services.transit.timetables import DETOUR

Mode = Literal["leave", "arrive"]
Prefer = Literal["fastest", "fewer_transfers", "less_walking"]

ACCESS_S = {"fastest": 1200, "fewer_transfers": 1200, "less_walking": 480}
TRANSFER_WALK_S = {"fastest": 600, "fewer_transfers": 600, "less_walking": 180}
LESS_WALKING_S = (480, 240, 90)
"""The search knows the quickest for each number of changes; for less walking it is asked once for each of these."""
SLACK_S = 60
WINDOW_S = 5400
OPTIONS = 5
WALK_ALL_S = 5400
"""Longer walks than this are not offered."""
TOO_FAR_M = 200_000


@dataclass(frozen=True, slots=True)
class Question:
    """What a resident wants to know. `second` is of the service day `day`.

    `planned` asks the timetable alone, whatever is cancelled, closed or late.
    """

    origin: Point
    goal: Point
    day: date
    second: int
    mode: Mode = "leave"
    prefer: Prefer = "fastest"
    wheelchair: bool = False
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The journeys found, best first. `walk_s` is what the whole way on foot takes, None where it is too far."""

    question: Question
    journeys: tuple[Journey, ...]
    walk_s: int | None


def plan(question: Question) -> Plan:
    """Answers a question with at most OPTIONS journeys, none of them worse than another in every way.

    Raises Invalid where origin and goal are the same place or too far apart.
    """
    far = metres_between(question.origin, question.goal)
    if far < 15:
        raise Invalid(_("You are there already."), code="same_place", field="to", mend=_("Choose another destination."))
    if far > TOO_FAR_M:
        raise Invalid(_("That is too far away."), code="too_far", field="to", mend=_("Choose a place in the city."))
    router = (timetables if question.planned else routing).router(question.day, question.wheelchair)
    network = network_for(question.wheelchair)
    sources = _near(network, question.origin, ACCESS_S[question.prefer])
    targets = _near(network, question.goal, ACCESS_S[question.prefer])
    walk = _walk_all(network, question)
    wishes = Wishes(
        max_rides=5,
        slack=SLACK_S,
        walk_limit=TRANSFER_WALK_S[question.prefer],
        wheelchair=question.wheelchair,
    )
    found: list[Journey] = []
    for limit in LESS_WALKING_S if question.prefer == "less_walking" else (ACCESS_S[question.prefer],):
        near, there = _within(sources, limit), _within(targets, limit)
        if near.stops.size and there.stops.size:
            # Who wants to walk less may wait for a bus that is slower than the way on foot.
            bar = NEVER if walk is None or question.prefer == "less_walking" else walk
            wished = replace(wishes, walk_limit=min(limit, wishes.walk_limit))
            found += _search(router, question, near, there, wished, bar)
    return Plan(question, _best(found, question), walk)


def _within(places: Places, seconds: int) -> Places:
    """Those that are no longer a walk."""
    near = places.seconds <= seconds
    return Places(places.stops[near], places.seconds[near])


def network_for(wheelchair: bool) -> Network | None:
    graph = streets()
    return graph.network("wheelchair" if wheelchair else "walk") if graph else None


def _near(network: Network | None, place: Point, limit_s: int) -> Places:
    """Stops within a walk of a place, along the streets where they are known."""
    stops = timetables.service().schedule.stops
    x = (np.asarray(stops.lon) - place.lon) * METRES_A_DEGREE * np.cos(np.radians(place.lat))
    y = (np.asarray(stops.lat) - place.lat) * METRES_A_DEGREE
    metres = np.hypot(x, y)
    rows = np.flatnonzero(metres <= limit_s * WALKING_SPEED)
    straight = metres[rows] * DETOUR / WALKING_SPEED
    seconds = straight
    snap = network.snap(*place) if network else None
    if network and snap:
        snaps: list[Snap | None] = network.snap_all(np.asarray(stops.lon)[rows], np.asarray(stops.lat)[rows])
        known = network.one_to_many(snap, snaps, limit_s)
        off = np.array([other is None for other in snaps], np.bool_)
        seconds = np.where(off, straight, known) if rows.size else straight
    good = seconds <= limit_s
    return Places(rows[good].astype(np.int32), np.ceil(seconds[good]).astype(np.int32))


def _walk_all(network: Network | None, question: Question) -> int | None:
    seconds = metres_between(question.origin, question.goal) * DETOUR / WALKING_SPEED
    if network:
        a, b = network.snap(*question.origin), network.snap(*question.goal)
        if a and b:
            seconds = float(network.one_to_many(a, [b], WALK_ALL_S)[0])
    return int(np.ceil(seconds)) if seconds <= WALK_ALL_S else None


def _search(
    router: Router, question: Question, sources: Places, targets: Places, wishes: Wishes, walk: int
) -> list[Journey]:
    if question.mode == "leave":
        found = router.range(sources, targets, question.second, WINDOW_S, wishes, walk=walk)
        first = router.earliest_arrival(sources, targets, question.second, wishes, walk=walk)
        # The next departure may be hours away: the window alone would say there is none.
        return [journey for journey in [*found, *first] if journey.rides]
    by = router.arrive_by(sources, targets, question.second, wishes, walk=walk)
    start = min((journey.departure for journey in by if journey.rides), default=question.second) - WINDOW_S // 2
    found = router.range(sources, targets, start, question.second - start, wishes, walk=walk)
    return [journey for journey in [*found, *by] if journey.rides and journey.arrival <= question.second]


def _best(found: list[Journey], question: Question) -> tuple[Journey, ...]:
    """No journey that leaves earlier, arrives later and changes more than another (where that is what is wanted: and
    has no less to walk); the wanted order.
    """
    kept: list[Journey] = []
    for journey in sorted(found, key=lambda one: (one.arrival, one.transfers, -one.departure, one.walking)):
        worse = any(
            other.departure >= journey.departure
            and other.arrival <= journey.arrival
            and other.transfers <= journey.transfers
            and (question.prefer != "less_walking" or other.walking <= journey.walking)
            for other in kept
        )
        if not worse:
            kept.append(journey)
    key = {
        "fewer_transfers": lambda one: (one.transfers, *_time(one, question)),
        "less_walking": lambda one: (one.walking // 120, *_time(one, question)),
        "fastest": lambda one: _time(one, question),
    }[question.prefer]
    return tuple(sorted(kept, key=key)[:OPTIONS])


def _time(journey: Journey, question: Question) -> tuple[int, ...]:
    """Sooner there, or, for who must be there by a time, later away."""
    if question.mode == "arrive":
        return (-journey.departure, journey.transfers)
    return (journey.arrival, journey.transfers, -journey.departure)
