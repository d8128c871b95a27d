"""The one rule of when a resource may be booked, used by page, API, series and waiting list alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings.calendars import Calendar
from cityhall.kernel.bookings.models import UNIT_S, Resource
from cityhall.kernel.errors import Conflict, Invalid

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=366)


def check_moments(begin: datetime, end: datetime) -> None:
    """Raises Invalid ("bad_time") where these are no two moments in order, in whole seconds and with a zone."""
    for moment, field in ((begin, "begin"), (end, "end")):
        if moment.tzinfo is None or moment.microsecond or not 0 < moment.timestamp() < UNIT_S - 10_000_000:
            raise Invalid(_("A booking begins and ends at a whole second."), code="bad_time", field=field)
    if begin >= end:
        raise Invalid(_("The end must come after the beginning."), code="bad_time", field="end")
    if end - begin > LONGEST:
        raise Invalid(_("Nothing is booked for more than a year."), code="too_long", field="end")


def check_open(resource: Resource, calendar: Calendar, begin: datetime, end: datetime) -> None:
    """Raises Conflict ("closed") where it is not open all the time, or is no more to be had."""
    if resource.closed_at is not None or not calendar.is_open(begin, end):
        raise Conflict(
            _("%(resource)s is not open then.") % {"resource": resource.name},
            code="closed",
            field="begin",
            mend=_("Choose a time within the opening hours."),
        )


def check(resource: Resource, calendar: Calendar, begin: datetime, end: datetime, now: datetime) -> None:
    """Whether it may be booked then, taken or not.

    Raises Conflict ("closed", "past", "too_soon", "too_far") and Invalid ("off_grid", "too_short", "too_long").
    """
    _check_ahead(resource, begin, now)
    check_open(resource, calendar, begin, end)
    _check_length(resource, calendar, begin, end)
    if not _on_grid(resource, calendar, begin, end):
        raise Invalid(
            _("Bookings of %(resource)s begin and end every %(minutes)d minutes after it opens.")
            % {"resource": resource.name, "minutes": resource.grid_min},
            code="off_grid",
            field="begin",
        )


def _check_ahead(resource: Resource, begin: datetime, now: datetime) -> None:
    if begin <= now:
        raise Conflict(_("That time has begun already."), code="past", field="begin", mend=_("Choose a later time."))
    if begin < now + resource.notice_min * MINUTE:
        raise Conflict(
            _("%(resource)s is booked at least %(minutes)d minutes ahead.")
            % {"resource": resource.name, "minutes": resource.notice_min},
            code="too_soon",
            field="begin",
            mend=_("Choose a later time."),
        )
    if resource.ahead_days and begin > now + timedelta(days=resource.ahead_days):
        raise Conflict(
            _("%(resource)s is booked at most %(days)d days ahead.")
            % {"resource": resource.name, "days": resource.ahead_days},
            code="too_far",
            field="begin",
            mend=_("Choose an earlier time."),
        )


def _check_length(resource: Resource, calendar: Calendar, begin: datetime, end: datetime) -> None:
    lengths = (end - begin, wall_length(calendar, begin, end))
    least, most = resource.least_min * MINUTE, resource.most_min * MINUTE
    if most and any(least <= length <= most for length in lengths):
        return
    if max(lengths) < least:
        raise Invalid(
            _("%(resource)s is booked for at least %(minutes)d minutes.")
            % {"resource": resource.name, "minutes": resource.least_min},
            code="too_short",
            field="end",
        )
    if most:
        raise Invalid(
            _("%(resource)s is booked for at most %(minutes)d minutes.")
            % {"resource": resource.name, "minutes": resource.most_min},
            code="too_long",
            field="end",
        )


def wall_length(calendar: Calendar, begin: datetime, end: datetime) -> timedelta:
    """How long it is by the clock on the wall: a night is eight hours long there, also where it has seven or nine."""
    first, last = begin.astimezone(calendar.zone), end.astimezone(calendar.zone)
    return last.replace(tzinfo=None) - first.replace(tzinfo=None)


def _on_grid(resource: Resource, calendar: Calendar, begin: datetime, end: datetime) -> bool:
    """Begins on the grid, and is whole steps long by a stopwatch or by the clock on the wall."""
    step = resource.grid_min * 60
    if not step:
        return True
    wall = begin.astimezone(calendar.zone)
    opening = calendar.opening(begin) or 0
    after = (wall.hour * 60 + wall.minute - opening) * 60 + wall.second
    lengths = (end - begin, wall_length(calendar, begin, end))
    return after % step == 0 and any(int(length.total_seconds()) % step == 0 for length in lengths)
