"""Small made-up timetables, and the slow and plain way to search them. Shares no code with the engine's search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from cityhall.engines.gtfs.schedule import (
    Fares,
    Feeds,
    Routes,
    Schedule,
    Services,
    Shapes,
    Stops,
    StopTimes,
    Transfers,
    Trips,
)

DAY = date(2024, 3, 6)
NEVER = 10**9


@dataclass(frozen=True)
class Call:
    stop: int
    arrival: int
    departure: int
    board: bool = True
    alight: bool = True


@dataclass(frozen=True)
class SmallTrip:
    calls: tuple[Call, ...]
    days: tuple[bool, bool, bool] = (False, True, False)  # yesterday, today, tomorrow
    wheelchair: int = 0
    route: int = 0


@dataclass(frozen=True)
class SmallCity:
    stops: int
    trips: tuple[SmallTrip, ...]
    walks: tuple[tuple[int, int, int], ...] = ()
    changes: tuple[tuple[int, int], ...] = ()  # stop, seconds to change there
    barred: frozenset[int] = frozenset()  # stops no wheelchair can use


@dataclass(frozen=True)
class Ask:
    max_rides: int = 7
    slack: int = 0
    walk_limit: int = NEVER
    wheelchair: bool = False


def schedule(city: SmallCity) -> Schedule:
    """The city as the reader of feeds would give it, with the day in the middle of three."""
    n, trips = city.stops, city.trips
    calls = [call for trip in trips for call in trip.calls]
    routes = max((trip.route for trip in trips), default=0) + 1
    nothing, empty = np.zeros(0, np.int32), np.zeros(0)
    int8, int32 = np.int8, np.int32
    return Schedule(
        timezone="UTC",
        agencies={"a": "A"},
        stops=Stops(
            [f"s{i}" for i in range(n)],
            [""] * n,
            [f"S{i}" for i in range(n)],
            np.arange(n) * 0.1,
            np.zeros(n),
            np.full(n, -1, int32),
            np.zeros(n, int8),
            np.array([2 if i in city.barred else 0 for i in range(n)], int8),
        ),
        routes=Routes(
            *([[f"r{i}" for i in range(routes)]] + [[""] * routes] * 3),
            np.full(routes, 3, int32),
            [""] * routes,
            [""] * routes,
        ),
        trips=Trips(
            [f"t{i}" for i in range(len(trips))],
            np.array([trip.route for trip in trips], int32),
            np.arange(len(trips), dtype=int32),
            [""] * len(trips),
            np.zeros(len(trips), int8),
            np.full(len(trips), -1, int32),
            np.array([trip.wheelchair for trip in trips], int8),
            [""] * len(trips),
            np.cumsum([0] + [len(trip.calls) for trip in trips]).astype(np.int64),
        ),
        stop_times=StopTimes(
            np.array([call.stop for call in calls], int32),
            np.array([call.arrival for call in calls], int32),
            np.array([call.departure for call in calls], int32),
            np.array([0 if call.board else 1 for call in calls], int8),
            np.array([0 if call.alight else 1 for call in calls], int8),
            np.zeros(len(calls), np.float32),
            np.concatenate([np.zeros(0, int32), *[np.arange(len(trip.calls), dtype=int32) for trip in trips]]),
        ),
        services=_services(trips),
        shapes=Shapes([], np.zeros(1, np.int64), empty, empty, np.zeros(0, np.float32)),
        transfers=Transfers(
            np.array([stop for stop, _ in city.changes], int32),
            np.array([stop for stop, _ in city.changes], int32),
            np.full(len(city.changes), 2, int8),
            np.array([seconds for _, seconds in city.changes], int32),
        ),
        fares=Fares([], np.zeros(0, np.int64), [], nothing, nothing, nothing, nothing),
        feeds=Feeds([], nothing, nothing),
    )


def _services(trips: list[SmallTrip]) -> Services:
    """A service a trip, on those of the three days that it runs."""
    first = date(2024, 3, 5).toordinal()
    runs = [(first + place, row) for place in range(3) for row, trip in enumerate(trips) if trip.days[place]]
    none, int32 = np.zeros(0, np.int32), np.int32
    return Services(
        [f"d{i}" for i in range(len(trips))],
        *(none, np.zeros(0, np.int8), none, none),
        np.array([day for day, _row in runs], int32),
        np.array([row for _day, row in runs], int32),
        np.ones(len(runs), np.bool_),
    )


def runs(
    city: SmallCity,
    cancelled: frozenset[int] = frozenset(),
    delays: dict[int, tuple[int, int]] | None = None,
    seen: dict[int, list[tuple[int, int]]] | None = None,
    skipped: frozenset[tuple[int, int]] = frozenset(),
) -> list[tuple[SmallTrip, list[Call]]]:
    """Every trip of the three days with its times as of today's midnight.

    Today's may differ: `delays`: trip -> from call, seconds; `seen`: trip -> (arrival, departure) of every call;
    `skipped`: (trip, call) where it does not stop.
    """
    result = []
    for number, trip in enumerate(city.trips):
        for place, running in enumerate(trip.days):
            shift = (place - 1) * 86_400
            if not running or (shift == 0 and number in cancelled):
                continue
            # What a timetable of one day takes in of the days around it.
            if (shift < 0 and trip.calls[-1].arrival < 86_400) or (shift > 0 and trip.calls[0].departure >= 43_200):
                continue
            late_from, late = (delays or {}).get(number, (0, 0)) if shift == 0 else (0, 0)
            calls, clock = [], -NEVER
            known = (seen or {}).get(number) if shift == 0 else None
            for at, call in enumerate(trip.calls):
                extra = shift + (late if at >= late_from else 0)
                comes, goes = known[at] if known else (call.arrival + extra, call.departure + extra)
                arrival = max(clock, comes)
                clock = max(arrival, goes)
                stops = shift != 0 or (number, at) not in skipped
                calls.append(Call(call.stop, arrival, clock, call.board and stops, call.alight and stops))
            result.append((trip, calls))
    return result


def arrivals(
    city: SmallCity,
    moving: list[tuple[SmallTrip, list[Call]]],
    sources: list[tuple[int, int]],
    departure: int,
    ask: Ask,
    until: int = NEVER,
) -> list[list[int]]:
    """[rides][stop]: earliest arrival by vehicle with at most so many rides, trip by trip, no pruning at all.

    `until`: the latest time to leave for the first ride; who leaves in a window does not wait at a stop
    for what comes after it.
    """
    changes = dict(city.changes)

    def usable(stop: int) -> bool:
        return not (ask.wheelchair and stop in city.barred)

    ready = [NEVER] * city.stops
    first = [(stop, seconds) for stop, seconds in sources if usable(stop)]

    def may_begin(call: Call) -> bool:
        return any(stop == call.stop and departure <= call.departure - seconds <= until for stop, seconds in first)

    best = [NEVER] * city.stops
    table = [list(best)]
    for _ in range(ask.max_rides):
        reached = list(best)
        for trip, calls in moving:
            if ask.wheelchair and trip.wheelchair == 2:
                continue
            aboard = False
            for call in calls:
                if aboard and call.alight and usable(call.stop):
                    reached[call.stop] = min(reached[call.stop], call.arrival)
                aboard = aboard or (call.board and (ready[call.stop] <= call.departure or may_begin(call)))
        best = reached
        table.append(list(best))
        for stop in range(city.stops):
            if best[stop] < NEVER:
                ready[stop] = min(ready[stop], best[stop] + changes.get(stop, 0) + ask.slack)
        for origin, target, seconds in city.walks:
            if best[origin] < NEVER and seconds <= ask.walk_limit and usable(target):
                ready[target] = min(ready[target], best[origin] + seconds + ask.slack)
    return table


def at_goal(table: list[list[int]], targets: list[tuple[int, int]]) -> list[int]:
    """[rides]: earliest arrival at the goal."""
    return [min(row[stop] + seconds for stop, seconds in targets) for row in table]


def pareto(ends: list[int]) -> list[tuple[int, int]]:
    """(arrival, rides) of which none is beaten by fewer rides."""
    result: list[tuple[int, int]] = []
    for rides, end in enumerate(ends):
        if end < NEVER and (not result or end < result[-1][0]):
            result.append((end, rides))
    return result


def departures(moving: list[tuple[SmallTrip, list[Call]]], sources: list[tuple[int, int]]) -> list[int]:
    """Every time at which one has to leave to just make some boarding, latest first."""
    offsets: dict[int, set[int]] = {}
    for stop, seconds in sources:
        offsets.setdefault(stop, set()).add(seconds)
    times = {
        call.departure - seconds for _, calls in moving for call in calls for seconds in offsets.get(call.stop, ())
    }
    return sorted(times, reverse=True)
