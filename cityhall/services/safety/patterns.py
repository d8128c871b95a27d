"""Harassment on public transport by line, stop and hour of the day, as officers plan by it: exact, so not public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Q

from cityhall.services.safety.models import Alert

WINDOW_H = 4
"""Hours of the day in which a campaign is proposed."""
FEWEST = 3
"""Fewer are no pattern that anybody could plan by."""


@dataclass(frozen=True, slots=True)
class Report:
    """A call of harassment: GTFS ids and names of line and next stop, "" where nobody knows; local time."""

    line: str
    line_name: str
    stop: str
    stop_name: str
    at: datetime

    @property
    def hour(self) -> int:
        return self.at.hour


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something: `id` is what it is called among machines, `name` among people."""

    id: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where and when guards would meet most of what was reported: `count` of the `of` calls on that line."""

    line: str
    line_name: str
    stop: str
    stop_name: str
    from_hour: int
    to_hour: int
    count: int
    of: int


def midnight(day: date) -> datetime:
    """When a day begins in the city."""
    return datetime.combine(day, time.min, settings.CITY.zone)


def reports(first: date, last: date) -> list[Report]:
    """The calls of harassment of these days, both included. Exercises, parts of others and false alarms are not there.

    Of false alarms those that were reviewed: until then nobody has looked twice.
    """
    found = Alert.objects.filter(
        kind=Alert.Kind.HARASSMENT,
        exercise=False,
        part_of=None,
        received_at__gte=midnight(first),
        received_at__lt=midnight(last + timedelta(days=1)),
    ).exclude(Q(outcome=Alert.Outcome.FALSE, reviewer__isnull=False) | Q(outcome=Alert.Outcome.DEFECT))
    rows = found.order_by("received_at").values_list(
        "journey__line", "journey__line_name", "journey__stop", "journey__stop_name", "received_at"
    )
    zone = settings.CITY.zone
    return [
        Report(line or "", line_name or "", stop or "", stop_name or "", at.astimezone(zone))
        for line, line_name, stop, stop_name, at in rows
    ]


def by_line(found: Sequence[Report]) -> list[Count]:
    """The most first."""
    return _counted([(one.line, one.line_name) for one in found])


def by_stop(found: Sequence[Report]) -> list[Count]:
    """The most first."""
    return _counted([(one.stop, one.stop_name) for one in found])


def by_hour(found: Sequence[Report]) -> list[int]:
    """(24,) of each hour of the day."""
    counted = Counter(one.hour for one in found)
    return [counted[hour] for hour in range(24)]


def _counted(named: Sequence[tuple[str, str]]) -> list[Count]:
    names = dict(named)
    counted = Counter(number for number, _name in named)
    return [Count(number, names[number], count) for number, count in counted.most_common()]


def suggestions(found: Sequence[Report], most: int = 5) -> list[Suggestion]:
    """Campaigns that the reports ask for: a line each, its worst hours, and its worst stop in those; the most first."""
    made = []
    for line in by_line([one for one in found if one.line]):
        own = [one for one in found if one.line == line.id]
        hours = by_hour(own)
        inside = [sum(hours[(hour + ahead) % 24] for ahead in range(WINDOW_H)) for hour in range(24)]
        # Of windows that hold as many the one that begins when the first of them happened.
        begin = max(range(24), key=lambda hour: (inside[hour], hours[hour], -hour))
        end = (begin + WINDOW_H) % 24 or 24
        reported = [one for one in own if within(one.hour, begin, end)]
        if len(reported) < FEWEST:
            continue
        stop = by_stop(reported)[0]
        if stop.count < FEWEST:
            stop = Count("", "", 0)
        made.append(Suggestion(line.id, line.name, stop.id, stop.name, begin, end, len(reported), len(own)))
    return sorted(made, key=lambda one: -one.count)[:most]


def within(hour: int, begin: int, end: int) -> bool:
    """Whether an hour of the day lies from `begin` until `end`, over midnight where that is less; 0 to 24 is all."""
    return begin <= hour < end if begin < end else hour >= begin or hour < end
