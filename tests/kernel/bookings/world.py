"""Rooms, people and times that the tests of bookings share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cityhall.kernel.bookings.actions import book, hold
from cityhall.kernel.bookings.models import Booking, Resource
from cityhall.kernel.bookings.resources import keep_resource
from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person

DAY = datetime(2031, 3, 3, tzinfo=UTC)
"""A Monday, which is still to come."""
HOUR = timedelta(hours=1)
OFFICE = system("tests")


def room(key: str = "hall", **rules: Any) -> Resource:
    """A room that is always open."""
    return keep_resource(
        OFFICE, key, **{"owner": "tests", "name": key.title(), "always_open": True, "zone": "UTC"} | rules
    )


def person(name: str = "ana") -> Person:
    """Somebody with an account."""
    return Person.objects.filter(email=f"{name}@example.org").first() or Person.objects.create_user(
        f"{name}@example.org", name=name
    )


def at(hour: float, day: int = 0) -> datetime:
    """An hour of that Monday, or of so many days later."""
    return DAY + timedelta(days=day, hours=hour)


def held(resource: Resource, begin: float, end: float, who: Person | None = None, **more: Any) -> Booking:
    """A hold of one resource."""
    return hold([resource], at(begin), at(end), **{"who": who, "key": uuid4()} | more)


def booked(resource: Resource, begin: float, end: float, who: Person | None = None, **more: Any) -> Booking:
    """A booking of one resource."""
    actor = person_actor(who) if who else OFFICE
    return book([resource], at(begin), at(end), **{"who": who, "key": uuid4(), "actor": actor} | more)
