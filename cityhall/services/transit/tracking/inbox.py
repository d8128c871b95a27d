"""The way of fixes to the city's tracker, from whichever process a door is in.

In the tracker's own process they are handed over in memory. From any other they go through an unlogged table, in the
door's transaction, and a notification wakes the tracker when that commits.
"""

from __future__ import annotations

import queue
from collections.abc import Sequence
from datetime import datetime

import orjson
from django.db import connection

from cityhall.kernel.devices import drops
from cityhall.services.transit.models import FixInbox
from cityhall.services.transit.tracking.fixes import Fix

CHANNEL = "transit_fixes"
MOST_WAITING = 20_000
"""Batches that may wait in memory while the database is away; a position is soon worth nothing, so newer ones go."""

_here: queue.SimpleQueue[tuple[Sequence[Fix], float]] | None = None


def open_here() -> queue.SimpleQueue[tuple[Sequence[Fix], float]]:
    """Makes this the tracker's process; gives the queue that `submit_here` fills."""
    global _here
    _here = _here or queue.SimpleQueue()
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
        if _here.qsize() < MOST_WAITING:
            _here.put((fixes, received_at.timestamp()))
        else:
            drops.count("overload", len(fixes), at=received_at)
        return
    FixInbox.objects.bulk_create(
        FixInbox(vehicle=fix.vehicle, device=fix.device, fix=fix.values(), received_at=received_at) for fix in fixes
    )
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def take(limit: int = 20_000) -> list[tuple[Fix, float]]:
    """Takes waiting fixes out of the table, oldest first, in the caller's transaction: (fix, received at)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH taken AS (
                DELETE FROM transit_fixinbox WHERE id IN (
                    SELECT id FROM transit_fixinbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                ) RETURNING id, fix, extract(epoch FROM received_at) AS received
            ) SELECT fix, received FROM taken ORDER BY id
            """,
            [limit],
        )
        rows = cursor.fetchall()
    return [(Fix.of(orjson.loads(fix) if isinstance(fix, str) else fix), float(received)) for fix, received in rows]
