"""Units: the offer to the best one for an alert (`choosing.py`), and how far it is.

An offer that is not taken within OFFER_S goes to the next.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Denied, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send, send_to_holders
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import may, require
from cityhall.services.safety import escalation, meetings, moves, stream
from cityhall.services.safety.actions import ANSWER, in_order, locked, say, step, touch
from cityhall.services.safety.choosing import BUSY, choices
from cityhall.services.safety.models import Alert, Assignment, Unit
from cityhall.services.safety.roads import place_of
from cityhall.services.safety.workflow import State

WORKING = (Assignment.State.ACCEPTED, Assignment.State.THERE)
OFFER_S = 20.0
CHECK_S = 600.0
"""A unit that is at an alert says within so long that all is well."""
OFFER, CHECK = "safety.offer", "safety.check"


@transaction.atomic
def offer(actor: Actor, alert_id: int, unit_id: int | None = None, *, now: datetime | None = None) -> Assignment:
    """Offers an alert to a unit, the best one where none is named. Raises Denied, Missing, Conflict."""
    require(actor, ANSWER)
    now = now or timezone.now()
    alert = locked(alert_id)
    if alert.state not in ("answered", "sent", "there"):
        raise Conflict(_("Answer the alert first."), code="wrong_state")
    return _offer(actor, alert, unit_id, now)


def _offer(actor: Actor, alert: Alert, unit_id: int | None, now: datetime) -> Assignment:
    found = choices(alert, now=now)
    chosen = next((one for one in found if unit_id is None or one.unit.pk == unit_id), None)
    if chosen is None:
        if unit_id is not None and not Unit.objects.filter(pk=unit_id).exists():
            raise Missing(_("There is no such unit."), code="no_such_unit")
        raise Conflict(
            _("No unit is free.") if unit_id is None else _("This unit is not free."),
            code="no_unit",
            mend=_("Free a unit, or call the neighbouring centre."),
        )
    if not alert.exercise:
        _leave_exercise(chosen.unit, actor, now)
    unit = Unit.objects.select_for_update(of=("self",)).select_related("person").get(pk=chosen.unit.pk)
    if not unit.on_duty or unit.assignments.filter(state__in=BUSY).exists():
        raise Conflict(_("This unit is not free any more."), code="no_unit", mend=_("Choose another one."))
    made = Assignment.objects.create(alert=alert, unit=unit, seconds=chosen.seconds, offered_at=now)
    data = {"unit": unit.pk, "seconds": chosen.seconds, "road": chosen.road, "free": len(found)}
    if chosen.meet is not None:
        data |= {"bus": chosen.meet.bus, "chance": chosen.meet.chance}
    say(alert, "offer", actor, now, data=data)
    append("safety", "unit.offered", data, subject=stream.subject(alert.pk), actor=str(actor))
    meeting = meetings.begin(made, chosen, now)
    set_deadline(OFFER, f"assignment:{made.pk}", now + timedelta(seconds=OFFER_S))
    touch(alert)
    if unit.person is not None:
        send(
            unit.person,
            _("EXERCISE: go to %(place)s") if alert.exercise else _("Go to %(place)s"),
            values={"place": (meeting.stop_name if meeting else "") or alert.place or _("the place on the map")},
            url="/safety/unit/",
            key=f"assignment-{made.pk}",
        )
    return made


def _leave_exercise(unit: Unit, actor: Actor, now: datetime) -> None:
    """A unit that is wanted for the real thing is not in an exercise any more."""
    pretended = unit.assignments.filter(state__in=BUSY, alert__exercise=True).values_list("alert_id", flat=True)
    # Whoever has locked one of an exercise never wants a real one.
    for alert in in_order(Alert.objects.filter(pk__in=pretended)):
        for one in alert.assignments.select_for_update().filter(unit=unit, state__in=BUSY):
            _end(one, Assignment.State.RECALLED, alert, actor, now)
        _nobody_left(alert, actor, now)


def _of_unit(actor: Actor, assignment_id: int) -> tuple[Assignment, Alert]:
    """An assignment with its alert, both locked, for the unit's own crew or an operator. Raises Missing, Denied."""
    number = Assignment.objects.filter(pk=assignment_id).values_list("alert_id", flat=True).first()
    if number is None:
        raise Missing(_("There is no such assignment."), code="no_such_assignment")
    alert = locked(number)
    one = Assignment.objects.select_for_update(of=("self",)).select_related("unit").get(pk=assignment_id)
    own = one.unit.person_id is not None and one.unit.person_id == actor.person_id and may(actor, "safety.ride_unit")
    if not own and not may(actor, ANSWER):
        raise Denied(_("This is another unit's."), code="denied")
    return one, alert


