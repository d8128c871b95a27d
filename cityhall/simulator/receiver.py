"""A vehicle's GNSS receiver: how its fixes differ from where it is.

Errors are correlated in time, as multipath and atmosphere are: a first-order Gauss-Markov process an axis, with a
little white noise on top (Brown and Hwang, Introduction to Random Signals and Applied Kalman Filtering, 4th ed.,
section 4.6). The class of the fix comes and goes: a receiver that can have RTK loses it between high houses.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

SINGLE, DGNSS, RTK_FIXED, RTK_FLOAT = 1, 2, 4, 5
"""GGA quality (NMEA 0183)."""
SIGMA_M = {SINGLE: 2.4, DGNSS: 0.9, RTK_FLOAT: 0.25, RTK_FIXED: 0.015}
"""One axis, one sigma."""
MEMORY_S = {SINGLE: 90.0, DGNSS: 60.0, RTK_FLOAT: 40.0, RTK_FIXED: 10.0}
"""How long an error lasts (time constant)."""
HOLDS_S = {
    RTK_FIXED: (150.0, ((RTK_FLOAT, 0.8), (DGNSS, 0.2))),
    RTK_FLOAT: (20.0, ((RTK_FIXED, 0.8), (DGNSS, 0.2))),
    DGNSS: (60.0, ((RTK_FLOAT, 0.6), (SINGLE, 0.4))),
    SINGLE: (30.0, ((DGNSS, 1.0),)),
}
"""How long a class holds on the average, and what comes then."""
BEST = ((0.6, RTK_FIXED), (0.85, DGNSS), (1.0, SINGLE))
"""The best class a receiver of the fleet can have, by share of the fleet."""
OUTAGES_A_HOUR = 0.6
OUTAGE_S = (8.0, 35.0)
RANK = {SINGLE: 0, DGNSS: 1, RTK_FLOAT: 2, RTK_FIXED: 3}


@dataclass(slots=True)
class Fix:
    """What the receiver says: metres off to the east and north, the class, and its own idea of its error."""

    east: float
    north: float
    fix_class: int
    sigma_m: float


class Receiver:
    """A receiver with a character of its own; `step` once for each fix."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        draw = rng.random()
        self.best = next(best for share, best in BEST if draw <= share)
        self.fix_class = self.best
        self._east = rng.gauss(0, SIGMA_M[self.best])
        self._north = rng.gauss(0, SIGMA_M[self.best])
        self._dark = 0.0

    def step(self, seconds: float) -> Fix | None:
        """The fix `seconds` after the last one; None in an outage."""
        self._change_class(seconds)
        sigma = SIGMA_M[self.fix_class]
        keep = math.exp(-seconds / MEMORY_S[self.fix_class])
        push = sigma * math.sqrt(1 - keep * keep)
        # An error made under a worse class does not outlive it by long.
        self._east = max(-4 * sigma, min(4 * sigma, self._east * keep + self.rng.gauss(0, push)))
        self._north = max(-4 * sigma, min(4 * sigma, self._north * keep + self.rng.gauss(0, push)))
        self._dark -= seconds
        if self._dark > 0:
            return None
        if self.rng.random() < OUTAGES_A_HOUR * seconds / 3600:
            self._dark = self.rng.uniform(*OUTAGE_S)
            return None
        white = sigma * 0.15
        return Fix(
            self._east + self.rng.gauss(0, white),
            self._north + self.rng.gauss(0, white),
            self.fix_class,
            round(max(0.01, sigma * math.exp(self.rng.gauss(0, 0.15))), 3),
        )

    def _change_class(self, seconds: float) -> None:
        holds, after = HOLDS_S[self.fix_class]
        if self.rng.random() >= seconds / holds:
            return
        draw = self.rng.random()
        for fix_class, share in after:
            draw -= share
            if draw <= 0:
                self.fix_class = fix_class if RANK[fix_class] <= RANK[self.best] else self.best
                return
