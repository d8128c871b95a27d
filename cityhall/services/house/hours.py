"""Days and hours on the city's clock. What of them may be had, kernel/bookings says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid

AHEAD_DAYS = 120
"""So far ahead a room may be booked, and its days are shown."""
LONGEST_HOURS = 12


def today() -> date:
    """The day on the city's clock."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """The day of a moment on the city's clock."""
    return moment.astimezone(settings.CITY.zone).date()


def end_of(begin: datetime, hours: int) -> datetime:
    """So many hours later on the wall, in UTC. Raises Invalid for no hour, or more than a room is had for."""
    if not 1 <= hours <= LONGEST_HOURS:
        raise Invalid(
            _("A room is had for %(most)d hours at most.") % {"most": LONGEST_HOURS}, code="bad_hours", field="hours"
        )
    wall = begin.astimezone(settings.CITY.zone).replace(tzinfo=None) + timedelta(hours=hours)
    return wall.replace(tzinfo=settings.CITY.zone).astimezone(UTC)


def length(begin: datetime, end: datetime) -> int:
    """How many hours it is on the wall, which is what is paid for."""
    first, last = (one.astimezone(settings.CITY.zone).replace(tzinfo=None) for one in (begin, end))
    return round((last - first) / timedelta(hours=1))


def bounds(first: date, days: int) -> tuple[datetime, datetime]:
    """From a day's first moment until so many days later, in UTC."""
    begin = datetime.combine(first, datetime.min.time(), settings.CITY.zone)
    end = datetime.combine(first + timedelta(days=days), datetime.min.time(), settings.CITY.zone)
    return begin.astimezone(UTC), end.astimezone(UTC)
