"""A season of weighings in the tables, as it would be there after months: fetched and weighed, announced before."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone

from cityhall.bench.weights import again, jpeg, photograph
from cityhall.kernel.media.storing import store
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.recycling.models import Account, Estimate, Material, Pickup, Weighed, Weighing

DAYS = 120
SINCE = 60
"""Days ago that a scale began to drift."""
SIGMA = 0.15


def officers(*names: str) -> list[Person]:
    """Officers for recycling."""
    made = [Person.objects.create_user(f"{one}@example.org", name=one.title()) for one in names or ("olga",)]
    Membership.objects.bulk_create(Membership(person=one, role="recycling.officer", scope="") for one in made)
    return made


def material() -> Material:
    """Paper, made where there is none."""
    return Material.objects.get_or_create(key="paper", defaults={"names": {"en": "Paper"}})[0]


def season(*, drift: float = 0.0, favour: float = 1.0, accounts: int = 20, seed: int = 3) -> list[Person]:
    """Four crews and 20 accounts, a weighing every two hours of DAYS; the first crew's scale is off by `drift` since
    SINCE days ago, and with the first account it writes `favour` times as much. Gives the crews."""
    rng, paper, now = np.random.default_rng(seed), material(), timezone.now()
    crews = [Person.objects.create_user(f"crew{one}@example.org", name=f"Crew {one}") for one in range(4)]
    kind = Account.Kind.BUILDING
    own = [Account.objects.create(kind=kind, name=f"Block {one}", opened_at=now) for one in range(accounts)]
    pickups, weighings, estimates, lines = [], [], [], []
    for number in range(4 * DAYS):
        at = now - timedelta(days=DAYS * (1 - number / (4 * DAYS))) - timedelta(hours=1)
        crew, account = int(rng.integers(4)), int(rng.integers(accounts))
        brought = 8000 * np.exp(rng.normal(0, SIGMA))
        announced = round(brought * np.exp(rng.normal(0, SIGMA)))
        if crew == 0 and at > now - timedelta(days=SINCE):
            brought *= 1 + drift
        if crew == 0 and account == 0:
            brought *= favour
        pickup = Pickup(
            key=UUID(int=number + 1),
            account=own[account],
            state="settled",
            address="1 Main Street",
            asked_at=at,
            changed_at=at,
            begin=at,
            end=at,
            came_at=at,
            crew=crews[crew],
        )
        weighing = Weighing(
            uid=UUID(int=number + 1),
            digest="",
            source="crew",
            pickup=pickup,
            account=own[account],
            person=crews[crew],
            at=at,
            heard_at=at,
            seen="nobody",
        )
        pickups.append(pickup)
        weighings.append(weighing)
        estimates.append(Estimate(pickup=pickup, material=paper, grams=announced))
        grams = round(brought)
        lines.append(Weighed(weighing=weighing, material=paper, grams=grams, base=grams // 50))
    Pickup.objects.bulk_create(pickups)
    Weighing.objects.bulk_create(weighings)
    Estimate.objects.bulk_create(estimates)
    Weighed.objects.bulk_create(lines)
    return crews


def photographed(*, twice: bool) -> list[Weighing]:
    """Weighings of a new account with photos of a scale; the last one's is the first one's, saved anew, if `twice`."""
    rng, now = np.random.default_rng(9), timezone.now()
    account = Account.objects.create(kind=Account.Kind.BUILDING, name="Photographed", opened_at=now)
    pictures = [photograph(rng) for _one in range(3)]
    files = [jpeg(one) for one in pictures]
    if twice:
        files.append(again(pictures[0], "smaller", rng))
    made = []
    for number, file in enumerate(files):
        at = now - timedelta(hours=len(files) - number)
        photo = store(system("test"), io.BytesIO(file).getvalue(), purpose="recycling.weighing")
        one = Weighing.objects.create(
            uid=uuid4(),
            digest="",
            source="drop",
            account=account,
            at=at,
            heard_at=at,
            seen="nobody",
            photo=photo,
        )
        Weighed.objects.create(weighing=one, material=material(), grams=5000, base=100)
        made.append(one)
    return made
