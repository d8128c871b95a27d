"""A scale that drifts: its weights against what its accounts announce, and against other scales in the same weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.weights.levels import Floats, Season, held, leftover, spread

FEWEST = 40
"""Weighings before and after a change."""
SURE = 5.0
"""Standard errors from which a change counts: over all moments of all scales of a city chance brings one in years."""
LEAST = 0.03
"""A share that matters: scales of this kind may be off by less."""
ROUNDS = 3
"""A scale's own change moves what its accounts seem to bring: it is taken off and looked for again."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A scale whose weights changed on `since` (as Season.day) by the share `off` (0.08: 8 % more); `sure`: in standard
    errors; `count`: weighings after it."""

    scale: int
    since: float
    off: float
    sure: float
    count: int


def shifts(season: Season) -> list[Shift]:
    """The scales that seem to weigh otherwise than before, the surest first."""
    if not len(season.day):
        return []
    week = np.asarray((season.day - season.day.min()) // 7, np.int64)
    values = season.against_announced()
    found: dict[int, Shift] = {}
    for _round in range(ROUNDS):
        taken = np.zeros(len(values))
        for one in found.values():
            taken[(season.scale == one.scale) & (season.day >= one.since)] += np.log1p(one.off)
        rest = held(leftover(values - taken, season.account, week)) + taken
        error = spread(rest - taken)
        found = {}
        for scale in np.unique(season.scale):
            rows = np.flatnonzero(season.scale == scale)
            rows = rows[np.argsort(season.day[rows], kind="stable")]
            change = _change(season.day[rows], rest[rows], error)
            if change is not None:
                found[int(scale)] = Shift(int(scale), *change)
    return sorted(found.values(), key=lambda one: -one.sure)


def _change(day: Floats, rest: Floats, error: float) -> tuple[float, float, float, int] | None:
    """The one moment at which before and after differ most (a CUSUM's highest point), None where chance could do it."""
    many = len(rest)
    if many < 2 * FEWEST:
        return None
    before = np.arange(FEWEST, many - FEWEST + 1)
    sums = np.concatenate([[0.0], np.cumsum(rest)])
    step = (sums[-1] - sums[before]) / (many - before) - sums[before] / before
    sure = np.abs(step) / (error * np.sqrt(1 / before + 1 / (many - before)))
    at = int(np.argmax(sure))
    off = float(np.expm1(step[at]))
    if sure[at] < SURE or abs(off) < LEAST:
        return None
    return float(day[before[at]]), off, float(sure[at]), int(many - before[at])
