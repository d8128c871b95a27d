"""A day's rounds: from the order that is kept to a plan with times, as far as the day has really gone.

Only the order of stops is kept (`Round`). Whatever reads it leaves out what was cancelled, puts who is in no order yet
where there is room, and reckons the times anew; what was weighed already, and when, moves all that is still to come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Prefetch
from django.utils import timezone

from cityhall.kernel.places.point import Point
from cityhall.services.recycling import trucks, workflow
from cityhall.services.recycling.models import Pickup, Round, Truck, Weighed
from cityhall.services.recycling.rules import day_of, rules, today
from cityhall.services.recycling.trucks import Rooms
from cityhall.services.recycling.ways import Pair, ways
from cityhall.services.recycling.workflow import State

if TYPE_CHECKING:
    from cityhall.engines.pickups import Job, Plan, Problem, Route, Window

UNLOAD = "u"
"""Before the number of a truck's place to unload at, in an order."""
Order = dict[str, list[int | str]]
Kept = tuple[list[int | str], list[int | str]]
"""A truck's stops that are over, and those to come."""


@dataclass(frozen=True, eq=False)
class Day:
    """A day with its plan: jobs are the `pickups`, vehicles the `trucks`, in these orders; `points` are the places."""

    day: date
    trucks: tuple[Truck, ...]
    rooms: Rooms
    pickups: tuple[Pickup, ...]
    points: tuple[Point, ...]
    plan: Plan

    def moment(self, seconds: int) -> datetime:
        """The moment of so many seconds of this day."""
        return trucks.midnight(self.day) + timedelta(seconds=seconds)

    def window(self, begin: datetime, end: datetime) -> Window:
        """A promised window as it is planned: a while before its end, since streets and doors have their days."""
        first = max(0, trucks.seconds_of(self.day, begin))
        return first, max(first, trucks.seconds_of(self.day, end) - 60 * rules().margin_minutes)

    def job(self, place: int, grams: Mapping[str, int], windows: tuple[Window, ...], *, known: bool) -> Job:
        """Something to fetch; `known`: whether its place is, or it takes what finding it takes."""
        from cityhall.engines.pickups import Job

        minutes = rules().door_minutes if known else rules().unknown_minutes
        return Job(place, 60 * minutes, self.rooms.load(grams), windows, skills=frozenset(grams))

    def row(self, point: Point | None) -> int:
        """The row of a place that the day was read with; of one that nobody knows, the first depot's."""
        return self.points.index(_depot(self.trucks) if point is None else point)

    def order(self) -> Order:
        """The order of the plan, as it is kept."""
        return {
            self.trucks[route.vehicle].key: [
                f"{UNLOAD}{stop.unloading}" if stop.job is None else self.pickups[stop.job].pk for stop in route.stops
            ]
            for route in self.plan.routes
        }


@dataclass(frozen=True)
class Known:
    """What is in the database of some days, read at once."""

    trucks: tuple[Truck, ...]
    pickups: Mapping[date, list[Pickup]]
    rounds: Mapping[date, Round]

    @classmethod
    def of(cls, days: Collection[date]) -> Known:
        """Of these days, which need not follow upon one another."""
        found: dict[date, list[Pickup]] = {one: [] for one in days}
        every = tuple(Truck.objects.filter(active=True))
        if not every or not days:
            return cls(every, found, {})
        begin, end = trucks.midnight(min(days)), trucks.midnight(max(days) + timedelta(days=1))
        lines = Prefetch(
            "weighing__lines", Weighed.objects.filter(valid=True).select_related("material"), to_attr="valid_lines"
        )
        rows = (
            Pickup.objects.filter(begin__gte=begin, begin__lt=end)
            .exclude(state__in=(State.CANCELLED, State.ASKED))
            .select_related("weighing")
            .prefetch_related("estimates__material", lines)
            .order_by("begin", "pk")
        )
        for one in rows:
            assert one.begin is not None, "only what has a window was asked for"
            if (day := day_of(one.begin)) in found:
                found[day].append(one)
        return cls(every, found, {one.day: one for one in Round.objects.filter(day__in=days)})

    def day(self, day: date, extra: Point | None = None, materials: Iterable[str] = (), *, whole: bool = False) -> Day:
        """One of the days. `extra` is a place that somebody asks for, with these materials.

        `whole`: with the ways between all places, for a search; else with those that one more stop may need.
        """
        return _read(self, day, extra, frozenset(materials), whole=whole)


def read(day: date, *, whole: bool = False) -> Day:
    """A day as it stands."""
    return Known.of([day]).day(day, whole=whole)


def locked(day: date) -> Round:
    """The day's round under its lock: whoever promises a window of the day has it until the promise is written."""
    found, _made = Round.objects.get_or_create(day=day, defaults={"changed_at": timezone.now()})
    return Round.objects.select_for_update().get(pk=found.pk)


