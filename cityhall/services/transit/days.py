"""Service days: which day a question is about, and what its seconds are on the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from cityhall.kernel import clock as city_clock
from cityhall.services.transit import timetables


def clock(day: date, seconds: int) -> datetime:
    """A service day's second as a moment in the city's time.

    GTFS counts from "noon minus 12 h", which on the days the clock changes is not midnight.
    """
    noon = datetime.combine(day, time(12), settings.CITY.zone)
    return (noon.astimezone(UTC) + timedelta(seconds=seconds - 43_200)).astimezone(settings.CITY.zone)


def second_of(day: date, at: time) -> int:
    """The service day's second at a time of the clock."""
    noon = datetime.combine(day, time(12), settings.CITY.zone)
    moment = datetime.combine(day, at, settings.CITY.zone)
    return int(moment.timestamp() - noon.timestamp()) + 43_200


def here(moment: datetime) -> datetime:
    """A moment on the city's clock."""
    return moment.astimezone(settings.CITY.zone)


def now() -> datetime:
    """This moment on the city's clock."""
    return city_clock.now(settings.CITY.zone)


def today() -> date:
    """The city's date now."""
    return now().date()


def over(hours: int) -> date:
    """The newest date that ended at least so many hours ago."""
    return (city_clock.now(settings.CITY.zone) - timedelta(hours=hours)).date() - timedelta(days=1)


@lru_cache(maxsize=2)
def _trips_by_day(folder: Path) -> tuple[date, np.ndarray]:
    schedule = timetables.service().schedule
    trips = np.bincount(schedule.trips.service, minlength=len(schedule.services.id))
    return schedule.services.first_day, trips @ np.asarray(schedule.services.active, np.int64)


def trips_on(day: date) -> int:
    """How many trips run on a service day; 0 outside the feed's validity."""
    first, trips = _trips_by_day(timetables.service().folder)
    offset = (day - first).days
    return int(trips[offset]) if 0 <= offset < trips.size else 0


def usual_day(wanted: date) -> date:
    """`wanted` where trips run on it or near it, else the feed's busiest day of the same weekday.

    A feed out of date still shows what a Tuesday is like; the page says which day it shows.
    """
    first, trips = _trips_by_day(timetables.service().folder)
    offset = (wanted - first).days
    # A day without service inside the validity (a holiday) is an answer, not an error.
    if 0 <= offset < trips.size and trips[max(0, offset - 7) : offset + 8].any():
        return wanted
    weekday = (np.arange(trips.size) + first.weekday()) % 7 == wanted.weekday()
    return first + timedelta(days=int(np.argmax(np.where(weekday, trips, -1))))
