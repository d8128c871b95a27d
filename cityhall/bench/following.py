"""Where along its trip a vehicle was, from reports minutes apart and no shape: the way between stops is straight.

A hidden Markov model in the manner of Newson and Krumm, *Hidden Markov Map Matching Through Noise and Sparseness*
(2009): the states of a report are the segments of its own trip, cheap where the report is near and where the time
since the report before fits the timetable. Forwards only, it is what can be known at the moment (predictions are
made from that); traced back from the end, it is what can be known after (the truth is made from that).
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEAR_M = 60.0
"""One sigma of a report's distance from the straight line between stops."""
FAR_M = 400.0
"""A report farther than this from its trip, and than a third of the segment's length, is not on it."""
AHEAD_S = 300.0
BEGIN_S = 900.0
JITTER_M = 80.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def follow(first, trip, at, x, y, midnight, calls_first, call_x, call_y, planned, arrival):  # type: ignore[no-untyped-def]
    """Places of every report: (now, after), each (reports,), calls passed; NaN where it is not on its trip."""
    now = np.full(at.size, np.nan)
    after = np.full(at.size, np.nan)
    for run in range(trip.size):
        a, b = first[run], first[run + 1]
        begin, end = calls_first[trip[run]], calls_first[trip[run] + 1]
        segments = end - begin - 1
        passed = np.zeros(segments + 1)  # timetable seconds from the start, with no segment free
        way = np.zeros(segments + 1)
        for k in range(segments):
            passed[k + 1] = passed[k] + planned[begin + k]
            way[k + 1] = way[k] + np.hypot(
                call_x[begin + k + 1] - call_x[begin + k], call_y[begin + k + 1] - call_y[begin + k]
            )
        cost = np.full((b - a, segments), np.inf)
        share = np.zeros((b - a, segments))
        back = np.full((b - a, segments), -1, np.int64)
        last = -1
        for row in range(a, b):
            n = row - a
            best = np.inf
            for k in range(segments):
                x0, y0 = call_x[begin + k], call_y[begin + k]
                dx, dy = call_x[begin + k + 1] - x0, call_y[begin + k + 1] - y0
                length = np.hypot(dx, dy)
                part = 0.0
                if length > 0:
                    part = min(1.0, max(0.0, ((x[row] - x0) * dx + (y[row] - y0) * dy) / length**2))
                off = np.hypot(x[row] - x0 - part * dx, y[row] - y0 - part * dy)
                if off > max(FAR_M, length / 3):
                    continue
                share[n, k] = part
                # The road bends away from a long straight line more than from a short one.
                near = (off / (NEAR_M + 0.1 * length)) ** 2 / 2
                here = passed[k] + part * planned[begin + k]
                if last < 0:
                    late = at[row] - midnight[run] - arrival[begin] - here
                    cost[n, k] = near + min(abs(late) / BEGIN_S, 8.0)
                else:
                    elapsed = at[row] - at[last]
                    for j in range(segments):
                        before = cost[last - a, j]
                        if before == np.inf:
                            continue
                        there = passed[j] + share[last - a, j] * planned[begin + j]
                        gone = way[k] + part * length - way[j] - share[last - a, j] * (way[j + 1] - way[j])
                        move = abs(here - there - elapsed) / AHEAD_S
                        if here < there:
                            move = elapsed / AHEAD_S + max(0.0, -gone - JITTER_M) / 40.0
                        elif gone > 35.0 * elapsed + JITTER_M:
                            move += 20.0
                        if before + near + move < cost[n, k]:
                            cost[n, k] = before + near + move
                            back[n, k] = j
                if cost[n, k] < best:
                    best = cost[n, k]
                    now[row] = k + part
            if best < np.inf:
                last = row
        _trace_back(cost, share, back, a, last, after)
        _forwards(now, a, b)
        _forwards(after, a, b)
    return now, after


@njit(cache=True)  # type: ignore[untyped-decorator]
def _trace_back(cost, share, back, a, last, after):  # type: ignore[no-untyped-def]
    if last < 0:
        return
    k = np.argmin(cost[last - a])
    for row in range(last, a - 1, -1):
        if np.min(cost[row - a]) == np.inf:
            continue
        after[row] = k + share[row - a, k]
        k = back[row - a, k]
        if k < 0:
            break


@njit(cache=True)  # type: ignore[untyped-decorator]
def _forwards(place, a, b):  # type: ignore[no-untyped-def]
    """A bus does not drive backwards: what looks so is the receiver's error."""
    most = -1.0
    for row in range(a, b):
        if place[row] == place[row]:
            most = max(most, place[row])
            place[row] = most
