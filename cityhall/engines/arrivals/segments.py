"""How much longer than planned each segment takes, learned from where vehicles were: a shrunken additive model.

The logarithm of (seconds taken / seconds planned) of a segment, stop to stop with the dwell at its first, is

    city[kind of day, hour] + route[route, part of the day] + segment[segment] + local[segment, part of the day]

Two sightings some segments apart tell only of their sum, so each passes its surplus on to all the segments it covers
in proportion to what they were expected to take, and the terms are fitted again (backfitting; the passing on is the E
step of expectation-maximisation). Each term is shrunk towards nothing by a weight of evidence as James and Stein's
estimators are: a segment seen twice hardly differs from its route, a route never seen is the city, a city never seen
is the timetable.

A city's hour, and a route's part of the day, is shrunk towards the mean of its others first: on a kind of day that was
never seen, a city slower than its timetable is still so. Not towards the same hour of other kinds of day: Sunday has
not Monday's rush.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cityhall.engines.arrivals.trips import Float, Int, Int32, Traces, Trips
from cityhall.engines.compiled import compiled

HOURS = 24
KINDS = 3
PARTS = np.repeat(np.arange(6), [6, 3, 4, 3, 3, 5]).astype(np.int64)
"""(24,) the part of the day of each hour: night, early peak, late morning, afternoon, late peak, evening."""
CELLS = 6 * KINDS
DWELL_S, SHRINK_DWELL, LONGEST_DWELL_S = 15.0, 4.0, 150.0
SHRINK_CITY, SHRINK_ROUTE, SHRINK_SEGMENT, SHRINK_LOCAL = 20.0, 8.0, 1.5, 3.0
LEVELS = ("city", "route", "segment")
PASSES = 3
LEAST, MOST = -0.7, 1.5
HALF_LIFE_DAYS = 30.0
"""What was seen this long ago weighs half."""
LONGEST_S = 1500.0
"""Sightings farther apart than this tell nothing of what lies between."""
LEFT = 0.15
"""A vehicle is waiting to begin until it has passed this much of its first segment."""


@dataclass(frozen=True)
class Segments:
    """What was learned. Sums of evidence and of evidence x surplus, and the terms they give; see the module.

    names: segments as "from>to"; routes: route ids; day: ordinal that the sums were aged to, 0 with nothing learned.
    city_*: (KINDS * HOURS,); route_*: (routes, CELLS); local_*: (segments, CELLS); segment_term: (segments,); dwell_*:
    (segments,) of standing at the first stop, seconds.
    """

    names: list[str]
    routes: list[str]
    day: int
    city_weight: Float
    city_sum: Float
    route_weight: Float
    route_sum: Float
    local_weight: Float
    local_sum: Float
    city_term: Float
    route_term: Float
    segment_term: Float
    local_term: Float
    dwell_weight: Float
    dwell_sum: Float

    @classmethod
    def empty(cls, names: Sequence[str] = (), routes: Sequence[str] = ()) -> Segments:
        """Nothing learned: every segment takes what the timetable says."""
        many, lines, hours = (len(names), CELLS), (len(routes), CELLS), KINDS * HOURS
        return cls(
            list(names),
            list(routes),
            0,
            *(np.zeros(hours), np.zeros(hours), np.zeros(lines), np.zeros(lines), np.zeros(many), np.zeros(many)),
            *(np.zeros(hours), np.zeros(lines), np.zeros(len(names)), np.zeros(many)),
            *(np.zeros(len(names)), np.zeros(len(names))),
        )

    def bound(self, trips: Trips) -> tuple[Segments, Int32]:
        """This with a row for every segment and route of `trips`, in any order of its own, and (calls,) those rows.

        A call at the end of its trip has row -1.
        """
        row = {name: number for number, name in enumerate(self.names)}
        rows = np.empty(trips.stop.size, np.int32)
        for call, name in enumerate(trips.segment_names):
            rows[call] = row.setdefault(name, len(row)) if name else -1
        return self._widened(list(row), list(dict.fromkeys([*self.routes, *trips.route_ids]))), rows

    def route_rows(self, trips: Trips) -> Int32:
        """(trips,) the row here of each trip's route; `bound` first."""
        row = {name: number for number, name in enumerate(self.routes)}
        own = np.array([row[name] for name in trips.route_ids], np.int32)
        return np.asarray(own[trips.route])

    def _widened(self, names: list[str], routes: list[str]) -> Segments:
        more, lines = len(names) - len(self.names), len(routes) - len(self.routes)
        if not more and not lines:
            return self

        def wide(column: Float, rows: int) -> Float:
            return np.pad(column, ((0, rows), (0, 0)) if column.ndim == 2 else (0, rows))

        return replace(
            self,
            names=names,
            routes=routes,
            route_weight=wide(self.route_weight, lines),
            route_sum=wide(self.route_sum, lines),
            route_term=wide(self.route_term, lines),
            local_weight=wide(self.local_weight, more),
            local_sum=wide(self.local_sum, more),
            local_term=wide(self.local_term, more),
            segment_term=wide(self.segment_term, more),
            dwell_weight=wide(self.dwell_weight, more),
            dwell_sum=wide(self.dwell_sum, more),
        )

    @property
    def dwell(self) -> Float:
        """(segments,) seconds that a vehicle stands at the segment's first stop."""
        total = self.dwell_weight.sum()
        usual = (self.dwell_sum.sum() + DWELL_S * SHRINK_CITY) / (total + SHRINK_CITY)
        return np.asarray((self.dwell_sum + usual * SHRINK_DWELL) / (self.dwell_weight + SHRINK_DWELL))

    def learn(self, traces: Traces, trips: Trips, today: int | None = None) -> Segments:
        """This and what `traces` show. `today` (ordinal, the newest day where left out) is what evidence is aged to."""
        found, rows = self.bound(trips)
        if len(traces) == 0:
            return found
        today = int(traces.day.max()) if today is None else today
        kept = 0.5 ** (max(0, today - found.day) / HALF_LIFE_DAYS) if found.day else 1.0
        seen = sightings(traces, trips)
        weight = 0.5 ** (np.abs(today - traces.day) / HALF_LIFE_DAYS)
        before = [
            column * kept
            for column in (
                *(found.city_weight, found.city_sum, found.route_weight, found.route_sum),
                *(found.local_weight, found.local_sum),
            )
        ]
        routes = found.route_rows(trips)
        for level in LEVELS * PASSES:
            sums = [column.copy() for column in before]
            terms = found.city_term, found.route_term, found.segment_term, found.local_term
            _pass_on(
                *(seen.run, seen.begin, seen.end, seen.seconds, seen.at, weight[seen.run]),
                *(traces.trip, traces.midnight, traces.kind, trips.first, trips.planned, rows, routes, *terms, *sums),
            )
            found = _fitted(found, level, sums)
        stood, times = found.dwell_sum * kept, found.dwell_weight * kept
        _dwells(traces.first, traces.at, traces.place, traces.trip, weight, trips.first, rows, stood, times)
        return replace(found, day=today, dwell_sum=stood, dwell_weight=times)


