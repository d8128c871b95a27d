"""Reads of cases that more than one door needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from cityhall.kernel.cases.models import Agency, Case, Comment
from cityhall.kernel.journal.models import Entry


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of a case's history. `what` is the step's name; `comment` what was said with it."""

    at: datetime
    what: str
    actor: str
    data: dict[str, object]
    comment: Comment | None


def history(case: Case) -> list[Happening]:
    """Everything that happened to a case, the first thing first: the journal's events, with the comments they name."""
    said = {comment.pk: comment for comment in case.comments.select_related("author")}
    entries = Entry.objects.filter(subject=f"case:{case.pk}").order_by("entry")
    return [
        Happening(
            entry.time, entry.type.removeprefix("case."), entry.actor, entry.data, said.get(entry.data.get("comment"))
        )
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agency keeps what was promised. `share` of `done` cases in time, 0 to 1, None where there are none."""

    agency: Agency
    open: int
    late: int
    done: int
    in_time: int
    share: float | None


def ranking(kind: str, since: datetime, now: datetime) -> list[Standing]:
    """The agencies by the share of cases they ended in time since a moment, the best first; those without any last."""
    done = Case.objects.filter(kind=kind, in_time__isnull=False, done_at__gte=since).values("agency")
    ended: dict[int, Any] = {
        row["agency"]: row for row in done.annotate(all=Count("pk"), good=Count("pk", filter=Q(in_time=True)))
    }
    waiting = Case.objects.filter(kind=kind, state__in=("new", "accepted", "working", "waiting")).values("agency")
    left: dict[int, Any] = {
        row["agency"]: row for row in waiting.annotate(all=Count("pk"), late=Count("pk", filter=Q(due_at__lte=now)))
    }
    found = []
    for agency in Agency.objects.all():
        of = ended.get(agency.pk, {})
        still = left.get(agency.pk, {})
        count, good = of.get("all", 0), of.get("good", 0)
        share = good / count if count else None
        found.append(Standing(agency, still.get("all", 0), still.get("late", 0), count, good, share))
    return sorted(found, key=lambda one: (one.share is None, -(one.share or 0), -one.done))


def agency_scopes() -> list[tuple[str, str]]:
    """Every agency as a part of the city that a role may be held for: (scope, name)."""
    return [(agency.scope, agency.name) for agency in Agency.objects.all()]
