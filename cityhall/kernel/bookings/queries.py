"""What is free, what is booked, who waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from cityhall.kernel.bookings import calendars, rules, taking
from cityhall.kernel.bookings.calendars import Calendar, Interval
from cityhall.kernel.bookings.models import (
    LIVE,
    UNIT_S,
    Also,
    Booking,
    Part,
    Resource,
    State,
    Waiting,
    WaitState,
)
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.models import Person

_PARTS = f"""
SELECT part.resource_id, part.begins, part.ends, part.seats FROM unnest(%s::bigint[]) AS wanted (id)
JOIN bookings_part AS part ON part.live
    AND int8range(part.resource_id * {UNIT_S} + part.begins, part.resource_id * {UNIT_S} + part.ends)
        && int8range(wanted.id * {UNIT_S} + %s, wanted.id * {UNIT_S} + %s)
"""
Span = tuple[int, int]
"""From, to in Unix seconds."""
Row = tuple[int, int, int]
"""Begins, ends, seats of a live part."""


def free(resources: Sequence[Resource], begin: datetime, end: datetime, *, seats: int = 1) -> dict[int, list[Interval]]:
    """By a resource's number: the intervals in which a booking of so many seats can lie anywhere, in order, in UTC.

    Opening hours, buffers (those that a new booking would have) and what it takes along are reckoned with; notice,
    grid and lengths are not: see `slots`. Nothing is promised: `hold` decides.
    """
    along: dict[int, list[tuple[Resource, int]]] = {}
    for row in Also.objects.filter(resource__in=[one.pk for one in resources]).select_related("takes"):
        along.setdefault(row.resource_id, []).append((row.takes, row.seats * (seats if row.per_seat else 1)))
    every = {one.pk: one for one in resources} | {one.pk: one for found in along.values() for one, _n in found}
    known = calendars.read(every.values(), begin, end)
    rows = _rows(every.values(), begin, end)
    found: dict[int, list[Interval]] = {}
    for one in resources:
        had = _windows(one, seats, known[one.pk], rows.get(one.pk, []), begin, end)
        for other, needs in along.get(one.pk, []):
            theirs = _windows(other, needs, known[other.pk], rows.get(other.pk, []), begin, end)
            had = _both(had, theirs)
        found[one.pk] = [
            (datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)) for since, until in had
        ]
    return found


def _rows(resources: Iterable[Resource], begin: datetime, end: datetime) -> dict[int, list[Row]]:
    """The live parts around two moments, of all resources by one statement."""
    every = list(resources)
    margin = 60 * max((one.before_min + one.after_min for one in every), default=0)
    first, last = max(0, int(begin.timestamp()) - margin), int(end.timestamp()) + margin
    found: dict[int, list[Row]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [[one.pk for one in every], first, last])
        for number, begins, ends, seats in cursor.fetchall():
            found.setdefault(number, []).append((begins, ends, seats))
    return found


def _windows(
    resource: Resource, seats: int, calendar: Calendar, rows: list[Row], begin: datetime, end: datetime
) -> list[Span]:
    """Where a booking of these seats may lie: open, and with its buffers beside what is taken."""
    if seats > resource.capacity or resource.closed_at is not None:
        return []
    before, after = resource.before_min * 60, resource.after_min * 60
    gaps: list[Span] = []
    since, last = ceil(begin.timestamp()), int(end.timestamp())
    for begins, ends in _full(rows, resource.capacity - seats):
        if since < begins - after:
            gaps.append((since, begins - after))
        since = max(since, ends + before)
    if since < last:
        gaps.append((since, last))
    return _both(gaps, [(int(one.timestamp()), int(other.timestamp())) for one, other in calendar.open(begin, end)])


def _full(rows: list[Row], most: int) -> list[tuple[int, int]]:
    """When more than `most` seats are taken: intervals in order, none touching the next."""
    steps = sorted([(begins, seats) for begins, _ends, seats in rows] + [(ends, -seats) for _b, ends, seats in rows])
    found: list[tuple[int, int]] = []
    taken, since = 0, 0
    for moment, step in steps:
        was, taken = taken, taken + step
        if was <= most < taken:
            since = moment
        elif taken <= most < was:
            if found and found[-1][1] == since:
                since = found.pop()[0]
            if since < moment:
                found.append((since, moment))
    return found


def _both(one: list[Span], other: list[Span]) -> list[Span]:
    """What is in both; each in order."""
    found: list[Span] = []
    at, there = 0, 0
    while at < len(one) and there < len(other):
        begin, end = max(one[at][0], other[there][0]), min(one[at][1], other[there][1])
        if begin < end:
            found.append((begin, end))
        if one[at][1] < other[there][1]:
            at += 1
        else:
            there += 1
    return found


def left(resource: Resource, begin: datetime, end: datetime) -> int:
    """How many seats are free all the time from `begin` to `end`, buffers reckoned with."""
    return max(0, resource.capacity - taking.most_taken(resource.pk, *taking.span(resource, begin, end)))


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that may be booked; `is_free` False: somebody has it, and one may wait for it."""

    begin: datetime
    end: datetime
    is_free: bool


