"""Which line calls at which stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LineStop:
    """A line that calls at a stop on some day: GTFS ids, and what riders call them."""

    line: str
    line_name: str
    stop: str
    stop_name: str


class LineStops(Protocol):
    """Every pair of the timetable in service, by line and stop; none where no timetable is loaded."""

    def __call__(self) -> list[LineStop]: ...
