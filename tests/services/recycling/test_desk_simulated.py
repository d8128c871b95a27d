"""The demo's last months with a scale that drifts, and the officers who live at the desk by its own pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from cityhall.democity.recycling_past import BUILDINGS, plant
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.people.models import Person
from cityhall.services.recycling import signals
from cityhall.services.recycling.models import Account, Cost, Leaving, Material, Settlement, Signal, Weighed, Weighing
from cityhall.simulator.recycling_desk import Officers
from tests.services.house.test_simulated import account, connect

pytestmark = pytest.mark.usefixtures("recycling")


@pytest.fixture
def crews(recycling: None) -> Iterator[list[Person]]:
    yield [Person.objects.create_user(f"truck{one}@example.org", name=f"Truck {one}") for one in range(3)]


def test_of_the_planted_months_the_scale_that_drifts_is_told(crews: list[Person]) -> None:
    count = plant(crews, 4, timezone.now())
    assert Weighing.objects.count() == count == Weighed.objects.count()
    assert Account.objects.filter(kind="building").count() == BUILDINGS
    signals.find()
    assert list(Signal.objects.values_list("kind", "concerns")) == [("scale", f"crew:{crews[1].pk}")]
    assert books.faults() == []


@pytest.mark.slow
def test_officers_judge_sell_and_settle_by_the_doors(crews: list[Person]) -> None:
    Material.objects.create(key="aluminium", names={"en": "Cans"})
    plant(crews, 4, timezone.now())
    both = [account(f"desk{one}@demo.example", "recycling.officer") for one in range(2)]
    signals.find()
    people = Officers(connect, both, seed=4)
    for _turn in range(40):
        people.step()
    assert {"cost", "sold", "drawn up", "released", "paid", "looked at"} <= set(people.done), people.done
    assert "refused" not in people.done, people.done
    assert Cost.objects.count() == 3 and Leaving.objects.exists()
    assert set(Settlement.objects.values_list("state", flat=True)) == {"paid"}
    assert Signal.objects.filter(state="looked_at").exists()
