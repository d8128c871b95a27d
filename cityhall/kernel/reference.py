"""Reference data: what nearly every request reads and hardly anybody changes (categories, rules, zones)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connection, transaction

SECONDS = 1.0
"""For so long another process may still go by what was there before a change."""
Value = TypeVar("Value")


class Reference(Generic[Value]):
    """What `read` gives, read anew when SECONDS have gone by. It is shared by all threads: nobody changes it.

    In a transaction it is always read, and not kept: what a transaction sees may never be true for anybody else.
    """

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._kept: tuple[float, Value] | None = None

    def __call__(self) -> Value:
        """The value, at most SECONDS old."""
        if connection.in_atomic_block:
            return self._read()
        kept, now = self._kept, time.monotonic()
        if kept is None or now - kept[0] > SECONDS:
            kept = self._kept = (now, self._read())
        return kept[1]

    def changed(self) -> None:
        """To be called in the transaction of a change: this process reads anew as soon as it is committed."""
        transaction.on_commit(self._forget)

    def _forget(self) -> None:
        self._kept = None