def slots(resource: Resource, begin: datetime, end: datetime, minutes: int, *, seats: int = 1) -> list[Slot]:
    """Every time of `minutes` on the wall clock that the resource's rules allow, on its grid (or every quarter)."""
    # What begins before the end may end after it, by an hour more where the clocks are set back.
    until = end + timedelta(minutes=minutes, hours=3)
    calendar = calendars.read([resource], begin, until)[resource.pk]
    windows = free([resource], begin, until, seats=seats)[resource.pk]
    now = timezone.now()
    found = []
    for first in _starts(calendar, begin, end, resource.grid_min or 15):
        wall = first.astimezone(calendar.zone)
        last = calendar.moment(wall.date(), wall.hour * 60 + wall.minute + minutes)
        if last <= first:
            continue
        try:
            rules.check(resource, calendar, first, last, now)
        except CityhallError:
            continue
        found.append(Slot(first, last, any(opens <= first and last <= closes for opens, closes in windows)))
    return found


def _starts(calendar: Calendar, begin: datetime, end: datetime, step: int) -> Iterable[datetime]:
    """The moments of the grid, each once: a minute that the clock repeats is there twice, one that it skips not."""
    seen: set[datetime] = set()
    day = begin.astimezone(calendar.zone).date()
    while day <= end.astimezone(calendar.zone).date():
        for opens, closes in calendar.spans(day):
            for minute in range(opens, closes, step):
                wall = datetime.combine(day, time.min, calendar.zone) + timedelta(minutes=minute)
                for fold in (0, 1):
                    moment = wall.replace(fold=fold).astimezone(UTC)
                    real = moment.astimezone(calendar.zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
                    if real and begin <= moment < end and moment not in seen:
                        seen.add(moment)
                        yield moment
        day += timedelta(days=1)


def _bookings(resources: Iterable[Resource]) -> QuerySet[Booking]:
    asked = Part.objects.filter(resource__in=list(resources), asked=True).values("booking")
    return (
        Booking.objects.filter(pk__in=asked)
        .select_related("person")
        .prefetch_related("parts__resource")
        .order_by("begin", "pk")
    )


def day(resources: Sequence[Resource], on: date) -> list[Booking]:
    """A desk's day: what is held, requested, confirmed or was not come to, and touches that day where it is.

    With `person`, and `parts` with their `resource`, in the order of their begin.
    """
    zones = {calendars.zone_of(one) for one in resources}
    if not zones:
        return []
    begin = min(datetime.combine(on, time.min, zone) for zone in zones)
    end = max(datetime.combine(on + timedelta(days=1), time.min, zone) for zone in zones)
    return list(_bookings(resources).filter(begin__lt=end, end__gt=begin, state__in=(*LIVE, State.NO_SHOW)))


def requests(resources: Sequence[Resource]) -> list[Booking]:
    """What waits for an officer, the earliest first; those of one time that compete stand together."""
    return list(_bookings(resources).filter(state=State.REQUESTED, end__gt=timezone.now()))


def waiting(resources: Sequence[Resource]) -> list[Waiting]:
    """Who waits or has been made an offer, in the order in which they come; with `person` and `wishes`."""
    places = Waiting.objects.filter(
        wishes__resource__in=list(resources),
        state__in=(WaitState.WAITING, WaitState.OFFERED),
        end__gt=timezone.now(),
    )
    return list(
        places.distinct().select_related("person", "booking").prefetch_related("wishes__resource").order_by("pk")
    )


def place_in_line(place: Waiting) -> int:
    """1 for who comes first of those whose wish is for any of the same things at any of the same time."""
    before = Waiting.objects.filter(
        state=WaitState.WAITING,
        pk__lt=place.pk,
        begin__lt=place.end,
        end__gt=place.begin,
        wishes__resource__in=place.wishes.values("resource"),
    )
    return before.distinct().count() + 1


def of_person(person: Person) -> QuerySet[Booking]:
    """A person's bookings, the next first."""
    return Booking.objects.filter(person=person).prefetch_related("parts__resource").order_by("begin", "pk")


def outside_hours(resource: Resource, first: date, last: date) -> list[int]:
    """The numbers of live bookings of these days that are not within the hours that there are now."""
    zone = calendars.zone_of(resource)
    begin = datetime.combine(first, time.min, zone)
    end = datetime.combine(last + timedelta(days=1), time.min, zone)
    found = _bookings([resource]).filter(state__in=LIVE, begin__lt=end, end__gt=begin)
    booked = list(found.values_list("pk", "begin", "end"))
    calendar = calendars.read(
        [resource], min([begin, *(one[1] for one in booked)]), max([end, *(one[2] for one in booked)])
    )[resource.pk]
    return [number for number, since, until in booked if not calendar.is_open(since, until)]


def figures(resources: Sequence[Resource], begin: datetime, end: datetime) -> Mapping[str, int]:
    """How many bookings that begin between two moments are in each state, and who waits ("waiting")."""
    counts = dict.fromkeys((state.value for state in State), 0)
    for state in _bookings(resources).filter(begin__gte=begin, begin__lt=end).values_list("state", flat=True):
        counts[state] += 1
    places = Waiting.objects.filter(
        wishes__resource__in=list(resources), state=WaitState.WAITING, begin__gte=begin, begin__lt=end
    )
    return counts | {"waiting": places.distinct().count()}
