"""What vehicles are doing on a network, and when they come to the stops before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class At:
    """A stop: its GTFS id, its name, and where it is, in degrees (WGS 84, longitude first)."""

    stop: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Coming:
    """A stop that a vehicle still calls at, and when it is expected there.

    `earliest` to `latest` hold the arrival eight times in ten; None for both: it is the timetable's, nothing is known
    of how it goes today.
    """

    at: At
    arrival: datetime
    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Driving:
    """What a vehicle is doing: `line` and `trip` are GTFS ids, `line_name` is what riders call the line.

    `direction` is GTFS direction_id, -1 where the feed has none. `previous` is the last stop that it called at, None
    before the first. `ahead` are the stops before it in the order of its way, the one where it stands among them; none
    where nobody knows how far it is. `seen_at` is when it was last heard of. `off_way`: it has been seen to leave the
    way of its line, so that nobody knows where it goes.
    """

    line: str
    line_name: str
    trip: str
    direction: int
    headsign: str
    previous: At | None
    ahead: tuple[Coming, ...]
    at_stop: bool
    seen_at: datetime
    off_way: bool = False


class DrivingNow(Protocol):
    """What each of these vehicles (by the number on it) is doing at `now`, with at most `ahead` stops before it.

    One that is on no trip, that was not heard of lately, or that not everybody may see, is left out.
    """

    def __call__(self, vehicles: Sequence[str], now: datetime, ahead: int) -> dict[str, Driving]: ...