def _fitted(found: Segments, level: str, sums: list[Float]) -> Segments:
    """One level fitted again: all at once would each explain the same surplus, and swing."""
    city_weight, city_sum, route_weight, route_sum, local_weight, local_sum = sums
    if level == "city":
        term = _nested(city_weight, city_sum, SHRINK_CITY)
        return replace(found, city_weight=city_weight, city_sum=city_sum, city_term=term)
    if level == "route":
        term = _nested(route_weight, route_sum, SHRINK_ROUTE)
        return replace(found, route_weight=route_weight, route_sum=route_sum, route_term=term)
    segment = local_sum.sum(axis=1) / (local_weight.sum(axis=1) + SHRINK_SEGMENT)
    return replace(
        found,
        local_weight=local_weight,
        local_sum=local_sum,
        segment_term=segment,
        local_term=(local_sum - local_weight * segment[:, None]) / (local_weight + SHRINK_LOCAL),
    )


def _nested(weight: Float, sums: Float, shrink: float) -> Float:
    """(..., cells) the mean of each cell, shrunk to the mean of all of them, and that to nothing."""
    whole = (sums.sum(axis=-1) / (weight.sum(axis=-1) + shrink))[..., None]
    return np.asarray(whole + (sums - weight * whole) / (weight + shrink))


@dataclass(frozen=True)
class Sightings:
    """Ways that vehicles were seen to go, (ways,): by `run` from place `begin` to `end` in `seconds`, around `at`."""

    run: Int
    begin: Float
    end: Float
    seconds: Float
    at: Float


def sightings(traces: Traces, trips: Trips) -> Sightings:
    """The ways between successive points of each run, without the wait before it began and after it ended."""
    last = (trips.first[traces.trip + 1] - trips.first[traces.trip] - 1).astype(np.float64)
    return Sightings(*_ways(traces.first, traces.at, traces.place, last))


