"""Counting what was not taken, by device, day and reason.

Counts are kept in the process and written together, about once a second: a flood of bad messages costs one statement
a second, not one each.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter
from datetime import date, datetime
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

EVERY_SECONDS = 1.0
log = logging.getLogger(__name__)

_pending: Counter[tuple[date, str, str]] = Counter()
_lock = threading.Lock()
_writer: threading.Thread | None = None

_ADD = """
INSERT INTO devices_dropcount AS d (day, device, reason, count)
SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::bigint[]) AS x (day, device, reason, count)
ORDER BY day, device, reason
ON CONFLICT (day, device, reason) DO UPDATE SET count = d.count + excluded.count
"""


def count(reason: str, messages: int = 1, *, device: str = "", at: datetime | None = None) -> None:
    """Counts `messages` as dropped. `device` only where its signature was good, so that nobody fills the table."""
    global _writer
    with _lock:
        _pending[((at or timezone.now()).date(), device, reason[:50])] += messages
        if _writer is None:
            # Begun on the first drop, so that a process that forks has one of its own.
            _writer = threading.Thread(target=_write_on, args=(threading.Event(),), name="device drops", daemon=True)
            _writer.start()


def flush() -> None:
    """Writes what has been counted. Raises Django's database errors, and then keeps the counts for the next time."""
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return
    columns: list[list[Any]] = [[key[index] for key in taken] for index in range(3)]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_ADD, [*columns, list(taken.values())])
    except BaseException:
        with _lock:
            _pending.update(taken)
        raise


def _write_on(stop: threading.Event) -> None:
    while not stop.wait(EVERY_SECONDS):
        _write()


def _write() -> None:
    if not _pending:
        return
    try:
        flush()
    except Error as problem:
        log.warning("dropped messages could not be counted yet: %s", type(problem).__name__)
    finally:
        connection.close()


atexit.register(_write)
