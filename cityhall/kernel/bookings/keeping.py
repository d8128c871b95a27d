"""What all writers of bookings have in common: the rules, writing a hold of what is locked, locks, and who may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import calendars, taking
from cityhall.kernel.bookings.models import Approval, Booking, Late, Part, Resource, State
from cityhall.kernel.bookings.rules import check, check_moments, check_open
from cityhall.kernel.bookings.taking import Want
from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing, TooMany
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require

EXPIRES = "bookings.hold"
FREED = "bookings.freed"
MOST_HELD = 20
"""Holds that a person may have at once, of all services."""
Resources = Sequence[Resource]
Seats = int | Mapping[int, int]
"""How many of each resource, or by the resource's number."""


def wanted_of(resources: Resources, seats: Seats) -> dict[int, int]:
    """Seats by the resource's number. Raises Invalid where nothing is asked for."""
    if not resources:
        raise Invalid(_("Say what is to be booked."), code="nothing", field="resource")
    return {one.pk: seats if isinstance(seats, int) else seats.get(one.pk, 1) for one in resources}


def key_used() -> CityhallError:
    """The refusal of a key that is another booking's."""
    return Conflict(_("Another booking was made with this key."), code="key_used", field="key")


def check_rules(wants: Iterable[Want], begin: datetime, end: datetime, now: datetime) -> None:
    """Whether all of it may be booked then, taken or not; see `rules.check`."""
    check_moments(begin, end)
    known = calendars.read([one.resource for one in wants], begin, end)
    for one in wants:
        if one.asked:
            _check_seats(one)
            check(one.resource, known[one.resource.pk], begin, end, now)
        else:
            check_open(one.resource, known[one.resource.pk], begin, end)


def _check_seats(want: Want) -> None:
    most = want.resource.seats_most
    if most and want.seats > most:
        raise Invalid(
            _("At most %(most)d seats of %(resource)s are booked at once.")
            % {"most": most, "resource": want.resource.name},
            code="bad_seats",
            field="seats",
        )


def check_patience(wants: list[Want], begin: datetime, end: datetime, who: Person | None) -> None:
    """Nobody keeps things from others by holding ever more, nor asks for one thing again and again."""
    if who is None:
        return
    if Booking.objects.filter(person=who, state=State.HELD).count() >= MOST_HELD:
        raise TooMany(
            _("You hold %(most)d things already, which is the most.") % {"most": MOST_HELD},
            code="held_most",
            mend=_("Confirm or cancel some of them first."),
        )
    competes = [one.resource.pk for one in wants if one.asked and one.resource.approval == Approval.COMPETE]
    asked = Booking.objects.filter(
        person=who, state=State.REQUESTED, begin__lt=end, end__gt=begin, parts__resource__in=competes
    )
    if competes and asked.exists():
        raise Conflict(_("You asked for this already."), code="asked_already", field="begin")


def keep(
    wants: list[Want],
    begin: datetime,
    end: datetime,
    *,
    who: Person | None,
    key: UUID,
    expires_at: datetime | None,
    actor: Actor | None = None,
    note: str = "",
    about: str = "",
) -> Booking:
    """Writes what is locked and was checked, and takes it: a hold, or (`expires_at` None) a booking or request at once.

    Raises Conflict ("taken", "key_used").
    """
    state = _state(wants, expires_at)
    competes = state == State.REQUESTED and _decides(wants, Approval.COMPETE)
    now = timezone.now()
    made = Booking(
        key=key,
        person=who,
        state=state,
        begin=begin,
        end=end,
        note=note[:500],
        about=about,
        made_at=now,
        changed_at=now,
        expires_at=expires_at if state == State.HELD else None,
        **agreed(wants, begin),
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as problem:
        # The same key at the same moment for other resources, whose locks are others.
        raise key_used() from problem
    resources = {one.resource.pk: one.resource for one in wants}
    parts = [_part(made, one) for one in wants]
    if competes:
        for one in parts:
            if not taking.fits(resources[one.resource_id], one.seats, one.begins, one.ends):
                raise taking.taken(resources[one.resource_id])
        Part.objects.bulk_create(parts)
    else:
        taking.take(parts, resources)
    if made.expires_at is not None:
        set_deadline(EXPIRES, made.ref, made.expires_at)
    note_down(made, f"booking.{made.state}", actor, {str(one.resource.pk): one.seats for one in wants})
    return made


def _state(wants: Iterable[Want], expires_at: datetime | None) -> State:
    """What it is at first: where officers choose among requests there is nothing to hold."""
    if _decides(wants, Approval.COMPETE):
        return State.REQUESTED
    if expires_at is not None:
        return State.HELD
    return State.REQUESTED if _decides(wants, Approval.TAKE) else State.CONFIRMED


def _decides(wants: Iterable[Want], how: Approval) -> bool:
    return any(one.resource.approval == how for one in wants if one.asked)


def agreed(wants: Iterable[Want], begin: datetime) -> dict[str, object]:
    """The rules of cancelling that a booking is made with: the strictest of all that was asked for."""
    asked = [one.resource for one in wants if one.asked]
    refuse = any(one.late == Late.REFUSE for one in asked)
    return {
        "free_until": begin - timedelta(minutes=max(one.free_until_min for one in asked)),
        "late": Late.REFUSE if refuse else Late.FEE,
    }


def _part(made: Booking, want: Want) -> Part:
    begins, ends = taking.span(want.resource, made.begin, made.end)
    return Part(booking=made, resource=want.resource, seats=want.seats, begins=begins, ends=ends, asked=want.asked)


def note_down(
    booking: Booking, what: str, actor: Actor | None, seats: Mapping[str, int] | None = None, **data: object
) -> None:
    """The event of a change: when it is, and what is taken of what; never who it is for."""
    moments = {"begin": booking.begin.astimezone(UTC).isoformat(), "end": booking.end.astimezone(UTC).isoformat()}
    more = {"seats": dict(seats)} if seats else {}
    append("bookings", what, {**moments, **more, **data}, subject=booking.ref, actor=str(actor or ""))


def with_locks(booking: Booking, *, person: bool = False) -> tuple[Booking, dict[int, Resource]]:
    """A booking as it is now and its resources, locked as everybody locks them. Raises Missing."""
    if person and booking.person is not None:
        taking.lock_person(booking.person.pk)
    numbers = list(Part.objects.filter(booking=booking.pk).values_list("resource", flat=True))
    if not numbers:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    resources = taking.lock(numbers)
    now = Booking.objects.select_for_update(of=("self",)).select_related("person").filter(pk=booking.pk).first()
    if now is None:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    return now, resources


def check_own(booking: Booking, resources: Mapping[int, Resource], actor: Actor) -> bool:
    """Whether it is the actor's own; else they must be an officer of all of its resources. Raises Denied."""
    if actor.person_id is not None and actor.person_id == booking.person_id:
        return True
    check_officer(booking, resources, actor)
    return False


def check_officer(booking: Booking, resources: Mapping[int, Resource], actor: Actor) -> None:
    """Raises Denied for who may not decide about all that was asked for."""
    if actor.kind == "system":
        return
    asked = Part.objects.filter(booking=booking, asked=True).values_list("resource", flat=True)
    for number in asked:
        resource = resources[number]
        if not resource.permission:
            raise Denied(_("Only the person who booked it can do this."), code="denied")
        require(actor, resource.permission, resource.scope or None)
