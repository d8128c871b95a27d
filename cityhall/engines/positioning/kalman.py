"""Compiled: the filters. One on the plane for every vehicle, one along the way for every guess, one sideways.

Along the way the state is (s, v, b): metres along, speed, and the slow error of the receiver. GNSS errors last tens of
seconds (multipath, atmosphere); a filter that takes them for new ones each time believes in an accuracy it has not.
Modelled as a first-order Gauss-Markov state they can be told from movement, and the variance of s stays honest.
Sources: Groves, Principles of GNSS, Inertial, and Multisensor Integrated Navigation Systems (2nd ed. 2013), 3.1-3.4
and 3.4.3 (time-correlated noise); speed as an Ornstein-Uhlenbeck process about the pace of the street: Johnson,
London, Lea, Durban, Continuous-Time Correlated Random Walk Model (Ecology 89, 2008).
"""

from __future__ import annotations

import numpy as np

from cityhall.engines.gtfs.schedule import Float64
from cityhall.engines.positioning.compiled import compiled
from cityhall.engines.positioning.geometry import at_start, call_at, way_length
from cityhall.engines.positioning.state import FLOOR, LASTS, SIGMA, SLOW_SHARE, Net, Records

SPEED_SD = 4.0
"""How far a bus's speed is from the pace of the street (one sigma), m/s."""
SPEED_LASTS = 16.0
"""How long such a difference lasts, seconds: red lights, stops, queues."""
JERK = 1.5  # (m/s)^2 a second: how fast a velocity on the plane wanders
MOST_VV = 150.0
DOPPLER_SD = 0.4  # m/s, of a receiver's own speed
LATERAL_LASTS = 20.0  # seconds a vehicle keeps its lane
STEP_S = 10.0
MOST_S = 600.0


@compiled
def noise(fix_class: int, sigma_m: float) -> float:
    """Metres an axis, one sigma, of a fix's error."""
    kind = fix_class if 0 <= fix_class < SIGMA.size else 0
    if not sigma_m > 0.0:
        return SIGMA[kind]
    return min(200.0, max(FLOOR[kind], sigma_m))


@compiled
def move_free(state: Records, dt: float) -> None:
    """The plane's filter, `dt` seconds on: constant velocity with white acceleration."""
    state.x += state.vx * dt
    state.y += state.vy * dt
    q = JERK
    state.pp += dt * (2.0 * state.pv + dt * state.vv) + q * dt * dt * dt / 3.0
    state.pv += dt * state.vv + q * dt * dt / 2.0
    state.vv += q * dt
    if state.vv > MOST_VV:
        # No vehicle's speed is less known than that. With the covariance cut alike it stays one of something.
        state.pv *= np.sqrt(MOST_VV / state.vv)
        state.vv = MOST_VV


@compiled
def correct_free(state: Records, x: float, y: float, sigma: float, speed: float, bearing: float) -> None:
    """Takes a fix in; `speed` and `bearing` (radians) may be NaN."""
    if speed >= 0.0 and (speed < 0.3 or not np.isnan(bearing)):
        vx, vy = (0.0, 0.0) if speed < 0.3 else (speed * np.sin(bearing), speed * np.cos(bearing))
        s = state.vv + DOPPLER_SD * DOPPLER_SD + (0.1 * speed) ** 2
        gain_p, gain_v = state.pv / s, state.vv / s
        dx, dy = vx - state.vx, vy - state.vy
        state.x += gain_p * dx
        state.y += gain_p * dy
        state.vx += gain_v * dx
        state.vy += gain_v * dy
        state.pp -= gain_p * state.pv
        state.pv -= gain_p * state.vv
        state.vv -= gain_v * state.vv
    r = (1.0 - SLOW_SHARE) * sigma * sigma
    s = state.pp + r
    gain_p, gain_v = state.pp / s, state.pv / s
    dx, dy = x - state.x, y - state.y
    state.x += gain_p * dx
    state.y += gain_p * dy
    state.vx += gain_v * dx
    state.vy += gain_v * dy
    state.vv = max(state.vv - gain_v * state.pv, 1e-6)
    state.pv -= gain_v * state.pp
    state.pp = max(state.pp - gain_p * state.pp, 1e-6)


