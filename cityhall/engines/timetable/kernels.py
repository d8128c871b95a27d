"""RAPTOR, compiled. One search serves earliest arrival, arrive-by (on reversed patterns), range and
one-to-all.

Two times are kept for a stop: `ride`, the earliest arrival by vehicle, and `ready`, the earliest time one
can board there again (arrived by vehicle, plus the time a change takes, or on foot). They are apart because
one walks at most once between two rides: a late arrival by vehicle may still start a walk that an early
arrival on foot may not. Rounds run one after the other, and within a round `ready` is only read while
patterns are scanned and only written while walking; so a search for one departure needs one row of each
(`keep` 0). A range keeps a row for every number of rides (`keep` 1), a row never later than the row before
it. Whatever runs in a loop is written out there and arrays are taken out of their tuples first: a call, or
an array taken from a tuple, would cost more than the work itself (measured: half the speed). Compiling takes a
second of a processor for each set of types a function is called with, and a number written in the call is a type of
its own: `keep` is passed on as one, so that 0 and 1 have code of their own, everything else by `whole`. Sources:
Delling, Pajor, Werneck (2012): sections 3.1 (rounds), 3.2 (local and target pruning), 4.1 (range, rRAPTOR).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Bool, Int8, Int32, Int64, whole
from cityhall.engines.timetable.bounds import FAR, Int16

LEVELS = 8
MAX_RIDES = LEVELS - 1
INF = 2**30
FIRST, CALLS, TRIPS, TIMES, RUNS = range(5)
BOARD, ALIGHT = 2, 1
RUNNING, ACCESSIBLE = 1, 2
LEG = 8
"""Columns of a leg: pattern, trip, call boarded at, call alighted at, departure, arrival, walk before it,
unused.
"""


class Net(NamedTuple):
    """What a search reads: patterns, which of them call at each stop, walks, times to change, bounds."""

    head: Int32  # (P, 8): first call, calls, trips, first time, first trip of the pattern
    call: Int32  # (calls,): stop * 4, + 2 where one can board, + 1 where one can alight
    usable: Int8  # (N,): 1 runs, + 2 can carry a wheelchair
    arrival: Int32  # pattern by pattern, trip by trip, call by call
    departure: Int32
    call_first: Int32  # (stops + 1,)
    call_row: Int32  # (boardings, 2): pattern, call
    end_first: Int32  # (stops + 1,)
    end_pattern: Int32  # (alightings,): patterns one can leave at a stop
    walk_first: Int32  # (stops + 1,)
    walk: Int32  # (walks, 2): stop, seconds
    change: Int32  # (stops,)
    stop_wheelchair: Int8
    cluster: Int16  # (stops,)
    bound: Int16  # (clusters, stops): at least so many seconds from the stop to any stop of the cluster
    loose: int  # seconds that trips may now be faster than the bounds knew


class Scratch(NamedTuple):
    """What a search writes; one for each thread. Only what a search touched is cleaned up after it."""

    ride: Int32  # (8, stops)
    ready: Int32  # (8, stops)
    ridden: Int32  # (8, stops, 4): pattern, trip, call boarded at, call alighted at
    walked: Int32  # (8, stops, 2): when one can board, and where the walk began; the stop itself for a change
    egress: Int32  # (stops,)
    bound: Int16  # (stops,): seconds to the goal, at least
    queue_at: Int32  # (patterns,): first call to scan from, INF where not queued
    queue: Int32  # (patterns,)
    ends: Bool  # (patterns,): calls where the journey may end; scanned first, for a better bound on the others
    marked: Int32  # (stops,)
    arrived: Int32  # (stops,)
    flags: Int8  # (stops,): 1 in `touched`, 2 in `marked`, 4 in `arrived`
    touched: Int32  # (stops,)
    goal: Int32  # (8,): best arrival at the goal with at most k rides
    goal_stop: Int32  # (8,)
    counts: Int32  # (4,): touched, marked, arrived, queued


class Rules(NamedTuple):
    """What the resident asks for. `slack`: seconds kept in hand at every boarding after the first."""

    rides: int
    slack: int
    walk_limit: int
    needs: int  # bits of `usable` a trip must have


def new_scratch(stops: int, patterns: int) -> Scratch:
    """Clean space for searches of a net with at most so many stops and patterns."""
    return Scratch(
        ride=np.full((LEVELS, stops), INF, np.int32),
        ready=np.full((LEVELS, stops), INF, np.int32),
        ridden=np.zeros((LEVELS, stops, 4), np.int32),
        walked=np.full((LEVELS, stops, 2), INF, np.int32),
        egress=np.full(stops, INF, np.int32),
        bound=np.zeros(stops, np.int16),
        queue_at=np.full(patterns, INF, np.int32),
        queue=np.zeros(patterns, np.int32),
        ends=np.zeros(patterns, np.bool_),
        marked=np.zeros(stops, np.int32),
        arrived=np.zeros(stops, np.int32),
        flags=np.zeros(stops, np.int8),
        touched=np.zeros(stops, np.int32),
        goal=np.full(LEVELS, INF, np.int32),
        goal_stop=np.full(LEVELS, -1, np.int32),
        counts=np.zeros(4, np.int32),
    )


@compiled()
def clean(net: Net, scratch: Scratch, target_stops: Int32, keep: int) -> None:
    """Makes the scratch space as new."""
    touched, flags, walked = scratch.touched, scratch.flags, scratch.walked
    ride, ready = scratch.ride, scratch.ready
    for place in range(scratch.counts[0]):
        stop = touched[place]
        flags[stop] = 0
        ride[0, stop] = ready[0, stop] = INF
        for level in range(LEVELS):
            walked[level, stop, 0] = INF
        if keep:
            for row in range(1, LEVELS):
                ride[row, stop] = ready[row, stop] = INF
    for place in range(target_stops.size):
        stop = target_stops[place]
        scratch.egress[stop] = INF
        for row in range(net.end_first[stop], net.end_first[stop + 1]):
            scratch.ends[net.end_pattern[row]] = False
    scratch.goal[:] = INF
    scratch.goal_stop[:] = -1
    scratch.counts[:] = 0


@compiled()
def set_goal(net: Net, scratch: Scratch, target_stops: Int32, target_seconds: Int32) -> None:
    """Where the journey may end, how long it is from each such stop to the goal, and bounds from everywhere."""
    nearest = np.full(net.bound.shape[0], INF, np.int32)
    for place in range(target_stops.size):
        stop, seconds = target_stops[place], target_seconds[place]
        scratch.egress[stop] = min(scratch.egress[stop], seconds)
        nearest[net.cluster[stop]] = min(nearest[net.cluster[stop]], seconds)
        for row in range(net.end_first[stop], net.end_first[stop + 1]):
            scratch.ends[net.end_pattern[row]] = True
    bound = scratch.bound
    bound[:] = FAR if target_stops.size else 0
    for cluster in range(nearest.size):
        if nearest[cluster] < INF:
            least = np.int32(nearest[cluster] - net.loose)
            row = net.bound[cluster]
            for stop in range(bound.size):
                bound[stop] = min(np.int32(bound[stop]), max(np.int32(row[stop]) + least, np.int32(0)))


@compiled()
def _barred(stop_wheelchair: Int8, needs: int, stop: int) -> bool:
    """Whether a wheelchair is needed that cannot use the stop."""
    return (needs & ACCESSIBLE) != 0 and stop_wheelchair[stop] == 2


@compiled()
def _next_trip(
    departure: Int32, usable: Int8, needs: int, first: int, calls: int, runs: int, time: int, below: int
) -> int:
    """The first usable trip before `below` that leaves at `time` or later; `below` where there is none.

    Trip t leaves at `departure[first + t * calls]` and is `usable[runs + t]`.
    """
    low, high = 0, below
    while low < high:
        middle = (low + high) >> 1
        if departure[first + middle * calls] < time:
            low = middle + 1
        else:
            high = middle
    while low < below and (usable[runs + low] & needs) != needs:
        low += 1
    return low


@compiled()
def _collect(net: Net, scratch: Scratch, level: int, keep: int) -> None:
    """Queues every pattern that can be boarded at a marked stop, from its first such call on."""
    queued, front, limit = 0, 0, scratch.goal[level]
    ready, bound = scratch.ready[(level - 1) * keep], scratch.bound
    flags, marked, ends = scratch.flags, scratch.marked, scratch.ends
    queue, queue_at, counts = scratch.queue, scratch.queue_at, scratch.counts
    call_first, call_row = net.call_first, net.call_row
    for place in range(counts[1]):
        stop = marked[place]
        flags[stop] &= 5
        if ready[stop] + bound[stop] >= limit:
            continue
        for row in range(call_first[stop], call_first[stop + 1]):
            p, at = call_row[row, 0], call_row[row, 1]
            now = queue_at[p]
            if at < now:
                if now == INF:
                    queue[queued] = p
                    if ends[p]:
                        queue[front], queue[queued] = p, queue[front]
                        front += 1
                    queued += 1
                queue_at[p] = at
    counts[1] = 0
    counts[3] = queued


@compiled()
def _scan(net: Net, scratch: Scratch, rules: Rules, level: int, keep: int) -> None:
    """Rides every queued pattern from its first marked call, changing to an earlier trip wherever one can."""
    head, call_of, arrival, departure, usable = net.head, net.call, net.arrival, net.departure, net.usable
    wheelchair, needs = net.stop_wheelchair, rules.needs
    labels, ride, ready = scratch.ride, scratch.ride[level * keep], scratch.ready[(level - 1) * keep]
    bound, egress, goal, goal_stop = scratch.bound, scratch.egress, scratch.goal, scratch.goal_stop
    ridden, flags, arrived, touched = scratch.ridden[level], scratch.flags, scratch.arrived, scratch.touched
    queue, queue_at, counts = scratch.queue, scratch.queue_at, scratch.counts
    news, met, limit = counts[2], counts[0], goal[level]
    for place in range(counts[3]):
        p = queue[place]
        start = queue_at[p]
        queue_at[p] = INF
        first, calls, trips, times = head[p, FIRST], head[p, CALLS], head[p, TRIPS], head[p, TIMES]
        trip, on, row = trips, 0, 0
        for at in range(start, calls):
            call = call_of[first + at]
            stop = call >> 2
            if trip < trips:
                time = arrival[row + at]
                if time < ride[stop] and time + bound[stop] < limit and call & ALIGHT:
                    if not _barred(wheelchair, needs, whole(stop)):
                        ride[stop] = time
                        if keep:
                            for higher in range(level + 1, LEVELS):
                                if time >= labels[higher, stop]:
                                    break
                                labels[higher, stop] = time
                        ridden[stop, 0], ridden[stop, 1], ridden[stop, 2], ridden[stop, 3] = p, trip, on, at
                        if not flags[stop] & 4:
                            if not flags[stop] & 1:
                                touched[met] = stop
                                met += 1
                            flags[stop] |= 5
                            arrived[news] = stop
                            news += 1
                        if time + egress[stop] < limit:
                            limit = time + egress[stop]
                            goal_stop[level] = stop
                            for higher in range(level, LEVELS):
                                goal[higher] = min(goal[higher], limit)
                if trip == 0 or ready[stop] > departure[row + at - calls]:
                    continue
            leave = ready[stop]
            if leave + bound[stop] < limit and call & BOARD:
                runs, below = whole(head[p, RUNS]), whole(trip)
                earlier = _next_trip(departure, usable, needs, times + at, whole(calls), runs, whole(leave), below)
                if earlier < trip:
                    trip, on, row = earlier, at, times + earlier * calls
    counts[2], counts[0] = news, met


@compiled()
def _may_board(scratch: Scratch, stop: int, time: int) -> None:
    """A journey may begin at `stop` at `time`, which is news."""
    scratch.ready[0, stop] = time
    scratch.walked[0, stop, 0], scratch.walked[0, stop, 1] = time, stop
    if not scratch.flags[stop] & 2:
        if not scratch.flags[stop] & 1:
            scratch.touched[scratch.counts[0]] = stop
            scratch.counts[0] += 1
        scratch.flags[stop] |= 3
        scratch.marked[scratch.counts[1]] = stop
        scratch.counts[1] += 1


@compiled()
def _walk(net: Net, scratch: Scratch, rules: Rules, level: int, keep: int) -> None:
    """From every stop a vehicle has just reached: change in place, or walk to another stop."""
    walk_first, walk, change, wheelchair = net.walk_first, net.walk, net.change, net.stop_wheelchair
    ride, labels, ready = scratch.ride[level * keep], scratch.ready, scratch.ready[level * keep]
    bound, walked, flags = scratch.bound, scratch.walked[level], scratch.flags
    marked, touched, arrived, counts = scratch.marked, scratch.touched, scratch.arrived, scratch.counts
    news, met, limit, needs, farthest = (
        counts[1],
        counts[0],
        scratch.goal[level],
        rules.needs,
        rules.walk_limit,
    )
    for place in range(counts[2]):
        stop = arrived[place]
        flags[stop] &= 3
        if ride[stop] + bound[stop] >= limit:
            continue
        time = ride[stop] + rules.slack
        # Row -1 is the change in place.
        for row in range(walk_first[stop] - 1, walk_first[stop + 1]):
            if row < walk_first[stop]:
                other, seconds = stop, change[stop]
                if seconds >= INF:
                    continue
            else:
                other, seconds = walk[row, 0], walk[row, 1]
                if seconds > farthest:
                    break
            then = time + seconds
            if then < ready[other] and then + bound[other] < limit:
                if not _barred(wheelchair, needs, whole(other)):
                    ready[other] = then
                    if keep:
                        for higher in range(level + 1, LEVELS):
                            if then >= labels[higher, other]:
                                break
                            labels[higher, other] = then
                    walked[other, 0], walked[other, 1] = then, stop
                    if not flags[other] & 2:
                        if not flags[other] & 1:
                            touched[met] = other
                            met += 1
                        flags[other] |= 3
                        marked[news] = other
                        news += 1
    counts[2], counts[1], counts[0] = 0, news, met


@compiled()
def _rounds(net: Net, scratch: Scratch, rules: Rules, level: int, keep: int) -> None:
    """Rounds from `level` on until nothing is news."""
    while level <= rules.rides and scratch.counts[1] > 0:
        _collect(net, scratch, level, keep)
        _scan(net, scratch, rules, level, keep)
        if level < rules.rides:
            _walk(net, scratch, rules, level, keep)
        level += 1
    for place in range(scratch.counts[1]):
        scratch.flags[scratch.marked[place]] &= 5
    for place in range(scratch.counts[2]):
        scratch.flags[scratch.arrived[place]] &= 3
    scratch.counts[1] = 0
    scratch.counts[2] = 0


@compiled()
def search(
    net: Net, scratch: Scratch, rules: Rules, source_stops: Int32, source_seconds: Int32, departure: int
) -> None:
    """One departure: the earliest arrival (`scratch.ride[0]`), and at the goal for every number of rides."""
    for place in range(source_stops.size):
        stop = source_stops[place]
        time = departure + source_seconds[place]
        if time < scratch.ready[0, stop] and not _barred(net.stop_wheelchair, rules.needs, whole(stop)):
            _may_board(scratch, stop, time)
    _rounds(net, scratch, rules, whole(1), 0)


@compiled()
def _walk_seconds(net: Net, origin: int, target: int) -> int:
    """The walk from one stop to another; 0 within a stop."""
    if origin != target:
        for row in range(net.walk_first[origin], net.walk_first[origin + 1]):
            if net.walk[row, 0] == target:
                return net.walk[row, 1]
    return 0


@compiled()
def _trace(net: Net, scratch: Scratch, level: int, legs: Int32, just: int) -> int:
    """Writes the rides of the best journey of `level` rides to `legs` (8, LEG), last first; returns how many.

    The walk before a leg is left 0 for the first ride of a journey; its way from the door is the caller's. `just`: 1
    where a journey begins with a ride that it can just make, as those of a range do, and with no later one.
    """
    stop, count = scratch.goal_stop[level], 0
    while level > 0 and count < LEVELS:
        p, trip = scratch.ridden[level, stop, 0], scratch.ridden[level, stop, 1]
        on, off = scratch.ridden[level, stop, 2], scratch.ridden[level, stop, 3]
        times = net.head[p, TIMES] + trip * net.head[p, CALLS]
        legs[count, 0], legs[count, 1], legs[count, 2], legs[count, 3] = p, trip, on, off
        legs[count, 4], legs[count, 5] = net.departure[times + on], net.arrival[times + off]
        boarded = net.call[net.head[p, FIRST] + on] >> 2
        # The round in which one first could board that early: rounds after it did no better.
        best, before = INF, 0
        # Who comes back to where they began, in no time, has not begun with the ride that they board then.
        later = just == 1 and scratch.walked[0, boarded, 0] < legs[count, 4]
        for lower in range(1 if later else 0, level):
            if scratch.walked[lower, boarded, 0] < best:
                best, before = scratch.walked[lower, boarded, 0], lower
        level = before
        stop = scratch.walked[level, boarded, 1]
        legs[count, 6] = _walk_seconds(net, stop, boarded) if level > 0 else 0
        count += 1
    return count


@compiled()
def results(net: Net, scratch: Scratch, rules: Rules, arrivals: Int32, counts: Int32, legs: Int32) -> int:
    """Every Pareto-best (rides, arrival) of a `search`; returns how many there are."""
    found, best = 0, INF
    for level in range(1, rules.rides + 1):
        if scratch.goal_stop[level] >= 0 and scratch.goal[level] < best:
            best = scratch.goal[level]
            arrivals[found] = best
            counts[found] = _trace(net, scratch, level, legs[found], whole(0))
            found += 1
    return found


@compiled()
def events(
    net: Net, rules: Rules, source_stops: Int32, source_seconds: Int32, start: int, end: int
) -> tuple[Int32, Int32]:
    """Every boarding that a departure in [start, end] can just make: times, and (n, 3) pattern, trip, call."""
    size = 0
    times, rows = np.empty(256, np.int32), np.empty((256, 3), np.int32)
    for place in range(source_stops.size):
        stop, offset = source_stops[place], source_seconds[place]
        if _barred(net.stop_wheelchair, rules.needs, whole(stop)):
            continue
        for row in range(net.call_first[stop], net.call_first[stop + 1]):
            p, at = net.call_row[row, 0], net.call_row[row, 1]
            trips, calls = whole(net.head[p, TRIPS]), whole(net.head[p, CALLS])
            runs, base = whole(net.head[p, RUNS]), whole(net.head[p, TIMES] + at)
            first = _next_trip(net.departure, net.usable, rules.needs, base, calls, runs, start + offset, trips)
            for trip in range(first, trips):
                leaves = net.departure[base + trip * calls] - offset
                if leaves > end:
                    break
                if (net.usable[runs + trip] & rules.needs) == rules.needs:
                    if size == times.size:
                        # Written out: the library's concatenation takes seconds to compile.
                        times_before, rows_before = times, rows
                        times, rows = np.empty(2 * size, np.int32), np.empty((2 * size, 3), np.int32)
                        for before in range(size):
                            times[before] = times_before[before]
                            for column in range(3):
                                rows[before, column] = rows_before[before, column]
                    times[size] = leaves
                    rows[size, 0], rows[size, 1], rows[size, 2] = p, trip, at
                    size += 1
    return times[:size], rows[:size]


@compiled()
def _first_ride(net: Net, scratch: Scratch, rules: Rules, p: int, trip: int, on: int) -> None:
    """Rides `trip` from call `on` as the first of a journey of a range."""
    first, calls = net.head[p, FIRST], net.head[p, CALLS]
    row = net.head[p, TIMES] + trip * calls
    boarded = net.call[first + on] >> 2
    # The way back from a ride ends at level 0 of the stop it began at.
    if not scratch.flags[boarded] & 1:
        scratch.flags[boarded] |= 1
        scratch.touched[scratch.counts[0]] = boarded
        scratch.counts[0] += 1
    scratch.walked[0, boarded, 0] = min(scratch.walked[0, boarded, 0], net.departure[row + on])
    scratch.walked[0, boarded, 1] = boarded
    for at in range(on + 1, calls):
        call = net.call[first + at]
        stop, time = call >> 2, net.arrival[row + at]
        if time >= scratch.goal[1]:
            break
        if time < scratch.ride[1, stop] and time + scratch.bound[stop] < scratch.goal[1] and call & ALIGHT:
            if not _barred(net.stop_wheelchair, rules.needs, whole(stop)):
                for level in range(1, LEVELS):
                    scratch.ride[level, stop] = min(scratch.ride[level, stop], time)
                scratch.ridden[1, stop, 0], scratch.ridden[1, stop, 1] = p, trip
                scratch.ridden[1, stop, 2], scratch.ridden[1, stop, 3] = on, at
                if not scratch.flags[stop] & 4:
                    if not scratch.flags[stop] & 1:
                        scratch.touched[scratch.counts[0]] = stop
                        scratch.counts[0] += 1
                    scratch.flags[stop] |= 5
                    scratch.arrived[scratch.counts[2]] = stop
                    scratch.counts[2] += 1
                end = time + scratch.egress[stop]
                if end < scratch.goal[1]:
                    scratch.goal_stop[1] = stop
                    for level in range(1, LEVELS):
                        scratch.goal[level] = min(scratch.goal[level], end)


@compiled()
def search_range(
    net: Net,
    scratch: Scratch,
    rules: Rules,
    times: Int32,
    rows: Int32,
    order: Int64,
    on_foot: int,
    departures: Int32,
    arrivals: Int32,
    counts: Int32,
    legs: Int32,
) -> int:
    """All Pareto-best (departure, arrival, rides) that begin with one of the `events`; returns how many.

    `order` are their rows, latest first: labels are kept between departures, so that each only does what is better
    than everything later. A departure begins with just the boardings that it makes possible and a later one does
    not. Nothing as slow as walking all the way (`on_foot` seconds) is found. Returns -1 where the arrays are too short.
    """
    found, place = 0, 0
    before = np.empty(LEVELS, np.int32)
    while place < order.size:
        now = times[order[place]]
        for level in range(LEVELS):
            scratch.goal[level] = before[level] = min(scratch.goal[level], now + on_foot)
        while place < order.size and times[order[place]] == now:
            _first_ride(net, scratch, rules, rows[order[place], 0], rows[order[place], 1], rows[order[place], 2])
            place += 1
        if rules.rides > 1:
            _walk(net, scratch, rules, whole(1), 1)
        _rounds(net, scratch, rules, whole(2), 1)
        best = INF
        for level in range(1, rules.rides + 1):
            if scratch.goal[level] < before[level] and scratch.goal[level] < best:
                if found == departures.size:
                    return -1
                departures[found] = now
                arrivals[found] = scratch.goal[level]
                counts[found] = _trace(net, scratch, level, legs[found], whole(1))
                found += 1
            best = min(best, scratch.goal[level])
    return found


@compiled()
def journeys(
    net: Net,
    scratch: Scratch,
    rules: Rules,
    source_stops: Int32,
    source_seconds: Int32,
    target_stops: Int32,
    target_seconds: Int32,
    departure: int,
    on_foot: int,
    departures: Int32,
    arrivals: Int32,
    counts: Int32,
    legs: Int32,
) -> int:
    """A whole query for one departure: goal, search, every Pareto-best journey, cleaning. Returns how many
    there are.

    `departures` are the latest times one can leave for the first ride. Nothing as slow as `on_foot` seconds
    is found.
    """
    set_goal(net, scratch, target_stops, target_seconds)
    scratch.goal[:] = min(departure + on_foot, INF)
    search(net, scratch, rules, source_stops, source_seconds, departure)
    found = results(net, scratch, rules, arrivals, counts, legs)
    for row in range(found):
        leg = legs[row, counts[row] - 1]
        boarded = net.call[net.head[leg[0], FIRST] + leg[2]] >> 2
        offset = INF
        for place in range(source_stops.size):
            if source_stops[place] == boarded:
                offset = min(offset, source_seconds[place])
        departures[row] = leg[4] - offset
    clean(net, scratch, target_stops, whole(0))
    return found


@compiled()
def last_walk(net: Net, rules: Rules, times: Int32, source_stops: Int32, source_seconds: Int32, departure: int) -> None:
    """Adds to (stops,) arrivals by vehicle the walk after the last ride, and the sources themselves."""
    ridden = times.copy()
    for place in range(source_stops.size):
        stop = source_stops[place]
        if not _barred(net.stop_wheelchair, rules.needs, whole(stop)):
            times[stop] = min(times[stop], departure + source_seconds[place])
    for stop in range(ridden.size):
        if ridden[stop] < INF:
            for row in range(net.walk_first[stop], net.walk_first[stop + 1]):
                other, seconds = net.walk[row, 0], net.walk[row, 1]
                if seconds > rules.walk_limit:
                    break
                then = ridden[stop] + seconds
                if then < times[other] and not _barred(net.stop_wheelchair, rules.needs, whole(other)):
                    times[other] = then