def grams_of(pickup: Pickup) -> dict[str, int]:
    """Grams by material: as weighed, nothing where nothing was collected, else as it was estimated."""
    if pickup.state == State.MISSED:
        return {}
    found: dict[str, int] = {}
    weighing = getattr(pickup, "weighing", None)
    for one in pickup.estimates.all() if weighing is None else weighing.valid_lines:
        found[one.material.key] = found.get(one.material.key, 0) + one.grams
    return found


def _read(known: Known, day: date, extra: Point | None, materials: frozenset[str], *, whole: bool) -> Day:
    from cityhall.engines.pickups import Plan, Problem, Unserved
    from cityhall.engines.pickups.schedule import planned

    driving, pickups = trucks.driving(known.trucks, day), tuple(known.pickups.get(day, ()))
    grams = [grams_of(one) for one in pickups]
    kept = known.rounds.get(day)
    orders = [_kept(one, pickups, kept.order.get(one.key, []) if kept else []) for one in driving]
    placed = {stop for past, coming in orders for stop in (*past, *coming)}
    loose = {one.pk for one in pickups if one.pk not in placed and one.state in workflow.OPEN}
    places = {one.pk: one.point or _depot(driving) for one in pickups}
    points = tuple(dict.fromkeys([*_hubs(driving), *places.values(), *([extra] if extra is not None else [])]))
    rows = {point: row for row, point in enumerate(points)}
    around = {places[one] for one in loose} | ({extra} if extra is not None else set())
    pairs = _every(points) if whole else _along(points, driving, orders, places, around)
    rooms = Rooms.of(driving)
    every = materials.union(*grams)
    vehicles = tuple(trucks.vehicle(one, day, rooms, every, rows) for one in driving)
    seconds, metres = ways().table(points, ((rows[one], rows[two]) for one, two in pairs))
    problem = Problem((), vehicles, seconds, metres)
    made = Day(day, driving, rooms, pickups, points, Plan(problem, (), (), 0))
    if not driving:
        return made
    jobs = tuple(
        made.job(rows[places[one.pk]], load, (_window(made, one),), known=one.point is not None)
        for one, load in zip(pickups, grams, strict=True)
    )
    problem, numbers = replace(problem, jobs=jobs), {one.pk: row for row, one in enumerate(pickups)}
    routes = [_route(problem, number, one, numbers) for number, one in enumerate(orders)]
    absent = [Unserved(row, "room") for row, one in enumerate(pickups) if one.pk not in placed]
    made = replace(made, plan=planned(problem, routes, absent))
    return _with_loose(_as_it_goes(made, orders) if day == today() else made, loose)


def _depot(driving: Sequence[Truck]) -> Point:
    """Where something is that gave no place on the map: the first truck's depot."""
    return driving[0].depot if driving else Point(0.0, 0.0)


def _window(made: Day, one: Pickup) -> Window:
    assert one.begin is not None and one.end is not None, "a promised pickup has a window"
    return made.window(one.begin, one.end)


def _hubs(driving: Sequence[Truck]) -> list[Point]:
    """From where trucks leave, and where they unload."""
    return [point for one in driving for point in trucks.places_of(one)]


def _every(points: Sequence[Point]) -> set[Pair]:
    """All ways between the places, reckoned."""
    for one in points:
        ways().learn_around(one, points)
    return {(one, two) for one in points for two in points}


def _along(
    points: Sequence[Point],
    driving: Sequence[Truck],
    orders: Sequence[Kept],
    places: Mapping[int, Point],
    around: Collection[Point],
) -> set[Pair]:
    """The ways along the orders, and those around depots and what may be put in between; reckoned."""
    pairs: set[Pair] = set()
    for one, (past, coming) in zip(driving, orders, strict=True):
        hubs = trucks.places_of(one)
        line = [places[stop] if isinstance(stop, int) else hubs[1 + _unloading(stop)] for stop in (*past, *coming)]
        pairs |= set(zip([one.depot, *line], [*line, one.depot], strict=True))
    ways().learn(pairs)
    for middle in {*_hubs(driving), *around}:
        ways().learn_around(middle, points)
        pairs |= {pair for one in points for pair in ((middle, one), (one, middle))}
    return pairs


def _unloading(stop: str) -> int:
    return int(stop.removeprefix(UNLOAD))


