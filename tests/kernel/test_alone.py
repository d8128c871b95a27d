"""Work that one process of the city does at a time goes on in another when the first loses the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from cityhall.kernel.database import alone
from cityhall.kernel.work import beats

pytestmark = [pytest.mark.attack, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NUMBER = 0x7465_7374


class Process:
    """A thread as another process of the city would be one: it works, and says on which connection."""

    def __init__(self) -> None:
        self.stop, self.backend = threading.Event(), 0
        self.thread = threading.Thread(target=alone.alone, args=("the test", NUMBER, self.work, self.stop))
        self.thread.start()

    def work(self, holding: psycopg.Connection[Any]) -> Iterator[None]:
        self.backend = holding.info.backend_pid
        try:
            while not self.stop.wait(0.02):
                holding.execute("SELECT 1")
                yield
        finally:
            self.backend = 0

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_works_and_another_takes_over(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(alone, "EVERY_S", 0.05)
    first = Process()
    until(lambda: first.backend)
    second = Process()
    try:
        time.sleep(0.3)
        assert not second.backend, "one at a time"
        monkeypatch.setattr(alone, "REST_S", 2.0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first.backend])
        until(lambda: second.backend)
        until(lambda: "the test" in beats._pulses)  # where a round hangs it is noticed
        until(lambda: not first.backend and "the test waits for the database" in caplog.text)
        second.end()
        until(lambda: first.backend)
    finally:
        first.end()
        second.end()


def test_what_is_not_the_databases_fault_passes_through() -> None:
    def work(holding: psycopg.Connection[Any]) -> Iterator[None]:
        yield
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        alone.alone("the test", NUMBER, work, threading.Event())
