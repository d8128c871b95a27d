"""When a vehicle came to each stop, as far as reports minutes apart can tell.

Between the last report before a stop and the first after it the vehicle is taken to have gone on as the timetable
does. Leaving out every second report of 7 March 2015 and of the days of 2016 and interpolating it from its neighbours
shows how wrong that is: the error's variance is near 40 s times (time since the one) x (time to the other) / (time
between), as for a Brownian bridge. Each arrival comes with that standard error; the caller leaves out what is too
vague.
"""

from __future__ import annotations

import numpy as np
from numba import njit

VARIANCE_S = 40.0
"""Seconds of variance a second of bridge; measured 29 to 33 over gaps of 2 to 4 minutes, 47 to 51 over 8 to 10."""
AT_START = 0.15
AT_END = 0.05

Array = np.ndarray


@njit(cache=True)
def observed(
    first: Array, trip: Array, at: Array, place: Array, calls_first: Array, planned: Array
) -> tuple[Array, Array]:
    """When the calls of every run were: (Unix seconds, standard error in seconds), each (sum of the runs' calls,).

    first: (runs + 1,) of the reports; trip: (runs,); at, place: (reports,), places as `follow` gives them. NaN and
    infinity where a run was not seen on both sides of a stop; at its first stop a run does not arrive.
    """
    total = 0
    for run in range(trip.size):
        total += calls_first[trip[run] + 1] - calls_first[trip[run]]
    times = np.full(total, np.nan)
    error = np.full(total, np.inf)
    start = 0
    for run in range(trip.size):
        base = calls_first[trip[run]]
        last = calls_first[trip[run] + 1] - base - 1
        since = -1
        for row in range(first[run], first[run + 1]):
            if place[row] != place[row]:
                continue
            if since >= 0 and place[row] > place[since]:
                between = at[since], at[row], place[since], place[row]
                _interpolate(between, last, planned[base : base + last], times[start:], error[start:])
            since = row
        start += last + 1
    return times, error


@njit(cache=True)
def _interpolate(
    between: tuple[float, float, float, float], last: int, planned: Array, times: Array, error: Array
) -> None:
    """Fills in the calls between two reports."""
    t0, t1, p, q = between
    gap, total, gone = t1 - t0, 0.0, 0.0
    for k in range(int(p), int(np.ceil(q))):
        total += (min(q, k + 1.0) - max(p, float(k))) * planned[k]
    if total <= 0.0:
        return
    # A bus may stand at either end for any part of the gap: what is known there is how far the other report is.
    waited, ended = p <= AT_START and total < gap, q >= last - AT_END and total < gap
    for k in range(int(p), int(np.floor(q))):
        gone += (k + 1.0 - max(p, float(k))) * planned[k]
        if waited and ended:
            continue
        if waited:
            times[k + 1], error[k + 1] = t1 - (total - gone), np.sqrt(VARIANCE_S * (total - gone))
        elif ended:
            times[k + 1], error[k + 1] = t0 + gone, np.sqrt(VARIANCE_S * gone)
        else:
            x = gap * gone / total
            times[k + 1], error[k + 1] = t0 + x, np.sqrt(VARIANCE_S * x * (gap - x) / gap)
