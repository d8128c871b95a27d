"""The TCP door: receivers, or gateways for many, that send NMEA 0183 or UBX.

A connection is taken only from an address that a receiver is registered for. It says whose positions follow by the
proprietary sentence `$PCHID,<id>*hh`; a gateway says so again before each receiver's sentences. Where only one receiver
is registered for the address, nothing need be said.

One thread, one event loop: a message costs its share of a read, a parse, and an entry in a list; every TICK_S the list
goes to the tracker. Everything a connection can make us keep is bounded: the rest of a frame (4 KiB), its receivers'
state, and what the kernel buffers while a sender that is too fast is not read from.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import uvloop

from cityhall.engines.gnss import Frames
from cityhall.engines.gnss.nmea import content_of
from cityhall.kernel import clock
from cityhall.kernel.vehicles.doors import directory
from cityhall.kernel.vehicles.doors.directory import Directory, Known
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.options import options
from cityhall.kernel.vehicles.doors.speaker import Speaker

TICK_S = 0.05
GREETING = b"$PCHID,"
GREETING_S = 10.0
"""A connection that has not said who it is by then is closed."""
IDLE_S = 120.0
"""So is one that has said nothing for this long."""
MOST_CONNECTIONS = 20_000
BYTES_A_SECOND = 32 * 1024
"""What is read of each receiver: 10 Hz of every sentence that receivers commonly send take half of it."""
SPARE_CONNECTIONS = 4
"""More connections than receivers that an address may have: old ones of lost networks have not been closed yet."""
log = logging.getLogger("cityhall.transit.doors")


class Connection(asyncio.Protocol):
    """One sender. `speakers` are the receivers it has named, `speaking` the one whose frames come now."""

    __slots__ = (
        "_door",
        "address",
        "allowance",
        "began",
        "filled_at",
        "frames",
        "heard",
        "speakers",
        "speaking",
        "way",
    )

    def __init__(self, door: Door) -> None:
        self._door = door
        self.frames = Frames()
        self.speakers: dict[str, Speaker] = {}
        self.speaking: Speaker | None = None
        self.address = ""
        self.way: asyncio.Transport | None = None
        self.began = self.heard = self.filled_at = time.monotonic()
        self.allowance = 2.0 * BYTES_A_SECOND

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.way = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        refused = self._door.refusal(self)
        if refused:
            self._door.batch.drops["", refused] += 1
            self.way.abort()
            return
        self._door.connections.add(self)
        there = self._door.directory.at(self.address)
        if len(there) == 1:
            self.speak(there[0])

    def connection_lost(self, problem: Exception | None) -> None:
        self._door.forget(self)

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        self._spend(len(data))
        now, batch = clock.time(), self._door.batch
        for frame in self.frames.feed(data):
            if frame.startswith(GREETING):
                self._greeted(frame)
            elif self.speaking is not None:
                self.speaking.hear(frame, now, batch)
            elif self.speakers:
                # A gateway has named one that is not registered; the others go on.
                batch.drops["", "unknown_receiver"] += 1
            else:
                self.refuse("no_greeting")
            if self.way is None:
                return
        speaking = self.speaking
        if self.frames.malformed:
            batch.drops[speaking.known.public_id if speaking else "", "malformed"] += self.frames.malformed
            self.frames.malformed = 0
        if speaking is not None and speaking.epochs.open:
            self._door.open.add(speaking)

    def _spend(self, size: int) -> None:
        """Counts what was read; one who sends too fast is not read from until it is within the measure again."""
        rate = BYTES_A_SECOND * max(1, len(self.speakers))
        self.allowance = min(2.0 * rate, self.allowance + (self.heard - self.filled_at) * rate) - size
        self.filled_at = self.heard
        if self.allowance < 0 and self.way is not None:
            self.way.pause_reading()
            self._door.later(-self.allowance / rate + 0.05, self._go_on)

    def _go_on(self) -> None:
        if self.way is not None and not self.way.is_closing():
            self.way.resume_reading()

    def _greeted(self, frame: bytes) -> None:
        name = content_of(frame)[len(GREETING) :].decode("ascii", "replace")
        speaker = self.speakers.get(name)
        if speaker is not None:
            self.speaking = speaker
            return
        known = self._door.directory.find(name, self.address)
        if known is not None:
            self.speak(known)
        elif self.speakers:
            self.speaking = None
        else:
            # Whether the id is wrong or only the address is not told.
            self.refuse("unknown_receiver")

    def speak(self, known: Known) -> None:
        """From now on the frames are this receiver's. A connection it had before is dead: the newest counts."""
        before = self._door.speaking.get(known.public_id)
        if before is not None and before is not self:
            before.silence(known.public_id)
        self._door.speaking[known.public_id] = self
        self.speaking = self.speakers[known.public_id] = Speaker(known)

    def silence(self, name: str) -> None:
        """It speaks no more for a receiver; for none at all, it is closed."""
        speaker = self.speakers.pop(name, None)
        if self.speaking is speaker:
            self.speaking = None
        if not self.speakers:
            self.close()

    def refuse(self, reason: str) -> None:
        """Counts why, and closes."""
        self._door.batch.drops["", reason] += 1
        self.close()

    def close(self) -> None:
        if self.way is not None:
            self.way.abort()
        self._door.forget(self)


