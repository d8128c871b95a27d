"""Booking a room: held, billed, paid, confirmed; or let go. Whoever locks a bill and a booking locks the bill first.

A hold ends by itself (kernel/bookings), its bill by a deadline of ours at the same moment; whichever of the two is
first, money that comes later finds a withdrawn bill and goes back, or a booking that can be made again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cityhall.kernel.bookings import actions
from cityhall.kernel.bookings.models import Booking, Occurrence, State
from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import CityhallError, Conflict, Invalid, Missing
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.service import Text
from cityhall.services.house import booking as bookings
from cityhall.services.house import hours as clock
from cityhall.services.house import paying, queries, repeating
from cityhall.services.house.models import Reservation, Room
from cityhall.services.house.wording import money
from cityhall.web.when import written

UNPAID, LOST = "house.unpaid_use", "house.lost_use"
APPROVED_FOR = timedelta(hours=48)
"""So long whoever's request was approved has to pay, at most until it begins."""
HOUSE = system("house")
GONE = (State.HELD, State.EXPIRED)
"""What a booking is that was paid for and not confirmed: what was cancelled is settled by who cancelled it."""


@transaction.atomic
def reserve(
    actor: Actor,
    slug: str,
    begin: datetime,
    *,
    hours: int,
    people: int,
    purpose: str,
    key: UUID,
    weeks: int = 1,
) -> list[Reservation]:
    """Holds a room for whoever asks, `weeks` times, and makes the bill; what costs nothing is theirs at once.

    The same `key` again is the same booking. Raises Denied, Missing, Invalid, Conflict where it is taken; of a series
    only where all of it is.
    """
    room = queries.find_room(slug)
    start, end = begin.astimezone(UTC), clock.end_of(begin, hours)
    purpose = checked(room, people, purpose)
    price = room.price * hours
    if weeks > 1:
        made = repeating.make(actor, room, start, end, purpose, weeks, key)
    else:
        made = [bookings.hold(actor, room, start, end, purpose, key)]
    known = list(Reservation.objects.filter(booking__in=made).select_related("booking", "bill").order_by("pk"))
    if known:
        return known
    return _kept(actor, room, made, people, price, key)


def checked(room: Room, people: int, purpose: str) -> str:
    """What it is for, as it is kept. Raises Invalid for nothing, or more people than there are seats."""
    if not 0 < people <= room.seats:
        raise Invalid(
            _("The room has %(seats)d seats.") % {"seats": room.seats},
            code="bad_people",
            field="people",
            mend=_("Say how many people come, or choose a larger room."),
        )
    purpose = " ".join(purpose.replace("\0", "").split())[:200]
    if not purpose:
        raise Invalid(_("Say what it is for."), code="no_purpose", field="purpose", mend=_("A few words do."))
    return purpose


@transaction.atomic
def take_offer(actor: Actor, number: int, *, people: int, purpose: str) -> list[Reservation]:
    """What was offered to whoever waited becomes theirs, once it is paid where it costs. Raises as `reserve` does."""
    offered, known = offer(actor, number)
    if known is not None:
        return [known]
    room = queries.room_of(offered)
    purpose = checked(room, people, purpose)
    locked, _resources = actions.with_locks(offered)
    if locked.state != State.HELD:
        raise Conflict(
            _("The time to take it is over."), code="offer_over", mend=_("Choose another time, or wait again.")
        )
    Booking.objects.filter(pk=locked.pk).update(note=purpose)
    price = room.price * clock.length(locked.begin, locked.end)
    if room.approval:
        locked = actions.confirm(locked, actor)
    return _kept(actor, room, [locked], people, price, uuid5(locked.key, "house"))


def offer(actor: Actor, number: int) -> tuple[Booking, Reservation | None]:
    """A hold that the waiting list has made for whoever asks, and what became of it here. Raises Missing."""
    found = Booking.objects.filter(pk=number, person_id=actor.person_id or 0, parts__resource__owner="house")
    mine = found.first()
    if mine is None:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    return mine, Reservation.objects.filter(booking=mine).select_related("booking", "bill").first()


def _kept(actor: Actor, room: Room, made: list[Booking], people: int, price: int, key: UUID) -> list[Reservation]:
    """What is held is written down here, and billed or confirmed."""
    kept = [
        Reservation.objects.create(booking=one, room=room, person=one.person, people=people, price=price)
        for one in made
    ]
    if room.approval:
        return kept
    if price:
        until = min(one.booking.expires_at or timezone.now() + bookings.HOLD for one in kept)
        _bill(actor, kept, until, key)
        return kept
    for one in kept:
        one.booking = actions.confirm(one.booking, actor)
    tell_confirmed(kept)
    return kept


def _bill(actor: Actor, kept: list[Reservation], until: datetime, key: UUID) -> None:
    """One bill over all of them, to be paid until a moment."""
    first = kept[0]
    bill = paying.make(
        actor,
        key=uuid5(key, "bill"),
        payer=first.booking.person,
        title=str(first.room.name),
        lines=[(f"{one.room.name}, {written(one.booking.begin)}", one.price) for one in kept],
        about=f"use:{first.pk}",
    )
    for one in kept:
        one.bill, one.until = bill, until
    Reservation.objects.bulk_update(kept, ["bill", "until"])
    set_deadline(UNPAID, f"use:{first.pk}", until)


