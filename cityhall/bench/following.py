"""Where along its trip a vehicle was, from reports minutes apart and no shape: the way between stops is straight.

A hidden Markov model in the manner of Newson and Krumm, *Hidden Markov Map Matching Through Noise and Sparseness*
(2009): the states of a report are the segments of its own trip, cheap where the report is near and where the time
since the report before fits the timetable. Forwards only, it is what can be known at the moment (predictions are
made from that); traced back from the end, it is what can be known after (the truth is made from that).
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEAR_M, BEND = 60.0, 0.1
"""One sigma of a report's distance from the straight line between stops: metres, and a share of the line's length."""
FAR_M = 400.0
"""A report farther than this from its trip, and than a third of the segment's length, is not on it."""
AHEAD_S = 300.0
"""Being so far off what the timetable makes of the time between two reports costs one."""
BEGIN_S, BEGIN_MOST = 900.0, 8.0
"""So does being so far off the timetable at the first report, where it costs no more than the second."""
JITTER_M, BACKWARDS_M = 80.0, 40.0
"""A receiver may jump back by the one; beyond it each of the other costs one."""
FASTEST, TOO_FAST = 35.0, 20.0
"""m/s as the crow flies, and what going faster costs."""

Array = np.ndarray


@njit(cache=True)
def follow(
    first: Array,
    trip: Array,
    at: Array,
    x: Array,
    y: Array,
    midnight: Array,
    calls_first: Array,
    call_x: Array,
    call_y: Array,
    planned: Array,
    arrival: Array,
) -> tuple[Array, Array]:
    """Places of every report: (now, after), each (reports,), calls passed; NaN where it is not on its trip.

    first: (runs + 1,) of the reports; trip, midnight: (runs,); at, x, y: (reports,) Unix seconds and metres; the rest
    are the timetable's (see austin.Timetable, Trips).
    """
    now, after = np.full(at.size, np.nan), np.full(at.size, np.nan)
    for run in range(trip.size):
        rows = slice(first[run], first[run + 1])
        calls = slice(calls_first[trip[run]], calls_first[trip[run] + 1])
        start = midnight[run] + arrival[calls.start]
        line = np.column_stack((call_x[calls], call_y[calls]))
        _follow_run(at[rows], x[rows], y[rows], start, line, planned[calls], now[rows], after[rows])
    return now, after


@njit(cache=True)
def _follow_run(
    at: Array, x: Array, y: Array, start: Array, line: Array, planned: Array, now: Array, after: Array
) -> None:
    """Fills in the places of one run (reports,) along its stops, line (calls, 2)."""
    segments = len(line) - 1
    passed, way = np.zeros(segments + 1), np.zeros(segments + 1)  # seconds by timetable, metres
    for k in range(segments):
        passed[k + 1] = passed[k] + planned[k]
        way[k + 1] = way[k] + np.hypot(line[k + 1, 0] - line[k, 0], line[k + 1, 1] - line[k, 1])
    cost = np.full((at.size, segments), np.inf)
    share = np.zeros((at.size, segments))
    back = np.full((at.size, segments), -1, np.int64)
    last = -1
    for n in range(at.size):
        best = np.inf
        for k in range(segments):
            part, off = _beside(x[n], y[n], line[k], line[k + 1])
            length = way[k + 1] - way[k]
            if off > max(FAR_M, length / 3):
                continue
            share[n, k] = part
            near = (off / (NEAR_M + BEND * length)) ** 2 / 2
            here, gone = passed[k] + part * planned[k], way[k] + part * length
            if last < 0:
                cost[n, k] = near + min(abs(at[n] - start - here) / BEGIN_S, BEGIN_MOST)
            else:
                elapsed = at[n] - at[last]
                move, back[n, k] = _best_before(cost[last], share[last], passed, way, here, gone, elapsed)
                cost[n, k] = near + move
            if cost[n, k] < best:
                best, now[n] = cost[n, k], k + part
        if best < np.inf:
            last = n
    _trace_back(cost, share, back, last, after)
    _forwards(now)
    _forwards(after)


@njit(cache=True)
def _beside(x: float, y: float, begin: Array, end: Array) -> tuple[float, float]:
    """(share of the way along a line from begin to end, metres from it) of the point of the line nearest to x, y."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    square, part = dx * dx + dy * dy, 0.0
    if square > 0:
        part = min(1.0, max(0.0, ((x - begin[0]) * dx + (y - begin[1]) * dy) / square))
    return part, np.hypot(x - begin[0] - part * dx, y - begin[1] - part * dy)


@njit(cache=True)
def _best_before(
    cost: Array, share: Array, passed: Array, way: Array, here: float, gone: float, elapsed: float
) -> tuple[float, int]:
    """The least cost of coming here from any segment, and which: (cost, segment), -1 where from none."""
    best, segment = np.inf, -1
    for j in range(cost.size):
        if cost[j] == np.inf:
            continue
        there = passed[j] + share[j] * (passed[j + 1] - passed[j])
        metres = gone - way[j] - share[j] * (way[j + 1] - way[j])
        move = abs(here - there - elapsed) / AHEAD_S
        if here < there:
            move = elapsed / AHEAD_S + max(0.0, -metres - JITTER_M) / BACKWARDS_M
        elif metres > FASTEST * elapsed + JITTER_M:
            move += TOO_FAST
        if cost[j] + move < best:
            best, segment = cost[j] + move, j
    return best, segment


@njit(cache=True)
def _trace_back(cost: Array, share: Array, back: Array, last: int, after: Array) -> None:
    if last < 0:
        return
    k = np.argmin(cost[last])
    for n in range(last, -1, -1):
        if np.min(cost[n]) == np.inf:
            continue
        after[n] = k + share[n, k]
        k = back[n, k]
        if k < 0:
            break


@njit(cache=True)
def _forwards(place: Array) -> None:
    """A bus does not drive backwards: what looks so is the receiver's error."""
    most = -1.0
    for n in range(place.size):
        if place[n] == place[n]:
            most = max(most, place[n])
            place[n] = most
