"""Compiled: places along ways, and the timetable's time at each."""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, whole
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.state import Net, Rules

STOP_ZONE_M = 20.0
TURN_COST = 8.0
"""What a course at right angles to the way counts against a place on it; as much as four sigmas of distance."""
WELL_DRAWN_M = 10.0
"""Ways of a larger spread are no streets but straight lines."""
START_ZONE_M = 40.0
"""A vehicle this near to its first stop may still be waiting to begin."""


@compiled
def last_not_after(values: Float64, low: int, high: int, wanted: float) -> int:
    """Row of the last of values[low:high] that is not above `wanted`; low - 1 where all are. Values ascend."""
    before = low
    while before < high:
        middle = (before + high) >> 1
        if values[middle] <= wanted:
            before = middle + 1
        else:
            high = middle
    return before - 1


@compiled
def way_length(net: Net, way: int) -> float:
    """Metres."""
    return net.along[net.first[way + 1] - 1]


@compiled
def segment_at(net: Net, way: int, s: float) -> int:
    """The segment (row of its first point) that holds `s`; the first or last one beyond the ends."""
    low, high = net.first[way], net.first[way + 1]
    return min(high - 2, max(low, last_not_after(net.along, low, high, s)))


@compiled
def place(net: Net, way: int, s: float) -> tuple[float, float, float, float]:
    """x, y at `s` metres along a way, and the unit vector of its direction there."""
    a = segment_at(net, way, s)
    dx, dy = net.x[a + 1] - net.x[a], net.y[a + 1] - net.y[a]
    length = max(net.along[a + 1] - net.along[a], 1e-9)
    share = min(1.0, max(0.0, (s - net.along[a]) / length))
    return net.x[a] + share * dx, net.y[a] + share * dy, dx / length, dy / length


@compiled
def project(
    net: Net,
    way: int,
    s: float,
    window: float,
    x: float,
    y: float,
    course: float,
    side_variance: float,
    along_variance: float,
) -> tuple[float, float, float, float]:
    """The likeliest place on a way, within `window` of `s`, of a vehicle measured at x, y.

    Nearness sideways, nearness to where it should be, and its course count together, so that of the two passages of a
    way through one street the right one is found. Returns metres along, metres to the left, and the unit vector of
    the way's direction there.
    """
    a, end = segment_at(net, way, s - window), net.first[way + 1] - 1
    best, along, left, east, north = np.inf, s, 0.0, 0.0, 1.0
    heading_x, heading_y = np.sin(course), np.cos(course)
    while a < end and net.along[a] <= s + window:
        dx, dy = net.x[a + 1] - net.x[a], net.y[a + 1] - net.y[a]
        length = max(net.along[a + 1] - net.along[a], 1e-9)
        ux, uy = dx / length, dy / length
        px, py = x - net.x[a], y - net.y[a]
        gone = min(length, max(0.0, px * ux + py * uy))
        ex, ey = px - gone * ux, py - gone * uy
        off = net.along[a] + gone - s
        cost = (ex * ex + ey * ey) / side_variance + off * off / along_variance
        if not np.isnan(course):
            cost += TURN_COST * (1.0 - (heading_x * ux + heading_y * uy))
        if cost < best:
            best, along, east, north = cost, net.along[a] + gone, ux, uy
            left = np.sqrt(ex * ex + ey * ey)
            if ux * py - uy * px < 0.0:
                left = -left
        a += 1
    return along, left, east, north


@compiled
def call_at(net: Net, way: int, s: float) -> int:
    """Place in the trip of the last call not beyond `s`; -1 before the first."""
    low = net.call_first[way]
    return last_not_after(net.call_along, low, net.call_first[way + 1], s + 0.01) - low


@compiled
def due(net: Net, run: int, s: float) -> float:
    """When a run is due at `s` metres along its way, moving on from the last call, Unix seconds."""
    way = whole(net.run_way[run])
    times, calls = net.run_first[run], net.call_first[way]
    last = net.call_first[way + 1] - calls - 1
    call = call_at(net, way, s)
    if call < 0:
        return net.departure[times]
    if call >= last:
        return net.arrival[times + last]
    gap = net.call_along[calls + call + 1] - net.call_along[calls + call]
    share = min(1.0, (s - net.call_along[calls + call]) / gap) if gap > 0.0 else 0.0
    leaves, comes = net.departure[times + call], net.arrival[times + call + 1]
    return leaves + share * (comes - leaves)


@compiled
def delay(net: Net, run: int, s: float, at: float) -> float:
    """Seconds that a vehicle at `s` at time `at` is late (negative: early). Waiting at a stop until the departure is
    neither.
    """
    way = whole(net.run_way[run])
    times, calls = net.run_first[run], net.call_first[way]
    call = call_at(net, way, s + STOP_ZONE_M)
    time = due(net, run, s)
    if call >= 0 and abs(s - net.call_along[calls + call]) <= STOP_ZONE_M:
        comes, leaves = net.arrival[times + call], max(net.departure[times + call], time)
        if call == 0 and at < leaves:
            return 0.0
        if call == net.call_first[way + 1] - calls - 1:
            leaves = comes
        return at - comes if at < comes else max(0.0, at - leaves)
    if call <= 0 and s <= net.call_along[calls] + START_ZONE_M and at < net.departure[times]:
        return 0.0
    return at - time


@compiled
def at_start(net: Net, way: int, s: float) -> bool:
    """Whether a vehicle may still be waiting at its first stop."""
    return s <= net.call_along[net.call_first[way]] + START_ZONE_M


@compiled
def at_end(net: Net, way: int, s: float) -> bool:
    """Whether a vehicle has come to its last stop."""
    return s >= net.call_along[net.call_first[way + 1] - 1] - STOP_ZONE_M


@compiled
def lanes_at(net: Net, rules: Rules, way: int, s: float) -> tuple[float, float]:
    """Lanes in the way's direction at `s`, and how far to the left of the line their kerb is (negative: the right)."""
    row = segment_at(net, way, s)
    lanes = float(net.lanes[row]) if net.lanes[row] > 0 else float(rules.lanes)
    return lanes, rules.kerb_sign * lanes * rules.lane_m * (0.5 if net.oneway[row] else 1.0)


@compiled
def usual_left(net: Net, rules: Rules, way: int, s: float) -> float:
    """How far to the left of the line vehicles usually are: the middle of their lanes."""
    if net.spread[way] > WELL_DRAWN_M:
        return 0.0
    lanes, kerb = lanes_at(net, rules, way, s)
    return kerb - rules.kerb_sign * 0.5 * lanes * rules.lane_m
