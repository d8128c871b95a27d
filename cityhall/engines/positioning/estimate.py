"""Compiled: what is said of vehicles at a moment: the believed guess moved on to it, and how sure that is."""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import Int32
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import call_at, delay, place
from cityhall.engines.positioning.kalman import LATERAL_LASTS, move
from cityhall.engines.positioning.state import GUESSES, Live, Net, Records, Rules
from cityhall.engines.positioning.stopcalls import STANDING, ZONE_M

ON_ROUTE, OFF_ROUTE, WRONG_WAY, UNMATCHED, RECKONED, LOST = range(6)
ROUND, LINE = 1.7308, 1.96
"""Radius that holds 95 % over the root of the summed variances: of a round error (2.4477 / sqrt 2), of one along a
line.
"""
FREE_SPEED = 8.0
"""m/s, one sigma: how fast a vehicle that is on no way may be moving off unheard."""
LOST_M = 600.0

ESTIMATE = np.dtype(
    [
        ("vehicle", "i4"),
        ("at", "f8"),
        ("heard", "f8"),
        ("x", "f8"),
        ("y", "f8"),
        ("accuracy_m", "f8"),
        ("bearing", "f8"),
        ("speed", "f8"),
        ("status", "i1"),
        ("fix_class", "i1"),
        ("way", "i4"),
        ("run", "i4"),
        ("along_m", "f8"),
        ("lateral_m", "f8"),
        ("lane", "i1"),
        ("next_stop", "i4"),
        ("at_stop", "?"),
        ("delay_s", "f8"),
        ("confidence", "f8"),
    ],
    align=True,
)


@compiled
def _radius(along: float, across: float) -> float:
    """Radius that holds 95 % for two variances at right angles."""
    most, least = max(along, across), min(along, across)
    if most <= 0.0:
        return 0.0
    return np.sqrt(along + across) * (LINE + (ROUND - LINE) * least / most)


@compiled
def _free(state: Records, age: float, out: Records) -> None:
    """On no way: the plane's filter, moved on for five seconds at the most."""
    ahead = min(age, 5.0)
    out.x, out.y = state.x + state.vx * ahead, state.y + state.vy * ahead
    variance = 0.5 * (FREE_SPEED * max(0.0, age - 1.0)) ** 2 + state.pp + state.sigma * state.sigma
    out.accuracy_m = _radius(variance, variance)
    out.speed = np.hypot(state.vx, state.vy)
    out.bearing = np.nan if np.isnan(state.course) else np.degrees(state.course) % 360.0


@compiled
def _on_way(net: Net, state: Records, guess: Records, age: float, out: Records) -> None:
    """On the way, as far beside it as is known."""
    x, y, east, north = place(net, guess.way, guess.s)
    phi = np.exp(-age / LATERAL_LASTS)
    left = state.left * phi
    across = state.ll * phi * phi + net.spread[guess.way] ** 2 * (1.0 - phi * phi)
    out.x, out.y = x - left * north, y + left * east
    doubt = 0.0
    if state.off > ON_DOUBT:
        # It may be off its way already: the circle reaches to where it was measured.
        doubt = (state.x - out.x) ** 2 + (state.y - out.y) ** 2
    out.accuracy_m = np.sqrt(_radius(guess.ss, across) ** 2 + doubt)
    free = state.pp + state.sigma * state.sigma
    if age < 1.5 and _radius(free, free) < out.accuracy_m:
        # A receiver this good needs no street: where the drawing is wrong, round corners, it knows better.
        out.x, out.y = state.x + state.vx * age, state.y + state.vy * age
        out.accuracy_m = _radius(free, free) + 0.5 * age
    out.lateral_m = left
    out.speed = abs(guess.v)
    turn = 180.0 if state.wrong_way == 1 else 0.0
    out.bearing = (np.degrees(np.arctan2(east, north)) + turn) % 360.0
    out.lane = state.lane if age < 2.0 else -1


ON_DOUBT = 3.0


@compiled
def _timetable(net: Net, guess: Records, at: float, out: Records) -> None:
    """The next stop, and how late."""
    way = guess.way
    first, calls = net.call_first[way], net.call_first[way + 1] - net.call_first[way]
    call = call_at(net, way, guess.s)
    # At a stop: a little past it, or a little before; the nearest counts.
    here = -1
    for near in (call, call + 1):
        if 0 <= near < calls and abs(net.call_along[first + near] - guess.s) <= ZONE_M:
            if here < 0 or abs(net.call_along[first + near] - guess.s) < abs(net.call_along[first + here] - guess.s):
                here = near
    out.at_stop = here >= 0 and abs(guess.v) < STANDING
    out.next_stop = here if out.at_stop else (call + 1 if call + 1 < calls else -1)
    out.delay_s = delay(net, guess.run, guess.s, at)


@compiled
def _confidence(state: Records, guesses: Records) -> float:
    """How sure the run is: its weight among the other guesses', that of being on no trip, and that of the run that
    would come next.
    """
    guess = guesses[state.best]
    most = guess.score + guess.prior
    others = np.exp(min(50.0, -most))
    for slot in range(GUESSES):
        other = guesses[slot]
        if slot != state.best and other.way >= 0 and other.run != guess.run:
            others += np.exp(min(50.0, other.score + other.prior - most))
    return 1.0 / (1.0 + others + np.exp(-max(0.0, guess.margin)))


@compiled
def estimate(
    net: Net,
    rules: Rules,
    live: Live,
    vehicles: Records,
    guesses: Records,
    rows: Int32,
    now: float,
    spare: Records,
    result: Records,
) -> None:
    """Fills `result` for vehicles `rows` at `now` (NaN: at each one's newest fix). `spare` holds one guess."""
    for i in range(rows.size):
        v = rows[i]
        state, out = vehicles[v], result[i]
        at = state.at if np.isnan(now) else max(now, state.at)
        age = at - state.at
        out.vehicle, out.at, out.heard, out.fix_class = v, at, state.at, state.fix_class
        out.way = out.run = out.next_stop = out.lane = -1
        out.along_m = out.lateral_m = out.delay_s = np.nan
        out.confidence, out.at_stop = 0.0, False
        if np.isnan(state.at):
            out.at, out.x, out.y, out.accuracy_m, out.speed = now, np.nan, np.nan, np.nan, np.nan
            out.bearing, out.status = np.nan, LOST
            continue
        silent = age > max(rules.reckon_after, 1.7 * state.every)
        gone = age > max(rules.lost_after, 3.0 * state.every)
        if state.best < 0:
            _free(state, age, out)
            out.status = LOST if gone or out.accuracy_m > LOST_M else UNMATCHED
            continue
        spare[0] = guesses[v, state.best]
        guess = spare[0]
        if state.off_route == 1:
            _free(state, age, out)
            out.status = LOST if gone or out.accuracy_m > LOST_M else OFF_ROUTE
        else:
            move(net, live.pace, guess, state.at, age, state.fix_class, state.sigma)
            _on_way(net, state, guess, age, out)
            out.status = WRONG_WAY if state.wrong_way == 1 else ON_ROUTE
            if silent:
                out.status = LOST if gone or out.accuracy_m > LOST_M else RECKONED
        out.way, out.run, out.along_m = guess.way, guess.run, guess.s
        if state.off_route == 0:
            _timetable(net, guess, at, out)
        out.confidence = _confidence(state, guesses[v])
