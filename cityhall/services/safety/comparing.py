"""Before and after a campaign, by an exact test that can say "cannot tell".

Reports that come by themselves are Poisson; of two periods of the same length the second has, given both together, a
binomial share of a half (Przyborowski and Wilenski, Biometrika 31, 1940: the conditional test).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEVEL = 0.05


class Verdict(StrEnum):
    """What can be said of two counts."""

    FELL = "fell"
    ROSE = "rose"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two counts of periods of one length, and `p`: how often chance alone would part them as far (two-sided)."""

    before: int
    after: int
    p: float

    @property
    def verdict(self) -> Verdict:
        """What can be said at LEVEL."""
        if self.p >= LEVEL:
            return Verdict.CANNOT_TELL
        return Verdict.FELL if self.after < self.before else Verdict.ROSE


def compare(before: int, after: int) -> Comparison:
    """The exact test. Raises ValueError for a count below nought."""
    if before < 0 or after < 0:
        raise ValueError("a count below nought")
    both = before + after
    # Heavy, and few compare: it is loaded when somebody does.
    from scipy.stats import binomtest

    return Comparison(before, after, float(binomtest(after, both, 0.5).pvalue) if both else 1.0)


def least_fall(before: int) -> int | None:
    """The most reports afterwards that would be a real fall; None where there were too few for any (under 6)."""
    return next((after for after in range(before, -1, -1) if compare(before, after).verdict == Verdict.FELL), None)
