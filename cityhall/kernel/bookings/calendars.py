"""When a resource is open: hours on the wall clock, in the zone of the resource, as UTC intervals.

A moment is open where the clock on the wall shows an hour that is open on that day. So the hour that a change of the
clocks repeats is open twice, and the hour that it skips never was. Values only; rows are read by `read`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from cityhall.kernel.bookings.models import Hours, Resource, SpecialDay
from cityhall.kernel.cases.calendars import pieces

DAY = timedelta(days=1)
MINUTES = 1440
Span = tuple[int, int]
"""From, to in minutes of the wall clock since midnight."""
Interval = tuple[datetime, datetime]
ALL_DAY: tuple[Span, ...] = ((0, MINUTES),)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A stretch of a weekday, from the day `since` until before `until`."""

    weekday: int
    opens: int
    closes: int
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it is so on a day."""
        return (
            day.weekday() == self.weekday
            and (self.since is None or self.since <= day)
            and (self.until is None or day < self.until)
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours in a zone; `special` days have hours of their own, whatever weekday they are."""

    zone: ZoneInfo
    weekly: tuple[Weekly, ...] = ()
    special: tuple[tuple[date, tuple[Span, ...]], ...] = ()
    always: bool = False

    def spans(self, day: date) -> tuple[Span, ...]:
        """The hours of a day, in order."""
        for special, spans in self.special:
            if special == day:
                return spans
        if self.always:
            return ALL_DAY
        return tuple(sorted((one.opens, one.closes) for one in self.weekly if one.holds(day)))

    def open(self, begin: datetime, end: datetime) -> list[Interval]:
        """When it is open between two moments: intervals in order, in UTC, none touching the next."""
        return list(_open(self, begin.astimezone(UTC), end.astimezone(UTC)))

    def is_open(self, begin: datetime, end: datetime) -> bool:
        """Whether it is open all the time from `begin` to `end`."""
        return self.open(begin, end) == [(begin.astimezone(UTC), end.astimezone(UTC))]

    def opening(self, moment: datetime) -> int | None:
        """The minute at which the hours that a moment is in begin on its day; None where it is closed."""
        wall = moment.astimezone(self.zone)
        minute = (wall.hour * 60) + wall.minute
        return next((opens for opens, closes in self.spans(wall.date()) if opens <= minute < closes), None)

    def moment(self, day: date, minute: int) -> datetime:
        """The moment at which the clock on the wall shows a minute of a day; one that it skips is as far after the
        change as it was to be after it (RFC 5545, 3.3.5), of two the first.
        """
        wall = datetime.combine(day, time.min) + timedelta(minutes=minute)
        return wall.replace(tzinfo=self.zone).astimezone(UTC)


@lru_cache(maxsize=512)
def _open(calendar: Calendar, begin: datetime, end: datetime) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for since, until, offset in pieces(calendar.zone, begin, end):
        wall, last = (since + offset).replace(tzinfo=None), (until + offset).replace(tzinfo=None)
        day = wall.date()
        while (midnight := datetime.combine(day, time.min)) < last:
            for opens, closes in calendar.spans(day):
                first = max(wall, midnight + timedelta(minutes=opens))
                final = min(last, midnight + timedelta(minutes=closes))
                if first < final:
                    _add(found, (first - offset).replace(tzinfo=UTC), (final - offset).replace(tzinfo=UTC))
            day += DAY
    return tuple(found)


def _add(found: list[Interval], begin: datetime, end: datetime) -> None:
    """Puts it after the others, joined with the last where they touch."""
    if found and begin <= found[-1][1]:
        found[-1] = found[-1][0], max(end, found[-1][1])
    else:
        found.append((begin, end))


def zone_of(resource: Resource) -> ZoneInfo:
    """The zone of a resource's wall clock."""
    return ZoneInfo(resource.zone or settings.CITY.timezone)


def read(resources: Iterable[Resource], begin: datetime, end: datetime) -> dict[int, Calendar]:
    """The calendars of resources by number, with the special days around these two moments."""
    known = list(resources)
    numbers = [one.pk for one in known]
    weekly: dict[int, list[Weekly]] = {}
    rows = Hours.objects.filter(resource__in=numbers).order_by("pk")
    columns = rows.values_list("resource", "weekday", "opens", "closes", "since", "until")
    for number, weekday, opens, closes, since, until in columns:
        weekly.setdefault(number, []).append(Weekly(weekday, opens, closes, since, until))
    special: dict[int, dict[date, tuple[Span, ...]]] = {}
    days = SpecialDay.objects.filter(
        resource__in=numbers, day__range=(begin.date() - DAY, end.date() + DAY)
    ).values_list("resource", "day", "spans")
    for number, day, spans in days:
        special.setdefault(number, {})[day] = tuple((opens, closes) for opens, closes in spans)
    return {
        resource.pk: Calendar(
            zone_of(resource),
            tuple(weekly.get(resource.pk, ())),
            _in_order(special.get(resource.pk, {})),
            resource.always_open,
        )
        for resource in known
    }


def _in_order(special: Mapping[date, tuple[Span, ...]]) -> tuple[tuple[date, tuple[Span, ...]], ...]:
    return tuple(sorted(special.items()))


def forget() -> None:
    """Reckons every calendar anew from now on: for who measures."""
    _open.cache_clear()
