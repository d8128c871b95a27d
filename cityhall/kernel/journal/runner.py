"""The journal's part of the worker: sealing, following and relaying, woken by PostgreSQL's NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial

import psycopg
from django.conf import settings
from django.db import close_old_connections, connection

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.journal import relay, sealer
from cityhall.kernel.journal.followers import follow, followers
from cityhall.kernel.journal.log import APPENDED, SEALED
from cityhall.kernel.work import beats, supervisor
from cityhall.kernel.work.supervisor import Part

log = logging.getLogger("cityhall.journal")
SAFETY_S = 5.0
"""Looked again after so long even if no notification came: one may be lost while a connection is down, or with a
process that ended between its commit and the notification."""


def listen(wakes: dict[str, list[threading.Event]], stop: threading.Event) -> None:
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


def _loop(wake: threading.Event, work: Callable[[], int], stop: threading.Event) -> None:
    loop = threading.current_thread().name
    while not stop.is_set():
        wake.clear()
        beats.pulse(loop, beats.HANG_S)
        try:
            while work() and not stop.is_set():
                beats.pulse(loop, beats.HANG_S)
        except Exception as problem:
            log.warning("the journal waits: %r", problem)
            close_old_connections()
            stop.wait(0.5)
            continue
        for _ in range(int(SAFETY_S / 0.5)):
            if stop.is_set() or wake.wait(0.5):
                break
    beats.rest(loop)
    connection.close()


def parts() -> list[Part]:
    """The sealer, every follower that is declared, the relay where NATS_URL is set, and who wakes them."""
    sealing, relaying = threading.Event(), threading.Event()
    wakes = {APPENDED: [sealing], SEALED: [relaying]}
    found = [Part("sealer", partial(_loop, sealing, sealer.seal))]
    for follower in followers():
        wake = threading.Event()
        wakes[SEALED].append(wake)
        found.append(Part(f"follower {follower.name}", partial(_loop, wake, partial(follow, follower))))
    if settings.NATS_URL:
        found.append(Part("relay to NATS", lambda stop: asyncio.run(relay.relay(stop, relaying))))
    return [*found, Part("journal listener", partial(listen, wakes))]


def main(stop: threading.Event) -> None:
    """Runs until `stop`. Raises supervisor.PartEnded where one of its parts ends before."""
    supervisor.run(parts(), stop, join_s=6)
