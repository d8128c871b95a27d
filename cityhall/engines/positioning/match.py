"""Map-matching of a whole trace at once: the likeliest sequence of ways and places (Viterbi).

A hidden Markov model: the places on ways near each point are its states, how far off they are its emissions; between
two points a vehicle goes along its way about as far as the points are apart, and seldom changes to another way.
Source: Newson, Krumm, Hidden Markov Map Matching Through Noise and Sparseness (2009), 4.1 and 4.2. Here the states are
whole ways and not road segments, so that going on along a way needs no search for a route, and a step costs what there
are candidates, not their square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, Int32, Int64
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import last_not_after
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.state import Net, net_of
from cityhall.engines.positioning.ways import Ways

CANDIDATES = 96
CHANGE = -8.0
"""Log-likelihood of going on on another way."""
BACKWARDS = 4.0
"""Going back along a way by one sigma weighs as much as being so many sigmas off the distance forwards."""
BETA_M = 8.0
"""Scale of how far the distance along a way is from the distance between two points (Newson, Krumm, 4.2)."""
BETA_SHARE = 0.15
AGAINST = 3.0
EARTH_M = 1e8
"""Farther than any place on earth."""


@dataclass(frozen=True, slots=True)
class Match:
    """One element a point of the trace."""

    way: Int32  # -1 where it lies on no way
    along_m: Float64
    lon: Float64  # on the way; the point itself where it lies on none
    lat: Float64
    offset_m: Float64  # metres to the left of the way


def match(ways: Ways, at: Float64, lon: Float64, lat: Float64, sigma_m: float | Float64 = 5.0) -> Match:
    """Matches a vehicle's trace; `at` in Unix seconds, ascending, `sigma_m` the error of the points (one sigma).

    Raises ValueError where the arrays differ in length.
    """
    size = np.size(at)
    sigma = np.array(np.broadcast_to(np.asarray(sigma_m, np.float64), (size,)))
    lon, lat = np.array(lon, np.float64), np.array(lat, np.float64)
    if not lon.size == lat.size == size:
        raise ValueError("a trace has as many times as places")
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = ways.plane.metres(lon, lat)
    way, along, offset = np.full(size, -1, np.int32), np.full(size, np.nan), np.full(size, np.nan)
    match_x, match_y = x.copy(), y.copy()
    _viterbi(net_of(ways, NO_RUNS), np.array(at, np.float64), x, y, sigma, way, along, match_x, match_y, offset)
    matched_lon, matched_lat = ways.plane.degrees(match_x, match_y)
    return Match(way, along, np.where(way < 0, lon, matched_lon), np.where(way < 0, lat, matched_lat), offset)


def _no_runs() -> Runs:
    from datetime import date

    none, empty, one = np.zeros(0, np.int32), np.zeros(0), np.zeros(1, np.int64)
    return Runs(date.min, none, none, none, one, empty, empty, none, one, none, one, none)


NO_RUNS = _no_runs()


@compiled
def _candidates(
    net: Net,
    x: float,
    y: float,
    sigma: float,
    way: Int32,
    along: Float64,
    left: Float64,
    east: Float64,
    north: Float64,
) -> int:
    """Fills in the passages of ways near a point, by way; returns how many."""
    column, row = int((x - net.left) // net.side), int((y - net.bottom) // net.side)
    if column < 0 or row < 0 or column >= net.columns or row >= net.rows:
        return 0
    cell = row * net.columns + column
    count, last = 0, 0.0
    for entry in range(net.cell_first[cell], net.cell_first[cell + 1]):
        a = net.cell_segment[entry]
        w = net.segment_way[a]
        reach = max(40.0, 4.0 * sigma, 2.5 * net.spread[w])
        length = max(net.along[a + 1] - net.along[a], 1e-9)
        ux, uy = (net.x[a + 1] - net.x[a]) / length, (net.y[a + 1] - net.y[a]) / length
        px, py = x - net.x[a], y - net.y[a]
        gone = min(length, max(0.0, px * ux + py * uy))
        ex, ey = px - gone * ux, py - gone * uy
        far = np.sqrt(ex * ex + ey * ey)
        if far > reach:
            continue
        before = count - 1
        same = count > 0 and way[before] == w and net.along[a] - last <= 2.0 * reach
        if same and east[before] * ux + north[before] * uy < -0.5:
            same = False
        last = net.along[a + 1]
        if same and far >= abs(left[before]):
            continue
        if not same:
            if count == way.size:
                return count
            before = count
            count += 1
        way[before], along[before], east[before], north[before] = w, net.along[a] + gone, ux, uy
        left[before] = far if ux * py - uy * px >= 0.0 else -far
    return count


@compiled
def _step(
    way: Int32,
    along: Float64,
    now: int,
    east: Float64,
    north: Float64,
    before_way: Int32,
    before_along: Float64,
    before: int,
    score: Float64,
    dx: float,
    dy: float,
    sigma: float,
    gain: Float64,
    came: Int32,
) -> None:
    """For each of `now` candidates the best way to it from those before, and what that adds."""
    apart = np.sqrt(dx * dx + dy * dy)
    beta = BETA_M + sigma + BETA_SHARE * apart
    top = 0
    for j in range(before):
        if score[j] > score[top]:
            top = j
    low = 0
    for i in range(now):
        best, best_from = score[top] + CHANGE, top
        while low < before and before_way[low] < way[i]:
            low += 1
        j = low
        while j < before and before_way[j] == way[i]:
            gone = along[i] - before_along[j]
            step = -abs(gone - apart) / beta if gone >= 0.0 else -(apart - gone) / beta + BACKWARDS * gone / (3 * sigma)
            if score[j] + step > best:
                best, best_from = score[j] + step, j
            j += 1
        if apart > 3.0 * sigma:
            facing = (dx * east[i] + dy * north[i]) / apart
            if facing < 0.0:
                best += AGAINST * facing
        gain[i], came[i] = best, best_from


@compiled
def _viterbi(
    net: Net,
    at: Float64,
    x: Float64,
    y: Float64,
    sigma: Float64,
    way: Int32,
    along: Float64,
    match_x: Float64,
    match_y: Float64,
    offset: Float64,
) -> None:
    """Fills in the last five arrays. Points near no way are left out, and the rest goes on over them."""
    size = x.size
    first = np.zeros(size + 1, np.int64)
    all_way = np.empty(size * 8 + CANDIDATES, np.int32)
    all_came = np.empty(all_way.size, np.int32)
    all_along, all_left = np.empty(all_way.size), np.empty(all_way.size)
    now_way, now_came = np.empty(CANDIDATES, np.int32), np.empty(CANDIDATES, np.int32)
    now_along, now_left, gain = np.empty(CANDIDATES), np.empty(CANDIDATES), np.empty(CANDIDATES)
    east, north, score = np.empty(CANDIDATES), np.empty(CANDIDATES), np.empty(CANDIDATES)
    last = -1
    for i in range(size):
        begin = first[i]
        count = 0
        if abs(x[i]) < EARTH_M and abs(y[i]) < EARTH_M:
            count = _candidates(net, x[i], y[i], sigma[i], now_way, now_along, now_left, east, north)
        first[i + 1] = begin + count
        if count == 0:
            continue
        if begin + count > all_way.size:
            room = all_way.size
            all_way, all_came = (
                np.append(all_way, np.empty(room, np.int32)),
                np.append(all_came, np.empty(room, np.int32)),
            )
            all_along, all_left = np.append(all_along, np.empty(room)), np.append(all_left, np.empty(room))
        if last < 0:
            gain[:count], now_came[:count] = 0.0, -1
        else:
            low, high = first[last], first[last + 1]
            _step(
                now_way,
                now_along,
                count,
                east,
                north,
                all_way[low:high],
                all_along[low:high],
                high - low,
                score,
                x[i] - x[last],
                y[i] - y[last],
                sigma[i],
                gain,
                now_came,
            )
        most = -np.inf
        for j in range(count):
            variance = sigma[i] * sigma[i] + net.spread[now_way[j]] ** 2
            score[j] = gain[j] - 0.5 * now_left[j] * now_left[j] / variance
            most = max(most, score[j])
        for j in range(count):
            score[j] -= most
            all_way[begin + j], all_came[begin + j] = now_way[j], now_came[j]
            all_along[begin + j], all_left[begin + j] = now_along[j], now_left[j]
        last = i
    if last < 0:
        return
    state = int(np.argmax(score[: first[last + 1] - first[last]]))
    _trace_back(net, first, last, state, all_way, all_came, all_along, all_left, way, along, match_x, match_y, offset)


@compiled
def _trace_back(
    net: Net,
    first: Int64,
    last: int,
    state: int,
    all_way: Int32,
    all_came: Int32,
    all_along: Float64,
    all_left: Float64,
    way: Int32,
    along: Float64,
    match_x: Float64,
    match_y: Float64,
    offset: Float64,
) -> None:
    i = last
    while i >= 0:
        if first[i + 1] > first[i]:
            row = first[i] + state
            w = all_way[row]
            way[i], along[i], offset[i] = w, all_along[row], all_left[row]
            a = last_not_after(net.along, net.first[w], net.first[w + 1], all_along[row])
            a = min(net.first[w + 1] - 2, max(net.first[w], a))
            share = min(1.0, (all_along[row] - net.along[a]) / max(net.along[a + 1] - net.along[a], 1e-9))
            match_x[i] = net.x[a] + share * (net.x[a + 1] - net.x[a])
            match_y[i] = net.y[a] + share * (net.y[a + 1] - net.y[a])
            state = all_came[row]
            if state < 0:
                return
        i -= 1
