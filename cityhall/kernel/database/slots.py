"""Numbers from 0 up, each of them one process's at a time: what a killed one was called, the next one is called.

Whoever keeps something for a process by its name (a broker, a session) finds it again under the number: nothing waits
for a process that is no more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings

from cityhall.kernel.database import psycopg_url

MOST = 256
"""Processes of a city that may have a number of one purpose."""
ASK_S = 2.0
"""How often a holder makes sure that the number is still its own."""


class Slot:
    """A number that is this process's as long as the connection under it lives."""

    def __init__(self, number: int, holding: psycopg.Connection[Any]) -> None:
        self.number = number
        self._holding = holding
        self._asked = time.monotonic()

    def held(self) -> bool:
        """False once the connection is lost: another process may have the number by now."""
        if time.monotonic() - self._asked >= ASK_S:
            self._asked = time.monotonic()
            try:
                self._holding.execute("SELECT 1")
            except psycopg.Error:
                return False
        return not self._holding.closed


@contextmanager
def slot(purpose: int) -> Iterator[Slot]:
    """The lowest number that no process of the city has for `purpose`, the first half of an advisory lock.

    Raises psycopg.Error where the database is away, RuntimeError where all MOST numbers are taken.
    """
    with psycopg.connect(psycopg_url(settings.DATABASES["default"]), autocommit=True) as holding:
        for number in range(MOST):
            row = holding.execute("SELECT pg_try_advisory_lock(%s, %s)", [purpose, number]).fetchone()
            if row and row[0]:
                yield Slot(number, holding)
                return
    raise RuntimeError(f"all {MOST} numbers of purpose {purpose} are taken")
