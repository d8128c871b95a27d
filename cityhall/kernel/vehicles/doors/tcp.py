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
import threading
import time
from typing import Any

from cityhall.engines.gnss import Epochs, Frames
from cityhall.engines.gnss.nmea import content_of
from cityhall.kernel import clock
from cityhall.kernel.vehicles.doors import connections, directory
from cityhall.kernel.vehicles.doors.connections import Connections, keep_open
from cityhall.kernel.vehicles.doors.directory import Directory, Known
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.options import options
from cityhall.kernel.vehicles.doors.speaker import Speaker

GREETING = b"$PCHID,"
GREETING_S = 10.0
"""A connection that has not said who it is by then is closed."""
IDLE_S = 120.0
"""So is one that has said nothing for this long."""
BYTES_A_SECOND = 32 * 1024
"""What is read of each receiver: 10 Hz of every sentence that receivers commonly send take half of it."""
log = logging.getLogger("cityhall.transit.doors")


class Connection(connections.Connection):
    """One sender. `speakers` are the receivers it has named, `speaking` the one whose frames come now."""

    __slots__ = ("_door", "frames", "speakers", "speaking")

    def __init__(self, door: Door) -> None:
        self._door = door
        self.frames = Frames()
        self.speakers: dict[str, Speaker] = {}
        self.speaking: Speaker | None = None
        super().__init__()

    @property
    def door(self) -> Door:
        return self._door

    @property
    def rate(self) -> float:
        return BYTES_A_SECOND * max(1.0, len(self.speakers))

    def taken(self) -> None:
        there = self._door.directory.at(self.address)
        if len(there) == 1:
            self.speak(there[0])

    def data_received(self, data: bytes) -> None:
        self.spend(len(data))
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

    def end(self, way: asyncio.Transport) -> None:
        # Nothing is ever written: there is nothing to wait for.
        way.abort()


class Door(Connections[Connection]):
    """All the connections, and the batch they fill. `speaking` is the connection of each receiver, the newest."""

    def __init__(self, known: Directory) -> None:
        super().__init__(known)
        self.speaking: dict[str, Connection] = {}
        self.open: set[Speaker] = set()

    def forget(self, connection: Connection) -> None:
        for name, speaker in connection.speakers.items():
            if self.speaking.get(name) is connection:
                del self.speaking[name]
            self.open.discard(speaker)
        connection.speakers = {}
        connection.speaking = None
        super().forget(connection)

    def tick(self) -> Batch:
        """Closes epochs that have waited enough, and gives what has come since the last tick."""
        if self.open:
            now = clock.time()
            self.open = {speaker for speaker in self.open if not self._flush(speaker, now)}
        return super().tick()

    def _flush(self, speaker: Speaker, now: float) -> bool:
        """Whether a speaker has no epoch open any more. One that stumbles takes none of the others along."""
        try:
            return speaker.flush(now, self.batch)
        except Exception:
            log.exception("an epoch of %s could not be taken", speaker.known.public_id)
            self.batch.drops[speaker.known.public_id, "failed"] += 1
            speaker.epochs = Epochs()
            return True

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
    try:
        await door.hand_over(handover, stop)
    finally:
        server.close()
        door.close()
        handover.put(door.tick())


def run(stop: threading.Event) -> None:
    """Serves receivers until `stop`, where city.toml names a port for them; a port that is taken is waited for."""
    chosen = options()
    port = chosen.receiver_port
    if not port:
        stop.wait()
        return
    known = Directory()
    with Handover(known.refresh, directory.READ_EVERY_S) as handover:
        keep_open(
            lambda: _serve(stop, Door(known), handover, chosen.host, port),
            known,
            stop,
            lambda why: f"receivers cannot be taken on port {port} ({why}): mend receiver_port in city.toml",
        )
