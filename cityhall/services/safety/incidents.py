"""Major incidents: alerts that tell of one great thing are attached to it, and stay what they are.

Beside `merge`, which makes one alert of two: here each keeps its own clock, its caller, its operator and its units.
The incident adds one picture of them, one log, one question card, and one word at the end: a stand-down, which every
alert's log and every crew has. A supervisor declares it and ends it. It is locked before its alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import cards, desk
from cityhall.services.safety.actions import ANSWER, LONGEST, SUPERVISE, in_order, locked, step
from cityhall.services.safety.choosing import BUSY
from cityhall.services.safety.models import Alert, Assignment, Attached, Incident, IncidentLine, Line
from cityhall.services.safety.workflow import State

MOST_LINES = 300
"""Of the log of a great one the newest are shown."""


@transaction.atomic
def declare(actor: Actor, name: str, alert_id: int, *, now: datetime | None = None) -> Incident:
    """A supervisor says that an alert is of a major incident, which begins with it. Raises Denied, Missing, Invalid,
    Conflict where the alert is of one already, or not open.
    """
    require(actor, SUPERVISE)
    now = now or timezone.now()
    if not name.strip():
        raise Invalid(_("Give the major incident a name."), code="no_name", field="text")
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise Missing(_("There is no such alert."), code="no_such_alert")
    made = Incident.objects.create(
        name=name.strip()[:100],
        kind=alert.kind,
        exercise=alert.exercise,
        declared_by_id=actor.person_id,
        declared_at=now,
    )
    _say(made, "declared", actor, now, text=made.name)
    append("safety", "incident.declared", {"alert": alert_id}, subject=_subject(made), actor=str(actor))
    _attach(made, actor, alert_id, now)
    return made


@transaction.atomic
def attach(actor: Actor, incident_id: int, alert_id: int, *, now: datetime | None = None) -> Incident:
    """An alert is of a major incident that goes on. Twice is once. Raises Denied, Missing, Conflict."""
    require(actor, ANSWER)
    desk.on_shift(actor)
    incident = _going(incident_id)
    _attach(incident, actor, alert_id, now or timezone.now())
    return incident


def _attach(incident: Incident, actor: Actor, alert_id: int, now: datetime) -> None:
    alert = locked(alert_id)
    before = Attached.objects.select_related("incident").filter(alert=alert).first()
    if before is not None and before.incident_id == incident.pk:
        return
    if before is not None and before.incident.ended_at is None:
        raise Conflict(
            _("It is of another major incident."), code="of_another", mend=_("Take it out of that one first.")
        )
    if alert.exercise != incident.exercise:
        raise Conflict(_("An exercise is never part of the real thing."), code="exercise")
    Attached.objects.update_or_create(alert=alert, defaults={"incident": incident})
    step(alert, "attach", actor, now, text=incident.name, data={"incident": incident.pk})
    _say(incident, "attach", actor, now, data={"alert": alert.pk})


@transaction.atomic
def detach(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Alert:
    """An alert has nothing to do with its major incident after all. Raises Denied, Missing, Conflict."""
    require(actor, ANSWER)
    now = now or timezone.now()
    of = Attached.objects.filter(alert_id=alert_id).first()
    if of is None:
        raise Conflict(_("It is of no major incident."), code="of_none")
    incident = _going(of.incident_id)
    alert = locked(alert_id)
    if not Attached.objects.filter(alert=alert, incident=incident).delete()[0]:
        raise Conflict(_("It is of no major incident."), code="of_none")
    step(alert, "detach", actor, now, data={"incident": incident.pk})
    _say(incident, "detach", actor, now, data={"alert": alert.pk})
    return alert


@transaction.atomic
def note(actor: Actor, incident_id: int, text: str, *, now: datetime | None = None) -> IncidentLine:
    """Writes into the log that all share. Raises Denied, Missing, Conflict once it is over, Invalid."""
    require(actor, ANSWER)
    if not text.strip():
        raise Invalid(_("Write something first."), code="empty", field="text")
    incident = _going(incident_id)
    line = _say(incident, "note", actor, now or timezone.now(), text=text)
    append("safety", "incident.noted", {"line": line.pk}, subject=_subject(incident), actor=str(actor))
    return line


@transaction.atomic
def answer(
    actor: Actor, incident_id: int, key: str, number: int | None, *, now: datetime | None = None
) -> IncidentLine:
    """Keeps an answer to the card that all share. Raises Denied, Missing, Conflict once it is over, Invalid."""
    require(actor, ANSWER)
    incident = _going(incident_id)
    question, chosen = cards.given(incident.kind, key, number)
    data = {"question": key, "answer": number}
    line = _say(incident, "card", actor, now or timezone.now(), text=f"{question.text} {chosen.text}", data=data)
    append("safety", "incident.asked", {"line": line.pk}, subject=_subject(incident), actor=str(actor))
    return line


@transaction.atomic
def stand_down(actor: Actor, incident_id: int, text: str = "", *, now: datetime | None = None) -> Incident:
    """A supervisor ends it: each of its alerts that is not over says so, and each crew that is at one is told.

    The alerts stay open for whoever has them, each to be closed by how it ended. Raises Denied, Missing, Conflict.
    """
    require(actor, SUPERVISE)
    now = now or timezone.now()
    incident = _going(incident_id)
    incident.ended_at = now
    incident.save(update_fields=["ended_at"])
    _say(incident, "stand_down", actor, now, text=text)
    told = in_order(Alert.objects.filter(attached__incident=incident).exclude(state=State.CLOSED))
    for alert in told:
        step(alert, "stand_down", actor, now, text=text, data={"incident": incident.pk})
    _tell_crews(incident, told)
    append("safety", "incident.ended", {"alerts": len(told)}, subject=_subject(incident), actor=str(actor))
    return incident


def _tell_crews(incident: Incident, alerts: list[Alert]) -> None:
    out = Assignment.objects.filter(alert__in=alerts, state__in=BUSY).select_related("unit__person").order_by("pk")
    for one in out:
        if one.unit.person is not None:
            send(
                one.unit.person,
                _("EXERCISE, stand-down: %(name)s") if incident.exercise else _("Stand-down: %(name)s"),
                values={"name": incident.name},
                url="/safety/unit/",
                key=f"incident-{incident.pk}-down-{one.pk}",
            )


def _going(incident_id: int) -> Incident:
    """A locked incident that goes on. Raises Missing, Conflict."""
    one = Incident.objects.select_for_update(of=("self",)).filter(pk=incident_id).first()
    if one is None:
        raise Missing(_("There is no such major incident."), code="no_such_incident")
    if one.ended_at is not None:
        raise Conflict(_("The major incident is over."), code="over")
    return one


def _subject(incident: Incident) -> str:
    return f"incident:{incident.pk}"


def _say(
    incident: Incident,
    what: str,
    actor: Actor,
    at: datetime,
    *,
    text: str = "",
    data: dict[str, Any] | None = None,
) -> IncidentLine:
    text = text.strip()
    if len(text) > LONGEST:
        raise Invalid(_("Write at most %(most)d characters.") % {"most": LONGEST}, code="too_long", field="text")
    return IncidentLine.objects.create(
        incident=incident, at=at, what=what, who_id=actor.person_id, data=data or {}, text=text
    )


def going_on() -> QuerySet[Incident]:
    """The major incidents that go on, the latest first."""
    return Incident.objects.filter(ended_at=None)


@dataclass(frozen=True, slots=True)
class Picture:
    """A major incident as all see it: its alerts and units, the card, and one log, the newest lines first."""

    incident: Incident
    alerts: list[Alert]
    units: list[Assignment]
    asked: list[cards.Asked]
    log: list[Line | IncidentLine]


def picture(actor: Actor, incident_id: int) -> Picture:
    """One picture of it; who looked at which alerts by it is in the journal. Raises Denied, Missing."""
    require(actor, ANSWER)
    incident = Incident.objects.filter(pk=incident_id).first()
    if incident is None:
        raise Missing(_("There is no such major incident."), code="no_such_incident")
    alerts = list(Alert.objects.filter(attached__incident=incident).select_related("owner").order_by("pk"))
    with transaction.atomic():
        numbers = [one.pk for one in alerts]
        append("safety", "incident.seen", {"alerts": numbers}, subject=_subject(incident), actor=str(actor))
    units = Assignment.objects.filter(alert__in=alerts, state__in=BUSY).select_related("unit").order_by("pk")
    own = list(incident.lines.select_related("who"))
    # What is attached and taken out stands in both: once is enough here.
    theirs = Line.objects.filter(alert__in=alerts).exclude(what__in=("attach", "detach", "stand_down"))
    of_alerts = theirs.select_related("who").order_by("-pk")[:MOST_LINES]
    log: list[Line | IncidentLine] = sorted([*own, *of_alerts], key=lambda one: one.at, reverse=True)
    asked = cards.stands(incident.kind, own, is_open=incident.ended_at is None)
    return Picture(incident, alerts, list(units), asked, log[:MOST_LINES])
