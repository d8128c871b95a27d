"""The HTTP door, and what officers see."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.db import DataError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.devices import drops, envelope, registry
from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Membership, Person
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door
from tests.kernel.devices.conftest import BUILDER, Make

pytestmark = pytest.mark.django_db
POSITION = {"kind": "position", "lat": -30.03, "lon": -51.2}


def send(body: bytes) -> tuple[int, dict[str, Any]]:
    answer = Client().post("/api/devices/messages", body, content_type="application/json")
    return answer.status_code, answer.json()


def counted() -> dict[tuple[str, str], int]:
    drops.flush()
    return {(row.device, row.reason): row.count for row in DropCount.objects.all()}


def test_a_batch_reaches_its_door_once_a_kind(make: Make) -> None:
    _, signer = make()
    status, body = send(signer.envelope([POSITION, {"kind": "unheard of"}, POSITION, {"no": "kind"}]))
    assert (status, body) == (200, {"accepted": 2, "dropped": {"unknown_kind": 1, "no_kind": 1}})
    assert [(who, messages) for who, messages, _at in door.TAKEN] == [("tram-1", [POSITION, POSITION])]
    assert registry.device_of("tram-1").last_seen == door.TAKEN[0][2]
    assert counted() == {("tram-1", "unknown_kind"): 1, ("tram-1", "no_kind"): 1}


def test_a_device_may_use_only_its_own_services_doors(make: Make) -> None:
    _device, signer = make()
    assert send(signer.envelope([{"kind": "depth"}]))[1]["dropped"] == {"unknown_kind": 1}
    assert door.TAKEN == []


def test_wrong_key_and_unknown_device_look_the_same(make: Make) -> None:
    make()
    wrong = send(Signer("tram-1", "A" * 43).envelope([POSITION]))
    unknown = send(Signer("tram-9", "A" * 43).envelope([POSITION]))
    assert wrong == unknown
    assert (wrong[0], wrong[1]["code"]) == (401, "unsigned")
    assert counted() == {("", "unsigned"): 2}


def test_replay_is_refused(make: Make) -> None:
    _device, signer = make()
    body = signer.envelope([POSITION])
    assert send(body)[0] == 200
    status, answer = send(body)
    assert (status, answer["code"], answer["field"]) == (409, "replay", "nonce")
    assert len(door.TAKEN) == 1
    assert counted() == {("tram-1", "replay"): 1}


def test_envelopes_may_overtake_one_another_within_the_window(make: Make) -> None:
    _device, signer = make()
    bodies = [signer.envelope([POSITION]) for _ in range(70)]
    assert send(bodies[69])[0] == 200
    assert [send(body)[0] for body in bodies[7:69]] == [200] * 62
    assert [send(body)[0] for body in bodies[:7]] == [409] * 7
    assert [send(body)[0] for body in bodies[7:]] == [409] * 63


@pytest.mark.parametrize(("off_ms", "code"), [(-121_000, "stale"), (121_000, "future")])
def test_a_clock_too_far_off_is_refused(make: Make, off_ms: int, code: str) -> None:
    _device, signer = make()
    now = time.time_ns() // 1_000_000
    status, answer = send(signer.envelope([POSITION], sent_at=now + off_ms))
    assert (status, answer["code"]) == (422, code)
    assert send(signer.envelope([POSITION], sent_at=now + off_ms * 100 // 121))[0] == 200


def test_switching_off_and_a_new_key_count_at_once(make: Make) -> None:
    _device, signer = make()
    assert send(signer.envelope([POSITION]))[0] == 200
    registry.disable(BUILDER, "tram-1", reason="stolen")
    status, answer = send(signer.envelope([POSITION]))
    assert (status, answer["code"]) == (403, "disabled")
    registry.enable(BUILDER, "tram-1")
    assert send(signer.envelope([POSITION]))[0] == 200
    key = registry.rotate_key(BUILDER, "tram-1")
    assert send(signer.envelope([POSITION]))[0] == 401
    assert send(Signer("tram-1", key).envelope([POSITION]))[0] == 200


def test_too_much_at_once(make: Make) -> None:
    _device, signer = make()
    assert send(b" " * (envelope.LONGEST_BODY + 1))[0] == 413
    many = signer.envelope([{"kind": "position"}] * (envelope.MOST_MESSAGES + 1))
    assert send(many)[1]["code"] == "oversize"
    assert send(signer.envelope([{"kind": "position"}] * envelope.MOST_MESSAGES))[1]["accepted"] == 500


def test_an_action_that_refuses_leaves_the_nonce_unused(make: Make) -> None:
    _device, signer = make()
    refused = signer.envelope([{"kind": "refused"}])
    assert [send(refused)[1]["code"] for _ in range(2)] == ["no_line"] * 2
    door.FAULT.append(RuntimeError("a defect"))
    stumbled = signer.envelope([{"kind": "stumbling"}])
    status, answer = send(stumbled)
    assert (status, answer["code"]) == (503, "failed")
    assert "defect" not in json.dumps(answer)
    door.FAULT[:] = [DataError("text fields cannot contain NUL")]
    status, answer = send(stumbled)
    assert (status, answer["code"]) == (422, "unkeepable")  # not "send it again later"
    door.FAULT.clear()
    assert send(stumbled)[0] == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {
        "device": st.just("tram-1") | JSON,
        "sent_at": st.integers() | JSON,
        "nonce": st.integers() | JSON,
        "payload": st.text() | JSON,
        "signature": st.just("0" * 64) | JSON,
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | st.builds(lambda value: json.dumps(value).encode(), JSON | NEARLY))
def test_garbage_is_refused_in_order(body: bytes) -> None:
    status, answer = send(body)
    assert status in (401, 422)
    assert answer["code"] and answer["message"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(JSON, max_size=4))
def test_a_signed_batch_of_anything_is_counted_whole(messages: list[Any], make: Make) -> None:
    if not door.TAKEN and not hasattr(make, "signer"):
        make.signer = make()[1]  # type: ignore[attr-defined]
    text = json.loads(json.dumps(messages, allow_nan=False, default=str)) if _plain(messages) else []
    status, answer = send(make.signer.envelope(text))  # type: ignore[attr-defined]
    assert status == 200
    assert answer["accepted"] + sum(answer["dropped"].values()) == len(text)


def _plain(value: Any) -> bool:
    """Whether orjson and Python read the JSON of `value` alike: no NaN, no lone surrogate, no huge number."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        import orjson

        orjson.loads(text)
    except ValueError:
        return False
    return True


