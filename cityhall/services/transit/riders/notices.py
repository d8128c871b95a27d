"""What riders must know besides times: alerts of stops and lines, trips that do not run.

One seam to the dispatchers' side (services/transit/realtime): pages, alarms and journeys read notices here only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from cityhall.services.transit.riders.trips import Key


@dataclass(frozen=True, slots=True)
class Notice:
    """A service alert in the reader's language. `severity` is info, warning or severe."""

    title: str
    text: str = ""
    severity: str = "info"
    url: str = ""


def notices(now: datetime, *, stops: Collection[str] = (), lines: Collection[str] = ()) -> list[Notice]:
    """Alerts in force for any of the stops or lines (GTFS ids), the gravest first."""
    return []


def cancelled_trips(keys: Iterable[Key]) -> set[Key]:
    """Those of the trips, (service day, GTFS id), that do not run."""
    return set()
