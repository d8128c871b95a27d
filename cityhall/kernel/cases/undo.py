"""Taking back the last step of a case. Nothing is erased: the journal has the step, and that it was taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.actions import changed, keep, locked, note
from cityhall.kernel.cases.models import Case
from cityhall.kernel.cases.workflow import OPEN, RUNNING, TRANSITIONS, UNDO, State
from cityhall.kernel.errors import Conflict
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require

UNDO_FOR = timedelta(minutes=10)
"""So long after a step whoever took it may take it back."""
CLOCK = ("case.amber", "case.red")
"""A clock that went on does not stand in the way."""


def last_step(
    actor: Actor, case_id: int, name: str, *, aside: Collection[str] = (), now: datetime | None = None
) -> tuple[Case, dict[str, Any]]:
    """A case, locked, and what the journal holds of its last step, where that is `name` and the actor may undo it.

    `aside`: the service's own events that may have come since. Raises Missing, Denied, and Conflict where the step was
    another's, is too long ago, or something was done with the case since.
    """
    into = Case.objects.filter(pk=case_id).values_list("merged_into", flat=True).first()
    # In the order in which they are merged, so that neither waits for the other for ever.
    for number in sorted({case_id, into or case_id}):
        locked(number)
    case = locked(case_id)
    require(actor, f"{case.kind}.work_case", case)
    step = TRANSITIONS.get(name)
    if step is None or not step.undo:
        raise Conflict(_("This step cannot be taken back."), code="no_undo")
    events = Entry.objects.filter(subject=f"case:{case.pk}").exclude(type__in=(*CLOCK, *aside))
    last = events.order_by("-entry").first()
    if name == "merge" and last is not None and last.type == "case.merge" and case.merged_into_id != last.data["into"]:
        raise Conflict(
            _("What it was merged into is merged itself since."), code="merged", mend=_("Take that back first.")
        )
    if last is None or last.type != f"case.{name}" or last.actor != str(actor):
        raise Conflict(
            _("Something was done with it since, so this cannot be taken back."),
            code="done_since",
            mend=_("Look at its history, and take the next step from where it stands."),
        )
    if (now or timezone.now()) - last.time > UNDO_FOR:
        raise Conflict(_("The time to take it back is over."), code="too_late")
    return case, dict(last.data)


@transaction.atomic
def undo(actor: Actor, case: Case, name: str, data: dict[str, Any]) -> Case:
    """Puts a case back to where it stood before its last step, the clock too, as if it had not been taken.

    `case` and `data` are what last_step gave in this transaction. What was said with the step stays said.
    """
    now = timezone.now()
    step, before = TRANSITIONS[name], State(data["from"])
    if before in RUNNING and case.since is None:
        # It stood since the step and is put back as it was: what went by since then counts.
        case.since = case.changed_at
    if before in OPEN:
        case.done_at, case.in_time = None, None
    if name == "merge":
        into = locked(data["into"])
        Case.objects.filter(pk__in=data["carried"], merged_into=into).update(merged_into=case)
        case.merged_into = None
        note(actor, into, "released", {"case": case.pk})
    if name == "assign":
        case.assignee = Person.objects.filter(pk=data["was"]).first()
    stood, case.state, case.changed_at = case.state, before, now
    keep(case)
    note(actor, case, "undone", {"step": name, "from": stood, "to": before})
    changed.send(sender=Case, case=case, transition=replace(UNDO, tells=step.tells), actor=actor, comment=None)
    return case
