"""The database does not answer in time while the worker starts: the worker waits for it and does not die."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg_pool
import pytest
from django.db import connection

from cityhall.running import worker

pytestmark = pytest.mark.attack


def workers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_jobs_wait_for_a_database_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, late = psycopg_pool.AsyncConnectionPool.open, []

    async def first_time_late(pool: Any, *args: Any, **values: Any) -> None:
        if not late:
            late.append(True)
            await pool.close()
            raise psycopg_pool.PoolTimeout("pool initialization incomplete after 30.0 sec")
        await opened(pool, *args, **values)

    monkeypatch.setattr(psycopg_pool.AsyncConnectionPool, "open", first_time_late)
    stop = threading.Event()
    running = threading.Thread(target=worker.jobs, args=(stop,))
    running.start()
    try:
        until = time.monotonic() + 60
        while not workers() and running.is_alive() and time.monotonic() < until:
            time.sleep(0.1)
        assert late and workers() == 1
    finally:
        stop.set()
        running.join(30)
    assert not running.is_alive()
