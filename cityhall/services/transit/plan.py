"""From door to door: on foot to the stops near by, the best rides, on foot to the goal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
from django.utils.translation import gettext as _

from cityhall.engines.streets import Network, Snap
from cityhall.engines.timetable import Journey, Places, Router, Walk, Wishes
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

    `planned` asks the timetable alone, whatever is cancelled, closed or late. `pace` is how fast they go on foot or in
    a wheelchair, m/s; `longest_m` the longest way they go so at a time, metres, None for what is usual.
    """

    origin: Point
    goal: Point
    day: date
    second: int
    mode: Mode = "leave"
    prefer: Prefer = "fastest"
    wheelchair: bool = False
    planned: bool = False
    pace: float = WALKING_SPEED
    longest_m: int | None = None

    @property
    def slower(self) -> float:
        """How many times longer than at the usual pace a way takes."""
        return WALKING_SPEED / self.pace


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
    sources, targets = (_reached(network, place, question) for place in (question.origin, question.goal))
    walk = _walk_all(network, question)
    wishes = Wishes(
        max_rides=5,
        slack=SLACK_S,
        walk_limit=_between_rides(question),
        wheelchair=question.wheelchair,
    )
    found: list[Journey] = []
    for limit in LESS_WALKING_S if question.prefer == "less_walking" else (NEVER,):
        near, there = _within(sources, limit), _within(targets, limit)
        if near.stops.size and there.stops.size:
            # Who wants to walk less may wait for a bus that is slower than the way on foot.
            bar = NEVER if walk is None or question.prefer == "less_walking" else walk
            wished = replace(wishes, walk_limit=min(limit, wishes.walk_limit))
            found += _search(router, question, near, there, wished, bar)
            if question.slower > 1:
                # The search walks between rides at the usual pace: with more time in hand there is enough for theirs.
                more = int(np.ceil((question.slower - 1) * wished.walk_limit))
                found += _search(router, question, near, there, replace(wished, slack=SLACK_S + more), bar)
    paced = [journey for one in found if (journey := _paced(one, question.slower)) is not None]
    return Plan(question, _best(paced, question), walk)


def _reached(network: Network | None, place: Point, question: Question) -> Places:
    """Stops that are no farther than who asks goes, with the seconds it takes them."""
    usual = ACCESS_S[question.prefer] / question.slower
    if question.longest_m is not None:
        usual = question.longest_m / WALKING_SPEED
    near = stops_near(network, place, int(usual))
    return Places(near.stops, np.ceil(near.seconds * question.slower).astype(np.int32))


def _between_rides(question: Question) -> int:
    """The longest walk between two rides, in seconds at the usual pace, as the search counts them."""
    usual = TRANSFER_WALK_S[question.prefer] / question.slower
    if question.longest_m is not None:
        usual = min(usual, question.longest_m / WALKING_SPEED)
    return int(usual)


def _paced(journey: Journey, slower: float) -> Journey | None:
    """The journey with its walks between rides as long as they take; None where the next ride is gone by then."""
    if slower == 1:
        return journey
    legs = list(journey.legs)
    for place, leg in enumerate(legs[:-1]):
        if isinstance(leg, Walk) and leg.from_stop >= 0 and leg.to_stop >= 0:
            there = leg.departure + int(np.ceil((leg.arrival - leg.departure) * slower))
            if there + SLACK_S > legs[place + 1].departure:
                return None
            legs[place] = replace(leg, arrival=there)
    return replace(journey, legs=tuple(legs))


def _within(places: Places, seconds: int) -> Places:
    """Those that are no longer a walk."""
    near = places.seconds <= seconds
    return Places(places.stops[near], places.seconds[near])


def network_for(wheelchair: bool) -> Network | None:
    graph = streets()
    return graph.network("wheelchair" if wheelchair else "walk") if graph else None


def stops_near(network: Network | None, place: Point, limit_s: int) -> Places:
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
    if question.longest_m is not None and seconds * WALKING_SPEED > question.longest_m:
        return None
    seconds *= question.slower
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
