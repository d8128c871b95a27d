"""Looking after the clocks: amber and red are told, what lies on goes up to the superior, silence confirms.

Every case that waits for a moment has one deadline (`actions.keep`); when that has come, `look_at` does what is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.actions import HIGHEST, act, changed, keep, next_look, note
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import CITY, State
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.notify.sending import holders, send
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person

MOST_TOLD = 20
"""Officers of an agency who are told of a case that nobody has."""
AMBER_LEVEL, RED_LEVEL = 1, 2


def look_at(due: Due) -> None:
    """The moment of a case has come (a DeadlineKind's action)."""
    cases = Case.objects.select_for_update(of=("self",)).select_related("agency", "above")
    case = cases.filter(pk=int(due.subject.removeprefix("case:"))).first()
    moment = next_look(case) if case is not None else None
    if case is None or moment is None:
        return
    if moment > due.now:
        # What was holiday when it was set is none any more, or the other way round.
        keep(case)
    elif case.state == State.RESOLVED:
        act(system("cases"), case.pk, "confirm", who=CITY, now=due.now)
    else:
        _tell(case, due.now)


def _tell(case: Case, now: datetime) -> None:
    # After a standstill of the program amber may be missed: what is red is told as red.
    red = case.due_at is not None and case.due_at <= now
    case.level = _next_level(case, now) if red else AMBER_LEVEL
    if red:
        case.above = (case.above or case.agency).superior or case.above
    keep(case)
    what = "red" if red else "amber"
    note(system("cases"), case, what, {"level": case.level, "above": case.above.slug if case.above else None})
    changed.send(sender=Case, case=case, transition=None, actor=system("cases"), comment=None)
    title = _("Case %(number)d is late") if red else _("Case %(number)d is due soon")
    for person in _officers(case):
        send(
            person,
            title,
            _("Due %(due)s."),
            values={"number": case.pk, "due": _clock_text(case.due_at)},
            url=f"/{case.kind}/desk/{case.pk}/",
            key=f"case-{case.pk}-{what}-{case.level}",
        )


def _clock_text(moment: datetime | None) -> str:
    return f"{moment.astimezone(settings.CITY.zone):%Y-%m-%d %H:%M}" if moment else ""


def _officers(case: Case) -> list[Person]:
    """Who is told: whoever has the case, else the agency; and the superior it went up to."""
    found = [case.assignee] if case.assignee else _of(case.agency)
    return [*found, *(_of(case.above) if case.above else [])]


def _of(agency: Agency) -> list[Person]:
    return holders(scope=agency.scope, most=MOST_TOLD)


def _next_level(case: Case, now: datetime) -> int:
    """One more; after a long standstill as many more as were missed, so that it is told once and not for each."""
    level = max(RED_LEVEL, case.level + 1)
    if case.promised > timedelta():
        elapsed = case.clock.elapsed(case.working_calendar, now)
        level = max(level, int(elapsed / case.promised) + 1)
    return min(level, HIGHEST)
