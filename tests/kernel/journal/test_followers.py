"""Followers hear of everything, in order, at least once, and soon."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from cityhall.kernel.journal import Event, Follower, append
from cityhall.kernel.journal import runner as runner_module
from cityhall.kernel.journal.followers import ATTEMPTS, follow, followers
from cityhall.kernel.journal.models import Cursor, Entry, Parked
from cityhall.kernel.journal.sealer import seal_all
from tests.kernel.journal.processes import start, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def write(number: int, stream: str = "a") -> None:
    with transaction.atomic():
        append(stream, "test.written", {"number": number})


def heard(into: list[int]) -> Follower:
    return Follower("test", lambda found: into.extend(event.data["number"] for event in found), ("a",))


def test_each_event_once_in_order_and_only_of_its_streams() -> None:
    got: list[int] = []
    for number in range(5):
        write(number)
        write(100 + number, "b")
    seal_all()
    while follow(heard(got), batch=3):
        pass
    assert got == [0, 1, 2, 3, 4]
    assert follow(heard(got)) == 0
    write(5)
    seal_all()
    follow(heard(got))
    assert got == [0, 1, 2, 3, 4, 5]


def test_what_fails_is_tried_again_and_then_set_aside() -> None:
    got: list[int] = []

    def handler(found: list[Event]) -> None:
        for event in found:
            if event.data["number"] == 1:
                raise RuntimeError("cannot")
            got.append(event.data["number"])

    for number in range(3):
        write(number)
    seal_all()
    for _ in range(ATTEMPTS):
        with pytest.raises(RuntimeError):
            follow(Follower("test", handler, ("a",)))
    # Each time anew from the first, and after the last time one by one: what went well then is not told again.
    assert got == [0] * (ATTEMPTS + 1)
    follow(Follower("test", handler, ("a",)))
    assert got[ATTEMPTS + 1 :] == [2] and follow(Follower("test", handler, ("a",))) == 0
    parked = Parked.objects.get()
    assert (parked.follower, parked.error) == ("test", "RuntimeError('cannot')")
    failing = Entry.objects.get(id=parked.event)
    assert failing.data == {"number": 1} and parked.position == failing.position


def test_a_follower_that_is_killed_goes_on_where_it_was() -> None:
    """Killed in the midst of a batch, with half its work written: that half is rolled back with the cursor."""
    for number in range(20):
        write(number)
    seal_all()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS test_heard (number integer)")
        cursor.execute("TRUNCATE test_heard")
    work = (
        "from cityhall.kernel.journal.followers import Follower, follow\n"
        "import time\n"
        "def handler(found):\n"
        "    with connection.cursor() as cursor:\n"
        "        for event in found:\n"
        "            cursor.execute('INSERT INTO test_heard VALUES (%s)', [event.data['number']])\n"
        "            if event.data['number'] == STOP:\n"
        "                print('half')\n"
        "                time.sleep(60)\n"
        "while follow(Follower('test', handler), batch=6):\n"
        "    pass\n"
        "print('done')\n"
    )
    dying = start("STOP = 8\n" + work)
    wait_for(dying, "half")
    dying.kill()
    dying.wait()
    again = start("STOP = -1\n" + work)
    wait_for(again, "done")
    again.wait()
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM test_heard ORDER BY ctid")
        assert [number for (number,) in cursor.fetchall()] == list(range(20))
        cursor.execute("DROP TABLE test_heard")
    assert Cursor.objects.get(name="test").position == 20


def test_two_processes_do_not_do_the_same_work_twice() -> None:
    for number in range(200):
        write(number)
    seal_all()
    got: list[int] = []
    lock = threading.Lock()

    def handler(found: list[Event]) -> None:
        time.sleep(0.01)
        with lock:
            got.extend(event.data["number"] for event in found)

    def work() -> None:
        while len(got) < 200:
            follow(Follower("test", handler), batch=10)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got == list(range(200))


def test_they_are_woken_and_do_not_wait_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the safety look an hour away, only a notification can bring the event within seconds."""
    monkeypatch.setattr(runner_module, "SAFETY_S", 3600.0)
    arrived: list[float] = []
    follower = Follower("woken", lambda found: arrived.extend(time.monotonic() for _ in found), ("a",))
    monkeypatch.setattr(runner_module, "followers", lambda: [follower])
    stop = threading.Event()
    running = threading.Thread(target=runner_module.main, args=(stop,))
    running.start()
    try:
        time.sleep(1.0)
        delays = []
        for number in range(5):
            before, sent = len(arrived), time.monotonic()
            write(number)
            while len(arrived) == before and time.monotonic() - sent < 10:
                time.sleep(0.002)
            delays.append(arrived[-1] - sent)
            time.sleep(0.7)
        assert len(arrived) == 5 and sorted(delays)[2] < 2, delays
    finally:
        stop.set()
        running.join(15)


def test_a_name_is_one_followers(monkeypatch: pytest.MonkeyPatch) -> None:
    from cityhall.kernel import service

    def handler(found: list[Event]) -> None:
        raise AssertionError("nobody calls it")

    pair = tuple(
        service.Service(slug, slug, "", "tests", declares=(Follower("taken", handler),)) for slug in ("one", "two")
    )
    monkeypatch.setattr(service, "city_services", lambda: pair[:1])
    assert [one.name for one in followers() if one.name == "taken"] == ["taken"]
    monkeypatch.setattr(service, "city_services", lambda: pair)
    with pytest.raises(service.ServiceError, match="taken"):
        followers()
