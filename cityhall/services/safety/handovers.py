"""From one shift to the next: the alerts that somebody has, and what whoever comes must know, until they say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.workflow import OPEN as OPEN_CASES
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import choosing, desk
from cityhall.services.safety.actions import ANSWER, LONGEST, in_order, step
from cityhall.services.safety.models import Alert, Assignment, Exercise, HandOver, Incident, Passing, Repair
from cityhall.services.safety.workflow import HELD, State

LATELY = timedelta(hours=24)
"""What was left for whoever comes next is shown for so long, and then only what was left for oneself."""
KEEP = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Open:
    """Something that is not over when a shift ends: what it is, how many, and the page that lists it."""

    name: str | Promise
    count: int
    url: str = ""


@transaction.atomic
def hand_over(actor: Actor, to_id: int | None, text: str = "", *, now: datetime | None = None) -> HandOver:
    """Gives a colleague who is at the desk all alerts that the actor has, and a note; None: a note for the next shift.

    Raises Denied, Conflict without a shift or where the colleague is not here, Invalid where there is nothing to say.
    """
    require(actor, ANSWER)
    desk.on_shift(actor)
    now, text = now or timezone.now(), text.strip()
    if len(text) > LONGEST:
        raise Invalid(_("Write at most %(most)d characters.") % {"most": LONGEST}, code="too_long", field="text")
    if to_id is not None and (not desk.is_here(to_id, now) or to_id == actor.person_id):
        raise Conflict(_("They are not at the desk."), code="not_here", mend=_("Choose a colleague who is."))
    held: list[int] = []
    if to_id is not None:
        for alert in in_order(Alert.objects.filter(owner_id=actor.person_id, state__in=HELD)):
            alert.owner_id = to_id
            step(alert, "take_over", actor, now, data={"was": actor.person_id, "to": to_id})
            held.append(alert.pk)
    if not held and not text:
        raise Invalid(
            _("There is nothing to hand over."),
            code="empty",
            field="text",
            mend=_("Write what the next one must look at."),
        )
    made = HandOver.objects.create(by_id=actor.person_id, to_id=to_id, at=now, text=text, alerts=held)
    told = {"to": to_id, "alerts": len(held)}
    append("safety", "shift.handed_over", told, subject=f"handover:{made.pk}", actor=str(actor))
    return made


def _unread(actor: Actor, now: datetime) -> QuerySet[HandOver]:
    for_all = Q(to=None, at__gte=now - LATELY) & ~Q(by_id=actor.person_id)
    return HandOver.objects.filter(Q(to_id=actor.person_id) | for_all, read_at=None)


def unread(actor: Actor, *, now: datetime | None = None) -> list[HandOver]:
    """What was left for the actor, or for whoever comes next, and nobody has confirmed; the latest first."""
    return list(_unread(actor, now or timezone.now()).select_related("by")[:20])


def newest(actor: Actor, now: datetime) -> int:
    """The number of the latest of them, 0 where there is none."""
    return _unread(actor, now).values_list("pk", flat=True).first() or 0


def lately(*, now: datetime | None = None) -> list[HandOver]:
    """What was handed over in the last day and confirmed; the latest first."""
    found = HandOver.objects.filter(at__gte=(now or timezone.now()) - LATELY).exclude(read_at=None)
    return list(found.select_related("by", "read_by")[:20])


@transaction.atomic
def confirm(actor: Actor, number: int, *, now: datetime | None = None) -> HandOver:
    """Somebody knows what was left for them. Twice is once. Raises Denied for what was left for another, Missing."""
    require(actor, ANSWER)
    one = HandOver.objects.select_for_update().filter(pk=number).first()
    if one is None:
        raise Missing(_("There is no such hand-over."), code="no_such_handover")
    if one.to_id is not None and one.to_id != actor.person_id:
        raise Denied(_("It was left for somebody else."), code="denied")
    if one.read_at is None:
        one.read_at, one.read_by_id = now or timezone.now(), actor.person_id
        one.save(update_fields=["read_at", "read_by"])
        append("safety", "shift.handover_read", {}, subject=f"handover:{one.pk}", actor=str(actor))
    return one


def not_over() -> list[Open]:
    """What goes on whoever is at the desk; nothing of which there is none."""
    waits = Alert.objects.filter(state=State.WAITING, exercise=False).count()
    held = Alert.objects.filter(state__in=HELD, exercise=False).count()
    out = Assignment.objects.filter(state__in=choosing.BUSY, alert__exercise=False).count()
    reviews = Alert.objects.filter(
        state=State.CLOSED, outcome=Alert.Outcome.FALSE, reviewer=None, exercise=False
    ).exclude(closed_at__lt=timezone.now() - KEEP)
    found = (
        Open(_("alerts that wait"), waits),
        Open(_("alerts that somebody works on"), held),
        Open(_("units at an alert or on their way"), out, "/safety/units/"),
        Open(_("false alarms that a second operator looks at"), reviews.count()),
        Open(
            _("alerts passed on and not acknowledged"),
            Passing.objects.filter(state__in=(Passing.State.QUEUED, Passing.State.DELIVERED)).count(),
        ),
        Open(
            _("buttons to be repaired"), Repair.objects.filter(case__state__in=OPEN_CASES).count(), "/safety/buttons/"
        ),
        Open(_("major incidents that go on"), Incident.objects.filter(ended_at=None).count(), "/safety/incidents/"),
        Open(_("exercises that go on"), Exercise.objects.filter(ended_at=None).count()),
    )
    return [one for one in found if one.count]


@transaction.atomic
def erase(now: datetime | None = None) -> int:
    """Every night: forgets what was left long ago (a Task); gives how much."""
    return HandOver.objects.filter(at__lt=(now or timezone.now()) - KEEP).delete()[0]
