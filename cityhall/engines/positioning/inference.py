"""Compiled: the guesses of which trip a vehicle drives, how well each fits, and where they come from.

A guess is a way, a run on it and a filter along it. Its score gathers, as a hidden Markov model's log-likelihood does,
how well place and heading fit (Newson, Krumm, Hidden Markov Map Matching Through Noise and Sparseness, 2009, 4.1), with
evidence older than two minutes fading; its prior says how likely the run is by the timetable, the block, and what the
driver logged.
"""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import whole
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import at_end, at_start, delay, place, project, way_length
from cityhall.engines.positioning.kalman import (
    begin,
    correct,
    correct_speed,
    move,
    not_alike,
    renew_error,
)
from cityhall.engines.positioning.state import GUESSES, Live, Net, Records

NOWHERE_M = 150.0
"""How far from a way (one sigma) a vehicle on none of them is taken to be."""
AGAINST = 5.0
"""What going against a way says against it: more than lying on it says for it."""
EVIDENCE_S = 10.0
"""Fixes within so many seconds share their errors: together they are one piece of evidence."""
FADE_S = 120.0
MOST_SCORE = 12.0
LOGGED, LOGGED_LINE, OTHER_LINE, BLOCK, OTHERS = 6.0, 2.0, -3.0, 3.0, -4.0
"""What a log-on, a block's next run, and a run that another vehicle drives are worth, log-likelihood."""
BEGINS = 1.0
"""Who stands at a first stop before a departure is likelier to begin there than to be passing."""
LATE_S, EARLY_S, WAIT_S = 400.0, 90.0, 600.0
"""Buses run late more often than early: scales of the two exponentials, and of waiting for the departure."""
LEAST_PRIOR = -8.0
SEARCH_S = 5.0
OTHERS_EVERY_S = 2.0
"""Guesses that are not believed take in one fix in so many seconds; the believed one takes all."""
BELIEVE, BETTER, FAR_BEHIND = 2.0, 3.0, 7.0
GONE_M = 60.0
CLEARLY = 1.0
TAKEN_S = 300.0
"""A vehicle not seen on its run for so long leaves it to others."""
CORNERS = 0.3
"""How wrong places along a way are, as a share of its spread: corners are cut."""
RUNS_TRIED = 12
NOT_NOW_S = 2 * 3600.0
"""A log-on to a trip that is this far from now is a slip of the finger."""


@compiled
def place_evidence(offset: float, variance: float) -> float:
    """Log-likelihood of a lateral offset on the way over that on no way."""
    square = offset * offset
    wide = max(NOWHERE_M, 2.0 * np.sqrt(variance))
    return min(3.5, max(-4.0, 0.5 * np.log(wide * wide / variance) - 0.5 * square * (1.0 / variance - 1.0 / wide**2)))


@compiled
def _heading_evidence(course: float, east: float, north: float) -> float:
    if np.isnan(course):
        return 0.0
    along = np.sin(course) * east + np.cos(course) * north
    return 1.5 * along - 0.5 if along > 0.0 else AGAINST * along - 0.5


@compiled
def prior_of(net: Net, live: Live, state: Records, vehicle: int, run: int, s: float, at: float) -> float:
    """Log, up to a constant: how likely the run is for a vehicle at `s` at that time."""
    way = whole(net.run_way[run])
    leaves = net.departure[net.run_first[run]]
    if at_start(net, way, s) and at < leaves:
        prior = BEGINS - (leaves - at) / WAIT_S
    else:
        late = delay(net, run, s, at)
        prior = -late / LATE_S if late > 0.0 else late / EARLY_S
    prior = max(prior, LEAST_PRIOR)
    if state.hint_run == run:
        prior += LOGGED
    if state.hint_route >= 0:
        prior += LOGGED_LINE if net.route[way] == state.hint_route else OTHER_LINE
    if state.last_run >= 0 and net.after[state.last_run] == run:
        prior += BLOCK
    others = live.taken[run] >= 0 and live.taken[run] != vehicle and at - live.taken_at[run] < TAKEN_S
    if others and prior < live.taken_prior[run] + CLEARLY:
        prior += OTHERS
    return prior


@compiled
def likeliest_run(
    net: Net, live: Live, state: Records, vehicle: int, way: int, s: float, at: float
) -> tuple[int, float, float]:
    """The likeliest run of a way, its prior, and how much likelier it is than the next; -1 where none runs."""
    low, high = net.way_first[way], net.way_first[way + 1]
    before, after = low, high
    while before < after:
        middle = (before + after) >> 1
        if net.departure[net.run_first[net.way_run[middle]]] <= at + 2.0 * WAIT_S:
            before = middle + 1
        else:
            after = middle
    best, best_prior, second = whole(-1), -np.inf, -np.inf
    for row in range(before - 1, low - 1, -1):
        run = whole(net.way_run[row])
        # Runs are looked at from the latest departure back; only those that should be past here by hours are left out.
        if before - row > RUNS_TRIED and delay(net, run, s, at) > 3600.0:
            break
        prior = prior_of(net, live, state, vehicle, run, s, at)
        if prior > best_prior:
            best, best_prior, second = run, prior, best_prior
        elif prior > second:
            second = prior
    return best, best_prior, best_prior - second