@compiled
def pace_at(net: Net, pace: Float64, guess: Records, at: float) -> float:
    """The usual speed where a guess is, dwell included; nought before its departure and at its end."""
    way = guess.way
    if guess.run >= 0 and at_start(net, way, guess.s) and at < net.departure[net.run_first[guess.run]]:
        return 0.0
    call = max(0, call_at(net, way, guess.s))
    if call >= net.call_first[way + 1] - net.call_first[way] - 1:
        return 0.0
    return pace[net.call_first[way] + call]


@compiled
def move(net: Net, pace: Float64, guess: Records, at: float, dt: float, fix_class: int, sigma: float) -> None:
    """A guess `dt` seconds on from time `at`: dead reckoning towards the usual speed, in steps of ten seconds."""
    kind = fix_class if 0 <= fix_class < LASTS.size else 0
    end = way_length(net, guess.way)
    left = min(dt, MOST_S)
    while left > 0.0:
        step = min(STEP_S, left)
        usual = pace_at(net, pace, guess, at)
        _move_once(guess, usual, step, LASTS[kind], SLOW_SHARE * sigma * sigma)
        guess.s = min(end, max(0.0, guess.s))
        at += step
        left -= step


@compiled
def _move_once(guess: Records, usual: float, dt: float, lasts: float, slow: float) -> None:
    phi, psi = np.exp(-dt / SPEED_LASTS), np.exp(-dt / lasts)
    drift = SPEED_LASTS * (1.0 - phi)
    guess.s += usual * dt + (guess.v - usual) * drift
    guess.v = usual + (guess.v - usual) * phi
    guess.b *= psi
    variance = SPEED_SD * SPEED_SD
    # P = F P F' + Q with F = [[1, drift, 0], [0, phi, 0], [0, 0, psi]].
    guess.ss += 2.0 * drift * guess.sv + drift * drift * guess.vv
    guess.sv = phi * (guess.sv + drift * guess.vv)
    guess.sb = psi * (guess.sb + drift * guess.vb)
    guess.vv *= phi * phi
    guess.vb *= phi * psi
    guess.bb *= psi * psi
    guess.ss += variance * SPEED_LASTS**2 * max(0.0, 2.0 * dt / SPEED_LASTS - 3.0 + 4.0 * phi - phi * phi)
    guess.sv += variance * SPEED_LASTS * (1.0 - phi) ** 2
    guess.vv += variance * (1.0 - phi * phi)
    guess.bb += slow * (1.0 - psi * psi)


@compiled
def begin(guess: Records, s: float, v: float, v_sd: float, sigma: float) -> None:
    """A guess's filter as a first fix makes it: what is wrong with s is, for the most, what is wrong with the fix."""
    slow = SLOW_SHARE * sigma * sigma
    guess.s, guess.v, guess.b = s, v, 0.0
    guess.ss, guess.sv, guess.sb = sigma * sigma, 0.0, -slow
    guess.vv, guess.vb, guess.bb = v_sd * v_sd, 0.0, slow


@compiled
def not_alike(sigma: float, before: float) -> bool:
    """Whether a receiver has changed how it works: then its slow error is another one."""
    return sigma < 0.5 * before or sigma > 2.0 * before


@compiled
def renew_error(guess: Records, sigma: float) -> None:
    """The receiver's error is another one now (its fix class changed, say): forgotten, and free again."""
    guess.b = guess.sb = guess.vb = 0.0
    guess.bb = SLOW_SHARE * sigma * sigma