def _kept(truck: Truck, pickups: Sequence[Pickup], kept: Sequence[int | str]) -> Kept:
    """A truck's stops: what is over in the order in which it was, then what is to come; nothing that was cancelled.

    Where a stop behind an unloading is over or under way, so is the unloading. One with nothing to unload is left out.
    """
    there = {one.pk: one for one in pickups}
    known = [one for one in kept if (one in there if isinstance(one, int) else _unloading(one) < len(truck.unloading))]
    states = [there[one].state if isinstance(one, int) else "" for one in known]
    over = [state not in ("", *workflow.OPEN) for state in states]
    reached = max((row for row, state in enumerate(states) if over[row] or state == State.ON_WAY), default=-1)
    past = [one for row, one in enumerate(known[: reached + 1]) if over[row] or isinstance(one, str)]
    coming = [one for row, one in enumerate(known) if not over[row] and (row > reached or isinstance(one, int))]
    coming.sort(key=lambda one: not (isinstance(one, int) and there[one].state == State.ON_WAY))
    past = _without_idle(_as_done(past, there))
    coming = _without_idle(coming, bool(past) and isinstance(past[-1], int))
    while coming and isinstance(coming[-1], str):
        coming.pop()
    return past, coming


def _as_done(past: Sequence[int | str], there: Mapping[int, Pickup]) -> list[int | str]:
    """Stops that are over by when the crew came; an unloading stays behind what it was planned behind."""
    moments: list[tuple[float, int]] = []
    latest = 0.0
    for row, one in enumerate(past):
        came = there[one].came_at if isinstance(one, int) else None
        moments.append((came.timestamp() if came else latest, row))
        latest = max(latest, moments[-1][0])
    return [past[row] for _moment, row in sorted(moments)]


def _without_idle(order: Sequence[int | str], full: bool = False) -> list[int | str]:
    """Without unloading where nothing was collected before; `full`: something was before all of it."""
    made: list[int | str] = []
    for one in order:
        if isinstance(one, int) or full:
            made.append(one)
        full = isinstance(one, int)
    return made


def _route(problem: Problem, number: int, kept: Kept, rows: Mapping[int, int]) -> Route:
    """A truck's route as it was planned, though somebody in it be late."""
    from cityhall.engines.pickups.schedule import Visit, forward

    its = problem.vehicles[number]
    visits = []
    for one in (*kept[0], *kept[1]):
        if isinstance(one, int):
            visits.append(Visit(rows[one], None, problem.jobs[rows[one]].windows[0]))
        else:
            visits.append(Visit(None, _unloading(one), its.unloading[_unloading(one)].open))
    route = forward(problem, number, visits, its.shift[0], (), late=True)
    assert route is not None, "no trip waits for a release"
    return route


def _as_it_goes(made: Day, orders: Sequence[Kept]) -> Day:
    """Today's plan from what has happened: each stop that is over was when the crew came, the next is still to come."""
    from cityhall.engines.pickups import followed

    now = trucks.seconds_of(made.day, timezone.now())
    plan = made.plan
    for route in plan.routes:
        past: list[int] = []
        for stop in route.stops[: len(orders[route.vehicle][0])]:
            came = made.pickups[stop.job].came_at if stop.job is not None else None
            before = past[-1] if past else made.plan.problem.vehicles[route.vehicle].shift[0]
            past.append(max(before if past else 0, trucks.seconds_of(made.day, came)) if came else before)
        coming = [stop.job for stop in route.stops[len(past) : len(past) + 1] if stop.job is not None]
        on_way = any(made.pickups[job].state == State.ON_WAY for job in coming)
        leaves, times = _under_way(plan, route, now, past, on_way)
        plan = followed(plan, route.vehicle, now, leaves, times)
    return replace(made, plan=plan.begun(now))


def _under_way(
    plan: Plan, route: Route, now: int, past: list[int], on_way: bool
) -> tuple[int, list[tuple[int, int, int]]]:
    """When the truck left, and when it was at its stops. Who is still to come is not expected before now.

    Where it would only wait at the next door it is still where it was, unless the crew said that it is `on_way`.
    """
    from cityhall.engines.pickups.schedule import place

    its, row = plan.problem.vehicles[route.vehicle], len(past)
    ahead = place(plan.problem, its, route.stops[row]) if row < len(route.stops) else its.end
    here = place(plan.problem, its, route.stops[row - 1]) if past else its.start
    way = int(plan.problem.seconds[here, ahead])
    opens = route.stops[row].window[0] if row < len(route.stops) and not on_way else 0
    latest = now + 1 if opens - way > now else now - way
    if not past:
        return max(its.shift[0], latest), []
    times = [(moment, moment, moment) for moment in past]
    times[-1] = (past[-1], past[-1], max(past[-1], latest))
    return min(its.shift[0], past[0]), times


def _with_loose(made: Day, loose: Collection[int]) -> Day:
    """Who is in no order yet is put where there is room; who finds none stays unserved."""
    from cityhall.engines.pickups import serve

    plan = made.plan
    for row, one in enumerate(made.pickups):
        if one.pk in loose:
            plan = serve(plan, row) or plan
    return replace(made, plan=plan)
