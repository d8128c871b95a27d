"""The demo's last months with a scale that drifts, and the officers who live at the desk by its own pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from uuid import uuid4

import pytest

from cityhall.democity.recycling_past import BUILDINGS, DAYS
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.ledger.models import Posting
from cityhall.kernel.people.models import Person
from cityhall.running.demo import _weighed_before
from cityhall.services.recycling import accounts, settlements, signals, spending
from cityhall.services.recycling.models import (
    Account,
    Cost,
    Estimate,
    Leaving,
    Material,
    Pickup,
    Settlement,
    Signal,
    Voucher,
    Weighed,
    Weighing,
)
from cityhall.simulator.recycling_desk import Officers
from tests.services.house.test_simulated import account, connect
from tests.services.recycling.conftest import officer, shop, somebody

pytestmark = pytest.mark.usefixtures("recycling")


@pytest.fixture
def crews(recycling: None) -> Iterator[list[Person]]:
    made = [account(f"truck{one}@example.org", "recycling.crew")[0] for one in range(3)]
    yield [Person.objects.get(email=email) for email in made]


def test_of_the_planted_months_the_scale_that_drifts_is_told(crews: list[Person]) -> None:
    _weighed_before([one.email for one in crews], 4)
    assert Weighing.objects.count() == Weighed.objects.count() > 5 * DAYS
    assert Account.objects.filter(kind="building").count() == BUILDINGS
    signals.find()
    assert list(Signal.objects.values_list("kind", "concerns")) == [("scale", f"crew:{crews[1].pk}")]
    # Nothing is there that only the demo could have written: all came by the import, as a city's own past does.
    assert set(Weighing.objects.values_list("source", "seen")) == {("earlier", "unknown")}
    assert not Pickup.objects.exists() and not Estimate.objects.exists() and not Voucher.objects.exists()
    assert set(Posting.objects.values_list("kind", flat=True)) == {"recycling.brought"}
    told = Entry.objects.filter(stream="recycling", type__startswith="earlier.").values_list("type", "actor")
    assert set(told) == {
        ("earlier.weighings_imported", "system:demo"),
        ("earlier.balances_imported", "system:demo"),
    }
    opened = Entry.objects.filter(stream="recycling", type="account.opened")
    assert opened.count() == BUILDINGS and all(one.actor == "system:demo" for one in opened)
    assert books.faults() == []


@pytest.mark.slow
def test_officers_judge_sell_and_settle_by_the_doors(crews: list[Person]) -> None:
    Material.objects.create(key="aluminium", names={"en": "Cans"})
    _weighed_before([one.email for one in crews], 4)
    _vouchers_of_last_month()
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


def _vouchers_of_last_month() -> None:
    """A building's people buy soap and the shop takes it; then a month goes by."""
    ana = somebody()
    tower = accounts.open_building(officer(), "Block 1", "ana@example.org")
    before = datetime.combine(settlements.last_month(), time(12), UTC)
    for _one in range(3):
        made = spending.buy(ana, tower, "soap", 1, key=uuid4())
        spending.redeem(shop(), made.code)
        Voucher.objects.filter(pk=made.pk).update(used_at=before)
