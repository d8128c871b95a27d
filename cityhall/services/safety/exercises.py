"""Exercises: what is pretended is worked on as if it were real, and is nowhere taken for it.

Its alerts say EXERCISE to everybody who sees them, stand after all real ones, tell nobody outside the desk and the
units that take part, count in no figure, and hold up no real press of the same button. A unit that takes part is free
for a real alert all the same. At its end all of them are closed, by whichever process of the city lives.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.services.safety import dispatching, escalation, pressing
from cityhall.services.safety.actions import SUPERVISE, in_order, step
from cityhall.services.safety.models import Alert, Button, Exercise, Unit
from cityhall.services.safety.workflow import State

OVER = "safety.exercise"
LONGEST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Result:
    """How an exercise went: counts, and median seconds until an answer and until a unit was there (None: never)."""

    exercise: Exercise
    alerts: int
    answered: int
    answer_s: float | None
    there_s: float | None


@transaction.atomic
def begin(
    actor: Actor, name: str, ends_at: datetime, units: Collection[int] = (), *, now: datetime | None = None
) -> Exercise:
    """An exercise begins, with the units of these numbers. Raises Denied, Invalid without a name or an end."""
    require(actor, SUPERVISE)
    now = now or timezone.now()
    if not name.strip():
        raise Invalid(_("Give the exercise a name."), code="no_name", field="name")
    if not now < ends_at <= now + LONGEST:
        raise Invalid(_("An exercise ends within twelve hours."), code="no_end", field="minutes")
    made = Exercise.objects.create(name=name.strip()[:100], begun_by_id=actor.person_id, began_at=now, ends_at=ends_at)
    made.units.set(Unit.objects.filter(pk__in=units))
    set_deadline(OVER, _subject(made), ends_at)
    append("safety", "exercise.began", {"units": made.units.count()}, subject=_subject(made), actor=str(actor))
    return made


def _subject(exercise: Exercise) -> str:
    return f"exercise:{exercise.pk}"


def _locked(exercise_id: int) -> Exercise:
    one = Exercise.objects.select_for_update().filter(pk=exercise_id).first()
    if one is None:
        raise Missing(_("There is no such exercise."), code="no_such_exercise")
    return one


@transaction.atomic
def pretend(
    actor: Actor,
    exercise_id: int,
    kind: str,
    *,
    button_id: int | None = None,
    place: str = "",
    point: Point | None = None,
    now: datetime | None = None,
) -> Alert:
    """Somebody "presses" a button of the city, or calls from a place. Raises Denied, Missing, Invalid, Conflict."""
    require(actor, SUPERVISE)
    now = now or timezone.now()
    exercise = _locked(exercise_id)
    if exercise.ended_at is not None:
        raise Conflict(_("The exercise is over."), code="over", mend=_("Begin another one."))
    button = None
    if button_id is not None:
        button = Button.objects.select_related("vehicle__state").filter(pk=button_id).first()
        if button is None:
            raise Missing(_("There is no such button."), code="no_such_button", field="button")
    elif not place.strip():
        raise Invalid(_("Choose a button, or name a place."), code="no_place", field="place")
    if kind not in pressing.KINDS:
        raise Invalid(_("There is no such kind of alert."), code="no_such_kind", field="kind")
    return pressing.pretended(exercise, kind, button, place.strip(), point, now)


@transaction.atomic
def end(actor: Actor, exercise_id: int, *, now: datetime | None = None) -> Exercise:
    """An exercise ends now, with all its alerts. Twice is once. Raises Denied, Missing."""
    require(actor, SUPERVISE)
    exercise = _locked(exercise_id)
    clear(OVER, _subject(exercise))
    return _end(exercise, actor, now or timezone.now())


def over(due: Due) -> None:
    """The time of an exercise is over (a DeadlineKind's action)."""
    _end(_locked(int(due.subject.removeprefix("exercise:"))), system("safety"), due.now)


def _end(exercise: Exercise, actor: Actor, now: datetime) -> Exercise:
    if exercise.ended_at is not None:
        return exercise
    exercise.ended_at = now
    exercise.save(update_fields=["ended_at"])
    going = Alert.objects.filter(pretended__exercise=exercise).exclude(state=State.CLOSED)
    closed = 0
    for alert in in_order(going):
        dispatching.let_go(alert, actor, now)
        escalation.end(alert)
        alert.closed_at = now
        step(alert, "end_exercise", actor, now)
        closed += 1
    append("safety", "exercise.ended", {"closed": closed}, subject=_subject(exercise), actor=str(actor))
    return exercise


def running() -> QuerySet[Exercise]:
    """The exercises that go on."""
    return Exercise.objects.filter(ended_at=None)


def results(most: int = 50) -> list[Result]:
    """The exercises that are over and how they went, the latest first."""
    found = Exercise.objects.exclude(ended_at=None).prefetch_related("pretended__alert")[:most]
    return [_result(one) for one in found]


def _result(exercise: Exercise) -> Result:
    alerts = [one.alert for one in exercise.pretended.all()]
    answered = [(one.answered_at - one.received_at).total_seconds() for one in alerts if one.answered_at]
    there = [(one.there_at - one.received_at).total_seconds() for one in alerts if one.there_at]
    return Result(
        exercise,
        len(alerts),
        len(answered),
        median(answered) if answered else None,
        median(there) if there else None,
    )
