"""The only writers of cases. A service calls them inside its own action, and hears of every change by `changed`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.calendars import OFFICE
from cityhall.kernel.cases.clock import AMBER
from cityhall.kernel.cases.models import Agency, Case, Comment
from cityhall.kernel.cases.workflow import CITY, OFFICER, REQUESTER, RUNNING, TRANSITIONS, State, Transition
from cityhall.kernel.deadlines.actions import clear, set_deadline, set_deadlines
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may, require

changed = Signal()
"""Sent as (sender=Case, case, transition, actor, comment) in the transaction of every step of the table. `comment` is
the reason that was given, None without one."""
CLOCK = "cases.clock"
"""The kind of a case's deadline (see room.py)."""
CONFIRM_DAYS = 7
"""So long the person who asked may confirm or reopen; then it is closed."""
HIGHEST = 1000
"""Level after which nobody is told any more: what was promised has gone by a thousand times."""
LONGEST = 10_000
"""Characters of a comment."""


# Without a savepoint of its own: where it fails, what the service does around it is rolled back too.
@transaction.atomic(savepoint=False)
def open_case(
    actor: Actor,
    kind: str,
    agency: Agency,
    promised: timedelta,
    *,
    calendar: str = OFFICE,
    split_from: Case | None = None,
    now: datetime | None = None,
) -> Case:
    """A new case whose clock runs from now. `promised` is working time by `calendar`."""
    now = now or timezone.now()
    case = Case(
        kind=kind,
        agency=agency,
        promised=promised,
        calendar=calendar,
        opened_at=now,
        changed_at=now,
        since=now,
        split_from=split_from,
    )
    keep(case)
    data: dict[str, Any] = {"agency": agency.slug} | ({"from": split_from.pk} if split_from else {})
    note(actor, case, "opened", data)
    return case


@transaction.atomic
def act(
    actor: Actor,
    case_id: int,
    name: str,
    *,
    who: str = OFFICER,
    reason: str = "",
    now: datetime | None = None,
) -> Case:
    """Takes a step of the table that needs nothing but a reason.

    `who` is REQUESTER where the service has made sure that the actor is the one who asked, CITY for time limits.
    Raises Missing, Denied, Conflict where the table has no such step from the case's state, Invalid without a reason
    where one is wanted.
    """
    if name in ("transfer", "merge", "assign"):
        raise ValueError(f"{name} needs more than a reason: call its own function")
    case = locked(case_id)
    step = _step(actor, case, name, who)
    return _take(actor, case, step, reason=reason, now=now, who=who)


@transaction.atomic
def transfer(
    actor: Actor, case_id: int, agency: Agency, reason: str, *, now: datetime | None = None, who: str = OFFICER
) -> Case:
    """Gives a case to the agency it should have gone to. Its clock goes on: the resident was promised an answer."""
    case = locked(case_id)
    step = _step(actor, case, "transfer", who)
    if agency == case.agency:
        raise Conflict(_("It is with this agency already."), code="same_agency", mend=_("Choose another."))
    data = {"from": case.agency.slug, "to": agency.slug}
    case.agency, case.assignee, case.above = agency, None, None
    return _take(actor, case, step, reason=reason, now=now, who=who, data=data)


@transaction.atomic
def assign(actor: Actor, case_id: int, officer: Person | None) -> Case:
    """Gives a case to an officer of its agency, or to nobody. Raises Invalid for one who may not work on it."""
    case = locked(case_id)
    step = _step(actor, case, "assign", OFFICER)
    if officer is not None and not may(Actor("person", str(officer.pk)), f"{case.kind}.work_case", case):
        raise Invalid(
            _("%(name)s does not work for this agency.") % {"name": str(officer)},
            code="not_of_agency",
            field="officer",
            mend=_("Choose someone of the agency, or give the case to theirs."),
        )
    was, case.assignee = case.assignee_id, officer
    return _take(actor, case, step, data={"officer": officer.pk if officer else None, "was": was})


@transaction.atomic
def promise(actor: Actor, case: Case, promised: timedelta, calendar: str, *, now: datetime | None = None) -> Case:
    """Promises another time for a locked case; what was used of the old one stays used."""
    now = now or timezone.now()
    ran = case.since is not None
    clock = case.clock.stand(case.working_calendar, now)
    case.promised, case.calendar, case.used, case.since = promised, calendar, clock.used, now if ran else None
    case.level = 0
    keep(case)
    note(actor, case, "promised", {"hours": promised.total_seconds() / 3600, "calendar": calendar})
    return case


@transaction.atomic
def merge(actor: Actor, case_id: int, into_id: int, *, data: dict[str, Any] | None = None) -> Case:
    """Ends a case as part of another that tells of the same. Raises Conflict where that one is itself merged.

    `data` is what the service needs to take it back; the journal keeps it with the step.
    """
    if case_id == into_id:
        raise Conflict(_("A case cannot be merged into itself."), code="same_case", mend=_("Choose another."))
    # Always in one order, so that two officers who merge crosswise do not wait on one another for ever.
    first, second = sorted((case_id, into_id))
    both = {first: locked(first), second: locked(second)}
    case, into = both[case_id], both[into_id]
    if into.state == State.MERGED:
        raise Conflict(
            _("That one is merged itself."),
            code="merged",
            mend=_("Merge into case %(number)s.") % {"number": into.merged_into_id},
        )
    step = _step(actor, case, "merge", OFFICER)
    require(actor, f"{case.kind}.work_case", into)
    carried = list(case.merged.values_list("pk", flat=True))
    case.merged.update(merged_into=into)
    case.merged_into = into
    note(actor, into, "absorbed", {"case": case.pk})
    return _take(actor, case, step, data={**(data or {}), "into": into.pk, "carried": carried})


