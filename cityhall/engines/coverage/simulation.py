"""Units that answer calls, event by event, to try where a free unit should wait on the same days.

A call is known after the dispatcher's delay; the nearest free unit by road goes, also one on its way to a station;
with none free the call waits (urgent ones first, then by age). The unit stands at the scene, may bring somebody to a
hospital, and is free again there. What differs is where it waits then:

- `CLOSEST`: the station nearest to where it became free, whoever stands there already.
- `STATIC`: its home station, always.
- `DMEXCLP`: the station where it adds the most (`relocation.freed`); and whenever a unit has left or become free, one
  that waits may be sent elsewhere (`relocation.move`), as often as the cap lets it.

The same calls, with the same luck, meet each policy: what is compared differs by the policy alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.coverage.covering import Bool, Float64, Int64
from cityhall.engines.coverage.relocation import BUSY, GAIN, PATIENCE_S, best_move, best_station
from cityhall.engines.coverage.roads import Int32, Roads, between

CLOSEST, STATIC, DMEXCLP = 0, 1, 2
IDLE, RETURNING, RESPONDING, AT_SCENE, AT_HOSPITAL = 0, 1, 2, 3, 4
"""What a unit does; the way to a hospital counts to the stay there."""


class City(NamedTuple):
    """S stations, U units, M modes, N nodes, P priorities (0 the most urgent), Q points of demand.

    The ways to stations are those of `calm`, the mode of units without a call.
    """

    roads: Roads
    station: Int64  # (S,) node
    station_off: Float64  # (M, S) seconds between the station and its node
    capacity: Int64  # (S,) units that may wait there
    after: Int32  # (S, N) the next node on the way to a station
    left: Float64  # (S, N) seconds left from each node, in the mode `calm`
    other: Float64  # (M, S, N) seconds of the arc to the next node by each mode
    calm: int
    home: Int64  # (U,) station
    mode: Int64  # (P,) mode of travel to calls
    cover: Bool  # (Q, S) whether a unit that waits at the station reaches the point in time
    demand: Float64  # (Q,)


class Calls(NamedTuple):
    """C calls in the order in which they are known. Seconds from the beginning."""

    came: Float64
    known: Float64
    priority: Int64
    node: Int64
    off: Float64  # (M, C) seconds between the node and the place
    scene: Float64  # stay at the scene
    free_node: Int64  # where the unit becomes free
    free_off: Float64  # (M, C) seconds from there to the node
    carry: Float64  # way to the hospital and stay there, 0 for none


class Rule(NamedTuple):
    """What a policy may do: see `relocation.py`. `cap` is moves of waiting units an hour; `gain` a share of demand."""

    policy: int
    cap: int = 0
    busy: float = BUSY
    patience: float = PATIENCE_S
    gain: float = GAIN


class Outcome(NamedTuple):
    """`response` (C,) seconds from the call to the arrival; what follows is from `begin` to the last call.

    `elsewhere`: freed units sent to another station than their last; `moves`: units sent on from where they waited or
    were going; `busy`: unit-seconds with a call; `until`: when the last call was known.
    """

    response: Float64
    elsewhere: int
    moves: int
    busy: float
    until: float


def simulate(city: City, calls: Calls, rule: Rule, begin: float) -> Outcome:
    """The days of `calls` under a rule.

    Raises ValueError for no calls, or such as are not in the order in which they are known.
    """
    if not len(calls.known) or (np.diff(calls.known) < 0).any():
        raise ValueError("give calls in the order in which they are known")
    response = np.full(len(calls.known), np.nan)
    elsewhere, moves, busy = _simulate(city, calls, rule, begin, response)
    return Outcome(response, int(elsewhere), int(moves), float(busy), float(calls.known[-1]))


class Fleet(NamedTuple):
    """What each unit does: (U,) each. `room` is what a look for a move writes in."""

    state: Int64
    next: Float64  # when what it does ends
    station: Int64  # where it waits, or is to
    call: Int64
    node: Int64  # on the way to a station: the node passed last
    start: Float64  # when it was, or will be, at that node
    room_at: Int64
    room_rest: Float64
    room_seconds: Float64  # (U, S)


@compiled(error_model="numpy")
def _simulate(city, calls, rule, begin, response):  # type: ignore[no-untyped-def]
    units, stations, count = len(city.home), len(city.station), len(calls.known)
    levels, until = calls.priority.max() + 1, calls.known[count - 1]
    fleet = Fleet(
        np.zeros(units, np.int64),
        np.full(units, np.inf),
        city.home.copy(),
        np.full(units, -1, np.int64),
        np.full(units, -1, np.int64),
        np.zeros(units),
        np.zeros(units, np.int64),
        np.zeros(units),
        np.zeros((units, stations)),
    )
    waiting = np.zeros(stations, np.int64)
    for unit in range(units):
        waiting[city.home[unit]] += 1
    queue = np.empty((levels, count), np.int64)
    head, tail = np.zeros(levels, np.int64), np.zeros(levels, np.int64)
    powers = np.empty(units + 1)
    for k in range(units + 1):
        powers[k] = (1.0 - rule.busy) * rule.busy**k
    recent, place = np.full(max(rule.cap, 1), -np.inf), 0
    coming, elsewhere, moves, busy = 0, 0, 0, 0.0
    while True:
        unit = int(np.argmin(fleet.next))
        now, sent = fleet.next[unit], -1
        if coming < count and calls.known[coming] <= now:
            now, call = calls.known[coming], coming
            coming += 1
            sent, drive = _nearest(city, calls, fleet, call, now)
            if sent < 0:
                level = calls.priority[call]
                queue[level, tail[level]] = call
                tail[level] += 1
                continue
            waiting[fleet.station[sent]] -= 1
            busy += _send(calls, fleet, sent, call, now, drive, response, begin, until)
        elif now == np.inf:
            break
        elif not _goes_on(calls, fleet, unit, now):
            done, call = fleet.call[unit], _next(queue, head, tail)
            if call >= 0:
                mode = city.mode[calls.priority[call]]
                drive = calls.free_off[mode, done] + calls.off[mode, call]
                drive += between(city.roads, mode, calls.free_node[done], calls.node[call])
                busy += _send(calls, fleet, unit, call, now, drive, response, begin, until)
                continue
            node, sent = calls.free_node[done], unit
            station = _where(city, rule, fleet, unit, waiting, powers, node)
            if station != fleet.station[unit] and begin <= now <= until:
                elsewhere += 1
            waiting[station] += 1
            _return(city, fleet, unit, station, node, now + calls.free_off[city.calm, done])
        if sent >= 0 and rule.policy == DMEXCLP and rule.cap > 0 and now - recent[place] >= 3600.0:
            if _move(city, rule, fleet, waiting, powers, now):
                recent[place] = now
                place = (place + 1) % rule.cap
                if begin <= now <= until:
                    moves += 1
    return elsewhere, moves, busy


@compiled(error_model="numpy")
def _goes_on(calls, fleet, unit, now):  # type: ignore[no-untyped-def]
    """The next thing that a unit does by itself; False where it has become free."""
    call = fleet.call[unit]
    if fleet.state[unit] == RETURNING:
        fleet.state[unit], fleet.next[unit] = IDLE, np.inf
    elif fleet.state[unit] == RESPONDING:
        fleet.state[unit], fleet.next[unit] = AT_SCENE, now + calls.scene[call]
    elif fleet.state[unit] == AT_SCENE and calls.carry[call] > 0:
        fleet.state[unit], fleet.next[unit] = AT_HOSPITAL, now + calls.carry[call]
    else:
        return False
    return True


@compiled(error_model="numpy")
def _next(queue, head, tail):  # type: ignore[no-untyped-def]
    """The call that has waited longest of the most urgent ones; -1 for none."""
    for level in range(len(head)):
        if head[level] < tail[level]:
            head[level] += 1
            return queue[level, head[level] - 1]
    return -1


@compiled(error_model="numpy")
def _where(city, rule, fleet, unit, waiting, powers, node):  # type: ignore[no-untyped-def]
    """The station where a unit that became free at `node` goes to wait."""
    if rule.policy == STATIC:
        return city.home[unit]
    seconds = city.left[:, node]
    if rule.policy == CLOSEST:
        best, chosen = np.inf, fleet.station[unit]
        for station in range(len(seconds)):
            if waiting[station] < city.capacity[station] and seconds[station] < best:
                best, chosen = seconds[station], np.int64(station)
        return chosen
    last = fleet.station[unit]
    return np.int64(best_station(city.cover, city.demand, city.capacity, waiting, powers, seconds, rule.patience, last))


@compiled(error_model="numpy")
def _return(city, fleet, unit, station, node, at):  # type: ignore[no-untyped-def]
    """Sends a unit that is at `node` at a time to a station."""
    fleet.state[unit], fleet.station[unit] = RETURNING, station
    fleet.node[unit], fleet.start[unit] = node, at
    fleet.next[unit] = at + city.left[station, node] + city.station_off[city.calm, station]


@compiled(error_model="numpy")
def _move(city, rule, fleet, waiting, powers, now):  # type: ignore[no-untyped-def]
    """Sends one free unit to another station where that adds enough; whether it did."""
    for unit in range(len(fleet.state)):
        fleet.room_at[unit] = -1
        if fleet.state[unit] <= RETURNING:
            station = fleet.station[unit]
            node, lead = _ahead(city, fleet, unit, now, city.calm)
            fleet.room_at[unit] = station
            fleet.room_rest[unit] = lead + city.left[station, node] if fleet.state[unit] == RETURNING else 0.0
            fleet.room_seconds[unit] = lead + city.left[:, node]
    unit, station = best_move(
        city.cover, city.demand, city.capacity, waiting, powers, fleet.room_at, fleet.room_rest, fleet.room_seconds,
        rule.patience, rule.gain * city.demand.sum(),
    )  # fmt: skip
    if unit < 0:
        return False
    node, lead = _ahead(city, fleet, unit, now, city.calm)
    waiting[fleet.station[unit]] -= 1
    waiting[station] += 1
    _return(city, fleet, unit, station, node, now + lead)
    return True


@compiled(error_model="numpy")
def _send(calls, fleet, unit, call, now, drive, response, begin, until):  # type: ignore[no-untyped-def]
    """Sends a unit to a call; gives the seconds within the measured time that it will be busy with it."""
    fleet.state[unit], fleet.call[unit], fleet.next[unit] = RESPONDING, call, now + drive
    response[call] = now + drive - calls.came[call]
    free = now + drive + calls.scene[call] + calls.carry[call]
    return max(0.0, min(free, until) - max(now, begin))


@compiled(error_model="numpy")
def _nearest(city, calls, fleet, call, now):  # type: ignore[no-untyped-def]
    """The free unit that is there first, and its seconds; -1 with none free."""
    best, chosen, mode = np.inf, -1, city.mode[calls.priority[call]]
    for unit in range(len(fleet.state)):
        if fleet.state[unit] <= RETURNING:
            node, lead = _ahead(city, fleet, unit, now, mode)
            drive = lead + between(city.roads, mode, node, calls.node[call]) + calls.off[mode, call]
            if drive < best:
                best, chosen = drive, unit
    return chosen, best


@compiled(error_model="numpy")
def _ahead(city, fleet, unit, now, mode):  # type: ignore[no-untyped-def]
    """The node that a free unit comes to next, and in how many seconds by `mode`: it cannot turn before."""
    station = fleet.station[unit]
    if fleet.state[unit] == IDLE:
        return np.int64(city.station[station]), city.station_off[mode, station]
    node, gone = fleet.node[unit], now - fleet.start[unit]
    if gone < 0.0:
        # Not at the first node yet.
        return node, -gone * _pace(city, mode)
    left, after = city.left[station], city.after[station]
    while after[node] != node and gone >= left[node] - left[after[node]]:
        gone -= left[node] - left[after[node]]
        node = np.int64(after[node])
    fleet.node[unit], fleet.start[unit] = node, now - gone
    if after[node] == node:
        # Past the last node: back to it.
        return node, gone * _pace(city, mode)
    share = gone / (left[node] - left[after[node]])
    return np.int64(after[node]), city.other[mode, station, node] * (1.0 - share)


@compiled(error_model="numpy")
def _pace(city, mode):  # type: ignore[no-untyped-def]
    """Seconds of a mode for one of the calm one, off the roads."""
    for station in range(len(city.station)):
        if city.station_off[city.calm, station] > 0:
            return city.station_off[mode, station] / city.station_off[city.calm, station]
    return 1.0
