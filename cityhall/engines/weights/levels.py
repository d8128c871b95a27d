"""A season of weighings as numbers, and what each of them says beyond what its account and its week usually do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MAD = 1.4826
"""A normal distribution's standard deviation, in median absolute deviations."""
FARTHEST = 3.0
"""Standard deviations beyond which one weighing says no more than one that lies there (Huber, 1981)."""
ROUNDS = 4
SHRINK = 2.0
"""An account of so few weighings is believed half of what it says of itself."""


class SeasonError(ValueError):
    """Columns that are no season."""


@dataclass(frozen=True, slots=True)
class Season:
    """Weighings, a row each: `day` (days since any one day, fractions too), numbers of scale and account from 0,
    `grams`, and `expected` grams (what was announced). All of one length. Raises SeasonError for what is none."""

    day: Floats
    scale: Ints
    account: Ints
    grams: Floats
    expected: Floats

    def __post_init__(self) -> None:
        columns: list[npt.NDArray[Any]] = [self.day, self.scale, self.account, self.grams, self.expected]
        if any(one.ndim != 1 or len(one) != len(self.day) for one in columns):
            raise SeasonError("the columns of a season are of one length")
        if len(self.day) and (min(self.grams.min(), self.expected.min()) <= 0 or not np.isfinite(self.day).all()):
            raise SeasonError("grams are above zero, and days are numbers")
        if len(self.day) and min(self.scale.min(), self.account.min()) < 0:
            raise SeasonError("scales and accounts are numbered from 0")

    def against_announced(self) -> Floats:
        """Logarithm of what was weighed to what was announced."""
        return np.asarray(np.log(self.grams / self.expected))

    def against_history(self) -> Floats:
        """Logarithm of what was weighed: what an account usually brings is taken off later."""
        return np.asarray(np.log(self.grams))


def spread(values: Floats) -> float:
    """The standard deviation by the median absolute one; never zero."""
    if not len(values):
        return 1.0
    return max(1e-6, MAD * float(np.median(np.abs(values - np.median(values)))))


def middles(values: Floats, group: Ints, count: int) -> Floats:
    """The median of each group, 0.0 for one without a row."""
    found = np.zeros(count)
    order = np.lexsort((values, group))
    first = np.searchsorted(group[order], np.arange(count), "left")
    last = np.searchsorted(group[order], np.arange(count), "right")
    some = last > first
    low, high = (first[some] + last[some] - 1) // 2, (first[some] + last[some]) // 2
    found[some] = (values[order][low] + values[order][high]) / 2
    return found


def leftover(values: Floats, account: Ints, other: Ints) -> Floats:
    """What is left of values when accounts' and `other`'s (weeks', scales') usual levels are taken off in turn.

    Medians (Tukey's median polish), so that a few that are far off change no level; an account of few is shrunk to the
    middle. `values`, `account` and `other` are of one length.
    """
    if not len(values):
        return values
    accounts, others = int(account.max()) + 1, int(other.max()) + 1
    belief = np.bincount(account, minlength=accounts) / (np.bincount(account, minlength=accounts) + SHRINK)
    left = values - np.median(values)
    for _round in range(ROUNDS):
        left = left - (middles(left, account, accounts) * belief)[account]
        left = left - middles(left, other, others)[other]
    return np.asarray(left)


def held(values: Floats) -> Floats:
    """The same with what is far off drawn in to FARTHEST."""
    most = FARTHEST * spread(values)
    return np.clip(values, -most, most)
