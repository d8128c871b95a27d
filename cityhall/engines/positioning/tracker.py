"""The tracker: all vehicles' states, and what fixes make of them."""

from __future__ import annotations

from typing import Any

from cityhall.engines.gtfs.schedule import Int32
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.values import Estimates, Fixes, Settings, Update
from cityhall.engines.positioning.ways import Ways


class Tracker:
    """Follows vehicles along their ways. Vehicles are rows that the caller gives out, from 0.

    Not for several threads at once.
    """

    def __init__(self, ways: Ways, runs: Runs, settings: Settings | None = None, vehicles: int = 0) -> None:
        self.ways = ways
        self.runs = runs
        self.settings = settings or Settings()
        raise NotImplementedError

    def update(self, fixes: Fixes, now: float) -> Update:
        """Takes a batch of fixes; `now` is the clock in Unix seconds. Estimates are for each vehicle's newest fix."""
        raise NotImplementedError

    def predict(self, now: float, vehicles: Int32 | None = None) -> Estimates:
        """Where vehicles (all, or these rows) are at `now`, by dead reckoning. Changes nothing.

        Status is RECKONED for those not heard lately, LOST for those that should leave the map.
        """
        raise NotImplementedError

    def remember(self, vehicle: int) -> dict[str, Any]:
        """A vehicle's state as JSON can hold it, trips by GTFS id and service day; {} where nothing is known."""
        raise NotImplementedError

    def recall(self, vehicle: int, memory: dict[str, Any], now: float) -> bool:
        """Restores what `remember` gave. False, and the vehicle stays unknown, where the memory is too old, damaged
        or of another version; trips that the feed no longer has are left out.
        """
        raise NotImplementedError

    def forget(self, vehicle: int) -> None:
        """The vehicle is as never heard."""
        raise NotImplementedError

    def successor(self, ways: Ways, runs: Runs, now: float) -> Tracker:
        """A tracker over another day's runs or another feed's ways that goes on where this one stands."""
        raise NotImplementedError