@compiled()
def _ways(first, at, place, last):  # type: ignore[no-untyped-def]
    run = np.empty(at.size, np.int64)
    begin, end, seconds, middle = np.empty(at.size), np.empty(at.size), np.empty(at.size), np.empty(at.size)
    count = 0
    for r in range(first.size - 1):
        since = -1
        for row in range(first[r], first[r + 1]):
            if place[row] != place[row]:
                continue
            # A wait counts to the way that follows it: a segment's time includes the dwell at its first stop.
            if since >= 0 and place[row] <= place[since] + 0.01:
                continue
            if since >= 0 and place[since] > LEFT and place[row] < last[r] - 0.05:
                if 0 < at[row] - at[since] <= LONGEST_S:
                    run[count], begin[count], end[count] = r, place[since], place[row]
                    seconds[count] = at[row] - at[since]
                    middle[count] = (at[row] + at[since]) / 2
                    count += 1
            since = row
    return run[:count], begin[:count], end[:count], seconds[:count], middle[:count]


@compiled()
def _dwells(first, at, place, trip, weight, calls_first, rows, stood, times):  # type: ignore[no-untyped-def]
    """Adds how long vehicles stood: two points of a run at one and the same stop are its arrival and its leaving."""
    for r in range(trip.size):
        base, last = calls_first[trip[r]], calls_first[trip[r] + 1] - calls_first[trip[r]] - 1
        for row in range(first[r] + 1, first[r + 1]):
            k = place[row]
            if k == place[row - 1] and k == np.floor(k) and 0 < k < last:
                stood[rows[base + int(k)]] += weight[r] * min(LONGEST_DWELL_S, at[row] - at[row - 1])
                times[rows[base + int(k)]] += weight[r]


@compiled(inline="always")
def hour_of(at, midnight):  # type: ignore[no-untyped-def]
    """The hour of the service day's clock, 0 to 23; what lies past its midnight begins at 0 again.

    The timetable's own clock, not the zone's: days on both sides of a change of the zone's are learned together.
    """
    return int(((at - midnight) % 86_400) // 3600)


@compiled(inline="always")
def excess(seconds, expected):  # type: ignore[no-untyped-def]
    """How much longer than expected, as a share, within LEAST and MOST.

    Not the logarithm: its mean is below that of the times by half their variance, an eighth over two minutes of a bus.
    """
    return min(MOST, max(LEAST, seconds / expected - 1.0))


@compiled()
def surplus(kind, hour, route, row, city, lines, segment, local):  # type: ignore[no-untyped-def]
    """The logarithm of a segment's seconds over those planned."""
    cell = kind * 6 + PARTS[hour]
    return city[kind * HOURS + hour] + lines[route, cell] + segment[row] + local[row, cell]


@compiled()
def _pass_on(  # type: ignore[no-untyped-def]
    run, begin, end, seconds, at, weight, trip, midnights, kinds, first, planned, rows, routes,
    city, lines, segment, local, city_w, city_s, line_w, line_s, local_w, local_s,
):  # fmt: skip
    """Adds every way's evidence to the sums, with the other terms taken off."""
    for way in range(run.size):
        r = run[way]
        kind, route, hour = kinds[r], routes[trip[r]], hour_of(at[way], midnights[r])
        cell, base = kind * 6 + PARTS[hour], first[trip[r]]
        expected, k0, k1 = 0.0, int(begin[way]), int(np.ceil(end[way]))
        for k in range(k0, k1):
            part = min(end[way], k + 1.0) - max(begin[way], float(k))
            log = surplus(kind, hour, route, rows[base + k], city, lines, segment, local)
            expected += part * planned[base + k] * np.exp(log)
        if expected <= 1.0:
            continue
        over = excess(seconds[way], expected)
        for k in range(k0, k1):
            part = min(end[way], k + 1.0) - max(begin[way], float(k))
            row = rows[base + k]
            log = surplus(kind, hour, route, row, city, lines, segment, local)
            here = weight[way] * part * planned[base + k] * np.exp(log) / (seconds[way] + 30.0)
            city_w[kind * HOURS + hour] += here
            city_s[kind * HOURS + hour] += here * (over + city[kind * HOURS + hour])
            line_w[route, cell] += here
            line_s[route, cell] += here * (over + lines[route, cell])
            local_w[row, cell] += here
            local_s[row, cell] += here * (over + segment[row] + local[row, cell])
