"""A week of collections on a city's streets, lived through twice with the same residents, streets and luck.

Ours: a resident is offered the windows that the plan can still keep, chooses one, and is put into the plan; every
evening the plan is searched anew with the windows that were promised. Requests of the day itself go into the plan as it
is at that moment, from where the vehicles really are. Beside it what cities do: first come, first served, with a fixed
number of places a window. Both have the same vehicles, the same search in the evening, and take what luck deals.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cityhall.engines.pickups import (
    NO_WAY,
    Job,
    Plan,
    Problem,
    Route,
    Unloading,
    Vehicle,
    Window,
    check,
    followed,
    insert,
    offers,
    plan,
)
from cityhall.engines.pickups.model import Int64
from cityhall.engines.pickups.schedule import Visit, forward, place, planned, service, visit
from cityhall.engines.streets import Snap, StreetGraph
from cityhall.engines.streets.network import Network

HOUR = 3600
VEHICLES, SHIFT = 4, (8 * HOUR, 17 * HOUR)
WINDOWS: tuple[Window, ...] = tuple(((8 + 2 * row) * HOUR, (10 + 2 * row) * HOUR) for row in range(4))
MARGIN_S = 15 * 60
"""So long before a window's end we plan to be there: streets and doors have their days."""
ROOM_KG, MEAN_KG = 1000, 17.5
DOOR_S, UNLOAD_S = 240, 15 * 60
STREET_LUCK, DOOR_LUCK = 0.15, 0.35
TODAY = 0.35
"""The share of requests that are made on the day of collection itself."""
METRES_A_SECOND = 7.0
PLACES = (6, 8, 10, 12, 14, 16)
"""Places a vehicle and window that are tried for first come, first served; the number that keeps the most is taken."""
LOST_S = 3 * HOUR
PROCESSES, BOUND_S = 2, 60.0
"""Searches end after so many tries, in always as many processes: the same seed is the same week on any machine."""
AGAIN_S = HOUR


@dataclass(frozen=True, slots=True)
class Request:
    """Asked at `at` (seconds of the collection's day, below 0 the day before), who is at home in `home`, in this order
    of liking.
    """

    at: int
    job: Job
    home: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The problem without jobs; requests in the order in which they were made; what the streets and doors deal."""

    problem: Problem
    requests: list[Request]
    street: Int64
    door: Int64


@dataclass
class Lived:
    """What came of a day, or of several."""

    asked: int = 0
    promised: int = 0
    kept: int = 0
    km: float = 0.0
    overtime_min: float = 0.0
    upset: int = 0

    def add(self, other: Lived) -> None:
        """Takes another day's in."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def told(self) -> dict[str, Any]:
        """As it is shown."""
        return {
            "kept": self.kept,
            "kept_share": round(self.kept / self.promised, 4) if self.promised else None,
            "asked": self.asked,
            "promised": self.promised,
            "km": round(self.km, 1),
            "overtime_min": round(self.overtime_min, 1),
            "upset": self.upset,
        }


class Policy(Protocol):
    """A way to promise."""

    def ask(self, plan: Plan, request: Request) -> Plan | None:
        """The plan with the resident in it, or None where nothing could be promised."""

    def evening(self, plan: Plan, tries: int, seed: int) -> Plan:
        """The plan for the next day."""


class Ours:
    """Offers what the plan can keep.

    On the day before, a plan that has nothing for somebody is searched anew, at most so often, and asked once more.
    """

    def __init__(self, tries: int, seed: int) -> None:
        self.tries, self.seed, self.again = tries, seed, -24 * HOUR

    def ask(self, plan: Plan, request: Request) -> Plan | None:
        """Offers; the resident takes the first in which somebody is at home."""
        asked = self._ask(plan, request)
        if asked is None and self.again <= request.at < 0:
            self.again = request.at + AGAIN_S
            asked = self._ask(_searched(plan, self.tries, self.seed), request)
        return asked

    def _ask(self, plan: Plan, request: Request) -> Plan | None:
        held = {(first, last - MARGIN_S): row for row, (first, last) in enumerate(WINDOWS)}
        open_ = {held[offer.window] for offer in offers(plan, request.job, list(held))}
        chosen = next((row for row in request.home if row in open_), None)
        if chosen is None:
            return None
        first, last = WINDOWS[chosen]
        return insert(plan, replace(request.job, windows=((first, last - MARGIN_S),)))

    def evening(self, plan: Plan, tries: int, seed: int) -> Plan:
        """Searched anew, with what was promised."""
        return _searched(plan, tries, seed)


class FirstCome:
    """Places in a window, whoever comes."""

    def __init__(self, places: int) -> None:
        self.places = places * VEHICLES
        self.taken: Counter[int] = Counter()

    def ask(self, plan: Plan, request: Request) -> Plan | None:
        """Takes a place; who does not fit into the plan is put behind what a vehicle has to do."""
        chosen = next((row for row in request.home if self.taken[row] < self.places), None)
        if chosen is None:
            return None
        self.taken[chosen] += 1
        job = replace(request.job, windows=(WINDOWS[chosen],))
        return insert(plan, job) or _squeezed(plan, job)

    def evening(self, plan: Plan, tries: int, seed: int) -> Plan:
        """Searched anew; who finds no place in it is put behind what a vehicle has to do."""
        made = _searched(plan, tries, seed)
        for one in made.unserved:
            made = _squeezed(replace(made, unserved=made.unserved[1:]), made.problem.jobs[one.job], one.job)
        return made


