"""When somebody comes to each point of a way, with its doubt: three quantiles, and a shape learned from what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Float64 = npt.NDArray[np.float64]
DECILE = 1.2815515655446004
"""How many standard deviations the 90th percentile of a normal is above its middle."""
SKEWED = 20.0
"""One percentile is taken to be at least a twentieth as far from the middle as the other."""
LONGEST = 6.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What arrivals that came taught about what lies between and beyond the three quantiles.

    Normal scores `at`, ascending, and those that arrivals had at that share of cases, `score`, ascending. Outside of
    them both go on side by side.
    """

    at: Float64
    score: Float64

    @classmethod
    def of(cls, scores: Float64) -> Shape:
        """From the scores of many arrivals (`Times.scores`). Raises ValueError for fewer than 100."""
        if scores.size < 100:
            raise ValueError("a shape is learned from 100 arrivals or more")
        at = np.arange(-2.0, 2.01, 0.25)
        found = np.quantile(np.clip(scores, -LONGEST, LONGEST), ndtr(at))
        # Ascending, whatever the arrivals: each at least a little after the one before.
        found = np.maximum.accumulate(found) + 1e-6 * np.arange(len(at))
        ends = 10.0
        return cls(
            np.concatenate([[at[0] - ends], at, [at[-1] + ends]]),
            np.concatenate([[found[0] - ends], found, [found[-1] + ends]]),
        )


@dataclass(frozen=True, slots=True)
class Times:
    """When somebody comes to each point, in the order of the way: (points,) seconds of one clock; inf for never.

    `middle` is as likely too early as too late, `low` and `high` are the 10th and 90th percentile: what
    `arrivals.Calls` holds. Between and beyond them the time is Tukey's g distribution, the one of its kind with these
    three quantiles (Hoaglin, Summarizing shape numerically: the g-and-h distributions, in Exploring Data Tables,
    Trends, and Shapes, 1985): a shifted lognormal, longer to the side of the farther percentile, and the normal where
    both are as far. `shape` bends it by what was learned (Kuleshov, Fenner, Ermon, Accurate Uncertainties for Deep
    Learning Using Calibrated Regression, 2018).
    """

    middle: Float64
    low: Float64
    high: Float64
    shape: Shape | None = None

    def __post_init__(self) -> None:
        if not len(self.middle) == len(self.low) == len(self.high):
            raise ValueError("middle, low and high have one value a point each")
        if not ((self.low <= self.middle) & (self.middle <= self.high)).all():
            raise ValueError("low is not after the middle, and high not before it")

    @classmethod
    def driven(cls, now: float, seconds: Float64, quick: float, slow: float, shape: Shape | None = None) -> Times:
        """Of a unit that leaves `now` and takes `seconds` (inf for no way), at best and worst times `quick`, `slow`.

        `quick` and `slow` are the 10th and 90th percentile of what is taken over what was computed, about 1.
        """
        if not (seconds >= 0).all() or not 0 < quick <= 1 <= slow:
            raise ValueError("seconds are not negative, and quick <= 1 <= slow")
        return cls(now + seconds, now + quick * seconds, now + slow * seconds, shape)

    def __len__(self) -> int:
        return len(self.middle)

    def from_point(self, row: int) -> Times:
        """Without the points before `row`."""
        return Times(self.middle[row:], self.low[row:], self.high[row:], self.shape)

    def scores(self, came: Float64) -> Float64:
        """(points,) the normal score of when somebody came, by the three quantiles alone: for `Shape.of`."""
        width, skew = spreads(self)
        return score(came - self.middle, width, skew, None)


def spreads(times: Times) -> tuple[Float64, Float64]:
    """Width and skew (points,) of Tukey's g: width·expm1(skew·z)/skew about the middle, z normal; 0 wide is certain."""
    with np.errstate(invalid="ignore"):
        before, after = times.middle - times.low, times.high - times.middle
    before, after = np.nan_to_num(before), np.nan_to_num(after)
    least = np.maximum(before, after) / SKEWED
    before, after = np.maximum(before, least), np.maximum(after, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.where(before > 0, np.log(after / before) / DECILE, 0.0)
        skew = np.where(np.abs(skew) < 1e-6, 0.0, skew)
        width = np.where(skew == 0, after / DECILE, after * skew / np.expm1(skew * DECILE))
    return width, skew


def late(score: Float64, width: Float64, skew: Float64, shape: Shape | None) -> Float64:
    """How long after the middle one comes, at each normal score."""
    if shape is not None:
        score = np.interp(score, shape.at, shape.score)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(skew == 0, width * score, width * np.expm1(skew * score) / skew)


def score(late: Float64, width: Float64, skew: Float64, shape: Shape | None) -> Float64:
    """The normal score of coming so long after the middle; -inf up to it and inf past it where that is certain."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bent = np.log(np.maximum(1.0 + skew * late / width, 0.0)) / skew
        found = np.where(skew == 0, late / width, bent)
    found = np.where(width > 0, found, np.where(late <= 0, -np.inf, np.inf))
    return found if shape is None else np.interp(found, shape.score, shape.at)
