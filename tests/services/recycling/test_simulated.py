"""The demo's recycling lives by the doors that everybody uses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cityhall.democity import recycling as files
from cityhall.kernel.devices.registry import register
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.payments import checks
from cityhall.kernel.people.actors import system
from cityhall.kernel.places import geocoder
from cityhall.services.recycling.models import Material, Offer, Pickup, Tariff, Weighing
from cityhall.simulator.recycling import USUAL_KG, Recycling
from tests.services.house.test_simulated import account, connect
from tests.services.recycling.conftest import HERE, later, machine

pytestmark = pytest.mark.usefixtures("recycling")


@pytest.mark.slow
def test_residents_ask_the_crew_weighs_points_come_and_are_spent() -> None:
    for key in USUAL_KG:
        made, _new = Material.objects.get_or_create(key=key, defaults={"names": {"en": key}})
        Tariff.objects.get_or_create(material=made, since="2020-01-01", defaults={"points_per_kg": 60})
    Offer.objects.filter(key="soap").update(stock=None)
    geocoder.replace_names("test", [geocoder.Named("Rua Central", "street", HERE.lon, HERE.lat)])
    place = machine()
    device, key = register(system("test"), kind="machine", owner="recycling", public_id=place.device, label="Machine")
    residents = [account(f"green{number}@demo.example") for number in range(3)]
    crew = account("recycling.round@demo.example", "recycling.crew")
    shop = account("recycling.shop@demo.example", "recycling.shop")
    people = Recycling(connect, residents, crew, [(device.public_id, key)], shop, seed=4)
    for _turn in range(8):
        for _step in range(20):
            people.step()
        # The promised windows have come.
        begin = timezone.now() - timedelta(minutes=5)
        Pickup.objects.filter(state__in=("promised", "on_way"), begin__gt=begin).update(begin=begin)
        later(seconds=5)
    assert {"asked", "set out", "weighed", "brought", "confirmed"} <= set(people.done), people.done
    assert {"paid", "redeemed", "given back"} & set(people.done), people.done
    used = Entry.objects.filter(stream="recycling", type="voucher.used")
    assert used.count() == people.done.get("redeemed", 0) and all(one.actor.startswith("person:") for one in used)
    assert {"crew", "machine"} == set(Weighing.objects.values_list("source", flat=True))
    weighed = Entry.objects.filter(stream="recycling", type="weighed")
    assert weighed and all(one.actor.startswith(("person:", "device:")) for one in weighed)
    assert books.faults() == [] and checks.differences() == []


def test_the_same_bytes_always(tmp_path: Any) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files.write(tmp_path / name)
    assert (tmp_path / "one" / files.FILE).read_bytes() == (tmp_path / "two" / files.FILE).read_bytes()
