"""The chance to be at a point of the bus's way before the bus is, and the first point where that is high enough.

When the bus comes to each point is what `engines/arrivals` says; when the unit does, `engines/streets` (seconds by road
to each). Both are `Times`, and taken as independent of one another.

Points are looked at one after another in the order of the way, all of them: the chance does not grow along it. Where a
line turns back, or a one-way street leads the unit round, a point further on may be out of reach again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from cityhall.engines.intercept.times import LONGEST, Float64, Times, late, score, spreads

SURE = 0.9
ALIKE = 0.005
"""Chances that differ by less are alike: of such points the first is taken, the later ones only cost time."""
STEP = 0.1
# Normal scores and their weights: Gauss and Legendre's two points in each step.
_MIDDLE = np.arange(-LONGEST + STEP / 2, LONGEST, STEP)
_NODE = np.concatenate([_MIDDLE - STEP / 12**0.5, _MIDDLE + STEP / 12**0.5])
_WEIGHT = np.exp(-(_NODE**2) / 2) / np.exp(-(_NODE**2) / 2).sum()

Reason = Literal["sure", "best", "none"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the unit should go: `row` of the point, -1 for nowhere; `chance` to be there first, and of all points.

    `waits` is how long before the bus it is expected there, seconds. `reason` is sure: the first point with the chance
    that was asked for; best: no point has it, this is about the likeliest; none: no point can be reached in time.
    """

    row: int
    chance: float
    waits: float
    reason: Reason
    chances: Float64


def chances(bus: Times, unit: Times, margin: float = 0.0) -> Float64:
    """(points,) the chance that the unit is at each point `margin` seconds before the bus, or earlier.

    The integral is taken over the one of both times that is known better, in steps of a tenth of its standard
    deviation: the other's distribution is smooth across each of them. Right to about 1e-5. Raises ValueError for
    times of different ways.
    """
    if len(unit) != len(bus):
        raise ValueError("the unit has one time for each point of the way")
    there = np.isfinite(unit.middle) & np.isfinite(bus.middle)
    with np.errstate(invalid="ignore"):
        spare = np.where(there, bus.middle - unit.middle - margin, 0.0)[:, None]
    (bus_width, bus_skew), (width, skew) = ([part[:, None] for part in spreads(times)] for times in (bus, unit))
    # Over the unit's time: the bus comes later than that.
    unit_late = late(_NODE, width, skew, unit.shape)
    by_unit = _mean(ndtr(-score(unit_late - spare, bus_width, bus_skew, bus.shape)))
    # Over the bus's time: the unit comes before that. Who is certain to come at that moment comes in time.
    bus_late = late(_NODE, bus_width, bus_skew, bus.shape)
    by_bus = _mean(ndtr(score(bus_late + spare, width, skew, unit.shape)))
    certain = (bus_width == 0) & (width == 0)
    both = np.where(certain, spare >= 0, np.where(width <= bus_width, by_unit[:, None], by_bus[:, None]))[:, 0]
    return np.clip(np.where(there, both, np.where(np.isfinite(unit.middle), 1.0, 0.0)), 0.0, 1.0)


def _mean(values: Float64) -> Float64:
    """Of each row over the nodes. Row by row: a product of matrices adds up one row otherwise than many, and whether a
    point has the chance asked for must not depend on the other points of the way."""
    return np.asarray((values * _WEIGHT).sum(axis=1))


def plan(bus: Times, unit: Times, *, margin: float = 0.0, sure: float = SURE) -> Plan:
    """The first point of the way that the unit reaches before the bus with the chance `sure`; else the likeliest."""
    all_ = chances(bus, unit, margin)
    enough = np.flatnonzero(all_ >= sure)
    reason: Reason
    if enough.size:
        row, reason = int(enough[0]), "sure"
    elif all_.size and all_.max() > ALIKE:
        row, reason = int(np.argmax(all_ >= all_.max() - ALIKE)), "best"
    else:
        return Plan(-1, 0.0, 0.0, "none", all_)
    return Plan(row, float(all_[row]), float(bus.middle[row] - unit.middle[row]), reason, all_)
