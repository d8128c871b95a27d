"""A nonce that is far ahead shuts no device out for ever, and none is taken twice all the same."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from cityhall.kernel import clock
from cityhall.kernel.devices import checks, registry
from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.people.models import Membership, Person
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door
from tests.kernel.devices.conftest import Make
from tests.kernel.devices.test_api import POSITION, counted, send

pytestmark = [pytest.mark.django_db, pytest.mark.attack]


@pytest.mark.parametrize("ahead_us", [2**63 - 2 - 2 * 10**15, 86_400 * 10**6, 241 * 10**6])
def test_a_huge_nonce_is_refused_and_the_device_goes_on(make: Make, ahead_us: int) -> None:
    _device, signer = make()
    usual = signer._nonce
    signer._nonce = int(clock.time() * 1e6) + ahead_us
    huge = json.loads(signer.envelope([POSITION]))
    # The reference client comes back by itself; an older one goes on as it was.
    assert huge["nonce"] < usual + 60 * 10**6
    from cityhall.simulator.signing import sign

    huge["nonce"] = int(clock.time() * 1e6) + ahead_us
    huge["signature"] = sign(signer._key, "tram-1", huge["sent_at"], huge["nonce"], huge["payload"])
    status, answer = send(json.dumps(huge).encode())
    assert (status, answer["code"], answer["field"]) == (422, "nonce_ahead", "nonce")
    assert counted()["tram-1", "nonce_ahead"] == 1 and not door.TAKEN
    assert send(signer.envelope([POSITION]))[0] == 200


def test_who_counts_from_one_goes_on_as_before(make: Make) -> None:
    _device, signer = make()
    signer._nonce = 0
    bodies = [signer.envelope([POSITION]) for _ in range(3)]
    assert [send(body)[0] for body in (*bodies, *bodies)] == [200] * 3 + [409] * 3


def test_a_device_whose_clock_was_ahead_and_came_back(make: Make) -> None:
    device, signer = make()
    key = signer._key
    with clock.running_from(clock.now() + timedelta(days=1)):
        ahead = Signer("tram-1", "", ahead_s=86_400)
        ahead._key = key
        early = ahead.envelope([POSITION])
    assert send(early)[0] == 422
    # The same program goes on, its clock right again; and one that starts anew.
    ahead._ahead_ms = 0
    assert send(ahead.envelope([POSITION]))[0] == 200
    assert send(signer.envelope([POSITION]))[0] in (200, 409)
    assert send(early)[0] == 422 and DeviceState.objects.get(device=device).highest < clock.time() * 1e6 + 240e6


def test_what_an_earlier_version_took_is_set_back_by_a_new_key(make: Make) -> None:
    device, signer = make()
    old = signer.envelope([POSITION])
    assert send(old)[0] == 200
    DeviceState.objects.filter(device=device).update(highest=2**63 - 5, seen=1)
    assert send(signer.envelope([POSITION]))[0] == 409
    ((level, what, mend),) = checks.findings()
    assert level == "error" and "tram-1" in what and "receivers key" in mend
    resident, officer = (Person.objects.create_user(f"{name}@example.org") for name in ("resident", "officer"))
    Membership.objects.create(person=officer, role="kernel.technician")
    for person, status in ((resident, 403), (officer, 200)):
        client = Client()
        client.force_login(person)
        answer = client.post("/api/devices/tram-1/key", HTTP_ORIGIN="http://testserver")
        assert answer.status_code == status, answer.content
    again = Signer("tram-1", answer.json()["key"])
    # With the old key nothing can be sent again.
    assert send(old)[0] == 401
    assert send(again.envelope([POSITION]))[0] == 200 and registry.device_of("tram-1").key_version == 2
    assert [level for level, _what, _mend in checks.findings()] == ["ok"]
