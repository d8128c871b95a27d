"""From the doors to the tracker: what came in since the last time goes together, in a thread that may wait."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import Error, close_old_connections, connection, transaction

from cityhall.kernel import clock
from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.devices import drops, receive
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.fixes import Fix

NOTE_EVERY_S = 5.0
log = logging.getLogger("cityhall.transit.doors")

# Receivers sign nothing, so they have no nonce: only when each was heard is noted, for the silence alarm.
# A row that is locked is noted by whoever has it: an alarm of the same device must not keep positions waiting.
_HEARD = """
WITH free AS (
    SELECT device_id FROM devices_devicestate WHERE device_id = ANY(%(heard)s) ORDER BY device_id FOR UPDATE SKIP LOCKED
), noted AS (
    UPDATE devices_devicestate AS s SET last_seen = %(now)s FROM free WHERE s.device_id = free.device_id
)
INSERT INTO devices_devicestate (device_id, highest, seen, last_seen)
SELECT x.id, 0, 0, %(now)s
FROM unnest(%(heard)s::bigint[]) AS x (id) JOIN devices_device AS d ON d.id = x.id
WHERE NOT EXISTS (SELECT 1 FROM devices_devicestate AS s WHERE s.device_id = x.id) ORDER BY x.id
ON CONFLICT (device_id) DO NOTHING
"""


def _submit(fixes: Sequence[Fix], at: datetime) -> None:
    """Hands fixes to the tracker; those that cannot be are counted ("failed"). Raises what an outage raises."""
    try:
        with transaction.atomic():
            inbox.submit(fixes, at)
        return
    except Exception as problem:
        if is_outage(problem):
            raise
        if len(fixes) <= 1:
            log.exception("a fix could not be handed on")
            for fix in fixes:
                drops.count("failed", device=fix.device, at=at)
            return
    # They came together by chance: the others are taken in the same order.
    for fix in fixes:
        _submit([fix], at)


@dataclass(slots=True)
class Batch:
    """What a door has taken: fixes, drops by (device, reason), and the devices (primary keys) that were heard.

    `states` are what devices said of themselves, as heartbeats (by primary key, the newest over what came before).
    `after` is called, in the thread that hands on, once the fixes are the tracker's.
    """

    fixes: list[Fix] = field(default_factory=list)
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)
    heard: set[int] = field(default_factory=set)
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    after: list[Callable[[], None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fixes or self.drops or self.heard or self.states)


class Handover:
    """Hands batches on. `put` never waits; `refresh` is called every `every` seconds in the same thread."""

    def __init__(self, refresh: Callable[[], None], every: float) -> None:
        self._refresh, self._every = refresh, every
        self._batches: deque[tuple[Batch, datetime]] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._heard: set[int] = set()
        self._states: dict[int, dict[str, Any]] = {}
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
                    # What cannot be read anew keeps nothing from being handed on.
                    next_read = time.monotonic() + self._every
                    self._refresh()
            except Error as problem:
                next_read = 0.0
                log.warning("the doors wait for the database: %s", type(problem).__name__)
            except Exception:
                log.exception("what the doors know could not be read anew")
            try:
                self._hand_on()
                if time.monotonic() >= next_note:
                    self._note_heard()
                    self._tell_states()
                    next_note = time.monotonic() + NOTE_EVERY_S
            except Error as problem:
                log.warning("the doors wait for the database: %s", type(problem).__name__)
                self._stop.wait(0.5)
            except Exception:
                # Were the thread to end, all that comes after would be lost, and nobody would notice.
                log.exception("a batch could not be handed on")
            finally:
                close_old_connections()
            self._wake.wait(0.25)
            self._wake.clear()
        try:
            self._hand_on()
            self._note_heard()
            self._tell_states()
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
                _submit(batch.fixes, at)
            except Exception as problem:
                if is_outage(problem):
                    with self._lock:
                        self._batches.appendleft((batch, at))
                        self._waiting += len(batch.fixes)
                raise
            for (device, reason), number in batch.drops.items():
                drops.count(reason, number, device=device, at=at)
            self._heard |= batch.heard
            for pk, said in batch.states.items():
                self._states[pk] = self._states.get(pk, {}) | said
            for call in batch.after:
                call()

    def _note_heard(self) -> None:
        if not self._heard:
            return
        with connection.cursor() as cursor:
            cursor.execute(_HEARD, {"now": clock.now(), "heard": sorted(self._heard)})
        self._heard.clear()

    def _tell_states(self) -> None:
        """Each device's state is told alone: one that cannot be taken keeps none of the others waiting."""
        while self._states:
            pk, said = next(iter(self._states.items()))
            receive.take_unsigned(pk, [said], clock.now())
            del self._states[pk]
