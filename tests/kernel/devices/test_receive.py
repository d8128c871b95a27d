"""Batches, and several processes at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from cityhall.kernel.devices import drops, receive, registry, silence
from cityhall.kernel.devices.models import DropCount
from tests.kernel.devices import door
from tests.kernel.devices.conftest import BUILDER, Make

POSITION = {"kind": "position"}


@pytest.mark.django_db(transaction=True)
def test_one_nonce_at_once_in_many_threads_is_taken_once(make: Make) -> None:
    _device, signer = make()
    receive.receive([signer.envelope([POSITION])])
    for _round in range(5):
        door.TAKEN.clear()
        body = signer.envelope([POSITION])
        gate = threading.Barrier(4)

        def send(body: bytes = body, gate: threading.Barrier = gate) -> str:
            gate.wait()
            try:
                outcome = receive.receive([body])[0]
            finally:
                connection.close()
            return outcome.refusal.code if outcome.refusal else "taken"

        with ThreadPoolExecutor(4) as pool:
            answers = sorted(pool.map(lambda _: send(), range(4)))
        assert answers == ["replay"] * 3 + ["taken"]
        assert len(door.TAKEN) == 1


@pytest.mark.django_db
def test_a_batch_with_one_bad_envelope_loses_only_that(make: Make) -> None:
    signers = [make(f"tram-{number}")[1] for number in range(5)]
    bodies = [signer.envelope([POSITION]) for signer in signers for _ in range(2)]
    bodies[3] = signers[1].envelope([{"kind": "refused"}])
    bodies.append(bodies[0])
    outcomes = receive.receive(bodies)
    assert [outcome.refusal.code if outcome.refusal else outcome.accepted for outcome in outcomes] == [
        *(1, 1, 1, "no_line", 1, 1, 1, 1, 1, 1),
        "replay",
    ]


@pytest.mark.django_db
def test_a_batch_is_one_claim(make: Make, django_assert_max_num_queries: object) -> None:
    signers = [make(f"tram-{number}")[1] for number in range(50)]
    receive.receive([signer.envelope([POSITION]) for signer in signers])
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        receive.receive([signer.envelope([POSITION]) for signer in signers])
    assert len(door.TAKEN) == 100


@pytest.mark.django_db
def test_a_topic_must_name_the_device(make: Make) -> None:
    _device, signer = make()
    body = signer.envelope([POSITION])
    refusal = receive.receive([body], topics=["tram-2"])[0].refusal
    assert refusal is not None and refusal.code == "wrong_topic"
    assert receive.receive([body], topics=["tram-1"])[0].accepted == 1


@pytest.mark.django_db
def test_silence_is_told_once_and_so_is_its_end(make: Make) -> None:
    _device, signer = make("tram-1", silence_after=60)
    _other, quiet = make("tram-2")
    now = timezone.now()
    receive.receive([signer.envelope([POSITION]), quiet.envelope([POSITION])], received_at=now)
    assert silence.look(now + timedelta(seconds=59)) == ([], [])
    assert silence.look(now + timedelta(seconds=61)) == (["tram-1"], [])
    assert silence.look(now + timedelta(seconds=99)) == ([], [])
    later = now + timedelta(seconds=100)
    receive.receive([signer.envelope([POSITION])], received_at=later)
    assert silence.look(later) == ([], ["tram-1"])
    assert silence.look(later) == ([], [])
    registry.disable(BUILDER, "tram-1")
    assert silence.look(later + timedelta(days=1)) == ([], [])


@pytest.mark.django_db
def test_a_lost_secret_key_locks_a_device_out_and_says_so(
    make: Make, settings: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    _device, signer = make()
    former = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another one"  # type: ignore[attr-defined]
    refusal = receive.receive([signer.envelope([POSITION])])[0].refusal
    assert refusal is not None and refusal.code == "unsigned"
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    settings.SECRET_KEY_FALLBACKS = [former]  # type: ignore[attr-defined]
    assert receive.receive([signer.envelope([POSITION])])[0].accepted == 1


@pytest.mark.django_db(transaction=True)
def test_counts_are_written_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drops, "EVERY_SECONDS", 0.05)
    stop = threading.Event()
    writer = threading.Thread(target=drops._write_on, args=(stop,))
    writer.start()
    for _ in range(3):
        drops.count("unsigned", 2)
        time.sleep(0.1)
    drops.count("unsigned")
    deadline = time.monotonic() + 5
    while DropCount.objects.aggregate(all=Sum("count"))["all"] != 7 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    writer.join(5)
    assert [(row.reason, row.count) for row in DropCount.objects.all()] == [("unsigned", 7)]
