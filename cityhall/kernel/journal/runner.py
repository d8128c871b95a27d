"""The journal's part of the worker: sealing, following and relaying, woken by PostgreSQL's NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import close_old_connections, connection

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.journal import relay, sealer
from cityhall.kernel.journal.declares import Follower
from cityhall.kernel.journal.followers import follow, followers
from cityhall.kernel.journal.log import APPENDED, SEALED

log = logging.getLogger("cityhall.journal")
SAFETY_S = 5.0
"""Looked again after so long even if no notification came: one may be lost while a connection is down, or with a
process that ended between its commit and the notification."""


def listen(stop: threading.Event, wakes: dict[str, list[threading.Event]]) -> None:
    """Sets the events of a channel whenever PostgreSQL notifies it; connects anew when the database was away."""
    url = psycopg_url(settings.DATABASES["default"])
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as listening:
                for channel in wakes:
                    listening.execute(f"LISTEN {channel}")
                # What was notified while nobody listened.
                for waiting in wakes.values():
                    for wake in waiting:
                        wake.set()
                while not stop.is_set():
                    for notice in listening.notifies(timeout=0.5):
                        for wake in wakes[notice.channel]:
                            wake.set()
                        if stop.is_set():
                            break
        except psycopg.Error as problem:
            log.warning("lost the database while listening: %s", problem)
            stop.wait(0.5)


def _loop(stop: threading.Event, wake: threading.Event, work: Callable[[], int]) -> None:
    while not stop.is_set():
        wake.clear()
        try:
            while work() and not stop.is_set():
                pass
        except Exception as problem:
            log.warning("the journal waits: %r", problem)
            close_old_connections()
            stop.wait(0.5)
            continue
        for _ in range(int(SAFETY_S / 0.5)):
            if stop.is_set() or wake.wait(0.5):
                break
    connection.close()


def _follow(follower: Follower) -> Callable[[], int]:
    return lambda: follow(follower)


def main(stop: threading.Event) -> None:
    """Runs until `stop`: the sealer, every follower that is declared, and the relay where NATS_URL is set."""
    sealing, relaying = threading.Event(), threading.Event()
    wakes = {APPENDED: [sealing], SEALED: [relaying]}
    threads = [threading.Thread(target=_loop, args=(stop, sealing, sealer.seal), name="sealer")]
    for follower in followers():
        wake = threading.Event()
        wakes[SEALED].append(wake)
        threads.append(
            threading.Thread(target=_loop, args=(stop, wake, _follow(follower)), name=f"follower {follower.name}")
        )
    if settings.NATS_URL:
        threads.append(threading.Thread(target=lambda: asyncio.run(relay.relay(stop, relaying)), name="relay to NATS"))
    threads.append(threading.Thread(target=listen, args=(stop, wakes), name="journal listener"))
    for thread in threads:
        thread.start()
    stop.wait()
    for wake in (sealing, relaying, *wakes[SEALED]):
        wake.set()
    for thread in threads:
        thread.join(timeout=6)
