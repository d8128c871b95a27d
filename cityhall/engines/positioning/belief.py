"""Compiled: which of its guesses a vehicle is believed to be: not before there is enough to it, and no flapping."""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import whole
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import at_start, place, usual_left, way_length
from cityhall.engines.positioning.inference import (
    BELIEVE,
    BETTER,
    CLEARLY,
    FADE_S,
    FAR_BEHIND,
    GONE_M,
    SEARCH_S,
    TAKEN_S,
    WAIT_S,
)
from cityhall.engines.positioning.kalman import (
    begin_sideways,
)
from cityhall.engines.positioning.state import GUESSES, Live, Net, Records, Rules

YOUTH_S = 40.0
"""A guess this young has not had the time to gather evidence and is not given up yet."""
SURER_M = 400.0
"""With every so many metres along a way, one more of likelihood has to speak for another one."""
HOLD_LOGGED_S, HOLD_KNOWN_S, HOLD_NEW_S = 180.0, 45.0, 5.0
"""How long another guess has to be better before a logged, a well-known, a new one gives way to it."""
KEEP_DONE_S = 600.0


@compiled
def _doubtful(state: Records, guesses: Records) -> bool:
    """Whether a guess of another way is about as good as the one that is believed."""
    held = guesses[state.best]
    for slot in range(GUESSES):
        other = guesses[slot]
        if other.way >= 0 and other.way != held.way and np.isnan(other.done_at):
            if other.score + other.prior > held.score + held.prior - BETTER:
                return True
    return False


@compiled
def claim(net: Net, live: Live, state: Records, guesses: Records, vehicle: int) -> None:
    """A run has one vehicle: the one for which it is clearly likelier. The other looks for another run.

    Who still waits for a departure claims none, unless by log-on: it may well be for the next. Nor does who may as
    well be on another line.
    """
    guess = guesses[state.best]
    run, logged = guess.run, guess.run == state.hint_run
    if not logged and (at_start(net, guess.way, guess.s) or _doubtful(state, guesses)):
        if live.taken[run] == vehicle:
            live.taken[run] = -1
        return
    mine = live.taken[run] == vehicle
    free = live.taken[run] < 0 or mine or state.at - live.taken_at[run] > TAKEN_S
    if free or guess.prior > live.taken_prior[run] + CLEARLY:
        live.taken[run], live.taken_at[run], live.taken_prior[run] = vehicle, state.at, guess.prior
    elif not logged and np.isnan(guess.done_at):
        guess.fixed = 0


@compiled
def believe(
    net: Net, rules: Rules, live: Live, state: Records, guesses: Records, vehicle: int, slot: int, sigma: float
) -> None:
    """From now on the vehicle drives the guess in `slot` (-1: none of them)."""
    if state.best >= 0 and guesses[state.best].way >= 0:
        old = guesses[state.best]
        if live.taken[old.run] == vehicle:
            live.taken[old.run] = -1
        if not np.isnan(old.done_at):
            state.last_run = old.run
            old.way = -1
    state.best, state.since, state.rival = slot, state.at, -1
    state.off, state.off_route, state.wrong_way, state.broken = 0.0, 0, 0, 0
    state.arrived = state.stood = state.left_at = np.nan
    if slot < 0:
        state.lane = -1
        return
    guess = guesses[slot]
    claim(net, live, state, guesses, vehicle)
    state.peak = state.trough = guess.s
    begin_sideways(state, usual_left(net, rules, guess.way, guess.s), net.spread[guess.way], sigma)
    start_calls(net, live, state, guess)


@compiled
def start_calls(net: Net, live: Live, state: Records, guess: Records) -> None:
    """Calls are given from the first stop on that the vehicle has not passed."""
    state.call_at, state.call_along = state.at, guess.s
    first, count = net.call_first[guess.way], net.call_first[guess.way + 1] - net.call_first[guess.way]
    state.call = 0
    while state.call < count and net.call_along[first + state.call] < guess.s - 25.0:
        state.call += 1
    state.call = max(state.call, live.called[guess.run] + 1)