def _wants(one: Assignment, *states: str) -> None:
    if one.state not in states:
        raise Conflict(
            _("It is %(state)s, so this cannot be done now.") % {"state": Assignment.State(one.state).label},
            code="wrong_state",
            mend=_("Look at it again to see what can be done."),
        )


@transaction.atomic
def accept(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """The unit goes. Twice is once. Raises Missing, Denied, Conflict for an offer that went to another."""
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    if one.state == Assignment.State.ACCEPTED:
        return one
    _wants(one, Assignment.State.OFFERED)
    one.state, one.accepted_at = Assignment.State.ACCEPTED, now
    one.save(update_fields=["state", "accepted_at"])
    clear(OFFER, f"assignment:{one.pk}")
    clear(escalation.UNSENT, stream.subject(alert.pk))
    moves.over(one.unit, actor, now)
    alert.sent_at = alert.sent_at or now
    if alert.state == State.THERE and alert.assignments.filter(state=Assignment.State.THERE).exists():
        # Another unit is there already: this one helps it.
        say(alert, "send", actor, now, data={"unit": one.unit_id})
        touch(alert)
    else:
        step(alert, "send", actor, now, data={"unit": one.unit_id})
    return one


@transaction.atomic
def refuse(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """The unit cannot go: the next one is asked. Raises Missing, Denied, Conflict."""
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    _wants(one, Assignment.State.OFFERED)
    _end(one, Assignment.State.REFUSED, alert, actor, now)
    _next(alert, now)
    return one


def lapsed(due: Due) -> None:
    """A unit has not answered an offer (a DeadlineKind's action): the next one is asked."""
    number = int(due.subject.removeprefix("assignment:"))
    of = Assignment.objects.filter(pk=number).values_list("alert_id", flat=True).first()
    if of is None:
        return
    alert = locked(of)
    one = Assignment.objects.select_for_update(of=("self",)).get(pk=number)
    if one.state == Assignment.State.OFFERED:
        _end(one, Assignment.State.LAPSED, alert, system("safety"), due.now)
        _next(alert, due.now)


def _next(alert: Alert, now: datetime) -> None:
    """Offers it to the next best; where there is none, whoever has the alert is told."""
    try:
        with transaction.atomic():
            _offer(system("safety"), alert, None, now)
    except Conflict:
        if alert.exercise:
            return
        send_to_holders(
            _("No unit takes the alert at %(place)s"),
            role="safety.supervisor",
            values={"place": alert.place or str(alert.pk)},
            url=f"/safety/alerts/{alert.pk}/",
            key=f"alert-{alert.pk}-no-unit-{now.timestamp():.0f}",
        )


@transaction.atomic
def arrive(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """The unit is there. Twice is once. Raises Missing, Denied, Conflict."""
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    if one.state == Assignment.State.THERE:
        return one
    _wants(one, Assignment.State.ACCEPTED)
    one.state, one.there_at = Assignment.State.THERE, now
    _check_later(one, now)
    alert.there_at = alert.there_at or now
    if alert.state == State.SENT:
        step(alert, "arrive", actor, now, data={"unit": one.unit_id})
    else:
        say(alert, "arrive", actor, now, data={"unit": one.unit_id})
        touch(alert)
    return one


@transaction.atomic
def all_well(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """The unit says that all is well; it is asked again after CHECK_S. Raises Missing, Denied, Conflict."""
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    _wants(one, *WORKING)
    say(alert, "all_well", actor, now, data={"unit": one.unit_id})
    _check_later(one, now)
    return one


def _check_later(one: Assignment, now: datetime) -> None:
    one.check_at = now + timedelta(seconds=CHECK_S)
    one.save(update_fields=["state", "there_at", "check_at"])
    set_deadline(CHECK, f"assignment:{one.pk}", one.check_at)


def unchecked(due: Due) -> None:
    """A unit at an alert has said nothing for too long (a DeadlineKind's action): the desk looks after it."""
    number = int(due.subject.removeprefix("assignment:"))
    one = Assignment.objects.filter(pk=number, state__in=WORKING).select_related("unit", "alert").first()
    if one is None:
        return
    append("safety", "unit.silent", {"unit": one.unit_id}, subject=stream.subject(one.alert_id), actor="system:safety")
    if one.alert.exercise:
        return
    send_to_holders(
        _("Unit %(unit)s has not said that all is well"),
        role="safety.operator",
        values={"unit": one.unit.name},
        url=f"/safety/alerts/{one.alert_id}/",
        key=f"assignment-{one.pk}-silent-{due.due_at.timestamp():.0f}",
    )


@transaction.atomic
def done(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """The unit is free again. Raises Missing, Denied, Conflict."""
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    _wants(one, *WORKING)
    was_there = one.state == Assignment.State.THERE
    _end(one, Assignment.State.DONE if was_there else Assignment.State.RECALLED, alert, actor, now)
    if not was_there:
        _nobody_left(alert, actor, now)
    return one


@transaction.atomic
def call_back(actor: Actor, assignment_id: int, *, now: datetime | None = None) -> Assignment:
    """An operator calls a unit back. Raises Missing, Denied, Conflict."""
    require(actor, ANSWER)
    now = now or timezone.now()
    one, alert = _of_unit(actor, assignment_id)
    _wants(one, *BUSY)
    _end(one, Assignment.State.RECALLED, alert, actor, now)
    _nobody_left(alert, actor, now)
    return one


def _nobody_left(alert: Alert, actor: Actor, now: datetime) -> None:
    """Where no unit is at it any more, somebody must send one again."""
    if alert.state in (State.SENT, State.THERE) and not alert.assignments.filter(state__in=WORKING).exists():
        step(alert, "recall", actor, now)
        escalation.answered(alert, now)


def _end(one: Assignment, state: str, alert: Alert, actor: Actor, now: datetime) -> None:
    one.state, one.ended_at, one.check_at = state, now, None
    one.save(update_fields=["state", "ended_at", "check_at"])
    clear(OFFER, f"assignment:{one.pk}")
    clear(CHECK, f"assignment:{one.pk}")
    meetings.end(one)
    say(alert, state, actor, now, data={"unit": one.unit_id})
    append("safety", f"unit.{state}", {"unit": one.unit_id}, subject=stream.subject(alert.pk), actor=str(actor))
    touch(alert)


def let_go(alert: Alert, actor: Actor, now: datetime) -> None:
    """The alert is over: its units are free."""
    for one in alert.assignments.select_for_update().filter(state__in=BUSY).order_by("pk"):
        over = Assignment.State.DONE if one.state == Assignment.State.THERE else Assignment.State.RECALLED
        _end(one, over, alert, actor, now)


@transaction.atomic
def duty(actor: Actor, unit_id: int, *, on: bool) -> Unit:
    """A crew goes on duty or off it. Raises Missing, Denied, Conflict while it is at an alert."""
    unit = Unit.objects.select_for_update().filter(pk=unit_id).first()
    if unit is None:
        raise Missing(_("There is no such unit."), code="no_such_unit")
    own = unit.person_id is not None and unit.person_id == actor.person_id and may(actor, "safety.ride_unit")
    if not own:
        require(actor, ANSWER)
    if not on and unit.assignments.filter(state__in=BUSY).exists():
        raise Conflict(_("The unit is at an alert."), code="busy", mend=_("End that first."))
    if unit.on_duty != on:
        unit.on_duty = on
        unit.save(update_fields=["on_duty"])
        what = "unit.on_duty" if on else "unit.off_duty"
        append("safety", what, {}, subject=f"unit:{unit.pk}", actor=str(actor))
    if not on:
        moves.over(unit, actor, timezone.now())
    return unit


@transaction.atomic
def help_me(actor: Actor, unit_id: int, *, press: str = "", now: datetime | None = None) -> Alert:
    """A unit calls for help itself: an alert before all others, where the unit is. Raises Missing, Denied.

    `press` is what its telephone made up for this call: the same again is the same call.
    """
    now = now or timezone.now()
    unit = Unit.objects.select_related("vehicle__state").filter(pk=unit_id).first()
    if unit is None:
        raise Missing(_("There is no such unit."), code="no_such_unit")
    if unit.person_id != actor.person_id or not may(actor, "safety.ride_unit"):
        require(actor, ANSWER)
    from cityhall.services.safety.pressing import of_unit

    return of_unit(actor, unit, place_of(unit, now)[0], now, press)
