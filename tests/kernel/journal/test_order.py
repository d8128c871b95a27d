"""Order without waiting: writers that are slow, give up or die neither hold up others nor leave gaps."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cityhall.kernel.journal import append, events, verify_all
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.journal.sealer import seal_all
from tests.kernel.journal.processes import start, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def write(stream: str, number: int) -> None:
    with transaction.atomic():
        append(stream, "test.written", {"number": number})


def numbers(stream: str) -> list[int]:
    return [event.data["number"] for event in events(stream)]


def test_an_event_is_there_if_and_only_if_the_change_is() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        append("a", "test.written", {"number": 1})
        raise RuntimeError
    write("a", 2)
    seal_all()
    assert [(event.sequence, event.data) for event in events("a")] == [(1, {"number": 2})]
    with pytest.raises(TransactionManagementError):
        append("a", "test.written", {})
    with pytest.raises(TypeError), transaction.atomic():
        append("a", "test.written", {"number": object()})


def test_a_writer_that_stays_open_holds_up_nobody_and_is_not_skipped() -> None:
    ready, go = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            append("a", "test.written", {"number": 1})
            ready.set()
            go.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert ready.wait(20)
    began = time.monotonic()
    for number in (2, 3):
        write("a", number)
    seal_all()
    assert time.monotonic() - began < 5, "they waited for the slow one"
    assert numbers("a") == [2, 3]
    last = events("a")[-1].position
    go.set()
    thread.join()
    seal_all()
    # It comes after what was read already, never before: a follower at `last` still hears of it.
    assert [event.data["number"] for event in events("a", after=last)] == [1]
    assert [event.sequence for event in events("a")] == [1, 2, 3]


def test_a_writer_that_is_killed_leaves_nothing() -> None:
    dying = start(
        "from cityhall.kernel.journal import append\n"
        "import time\n"
        "with transaction.atomic():\n"
        "    append('a', 'test.written', {'number': 1})\n"
        "    print('open')\n"
        "    time.sleep(60)\n"
    )
    wait_for(dying, "open")
    write("a", 2)
    dying.kill()
    dying.wait()
    write("a", 3)
    seal_all()
    assert numbers("a") == [2, 3]
    assert [event.sequence for event in events("a")] == [1, 2]
    assert verify_all() == []


def test_many_writers_and_sealers_at_once() -> None:
    """Each writer's own order is kept, sequences have no gap, no position is given twice or goes back."""
    stop, seen = threading.Event(), []

    def writer(name: int) -> None:
        for number in range(40):
            try:
                with transaction.atomic():
                    append(f"stream {number % 3}", "test.written", {"writer": name, "number": number})
                    if number % 7 == 3:
                        raise RuntimeError
            except RuntimeError:
                pass
        connection.close()

    def sealer() -> None:
        while not stop.is_set():
            seal_all()
        connection.close()

    def reader() -> None:
        position = 0
        while not stop.is_set() or events(after=position):
            for event in events(after=position):
                seen.append(event.id)
                position = event.position
        connection.close()

    writers = [threading.Thread(target=writer, args=(name,)) for name in range(6)]
    others = [threading.Thread(target=sealer) for _ in range(2)] + [threading.Thread(target=reader)]
    for thread in (*others, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    seal_all()
    time.sleep(0.2)
    stop.set()
    for thread in others:
        thread.join()
    everything = events(limit=1000)
    assert len(everything) == 6 * (40 - 6)
    assert [event.position for event in everything] == list(range(1, len(everything) + 1))
    assert seen == [event.id for event in everything], "the reader missed or doubled something"
    own: dict[int, list[int]] = defaultdict(list)
    for event in everything:
        own[event.data["writer"]].append(event.data["number"])
    assert all(order == sorted(order) for order in own.values())
    for stream in range(3):
        sequences = [event.sequence for event in everything if event.stream == f"stream {stream}"]
        assert sequences == list(range(1, len(sequences) + 1))
    assert verify_all() == []


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


class Payloads(TestCase):
    """Whatever an event says, it is read as it was written and its hash stays right."""

    @hypothesis_settings(max_examples=60, deadline=None)
    @given(st.dictionaries(TEXT, JSON, max_size=5))
    def test_round_trip(self, data: dict[str, object]) -> None:
        with transaction.atomic():
            identity = append("payload", "test.said", data)
        seal_all()
        (event,) = [event for event in events("payload") if event.id == identity]
        assert event.data == data
        assert verify_all() == []
        assert Entry.objects.filter(position=None).count() == 0
