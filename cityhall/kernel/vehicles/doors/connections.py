"""What the doors by TCP have in common: who may connect, how much is read of each, and how a connection ends.

One thread, one event loop. A connection is taken only from an address that somebody is registered for, and a few more
than there are registered. One that sends too fast is not read from until it is within the measure again, so that what
it can make us keep is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar, cast

import uvloop

from cityhall.kernel.vehicles.doors import directory
from cityhall.kernel.vehicles.doors.directory import Directory, Known
from cityhall.kernel.vehicles.doors.handover import Batch, Handover

TICK_S = 0.05
MOST_CONNECTIONS = 20_000
SPARE_CONNECTIONS = 4
"""More connections than senders that an address may have: old ones of lost networks have not been closed yet."""
AGAIN_S = 5.0
"""How long a port that is taken is waited for before it is tried again."""
log = logging.getLogger("cityhall.transit.doors")


class Connection(asyncio.Protocol):
    """One sender. `name` is the protocol that its port is opened for, "" where the port has only one.

    `way` is None once it is closed; `heard` is when something came last, by the clock that nobody can set.
    """

    __slots__ = ("_allowance", "_filled_at", "address", "began", "heard", "name", "way")

    def __init__(self, name: str = "") -> None:
        self.name, self.address = name, ""
        self.way: asyncio.Transport | None = None
        self.began = self.heard = self._filled_at = time.monotonic()
        self._allowance = 2.0 * self.rate

    @property
    def door(self) -> Connections[Any]:
        """The door that it has come through."""
        raise NotImplementedError

    @property
    def rate(self) -> float:
        """Bytes that are read of it in a second."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.way = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        refused = self.door.refusal(self)
        if refused:
            self.refuse(refused)
        else:
            self.taken()

    def taken(self) -> None:
        """It is one of the door's from now on."""

    def connection_lost(self, problem: Exception | None) -> None:
        self.way = None
        self.door.forget(self)

    def spend(self, size: int) -> None:
        """Counts what has just been read."""
        self.heard = time.monotonic()
        rate = self.rate
        self._allowance = min(2.0 * rate, self._allowance + (self.heard - self._filled_at) * rate) - size
        self._filled_at = self.heard
        if self._allowance < 0 and self.way is not None:
            self.way.pause_reading()
            asyncio.get_running_loop().call_later(-self._allowance / rate + 0.05, self._go_on)

    def _go_on(self) -> None:
        if self.way is not None and not self.way.is_closing():
            self.way.resume_reading()

    def refuse(self, reason: str) -> None:
        """Counts why, and closes."""
        self.door.batch.drops["", reason] += 1
        self.close()

    def close(self) -> None:
        """Ends it."""
        if self.way is not None:
            self.end(self.way)
        self.way = None
        self.door.forget(self)

    def end(self, way: asyncio.Transport) -> None:
        """How it is ended: what was written still goes out."""
        way.close()


C = TypeVar("C", bound=Connection)


class Connections(Generic[C]):
    """A door: all its connections, and the batch that they fill. Of one loop."""

    def __init__(self, known: Directory) -> None:
        self.directory = known
        self.batch = Batch()
        self.connections: set[C] = set()
        self._from: Counter[tuple[str, str]] = Counter()

    def may_come(self, connection: C) -> list[Known]:
        """Who is registered for where a connection comes from."""
        return self.directory.at(connection.address) if connection.address else []

    def refusal(self, connection: C) -> str:
        """Why a connection is not taken; "" where it is, and then it is counted."""
        there, place = self.may_come(connection), (connection.name, connection.address)
        if not there:
            return "unknown_address"
        if len(self.connections) >= MOST_CONNECTIONS or self._from[place] >= len(there) + SPARE_CONNECTIONS:
            return "connections"
        self.connections.add(connection)
        self._from[place] += 1
        return ""

    def forget(self, connection: C) -> None:
        """A connection has ended."""
        if connection in self.connections:
            place = (connection.name, connection.address)
            self.connections.discard(connection)
            self._from[place] -= 1
            if not self._from[place]:
                del self._from[place]

    def tick(self) -> Batch:
        """What has come since the last time."""
        taken, self.batch = self.batch, Batch()
        return taken

    def look(self) -> None:
        """Closes connections that may be open no more."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes all."""
        for connection in list(self.connections):
            connection.close()

    async def hand_over(self, handover: Handover, stop: threading.Event) -> None:
        """Hands on what comes every TICK_S until `stop`, and looks after the connections."""
        loop, next_look = asyncio.get_running_loop(), 0.0
        while not stop.is_set():
            await asyncio.sleep(TICK_S)
            batch = self.tick()
            if batch:
                handover.put(batch)
            if loop.time() >= next_look:
                next_look = loop.time() + min(1.0, directory.READ_EVERY_S)
                self.look()


def keep_open(
    serve: Callable[[], Coroutine[Any, Any, None]],
    known: Directory,
    stop: threading.Event,
    problem: Callable[[str], str],
) -> None:
    """Serves until `stop`, once the registry has been read; a port that is taken is waited for, and told of once."""
    _allow_many()
    told = False
    while not stop.is_set():
        if not known.ready.wait(0.25):
            continue
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())
        except OSError as fault:
            if not told:
                log.error("%s", problem(fault.strerror or str(fault)))
            told = True
            stop.wait(AGAIN_S)


def _allow_many() -> None:
    """Each connection is an open file, and a process may often have 1,024 only until it asks for more."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
