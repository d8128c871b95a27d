"""Working time: which moments count for a clock that promises an answer within hours of work.

A moment counts where the clock on the wall shows an hour of work on a day that is no holiday. So the hour that a
change of the clocks repeats counts twice where it is an hour of work, and the hour that it skips never was.

All arithmetic goes over *pieces*: stretches of UTC in which the zone's offset does not change. In a piece the wall
clock runs straight, and hours of work are plain intervals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import get_global

from cityhall.kernel.city.file import City

Span = tuple[time, time]
"""From, to on the wall clock; `time.min` as the end means midnight."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
NEVER = timedelta(days=366 * 5)
"""A clock that finds no working time this far ahead will find none."""


@dataclass(frozen=True)
class WorkingCalendar:
    """Hours of work by weekday (Monday first) in a zone, but on `closed` days none.

    `country` and `subdivision` (ISO 3166) name the public holidays that are closed too, "" for none.
    """

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    closed: frozenset[date] = frozenset()
    country: str = ""
    subdivision: str = ""

    def is_holiday(self, day: date) -> bool:
        """Whether nobody works on a day whatever weekday it is."""
        return day in self.closed or (bool(self.country) and day in _public(self.country, self.subdivision, day.year))

    def hours(self, day: date) -> tuple[Span, ...]:
        """The hours of work of a day."""
        return () if self.is_holiday(day) else self.week[day.weekday()]

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of working time between two moments, in order, in UTC."""
        for since, until, offset in pieces(self.zone, start.astimezone(UTC), end.astimezone(UTC)):
            wall, last = (since + offset).replace(tzinfo=None), (until + offset).replace(tzinfo=None)
            day = wall.date()
            while datetime.combine(day, time.min) < last:
                for opens, closes in self.hours(day):
                    first = max(wall, datetime.combine(day, opens))
                    final = min(last, datetime.combine(day + DAY if closes == time.min else day, closes))
                    if first < final:
                        yield (first - offset).replace(tzinfo=UTC), (final - offset).replace(tzinfo=UTC)
                day += DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two moments; none where the end is not after the start."""
        return sum((until - since for since, until in self.spans(start, end)), timedelta())

    def after(self, start: datetime, amount: timedelta) -> datetime | None:
        """The first moment by which `amount` of working time has gone since `start`; None where it never will."""
        left, since = amount, start.astimezone(UTC)
        if left <= timedelta():
            return since
        for opens, closes in self.spans(since, since + NEVER):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return None


def pieces(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """(from, to, offset of the zone) of each stretch without a change of the clocks between two UTC moments."""
    since = start
    for year in range(start.year, end.year + 1):
        for change in _changes(zone, year):
            if since < change < end:
                yield since, change, _offset(zone, since)
                since = change
    if since < end:
        yield since, end, _offset(zone, since)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@lru_cache(maxsize=512)
def _changes(zone: ZoneInfo, year: int) -> tuple[datetime, ...]:
    """The UTC moments of a year at which a zone's offset changes, to the second."""
    found = []
    before, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while before < last:
        after = min(before + DAY, last)
        old = _offset(zone, before)
        if _offset(zone, after) != old:
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if _offset(zone, middle) == old else (low, middle)
            found.append(high)
        before = after
    return tuple(found)


@lru_cache(maxsize=128)
def _public(country: str, subdivision: str, year: int) -> frozenset[date]:
    import holidays  # A tenth of a second of every process that opens at an hour.

    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


ALWAYS = "always"
OFFICE = "office"
ROUND_THE_CLOCK: tuple[Span, ...] = ((time.min, time.min),)
OFFICE_HOURS: tuple[Span, ...] = ((time(8), time(12)), (time(13), time(17)))


def city_calendar(city: City, name: str) -> WorkingCalendar:
    """A calendar of the city: "always", or "office" as `[service.cases]` in city.toml says.

    `country` (the zone's own where it is left out, "" for none), `subdivision`, `holidays` (further days, ISO 8601)
    and `hours` (`{mon = "08:00-12:00 13:00-17:00", ...}`). Raises ValueError, naming what is wrong, where it cannot
    be read.
    """
    if name == ALWAYS:
        return WorkingCalendar(city.zone, (ROUND_THE_CLOCK,) * 7)
    return _office(city.timezone, json.dumps(city.options.get("cases", {}), default=str))


@lru_cache(maxsize=8)
def _office(timezone: str, written: str) -> WorkingCalendar:
    """The calendar of a zone and of what city.toml says, which is asked for with every case."""
    import holidays

    options = json.loads(written)
    country = str(options.get("country", get_global("zone_territories").get(timezone, "")))
    if country not in holidays.list_supported_countries():
        country = ""
    hours = options.get("hours")
    week = (
        tuple(_spans(str(hours.get(day, ""))) for day in DAYS)
        if isinstance(hours, dict)
        else (*(OFFICE_HOURS,) * 5, (), ())
    )
    closed = frozenset(date.fromisoformat(str(day)) for day in options.get("holidays", ()))
    return WorkingCalendar(ZoneInfo(timezone), week, closed, country, str(options.get("subdivision", "")))


def _spans(text: str) -> tuple[Span, ...]:
    """ "08:00-12:00 13:00-17:00" as spans; "24:00" ends a day."""
    found = []
    for part in text.split():
        opens, dash, closes = part.partition("-")
        if not dash:
            raise ValueError(f"hours {part!r}: write them as 08:00-17:00")
        span = time.fromisoformat(opens), time.min if closes == "24:00" else time.fromisoformat(closes)
        if span[1] != time.min and span[0] >= span[1]:
            raise ValueError(f"hours {part!r}: the end must come after the start")
        found.append(span)
    return tuple(found)
