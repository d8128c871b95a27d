"""Patterns: trips that call at the same stops under the same rules, none overtaking another.

RAPTOR calls these routes; the name is kept for GTFS's own. Source: Delling, Pajor, Werneck: Round-Based
Public Transit Routing (ALENEX 2012), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Bool, Int8, Int32, Int64


@dataclass(frozen=True, slots=True)
class Patterns:
    """P patterns with N trips in all, flattened.

    Pattern p calls at `stops[first[p]:first[p + 1]]`; the times of its n calls and m trips are a block from
    `times_first[p]` on, trip by trip (trip t at call i: t * n + i), so that a ride and the trip before it
    are both read in a row. Seconds after the service day's midnight.
    """

    first: Int64  # (P + 1,)
    stops: Int32  # (calls,)
    board: Bool  # (calls,)
    alight: Bool  # (calls,)
    trips_first: Int64  # (P + 1,) into the rows below
    trip: Int32  # (N,) row of the trip in the schedule
    shift: Int32  # (N,) seconds its times were moved: -86 400 for the service day before
    wheelchair: Int8  # (N,) 0 not known, 1 yes, 2 no
    running: Bool  # (N,) False where cancelled, or moved to a pattern of its own by a delay
    times_first: Int64  # (P + 1,)
    arrival: Int32
    departure: Int32

    def __len__(self) -> int:
        return int(self.first.size - 1)

    def times(self, p: int) -> tuple[Int32, Int32]:
        """(trips, calls) arrivals and departures of pattern p."""
        block = slice(int(self.times_first[p]), int(self.times_first[p + 1]))
        shape = (int(self.trips_first[p + 1] - self.trips_first[p]), int(self.first[p + 1] - self.first[p]))
        return self.arrival[block].reshape(shape), self.departure[block].reshape(shape)


@dataclass(frozen=True, slots=True)
class Runs:
    """Trips as they run on one day, before they are sorted into patterns. Row r's calls are
    first[r]:first[r+1].
    """

    trip: Int32
    shift: Int32
    wheelchair: Int8
    first: Int64
    stop: Int32
    arrival: Int32
    departure: Int32
    board: Bool
    alight: Bool


@compiled()
def _chains(order: Int64, group: Int32, first: Int64, arrival: Int32, departure: Int32) -> Int32:
    """(runs,) which chain of its group each run joins: the first whose last run it does not overtake
    anywhere.
    """
    chain = np.zeros(order.size, np.int32)
    last = np.empty(order.size, np.int64)
    count, now = 0, -1
    for place in range(order.size):
        run = order[place]
        if group[run] != now:
            now, count = group[run], 0
        chosen = count
        for candidate in range(count):
            before = last[candidate]
            ahead = True
            for call in range(first[run + 1] - first[run]):
                a, b = first[before] + call, first[run] + call
                if arrival[b] < arrival[a] or departure[b] < departure[a]:
                    ahead = False
                    break
            if ahead:
                chosen = candidate
                break
        if chosen == count:
            count += 1
        last[chosen] = run
        chain[run] = chosen
    return chain


def _groups(runs: Runs) -> Int32:
    seen: dict[bytes, int] = {}
    group = np.empty(runs.trip.size, np.int32)
    for run in range(runs.trip.size):
        rows = slice(runs.first[run], runs.first[run + 1])
        key = b"".join(
            (
                runs.stop[rows].tobytes(),
                runs.board[rows].tobytes(),
                runs.alight[rows].tobytes(),
            )
        )
        group[run] = seen.setdefault(key, len(seen))
    return group


def build_patterns(runs: Runs) -> Patterns:
    """Sorts runs into patterns, each pattern's trips by departure."""
    group = _groups(runs)
    starts = runs.departure[runs.first[:-1]] if runs.trip.size else np.zeros(0, np.int32)
    ends = runs.arrival[runs.first[1:] - 1] if runs.trip.size else np.zeros(0, np.int32)
    order = np.lexsort((ends, starts, group)).astype(np.int64)
    chain = _chains(order, group, runs.first, runs.arrival, runs.departure)
    order = np.lexsort((ends, starts, chain, group)).astype(np.int64)
    bounds = np.flatnonzero(np.diff(group[order] * (int(chain.max(initial=0)) + 1) + chain[order], prepend=-1))
    members = np.split(order, bounds[1:]) if order.size else []
    return _flatten(runs, members)


