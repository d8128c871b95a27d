"""Service days: which day a question is about, and what its seconds are on the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from cityhall.kernel import clock as city_clock
from cityhall.services.transit import timetables

GAP = 120
"""Days without any trip for which a feed is still valid where trips run before and after them."""
BUSY = 0.9
"""A day with this share of the busiest one's trips is a usual one."""


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


def trips_on(day: date) -> int:
    """How many trips run on a service day."""
    return _trips_on(timetables.service().folder, day.toordinal())


@lru_cache(maxsize=4096)
def _trips_on(folder: Path, day: int) -> int:
    return int(_trips_of(folder)[timetables.service().schedule.services.on_ordinal(day)].sum())


@lru_cache(maxsize=2)
def _trips_of(folder: Path) -> np.ndarray:
    """(services,) how many trips each has."""
    schedule = timetables.service().schedule
    return np.bincount(schedule.trips.service, minlength=len(schedule.services.id))


def usual_day(wanted: date) -> date:
    """`wanted` where the feed is valid, else the nearest busy day of the same weekday, or of any where none is.

    A feed out of date still shows what a Tuesday is like; the page says which day it shows.
    """
    return _usual_day(timetables.service().folder, wanted)


@lru_cache(maxsize=512)
def _usual_day(folder: Path, wanted: date) -> date:
    day = wanted.toordinal()
    # A day without service inside the validity (a holiday, a long vacation) is an answer, not an error; years between
    # a feed that has ended and one row with an absurd date are no validity.
    before, after = range(day, day - GAP, -1), range(day, day + GAP)
    if all(any(_trips_on(folder, near) for near in side) for side in (before, after)):
        return wanted
    # A feed may have nothing on that weekday: of one day, or without Sundays.
    busy = _busy_days(folder, wanted.weekday()) or _busy_days(folder, None)
    return date.fromordinal(min(busy, key=lambda near: abs(near - day))) if busy else wanted


@lru_cache(maxsize=16)
def _busy_days(folder: Path, weekday: int | None) -> list[int]:
    """Days of a weekday, or of any, with nearly as many trips as any of them."""
    telling = timetables.service().schedule.services.telling_days()
    trips = {day: _trips_on(folder, day) for day in telling if weekday in (None, (day - 1) % 7)}
    most = max(trips.values(), default=0)
    return [day for day, number in trips.items() if most and number >= BUSY * most]
