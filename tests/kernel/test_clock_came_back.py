"""A city whose clock was ahead and came back: what is dated ahead hides, blocks and holds up nothing of now."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cityhall.engines.gnss import Position
from cityhall.kernel import clock
from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.deadlines.taker import take_due
from cityhall.kernel.devices import registry, silence
from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.errors import TooMany
from cityhall.kernel.journal import append, events
from cityhall.kernel.journal.sealer import seal_all
from cityhall.kernel.limits.models import Spent
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import system
from cityhall.kernel.vehicles.doors.directory import Known
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.speaker import Speaker
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import VehicleState
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.kernel.work import health, supervisor, taking_up
from tests.kernel.deadlines.conftest import done

__all__ = ["done"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
DAY = timedelta(days=1)


def sql(statement: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def test_the_journal_goes_by_position_and_new_events_come_after_old_ones() -> None:
    with clock.running_from(clock.now() + DAY), transaction.atomic():
        append("a", "ahead", {})
    seal_all()
    (ahead,) = events("a")
    with transaction.atomic():
        append("a", "now", {})
    seal_all()
    (now,) = events("a", after=ahead.position)
    assert now.type == "now" and now.time < ahead.time and now.sequence == ahead.sequence + 1


@pytest.mark.parametrize("hours", [1.0, 1.5, 24.0])
def test_a_limit_that_was_spent_ahead_is_none_of_now(hours: float) -> None:
    for _ in range(3):
        spend("test", "source", 3, 3600)
    with pytest.raises(TooMany):
        spend("test", "source", 3, 3600)
    Spent.objects.update(until=timezone.now() + timedelta(hours=hours + 1))
    for _ in range(3):
        spend("test", "source", 3, 3600)
    with pytest.raises(TooMany):
        spend("test", "source", 3, 3600)


def test_a_share_larger_than_the_limit_frees_nobody() -> None:
    spend("test", "source", 3, 3600, share=30)
    with pytest.raises(TooMany):
        spend("test", "source", 3, 3600)


def test_a_device_that_was_last_heard_of_ahead_falls_silent_and_is_heard_again() -> None:
    device, _key = registry.register(system("test"), kind="x", owner="transit", silence_after=60, public_id="d")
    now = timezone.now()
    DeviceState.objects.create(device=device, last_seen=now + DAY)
    assert silence.look(now) == ([], [])
    assert silence.look(now + timedelta(minutes=2)) == (["d"], [])
    DeviceState.objects.update(silent_since=now + DAY, last_seen=now + DAY)
    silence.look(now)
    DeviceState.objects.update(last_seen=now + timedelta(seconds=9))
    assert silence.look(now + timedelta(seconds=10)) == ([], ["d"])


def test_a_receiver_that_was_last_heard_of_ahead_is_heard_of_now() -> None:
    device, _key = registry.register(system("test"), kind="x", owner="vehicles", public_id="d")
    DeviceState.objects.create(device=device, last_seen=timezone.now() + DAY)
    with Handover(lambda: None, 3600.0) as handing:
        handing.put(Batch(heard={device.pk}))
    assert abs(DeviceState.objects.get().last_seen - timezone.now()) < timedelta(minutes=1)  # type: ignore[operator]


def test_a_receiver_is_not_without_its_rate_until_then() -> None:
    speaker, now = Speaker(Known(1, "d", "v", "nmea", None)), clock.time()
    for at in (now + 86_400, now):
        batch = Batch()
        speaker._positions.append(Position(at, 126.5, 33.5, 4, 0.02, 3.0, 90.0))
        speaker._take(at, batch)
        assert len(batch.fixes) == 1, dict(batch.drops)


def test_a_deadline_that_failed_ahead_is_tried_now(done: None) -> None:
    now = timezone.now()
    with transaction.atomic():
        set_deadline("trial.note", "case:1", now)
        set_deadline("trial.note", "case:2", now)
    Deadline.objects.filter(subject="case:1").update(attempts=2, next_at=now + DAY)
    Deadline.objects.filter(subject="case:2").update(attempts=2, next_at=now + timedelta(seconds=200))
    assert take_due() == 1
    assert list(Deadline.objects.values_list("subject", flat=True)) == ["case:2"]


def test_a_worker_that_died_ahead_is_not_alive_until_then() -> None:
    sql("DELETE FROM procrastinate_workers")
    sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 day')")
    assert not health._worker_lives()
    ((worker,),) = sql("SELECT id FROM procrastinate_workers")
    sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args, worker_id, attempts, scheduled_at)"
        " VALUES ('t', 'test.held', 'doing', '{}', %s, 0, NULL), ('t', 'test.again', 'todo', '{}', NULL, 1,"
        " now() + interval '1 day')",
        worker,
    )
    assert taking_up.take_up() == 0, "it may be alive: it says so within seconds"
    sql("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
    assert taking_up.take_up() == 1
    assert sql("SELECT scheduled_at <= now() FROM procrastinate_jobs WHERE task_name = 'test.again'") == [(True,)]
    sql("DELETE FROM procrastinate_jobs WHERE task_name LIKE 'test.%%'")
    sql("DELETE FROM procrastinate_workers")


def test_a_vehicle_that_was_seen_ahead_is_followed_now_and_no_ghost_until_then() -> None:
    now = clock.time()
    ahead = now + 86_400
    before = Tracking(ahead)
    for vehicle in ("one", "gone"):
        before.tick([Fix(vehicle, "d", ahead, 126.5, 33.5)], now=ahead)
    tracking = Tracking(now)
    tracking.tick([Fix("one", "d", now + 1, 126.51, 33.5)], now=now + 1)
    states = dict(VehicleState.objects.values_list("vehicle__public_id", "at"))
    assert states["one"].timestamp() == pytest.approx(now + 1, abs=0.1)
    assert states["gone"].timestamp() <= now + 60


def test_a_process_whose_clock_went_back_begins_anew() -> None:
    """What it has in mind is of then: the periodic jobs, for one, would not be deferred again until then."""
    stop = threading.Event()
    threading.Timer(30, stop.set).start()
    with clock.running_from(clock.now() + DAY):
        threading.Timer(0.6, clock.set_ahead, (0.0,)).start()
        with pytest.raises(supervisor.PartEnded, match="went back by 86"):
            supervisor.run([supervisor.Part("waits", lambda stop: stop.wait())], stop)
