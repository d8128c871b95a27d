"""How much a person may have booked: counted under the person's lock, over all resources that share a limit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings.calendars import zone_of
from cityhall.kernel.bookings.models import LIVE, Booking, Limit, Resource
from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.models import Person


def check_limits(
    who: Person | None, resources: Iterable[Resource], begin: datetime, *, but: Booking | None = None
) -> None:
    """Whether this person, who is locked, may have one more of these; `but` is a booking that is not counted.

    The house itself has no limits. Raises Conflict ("open_most", "week_most").
    """
    if who is None:
        return
    first = {one.limit_id: one for one in resources if one.limit_id is not None}
    for limit in Limit.objects.filter(pk__in=first).order_by("pk"):
        of = Booking.objects.filter(person=who, parts__asked=True, parts__resource__limit=limit)
        if but is not None:
            of = of.exclude(pk=but.pk)
        open_now = of.filter(state__in=LIVE, end__gt=timezone.now())
        if limit.open_most is not None and open_now.distinct().count() >= limit.open_most:
            raise Conflict(
                _("You have %(most)d of these booked already, which is the most at one time.")
                % {"most": limit.open_most},
                code="open_most",
                mend=_("Cancel one first, or wait until one is over."),
            )
        monday, next_monday = week_of(first[limit.pk], begin)
        in_week = of.filter(state__in=LIVE, begin__gte=monday, begin__lt=next_monday)
        if limit.week_most is not None and in_week.distinct().count() >= limit.week_most:
            raise Conflict(
                _("You have %(most)d of these booked in that week already, which is the most.")
                % {"most": limit.week_most},
                code="week_most",
                field="begin",
                mend=_("Choose another week."),
            )


def week_of(resource: Resource, moment: datetime) -> tuple[datetime, datetime]:
    """The Monday, and the next, of the week that a moment is in where the resource is."""
    zone = zone_of(resource)
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    first, last = (datetime.combine(one, time.min, zone) for one in (monday, monday + timedelta(days=7)))
    return first.astimezone(UTC), last.astimezone(UTC)