@compiled
def choose(net: Net, rules: Rules, live: Live, state: Records, guesses: Records, vehicle: int, sigma: float) -> None:
    """Believes the best guess, and another one only when it has been better for long enough: no flapping."""
    best, most = whole(-1), -np.inf
    for slot in range(GUESSES):
        guess = guesses[slot]
        if guess.way >= 0 and guess.score + guess.prior > most and (slot == state.best or np.isnan(guess.done_at)):
            best, most = slot, guess.score + guess.prior
    held = state.best
    if held < 0:
        if best >= 0 and most > BELIEVE and _earned(net, state, guesses[best]):
            believe(net, rules, live, state, guesses, vehicle, best, sigma)
    elif best != held:
        _contest(net, rules, live, state, guesses, vehicle, best, most, sigma)
    else:
        state.rival = -1
    keep = FAR_BEHIND if state.best >= 0 else 2.0 * FAR_BEHIND
    for slot in range(GUESSES):
        guess = guesses[slot]
        if slot == state.best or guess.way < 0 or state.at - guess.born_at < YOUTH_S:
            continue
        if guess.score + guess.prior < most - keep:
            guess.way = -1


@compiled
def _earned(net: Net, state: Records, guess: Records) -> bool:
    """Whether there is more to a guess than standing near a street: a log-on, a departure to wait for, or way gone."""
    if guess.run == state.hint_run:
        return True
    if at_start(net, guess.way, guess.s):
        leaves = net.departure[net.run_first[guess.run]]
        return guess.score > 1.0 and abs(state.at - leaves) < WAIT_S
    return guess.s - guess.born_s > GONE_M and guess.score > 0.0


@compiled
def _contest(
    net: Net,
    rules: Rules,
    live: Live,
    state: Records,
    guesses: Records,
    vehicle: int,
    best: int,
    most: float,
    sigma: float,
) -> None:
    held = guesses[state.best]
    better = BETTER
    if guesses[best].run != held.run:
        better += min(5.0, max(0.0, held.s - held.born_s) / SURER_M)
    if held.run != state.hint_run:
        # What has been gathered on being off the way speaks for others as well.
        better -= state.off
    if most < held.score + held.prior + better or not _earned(net, state, guesses[best]):
        state.rival = -1
        return
    if state.rival != best:
        state.rival, state.rival_since = best, state.at
    hold = HOLD_NEW_S
    if not np.isnan(held.done_at) or (guesses[best].run == state.hint_run and held.run != state.hint_run):
        hold = 0.0
    elif guesses[best].run == held.run:
        hold = HOLD_NEW_S
    elif held.run == state.hint_run:
        hold = HOLD_LOGGED_S
    elif held.score < 0.0 or state.off > 4.0:
        hold = 0.0
    elif state.at - state.since > FADE_S:
        hold = HOLD_KNOWN_S
    if state.at - state.rival_since >= hold:
        believe(net, rules, live, state, guesses, vehicle, best, sigma)


@compiled
def wants_search(net: Net, state: Records, guesses: Records) -> bool:
    """Whether to look for more guesses now."""
    if state.at - state.searched < SEARCH_S:
        return False
    if state.best < 0:
        return True
    held = guesses[state.best]
    near_end = held.s > way_length(net, held.way) - 2.0 * GONE_M
    young = held.run != state.hint_run and state.at - state.since < FADE_S
    logged_else = state.hint_run >= 0 and held.run != state.hint_run
    return near_end or young or logged_else or state.off > 4.0 or held.score < 1.0 or held.v < -1.0


@compiled
def finish(
    net: Net, rules: Rules, live: Live, state: Records, guesses: Records, vehicle: int, evidence: float, sigma: float
) -> None:
    """A run that is done is believed until the vehicle leaves its last stop, ten minutes at the most."""
    held = guesses[state.best]
    if np.isnan(held.done_at):
        return
    x, y, _, _ = place(net, held.way, way_length(net, held.way))
    gone = np.hypot(state.x - x, state.y - y) > 2.0 * GONE_M + 4.0 * sigma
    if gone or evidence < -2.0 or state.at - held.done_at > KEEP_DONE_S:
        believe(net, rules, live, state, guesses, vehicle, whole(-1), sigma)
