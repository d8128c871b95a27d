"""Appends to the journal beside a log that counts in a row every writer locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import connection, transaction

from cityhall.kernel.journal.log import append
from cityhall.kernel.journal.sealer import seal

WRITERS = 8
WORK_S = 0.002
"""What else a transaction does after it has noted its event: the time for which a lock would be held."""

PEER = """
CREATE TABLE IF NOT EXISTS bench_head (stream text PRIMARY KEY, sequence bigint NOT NULL);
CREATE TABLE IF NOT EXISTS bench_log (stream text, sequence bigint, data jsonb, PRIMARY KEY (stream, sequence));
INSERT INTO bench_head VALUES ('bench', 0) ON CONFLICT DO NOTHING
"""
PEER_APPEND = """
WITH next AS (UPDATE bench_head SET sequence = sequence + 1 WHERE stream = 'bench' RETURNING sequence)
INSERT INTO bench_log SELECT 'bench', sequence, '{"number": 1}' FROM next
"""


def run(seconds: float = 4.0) -> dict[str, Any]:
    """Commits a second of WRITERS connections, each committing an event and WORK_S of other work; ours and the peer's.

    appends_s, peer_appends_s, ratio; seal_p50_ms and seal_p99_ms: from commit until the event has its place.
    """
    with connection.cursor() as cursor:
        cursor.execute(PEER)
    peer = _rate(_peer, seconds)
    stop, lags = threading.Event(), list[float]()
    sealing = threading.Thread(target=_seal, args=(stop,))
    watching = threading.Thread(target=_watch, args=(stop, lags))
    sealing.start()
    watching.start()
    ours = _rate(_ours, seconds)
    stop.set()
    sealing.join()
    watching.join()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_head, bench_log")
    return {
        "writers": WRITERS,
        "appends_s": ours,
        "peer_appends_s": peer,
        "ratio": ours / peer,
        "seal_p50_ms": float(np.percentile(lags, 50)) * 1e3,
        "seal_p99_ms": float(np.percentile(lags, 99)) * 1e3,
    }


def _ours() -> None:
    with transaction.atomic():
        append("bench", "bench.written", {"number": 1})
        time.sleep(WORK_S)


def _peer() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PEER_APPEND)
        time.sleep(WORK_S)


def _rate(write: Callable[[], None], seconds: float) -> float:
    counts = [0] * WRITERS
    until = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < until:
            write()
            counts[place] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _seal(stop: threading.Event) -> None:
    while not stop.is_set():
        if not seal():
            time.sleep(0.001)
    connection.close()


def _watch(stop: threading.Event, lags: list[float]) -> None:
    """How long single events wait: written by a connection of its own, looked for until they have a position."""
    while not stop.is_set():
        with transaction.atomic():
            identity = append("watched", "bench.written", {})
        start = time.perf_counter()
        with connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT position FROM journal_entry WHERE id = %s", [identity])
                if cursor.fetchone()[0] is not None:
                    break
                time.sleep(0.0005)
        lags.append(time.perf_counter() - start)
        time.sleep(0.01)
    connection.close()
