"""Reads for residents: rooms and their week, wares, and what is somebody's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.bookings.models import LIVE, Booking, Occurrence, State
from cityhall.kernel.bookings.queries import slots
from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import Actor
from cityhall.services.house import paying
from cityhall.services.house.hours import LONGEST_HOURS, bounds, day_of, end_of
from cityhall.services.house.models import Closure, Item, Order, Reservation, Room
from cityhall.services.house.wording import money

WEEK = 7
MOVABLE = (State.CONFIRMED, State.REQUESTED)
MOST = 50


def rooms() -> QuerySet[Room]:
    """The rooms that can be booked, in the city's order."""
    return Room.objects.filter(active=True).exclude(resource=None).select_related("picture", "resource")


def items() -> QuerySet[Item]:
    """What the shop sells, in the city's order."""
    return Item.objects.filter(active=True).select_related("picture")


def find_room(slug: str) -> Room:
    """A room that can be booked. Raises Missing."""
    room = rooms().filter(slug=slug).first()
    if room is None:
        raise Missing(_("There is no such room."), code="no_such_room")
    return room


def room_of(booking: Booking) -> Room:
    """The room of a booking. Raises Missing for one of no room."""
    room = Room.objects.select_related("resource").filter(resource__parts__booking=booking).first()
    if room is None:
        raise Missing(_("There is no such room."), code="no_such_room")
    return room


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of a day in which the room is open; `past`: too near or over."""

    begin: datetime
    free: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day's hours that may be had; `reason` is why it is closed, "" where it is not, or only as every week."""

    day: date
    slots: list[Hour]
    reason: str


def week(room: Room, first: date, days: int = WEEK, *, length: int = 1) -> list[Day]:
    """The room's days from one on, with the hours at which so many may begin."""
    assert room.resource is not None
    begin, end = bounds(first, days)
    by_day: dict[date, list[Hour]] = {}
    for slot in slots(room.resource, begin, end, 60 * length):
        by_day.setdefault(day_of(slot.begin), []).append(Hour(slot.begin, slot.is_free))
    shut = Closure.objects.filter(room=room, day__range=(first, first + timedelta(days=days)))
    reasons = dict(shut.values_list("day", "reason"))
    every = [first + timedelta(days=ahead) for ahead in range(days)]
    return [Day(day, by_day.get(day, []), reasons.get(day, "")) for day in every]


@dataclass(frozen=True, slots=True)
class Length:
    """How long a room may be had from an hour on, and what that costs."""

    hours: int
    end: datetime
    price: str


def longest(room: Room, begin: datetime, *, taken: bool = False) -> list[Length]:
    """The lengths that may be had from an hour on: free all the time, or with `taken` those that one may wait for."""
    assert room.resource is not None
    found: list[Length] = []
    for hours in range(1, LONGEST_HOURS + 1):
        had = [
            one for one in slots(room.resource, begin, begin + timedelta(seconds=1), 60 * hours) if taken or one.is_free
        ]
        if not had:
            break
        price = money(room.price * hours) if room.price else ""
        found.append(Length(hours, end_of(begin, hours), price))
    return found


def find_own(actor: Actor, number: int) -> Reservation:
    """A booking of whoever asks. Raises Missing for any other, whether there is one or not."""
    mine = _mine(actor).filter(pk=number).first()
    if mine is None:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    return mine


def _mine(actor: Actor) -> QuerySet[Reservation]:
    found = Reservation.objects.filter(booking__person_id=actor.person_id or 0)
    return found.select_related("booking__person", "room__picture", "room__resource", "bill")


def standing(one: Reservation) -> str:
    """How a booking stands, in words of whoever booked it."""
    booking = one.booking
    to_pay = one.bill is not None and one.bill.is_open
    if booking.state == State.HELD or (booking.state == State.CONFIRMED and to_pay):
        return _("to be paid")
    if booking.state == State.REQUESTED:
        return _("City Hall looks at it")
    if booking.state == State.EXPIRED:
        return _("not paid in time")
    if booking.state == State.CONFIRMED:
        return _("over") if booking.is_over(timezone.now()) else _("yours")
    return str(State(booking.state).label)