def _searched(before: Plan, tries: int, seed: int) -> Plan:
    if not before.problem.jobs:
        return before
    return plan(before.problem, BOUND_S, seed, start=before, processes=PROCESSES, tries=tries)


def _squeezed(old: Plan, job: Job, row: int | None = None) -> Plan:
    """The job at the end of the route that is over the soonest, though it, or the vehicle, be late for it."""
    problem = old.problem if row is not None else old.problem.with_jobs(job)
    row = len(problem.jobs) - 1 if row is None else row
    route = min(old.routes, key=lambda route: (route.done > len(route.stops), route.returns))
    visits = [visit(stop) for stop in route.stops]
    load = sum(problem.jobs[stop.job].load[0] for stop in route.trips()[-1] if stop.job is not None)
    if load + job.load[0] > ROOM_KG:
        visits.append(Visit(None, 0, problem.vehicles[route.vehicle].unloading[0].open))
    visits.append(Visit(row, None, job.windows[0]))
    past = route.stops[: min(route.done, len(route.stops))]
    made = forward(problem, route.vehicle, visits, route.leaves, past, late=True)
    assert made is not None
    made = replace(made, done=min(route.done, len(route.stops)))
    others = [one for one in old.routes if one.vehicle != route.vehicle]
    return planned(problem, [*others, made], old.unserved, now=old.now)


