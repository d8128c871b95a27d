"""A city that takes paper and cans, gives points for them, and asks a waste fee that they may pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.deadlines import taker
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import accounts, collecting, planning, points, weighing
from cityhall.services.recycling.collecting import Wish
from cityhall.services.recycling.models import (
    Account,
    Campaign,
    DropPoint,
    Material,
    Offer,
    Partner,
    Pickup,
    Tariff,
    Weighing,
)
from cityhall.services.recycling.tariffs import Line
from cityhall.services.recycling.weighing import Said

HERE = Point(-51.2, -30.03)
WINDOWS = {"times": ["08:00-12:00", "12:00-16:00", "16:00-20:00"], "weekdays": [1, 2, 3, 4, 5, 6, 7], "places": 2}
FEE = 1800


@pytest.fixture
def recycling(settings: Any, db: None) -> None:
    """Paper 20 points a kg (24 from the first of this month), cans 160, glass 7; 100 points are 50 cents; a fee of 18
    every quarter; a shop with soap for 150 and a tube for 700."""
    own = {"contest_days": 7, "cents_per_100_points": 50, "fee": {"amount": FEE, "months": 3}, "payout_least": 100}
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "recycling": own})
    today = timezone.localdate()
    for place, (key, rate, co2e) in enumerate((("paper", 20, 3913), ("cans", 160, 10064), ("glass", 7, 309))):
        made = Material.objects.create(
            key=key,
            names={"en": key.title(), "es": f"{key} es"},
            prepare={"en": "Clean."},
            picture="box",
            co2e_g=co2e,
            co2e_source="A table",
            order=place,
        )
        Tariff.objects.create(material=made, since=date(2020, 1, 1), points_per_kg=rate, mixed_percent=50)
    Tariff.objects.create(
        material=Material.objects.get(key="paper"), since=today - timedelta(days=10), points_per_kg=24, mixed_percent=50
    )
    Campaign.objects.create(
        key="cans",
        names={"en": "Cans"},
        material=Material.objects.get(key="cans"),
        since=today - timedelta(days=5),
        until=today + timedelta(days=5),
        percent=150,
    )
    shop = Partner.objects.create(key="market", names={"en": "Market"})
    Offer.objects.create(partner=shop, key="soap", names={"en": "Soap"}, price=150, stock=3)
    Offer.objects.create(partner=shop, key="tube", names={"en": "Tube"}, price=700, order=1)
    # More notice than cancelling needs: what was just asked for may be cancelled, at whatever hour the tests run.
    planning.keep_windows(WINDOWS | {"notice_hours": 3})


def somebody(name: str = "ana") -> Actor:
    person = Person.objects.filter(email=f"{name}@example.org").first()
    return person_actor(person or Person.objects.create_user(f"{name}@example.org", "a long password", name=name))


def crew(name: str = "carlos") -> Actor:
    actor = somebody(name)
    Membership.objects.get_or_create(person_id=actor.person_id or 0, role="recycling.crew", scope="")
    return actor


def officer(name: str = "olga") -> Actor:
    actor = somebody(name)
    Membership.objects.get_or_create(person_id=actor.person_id or 0, role="recycling.officer", scope="")
    return actor


def shop(name: str = "sam", partner: str = "market") -> Actor:
    actor = somebody(name)
    Membership.objects.get_or_create(person_id=actor.person_id or 0, role="recycling.shop", scope=f"partner:{partner}")
    return actor


def asked(actor: Actor, **more: Any) -> Pickup:
    values: dict[str, Any] = {"grams": {"paper": 5000}, "address": "1 Main Street", "point": HERE, "begin": window()}
    account = more.pop("account", None) or accounts.account_of(actor)
    key = more.pop("key", None) or uuid4()
    return collecting.ask(actor, account, Wish(**values | more), key=key)


def window(place: int = 0) -> Any:
    """The beginning of a window that is free."""
    return planning.offers("")[place].begin


def said(pickup: Pickup | None = None, uid: UUID | None = None, **grams: int) -> Said:
    lines = tuple(Line(key, amount) for key, amount in (grams or {"paper": 5000}).items())
    return Said(uid or uuid4(), lines, timezone.now(), pickup=pickup.pk if pickup else None)


def weighed(actor: Actor, **grams: int) -> Weighing:
    """Somebody's pickup of these, weighed by a crew."""
    return weighing.weigh(crew(), said(asked(actor), None, **grams))


def balance(actor: Actor) -> int:
    return points.standing(accounts.account_of(actor)).balance


def machine(key: str = "rvm-1", device: str = "machine-1") -> DropPoint:
    made = DropPoint.objects.create(key=key, names={"en": "Machine"}, point=HERE, machine=True, device=device)
    made.materials.set(Material.objects.all())
    return made


def later(**gone: float) -> None:
    """So much time has gone by for what is due, and nothing else."""
    taker.take_due(timezone.now() + timedelta(**gone))


def fresh(one: Any) -> Any:
    return type(one).objects.get(pk=one.pk)


def own_account(actor: Actor) -> Account:
    return accounts.account_of(actor)
