"""All that City Hall asks of kernel/bookings: each room is a resource of one seat."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, ical, resources
from cityhall.kernel.bookings.models import Approval, Booking, Late, Resource, State
from cityhall.kernel.bookings.resources import Open
from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person
from cityhall.services.house.hours import AHEAD_DAYS, LONGEST_HOURS
from cityhall.services.house.models import Room

WORK = "house.work_bookings"
HOLD = timedelta(minutes=10)
OFFER_MIN = 30
MOST_OPEN = 60
"""Bookings that are to come of one person: a year of every week, and some more."""
PAGE = "/house/offers/{booking}/"


def keep_resource(room: Room) -> None:
    """Makes the room's resource what the room is; what is booked already keeps its own rules."""
    room.resource = resources.keep_resource(
        system("house"),
        f"house:{room.slug}",
        owner="house",
        name=room.name,
        hours=[Open(day - 1, minute(room.opens), minute(room.closes)) for day in room.weekdays],
        after_min=room.buffer_minutes,
        grid_min=60,
        least_min=60,
        most_min=60 * LONGEST_HOURS,
        ahead_days=AHEAD_DAYS + 1,
        approval=Approval.TAKE if room.approval else Approval.NONE,
        free_until_min=60 * room.cancel_hours,
        late=Late.FEE,
        offer_min=OFFER_MIN,
        limit=resources.keep_limit("house", open_most=MOST_OPEN),
        permission=WORK,
        page=PAGE,
    )
    room.save(update_fields=["resource"])


def resource_of(room: Room) -> Resource:
    """What is booked of a room. Raises Missing for one that cannot be booked yet."""
    if room.resource is None:
        raise Missing(_("There is no such room."), code="no_such_room")
    return room.resource


def minute(wall: time) -> int:
    """Minutes since midnight."""
    return wall.hour * 60 + wall.minute


def person_of(actor: Actor) -> Person:
    """Whoever books. Raises Denied where nobody is signed in."""
    found = Person.objects.filter(pk=actor.person_id, is_active=True).first() if actor.person_id is not None else None
    if found is None:
        raise Denied(_("Sign in first."), code="denied")
    return found


def hold(actor: Actor, room: Room, begin: datetime, end: datetime, note: str, key: UUID) -> Booking:
    """Ten minutes for whoever asks; a room that an officer gives is a request at once. Raises Conflict, Invalid."""
    made = actions.hold(
        [resource_of(room)],
        begin,
        end,
        who=person_of(actor),
        key=key,
        expires_in=HOLD,
        actor=actor,
        note=note,
        about=f"room:{room.slug}",
    )
    return actions.confirm(made, actor) if room.approval and made.state == State.HELD else made


def closed(room: Room, day: date, *, again: bool = False) -> list[int]:
    """The room is closed on a day, or open `again`; gives the numbers of bookings that lie in it."""
    return resources.set_days(system("house"), resource_of(room), {day: None if again else []})


def calendar(made: Booking) -> bytes:
    """A booking as a file for a calendar (RFC 5545)."""
    return ical.calendar(Booking.objects.filter(pk=made.pk).prefetch_related("parts__resource"))
