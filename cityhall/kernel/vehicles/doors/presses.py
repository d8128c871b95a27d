"""The lane of trackers' alarms, apart from their positions: each is in the database before its tracker is answered.

A thread of its own takes what the doors put here, many in a transaction (`kernel/devices/urgent.py`). While the
database is away it waits with what it has; a tracker that is not answered sends again.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, close_old_connections, connection

from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.devices import drops, urgent
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.urgent import Unsigned

KIND = "press"
"""What a tracker's alarm is to the service that takes it, as one of a button is."""
MOST_WAITING = 10_000
MOST_AT_ONCE = 500
REST_S = 0.5
TOGETHER = timedelta(seconds=1)
log = logging.getLogger("cityhall.transit.doors")


@dataclass(frozen=True, slots=True)
class Press:
    """An alarm of the device with the number `pk`. `taken` is called, in the lane's thread, once it is committed."""

    pk: int
    key: str
    message: dict[str, Any]
    sent_at: int
    received_at: datetime
    taken: Callable[[], None]


class Presses:
    """The lane: a bounded queue, and the thread that empties it."""

    def __init__(self) -> None:
        self._waiting: deque[Press] = deque()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="trackers' alarms")

    def __enter__(self) -> Presses:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(5)

    def put(self, press: Press) -> bool:
        """Takes an alarm; False where too many wait, and then its tracker must send again."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(press)
        self._wake.set()
        return True

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._take()
            except Error as problem:
                log.warning("trackers' alarms wait for the database: %s", type(problem).__name__)
                self._stop.wait(REST_S)
            except Exception:
                # Were the thread to end, no alarm would be taken any more.
                log.exception("trackers' alarms could not be taken")
                self._stop.wait(REST_S)
            finally:
                close_old_connections()
            self._wake.wait(0.25)
            self._wake.clear()
        connection.close()

    def _take(self) -> None:
        while self._waiting and not self._stop.is_set():
            batch = self._next()
            try:
                done = self._commit(batch)
            except Exception as problem:
                if is_outage(problem):
                    raise  # they stay where they are
                for _press in batch:
                    self._waiting.popleft()
                drops.count("failed", len(batch))
                raise
            for _press in batch:
                self._waiting.popleft()
            for press in done:
                press.taken()

    def _next(self) -> list[Press]:
        """The oldest, as many as came together: they are judged by one clock."""
        first = self._waiting[0]
        batch = [first]
        for place in range(1, min(MOST_AT_ONCE, len(self._waiting))):
            press = self._waiting[place]
            if press.received_at - first.received_at > TOGETHER:
                break
            batch.append(press)
        return batch

    def _commit(self, batch: list[Press]) -> list[Press]:
        """Those that are in the database now."""
        devices = Device.objects.in_bulk({press.pk for press in batch})
        there = [press for press in batch if press.pk in devices]
        messages = [Unsigned(devices[one.pk], KIND, one.key, one.message, one.sent_at) for one in there]
        outcomes = urgent.take_unsigned(messages, received_at=batch[0].received_at)
        return [press for press, outcome in zip(there, outcomes, strict=True) if outcome.refusal is None]
