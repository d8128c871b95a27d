"""Compiled: the loop over fixes. Gates first, then the filters, then what the vehicle is doing."""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, Int8, Int32, whole
from cityhall.engines.positioning.belief import believe, choose, claim, finish, start_calls, wants_search
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import WELL_DRAWN_M, at_start, lanes_at, place, usual_left
from cityhall.engines.positioning.inference import OTHERS_EVERY_S, search, step_guess, take_hint
from cityhall.engines.positioning.kalman import correct_free, correct_sideways, move_free, move_sideways, noise
from cityhall.engines.positioning.state import GUESSES, Live, Net, Records, Rules
from cityhall.engines.positioning.stopcalls import find_calls

TAKEN, MALFORMED, FUTURE, DUPLICATE, OUT_OF_ORDER, TELEPORT = range(6)
FUTURE_S = 5.0
LAST_MOMENT = 1e11
"""No Unix time of a vehicle is beyond the year 5000."""
JUMPS = 3
"""So many fixes in a row at another place are no error: the vehicle was carried there, or its receiver slept."""
JUMPS_SPARSE_S = 20.0
BACKS = 10
"""So many fixes in a row from the past, one after the other: the receiver's clock was set back."""
NEW_AFTER_S = 900.0
"""Not heard for so long, a vehicle starts anew."""

OFF_S = 5.0
OFF_MOST, OFF_AT, ON_AT = 12.0, 8.0, 2.0
OFF_LEAST_M = 25.0
SLACK_M = 8.0
"""Shapes are drawn this badly in places: such an offset says nothing against the way."""
OFF_FOR_GOOD_S = 900.0
WRONG_M, RIGHT_M = 40.0, 25.0


@compiled
def _gate(rules: Rules, state: Records, at: float, x: float, y: float, sigma: float, now: float) -> int:
    """The verdict on a fix whose numbers are sound."""
    if at > now + FUTURE_S:
        return FUTURE
    if np.isnan(state.at):
        return TAKEN
    if at == state.at:
        return DUPLICATE
    if at < state.at:
        state.backs = state.backs + 1 if at > state.back_at or state.backs == 0 else 1
        state.back_at = at
        return TAKEN if state.backs >= BACKS else OUT_OF_ORDER
    state.backs = 0
    dt = at - state.at
    reach = rules.top_speed * dt + 5.0 * (sigma + state.sigma) + 30.0
    if np.hypot(x - state.x, y - state.y) <= reach:
        state.jumps = 0
        return TAKEN
    if dt > NEW_AFTER_S:
        return TAKEN
    apart = np.hypot(x - state.jump_x, y - state.jump_y)
    since = at - state.jump_at
    if state.jumps > 0 and since > 0.0 and apart <= rules.top_speed * since + 10.0 * sigma + 30.0:
        state.jumps += 1
    else:
        state.jumps, state.jump_first = 1, at
    state.jump_x, state.jump_y, state.jump_at = x, y, at
    enough = state.jumps >= JUMPS or (state.jumps >= 2 and at - state.jump_first >= JUMPS_SPARSE_S)
    return TAKEN if enough else TELEPORT


@compiled
def _restart(
    net: Net, rules: Rules, live: Live, state: Records, guesses: Records, vehicle: int, x: float, y: float
) -> None:
    """The vehicle is new where it is now."""
    believe(net, rules, live, state, guesses, vehicle, whole(-1), 1.0)
    for slot in range(GUESSES):
        guesses[slot].way = -1
    state.x, state.y, state.vx, state.vy = x, y, 0.0, 0.0
    state.pp, state.pv, state.vv = 0.0, 0.0, 100.0
    state.searched, state.course = -np.inf, np.nan
    state.jumps = state.backs = 0
    state.hint_trip = state.hint_run = state.last_run = -1
    state.every = 1.0


