"""Waiting for a room that is taken: the list is kernel/bookings', who is offered it comes to the page of the offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import waiting
from cityhall.kernel.bookings.models import Booking, State, Waiting, WaitState
from cityhall.kernel.bookings.queries import place_in_line
from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import Actor
from cityhall.services.house import booking, queries
from cityhall.services.house.hours import end_of
from cityhall.services.house.models import Room


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's place in the list; `offer` is the booking that is kept for them, None while they wait."""

    pk: int
    room: Room
    begin: datetime
    end: datetime
    place: int
    offer: Booking | None


def join(actor: Actor, slug: str, begin: datetime, *, hours: int, key: UUID) -> Waiting:
    """Waits for a time of a room. Raises Denied, Missing, Conflict where it is free, TooMany."""
    room = queries.find_room(slug)
    assert room.resource is not None
    who = booking.person_of(actor)
    begin = begin.astimezone(UTC)
    return waiting.join([room.resource], begin, end_of(begin, hours), who=who, key=key, actor=actor)


def leave(actor: Actor, number: int) -> None:
    """Waits no more. Raises Missing for another person's place."""
    place = Waiting.objects.filter(pk=number, person_id=actor.person_id or 0).first()
    if place is None:
        raise Missing(_("There is no such place."), code="no_such_place")
    waiting.leave(place, actor)


def own(actor: Actor) -> list[Place]:
    """What somebody waits for, and what is offered to them now."""
    found = Waiting.objects.filter(
        person_id=actor.person_id or 0,
        state__in=(WaitState.WAITING, WaitState.OFFERED),
        end__gt=timezone.now(),
        wishes__resource__owner="house",
    )
    rooms = {one.resource_id: one for one in Room.objects.exclude(resource=None)}
    places = []
    for one in found.distinct().select_related("booking").prefetch_related("wishes").order_by("begin"):
        room = next((rooms[wish.resource_id] for wish in one.wishes.all() if wish.resource_id in rooms), None)
        # An offer that was taken up is a booking, and stands among those.
        taken = one.booking is not None and hasattr(one.booking, "reservation")
        if room is None or taken:
            continue
        offer = one.booking if one.booking is not None and one.booking.state == State.HELD else None
        places.append(Place(one.pk, room, one.begin, one.end, place_in_line(one), offer))
    return places
