"""One receiver whose positions nobody can deal with keeps no other from being heard, at any step of the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from cityhall.engines.gnss import Epochs
from cityhall.kernel import clock
from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.doors import handover, mqtt
from cityhall.kernel.vehicles.doors.directory import Directory
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.speaker import Speaker
from cityhall.kernel.vehicles.doors.tcp import Door
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import FixInbox, Receiver, VehicleState
from cityhall.kernel.vehicles.tracking.fleet import Fleet
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from tests.kernel.vehicles.conftest import Counted, epoch, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]


def fix(vehicle: str, at: float, **more: Any) -> Fix:
    return Fix(vehicle, f"rx-{vehicle}", at, 126.5, 33.5, **more)


def seen() -> set[str]:
    return set(VehicleState.objects.values_list("vehicle__public_id", flat=True))


def test_what_is_no_fix_is_taken_out_of_the_inbox_once(counted: Counted) -> None:
    now = clock.time()
    FixInbox.objects.create(vehicle="bad", device="rx-bad", fix={"nobody": "knows"}, received_at=clock.now())
    inbox.submit([fix("good", now)], clock.now())
    assert Tracking(now).tick(now=now) == 1
    assert seen() == {"good"} and not FixInbox.objects.exists() and counted.found == {("", "failed"): 1}


@pytest.mark.parametrize("where", ["take", "keep"])
def test_the_tracker_passes_over_a_vehicle_that_it_stumbles_on(
    counted: Counted, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    take, placed = Fleet.take, Fleet.places

    def stumble_taking(self: Fleet, fixes: Any, now: float) -> Any:
        taken = take(self, fixes, now)
        if any(one.vehicle == "bad" for one in fixes):
            raise LookupError("bad")
        return taken

    def stumble_keeping(self: Fleet, rows: Any, remember: Any) -> Any:
        made = placed(self, rows, remember)
        for place, row in enumerate(rows.tolist()):
            if self.vehicles[row].public_id == "bad":
                # What no column takes: the whole statement is refused.
                made["accuracy_m"][place] = None
        return made

    if where == "take":
        monkeypatch.setattr(Fleet, "take", stumble_taking)
    else:
        monkeypatch.setattr(Fleet, "places", stumble_keeping)
    now = clock.time()
    inbox.submit([fix("bad", now), fix("one", now), fix("two", now)], clock.now())
    tracking = Tracking(now)
    tracking.tick(now=now)
    assert seen() == {"one", "two"} and not FixInbox.objects.exists()
    assert counted.found == {("rx-bad", "failed"): 1}
    # It rests; the others are followed on without being taken apart again.
    monkeypatch.setattr(Tracking, "_apart", None)
    tracking.tick([fix("bad", now + 2), fix("one", now + 2)], now=now + 2)
    assert counted.found == {("rx-bad", "failed"): 2}
    assert VehicleState.objects.get(vehicle__public_id="one").at.timestamp() == pytest.approx(now + 2, abs=0.01)


def test_a_batch_with_a_fix_that_cannot_be_kept_loses_only_that(counted: Counted) -> None:
    """Handed on by the table, where a text may hold no NUL: the database refused it for ever, and all behind it."""
    with Handover(lambda: None, 3600.0) as handing:
        now = clock.time()
        handing.put(Batch(fixes=[fix("one", now), fix("bad", now, trip="\0"), fix("two", now)]))
        handing.put(Batch(fixes=[fix("three", now)]))
        wait_for(lambda: FixInbox.objects.filter(vehicle="three").exists())
    assert list(FixInbox.objects.order_by("id").values_list("vehicle", flat=True)) == ["one", "two", "three"]
    assert counted.found == {("rx-bad", "failed"): 1}


def test_what_cannot_be_read_anew_keeps_nothing_from_being_handed_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[Any] = []
    arrived = threading.Event()

    def refresh() -> None:
        raise ValueError("one bad row")

    def submit(fixes: Any, at: Any) -> None:
        taken.extend(fixes)
        arrived.set()

    monkeypatch.setattr(handover.inbox, "submit", submit)
    with Handover(refresh, 0.0) as handing:
        handing.put(Batch(fixes=[fix("one", 1.0)]))
        assert arrived.wait(10)
    assert len(taken) == 1 and "one bad row" in caplog.text


def test_a_receiver_with_an_address_that_is_none_shuts_only_itself_out(receiver: Callable[..., str]) -> None:
    for name in ("rx-1", "rx-2"):
        receiver(name)
    Receiver.objects.filter(device__public_id="rx-1").update(address="nowhere")
    known = Directory()
    known.refresh()
    assert set(known.by_id) == {"rx-2"} and known.ready.is_set()
    connection.close()


def test_a_message_or_an_epoch_that_is_stumbled_on_does_not_end_its_door(
    receiver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver("rx-1", address="mqtt")
    receiver("rx-2", address="mqtt")
    known = Directory()
    known.refresh()
    hear = Speaker.hear

    def stumble(self: Speaker, *values: Any) -> None:
        if self.known.public_id == "rx-1":
            raise AssertionError("nobody thought of this")
        hear(self, *values)

    monkeypatch.setattr(Speaker, "hear", stumble)
    door = mqtt.Door("mqtt://127.0.0.1:1", known)
    for name in ("rx-1", "rx-2"):
        door.inbox.put((f"cityhall/nmea/{name}", epoch(), clock.time()))
    door.take()
    assert [one.device for one in door.batch.fixes] == ["rx-2"] and door.batch.drops["rx-1", "failed"] == 1
    monkeypatch.undo()

    tcp = Door(known)
    speakers = [Speaker(known.by_id[name]) for name in ("rx-1", "rx-2")]
    for speaker in speakers:
        # The last sentence of an epoch is what its end is waited for.
        for sentence in epoch().splitlines(keepends=True)[:1]:
            speaker.hear(sentence.strip(), clock.time(), tcp.batch)
        assert speaker.epochs.open
        tcp.open.add(speaker)

    class Bad(Epochs):
        def flush(self, *values: Any) -> None:
            raise AssertionError("nor of this")

    speakers[0].epochs = Bad()
    with clock.running_from(clock.now()):
        clock.set_ahead(5.0)
        batch = tcp.tick()
    assert [one.device for one in batch.fixes] == ["rx-2"] and batch.drops["rx-1", "failed"] == 1 and not tcp.open
    assert not DropCount.objects.filter(reason="overload").exists()
