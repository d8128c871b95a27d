"""The urgent lane: what a device has a receipt for is there, once, whatever its clock says, however often it comes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cityhall.kernel.devices import registry, urgent
from cityhall.kernel.devices.envelope import MOST_MESSAGES
from cityhall.kernel.devices.models import DropCount, UrgentMessage
from cityhall.kernel.journal.models import Entry as Event
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door
from tests.kernel.devices.conftest import BUILDER, Make

pytestmark = pytest.mark.django_db
PRESS: dict[str, Any] = {"kind": "press"}


def post(body: bytes) -> Any:
    return Client().post("/api/devices/urgent", body, content_type="application/json")


def test_a_press_has_a_receipt_and_the_same_one_each_time(make: Make) -> None:
    _device, signer = make()
    body = signer.envelope([PRESS])
    first, again = post(body), post(body)
    assert (first.status_code, again.status_code) == (200, 200)
    (received,) = signer.receipt(first.content) or []
    assert received["subject"] == "alarm:tram-1" and signer.receipt(again.content) == [received]
    assert len(door.PRESSED) == 1 and not door.PRESSED[0].doubtful
    assert UrgentMessage.objects.get().times == 2


def test_an_id_of_its_own_makes_it_the_same_press_in_another_envelope(make: Make) -> None:
    _device, signer = make()
    for _try in range(3):
        assert post(signer.envelope([PRESS | {"id": "7"}])).status_code == 200
    assert post(signer.envelope([PRESS | {"id": "8"}, PRESS | {"id": "8"}])).status_code == 200
    assert [press.message["id"] for press in door.PRESSED] == ["7", "8"]


@pytest.mark.parametrize("off", [timedelta(days=-20_000), timedelta(days=-1), timedelta(days=1), timedelta(minutes=3)])
def test_a_wrong_clock_loses_nothing(make: Make, off: timedelta) -> None:
    _device, signer = make()
    moment = max(0, int((timezone.now() + off).timestamp() * 1000))
    answer = post(signer.envelope([PRESS], sent_at=moment))
    assert answer.status_code == 200 and door.PRESSED[0].doubtful
    assert abs(door.PRESSED[0].received_at - timezone.now()) < timedelta(minutes=1), "the city's own time counts"
    kept = UrgentMessage.objects.get()
    assert kept.doubtful and kept.sent_at == moment


def test_neither_does_a_nonce_that_comes_late(make: Make) -> None:
    """A buffer that is emptied from its end, hours after: the window of nonces is 63 wide."""
    _device, signer = make()
    bodies = [signer.envelope([PRESS]) for _number in range(200)]
    for body in [*reversed(bodies), *bodies]:
        assert post(body).status_code == 200
    assert len(door.PRESSED) == 200


def test_what_nobody_takes_is_not_thought_received(make: Make) -> None:
    _device, signer = make()
    for messages, code in (
        ([{"kind": "nothing"}], "unknown_kind"),
        ([{"kind": "position"}], "unknown_kind"),
        ([PRESS, {"kind": "nothing"}], "unknown_kind"),
        ([PRESS | {"id": ""}], "bad_id"),
        ([PRESS | {"id": "x" * 65}], "bad_id"),
        ([PRESS | {"id": "a\0b"}], "bad_id"),
        ([PRESS | {"id": 7}], "bad_id"),
        ([], "empty"),
        (["press"], "unknown_kind"),
        ([PRESS] * (MOST_MESSAGES + 1), "oversize"),
    ):
        answer = post(signer.envelope(messages))
        assert answer.status_code in (413, 422) and answer.json()["code"] == code
    assert not door.PRESSED and not UrgentMessage.objects.exists()


def test_who_may_not_send_gets_no_receipt(make: Make) -> None:
    device, signer = make()
    forged = Signer(device.public_id, "A" * 43)
    assert post(forged.envelope([PRESS])).status_code == 401
    assert post(Signer("nobody", "A" * 43).envelope([PRESS])).status_code == 401
    assert post(b"{").status_code == 422
    registry.rotate_key(BUILDER, device.public_id)
    assert post(signer.envelope([PRESS])).status_code == 401
    other, its = make("tram-2")
    registry.disable(BUILDER, other.public_id)
    assert post(its.envelope([PRESS])).status_code == 403
    assert not door.PRESSED and not UrgentMessage.objects.exists()


def test_one_that_cannot_be_handled_holds_up_no_other(make: Make) -> None:
    devices = [make(f"tram-{number}") for number in range(3)]
    bodies = [
        signer.envelope([PRESS | ({"number": 13} if number == 1 else {})])
        for number, (_device, signer) in enumerate(devices)
    ]
    door.FAULT.append(RuntimeError("a defect"))
    outcomes = urgent.take(bodies)
    assert [bool(outcome.receipt) for outcome in outcomes] == [True, False, True]
    assert outcomes[1].refusal is not None and outcomes[1].refusal.status == 503
    door.FAULT.clear()
    assert all(outcome.receipt for outcome in urgent.take(bodies)) and len(door.PRESSED) == 3


def test_a_receipt_is_of_the_city_or_it_is_none(make: Make) -> None:
    _device, signer = make()
    said = json.loads(post(signer.envelope([PRESS])).content)
    assert signer.receipt(json.dumps(said).encode())
    forged = said | {"payload": said["payload"].replace("tram-1", "tram-9")}
    for wrong in (forged, said | {"nonce": 1}, said | {"device": "tram-9"}, {}, [], "x"):
        assert signer.receipt(json.dumps(wrong).encode()) is None
    assert signer.receipt(b"{") is None


@pytest.mark.django_db(transaction=True)
def test_the_same_press_through_many_doors_at_once_is_one(make: Make) -> None:
    _device, signer = make()
    body = signer.envelope([PRESS])

    def send(_number: int) -> Any:
        try:
            return signer.receipt(urgent.take([body])[0].receipt)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as senders:
        said = list(senders.map(send, range(24)))
    assert said == [said[0]] * 24 and said[0] is not None
    assert Event.objects.filter(type="tram.pressed").count() == 1 and UrgentMessage.objects.get().times == 24


@pytest.mark.django_db(transaction=True)
def test_the_receipt_is_made_after_the_commit(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is seen by somebody else: another connection asks at the moment of signing."""
    _device, signer = make()
    seen: list[int] = []
    real = urgent._receipt

    def look(*arguments: Any) -> bytes:
        assert not connection.in_atomic_block
        seen.append(UrgentMessage.objects.exclude(subject="").count())
        return real(*arguments)

    monkeypatch.setattr(urgent, "_receipt", look)
    assert post(signer.envelope([PRESS])).status_code == 200 and seen == [1]
    with transaction.atomic():
        assert UrgentMessage.objects.filter(times=1).exists()
    assert DropCount.objects.count() == 0


def batch(body: Any) -> Any:
    return Client().post("/api/devices/urgent/batch", body, content_type="application/json")


def test_a_gateway_sends_several_envelopes_and_each_is_answered_by_itself(make: Make) -> None:
    _device, one = make()
    _other, two = make("tram-2")
    good, forged = json.loads(one.envelope([PRESS])), json.loads(two.envelope([PRESS]))
    forged["payload"] = forged["payload"].replace("press", "presz")
    answer = batch(json.dumps([good, forged, 7, good]))
    assert answer.status_code == 200
    told = answer.json()
    assert one.receipt(json.dumps(told[0]["receipt"]).encode()) and told[3]["receipt"] == told[0]["receipt"]
    assert [row["refusal"] and row["refusal"]["status"] for row in told] == [None, 401, 422, None]
    assert len(door.PRESSED) == 1


@pytest.mark.parametrize("body", ["{}", "[]", "nothing", "7", json.dumps([1] * 501)])
def test_what_is_no_array_of_envelopes(body: str) -> None:
    answer = batch(body)
    assert answer.status_code == 422 and answer.json()["code"] == "no_array"
