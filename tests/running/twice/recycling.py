"""Scenes of the jobs of recycling."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import accounts, collecting, evening, planning, trucks
from cityhall.services.recycling.collecting import Wish
from cityhall.services.recycling.models import Material, Round
from cityhall.services.recycling.rounds import Day
from tests.running.twice.scenes import Stage, scene
from tests.services.recycling.planting import officers, photographed, season
from tests.services.reports.conftest import CENTER

if TYPE_CHECKING:
    from cityhall.engines.pickups import Plan

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@scene("recycling.rounds")
def order_to_and_fro(stage: Stage) -> dict[str, Any]:
    Material.objects.create(key="paper", names={"en": "Paper"})
    truck = {"key": "one", "names": {"en": "One"}, "compartments": [{"kg": 500}], "shift": "08:00-18:00"}
    trucks.keep([truck | {"weekdays": EVERY_DAY, "depot": list(CENTER)}])
    planning.keep_windows({"times": ["08:00-18:00"], "weekdays": EVERY_DAY, "places": 9})
    tomorrow = timezone.localtime() + timedelta(days=1)
    begin = tomorrow.replace(hour=8, minute=0, second=0, microsecond=0)
    for number in range(3):
        who = person_actor(Person.objects.create_user(f"green{number}@example.org", name="Green"))
        place = Point(CENTER[0] + number / 200, CENTER[1])
        wish = Wish({"paper": 4000}, f"{number} Main Street", place, begin)
        collecting.ask(who, accounts.account_of(who), wish, key=UUID(int=number + 1))
    late = timezone.localtime().replace(hour=21, minute=7)
    first, *others = Round.objects.get().order["one"]
    Round.objects.update(order={"one": [*others, first]}, changed_at=late - timedelta(hours=1))
    stage.patch.setattr("django.utils.timezone.now", lambda: late)
    # What is found is the same every time; here it only takes time.
    stage.patch.setattr(evening, "searched", put_in_one_by_one)
    return {}


def put_in_one_by_one(before: Day, _seconds: float) -> Plan:
    from cityhall.engines.pickups import Plan, insert

    made = Plan(replace(before.plan.problem, jobs=()), (), (), 0)
    for job in before.plan.problem.jobs:
        longer = insert(made, job)
        assert longer is not None
        made = longer
    return made


@scene("recycling.signals")
def scale_that_drifts(stage: Stage) -> dict[str, Any]:
    officers()
    season(drift=0.3)
    photographed(twice=True)
    return {}
