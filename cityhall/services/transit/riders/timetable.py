"""A stop by the timetable, whole days at once: what a browser keeps of a favourite stop without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from cityhall.services.transit import days, queries
from cityhall.services.transit.models import Stop

SHOWN_DAYS = 2
MOST = 3000
"""Departures of one day: more than any stop has whose platforms a person looks at."""


@dataclass(frozen=True, slots=True)
class Way:
    """A line in one direction at a stop: its departures "08:05" by their hour "08", in the day's order."""

    line: str
    line_id: str
    color: str
    headsign: str
    hours: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class ShownDay:
    """A day, the service day that is shown for it (another where the timetable does not reach it), and its ways."""

    day: date
    shown: date
    ways: list[Way]

    @property
    def usual(self) -> bool:
        """Whether another day is shown."""
        return self.day != self.shown


@require_safe
@cache_control(no_cache=True)
def stop_days(request: HttpRequest, stop_id: str) -> HttpResponse:
    """What leaves from a stop today and tomorrow by the timetable, by line, direction and hour; 404 without it."""
    found, today = queries.find_stop(stop_id), days.today()
    shown = [shown_day(found, today + timedelta(days=ahead)) for ahead in range(SHOWN_DAYS)]
    return render(request, "transit/stop_days.html", {"stop": found, "days": shown})


def shown_day(stop: Stop, day: date) -> ShownDay:
    """What leaves from a stop between a day's midnights, trips of the day before and after included."""
    shown = days.usual_day(day)
    ways: dict[tuple[str, str], list[queries.Departure]] = {}
    for one in queries.departures(stop, shown, 0, MOST):
        if one.at.date() == shown:
            ways.setdefault((one.line, one.headsign), []).append(one)
    return ShownDay(day, shown, [_way(ways[key]) for key in sorted(ways, key=lambda key: (len(key[0]), key))])


def _way(leaving: list[queries.Departure]) -> Way:
    hours: dict[str, list[str]] = {}
    for one in leaving:
        hours.setdefault(f"{one.at:%H}", []).append(f"{one.at:%H:%M}")
    first = leaving[0]
    return Way(first.line, first.line_id, first.color, first.headsign, list(hours.items()))