@compiled
def step_guess(
    net: Net,
    live: Live,
    state: Records,
    guess: Records,
    vehicle: int,
    x: float,
    y: float,
    sigma: float,
    speed: float,
) -> float:
    """Moves a guess to the newest fix and takes it in. Returns the evidence of place (see `place_evidence`)."""
    at, before = state.at, guess.at
    dt = at - before
    another = not_alike(sigma, guess.sigma)
    guess.at, guess.sigma = at, sigma
    move(net, live.pace, guess, before, dt, state.fix_class, sigma)
    if another:
        renew_error(guess, sigma)
    side = sigma * sigma + net.spread[guess.way] ** 2
    variance = guess.ss + 2.0 * guess.sb + guess.bb + sigma * sigma
    window = 4.0 * np.sqrt(max(variance, 1.0)) + 20.0
    along, offset, east, north = project(
        net, guess.way, guess.s + guess.b, window, x, y, state.course, side, variance + net.spread[guess.way] ** 2
    )
    evidence = place_evidence(offset, side)
    surprise = 4.0
    if evidence > -2.0:
        surprise = correct(guess, along, sigma, CORNERS * net.spread[guess.way])
        if speed >= 0.0 and (speed < 0.3 or not np.isnan(state.course)):
            facing = 1.0 if speed < 0.3 else np.sin(state.course) * east + np.cos(state.course) * north
            correct_speed(guess, speed * facing, 0.4 + 0.1 * speed)
        guess.s = min(way_length(net, guess.way), max(0.0, guess.s))
    else:
        guess.ss = min(guess.ss, 400.0**2)
    guess.offset = offset
    weight = 1.0 - np.exp(-dt / EVIDENCE_S)
    new = evidence + _heading_evidence(state.course, east, north) - 0.25 * min(surprise, 8.0)
    guess.score = min(MOST_SCORE, max(-MOST_SCORE, guess.score * np.exp(-dt / FADE_S) + weight * new))
    # What changes slowly is looked at every few seconds, and when the vehicle leaves its first stop.
    if at // SEARCH_S != before // SEARCH_S or (guess.fixed == 0 and not at_start(net, guess.way, guess.s)):
        _keep_run(net, live, state, guess, vehicle)
    return evidence


@compiled
def _keep_run(net: Net, live: Live, state: Records, guess: Records, vehicle: int) -> None:
    """The run of a guess: chosen anew as long as it waits at its first stop, then kept."""
    at = state.at
    waiting = at_start(net, guess.way, guess.s)
    logged = state.hint_run
    if logged >= 0 and logged != guess.run and net.run_way[logged] == guess.way and np.isnan(guess.done_at):
        prior = prior_of(net, live, state, vehicle, logged, guess.s, at)
        if prior > prior_of(net, live, state, vehicle, guess.run, guess.s, at):
            guess.run, guess.fixed, guess.margin = logged, 1, LOGGED
    if guess.fixed == 0 or (waiting and guess.run != logged and np.isnan(guess.done_at)):
        guess.fixed = 0
        run, _, margin = likeliest_run(net, live, state, vehicle, guess.way, guess.s, at)
        if run >= 0 and run != guess.run:
            if live.taken[guess.run] == vehicle:
                live.taken[guess.run] = -1
            guess.run, guess.margin = run, margin
        if not waiting:
            guess.fixed = 1
    if np.isnan(guess.done_at):
        if at_end(net, guess.way, guess.s) and guess.s - guess.born_s > GONE_M:
            guess.done_at = at
        guess.prior = prior_of(net, live, state, vehicle, guess.run, guess.s, at)
    else:
        guess.prior = max(-1.0 - (at - guess.done_at) / 60.0, 2.0 * LEAST_PRIOR)


