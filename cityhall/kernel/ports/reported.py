"""What residents have reported near a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reported:
    """Something that is out of order: in a word, since when it is known, and the page that says how it stands."""

    what: str
    since: datetime
    url: str


class ReportedNear(Protocol):
    """What everybody may know of and is not mended yet within so many metres of a place, the nearest first; a few.

    `place` is (longitude, latitude) in degrees.
    """

    def __call__(self, place: tuple[float, float], within_m: float) -> list[Reported]: ...
