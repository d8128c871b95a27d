"""Takers in processes of their own: killed while they work, late by how much, and clocks that jump."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction

from cityhall.kernel.deadlines.actions import clear, set_deadline, set_deadlines
from cityhall.kernel.deadlines.models import Deadline
from tests.kernel.journal.processes import start, wait_for

pytestmark = [pytest.mark.usefixtures("done"), pytest.mark.slow]
TAKER = """
import threading
from tests.kernel.deadlines import kind
kind.use()
from cityhall.kernel.deadlines import taker
print("ready", flush=True)
taker.run(threading.Event())
"""
NUMBER, A_MINUTE = int(os.environ.get("DEADLINES", "1000")), 5000
JUMP = """
CREATE SCHEMA jump;
CREATE TABLE jump.clock (ahead interval NOT NULL);
INSERT INTO jump.clock VALUES ('0');
CREATE FUNCTION jump.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM jump.clock)'
"""


@contextmanager
def takers(number: int) -> Iterator[list[subprocess.Popen[str]]]:
    """So many processes that act on what is due."""
    running = [start(TAKER) for _ in range(number)]
    try:
        for process in running:
            wait_for(process, "ready")
            # What they say later would fill the pipe.
            assert process.stdout is not None
            threading.Thread(target=process.stdout.read, daemon=True).start()
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def subjects() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject FROM deadline_done")
        return [subject for (subject,) in cursor.fetchall()]


def wait_until_done(seconds: float) -> None:
    until = time.monotonic() + seconds
    while Deadline.objects.exists() and time.monotonic() < until:
        time.sleep(0.1)


def test_each_is_acted_on_once_however_often_takers_are_killed() -> None:
    now = database_now()
    wanted = [f"alert:{number}" for number in range(400)]
    with takers(5) as running:
        with transaction.atomic():
            set_deadlines("trial.slow", [(one, now + timedelta(seconds=random.uniform(0, 2))) for one in wanted])
        killed = 0
        for process in running[:-1]:
            time.sleep(random.uniform(0.2, 0.5))
            if Deadline.objects.exists():
                process.send_signal(signal.SIGKILL)
                killed += 1
        wait_until_done(60)
    assert sorted(subjects()) == sorted(wanted) and killed >= 2, "each once, though some died at work"


def test_late_by_less_than_a_second() -> None:
    """At the rate of 5,000 a minute, with two takers."""
    seconds = NUMBER * 60 / A_MINUTE
    with takers(2):
        begin = database_now() + timedelta(seconds=1)
        due = [begin + timedelta(seconds=random.uniform(0, seconds)) for _ in range(NUMBER)]
        with transaction.atomic():
            set_deadlines("trial.note", [(f"offer:{number}", moment) for number, moment in enumerate(due)])
        time.sleep(seconds)
        wait_until_done(30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM at - due)::float8, process FROM deadline_done")
        rows = cursor.fetchall()
    late = np.array([row[0] for row in rows])
    print(f"late: p50 {np.median(late) * 1e3:.1f} ms, p99 {np.quantile(late, 0.99) * 1e3:.1f} ms, {late.max():.3f} s")
    assert len(rows) == NUMBER and late.min() >= 0, "none too early"
    assert np.median(late) < 1 and np.quantile(late, 0.99) < 1
    assert len({row[1] for row in rows}) == 2, "they shared the work"


def test_what_is_due_at_once_is_done_at_once_and_what_is_cleared_is_not() -> None:
    waits = []
    with takers(1):
        for number in range(5):
            time.sleep(0.3)
            began = time.monotonic()
            with transaction.atomic():
                set_deadline("trial.note", f"hold:{number}", database_now())
                set_deadline("trial.note", f"cleared:{number}", database_now())
                clear("trial.note", f"cleared:{number}")
            while f"hold:{number}" not in subjects() and time.monotonic() < began + 5:
                time.sleep(0.005)
            waits.append(time.monotonic() - began)
    assert len(subjects()) == 5 and sorted(waits)[2] < 0.4, f"woken, not only looked for now and then: {waits}"


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database whose clock can be set: connections made with these options read it."""
    with connection.cursor() as cursor:
        cursor.execute(JUMP)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA jump CASCADE")


def test_clocks_that_jump(jump: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(seconds: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jump.clock SET ahead = %s * interval '1 second'", [seconds])

    def put(subject: str, seconds: float) -> None:
        with transaction.atomic():
            set_deadline("trial.note", subject, database_now() + timedelta(seconds=seconds))

    with monkeypatch.context() as options:
        options.setenv("PGOPTIONS", "-c search_path=jump,public,pg_catalog")
        running = takers(2)
        running.__enter__()
    try:
        put("soon", 40)
        put("later", 3600)
        time.sleep(1.5)
        assert subjects() == []
        ahead(45)
        time.sleep(1.5)
        assert subjects() == ["soon"], "forwards: at once what is due by the new clock, and nothing else"
        ahead(-7200)
        put("back", -7199)
        put("before", 1)
        time.sleep(2.5)
        assert subjects() == ["soon", "back"], "backwards: it waits for its moment by the new clock"
        ahead(0)
        time.sleep(1.5)
        assert subjects() == ["soon", "back", "before"]
    finally:
        running.__exit__(None, None, None)
