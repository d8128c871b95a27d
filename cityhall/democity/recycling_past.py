"""What was weighed in the demo city's last months, and vouchers that shops took: one scale has drifted meanwhile.

The doors take nothing that is so long past, so it is written as it would stand there by now. All follows from the seed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.models import Zone
from cityhall.services.recycling import points
from cityhall.services.recycling.models import Account, Estimate, Material, Offer, Pickup, Voucher, Weighed, Weighing
from cityhall.services.recycling.rules import day_of, months_later, rules
from cityhall.services.recycling.tariffs import tariff

BUILDINGS, DAYS, A_DAY = 20, 98, 6
DRIFT, SINCE = 0.16, 42
"""By how much the second crew's scale is off, and since how many days. Of three scales, one that is off by more moves
what is usual in a week so far that the others seem to have changed."""
SPREAD, WORD = 0.35, 0.12
"""Spread of logarithms: of what stands ready, and of what is announced of it."""
VOUCHERS = 5


def plant(crews: list[Person], seed: int, now: datetime) -> int:
    """Writes the weighings of DAYS for BUILDINGS by crews; gives how many. Once: they have the seed's own numbers."""
    rng = np.random.default_rng([seed, 31])
    actor = system("demo")
    own = [
        Account.objects.create(kind=Account.Kind.BUILDING, name=f"Block {number + 1}", opened_at=now)
        for number in range(BUILDINGS)
    ]
    zones = list(Zone.objects.filter(kind="district").order_by("slug").values_list("slug", flat=True)) or [""]
    materials = list(Material.objects.filter(active=True))
    made = [_one(rng, now, place, crews, own, zones, materials) for place in range(DAYS * A_DAY)]
    Pickup.objects.bulk_create(one[0] for one in made)
    Weighing.objects.bulk_create(one[1] for one in made)
    Estimate.objects.bulk_create(one[2] for one in made)
    Weighed.objects.bulk_create(one[3] for one in made)
    until = months_later(day_of(now), rules().expire_months)
    for account in own:
        earned = sum(line.base for _pickup, weighing, _told, line in made if weighing.account_id == account.pk)
        uid, subject = points.key("past", account.pk), f"account:{account.pk}"
        points.earn(uid, account, earned, origin=points.EARNED, until=until, subject=subject, actor=actor)
    _vouchers(rng, now, own)
    return len(made)


def _one(
    rng: np.random.Generator,
    now: datetime,
    place: int,
    crews: list[Person],
    own: list[Account],
    zones: list[str],
    materials: list[Material],
) -> tuple[Pickup, Weighing, Estimate, Weighed]:
    ago = DAYS * (1 - place / (DAYS * A_DAY))
    at = now - timedelta(days=ago, hours=2)
    crew, house = int(rng.integers(len(crews))), int(rng.integers(len(own)))
    material = materials[int(rng.integers(len(materials)))]
    brought = 9000 * float(np.exp(rng.normal(0, SPREAD)))
    announced = round(brought * float(np.exp(rng.normal(0, WORD))) / 100) * 100 + 100
    if crew == 1 and ago < SINCE:
        brought *= 1 + DRIFT
    zone = zones[house % len(zones)]
    pickup = Pickup(
        key=UUID(bytes=rng.bytes(16), version=4),
        account=own[house],
        state="settled",
        address=f"Block {house + 1}",
        zone=zone,
        begin=at - timedelta(hours=1),
        end=at + timedelta(hours=3),
        asked_at=at - timedelta(days=2),
        changed_at=at,
        came_at=at,
        crew=crews[crew],
    )
    weighing = Weighing(
        uid=UUID(bytes=rng.bytes(16), version=4),
        digest="",
        source="crew",
        pickup=pickup,
        account=own[house],
        person=crews[crew],
        at=at,
        heard_at=at,
        seen="nobody",
        zone=zone,
    )
    holds = tariff(material, day_of(at))
    grams = round(brought)
    line = Weighed(
        weighing=weighing, material=material, grams=grams, base=grams * holds.points_per_kg // 1000 if holds else 0
    )
    return pickup, weighing, Estimate(pickup=pickup, material=material, grams=announced), line


def _vouchers(rng: np.random.Generator, now: datetime, own: list[Account]) -> None:
    """Vouchers that shops took in the month that is over, so that they wait to be settled."""
    begin = (now.replace(day=1) - timedelta(days=1)).replace(day=1)
    for number, offer in enumerate(list(Offer.objects.filter(active=True).order_by("key")) * VOUCHERS):
        account = own[number % len(own)]
        if points.standing(account).balance < offer.price:
            continue
        at = begin + timedelta(days=float(rng.uniform(1, 26)))
        one = Voucher.objects.create(
            key=UUID(bytes=rng.bytes(16), version=4),
            account=account,
            offer=offer,
            count=1,
            points=offer.price,
            state=Voucher.State.USED,
            made_at=at,
            used_at=at,
        )
        uid = points.key("voucher", one.key)
        points.spend(uid, account, one.points, on="shops", subject=one.ref, actor=system("demo"))
