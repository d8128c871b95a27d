"""A line's string diagram: time across, the way down, a string for each trip as planned and as driven.

The diagram is as old as railways (Marey, La méthode graphique, 1878): strings that touch are bunched buses, a flat one
stands still, a wide space is a long wait.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cityhall.services.transit import days, timetables
from cityhall.services.transit.control import runs
from cityhall.services.transit.models import StopCall, TripPrediction, VehicleState

WIDTH, HEIGHT = 1000, 520
LEFT, TOP = 170, 28
"""Room for the stops' names and the hours, in the drawing's own units."""
LABEL_APART = 15
"""Stops nearer than this to the one above are not named."""


@dataclass(frozen=True, slots=True)
class String:
    """A line of the drawing: `points` as SVG has them, who drives it, and what it is: planned, driven or expected."""

    kind: str
    points: str
    label: str = ""
    x: float = 0
    y: float = 0
    level: str = ""


@dataclass
class Diagram:
    """Everything the template draws; `rows` says in words what the strings show."""

    stops: list[dict[str, Any]] = field(default_factory=list)
    hours: list[dict[str, Any]] = field(default_factory=list)
    strings: list[String] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    now_x: float = 0
    headsign: str = ""


def draw(
    route: str, direction: int, *, back_min: int = 60, ahead_min: int = 30, now: datetime | None = None
) -> Diagram:
    """The diagram of a line in one direction, from some minutes ago to some ahead. Empty where no trip runs."""
    now = now or timezone.now()
    first, last = now - timedelta(minutes=back_min), now + timedelta(minutes=ahead_min)
    trips = _trips(route, direction, first, last)
    if not trips:
        return Diagram()
    # Trips that go another way than most would be drawn over stops they do not call at.
    usual = Counter(trip.stops for _day, trip in trips).most_common(1)[0][0]
    trips = [(day, trip) for day, trip in trips if trip.stops == usual]
    scale = _Scale(first, last, trips[0][1].length)
    diagram = Diagram(headsign=trips[0][1].headsign, now_x=scale.x(now))
    diagram.stops, diagram.hours = _stops(trips[0][1], scale), _hours(scale)
    diagram.strings = [_planned(day, trip, scale) for day, trip in trips]
    by_id = {trip.id: trip for _day, trip in trips}
    _driven(diagram, by_id, scale, now)
    _expected(diagram, by_id, scale, now)
    return diagram


@dataclass(frozen=True, slots=True)
class _Scale:
    first: datetime
    last: datetime
    length: float

    def x(self, at: datetime) -> float:
        share = (at - self.first) / (self.last - self.first)
        return round(LEFT + share * (WIDTH - LEFT - 10), 1)

    def y(self, along: float) -> float:
        return round(TOP + along / max(self.length, 1.0) * (HEIGHT - TOP - 16), 1)

    def points(self, pairs: Sequence[tuple[datetime, float]]) -> str:
        return " ".join(f"{self.x(at)},{self.y(along)}" for at, along in pairs)


def _trips(route: str, direction: int, first: datetime, last: datetime) -> list[tuple[Any, runs.Trip]]:
    zone = days.clock(days.today(), 0).tzinfo
    found = []
    for day in {
        first.astimezone(zone).date() - timedelta(days=1),
        first.astimezone(zone).date(),
        last.astimezone(zone).date(),
    }:
        for trip in runs.of_line(route, direction, day):
            if trip.moment(day, 0) < last and trip.moment(day, -1) > first:
                found.append((day, trip))
    return sorted(found, key=lambda item: item[1].moment(item[0], 0))


def _stops(trip: runs.Trip, scale: _Scale) -> list[dict[str, Any]]:
    names = timetables.service().schedule.stops.name
    found: list[dict[str, Any]] = []
    named = -99.0
    for place, stop in enumerate(trip.stops):
        y = scale.y(float(trip.along[2 * place]))
        name = names[stop]
        shown = y - named >= LABEL_APART
        named = y if shown else named
        found.append({"y": y, "name": name if shown else "", "short": name if len(name) < 24 else name[:22] + "…"})
    return found


def _hours(scale: _Scale) -> list[dict[str, Any]]:
    zone = days.clock(days.today(), 0).tzinfo
    step = 15 if scale.last - scale.first <= timedelta(hours=3) else 60
    at = scale.first.astimezone(zone).replace(second=0, microsecond=0)
    at -= timedelta(minutes=at.minute % step)
    found = []
    while at <= scale.last:
        if at >= scale.first:
            found.append({"x": scale.x(at), "text": f"{at:%H:%M}"})
        at += timedelta(minutes=step)
    return found


def _planned(day: Any, trip: runs.Trip, scale: _Scale) -> String:
    pairs = [(trip.moment(day, place), float(along)) for place, along in enumerate(trip.along)]
    return String("planned", scale.points(pairs))


def _driven(diagram: Diagram, trips: dict[str, runs.Trip], scale: _Scale, now: datetime) -> None:
    """What vehicles did: their calls, and where they are now."""
    calls = StopCall.objects.filter(trip__in=list(trips), arrived_at__gte=scale.first, arrived_at__lte=scale.last)
    made: dict[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
    for call in calls.order_by("arrived_at"):
        trip = trips[call.trip]
        if call.sequence < len(trip.stops):
            along = float(trip.along[2 * call.sequence])
            made[call.vehicle, call.trip] += [(call.arrived_at, along), (call.departed_at or call.arrived_at, along)]
    names = timetables.service().schedule.stops.name
    states = VehicleState.objects.filter(
        trip__in=list(trips), at__gte=now - timedelta(minutes=3), along_m__isnull=False
    )
    delays: dict[tuple[str, str], int | None] = {}
    for state in states.select_related("vehicle").defer("memory"):
        key = (state.vehicle.public_id, state.trip)
        made[key].append((state.at, float(state.along_m or 0)))
        delays[key] = state.delay_s
        trip, place = trips[state.trip], state.next_sequence
        following = names[trip.stops[place]] if place is not None and 0 <= place < len(trip.stops) else ""
        delay = None if trip.headway_line else state.delay_s
        diagram.rows.append({"vehicle": key[0], "delay_s": delay, "next": following, "along": state.along_m})
    for (vehicle, trip_id), pairs in made.items():
        pairs.sort()
        at, along = pairs[-1]
        level = "" if trips[trip_id].headway_line else _level(delays.get((vehicle, trip_id)))
        here = (vehicle, trip_id) in delays
        diagram.strings.append(
            String("driven", scale.points(pairs), vehicle if here else "", scale.x(at), scale.y(along), level)
        )
    diagram.rows.sort(key=lambda row: -row["along"])


def _level(delay: int | None) -> str:
    if delay is None:
        return ""
    return "late" if delay > 300 else "early" if delay < -60 else ""


def _expected(diagram: Diagram, trips: dict[str, runs.Trip], scale: _Scale, now: datetime) -> None:
    for one in TripPrediction.objects.filter(trip__in=list(trips), made_at__gte=now - timedelta(minutes=3)):
        trip = trips[one.trip]
        pairs = []
        for offset, (arrival, departure) in enumerate(zip(one.arrival, one.departure, strict=True)):
            if one.first_sequence + offset < len(trip.stops):
                along = float(trip.along[2 * (one.first_sequence + offset)])
                pairs += [(days_utc(moment), along) for moment in (arrival, departure)]
        if pairs:
            diagram.strings.append(String("expected", scale.points(pairs)))


def days_utc(second: int) -> datetime:
    """Unix seconds as a moment in the city's zone."""
    return datetime.fromtimestamp(second, days.clock(days.today(), 0).tzinfo)
