"""One device's message that the database will not take shuts the door to nobody, nor is it taken for an outage."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection

from cityhall.kernel.devices import drops
from cityhall.kernel.devices.models import Device, DropCount
from cityhall.kernel.devices.receive import receive
from tests.kernel.devices import door
from tests.kernel.devices.conftest import Make
from tests.kernel.devices.test_mqtt import Broker, Publisher, broker, runs, subscribed, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
__all__ = ["broker", "runs"]
BAD = {"kind": "stumbling"}
GOOD = {"kind": "position"}


@pytest.fixture(autouse=True)
def too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action that gives the database what is too deep for it: "54001", which Django calls OperationalError."""

    def keep(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::jsonb", ["[" * 100_000 + "]" * 100_000])

    monkeypatch.setattr(door, "stumble", keep)


def test_it_is_refused_and_those_beside_it_are_taken(make: Make) -> None:
    (_one, bad), (_other, good) = make("tram-1"), make("tram-2")
    outcomes = receive([bad.envelope([BAD]), good.envelope([GOOD]), good.envelope([GOOD])])
    assert outcomes[0].refusal is not None and outcomes[0].refusal.code == "unkeepable"
    assert [outcome.accepted for outcome in outcomes[1:]] == [1, 1]
    drops.flush()
    assert DropCount.objects.get(device="tram-1").reason == "unkeepable"


def test_an_outage_is_still_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(door, "stumble", away)
    _device, bad = make()
    with pytest.raises(OperationalError):
        receive([bad.envelope([BAD])])


@pytest.mark.broker
def test_the_mqtt_door_goes_on(broker: Broker, runs: None, make: Make) -> None:
    (_one, bad), (_other, good) = make("tram-1"), make("tram-2")
    publisher = Publisher(broker)
    subscribed(publisher, make)
    publisher.send("tram-1", bad.envelope([BAD]))
    for number in range(3):
        publisher.send("tram-2", good.envelope([GOOD | {"number": number}]))
    wait_for(lambda: len(door.TAKEN) == 3)
    assert [taken[1][0]["number"] for taken in door.TAKEN] == [0, 1, 2]
    publisher.close()
