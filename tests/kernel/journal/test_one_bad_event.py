"""One event that cannot be dealt with does not keep those behind it waiting, nor does an outage count as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from cityhall.kernel.journal import Event, Follower, append, checks, relay
from cityhall.kernel.journal import runner as runner_module
from cityhall.kernel.journal.followers import ATTEMPTS, follow, hand_again
from cityhall.kernel.journal.models import Parked
from cityhall.kernel.journal.sealer import seal_all
from cityhall.kernel.work import checks as work_checks
from tests.kernel.journal.test_relay import Relaying, Server, published, server, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
__all__ = ["server"]


def write(*numbers: int, **more: Any) -> None:
    for number in numbers:
        with transaction.atomic():
            append("a", "test.written", {"number": number, **more})
    seal_all()


def of(got: list[int], bad: Callable[[int], None]) -> Follower:
    """A follower that writes numbers to a table; `bad` raises on those that it does not like."""

    def handler(found: list[Event]) -> None:
        for event in found:
            bad(event.data["number"])
            got.append(event.data["number"])

    return Follower("test", handler, ("a",))


def stumble(number: int) -> None:
    if number == 3:
        raise LookupError("three")


def too_deep(number: int) -> None:
    """The database's own refusal of a value (54001), which Django calls OperationalError as it calls an outage."""
    if number == 3:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::jsonb", ["[" * 100_000 + "]" * 100_000])


@pytest.mark.parametrize("bad", [stumble, too_deep])
def test_in_the_running_worker_the_others_come_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, bad: Callable[[int], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS test_heard (number integer)")
        cursor.execute("TRUNCATE test_heard")

    def handler(found: list[Event]) -> None:
        for event in found:
            bad(event.data["number"])
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO test_heard VALUES (%s)", [event.data["number"]])

    follower = Follower("test", handler, ("a",))
    monkeypatch.setattr(runner_module, "followers", lambda: [follower])
    write(*range(6))
    stop = threading.Event()
    running = threading.Thread(target=runner_module.main, args=(stop,))
    running.start()
    try:
        for _ in range(150):
            with connection.cursor() as cursor:
                cursor.execute("SELECT number FROM test_heard ORDER BY ctid")
                heard = [number for (number,) in cursor.fetchall()]
            if len(heard) >= 5:
                break
            time.sleep(0.1)
    finally:
        stop.set()
        running.join(15)
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE test_heard")
    assert heard == [0, 1, 2, 4, 5]
    ((level, what, mend),) = checks.findings()
    assert level == "warning" and "test failed on 1 events" in what and "journal again test" in mend


def test_an_outage_sets_nothing_aside() -> None:
    got: list[int] = []

    def away(number: int) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    write(1, 2)
    for _ in range(3 * ATTEMPTS):
        with pytest.raises(OperationalError):
            follow(of(got, away))
    assert not Parked.objects.exists()
    assert follow(of(got, lambda number: None)) == 2 and got == [1, 2]


def test_what_was_set_aside_can_be_handed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []
    write(3, 4)
    for _ in range(ATTEMPTS):
        with pytest.raises(LookupError):
            follow(of(got, stumble))
    follow(of(got, stumble))
    assert got == [4]
    assert hand_again(of(got, stumble)) == (0, 1) and Parked.objects.count() == 1
    assert hand_again(of(got, lambda number: None)) == (1, 0) and got == [4, 3]
    assert hand_again(of(got, lambda number: None)) == (0, 0) and got == [4, 3]
    assert [level for level, _what, _mend in checks.findings()] == ["ok"]


@pytest.mark.broker
def test_an_event_too_large_for_the_server_does_not_stop_the_relay(server: Server) -> None:
    server.start()
    write(0)
    write(1, much="x" * 1_200_000)
    with transaction.atomic():
        append("a", "..odd...name..", {"number": 2})
    write(3)
    with Relaying():
        found = wait_until(server, 3)
    assert [one["data"]["number"] for one in found] == [0, 2, 3]
    assert any("journal.relay" in what for level, what, _mend in work_checks.findings() if level == "warning")
    # Once and for all: a relay that starts anew does not try it again.
    with Relaying():
        write(4)
        found = wait_until(server, 4)
    assert [one["data"]["number"] for one in found] == [0, 2, 3, 4] and len(published(server)) == 4
    assert relay._cursor() == 5
