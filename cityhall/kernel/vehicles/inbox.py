"""The way of fixes to the city's tracker, from whichever process a door is in.

In the tracker's own process they are handed over in memory. From any other they go through an unlogged table, in the
door's transaction, and a notification wakes the tracker when that commits.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from django.db import connection

from cityhall.kernel.devices import drops
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import FixInbox

log = logging.getLogger("cityhall.vehicles.tracker")
CHANNEL = "transit_fixes"
MOST_WAITING = 100_000
"""Fixes that may wait in memory for a tracker that is slow, or for the database."""


class Backlog:
    """Fixes on their way to the tracker of this process. A position is soon worth nothing: of too many the oldest go.

    So an overload costs some fixes, which are counted, and neither memory without end nor an hour's delay.
    """

    def __init__(self) -> None:
        self._batches: deque[Sequence[Fix]] = deque()
        self._waiting = 0
        self._lock = threading.Lock()

    def put(self, fixes: Sequence[Fix]) -> None:
        """Adds the latest."""
        lost: list[Fix] = []
        with self._lock:
            self._batches.append(fixes)
            self._waiting += len(fixes)
            while self._waiting > MOST_WAITING and len(self._batches) > 1:
                oldest = self._batches.popleft()
                self._waiting -= len(oldest)
                lost += oldest
        count_lost(lost)

    def take(self) -> list[Fix]:
        """All of them, the oldest first; none are left."""
        with self._lock:
            batches, self._batches, self._waiting = self._batches, deque(), 0
        return [fix for batch in batches for fix in batch]


def count_lost(fixes: Iterable[Fix]) -> None:
    """Counts fixes that had to go because too many waited."""
    for device, number in Counter(fix.device for fix in fixes).items():
        drops.count("overload", number, device=device)


_here: Backlog | None = None


def open_here() -> Backlog:
    """Makes this the tracker's process; gives what `submit` fills."""
    global _here
    _here = _here or Backlog()
    return _here


def close_here() -> None:
    """This process tracks no more: its doors' fixes take the table's way from now on."""
    global _here
    _here = None


def submit(fixes: Sequence[Fix], received_at: datetime) -> None:
    """Hands fixes to the tracker. Never waits for it."""
    if not fixes:
        return
    if _here is not None:
        _here.put(fixes)
        return
    FixInbox.objects.bulk_create(
        FixInbox(vehicle=fix.vehicle, device=fix.device, fix=fix.values(), received_at=received_at) for fix in fixes
    )
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def take(limit: int = 20_000) -> list[Fix]:
    """Takes waiting fixes out of the table, oldest first, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH taken AS (
                DELETE FROM transit_fixinbox WHERE id IN (
                    SELECT id FROM transit_fixinbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                ) RETURNING id, fix
            ) SELECT fix FROM taken ORDER BY id
            """,
            [limit],
        )
        rows = cursor.fetchall()
    found = []
    for (fix,) in rows:
        try:
            found.append(Fix.of(orjson.loads(fix) if isinstance(fix, str) else fix))
        except TypeError:
            # Of another version of the program, or of nobody's: left in the table it would be taken again for ever.
            log.error("what waited for the tracker is no fix: %.200r", fix)
            drops.count("failed")
    return found
