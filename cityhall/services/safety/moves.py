"""A free unit is asked to wait elsewhere: offered with one press, taken or not, over when an alert needs it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Denied, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import may, require
from cityhall.services.safety.actions import ANSWER
from cityhall.services.safety.choosing import BUSY
from cityhall.services.safety.coverage import OPEN, moves_an_hour
from cityhall.services.safety.models import Coverage, Move, Unit

MOVE = "safety.move"
OFFER_S = 60.0
"""A move is less urgent than an alert: an offer of one waits longer."""


@transaction.atomic
def offer(actor: Actor, unit_id: int, *, now: datetime | None = None) -> Move:
    """Asks the unit that the newest picture names to wait where it says.

    Raises Denied; Conflict where the picture names another by now, the unit is not free, or there were as many moves
    within the hour as the city wants.
    """
    require(actor, ANSWER)
    now = now or timezone.now()
    picture = Coverage.objects.select_for_update().filter(pk=1).first()
    if picture is None or picture.unit_id != unit_id or picture.point is None:
        raise Conflict(
            _("Another move is better by now."), code="another", mend=_("Look at what is suggested, and press again.")
        )
    if Move.objects.filter(offered_at__gt=now - timedelta(hours=1)).count() >= moves_an_hour():
        raise Conflict(
            _("There were as many moves within the hour as the city wants."),
            code="cap",
            mend=_("Wait, or send a unit by its radio."),
        )
    unit = Unit.objects.select_for_update(of=("self",)).select_related("person").get(pk=unit_id)
    if not unit.on_duty or unit.assignments.filter(state__in=BUSY).exists():
        raise Conflict(_("This unit is not free any more."), code="no_unit", mend=_("Choose another one."))
    if Move.objects.filter(unit=unit, state__in=OPEN).exists():
        raise Conflict(_("This unit has been asked already."), code="asked", mend=_("Wait for its answer."))
    made = Move.objects.create(unit=unit, post=picture.post, point=picture.point, gain=picture.gain, offered_at=now)
    picture.unit = None
    picture.save(update_fields=["unit"])
    set_deadline(MOVE, f"move:{made.pk}", now + timedelta(seconds=OFFER_S))
    _told("offered", made, actor)
    if unit.person is not None:
        text = _("Please wait at the station of %(post)s")
        send(unit.person, text, values={"post": made.post}, url="/safety/unit/", key=f"move-{made.pk}")
    return made


def _told(what: str, move: Move, actor: Actor) -> None:
    data = {"move": move.pk, "gain": round(move.gain, 4)}
    append("safety", f"unit.move_{what}", data, subject=f"unit:{move.unit_id}", actor=str(actor))


def _of_unit(actor: Actor, move_id: int, *states: str) -> Move:
    """A move, locked with its unit, for the unit's own crew or an operator. Raises Missing, Denied, Conflict."""
    number = Move.objects.filter(pk=move_id).values_list("unit_id", flat=True).first()
    if number is None:
        raise Missing(_("There is no such move."), code="no_such_move")
    unit = Unit.objects.select_for_update().get(pk=number)
    own = unit.person_id is not None and unit.person_id == actor.person_id and may(actor, "safety.ride_unit")
    if not own and not may(actor, ANSWER):
        raise Denied(_("This is another unit's."), code="denied")
    found = Move.objects.select_for_update().get(pk=move_id)
    if found.state not in states:
        raise Conflict(
            _("It is %(state)s, so this cannot be done now.") % {"state": Move.State(found.state).label},
            code="wrong_state",
            mend=_("Look at it again to see what can be done."),
        )
    return found


@transaction.atomic
def accept(actor: Actor, move_id: int, *, now: datetime | None = None) -> Move:
    """The unit goes there; it stays free. Raises Missing, Denied, Conflict."""
    found = _of_unit(actor, move_id, Move.State.OFFERED)
    found.state, found.answered_at = Move.State.ACCEPTED, now or timezone.now()
    found.save(update_fields=["state", "answered_at"])
    clear(MOVE, f"move:{found.pk}")
    _told("accepted", found, actor)
    return found


@transaction.atomic
def refuse(actor: Actor, move_id: int, *, now: datetime | None = None) -> Move:
    """The unit stays where it is. Raises Missing, Denied, Conflict."""
    found = _of_unit(actor, move_id, Move.State.OFFERED)
    _end(found, Move.State.REFUSED, actor, now or timezone.now())
    return found


@transaction.atomic
def arrive(actor: Actor, move_id: int, *, now: datetime | None = None) -> Move:
    """The unit is there. Raises Missing, Denied, Conflict."""
    found = _of_unit(actor, move_id, Move.State.ACCEPTED)
    _end(found, Move.State.THERE, actor, now or timezone.now())
    return found


def lapsed(due: Due) -> None:
    """A unit has not answered (a DeadlineKind's action): it stays where it is."""
    number = int(due.subject.removeprefix("move:"))
    found = Move.objects.select_for_update().filter(pk=number, state=Move.State.OFFERED).first()
    if found is not None:
        _end(found, Move.State.LAPSED, system("safety"), due.now)


def over(unit: Unit, actor: Actor, now: datetime) -> None:
    """The unit is needed elsewhere, or goes off duty: no move of it goes on. In a transaction."""
    for found in Move.objects.select_for_update().filter(unit=unit, state__in=OPEN):
        _end(found, Move.State.OVER, actor, now)


def _end(move: Move, state: str, actor: Actor, now: datetime) -> None:
    move.state, move.ended_at = state, now
    move.answered_at = move.answered_at or now
    move.save(update_fields=["state", "ended_at", "answered_at"])
    clear(MOVE, f"move:{move.pk}")
    _told(state, move, actor)
