"""Whether the bus is still on its way: one position beside it is doubt, two in a row are a detour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BESIDE_M = 75.0
POSITIONS = 2
State = Literal["on", "doubtful", "off"]


@dataclass(slots=True)
class Watch:
    """Counts positions that lie beside the way. `off`: the predicted way is not to be planned on, chase instead."""

    beside_m: float = BESIDE_M
    positions: int = POSITIONS
    beside: int = 0

    def seen(self, away_m: float, radius_m: float = 0.0) -> State:
        """Tells it of a position `away_m` metres from the way, right to `radius_m`; the state that follows.

        One position on the way ends the doubt: the bus is back.
        """
        self.beside = self.beside + 1 if away_m - radius_m > self.beside_m else 0
        return "on" if not self.beside else "off" if self.beside >= self.positions else "doubtful"
