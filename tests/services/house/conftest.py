"""A town hall with three rooms and two wares, whose bills are paid by the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as city_settings
from django.utils import timezone

from cityhall.kernel.deadlines import taker
from cityhall.kernel.payments import intents
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.payments.providers import provider, sandbox
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.house import booking, reserving
from cityhall.services.house.models import Item, Reservation, Room

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
def house(settings: Any, db: None) -> None:
    """Rooms "harbour" (10 an hour, 14 seats), "attic" (free), "council" (an officer decides), wares "map" and "bin"."""
    options = {**settings.CITY.options, "payments": {"providers": ["sandbox"], "sandbox_trouble": False}}
    settings.CITY = replace(settings.CITY, options=options)
    hours: dict[str, Any] = {"weekdays": EVERY_DAY, "opens": time(8), "closes": time(20)}
    room("harbour", seats=14, price=1000, buffer_minutes=15, wheelchair=True, **hours)
    room("attic", seats=8, price=0, cancel_hours=4, **hours)
    room("council", seats=60, price=4000, approval=True, cancel_hours=72, **hours)
    Item.objects.create(slug="map", names={"en": "City map", "es": "Plano"}, price=350, order=0)
    Item.objects.create(slug="bin", names={"en": "Compost bin"}, price=2400, stock=3, order=1)


def room(slug: str, **values: Any) -> Room:
    made = Room.objects.create(slug=slug, names={"en": f"{slug.title()} room", "es": f"Sala {slug}"}, **values)
    booking.keep_resource(made)
    return made


def somebody(name: str = "ana") -> Actor:
    person = Person.objects.filter(email=f"{name}@example.org").first()
    return person_actor(person or Person.objects.create_user(f"{name}@example.org", "a long password", name=name))


def officer(*roles: str, name: str = "olga") -> Actor:
    actor = somebody(name)
    for role in roles or ("rooms", "counter"):
        Membership.objects.create(person_id=actor.person_id, role=f"house.{role}", scope="")
    return actor


def at(hour: int, day: int = 3) -> datetime:
    """An hour of the city's clock, so many days from now."""
    on = timezone.now().astimezone(city_settings.CITY.zone).date() + timedelta(days=day)
    return datetime.combine(on, time(hour), city_settings.CITY.zone).astimezone(UTC)


def reserved(actor: Actor, slug: str, begin: datetime, **more: Any) -> Reservation:
    values: dict[str, Any] = {"hours": 1, "people": 4, "purpose": "Choir", "key": uuid4()}
    return reserving.reserve(actor, slug, begin, **values | more)[0]


def begin_to_pay(bill: Bill | None) -> str:
    """What the provider calls a payment of a bill that was begun."""
    assert bill is not None
    return intents.start(bill, None, "sandbox", "/house/").provider_ref


def hear(ref: str) -> None:
    """The city hears what the provider knows of a payment."""
    intents.heard("sandbox", provider("sandbox").look(ref), "poll")


def pay(bill: Bill | None) -> str:
    """Somebody pays a bill with a good card, and the city hears of it."""
    ref = begin_to_pay(bill)
    sandbox.pay(ref, sandbox.GOOD)
    hear(ref)
    return ref


def later(**gone: float) -> None:
    """So much time has gone by for what is due, and nothing else."""
    taker.take_due(timezone.now() + timedelta(**gone))


def fresh(one: Any) -> Any:
    return type(one).objects.get(pk=one.pk)
