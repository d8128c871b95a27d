"""The waiting list: who waits for an interval is offered it in order, as a hold of theirs, once it is free.

Whatever frees something sets a deadline for at once (`actions.tell_freed`), and the offer is made in a transaction of
its own, one a transaction, so that locks are taken in everybody's order. Between the two nobody else gets it: `hold`
refuses what somebody who waits could have (`check_promised`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, keeping, taking
from cityhall.kernel.bookings.limits import check_limits
from cityhall.kernel.bookings.models import Approval, Booking, Resource, State, Waiting, WaitState, Wish
from cityhall.kernel.bookings.taking import Want
from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Missing, TooMany
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person

PAUSE = timedelta(seconds=1)
"""Until it is looked at again who comes next, where somebody had it at the very moment of the offer."""
MOST_WAITING = 10
"""Places on waiting lists that a person may have at once."""


@transaction.atomic
def join(
    resources: keeping.Resources,
    begin: datetime,
    end: datetime,
    *,
    who: Person,
    key: UUID,
    actor: Actor,
    seats: keeping.Seats = 1,
) -> Waiting:
    """Waits for what is taken; the same key is the same place.

    Raises Conflict ("free": it can be booked; "waiting_already"; "chosen": officers choose there, nobody waits; those
    of `hold`), TooMany.
    """
    wants = taking.locked(keeping.wanted_of(resources, seats), who)
    known = Waiting.objects.filter(key=key).first()
    if known is not None:
        if (known.person_id, known.begin, known.end) != (who.pk, begin, end):
            raise Conflict(_("Another place was made with this key."), code="key_used", field="key")
        return known
    keeping.check_rules(wants, begin, end, timezone.now())
    _check_may_wait(wants, begin, end, who)
    place = Waiting.objects.create(key=key, person=who, begin=begin, end=end, joined_at=timezone.now())
    Wish.objects.bulk_create(
        Wish(waiting=place, resource=one.resource, seats=one.seats, asked=one.asked) for one in wants
    )
    _note(place, "waiting.joined", actor)
    return place


def _check_may_wait(wants: list[Want], begin: datetime, end: datetime, who: Person) -> None:
    if any(one.resource.approval == Approval.COMPETE for one in wants if one.asked):
        raise _chosen()
    for one in wants:
        if one.seats > one.resource.capacity:
            raise taking.taken(one.resource)
    if _fits(wants, begin, end):
        raise Conflict(_("It is free: book it."), code="free")
    mine = Waiting.objects.filter(person=who, state=WaitState.WAITING)
    numbers = [one.resource.pk for one in wants if one.asked]
    if mine.filter(begin__lt=end, end__gt=begin, wishes__asked=True, wishes__resource__in=numbers).exists():
        raise Conflict(_("You wait for this already."), code="waiting_already")
    if mine.count() >= MOST_WAITING:
        raise TooMany(
            _("You wait for %(most)d things already, which is the most.") % {"most": MOST_WAITING},
            code="waiting_most",
            mend=_("Leave one waiting list first."),
        )


def _chosen() -> CityhallError:
    return Conflict(_("Here officers choose among all who ask: ask for it."), code="chosen")


def _fits(wants: Iterable[Want], begin: datetime, end: datetime) -> bool:
    return all(taking.fits(one.resource, one.seats, *taking.span(one.resource, begin, end)) for one in wants)


@transaction.atomic
def leave(place: Waiting, actor: Actor) -> Waiting:
    """Waits no longer; what was offered goes to the next. For whose place it is. Raises Denied, Missing."""
    if actor.kind != "system" and actor.person_id != place.person_id:
        raise Denied(_("This is another person's place."), code="denied")
    if place.booking is not None and place.booking.state == State.HELD:
        actions.cancel(place.booking, actor)
    else:
        taking.lock(place.wishes.values_list("resource", flat=True))
    now = Waiting.objects.select_for_update().filter(pk=place.pk).first()
    if now is None:
        raise Missing(_("There is no such place."), code="no_such_place")
    if now.state in (WaitState.WAITING, WaitState.OFFERED, WaitState.PASSED):
        _become(now, WaitState.LEFT, "", actor)
    return now


def waited_for(numbers: Iterable[int]) -> list[int]:
    """Those of these resources that somebody waits for, in order."""
    waits = Wish.objects.filter(resource__in=list(numbers), waiting__state=WaitState.WAITING)
    return sorted(set(waits.values_list("resource", flat=True)))


def check_promised(wants: list[Want], begin: datetime, end: datetime, who: Person | None) -> None:
    """Raises Conflict ("promised") where somebody who waits could have what is wanted, and comes before `who`.

    Called under the locks of what is wanted. Whom it refuses for is offered it within a second, or passed over.
    """
    mine = {one.resource.pk: taking.span(one.resource, begin, end) for one in wants}
    margin = timedelta(minutes=max(one.resource.before_min + one.resource.after_min for one in wants))
    places = Waiting.objects.filter(
        state=WaitState.WAITING, begin__lt=end + margin, end__gt=begin - margin, wishes__resource__in=mine
    )
    for place in places.distinct().order_by("pk"):
        if who is not None and place.person_id == who.pk:
            if (place.begin, place.end) == (begin, end):
                return
            # A place for something else gives no right to come before others here.
            continue
        theirs = _wants(place)
        clash = any(_overlap(one.resource, place, mine[one.resource.pk]) for one in theirs if one.resource.pk in mine)
        if clash and place.begin > timezone.now() and _fits(theirs, place.begin, place.end):
            raise Conflict(
                _("This is being offered to those who waited for it."),
                code="promised",
                field="begin",
                mend=_("Choose another time, or wait for this one."),
            )


def _overlap(resource: Resource, place: Waiting, span: tuple[int, int]) -> bool:
    begins, ends = taking.span(resource, place.begin, place.end)
    return begins < span[1] and ends > span[0]


def _wants(place: Waiting) -> list[Want]:
    """What a place is for, with what that takes along today."""
    wanted = taking.expand(dict(place.wishes.filter(asked=True).values_list("resource", "seats")))
    resources = Resource.objects.in_bulk(wanted)
    return [Want(resources[number], *wanted[number]) for number in sorted(wanted)]


def freed(due: Due) -> None:
    """Something of a resource is free (a DeadlineKind's action): the first who could have it is offered it.

    One a call: who comes after them is looked at by the next, which this sets.
    """
    number = int(due.subject.removeprefix("resource:"))
    places = Waiting.objects.filter(state=WaitState.WAITING, wishes__resource=number).distinct().order_by("pk")
    for place in places.select_related("person"):
        if place.begin <= timezone.now() or _fits(_wants(place), place.begin, place.end):
            later = timedelta() if offer(place) else PAUSE
            set_deadline(keeping.FREED, due.subject, timezone.now() + later)
            return


@transaction.atomic
def offer(place: Waiting) -> bool:
    """Holds for somebody what they wait for, and tells them; passes them over where it cannot be theirs any more.

    False where somebody else had it at that very moment: their place in the list is kept.
    """
    try:
        wants = taking.locked(dict(place.wishes.filter(asked=True).values_list("resource", "seats")), place.person)
    except CityhallError as refusal:
        _pass(place, refusal)
        return True
    now = Waiting.objects.select_for_update(of=("self",)).filter(pk=place.pk, state=WaitState.WAITING).first()
    if now is None:
        return True
    try:
        with transaction.atomic():
            made = _hold(now, place.person, wants)
    except CityhallError as refusal:
        if refusal.code in ("taken", "changed"):
            return False
        _pass(now, refusal)
        return True
    now.booking = made
    _become(now, WaitState.OFFERED, "", system("bookings"), booking=made.pk)
    first = _first(wants)
    send(
        place.person,
        _("What you waited for is free: %(resource)s"),
        _("It is kept for you until %(until)s. Confirm it, or it goes to the next who waits."),
        values={"resource": first.name, "until": _when(made)},
        url=first.page.replace("{booking}", str(made.pk)),
        key=f"bookings-offer-{place.pk}",
    )
    return True


def _first(wants: list[Want]) -> Resource:
    return next(one.resource for one in wants if one.asked)


def _when(made: Booking) -> str:
    from django.utils import formats

    return formats.date_format(timezone.localtime(made.expires_at), "SHORT_DATETIME_FORMAT")


def _hold(place: Waiting, who: Person, wants: list[Want]) -> Booking:
    now = timezone.now()
    keeping.check_rules(wants, place.begin, place.end, now)
    asked = [one.resource for one in wants if one.asked]
    if any(one.approval == Approval.COMPETE for one in asked):
        raise _chosen()
    check_limits(who, asked, place.begin)
    until = min(now + timedelta(minutes=min(max(1, one.offer_min) for one in asked)), place.begin)
    key = uuid5(place.key, "offer")
    return keeping.keep(wants, place.begin, place.end, who=who, key=key, expires_at=until, actor=system("bookings"))


def _pass(place: Waiting, refusal: CityhallError) -> None:
    """Out of the list, and told why: the next is not to wait for somebody who cannot have it."""
    _become(place, WaitState.PASSED, refusal.code, system("bookings"))
    send(
        place.person,
        _("You no longer wait for a booking"),
        _("It cannot be yours any more: %(why)s"),
        values={"why": refusal.message},
        key=f"bookings-passed-{place.pk}",
    )


def booking_changed(booking: Booking) -> None:
    """What was offered was taken, or was not; called under the booking's lock."""
    place = Waiting.objects.select_for_update(of=("self",)).filter(booking=booking, state=WaitState.OFFERED).first()
    if place is None:
        return
    if booking.state in (State.CONFIRMED, State.REQUESTED):
        _become(place, WaitState.TAKEN, "", None)
    else:
        _become(place, WaitState.PASSED, "not_taken", None)


def _become(place: Waiting, state: WaitState, why: str, actor: Actor | None, **data: object) -> None:
    place.state, place.why = state, why[:50]
    place.save(update_fields=["state", "why", "booking"])
    _note(place, f"waiting.{state}", actor, **data, **({"why": why} if why else {}))


def _note(place: Waiting, what: str, actor: Actor | None, **data: object) -> None:
    append("bookings", what, dict(data), subject=place.ref, actor=str(actor or ""))


def look_again() -> int:
    """Every few minutes (a Task's action): looks at all that is waited for, and at who waited until it was too late.

    What frees something says so itself; this is for what time alone changes.
    """
    numbers = sorted(set(Wish.objects.filter(waiting__state=WaitState.WAITING).values_list("resource", flat=True)))
    looked_at = set(Deadline.objects.filter(kind=keeping.FREED).values_list("subject", flat=True))
    for number in numbers:
        if (subject := f"resource:{number}") not in looked_at:
            # A transaction each: deadlines of several would be locked in another order than others may lock them.
            with transaction.atomic():
                set_deadline(keeping.FREED, subject, timezone.now())
    return len(numbers)