@compiled
def _take_free(state: Records, dt: float, x: float, y: float, sigma: float, speed: float, bearing: float) -> None:
    """The plane's filter takes the fix, and the course follows from it."""
    if dt > 0.0:
        move_free(state, dt)
        state.every += 0.2 * (min(dt, 300.0) - state.every)
    else:
        state.pp = sigma * sigma
    correct_free(state, x, y, sigma, speed, bearing)
    moving = np.hypot(state.vx, state.vy)
    if not np.isnan(bearing) and (speed > 1.0 or (np.isnan(speed) and moving > 1.5)):
        state.course = bearing
    elif moving > 2.0 and moving > 2.0 * np.sqrt(state.vv):
        state.course = np.arctan2(state.vx, state.vy)
    else:
        state.course = np.nan


@compiled
def _lane(net: Net, rules: Rules, state: Records, way: int, s: float, sigma: float) -> None:
    """The lane from the kerb, where the offset is known to less than half a lane; it changes a little late."""
    known = 4.0 * np.sqrt(state.ll + rules.drawn_to_m**2) < rules.lane_m and sigma < 0.25 * rules.lane_m
    if not known or (state.fix_class != 4 and state.fix_class != 5) or net.spread[way] > WELL_DRAWN_M:
        state.lane = -1
        return
    lanes, kerb = lanes_at(net, rules, way, s)
    from_kerb = rules.kerb_sign * (kerb - state.left) / rules.lane_m
    if from_kerb < -0.5 or from_kerb > 2.0 * lanes + 0.5:
        state.lane = -1
        return
    now = int(min(lanes - 1.0, max(0.0, np.floor(from_kerb))))
    between = min(abs(from_kerb - state.lane), abs(from_kerb - state.lane - 1.0)) < 0.15
    if state.lane < 0 or now == state.lane or not between:
        state.lane = now


@compiled
def _watch(net: Net, rules: Rules, state: Records, guess: Records, dt: float, evidence: float, sigma: float) -> None:
    """Off the route (CUSUM: Page, Continuous Inspection Schemes, 1954) and the wrong way."""
    spread = net.spread[guess.way]
    variance = sigma * sigma + spread * spread
    beyond = max(0.0, abs(guess.offset) - SLACK_M)
    # What one more fix says against the way; poor fixes say less, for their errors last.
    against = 0.5 * beyond * beyond / variance - 3.0
    against = min(5.0 if sigma < 0.3 else 3.0, max(-3.0, against))
    state.off = min(OFF_MOST, max(0.0, state.off + (1.0 - np.exp(-dt / OFF_S)) * against))
    if state.off_route == 0 and state.off > OFF_AT and abs(guess.offset) > OFF_LEAST_M:
        state.off_route, state.off_since = 1, state.at
    elif state.off_route == 1 and state.off < ON_AT:
        state.off_route = 0
        state.peak = state.trough = guess.s
        state.wrong_way = 0
    if evidence <= -2.0:
        state.broken = 1 if state.off_route == 1 or state.off > 0.5 * OFF_AT else state.broken
        return
    if not np.isnan(guess.done_at) or at_start(net, guess.way, guess.s):
        # At its ends a vehicle turns and shunts.
        state.wrong_way, state.peak = 0, guess.s
    elif state.wrong_way == 0:
        state.peak = max(state.peak, guess.s)
        if state.peak - guess.s > WRONG_M + 2.0 * min(sigma, 20.0) and guess.v < -0.5 and state.off_route == 0:
            state.wrong_way, state.trough = 1, guess.s
    else:
        state.trough = min(state.trough, guess.s)
        if guess.s - state.trough > RIGHT_M + sigma:
            state.wrong_way, state.peak = 0, guess.s