@compiled
def correct(guess: Records, z: float, sigma: float, drawn: float) -> float:
    """Takes in that the fix is `z` metres along, where places along are good to `drawn` metres.

    Returns the normalised innovation squared (chi-square, 1 degree).

    A fix far from where it should be counts less, unless it is the third in a row: then the filter was wrong.
    """
    innovation = z - guess.s - guess.b
    r = (1.0 - SLOW_SHARE) * sigma * sigma + drawn * drawn
    variance = guess.ss + 2.0 * guess.sb + guess.bb + r
    surprise = innovation * innovation / variance
    if surprise > 12.0:
        guess.astray += 1
        if guess.astray >= 3:
            guess.ss += innovation * innovation
            guess.astray = 0
        else:
            r += variance * (surprise / 12.0 - 1.0)
        variance = guess.ss + 2.0 * guess.sb + guess.bb + r
    else:
        guess.astray = 0
    hs, hv, hb = guess.ss + guess.sb, guess.sv + guess.vb, guess.sb + guess.bb
    guess.s += hs / variance * innovation
    guess.v += hv / variance * innovation
    guess.b += hb / variance * innovation
    guess.ss = max(guess.ss - hs * hs / variance, 1e-6)
    guess.sv -= hs * hv / variance
    guess.sb -= hs * hb / variance
    guess.vv = max(guess.vv - hv * hv / variance, 1e-6)
    guess.vb -= hv * hb / variance
    guess.bb = max(guess.bb - hb * hb / variance, 1e-9)
    return surprise


@compiled
def correct_speed(guess: Records, speed: float, sd: float) -> None:
    """Takes in a speed along the way, m/s, negative against it."""
    innovation = speed - guess.v
    variance = guess.vv + sd * sd
    if innovation * innovation > 25.0 * variance:
        variance = innovation * innovation / 25.0
    hs, hv, hb = guess.sv, guess.vv, guess.vb
    guess.s += hs / variance * innovation
    guess.v += hv / variance * innovation
    guess.b += hb / variance * innovation
    guess.ss = max(guess.ss - hs * hs / variance, 1e-6)
    guess.sv -= hs * hv / variance
    guess.sb -= hs * hb / variance
    guess.vv = max(guess.vv - hv * hv / variance, 1e-6)
    guess.vb -= hv * hb / variance
    guess.bb = max(guess.bb - hb * hb / variance, 1e-9)


@compiled
def begin_sideways(state: Records, usual: float, spread: float, sigma: float) -> None:
    """Nothing is known of the lateral offset but where vehicles usually are."""
    state.left, state.left_error, state.le = usual, 0.0, 0.0
    state.ll = spread * spread
    state.ee = SLOW_SHARE * sigma * sigma
    state.lane = -1


@compiled
def move_sideways(state: Records, usual: float, spread: float, before: float, sigma: float, dt: float) -> None:
    """The offset wanders about the usual one. `before` is the sigma of the fix before."""
    kind = state.fix_class if 0 <= state.fix_class < LASTS.size else 0
    phi, psi = np.exp(-dt / LATERAL_LASTS), np.exp(-dt / LASTS[kind])
    state.left = usual + (state.left - usual) * phi
    state.left_error *= psi
    state.ll = state.ll * phi * phi + spread * spread * (1.0 - phi * phi)
    state.le *= phi * psi
    state.ee = state.ee * psi * psi + SLOW_SHARE * sigma * sigma * (1.0 - psi * psi)
    if not_alike(sigma, before):
        state.left_error = state.le = 0.0
        state.ee = SLOW_SHARE * sigma * sigma


@compiled
def correct_sideways(state: Records, offset: float, sigma: float) -> None:
    """Takes in the offset of a fix, metres to the left."""
    variance = state.ll + 2.0 * state.le + state.ee + (1.0 - SLOW_SHARE) * sigma * sigma + 1e-4
    innovation = offset - state.left - state.left_error
    hl, he = state.ll + state.le, state.le + state.ee
    state.left += hl / variance * innovation
    state.left_error += he / variance * innovation
    state.ll = max(state.ll - hl * hl / variance, 1e-6)
    state.le -= hl * he / variance
    state.ee = max(state.ee - he * he / variance, 1e-9)
