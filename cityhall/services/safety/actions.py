"""What operators do with alerts, and callers with their own. Each is one transaction: check, change, append, tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may, require
from cityhall.services.safety import company_telling, desk, escalation, stream
from cityhall.services.safety.models import Alert, Exercise, Line
from cityhall.services.safety.pressing import KINDS, beside
from cityhall.services.safety.workflow import HELD, State, after

ANSWER, SUPERVISE = "safety.answer_alert", "safety.supervise"
GRACE = timedelta(seconds=20)
"""So long after it was answered a colleague may still take an alert; then only a supervisor, who says why."""
LONGEST = 2000
SILENCING = ("close", "merge", "put_back", "take_over")
"""Steps after which nobody hears the caller: it is over, or another has the alert and asks anew."""


def locked(alert_id: int) -> Alert:
    """An alert that nobody else can change until the transaction ends. Raises Missing."""
    alert = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if alert is None:
        raise Missing(_("There is no such alert."), code="no_such_alert")
    return alert


def in_order(wanted: QuerySet[Alert]) -> list[Alert]:
    """Locks these, in the one order in which everybody locks more than one of them: presses come by their buttons."""
    return list(wanted.select_for_update(of=("self",)).order_by("button_id", "pk"))


def family(*numbers: int) -> dict[int, Alert]:
    """Alerts and all that is part of them, locked, by number. Raises Missing."""
    wanted = Alert.objects.filter(Q(pk__in=numbers) | Q(part_of_id__in=numbers))
    while True:
        mark = transaction.savepoint()
        found = {one.pk: one for one in in_order(wanted)}
        if set(wanted.values_list("pk", flat=True)) <= found.keys():
            break
        # Another became part of it just then. In its turn: what is locked so far is let go.
        transaction.savepoint_rollback(mark)
    if not found.keys() >= set(numbers):
        raise Missing(_("There is no such alert."), code="no_such_alert")
    return found


def step(
    alert: Alert,
    name: str,
    actor: Actor,
    at: datetime,
    *,
    text: str = "",
    data: dict[str, Any] | None = None,
    by_caller: bool = False,
) -> Alert:
    """Takes a step of the table with a locked alert: state, log, journal, screens. Raises Conflict."""
    target = after(alert.state, name)
    if target is None:
        raise Conflict(
            _("The alert is %(state)s, so this cannot be done now.") % {"state": State(alert.state).label},
            code="wrong_state",
            mend=_("Look at it again to see what can be done."),
        )
    if name in SILENCING:
        from cityhall.services.safety import voice

        voice.end_with(alert, actor, at)
    before, alert.state = alert.state, target
    alert.version += 1
    alert.save()
    say(alert, name, actor, at, text=text, data=data or {}, by_caller=by_caller)
    told = {"from": before, "to": alert.state, **(data or {})}
    append("safety", f"alert.{name}", told, subject=stream.subject(alert.pk), actor=str(actor))
    stream.changed([alert])
    stream.tell_caller(alert)
    company_telling.tell(alert, name, at)
    return alert


def say(
    alert: Alert,
    what: str,
    actor: Actor,
    at: datetime,
    *,
    text: str = "",
    data: dict[str, Any] | None = None,
    by_caller: bool = False,
) -> Line:
    """Adds a line to the log of an alert. Raises Invalid for a text that is too long."""
    text = text.strip()
    if len(text) > LONGEST:
        raise Invalid(_("Write at most %(most)d characters.") % {"most": LONGEST}, code="too_long", field="text")
    return Line.objects.create(
        alert=alert, at=at, what=what, who_id=actor.person_id, by_caller=by_caller, data=data or {}, text=text
    )


@transaction.atomic
def answer(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Alert:
    """An operator takes an alert: one of them has it, whoever asks at the same moment is told who.

    Raises Denied, Missing, Conflict without a shift or where it is not waiting any more.
    """
    from cityhall.services.safety import centres

    require(actor, ANSWER)
    desk.on_shift(actor)
    now = now or timezone.now()
    alert = locked(alert_id)
    if alert.state in HELD and alert.owner_id is not None:
        if alert.owner_id == actor.person_id:
            return alert
        raise Conflict(
            _("%(name)s has this alert.") % {"name": str(alert.owner)}, code="taken", mend=_("Take the next one.")
        )
    alert.owner_id = actor.person_id
    alert.answered_at = alert.answered_at or now
    step(alert, "answer", actor, now)
    escalation.answered(alert, now)
    centres.answered_here(alert)
    return alert


@transaction.atomic
def take_over(actor: Actor, alert_id: int, *, reason: str = "", now: datetime | None = None) -> Alert:
    """Takes an alert from a colleague: one who is silent, or within GRACE; later only a supervisor, who says why.

    Raises Denied, Missing, Invalid without a reason where one is wanted, Conflict.
    """
    require(actor, ANSWER)
    desk.on_shift(actor)
    now = now or timezone.now()
    alert = locked(alert_id)
    if alert.owner_id == actor.person_id and alert.state in HELD:
        return alert
    silent = alert.owner_id is None or not desk.is_here(alert.owner_id, now)
    fresh = alert.answered_at is not None and now - alert.answered_at <= GRACE
    if alert.state in HELD and not silent and not fresh:
        if not may(actor, SUPERVISE):
            raise Denied(
                _("%(name)s is working on this alert.") % {"name": str(alert.owner)},
                code="held",
                mend=_("Ask them to put it back, or a supervisor to take it."),
            )
        if not reason.strip():
            raise Invalid(_("Say why."), code="no_reason", field="reason")
    data = {"was": alert.owner_id, "silent": silent}
    alert.owner_id = actor.person_id
    return step(alert, "take_over", actor, now, text=reason, data=data)


@transaction.atomic
def put_back(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Alert:
    """Gives an alert back to the queue; its time to be answered begins anew. Raises Denied, Missing, Conflict."""
    from cityhall.services.safety import dispatching

    now = now or timezone.now()
    alert = _held_by(actor, alert_id)
    # What a unit was offered is withdrawn: whoever answers next chooses anew.
    dispatching.let_go(alert, actor, now)
    escalation.end(alert)
    alert.owner, alert.waits_since, alert.level = None, now, 0
    step(alert, "put_back", actor, now)
    escalation.begin([(alert.pk, alert.waits_since, alert.level)])
    return alert


@transaction.atomic
def note(actor: Actor, alert_id: int, text: str, *, now: datetime | None = None) -> Line:
    """Writes into the log of an alert. Raises Denied, Missing, Invalid for nothing written."""
    require(actor, ANSWER)
    if not text.strip():
        raise Invalid(_("Write something first."), code="empty", field="text")
    alert = locked(alert_id)
    line = say(alert, "note", actor, now or timezone.now(), text=text)
    append("safety", "alert.noted", {"line": line.pk}, subject=stream.subject(alert.pk), actor=str(actor))
    return line


@transaction.atomic
def close(actor: Actor, alert_id: int, outcome: str, *, text: str = "", now: datetime | None = None) -> Alert:
    """Ends an alert and what is part of it. A false alarm is reviewed by somebody else (`review`).

    Raises Denied, Missing, Invalid for an outcome that there is not, Conflict where units are still at it.
    """
    from cityhall.services.safety import dispatching

    require(actor, ANSWER)
    now = now or timezone.now()
    whole = family(alert_id)
    alert = _held(actor, whole[alert_id])
    if outcome not in Alert.Outcome.values:
        raise Invalid(_("Say how it ended."), code="no_outcome", field="outcome", mend=_("Choose one of the list."))
    dispatching.let_go(alert, actor, now)
    alert.outcome, alert.closed_at, alert.closer_id = outcome, now, actor.person_id
    alert.reviewer = None
    step(alert, "close", actor, now, text=text, data={"outcome": outcome})
    escalation.end(alert)
    _end_parts(alert, whole, actor, now)
    return alert


def hand_off(alert_id: int, whole: dict[int, Alert], actor: Actor, at: datetime, *, text: str = "") -> Alert:
    """Another centre has one of a locked `family`: it and its parts end here. Raises Conflict once units are at it."""
    alert = whole[alert_id]
    alert.outcome, alert.closed_at = Alert.Outcome.ELSEWHERE, at
    step(alert, "hand_off", actor, at, text=text, data={"outcome": alert.outcome})
    escalation.end(alert)
    _end_parts(alert, whole, actor, at)
    return alert


def _end_parts(alert: Alert, whole: dict[int, Alert], actor: Actor, at: datetime) -> None:
    for part in whole.values():
        if part.part_of_id != alert.pk or part.state != State.MERGED:
            continue
        # What was merged is the same thing, and ends with it.
        part.state, part.outcome, part.closed_at, part.closer_id = State.CLOSED, alert.outcome, at, actor.person_id
        part.version += 1
        part.save()
        append("safety", "alert.close", {"with": alert.pk}, subject=stream.subject(part.pk), actor=str(actor))
        company_telling.tell(part, "close", at)


@transaction.atomic
def reopen(actor: Actor, alert_id: int, reason: str, *, now: datetime | None = None) -> Alert:
    """Takes an alert up again, whose time to be answered begins anew. Raises Denied, Missing, Invalid, Conflict.

    Where its button was pressed again since, that alert is the one that is open.
    """
    require(actor, ANSWER)
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    now = now or timezone.now()
    _exercise_goes_on(alert_id)
    alert = locked(alert_id)
    newer = Alert.objects.exclude(state=State.CLOSED).filter(button=alert.button, exercise=False)
    if alert.button is not None and not alert.exercise and newer.exists():
        raise Conflict(_("Its button has called again since."), code="newer", mend=_("Work on that alert."))
    alert.owner, alert.closed_at, alert.outcome, alert.closer, alert.reviewer = None, None, "", None, None
    alert.waits_since, alert.level, alert.part_of = now, 0, None
    step(alert, "reopen", actor, now, text=reason)
    escalation.begin([(alert.pk, alert.waits_since, alert.level)])
    return alert


@transaction.atomic
def review(actor: Actor, alert_id: int, *, agreed: bool, text: str = "", now: datetime | None = None) -> Alert:
    """A second operator looks at what was closed as a false alarm: agrees, or opens it again.

    Raises Denied for who closed it, Missing, Conflict where there is nothing to review.
    """
    require(actor, ANSWER)
    now = now or timezone.now()
    alert = locked(alert_id)
    if alert.state != State.CLOSED or alert.outcome != Alert.Outcome.FALSE or alert.reviewer_id is not None:
        raise Conflict(_("There is nothing to review."), code="nothing_to_review")
    if alert.closer_id == actor.person_id:
        raise Denied(_("Somebody else must look at it."), code="own", mend=_("Ask a colleague."))
    if not agreed:
        return reopen(actor, alert_id, text or str(_("The review did not agree.")), now=now)
    alert.reviewer_id = actor.person_id
    alert.save(update_fields=["reviewer"])
    say(alert, "review", actor, now, text=text)
    append("safety", "alert.reviewed", {}, subject=stream.subject(alert.pk), actor=str(actor))
    return alert


@transaction.atomic
def merge(actor: Actor, alert_id: int, into_id: int, *, now: datetime | None = None) -> Alert:
    """Makes an alert part of another that tells of the same; what was part of it goes along.

    Raises Denied, Missing, Conflict where one of them is not open, or they are one.
    """
    require(actor, ANSWER)
    desk.on_shift(actor)
    if alert_id == into_id:
        raise Conflict(_("An alert cannot be part of itself."), code="same")
    now = now or timezone.now()
    both = family(alert_id, into_id)
    alert, into = both[alert_id], both[into_id]
    if not into.is_open:
        raise Conflict(_("That alert is not open."), code="not_open", mend=_("Choose another."))
    if alert.exercise != into.exercise:
        raise Conflict(_("An exercise is never part of the real thing."), code="exercise")
    if alert.assignments.filter(state__in=("offered", "accepted", "there")).exists():
        raise Conflict(_("A unit is on its way to it."), code="units", mend=_("Call the unit back first."))
    escalation.end(alert)
    Alert.objects.filter(part_of=alert).update(part_of=into)
    alert.part_of = into
    step(alert, "merge", actor, now, data={"into": into.pk})
    say(into, "absorbed", actor, now, data={"alert": alert.pk})
    return alert


@transaction.atomic
def unmerge(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Alert:
    """Parts an alert from the one that it was made part of; it waits again. Raises Denied, Missing, Conflict."""
    require(actor, ANSWER)
    now = now or timezone.now()
    alert = locked(alert_id)
    alert.part_of, alert.owner, alert.waits_since, alert.level = None, None, now, 0
    step(alert, "unmerge", actor, now)
    escalation.begin([(alert.pk, alert.waits_since, alert.level)])
    return alert


@transaction.atomic
def split(actor: Actor, alert_id: int, kind: str, *, text: str = "", now: datetime | None = None) -> Alert:
    """One call tells of two incidents: gives the second, which waits for an answer of its own. Merged, it is undone.

    What was said stays with the first; each tells of the other. Raises Denied, Missing, Invalid for a kind that there
    is not, Conflict where the actor has not the first.
    """
    now = now or timezone.now()
    _exercise_goes_on(alert_id)
    alert = _held_by(actor, alert_id)
    if kind not in KINDS:
        raise Invalid(_("Say what the second one is."), code="no_kind", field="kind", mend=_("Choose one of the list."))
    if after(alert.state, "split") is None:
        # Before anything is made of it: `step` says why.
        return step(alert, "split", actor, now)
    second = beside(alert, kind, now)
    step(alert, "split", actor, now, data={"alert": second.pk})
    say(second, "split_off", actor, now, text=text, data={"from": alert.pk})
    return second


def _exercise_goes_on(alert_id: int) -> None:
    """Holds the exercise that an alert is of until the transaction ends. Raises Conflict once that is over."""
    exercise = Exercise.objects.select_for_update(of=("self",)).filter(pretended__alert_id=alert_id).first()
    if exercise is not None and exercise.ended_at is not None:
        raise Conflict(_("The exercise is over."), code="over")


def touch(alert: Alert, *fields: str) -> None:
    """Something of a locked alert is another way, these fields of it among that: its screens and its caller's page
    look at it anew.
    """
    stream.anew(alert, *fields)
    stream.tell_caller(alert)


def _held_by(actor: Actor, alert_id: int) -> Alert:
    """A locked alert that the actor has. Raises Denied, Missing, Conflict where it is somebody else's."""
    require(actor, ANSWER)
    return _held(actor, locked(alert_id))


def _held(actor: Actor, alert: Alert) -> Alert:
    if alert.state in HELD and alert.owner_id != actor.person_id:
        raise Conflict(
            _("%(name)s has this alert.") % {"name": str(alert.owner or "–")},
            code="taken",
            mend=_("Take it over first."),
        )
    return alert
