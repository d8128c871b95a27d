"""The only writers of bookings: each one transaction, with its event in the journal.

Everybody locks in one order: the person, the resources by their numbers, the booking. Which resources a booking has
never changes, so they are read without a lock. Services decide who may book; what officers do asks the permission that
the resource names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import taking
from cityhall.kernel.bookings.keeping import (
    EXPIRES,
    FREED,
    Resources,
    Seats,
    agreed,
    check_officer,
    check_own,
    check_patience,
    check_rules,
    keep,
    key_used,
    note_down,
    wanted_of,
)
from cityhall.kernel.bookings.keeping import (
    with_locks as with_locks,
)
from cityhall.kernel.bookings.limits import check_limits
from cityhall.kernel.bookings.models import Approval, Booking, Late, Occurrence, Part, Resource, State
from cityhall.kernel.bookings.taking import Want
from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import CityhallError, Conflict, Invalid
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person

HOLD = timedelta(minutes=15)
LONGEST_HOLD = timedelta(days=7)


@transaction.atomic
def hold(
    resources: Resources,
    begin: datetime,
    end: datetime,
    *,
    who: Person | None,
    key: UUID,
    seats: Seats = 1,
    expires_in: timedelta = HOLD,
    actor: Actor | None = None,
    note: str = "",
    about: str = "",
) -> Booking:
    """Takes all of the resources or none, until `expires_in` is over or it is confirmed. The same key is the same hold.

    `who` is whom it is for, None for the house itself. Where officers choose among requests it takes nothing and is a
    request at once. Raises Conflict ("taken", "promised" to who waits, "closed", "past", "too_soon", "too_far",
    "open_most", "week_most", "asked_already", "key_used"), TooMany ("held_most"), Invalid ("bad_time", "bad_seats",
    "off_grid", "too_short", "too_long").
    """
    if not timedelta() < expires_in <= LONGEST_HOLD:
        raise Invalid(_("A hold ends within a week."), code="bad_hold")
    until = timezone.now() + expires_in
    wanted = wanted_of(resources, seats)
    return _make(wanted, begin, end, who=who, key=key, expires_at=until, actor=actor, note=note, about=about)


@transaction.atomic
def book(
    resources: Resources,
    begin: datetime,
    end: datetime,
    *,
    who: Person | None,
    key: UUID,
    actor: Actor,
    seats: Seats = 1,
    note: str = "",
    about: str = "",
) -> Booking:
    """A booking at once, or a request where an officer decides. Raises as `hold` does."""
    wanted = wanted_of(resources, seats)
    made = _make(wanted, begin, end, who=who, key=key, expires_at=None, actor=actor, note=note, about=about)
    # Of that key there was a hold before.
    return confirm(made, system("bookings")) if made.state == State.HELD else made


def _make(
    wanted: Mapping[int, int],
    begin: datetime,
    end: datetime,
    *,
    who: Person | None,
    key: UUID,
    expires_at: datetime | None,
    actor: Actor | None,
    note: str,
    about: str,
) -> Booking:
    """Locks, looks whether it was made before, checks everything, takes."""
    wants = taking.locked(wanted, who)
    known = _known(key, who, wanted, begin, end, about)
    if known is not None:
        return known
    check_rules(wants, begin, end, timezone.now())
    check_limits(who, [one.resource for one in wants if one.asked], begin)
    check_patience(wants, begin, end, who)
    _check_promised(wants, begin, end, who)
    return keep(wants, begin, end, who=who, key=key, expires_at=expires_at, actor=actor, note=note, about=about)


def _known(
    key: UUID, who: Person | None, wanted: Mapping[int, int], begin: datetime, end: datetime, about: str
) -> Booking | None:
    known = Booking.objects.filter(key=key).first()
    if known is None:
        return None
    had = dict(known.parts.filter(asked=True).values_list("resource", "seats"))
    same = had.keys() == wanted.keys() and all(had[number] >= seats for number, seats in wanted.items())
    mine = known.person_id == (who.pk if who else None)
    if not (same and mine and (known.begin, known.end, known.about) == (begin, end, about)):
        raise key_used()
    return known


def _check_promised(wants: list[Want], begin: datetime, end: datetime, who: Person | None) -> None:
    from cityhall.kernel.bookings.waiting import check_promised

    check_promised(wants, begin, end, who)


def _confirm(booking: Booking, actor: Actor | None) -> Booking:
    decides = Resource.objects.filter(parts__booking=booking, parts__asked=True).exclude(approval=Approval.NONE)
    state = State.REQUESTED if decides.exists() else State.CONFIRMED
    clear(EXPIRES, booking.ref)
    return change(booking, state, actor, expires_at=None)


def change(booking: Booking, state: State, actor: Actor | None, **fields: object) -> Booking:
    """A locked booking becomes `state`: the row, the event, and the one who waited for it."""
    from cityhall.kernel.bookings.waiting import booking_changed

    for name, value in (fields | {"state": state, "changed_at": timezone.now()}).items():
        setattr(booking, name, value)
    booking.sequence += 1
    booking.save()
    note_down(booking, f"booking.{state}", actor)
    booking_changed(booking)
    return booking


@transaction.atomic
def confirm(booking: Booking, actor: Actor) -> Booking:
    """Makes a hold a booking, or a request where an officer decides; confirmed again it stays as it is.

    For the person themselves and for officers. Raises Conflict ("hold_expired" and other states), Denied, Missing.
    """
    booking, resources = with_locks(booking)
    check_own(booking, resources, actor)
    if booking.state in (State.CONFIRMED, State.REQUESTED):
        return booking
    _must_be(booking, State.HELD)
    if booking.expires_at is not None and booking.expires_at <= timezone.now():
        # Whoever looks after moments is about to let it go.
        raise _is(State.EXPIRED)
    return _confirm(booking, actor)


@transaction.atomic
def approve(booking: Booking, actor: Actor) -> Booking:
    """An officer says yes to a request; of those that compete, to the first that is approved and no other.

    Approved again it stays as it is. Raises Conflict ("taken", "past", other states), Denied, Missing.
    """
    booking, resources = with_locks(booking)
    check_officer(booking, resources, actor)
    if booking.state == State.CONFIRMED:
        return booking
    _must_be(booking, State.REQUESTED)
    if booking.end <= timezone.now():
        raise Conflict(_("That time is over."), code="past")
    taking.take(list(booking.parts.filter(live=False).order_by("resource")), resources)
    return change(booking, State.CONFIRMED, actor)


@transaction.atomic
def refuse(booking: Booking, actor: Actor, reason: str) -> Booking:
    """An officer says no to a request, with the reason. Raises Conflict, Denied, Invalid ("no_reason"), Missing."""
    booking, resources = with_locks(booking)
    check_officer(booking, resources, actor)
    if booking.state == State.REFUSED:
        return booking
    _must_be(booking, State.REQUESTED)
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    return _end(booking, State.REFUSED, actor, reason)


@transaction.atomic
def cancel(booking: Booking, actor: Actor, reason: str = "") -> Booking:
    """Gives it back. Whose it is may do so freely until `free_until`, later with a fee or not at all; officers always.

    Only who cancels late themselves has a fee due. Cancelled again it stays as it is. Raises Conflict ("too_late",
    other states), Denied, Missing.
    """
    booking, resources = with_locks(booking)
    own = check_own(booking, resources, actor)
    if booking.state == State.CANCELLED:
        return booking
    _must_be(booking, *(State.HELD, State.REQUESTED, State.CONFIRMED))
    now = timezone.now()
    if booking.end <= now:
        raise Conflict(_("That time is over."), code="past")
    fee = False
    if own and booking.state == State.CONFIRMED and now > booking.free_until:
        if booking.late == Late.REFUSE or booking.begin <= now:
            raise too_late()
        fee = True
    Occurrence.objects.filter(booking=booking).update(alone=True)
    return _end(booking, State.CANCELLED, actor, reason, fee_due=fee)


def too_late() -> CityhallError:
    """The refusal of who cancels or moves after it was free to do so."""
    return Conflict(
        _("It is too late to cancel or move this."),
        code="too_late",
        mend=_("Speak to those whose room or machine it is."),
    )


@transaction.atomic
def no_show(booking: Booking, actor: Actor) -> Booking:
    """An officer notes that nobody came; what is left of the time is free again. Raises Conflict, Denied, Missing."""
    booking, resources = with_locks(booking)
    check_officer(booking, resources, actor)
    if booking.state == State.NO_SHOW:
        return booking
    _must_be(booking, State.CONFIRMED)
    if booking.begin > timezone.now():
        raise Conflict(_("That time has not begun yet."), code="not_begun")
    return _end(booking, State.NO_SHOW, actor, "", fee_due=booking.late == Late.FEE)


@transaction.atomic
def move(booking: Booking, begin: datetime, end: datetime, actor: Actor) -> Booking:
    """Another time for the same resources, by the rules that they have now; or it stays as it was.

    Raises as `hold` and `cancel` do.
    """
    booking, resources = with_locks(booking, person=True)
    own = check_own(booking, resources, actor)
    moved = shift(booking, resources, begin, end, actor, own=own)
    Occurrence.objects.filter(booking=booking).update(alone=True)
    return moved


def shift(
    booking: Booking, resources: Mapping[int, Resource], begin: datetime, end: datetime, actor: Actor, *, own: bool
) -> Booking:
    """Moves a booking that is locked, with its person; see `move`."""
    _must_be(booking, State.REQUESTED, State.CONFIRMED)
    now = timezone.now()
    if booking.begin <= now or (own and now > booking.free_until):
        raise too_late()
    if (booking.begin, booking.end) == (begin, end):
        return booking
    parts = list(booking.parts.order_by("resource"))
    wants = [Want(resources[one.resource_id], one.seats, one.asked) for one in parts]
    check_rules(wants, begin, end, now)
    check_limits(booking.person, [one.resource for one in wants if one.asked], begin, but=booking)
    # Before anything is let go: what is one's own now is promised to nobody.
    _check_promised(wants, begin, end, booking.person)
    freed = taking.let_go(booking.pk)
    for one in parts:
        one.begins, one.ends = taking.span(resources[one.resource_id], begin, end)
        one.live = False
    Part.objects.bulk_update(parts, ["begins", "ends", "live"])
    if freed:
        taking.take(parts, resources)
        tell_freed(freed)
    was = booking.begin.astimezone(UTC).isoformat()
    booking.begin, booking.end = begin, end
    for name, value in agreed(wants, begin).items():
        setattr(booking, name, value)
    booking.sequence, booking.changed_at = booking.sequence + 1, now
    booking.save()
    note_down(booking, "booking.moved", actor, before=was)
    return booking


def expired(due: Due) -> None:
    """The moment of a hold has come (a DeadlineKind's action): unless it was settled, it is let go."""
    booking = Booking.objects.filter(pk=int(due.subject.removeprefix("booking:"))).first()
    if booking is not None:
        booking, _resources = with_locks(booking)
        if booking.state == State.HELD:
            _end(booking, State.EXPIRED, system("bookings"), "")


def end_for_good(booking: Booking, actor: Actor) -> Booking:
    """Cancels a locked booking whatever its rules say: its person is erased, or its series changed."""
    return _end(booking, State.CANCELLED, actor, "")


def _end(booking: Booking, state: State, actor: Actor, reason: str, *, fee_due: bool = False) -> Booking:
    clear(EXPIRES, booking.ref)
    tell_freed(taking.let_go(booking.pk))
    return change(booking, state, actor, reason=reason.strip()[:500], fee_due=fee_due, expires_at=None)


def tell_freed(numbers: Iterable[int]) -> None:
    """Something of these resources is free: who waits is offered it once this commits, in a transaction of its own."""
    from cityhall.kernel.bookings.waiting import waited_for

    for number in waited_for(numbers):
        set_deadline(FREED, f"resource:{number}", timezone.now())


def _must_be(booking: Booking, *states: State) -> None:
    if booking.state not in states:
        raise _is(booking.state)


def _is(state: str) -> CityhallError:
    return Conflict(
        _("This cannot be done any more: the booking is %(state)s.") % {"state": State(state).label},
        code=f"booking_{state}",
    )
