"""The worker waits for a database that is late, and what is deferred in its process waits for the transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg_pool
import pytest
from django.db import connection, transaction

from cityhall.kernel.notify.tasks import deliver
from cityhall.running import worker

pytestmark = pytest.mark.attack
NOBODYS = 987_654_321


def workers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return int(cursor.fetchone()[0])


@contextmanager
def working() -> Iterator[None]:
    """A worker in this process, as a thread of it."""
    stop = threading.Event()
    running = threading.Thread(target=worker.jobs, args=(stop,))
    running.start()
    try:
        until = time.monotonic() + 60
        while not workers() and running.is_alive() and time.monotonic() < until:
            time.sleep(0.1)
        yield
    finally:
        stop.set()
        running.join(30)
    assert not running.is_alive()


@pytest.mark.django_db(transaction=True)
def test_the_jobs_wait_for_a_database_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = psycopg_pool.AsyncConnectionPool.open
    late: list[bool] = []

    async def first_time_late(pool: Any, *args: Any, **values: Any) -> None:
        if not late:
            late.append(True)
            await pool.close()
            raise psycopg_pool.PoolTimeout("pool initialization incomplete after 30.0 sec")
        await opened(pool, *args, **values)

    monkeypatch.setattr(psycopg_pool.AsyncConnectionPool, "open", first_time_late)
    with working():
        assert late and workers() == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_is_there_when_what_it_is_of_is_committed_and_not_before() -> None:
    """Else it finds nothing to do and is done with: the mails of an alarm, deferred by a follower, were never sent."""
    with working():
        with transaction.atomic():
            deliver.defer(delivery_id=NOBODYS)
            time.sleep(2)
            with connection.cursor() as cursor:
                cursor.execute("SELECT status FROM procrastinate_jobs WHERE args->>'delivery_id' = %s", [str(NOBODYS)])
                assert cursor.fetchall() == [("todo",)]
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE args->>'delivery_id' = %s", [str(NOBODYS)])
            assert cursor.fetchone()[0] == 0