def _flatten(runs: Runs, members: Sequence[Int64]) -> Patterns:
    lengths = np.diff(runs.first)
    order = np.concatenate(members) if members else np.zeros(0, np.int64)
    rows, _ = spread(runs.first[order], lengths[order])
    heads = np.array([group[0] for group in members], np.int64)
    call, _ = spread(runs.first[heads], lengths[heads])
    sizes = np.array([group.size for group in members], np.int64)
    return Patterns(
        first=_offsets(lengths[heads]),
        stops=runs.stop[call],
        board=runs.board[call],
        alight=runs.alight[call],
        trips_first=_offsets(sizes),
        trip=runs.trip[order],
        shift=runs.shift[order],
        wheelchair=runs.wheelchair[order],
        running=np.ones(order.size, np.bool_),
        times_first=_offsets(lengths[heads] * sizes),
        arrival=runs.arrival[rows],
        departure=runs.departure[rows],
    )


def spread(first: Int64, lengths: Int64) -> tuple[Int64, Int64]:
    """The rows first[i] .. first[i] + lengths[i] - 1 for each i in turn, and which i each came from."""
    owner = np.repeat(np.arange(first.size), lengths)
    starts = np.cumsum(lengths) - lengths
    return first[owner] + np.arange(owner.size) - starts[owner], owner


def _offsets(lengths: Int64) -> Int64:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def join(a: Patterns, b: Patterns) -> Patterns:
    """The patterns of `a`, then those of `b`."""
    joined = {}
    for column in fields(Patterns):
        left, right = getattr(a, column.name), getattr(b, column.name)
        if column.name in ("first", "trips_first", "times_first"):
            joined[column.name] = np.concatenate([left, right[1:] + left[-1]])
        else:
            joined[column.name] = np.concatenate([left, right])
    return Patterns(**joined)


def reverse(patterns: Patterns) -> Patterns:
    """The same rides with time running backwards: stops in reverse, times negated, arrivals and departures
    swapped.

    A search for the earliest arrival on it is a search for the latest departure on the original.
    """
    calls, trips, times = (backwards(first) for first in (patterns.first, patterns.trips_first, patterns.times_first))
    return Patterns(
        first=patterns.first,
        stops=patterns.stops[calls],
        board=patterns.alight[calls],
        alight=patterns.board[calls],
        trips_first=patterns.trips_first,
        trip=patterns.trip[trips],
        shift=patterns.shift[trips],
        wheelchair=patterns.wheelchair[trips],
        running=patterns.running[trips],
        times_first=patterns.times_first,
        arrival=-patterns.departure[times],
        departure=-patterns.arrival[times],
    )


def backwards(first: Int64) -> Int64:
    """The rows of every part first[i]:first[i + 1], last first within the part."""
    lengths = np.diff(first)
    rows, owner = spread(first[:-1], lengths)
    return first[owner] + first[owner + 1] - 1 - rows


def calls_by_stop(patterns: Patterns, stops: int) -> tuple[Int64, Int32]:
    """For each stop the patterns that can be boarded there: offsets (stops + 1,), rows (pattern, call)."""
    pattern = np.repeat(np.arange(len(patterns), dtype=np.int32), np.diff(patterns.first))
    call = (np.arange(patterns.stops.size) - patterns.first[pattern]).astype(np.int32)
    useful = patterns.board.copy()
    useful[patterns.first[1:] - 1] = False  # nobody boards where the trip ends
    rows = np.flatnonzero(useful)
    rows = rows[np.argsort(patterns.stops[rows], kind="stable")]
    counts = np.bincount(patterns.stops[rows], minlength=stops)
    return _offsets(counts), np.column_stack([pattern[rows], call[rows]])


def ends_by_stop(patterns: Patterns, stops: int) -> tuple[Int64, Int32]:
    """For each stop the patterns that can be left there: offsets (stops + 1,), patterns."""
    pattern = np.repeat(np.arange(len(patterns), dtype=np.int32), np.diff(patterns.first))
    rows = np.flatnonzero(patterns.alight)
    rows = rows[np.argsort(patterns.stops[rows], kind="stable")]
    return _offsets(np.bincount(patterns.stops[rows], minlength=stops)), pattern[rows]