@compiled
def _insert(
    net: Net,
    live: Live,
    state: Records,
    guesses: Records,
    vehicle: int,
    way: int,
    along: float,
    offset: float,
    east: float,
    north: float,
    sigma: float,
) -> None:
    """Makes a guess of a passage near the fix, in the place of the worst one, unless it is known or no better."""
    worst, least = -1, np.inf
    for slot in range(GUESSES):
        guess = guesses[slot]
        if guess.way < 0:
            if least > -np.inf:
                worst, least = slot, -np.inf
            continue
        if guess.way == way and abs(guess.s - along) < GONE_M + 4.0 * sigma and np.isnan(guess.done_at):
            _, _, ux, uy = place(net, way, guess.s)
            if ux * east + uy * north > 0.0:
                return
        if slot != state.best and guess.score + guess.prior < least:
            worst, least = slot, guess.score + guess.prior
    run, prior, margin = likeliest_run(net, live, state, vehicle, way, along, state.at)
    history = -np.inf
    if state.best >= 0 and guesses[state.best].way == way and np.isnan(guesses[state.best].done_at):
        # The other passage of the way it drives: then it drives the same run there.
        run, margin = guesses[state.best].run, guesses[state.best].margin
        prior = prior_of(net, live, state, vehicle, run, along, state.at)
        history = guesses[state.best].score - 2.0
    if run < 0 or worst < 0:
        return
    here = place_evidence(offset, sigma * sigma + net.spread[way] ** 2)
    score = max(0.5 * (here + _heading_evidence(state.course, east, north)), history)
    if score + prior <= least:
        return
    if state.best >= 0 and score + prior < guesses[state.best].score + guesses[state.best].prior - 2.0 * FAR_BEHIND:
        return
    guess = guesses[worst]
    begin(guess, along, state.vx * east + state.vy * north, np.sqrt(state.vv) + 1.0, sigma)
    guess.way, guess.run, guess.score, guess.prior, guess.margin = way, run, score, prior, margin
    guess.at, guess.sigma, guess.born_at = state.at, sigma, state.at
    guess.offset, guess.astray, guess.born_s, guess.done_at = offset, 0, along, np.nan
    guess.fixed = 0 if at_start(net, way, along) else 1
    if state.rival == worst:
        state.rival = -1


@compiled
def search(
    net: Net, live: Live, state: Records, guesses: Records, vehicle: int, x: float, y: float, sigma: float
) -> None:
    """Makes guesses of all passages of ways near the newest fix."""
    state.searched = state.at
    column, row = int((x - net.left) // net.side), int((y - net.bottom) // net.side)
    if column < 0 or row < 0 or column >= net.columns or row >= net.rows:
        return
    cell = row * net.columns + column
    way, best, last = whole(-1), np.inf, 0.0
    along, offset, east, north = 0.0, 0.0, 0.0, 1.0
    heading_x, heading_y = np.sin(state.course), np.cos(state.course)
    for entry in range(net.cell_first[cell], net.cell_first[cell + 1]):
        a = net.cell_segment[entry]
        reach = max(40.0, 4.0 * sigma, 2.5 * net.spread[net.segment_way[a]])
        length = max(net.along[a + 1] - net.along[a], 1e-9)
        ux, uy = (net.x[a + 1] - net.x[a]) / length, (net.y[a + 1] - net.y[a]) / length
        px, py = x - net.x[a], y - net.y[a]
        gone = min(length, max(0.0, px * ux + py * uy))
        ex, ey = px - gone * ux, py - gone * uy
        far = np.sqrt(ex * ex + ey * ey)
        if far > reach:
            continue
        # A way that comes by twice has two passages: there and back are apart along it, or apart in heading.
        turned = way == net.segment_way[a] and east * ux + north * uy < -0.5
        if way >= 0 and (net.segment_way[a] != way or turned or net.along[a] - last > 2.0 * reach):
            _insert(net, live, state, guesses, vehicle, way, along, offset, east, north, sigma)
            best = np.inf
        way, last = net.segment_way[a], net.along[a + 1]
        cost = far
        if not np.isnan(state.course):
            cost += 10.0 * (1.0 - (heading_x * ux + heading_y * uy))
        if cost < best:
            best, along, east, north = cost, net.along[a] + gone, ux, uy
            offset = far if ux * py - uy * px >= 0.0 else -far
    if way >= 0:
        _insert(net, live, state, guesses, vehicle, way, along, offset, east, north, sigma)


@compiled
def take_hint(net: Net, state: Records, trip: int, route: int) -> None:
    """What the driver logged on to; the run of that trip whose time is nearest."""
    state.hint_route = route
    if trip == state.hint_trip:
        return
    state.hint_trip, state.hint_run = trip, -1
    if trip < 0 or trip >= net.trip_first.size - 1:
        return
    nearest = NOT_NOW_S
    for row in range(net.trip_first[trip], net.trip_first[trip + 1]):
        run = net.trip_run[row]
        begins, ends = net.departure[net.run_first[run]], net.arrival[net.run_first[run + 1] - 1]
        far = max(begins - state.at, state.at - ends, 0.0)
        if far < nearest:
            nearest, state.hint_run = far, run
