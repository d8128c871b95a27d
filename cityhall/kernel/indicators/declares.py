"""What a service may declare to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number the service measures, which a living-lab project may try to move. `measure`: () -> float.

    `headline` numbers are shown on the city's front page; each view of it asks for them, so they must be cheap.
    """

    slug: str
    name: Text
    unit: str
    measure: Path
    better: Literal["higher", "lower"] = "higher"
    headline: bool = False