@transaction.atomic
def comment(actor: Actor, case_id: int, text: str, *, public: bool, requester: bool = False) -> Comment:
    """Keeps an internal note or a public comment. Raises Denied for who has no part in the case."""
    case = locked(case_id)
    if not requester:
        require(actor, f"{case.kind}.work_case", case)
    said = _say(actor, case, text, public=public or requester, requester=requester)
    note(actor, case, "commented", {"comment": said.pk, "public": said.public})
    return said


@dataclass(frozen=True, slots=True)
class Bulk:
    """What became of each case of a bulk action: the numbers that were changed, and why the others were not."""

    done: list[int]
    refused: dict[int, CityhallError]


def bulk(actor: Actor, case_ids: Iterable[int], name: str, *, reason: str = "") -> Bulk:
    """The same step for many cases, each in a transaction of its own: one that is refused does not hold the others."""
    result = Bulk([], {})
    for case_id in dict.fromkeys(case_ids):
        try:
            act(actor, case_id, name, reason=reason)
            result.done.append(case_id)
        except CityhallError as problem:
            result.refused[case_id] = problem
    return result


def locked(case_id: int) -> Case:
    """A case that nobody else can change until the transaction ends. Raises Missing."""
    case = Case.objects.select_for_update(of=("self",)).select_related("agency", "above").filter(pk=case_id).first()
    if case is None:
        raise Missing(_("There is no such case."), code="no_such_case")
    return case


def _step(actor: Actor, case: Case, name: str, who: str) -> Transition:
    step = TRANSITIONS.get(name)
    if step is None:
        raise Missing(_("There is no step of this name."), code="no_such_step", field="step")
    if who not in step.who or (who == CITY and actor.kind != "system"):
        raise Denied(_("You may not do this."), code="denied")
    if who == OFFICER:
        require(actor, f"{case.kind}.work_case", case)
    if case.state not in step.source:
        raise Conflict(
            _("It is %(state)s, so this cannot be done now.") % {"state": State(case.state).label},
            code="wrong_state",
            mend=_("Load the page again to see what can be done."),
        )
    return step


def _take(
    actor: Actor,
    case: Case,
    step: Transition,
    *,
    reason: str = "",
    now: datetime | None = None,
    who: str = OFFICER,
    data: dict[str, Any] | None = None,
) -> Case:
    """Takes a step that is allowed: state, clock, reason, journal, and whoever listens."""
    now = now or timezone.now()
    said = None
    if step.reason and not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason", mend=_("Write a sentence the other can use."))
    if reason.strip():
        requester = who == REQUESTER
        said = _say(actor, case, reason, public=step.tells or requester, requester=requester, step=step.name)
    before = case.state
    if step.target is not None:
        _enter(case, step.target, now)
    case.changed_at = now
    if step.target is not None:
        keep(case)
    else:
        case.save()
    told = {"from": before, "to": case.state, **({"comment": said.pk} if said else {}), **(data or {})}
    note(actor, case, step.name, told)
    changed.send(sender=Case, case=case, transition=step, actor=actor, comment=said)
    return case


def _enter(case: Case, target: State, now: datetime) -> None:
    """Puts a case in a state, and its clock to running or standing as that state wants."""
    calendar = case.working_calendar
    was_done = case.done_at is not None
    clock = case.clock.run(now) if target in RUNNING else case.clock.stand(calendar, now)
    case.state, case.used, case.since = target, clock.used, clock.since
    if target in (State.RESOLVED, State.REJECTED) and not was_done:
        case.done_at, case.in_time = now, clock.used <= case.promised
    elif target in RUNNING and was_done:
        case.done_at, case.in_time = None, None
        case.reopened += 1
    elif target == State.MERGED:
        case.done_at = now


def keep(case: Case) -> None:
    """Saves a case with when its clock turns red, and sets the deadline at which it must be looked at next."""
    case.due_at = case.clock.due(case.working_calendar)
    new = case.pk is None
    case.save()
    look_at = next_look(case)
    if look_at is not None:
        set_deadline(CLOCK, subject(case.pk), look_at)
    elif not new:
        clear(CLOCK, subject(case.pk))


def next_look(case: Case) -> datetime | None:
    """When something is to be done with a case that nobody touches (see watch.py); None: never.

    At amber, at red, then once more for every promised time that goes by again; and when silence confirms.
    """
    if case.state == State.RESOLVED and case.done_at is not None:
        return case.done_at + timedelta(days=CONFIRM_DAYS)
    if case.level >= HIGHEST or (case.level > 0 and case.promised <= timedelta()):
        return None
    return case.clock.due(case.working_calendar, AMBER if case.level == 0 else float(case.level))


def subject(case_id: int) -> str:
    """What the journal and deadlines call a case."""
    return f"case:{case_id}"


def look_later(moments: Iterable[tuple[int, datetime]]) -> None:
    """Has many cases that were made at once looked at: (number, moment) each."""
    set_deadlines(CLOCK, [(subject(number), moment) for number, moment in moments])


def _say(actor: Actor, case: Case, text: str, *, public: bool, requester: bool = False, step: str = "") -> Comment:
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(
            _("A comment has from 1 to %(most)d characters.") % {"most": LONGEST}, code="bad_length", field="text"
        )
    return Comment.objects.create(
        case=case,
        author_id=actor.person_id,
        by_requester=requester,
        public=public,
        text=text,
        transition=step,
    )


def note(actor: Actor, case: Case, what: str, data: dict[str, Any]) -> None:
    """Puts what happened to a case into the journal."""
    from cityhall.kernel.journal import append

    append(case.kind, f"case.{what}", data, subject=subject(case.pk), actor=str(actor))
