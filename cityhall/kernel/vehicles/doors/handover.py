"""From the doors to the tracker: what came in since the last time goes together, in a thread that may wait."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import Error, close_old_connections, connection

from cityhall.kernel import clock
from cityhall.kernel.devices import drops
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.fixes import Fix

NOTE_EVERY_S = 5.0
log = logging.getLogger("cityhall.transit.doors")

# Receivers sign nothing, so they have no nonce: only when each was heard is noted, for the silence alarm.
_HEARD = """
INSERT INTO devices_devicestate AS s (device_id, highest, seen, last_seen)
SELECT x.id, 0, 0, %s FROM unnest(%s::bigint[]) AS x (id) JOIN devices_device AS d ON d.id = x.id ORDER BY x.id
ON CONFLICT (device_id) DO UPDATE SET last_seen = greatest(s.last_seen, excluded.last_seen)
"""


@dataclass(slots=True)
class Batch:
    """What a door has taken: fixes, drops by (device, reason), and the devices (primary keys) that were heard."""

    fixes: list[Fix] = field(default_factory=list)
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)
    heard: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.fixes or self.drops or self.heard)


class Handover:
    """Hands batches on. `put` never waits; `refresh` is called every `every` seconds in the same thread."""

    def __init__(self, refresh: Callable[[], None], every: float) -> None:
        self._refresh, self._every = refresh, every
        self._batches: deque[tuple[Batch, datetime]] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._heard: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="doors hand over")

    def __enter__(self) -> Handover:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(5)

    def put(self, batch: Batch) -> None:
        """Takes a batch, received now. Of more than inbox.MOST_WAITING fixes the oldest go, and are counted."""
        lost: list[Fix] = []
        with self._lock:
            self._batches.append((batch, clock.now()))
            self._waiting += len(batch.fixes)
            while self._waiting > inbox.MOST_WAITING and len(self._batches) > 1:
                oldest, _at = self._batches.popleft()
                self._waiting -= len(oldest.fixes)
                lost += oldest.fixes
        inbox.count_lost(lost)
        self._wake.set()

    def _work(self) -> None:
        next_read = next_note = 0.0
        while not self._stop.is_set():
            try:
                if time.monotonic() >= next_read:
                    self._refresh()
                    next_read = time.monotonic() + self._every
                self._hand_on()
                if time.monotonic() >= next_note:
                    self._note_heard()
                    next_note = time.monotonic() + NOTE_EVERY_S
            except Error as problem:
                log.warning("the doors wait for the database: %s", type(problem).__name__)
                self._stop.wait(0.5)
            except Exception:
                # One batch is lost; were the thread to end, all that come after it would be, and nobody would notice.
                log.exception("a batch could not be handed on")
            finally:
                close_old_connections()
            self._wake.wait(0.25)
            self._wake.clear()
        try:
            self._hand_on()
            self._note_heard()
        except Error as problem:
            log.warning("what came last could not be handed on: %s", type(problem).__name__)
        finally:
            connection.close()

    def _hand_on(self) -> None:
        while True:
            with self._lock:
                if not self._batches:
                    return
                batch, at = self._batches.popleft()
                self._waiting -= len(batch.fixes)
            try:
                inbox.submit(batch.fixes, at)
            except Error:
                with self._lock:
                    self._batches.appendleft((batch, at))
                    self._waiting += len(batch.fixes)
                raise
            for (device, reason), number in batch.drops.items():
                drops.count(reason, number, device=device, at=at)
            self._heard |= batch.heard

    def _note_heard(self) -> None:
        if not self._heard:
            return
        with connection.cursor() as cursor:
            cursor.execute(_HEARD, [clock.now(), sorted(self._heard)])
        self._heard.clear()
