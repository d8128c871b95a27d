"""Closing a room for a day: nobody gets it any more, and whoever has it is told and may move or give it back."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.house import booking, hours, queries
from cityhall.services.house.models import Closure, Reservation
from cityhall.services.house.reserving import tell


@transaction.atomic
def close(actor: Actor, slug: str, day: date, reason: str) -> int:
    """Closes a room for a day; gives how many bookings lie in it. Closed again, only the reason changes.

    Raises Denied, Missing, Invalid without a reason or for a day that is over.
    """
    require(actor, booking.WORK)
    room = queries.find_room(slug)
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    if day < hours.today():
        raise Invalid(_("That day is over."), code="past", field="day")
    within = booking.closed(room, day)
    Closure.objects.update_or_create(room=room, day=day, defaults={"reason": reason.strip()[:200]})
    _note(actor, "room.closed", room.pk, day)
    found = Reservation.objects.filter(booking__in=within).select_related("booking__person", "room").order_by("pk")
    for one in found:
        tell(
            one,
            _("The room is closed: %(room)s, %(begin)s"),
            _("You may choose another time on its page, or cancel it, and all of your money goes back."),
            f"shut:{day}",
        )
    return len(found)


@transaction.atomic
def reopen(actor: Actor, slug: str, day: date) -> None:
    """The room is open on that day after all. Raises Denied, Missing, Conflict where it was not closed."""
    require(actor, booking.WORK)
    room = queries.find_room(slug)
    if not Closure.objects.filter(room=room, day=day).delete()[0]:
        raise Conflict(_("The room is not closed that day."), code="not_closed")
    booking.closed(room, day, again=True)
    _note(actor, "room.reopened", room.pk, day)
    for one in Reservation.objects.filter(room=room, booking__in=_of_day(room.pk, day)).select_related(
        "booking__person", "room"
    ):
        tell(
            one,
            _("The room is open after all: %(room)s, %(begin)s"),
            _("Your booking stands."),
            f"open:{day}",
        )


def _of_day(room: int, day: date) -> list[int]:
    from cityhall.kernel.bookings.models import LIVE

    begin, end = hours.bounds(day, 1)
    found = Reservation.objects.filter(
        room=room, booking__state__in=LIVE, booking__begin__gte=begin, booking__begin__lt=end
    )
    return list(found.values_list("booking", flat=True))


def _note(actor: Actor, what: str, room: int, day: date) -> None:
    append("house", what, {"room": room, "day": day.isoformat()}, subject=f"room:{room}", actor=str(actor))
