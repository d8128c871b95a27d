"""Every week at the same hour: kernel/bookings keeps the series, and the days that it could not have."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings

from cityhall.kernel.bookings import series
from cityhall.kernel.bookings.models import Booking
from cityhall.kernel.people.actors import Actor
from cityhall.services.house import booking
from cityhall.services.house.hours import length
from cityhall.services.house.models import Room


def make(
    actor: Actor, room: Room, begin: datetime, end: datetime, purpose: str, weeks: int, key: UUID
) -> list[Booking]:
    """Books, so many weeks, what can be had of them, in their order.

    Raises Conflict ("nothing_free") where nothing can. The same key again is the same series.
    """
    assert room.resource is not None
    wall = begin.astimezone(settings.CITY.zone)
    made = series.make(
        [room.resource],
        f"FREQ=WEEKLY;COUNT={weeks}",
        wall.date(),
        booking.minute(wall.time()),
        60 * length(begin, end),
        who=booking.person_of(actor),
        key=key,
        actor=actor,
        note=purpose,
        about=f"room:{room.slug}",
    )
    return list(Booking.objects.filter(occurrence__series=made).select_related("person").order_by("begin"))