def happened(day: Day, problem: Problem, route: Route) -> list[tuple[int, int, int]]:
    """When a vehicle really arrives, begins and leaves at each stop, and at its end (thrice the same)."""
    its = problem.vehicles[route.vehicle]
    at, clock, found = its.start, route.leaves, []
    for stop in route.stops:
        to = place(problem, its, stop)
        arrive = clock + int(problem.seconds[at, to] * day.street[at, to] // 1000)
        begin = max(arrive, stop.window[0])
        takes = service(problem, its, stop)
        at, clock = to, begin + (int(takes * day.door[to] // 1000) if stop.job is not None else takes)
        found.append((arrive, begin, clock))
    home = clock + int(problem.seconds[at, its.end] * day.street[at, its.end] // 1000)
    return [*found, (home, home, home)]


def _now(day: Day, now: int, made: Plan) -> Plan:
    """The plan as it really is at this moment."""
    for route in made.routes:
        real = happened(day, made.problem, route)[:-1]
        under_way = sum(moment <= now for moment in [route.leaves, *(leave for _, _, leave in real)])
        if under_way:
            made = followed(made, route.vehicle, now, route.leaves, real[:under_way])
    return made.begun(now)


def lived(day: Day, policy: Policy, network: _Ways, tries: int, seed: int) -> Lived:
    """One day of collection, from the first request to the last vehicle home."""
    made, told, evening = Plan(day.problem, (), (), 0), Lived(), False
    for request in day.requests:
        told.asked += 1
        if request.at >= 0 and not evening:
            made, evening = policy.evening(made, tries, seed), True
        if request.at >= 0:
            made = _now(day, request.at, made)
        before = made
        asked = policy.ask(made, request)
        if asked is not None:
            told.promised += 1
            told.upset += _upset(before, asked)
            made = asked
    if not evening:
        made = policy.evening(made, tries, seed)
    ends: dict[int, int] = {}
    for route in made.routes:
        real = happened(day, made.problem, route)
        ends[route.vehicle] = real[-1][0]
        told.km += network.km(made.problem, route)
        for stop, (_, begin, _) in zip(route.stops, real, strict=False):
            # What was planned for ends sooner than what was promised.
            told.kept += stop.job is not None and any(first <= begin <= last for first, last in WINDOWS
                                                       if first == stop.window[0])  # fmt: skip
    told.overtime_min = sum(max(end - SHIFT[1], 0) for end in ends.values()) / 60
    return told


def _upset(before: Plan, after: Plan) -> int:
    """How many promises that held before an insertion do not hold after it, or are otherwise broken by it."""

    def late(one: Plan) -> set[int | None]:
        return {stop.job for route in one.routes for stop in route.stops if stop.begin > stop.window[1]}

    new = {len(before.problem.jobs)}
    known = set(check(before.problem, before))
    gone = [text for text in check(after.problem, after, before) if text not in known and "promised" in text]
    done = [text for text in check(after.problem, after, before) if "was done is not" in text or "way home" in text]
    return len(late(after) - late(before) - new) + len(gone) + len(done)


class _Ways:
    """The streets, and the addresses on them."""

    def __init__(self, network: Network, random: np.random.Generator) -> None:
        self.network, self.random = network, random
        self.snaps: list[Snap] = []
        self.known: dict[tuple[Snap, Snap], float] = {}

    def addresses(self, many: int) -> list[Snap]:
        """Doors, anywhere on the streets."""
        points = np.column_stack([self.network.point_lon, self.network.point_lat])
        low, high = np.quantile(points, 0.02, axis=0), np.quantile(points, 0.98, axis=0)
        found: list[Snap] = []
        for _ in range(60):
            tried = self.random.uniform(low, high, (4 * many, 2))
            found += [snap for snap in self.network.snap_all(tried[:, 0], tried[:, 1], 60.0) if snap is not None]
            if len(found) >= many:
                return found[:many]
        raise ValueError("the streets have too few doors that a car gets to")

    def seconds(self, snaps: list[Snap]) -> Int64:
        """(snaps, snaps) seconds by car."""
        ways = np.array([self.network.one_to_many(snap, list(snaps), LOST_S) for snap in snaps])
        ways = np.where(np.isfinite(ways), np.ceil(ways), NO_WAY).astype(np.int64)
        np.fill_diagonal(ways, 0)
        return ways

    def km(self, problem: Problem, route: Route) -> float:
        """How far the route really goes, along the streets."""
        its = problem.vehicles[route.vehicle]
        places = [its.start, *(place(problem, its, stop) for stop in route.stops), its.end]
        total = 0.0
        for one, two in pairwise(places):
            pair = self.snaps[one], self.snaps[two]
            if pair not in self.known:
                path = self.network.route(*pair)
                self.known[pair] = 0.0 if path is None else path.distance
            total += self.known[pair]
        return total / 1000


def make_day(ways: _Ways, requests: int) -> Day:
    """A day's residents, wishes and luck. Place 0 is the depot, 1 and 2 are where vehicles unload."""
    random = ways.random
    many = int(random.poisson(requests))
    ways.snaps = ways.addresses(many + 3)
    seconds = ways.seconds(ways.snaps)
    vehicle = Vehicle(
        SHIFT, (ROOM_KG,), 0, 0, (Unloading(1, UNLOAD_S), Unloading(2, UNLOAD_S)), 0, 1, 2, frozenset(), (), None
    )  # fmt: skip
    metres = np.where(seconds < NO_WAY, seconds * METRES_A_SECOND, NO_WAY).astype(np.int64)
    asked = []
    for row in range(many):
        kilos = min(1 + int(random.exponential(MEAN_KG)), ROOM_KG // 4)
        home = tuple(int(one) for one in random.permutation(len(WINDOWS))[: random.integers(1, len(WINDOWS) + 1)])
        at = (
            int(random.uniform(SHIFT[0], SHIFT[1] - 2 * HOUR))
            if random.random() < TODAY
            else -int(random.integers(1, 12 * HOUR))
        )
        asked.append(Request(at, Job(row + 3, DOOR_S, (kilos,)), home))
    places = many + 3
    return Day(
        Problem((), (vehicle,) * VEHICLES, seconds, metres),
        sorted(asked, key=lambda request: request.at),
        (1000 * random.lognormal(0.0, STREET_LUCK, (places, places))).astype(np.int64),
        (1000 * random.lognormal(0.0, DOOR_LUCK, places)).astype(np.int64),
    )


def run(osm: Path | None, *, days: int = 6, requests: int = 160, tries: int = 250, seed: int = 1) -> dict[str, Any]:
    """Both weeks: kept (promises; `kept_share` of those promised), asked, promised, km, overtime_min, upset.

    Without `osm` a made-up city is taken.
    `upset`: promises that an insertion during the day put out of reach, or parts of routes that it changed behind a
    driver's back. Of first come, first served the number of places that keeps the most promises is shown (`places` a
    vehicle and window), and all that were tried (`tried`). Raises ValueError for streets that cannot be used.
    """
    if not (1 <= days <= 60 and 1 <= requests <= 600 and 1 <= tries <= 1_000_000):
        raise ValueError("give 1 to 60 days, 1 to 600 requests a day and up to a million tries")
    begun = time.perf_counter()
    ways = _Ways(_network(osm), np.random.default_rng(seed))
    ours, tried = Lived(), {places: Lived() for places in PLACES}
    for number in range(days):
        day = make_day(ways, requests)
        ours.add(lived(day, Ours(-(-tries // 2), seed + number), ways, tries, seed + number))
        for places, told in tried.items():
            told.add(lived(day, FirstCome(places), ways, tries, seed + number))
    best = max(tried, key=lambda places: tried[places].kept)
    return {
        "ours": ours.told(),
        "first_come": tried[best].told() | {"places": best},
        "tried": {str(places): told.told() for places, told in tried.items()},
        "city": "made up" if osm is None else osm.name,
        "days": days,
        "seed": seed,
        "tries": tries,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _network(osm: Path | None) -> Network:
    with tempfile.TemporaryDirectory(prefix="cityhall-pickups-") as name:
        if osm is None:
            from cityhall.democity import make

            osm = make(Path(name) / "city").osm
        return StreetGraph.from_osm(osm).network("drive")