def shown(one: Reservation) -> dict[str, Any]:
    """All that the page of a booking says."""
    booking, bill, now = one.booking, one.bill, timezone.now()
    to_pay = bill is not None and bill.is_open and booking.state in (State.HELD, State.CONFIRMED)
    return {
        "reservation": one,
        "room": one.room,
        "booking": booking,
        "standing": standing(one),
        "to_pay": money(bill.open) if to_pay and bill is not None else "",
        "pay_until": one.until or booking.expires_at,
        "late_money": bill is not None and bill.state == "void" and bill.paid > 0,
        "price": money(one.price),
        "back": money(one.back) if one.back else "",
        "bill": bill,
        "bill_page": paying.page(bill),
        "confirmed": booking.state == State.CONFIRMED and not to_pay,
        "others": _series(booking),
        "can_cancel": booking.state in LIVE and booking.begin > now,
        "can_move": not to_pay and booking.state in MOVABLE and (now <= booking.free_until or shut(one)),
        "cancel_rule": _cancel_rule(one, now),
    }


def shut(one: Reservation) -> bool:
    """Whether the room was closed for the day of a booking after it was made."""
    return Closure.objects.filter(room_id=one.room_id, day=day_of(one.booking.begin)).exists()


def _cancel_rule(one: Reservation, now: datetime) -> str:
    if one.bill is None or one.bill.is_open:
        return _("It costs nothing.")
    if now <= one.booking.free_until or shut(one):
        return _("All of your money goes back: %(amount)s.") % {"amount": money(one.price)}
    return _("It is too late for all of it: half of your money goes back, %(amount)s.") % {
        "amount": money(one.price // 2)
    }


def _series(booking: Booking) -> list[dict[str, Any]]:
    """The other days of the series, those that it could not have among them."""
    mine = Occurrence.objects.filter(booking=booking).first()
    if mine is None:
        return []
    uses = Reservation.objects.filter(booking__occurrence__series=mine.series_id).select_related("booking", "bill")
    known = {one.booking_id: one for one in uses}
    rows = []
    for one in Occurrence.objects.filter(series=mine.series_id).order_by("day"):
        use = known.get(one.booking_id or 0)
        state = standing(use) if use is not None else ""
        rows.append({"day": one.day, "reservation": use, "state": state, "why": _why(one.refused)})
    return rows


def _why(code: str) -> str:
    """Why a day could not be had, in words."""
    return {"taken": _("taken"), "closed": _("closed"), "promised": _("somebody waits for it"), "past": _("over")}.get(
        code, _("not possible")
    )


def own_rows(actor: Actor, *, over: bool) -> list[dict[str, Any]]:
    """A resident's bookings: those to come, the next first, or those that are over, the last first."""
    now = timezone.now()
    live = _mine(actor).filter(booking__state__in=LIVE, booking__end__gt=now)
    if over:
        found = _mine(actor).exclude(pk__in=live.values("pk")).order_by("-booking__begin")
    else:
        found = live.order_by("booking__begin")
    return [
        {"reservation": one, "room": one.room, "booking": one.booking, "standing": standing(one)}
        for one in found[:MOST]
    ]


def own_orders(actor: Actor) -> list[Order]:
    """What somebody bought, the last first."""
    return list(Order.objects.filter(person_id=actor.person_id or 0).order_by("-pk")[:MOST])


def find_own_order(actor: Actor, number: int) -> Order:
    """An order of whoever asks. Raises Missing for any other."""
    found = Order.objects.filter(person_id=actor.person_id or 0).select_related("bill", "person")
    order = found.filter(pk=number).first()
    if order is None:
        raise Missing(_("There is no such order."), code="no_such_order")
    return order
