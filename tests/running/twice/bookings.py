"""Scenes of the jobs of bookings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cityhall.kernel.bookings.actions import book
from cityhall.kernel.bookings.models import Booking, Late, Part, Resource, Waiting
from cityhall.kernel.bookings.resources import keep_resource
from cityhall.kernel.bookings.waiting import join
from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
from tests.running.twice.scenes import LONG_AGO, Stage, scene

HOUR = timedelta(hours=1)


def _hall() -> Resource:
    return keep_resource(system("tests"), "hall", owner="tests", name="Hall", always_open=True)


@scene("bookings.look_again")
def somebody_waits(stage: Stage) -> dict[str, Any]:
    hall, ana = _hall(), Person.objects.create_user("ana@example.org")
    begin = timezone.now().replace(microsecond=0) + HOUR
    book([hall], begin, begin + HOUR, who=None, key=UUID(int=1), actor=system("tests"))
    join([hall], begin, begin + HOUR, who=ana, key=UUID(int=2), actor=person_actor(ana))
    return {}


@scene("bookings.forget")
def bookings_of_last_year(stage: Stage) -> dict[str, Any]:
    hall, ana = _hall(), Person.objects.create_user("ana@example.org")
    for number in range(3):
        begin = timezone.now() - LONG_AGO - number * HOUR
        common = {"begin": begin, "end": begin + HOUR / 2}
        old = Booking.objects.create(
            key=UUID(int=number),
            person=ana,
            state="confirmed",
            made_at=begin,
            changed_at=begin,
            free_until=begin,
            late=Late.REFUSE,
            **common,
        )
        Part.objects.create(booking=old, resource=hall, seats=1, begins=number + 1, ends=number + 2)
        Waiting.objects.create(key=UUID(int=number), person=ana, joined_at=begin, **common)
    return {}
