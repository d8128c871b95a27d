"""Giving back a room, and what of the money goes back with it. Payments are locked first, then the booking."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cityhall.kernel.bookings import actions
from cityhall.kernel.bookings.models import LIVE, Occurrence, State
from cityhall.kernel.deadlines.actions import clear
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.payments import bills
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people.actors import Actor
from cityhall.services.house import hours as clock
from cityhall.services.house import paying, queries, reserving
from cityhall.services.house.models import Reservation
from cityhall.services.house.reserving import HOUSE, UNPAID, tell
from cityhall.services.house.wording import money


@transaction.atomic
def by_resident(actor: Actor, number: int, *, series: bool = False) -> None:
    """Whoever booked it gives it back, or all of its `series` from then on.

    In time, or where the room was closed after they had booked it, all of the price goes back; later half of it. Raises
    Missing for another person's, Conflict once it has begun.
    """
    one = queries.find_own(actor, number)
    bill = paying.locked(one.bill_id)
    for each in [one, *(_later(one) if series else [])]:
        _cancel(each, bill, actor, "", all_back=queries.shut(each))


def _later(one: Reservation) -> list[Reservation]:
    """The live ones of the series that begin after it."""
    mine = Occurrence.objects.filter(booking=one.booking).first()
    if mine is None:
        return []
    found = Reservation.objects.filter(
        booking__occurrence__series=mine.series_id,
        booking__begin__gt=one.booking.begin,
        booking__state__in=LIVE,
    )
    return list(found.select_related("booking__person", "room", "bill").order_by("booking__begin"))


@transaction.atomic
def by_officer(actor: Actor, number: int, reason: str) -> Reservation:
    """An officer takes a room away, with the reason: all of the price goes back. Raises Denied, Missing, Invalid."""
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    one = reserving.find(number)
    bill = paying.locked(one.bill_id)
    _cancel(one, bill, actor, reason, all_back=True)
    tell(
        one,
        _("Your booking was cancelled: %(room)s, %(begin)s"),
        _("City Hall says why on its page. What you paid goes back to where it came from."),
        "cancelled",
    )
    return one


def _cancel(one: Reservation, bill: Bill | None, actor: Actor, reason: str, *, all_back: bool) -> None:
    before = one.booking.state
    one.booking = actions.cancel(one.booking, actor, reason)
    if before == State.CANCELLED or bill is None or not one.price:
        return
    if bill.is_open:
        _owe_less(one, bill)
        return
    back = one.price if all_back or not one.booking.fee_due else one.price // 2
    if bill.paid and back:
        paying.give_back(bill, back, key=uuid5(one.booking.key, "back"), reason=gettext_noop("The room was given back"))
        one.back = back
        one.save(update_fields=["back"])
        if not reason:
            tell(
                one,
                _("Cancelled: %(room)s, %(begin)s"),
                _("%(back)s goes back to where it came from."),
                "cancelled",
                back=money(back),
            )


def _owe_less(one: Reservation, bill: Bill) -> None:
    """Of an unpaid bill its part is waived; the last part withdraws it."""
    others = Reservation.objects.filter(bill=bill, booking__state__in=LIVE).exclude(pk=one.pk)
    if others.exists():
        bills.waive(bill, HOUSE, uuid5(one.booking.key, "waived"), one.price)
        return
    first = Reservation.objects.filter(bill=bill).order_by("pk").values_list("pk", flat=True)[0]
    clear(UNPAID, f"use:{first}")
    paying.withdraw(bill, "cancelled")


@transaction.atomic
def refuse(actor: Actor, number: int, reason: str) -> Reservation:
    """An officer says no to a request. Raises Denied, Missing, Invalid without a reason, Conflict."""
    one = reserving.find(number)
    one.booking = actions.refuse(one.booking, actor, reason)
    tell(one, _("You cannot have the room: %(room)s, %(begin)s"), _("City Hall says why on its page."), "refused")
    return one


@transaction.atomic
def no_show(actor: Actor, number: int) -> Reservation:
    """Nobody came: what is left of the time is free. Raises Denied, Missing, Conflict before it begins."""
    one = reserving.find(number)
    one.booking = actions.no_show(one.booking, actor)
    return one


@transaction.atomic
def move(actor: Actor, number: int, begin: datetime) -> Reservation:
    """Another time of the same length, for the same price: as long as it could be cancelled freely, or where the room
    was closed after it was booked. Raises Missing, Conflict, Invalid."""
    one = queries.find_own(actor, number)
    if one.booking.state not in queries.MOVABLE:
        raise Conflict(_("This booking cannot be moved."), code="not_movable")
    end = clock.end_of(begin, clock.length(one.booking.begin, one.booking.end))
    # Who moves because City Hall has closed the room is not late.
    by = HOUSE if queries.shut(one) and one.booking.begin > timezone.now() else actor
    one.booking = actions.move(one.booking, begin, end, by)
    tell(
        one,
        _("Moved: %(room)s, %(begin)s"),
        _("The file for your calendar has changed too."),
        f"moved:{one.booking.sequence}",
    )
    return one
