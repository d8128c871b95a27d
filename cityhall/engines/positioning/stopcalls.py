"""Compiled: when a vehicle came to each stop and left it, between one fix and the next.

With fixes every few seconds a call is seen: it stands in the stop's zone. With fixes a minute apart it is worked out:
the time between two fixes is shared out as the timetable shares it out between the same two places, so that slow
stretches and dwell get their part.
"""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import Float64
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import due
from cityhall.engines.positioning.state import Live, Net, Records

ZONE_M = 30.0
PASSED_M = 15.0
STANDING = 1.5  # m/s
DENSE_S = 10.0
"""Fixes nearer together than this show a stop as it happens."""
LONGEST_S = 420.0
"""A gap longer than this tells too little of when the stops in it were called at."""
LEARN = 0.2

CALL = np.dtype([("vehicle", "i4"), ("run", "i4"), ("sequence", "i4"), ("arrived", "f8"), ("departed", "f8")])


@compiled
def _crossing(net: Net, run: int, row: int, from_s: float, from_at: float, to_s: float, to_at: float) -> float:
    """When the place of call `row` (of net.call_along) was crossed between two fixes on either side of it."""
    stop = net.call_along[row]
    if to_s <= from_s:
        return to_at
    share = (stop - from_s) / (to_s - from_s)
    if to_at - from_at > DENSE_S:
        # Where several calls lie between, the timetable tells fast stretches from slow ones.
        begin, end = due(net, run, from_s), due(net, run, to_s)
        call = row - net.call_first[net.run_way[run]]
        if end > begin:
            share = (net.arrival[net.run_first[run] + call] - begin) / (end - begin)
    return from_at + min(1.0, max(0.0, share)) * (to_at - from_at)


@compiled
def _riding_speed(net: Net, run: int, call: int) -> float:
    """Timetabled m/s on the leg that ends at `call`, dwell left out."""
    if call < 1:
        return 8.0
    times, row = net.run_first[run] + call, net.call_first[net.run_way[run]] + call
    seconds = net.arrival[times] - net.departure[times - 1]
    return min(20.0, max(3.0, (net.call_along[row] - net.call_along[row - 1]) / max(seconds, 1.0)))


@compiled
def _give(
    live: Live, state: Records, vehicle: int, run: int, arrived: float, departed: float, out: Records, count: int
) -> int:
    """Writes a call, unless it was given before. Returns how many there are."""
    sequence = state.call
    if sequence > live.called[run]:
        live.called[run] = sequence
        out[count].vehicle = vehicle
        out[count].run = run
        out[count].sequence = sequence
        out[count].arrived = arrived
        out[count].departed = departed
        count += 1
    state.call += 1
    state.arrived = state.stood = np.nan
    return count


@compiled
def _learn(net: Net, pace: Float64, row: int, state: Records, left: float) -> None:
    """The pace of the leg to call `row` as this vehicle had it, departure to departure."""
    seconds = left - state.left_at
    metres = net.call_along[row] - net.call_along[row - 1]
    if seconds > 5.0 and metres > 20.0 and seconds < 1800.0:
        pace[row - 1] += LEARN * (min(22.0, max(0.8, metres / seconds)) - pace[row - 1])


@compiled
def find_calls(net: Net, live: Live, state: Records, guess: Records, vehicle: int, out: Records, count: int) -> int:
    """Gives the calls that the newest fix brings to an end; `out` has room from `count` on. Returns the new count.

    Goes from where the vehicle was last seen on its way to where it is now. Stops between that it can not have been
    at (it came back from off the way, or after too long a gap) are left out.
    """
    run, way = guess.run, guess.way
    first, calls = net.call_first[way], net.call_first[way + 1] - net.call_first[way]
    from_s, from_at = state.call_along, state.call_at
    to_s, to_at = max(from_s, guess.s), state.at
    gap = to_at - from_at
    guessing = state.broken > 0 or gap > LONGEST_S or to_s - from_s > 40.0 * gap + 100.0
    slow = abs(guess.v) < STANDING
    while state.call < calls:
        row = first + state.call
        stop, last = net.call_along[row], state.call == calls - 1
        near = abs(to_s - stop) <= ZONE_M
        if to_s < stop - ZONE_M:
            break
        if guessing and not near:
            state.call += 1
            state.arrived = state.stood = state.left_at = np.nan
            continue
        if np.isnan(state.arrived):
            if near and slow:
                state.arrived = to_at
                if gap > DENSE_S and not guessing and from_s < stop - ZONE_M:
                    state.arrived = min(to_at, from_at + (stop - from_s) / _riding_speed(net, run, state.call))
            elif to_s >= stop and not guessing:
                state.arrived = _crossing(net, run, row, from_s, from_at, to_s, to_at)
            elif to_s < stop:
                break
            else:
                state.arrived = to_at
        if last:
            if to_s >= stop - PASSED_M or slow:
                if state.call > 0 and not np.isnan(state.left_at):
                    _learn(net, live.pace, row, state, state.arrived)
                count = _give(live, state, vehicle, run, state.arrived, np.nan, out, count)
            break
        if near and slow:
            state.stood = to_at
            break
        if to_s < stop + PASSED_M:
            break
        left = _left(net, run, state, row, from_s, from_at, to_s, to_at)
        if state.call > 0 and not np.isnan(state.left_at):
            _learn(net, live.pace, row, state, left)
        state.left_at = left
        count = _give(live, state, vehicle, run, state.arrived, left, out, count)
    state.call_along, state.call_at, state.broken = to_s, to_at, 0
    return count


@compiled
def _left(
    net: Net, run: int, state: Records, row: int, from_s: float, from_at: float, to_s: float, to_at: float
) -> float:
    """When a vehicle that is past a stop now left it: not before it came, nor before it was last seen standing."""
    call = row - net.call_first[net.run_way[run]]
    earliest = state.arrived if np.isnan(state.stood) else max(state.arrived, state.stood)
    if to_at - from_at <= DENSE_S:
        return earliest
    if not np.isnan(state.stood):
        return max(earliest, to_at - (to_s - net.call_along[row]) / _riding_speed(net, run, call + 1))
    times = net.run_first[run] + call
    begin, end = due(net, run, from_s), due(net, run, to_s)
    if end <= begin:
        return earliest
    dwell = (net.departure[times] - net.arrival[times]) * (to_at - from_at) / (end - begin)
    return min(to_at, earliest + max(0.0, dwell))