@compiled
def _follow_one(
    net: Net,
    rules: Rules,
    live: Live,
    state: Records,
    guesses: Records,
    vehicle: int,
    before: float,
    was: float,
    x: float,
    y: float,
    sigma: float,
    speed: float,
    out: Records,
    count: int,
) -> int:
    """Everything after the plane's filter; `was` is the sigma of the fix before. Returns how many calls there are."""
    held_evidence, held_run = 0.0, guesses[state.best].run if state.best >= 0 else -1
    for slot in range(GUESSES):
        guess = guesses[slot]
        if guess.way >= 0 and (slot == state.best or state.at - guess.at >= OTHERS_EVERY_S):
            evidence = step_guess(net, live, state, guess, vehicle, x, y, sigma, speed)
            if slot == state.best:
                held_evidence = evidence
    if wants_search(net, state, guesses):
        search(net, live, state, guesses, vehicle, x, y, sigma)
    held = state.best
    if held >= 0:
        finish(net, rules, live, state, guesses, vehicle, held_evidence, sigma)
    choose(net, rules, live, state, guesses, vehicle, sigma)
    if state.best < 0:
        return count
    guess = guesses[state.best]
    claim(net, live, state, guesses, vehicle)
    if state.best != held:
        held_evidence = 0.0
    elif guess.run != held_run:
        start_calls(net, live, state, guess)
    dt = max(0.0, state.at - before)
    _watch(net, rules, state, guess, dt, held_evidence, sigma)
    if state.off_route == 1 and state.at - state.off_since > OFF_FOR_GOOD_S:
        guess.way = -1
        believe(net, rules, live, state, guesses, vehicle, whole(-1), sigma)
        return count
    if held_evidence > -2.0 and state.off_route == 0:
        usual = usual_left(net, rules, guess.way, guess.s)
        move_sideways(state, usual, net.spread[guess.way], was, sigma, dt)
        correct_sideways(state, guess.offset, sigma)
        _lane(net, rules, state, guess.way, guess.s, sigma)
        if state.wrong_way == 0:
            count = find_calls(net, live, state, guess, vehicle, out, count)
    return count


@compiled
def follow(
    net: Net,
    rules: Rules,
    live: Live,
    vehicles: Records,
    guesses: Records,
    begin: int,
    vehicle: Int32,
    at: Float64,
    x: Float64,
    y: Float64,
    fix_class: Int8,
    sigma_m: Float64,
    speed: Float64,
    bearing: Float64,
    trip: Int32,
    route: Int32,
    now: float,
    verdict: Int8,
    out: Records,
    most_calls: int,
) -> tuple[int, int]:
    """Takes fixes from `begin` on. Returns how many fixes are done with, and how many calls are in `out`.

    Stops early where `out` may not hold the calls of one more fix (a trip has `most_calls` at the most).
    """
    count = whole(0)
    for i in range(begin, at.size):
        if count + most_calls > out.size:
            return i, count
        if not (np.isfinite(x[i]) and np.isfinite(y[i]) and 0.0 <= at[i] <= LAST_MOMENT):
            verdict[i] = MALFORMED
            continue
        v = vehicle[i]
        state, own = vehicles[v], guesses[v]
        sigma = noise(fix_class[i], sigma_m[i])
        verdict[i] = _gate(rules, state, at[i], x[i], y[i], sigma, now)
        if verdict[i] != TAKEN:
            continue
        before = state.at
        # NaN: first heard. Otherwise its clock was set back, it jumped for good, or it was long away.
        if np.isnan(before) or at[i] < before or state.jumps > 0 or at[i] - before > NEW_AFTER_S:
            _restart(net, rules, live, state, own, v, x[i], y[i])
            before = at[i]
        swift = speed[i] if 0.0 <= speed[i] <= 60.0 else np.nan
        course = np.radians(bearing[i]) if np.isfinite(bearing[i]) else np.nan
        _take_free(state, at[i] - before, x[i], y[i], sigma, swift, course)
        was = state.sigma
        state.at, state.sigma, state.fix_class = at[i], sigma, fix_class[i]
        take_hint(net, state, trip[i], route[i])
        count = _follow_one(net, rules, live, state, own, v, before, was, x[i], y[i], sigma, swift, out, count)
    return at.size, count


@compiled
def still_there(net: Net, way: int, s: float, x: float, y: float) -> float:
    """Metres from x, y to `s` along a way: a memory is good only where the way still runs there."""
    px, py, _, _ = place(net, way, s)
    return float(np.hypot(px - x, py - y))