class Door:
    """All the connections, and the batch they fill."""

    def __init__(self, known: Directory) -> None:
        self.directory = known
        self.batch = Batch()
        self.connections: set[Connection] = set()
        self.speaking: dict[str, Connection] = {}
        self.open: set[Speaker] = set()
        self._by_address: dict[str, int] = {}

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, call)

    def refusal(self, connection: Connection) -> str:
        """Why a connection is not taken; "" where it is, and then it is counted."""
        there = self.directory.at(connection.address) if connection.address else []
        if not there:
            return "unknown_address"
        number = self._by_address.get(connection.address, 0)
        if len(self.connections) >= MOST_CONNECTIONS or number >= len(there) + SPARE_CONNECTIONS:
            return "connections"
        self._by_address[connection.address] = number + 1
        return ""

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        connection.way = None
        for name, speaker in connection.speakers.items():
            if self.speaking.get(name) is connection:
                del self.speaking[name]
            self.open.discard(speaker)
        connection.speakers = {}
        connection.speaking = None
        if connection in self.connections:
            self.connections.discard(connection)
            left = self._by_address[connection.address] - 1
            if left:
                self._by_address[connection.address] = left
            else:
                del self._by_address[connection.address]

    def tick(self) -> Batch:
        """Closes epochs that have waited enough, and gives what has come since the last tick."""
        if self.open:
            now = clock.time()
            self.open = {speaker for speaker in self.open if not speaker.flush(now, self.batch)}
        taken, self.batch = self.batch, Batch()
        return taken

    def look(self) -> None:
        """Closes connections that are silent, have not said who they are, or whose receivers may speak no more."""
        now = time.monotonic()
        for connection in list(self.connections):
            if now - connection.heard > IDLE_S:
                connection.close()
            elif not connection.speakers and now - connection.began > GREETING_S:
                connection.refuse("no_greeting")
            for name, speaker in list(connection.speakers.items()):
                if self.directory.by_id.get(name) != speaker.known:
                    connection.silence(name)


async def _serve(stop: threading.Event, door: Door, handover: Handover, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    server: Any = await loop.create_server(lambda: Connection(door), host, port, backlog=1024)
    log.info("receivers are taken on %s:%s", host, server.sockets[0].getsockname()[1])
    next_look = 0.0
    try:
        while not stop.is_set():
            await asyncio.sleep(TICK_S)
            batch = door.tick()
            if batch:
                handover.put(batch)
            if loop.time() >= next_look:
                next_look = loop.time() + min(1.0, directory.READ_EVERY_S)
                door.look()
    finally:
        server.close()
        for connection in list(door.connections):
            connection.close()
        handover.put(door.tick())


def _allow_many() -> None:
    """Each connection is an open file, and a process may often have 1,024 only until it asks for more."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(stop: threading.Event) -> None:
    """Serves receivers until `stop`, where city.toml names a port for them; a port that is taken is waited for."""
    chosen = options()
    if not chosen.receiver_port:
        stop.wait()
        return
    _allow_many()
    known = Directory()
    with Handover(known.refresh, directory.READ_EVERY_S) as handover:
        told = False
        while not stop.is_set():
            if not known.ready.wait(0.25):
                continue
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(_serve(stop, Door(known), handover, chosen.host, chosen.receiver_port))
            except OSError as problem:
                if not told:
                    log.error(
                        "receivers cannot be taken on port %s (%s): mend receiver_port in city.toml",
                        chosen.receiver_port,
                        problem.strerror,
                    )
                told = True
                stop.wait(5.0)