@transaction.atomic
def approve(actor: Actor, number: int) -> Reservation:
    """An officer says yes; what costs is to be paid within two days, and before it begins. Raises Denied, Conflict."""
    found = find(number)
    found.booking = actions.approve(found.booking, actor)
    if not found.price:
        tell_confirmed([found])
    elif found.bill is None:
        until = min(timezone.now() + APPROVED_FOR, found.booking.begin)
        _bill(actor, [found], until, uuid5(found.booking.key, "house"))
        tell(
            found,
            _("You may have the room: %(room)s"),
            _("Pay it until %(until)s, and it is yours."),
            "approved",
            until=written(until),
        )
    return found


def find(number: int) -> Reservation:
    """A booking of a room. Raises Missing."""
    found = Reservation.objects.select_related("booking__person", "room", "bill").filter(pk=number).first()
    if found is None:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    return found


def paid(bill: Bill) -> None:
    """A bill of rooms was paid, in the transaction in which it was; its row is locked.

    What cannot be had any more is given back by a deadline that is due at once: it locks the payments first, as
    everybody does.
    """
    mine = list(
        Reservation.objects.filter(bill=bill).select_related("booking__person", "room__resource").order_by("pk")
    )
    first = min(one.pk for one in mine)
    clear(UNPAID, f"use:{first}")
    had = [one for one in mine if _confirmed(one)]
    if had:
        tell_confirmed(had)
    if any(one.booking.state in GONE for one in mine):
        set_deadline(LOST, f"use:{first}", timezone.now())


def _confirmed(one: Reservation) -> bool:
    """Whether it is theirs now: held still, or free again and booked anew."""
    if one.booking.state == State.CONFIRMED:
        return True
    if one.booking.state not in GONE:
        return False
    try:
        with transaction.atomic():
            one.booking = actions.confirm(one.booking, HOUSE)
            return True
    except Conflict:
        pass
    try:
        with transaction.atomic():
            _anew(one)
            return True
    except CityhallError:
        return False


def _anew(one: Reservation) -> None:
    """The hold is over, and nobody has the room: it is booked again. Raises Conflict where somebody has it."""
    old = one.booking
    if Booking.objects.filter(pk=old.pk, state=State.HELD).exists():
        actions.cancel(old, HOUSE)
    assert one.room.resource is not None
    one.booking = actions.book(
        [one.room.resource],
        old.begin,
        old.end,
        who=old.person,
        key=uuid5(old.key, "again"),
        actor=HOUSE,
        note=old.note,
        about=old.about,
    )
    one.save(update_fields=["booking"])
    Occurrence.objects.filter(booking=old).update(booking=one.booking)


def give_back_lost(due: Due) -> None:
    """It was paid, and somebody else has the room (a deadline's action): its price goes back, and they are told."""
    first = Reservation.objects.get(pk=int(due.subject.removeprefix("use:")))
    bill = paying.locked(first.bill_id)
    assert bill is not None
    for one in Reservation.objects.filter(bill=bill, back=0).select_related("booking__person", "room").order_by("pk"):
        if one.booking.state not in GONE or not one.price:
            continue
        one.back = one.price
        one.save(update_fields=["back"])
        paying.give_back(bill, one.price, key=uuid5(one.booking.key, "lost"), reason=gettext_noop("The room is taken"))
        tell(
            one,
            _("Your payment came too late: %(room)s"),
            _("Somebody else has the room then. What you paid goes back to where it came from."),
            "lost",
        )


def lapse(due: Due) -> None:
    """It was not paid in time (a deadline's action): the bill is withdrawn. Its holds let go by themselves; what an
    officer had approved is cancelled."""
    first = Reservation.objects.get(pk=int(due.subject.removeprefix("use:")))
    bill = paying.locked(first.bill_id)
    if bill is None or not bill.is_open:
        return
    for one in Reservation.objects.filter(bill=bill).select_related("booking__person", "room").order_by("pk"):
        if one.booking.state == State.CONFIRMED:
            one.booking = actions.cancel(one.booking, HOUSE, str(_("It was not paid in time.")))
        tell(
            one,
            _("The room is free again: %(room)s"),
            _("It was not paid in time. You may book it anew."),
            f"lapsed:{one.pk}",
        )
    paying.withdraw(bill, "not_paid")


def tell_confirmed(kept: list[Reservation]) -> None:
    """A confirmation in the inbox, which leads to the way in and to the calendar."""
    first = min(kept, key=lambda one: one.booking.begin)
    tell(
        first,
        _("The room is yours: %(room)s, %(begin)s"),
        _("How to get in, and a file for your calendar, are on its page."),
        "confirmed",
    )


def tell(one: Reservation, title: Text, body: Text, what: str, **values: object) -> None:
    """Tells whoever booked it, once."""
    person: Person | None = one.booking.person
    if person is not None:
        send(
            person,
            title,
            body,
            values={
                "room": lazystr(one.room),
                "begin": written(one.booking.begin),
                "price": money(one.price),
                **values,
            },
            url=f"/house/bookings/{one.pk}/",
            key=f"house:use:{one.pk}:{what}:{one.booking_id}",
        )
