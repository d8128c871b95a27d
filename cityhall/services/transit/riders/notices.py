"""What riders must know besides times: alerts of stops and lines, trips that do not run, stops that are left out.

Pages, alarms and journeys read the dispatchers' side (services/transit/realtime) here only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cityhall.services.transit.models import Cancellation, Detour, ServiceAlert
from cityhall.services.transit.models import Notice as Entered
from cityhall.services.transit.realtime.alerts import alerts_for
from cityhall.services.transit.realtime.selection import all_cancelled, skipped_calls
from cityhall.services.transit.riders.trips import Key, row_of


def notices(now: datetime, *, stops: Collection[str] = (), lines: Collection[str] = ()) -> list[ServiceAlert]:
    """Alerts in force for any of the stops or lines (GTFS ids), the gravest first."""
    return alerts_for(stop=stops, route=lines, at=now)


@dataclass(frozen=True, slots=True)
class Changes:
    """What does not run as planned: `cancelled` trips' rows by service day, `skipped` calls by day and trip row."""

    cancelled: dict[date, set[int]]
    skipped: dict[date, dict[int, list[int]]]

    def runs(self, day: date, row: int) -> bool:
        return row not in self.cancelled.get(day, ())

    def calls(self, day: date, row: int, sequence: int) -> bool:
        return sequence not in self.skipped.get(day, {}).get(row, ())


def changes(service_days: Iterable[date]) -> Changes:
    """The cancellations and detours in force on service days; two queries."""
    wanted = set(service_days)
    cancellations = Cancellation.objects.filter(state=Entered.State.IN_FORCE, service_day__in=wanted)
    detours = list(Detour.objects.filter(state=Entered.State.IN_FORCE)) if wanted else []
    skipped = {day: skipped_calls(detours, day) for day in wanted} if detours else {}
    return Changes(all_cancelled(cancellations), skipped)


def around(now: datetime) -> Changes:
    """Those of the service days that may be under way now: yesterday's, today's and tomorrow's."""
    return changes(now.date() + timedelta(days=offset) for offset in (-1, 0, 1))


def cancelled_trips(keys: Iterable[Key]) -> set[Key]:
    """Those of the trips, (service day, GTFS id), that do not run."""
    wanted = list(keys)
    known = changes(day for day, _trip in wanted)
    rows = {(day, trip): row_of(trip) for day, trip in wanted}
    return {(day, trip) for (day, trip), row in rows.items() if row is not None and not known.runs(day, row)}
