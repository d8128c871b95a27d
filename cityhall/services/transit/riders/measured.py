"""How late each line is, as measured: no more than is known, and of how many buses."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from cityhall.services.transit import queries, timetables
from cityhall.services.transit.models import Line
from cityhall.services.transit.riders import words
from cityhall.services.transit.riders.trips import is_by_headway


@dataclass(frozen=True, slots=True)
class Measured:
    """A line of which `heard` buses are heard; `delay_s` is their median, None where none says one."""

    line: str
    line_id: str
    color: str
    mode: str
    heard: int
    delay_s: int | None
    by_headway: bool

    @property
    def delay(self) -> str:
        return words.delay(self.delay_s)

    @property
    def punctuality(self) -> str:
        return words.punctuality(self.delay_s)


def measured() -> list[Measured]:
    """Every line of which a bus is heard, in the timetable's order. Three queries, however many buses."""
    seen: dict[str, list[tuple[str, int | None]]] = {}
    for route, trip, late in queries.shown_vehicles().values_list("route", "trip", "delay_s"):
        if route and trip:
            seen.setdefault(route, []).append((trip, late))
    if not seen:
        return []
    known = Line.objects.filter(version=queries.in_service(), gtfs_id__in=seen)
    return [_measured(line, seen[line.gtfs_id]) for line in known]


def _measured(line: Line, buses: list[tuple[str, int | None]]) -> Measured:
    by_headway = all(is_by_headway(trip) for trip, _late in buses)
    late = [delay for trip, delay in buses if delay is not None and not is_by_headway(trip)]
    name = line.short_name or timetables.service().line_of(line.gtfs_id)
    off = round(median(late)) if late else None
    return Measured(name, line.gtfs_id, line.color, line.mode, len(buses), off, by_headway)
