"""In the evening the next day's rounds are searched anew: shorter ones, with every promise that was made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import system
from cityhall.services.recycling import rounds, trucks
from cityhall.services.recycling.models import Round
from cityhall.services.recycling.rounds import Day
from cityhall.services.recycling.rules import rules, today

if TYPE_CHECKING:
    from cityhall.engines.pickups import Plan

A_STOP_S = 2.0
"""Few stops need no long search."""


def plan_ahead(seconds: float | None = None) -> int:
    """Searches tomorrow's rounds from the city's hour on (a Task, each hour); gives how many days were planned.

    What is planned is planned once more where somebody was put in since. `seconds`: of search, else the city's rule.
    Raises SearchError where the search itself fails; the order is then as it was.
    """
    from django.conf import settings

    if timezone.now().astimezone(settings.CITY.zone).hour < rules().plan_hour or not trucks.told():
        return 0
    day = today() + timedelta(days=1)
    row = Round.objects.filter(day=day).first()
    if row is None or (row.planned_at is not None and row.planned_at >= row.changed_at):
        return 0
    before = rounds.read(day, whole=True)
    if not before.plan.routes:
        return 0
    found = searched(before, min(A_STOP_S * len(before.pickups), rules().plan_seconds) if seconds is None else seconds)
    return int(_stands(before, found) and _keep(before, found))


def searched(before: Day, seconds: float) -> Plan:
    """The best plan that so many seconds find, no worse than the one there is."""
    from cityhall.engines.pickups import plan

    return plan(before.plan.problem, seconds, start=before.plan)


def _stands(before: Day, found: Plan) -> bool:
    """Whether a plan is what it says it is, and has everybody in it."""
    from cityhall.engines.pickups import check

    return not found.unserved and not check(before.plan.problem, found)


@transaction.atomic
def _keep(before: Day, found: Plan) -> bool:
    """Writes a plan down, if it is still of those who are to be fetched: else the order stays as it is."""
    row = rounds.locked(before.day)
    now = rounds.read(before.day)
    if _who(now) != _who(before) or now.trucks != before.trucks:
        return False
    made = Day(before.day, before.trucks, before.rooms, before.pickups, before.points, found)
    row.order, row.planned_at = made.order(), timezone.now()
    row.save(update_fields=["order", "planned_at"])
    told = {"day": before.day.isoformat(), "stops": len(before.pickups), "trucks": len(found.routes)}
    append("recycling", "round.planned", told, subject=f"round:{before.day}", actor=str(system("recycling")))
    return True


def _who(read: Day) -> set[tuple[object, ...]]:
    """Who is to be fetched when, where and with how much."""
    return {(one.pk, one.begin, one.end, one.point, *sorted(rounds.grams_of(one).items())) for one in read.pickups}
