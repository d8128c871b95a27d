"""Work that one process of the city does at a time, under an advisory lock; the others wait to take over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.conf import settings
from django.db import Error, close_old_connections

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.work import beats

Work = Callable[[psycopg.Connection[Any]], Iterator[None]]
log = logging.getLogger("cityhall.database")
EVERY_S = 1.0
"""How often who waits looks whether the lock is free."""
REST_S = 0.5
"""After a failure of the database."""


def alone(what: str, number: int, work: Work, stop: threading.Event) -> None:
    """Has `work(holding)` done until `stop`, by one process of the city: the first to get the advisory lock `number`.

    The lock is held as long as the connection `holding` lives, so the work, which goes on until `stop`, asks something
    on it in every round: where that is lost, another process may work by now. After each round it yields; one that
    takes longer than beats.HANG_S hangs, and the process is started anew. What fails of the database is logged as that
    `what` waits for it, and the work is begun anew when it is there again; all else that it raises passes through.
    """
    url = psycopg_url(settings.DATABASES["default"])
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as holding:
                if _taken(holding, number, stop):
                    for _round in work(holding):
                        beats.pulse(what, beats.HANG_S)
        except (psycopg.Error, Error) as problem:
            log.warning("%s waits for the database: %r", what, problem)
            stop.wait(REST_S)
        finally:
            beats.rest(what)
            close_old_connections()


def _taken(holding: psycopg.Connection[Any], number: int, stop: threading.Event) -> bool:
    while not stop.is_set():
        row = holding.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
        if row and row[0]:
            return True
        stop.wait(EVERY_S)
    return False