def test_only_officers_see_the_counts(make: Make) -> None:
    # What other tests of this process dropped is written with it.
    drops.flush()
    DropCount.objects.all().delete()
    make()
    send(b"garbage")
    drops.flush()
    resident, officer = (Person.objects.create_user(f"{name}@example.org") for name in ("resident", "officer"))
    Membership.objects.create(person=officer, role="kernel.technician")
    for person, status in ((None, 403), (resident, 403), (officer, 200)):
        client = Client()
        if person:
            client.force_login(person)
        assert client.get("/api/devices/drops").status_code == status
        assert client.get("/api/devices/").status_code == status
    assert [(row["reason"], row["count"]) for row in client.get("/api/devices/drops").json()] == [("malformed", 1)]
    listed = client.get("/api/devices/").json()
    assert [row["public_id"] for row in listed] == ["tram-1"]
    assert "key" not in listed[0]


def test_registering_takes_a_permission_and_a_free_id(make: Make) -> None:
    from cityhall.kernel.errors import Conflict, Denied, Invalid
    from cityhall.kernel.people.actors import ANONYMOUS

    make()
    with pytest.raises(Conflict):
        make()
    with pytest.raises(Invalid):
        make("a/b")
    with pytest.raises(Denied):
        registry.register(ANONYMOUS, kind="tram", owner="trams")
    made, _key = registry.register(system("test"), kind="Low floor tram", owner="trams")
    assert made.public_id.startswith("low-floor-tram-")


def test_the_key_is_not_in_the_database_as_it_is(make: Make) -> None:
    device, signer = make()
    assert signer._key not in bytes(device.key)
