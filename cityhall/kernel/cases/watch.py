"""Looking after the clocks: amber and red are told, what lies on goes up to the superior, silence confirms."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from cityhall.kernel.cases.actions import act, changed, note, set_times
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import CITY, State
from cityhall.kernel.notify.sending import holders, send
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person

BATCH = 500
CONFIRM_DAYS = 7
"""So long the person who asked may confirm or reopen; then it is closed."""
MOST_TOLD = 20
"""Officers of an agency who are told of a case that nobody has."""
AMBER_LEVEL, RED_LEVEL = 1, 2


def look(now: datetime | None = None) -> int:
    """Looks at every clock that must be looked at by now; gives how many it told of."""
    now = now or timezone.now()
    told = 0
    while True:
        with transaction.atomic():
            late = Case.objects.select_for_update(of=("self",), skip_locked=True).select_related("agency", "above")
            batch = list(late.filter(look_at__lte=now).order_by("look_at")[:BATCH])
            for case in batch:
                _tell(case, now)
        told += len(batch)
        if len(batch) < BATCH:
            return told


def _tell(case: Case, now: datetime) -> None:
    # After a standstill of the program amber may be missed: what is red is told as red.
    red = case.due_at is not None and case.due_at <= now
    case.level = max(RED_LEVEL, case.level + 1) if red else AMBER_LEVEL
    if red:
        case.above = (case.above or case.agency).superior or case.above
    set_times(case)
    while case.look_at is not None and case.look_at <= now:
        # The program stood still for long: it is told once, not once for each time that was missed.
        case.level += 1
        set_times(case)
    case.save(update_fields=["level", "above", "look_at", "due_at"])
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


def close_silent(now: datetime | None = None) -> int:
    """Closes what was resolved CONFIRM_DAYS ago and nobody objected to; gives how many."""
    now = now or timezone.now()
    closed = 0
    silent = Case.objects.filter(state=State.RESOLVED, done_at__lt=now - timedelta(days=CONFIRM_DAYS))
    for case_id in silent.order_by("done_at").values_list("pk", flat=True)[:BATCH]:
        act(system("cases"), case_id, "confirm", who=CITY, now=now)
        closed += 1
    return closed


@app.periodic(cron="* * * * *", periodic_id="cases.watch")
@app.task(name="cases.watch", queueing_lock="cases.watch", pass_context=False)
def watch(timestamp: int) -> None:
    """Every minute."""
    try:
        look()
        close_silent()
    finally:
        close_old_connections()
