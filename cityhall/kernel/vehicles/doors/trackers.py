"""The trackers' doors: one port a protocol, as city.toml opens them (`trackers`), over TCP and where usual UDP.

These protocols have no signature. Who speaks is believed by three things: the port is opened for that protocol; the
device is registered for it by its IMEI or number; and it connects from the network it is registered for. What is not so
is counted, and closed.

Positions go the way of every receiver's (`handover.py`). Alarms that somebody must look at now have a lane of their
own (`presses.py`), each once; what it says of itself (battery, opened, power cut) is a heartbeat to whichever service
takes those. A tracker is answered only when its message was read and checked, and what it said is
handed on or committed: until then it keeps it, and sends it again.

One thread, one event loop. What a connection can make us keep is bounded: an unfinished frame, what waits to be
written, and what the kernel buffers while a sender that is too fast is not read from.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, cast

from cityhall.engines.trackers import Message, Options, Unreadable, decode, protocol
from cityhall.engines.trackers.protocols import PROTOCOLS
from cityhall.engines.trackers.teltonika import REFUSED
from cityhall.kernel import clock
from cityhall.kernel.vehicles.doors import connections, directory
from cityhall.kernel.vehicles.doors.connections import Connections, keep_open
from cityhall.kernel.vehicles.doors.directory import Directory, Known
from cityhall.kernel.vehicles.doors.handover import Handover
from cityhall.kernel.vehicles.doors.options import Options as Doors
from cityhall.kernel.vehicles.doors.options import options
from cityhall.kernel.vehicles.doors.presses import Presses
from cityhall.kernel.vehicles.doors.tracked import Answer, Tracked, options_of

GREETING_S = 30.0
"""A connection on which no tracker that is registered has spoken by then is closed."""
IDLE_S = 3600.0
"""So is one that has said nothing for this long: many speak once in half an hour."""
BYTES_A_SECOND = 16 * 1024
MOST_UNSENT = 64 * 1024
DATAGRAMS_A_SECOND = 2000.0
"""UDP packets that are looked at in all; an address can be made up there."""
log = logging.getLogger("cityhall.transit.doors")


class Trackers(Connections["Connection"]):
    """What the doors of all protocols share: who may speak, what was taken, and the lane of alarms. Of one loop."""

    def __init__(self, known: Directory, presses: Presses, kinds: frozenset[str]) -> None:
        super().__init__(known)
        self.lane, self.kinds = presses, kinds
        self.tracked: dict[str, Tracked] = {}
        self._loop = asyncio.get_running_loop()
        self._datagrams = 2 * DATAGRAMS_A_SECOND
        self._filled_at = time.monotonic()

    def find(self, name: str, device: str, address: str) -> Known | None:
        """The tracker of that protocol and number, where it may connect from that address."""
        known = self.directory.find(device, address) if device else None
        return known if known is not None and known.protocol == name else None

    def options(self, device: str) -> Options:
        """What is known of a tracker that its frames do not say."""
        tracked, known = self.tracked.get(device), self.directory.by_id.get(device)
        if tracked is not None and tracked.known == known:
            return tracked.options
        return options_of(known) if known else Options()

    def may_come(self, connection: Connection) -> list[Known]:
        return [known for known in super().may_come(connection) if known.protocol == connection.name]

    def read(self, name: str, frame: bytes, how: Options) -> Message | None:
        """A frame that is whole and says something; anything else is counted."""
        try:
            message = decode(name, frame, how)
        except Unreadable:
            self.batch.drops["", "malformed"] += 1
            return None
        except Exception:
            # A decoder's defect costs this frame, and nobody else's.
            log.exception("a frame of %s could not be read", name)
            self.batch.drops["", "failed"] += 1
            return None
        if not message.intact:
            self.batch.drops["", "malformed"] += 1
            return None
        return message

    def take(self, known: Known, message: Message, frame: bytes, write: Callable[[bytes], None]) -> None:
        """Hands on what a tracker said, and answers it when that is done."""
        tracked = self.tracked.get(known.public_id)
        if tracked is None or tracked.known != known:
            tracked = self.tracked[known.public_id] = Tracked(known)
        now, batch = clock.time(), self.batch
        batch.heard.add(known.pk)
        answer = Answer(write, message.acknowledgement)
        done = partial(self._later, answer.done)
        presses, refused = tracked.presses(message, frame, self.kinds, now, done, batch)
        answer.left = len(presses) + refused
        for press in presses:
            if not self.lane.put(press):
                batch.drops[known.public_id, "overload"] += 1
        state = tracked.state(message, now)
        if state is not None:
            batch.states[known.pk] = batch.states.get(known.pk, {}) | state
        fixes = tracked.fixes(message, now, batch)
        if fixes:
            answer.left += 1
            batch.fixes += fixes
            batch.after.append(done)
        answer.send()

    def _later(self, call: Callable[[], None]) -> None:
        """Calls from another thread; not any more once the doors are shut."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def look(self) -> None:
        """Closes connections that are silent, have not said who they are, or whose tracker may speak no more."""
        now = time.monotonic()
        for connection in list(self.connections):
            if now - connection.heard > IDLE_S:
                connection.close()
            elif not connection.device and now - connection.began > GREETING_S:
                connection.refuse("no_greeting")
            elif connection.device and self.find(connection.name, connection.device, connection.address) is None:
                connection.close()
        if len(self.tracked) > 2 * len(self.directory.by_id) + 1000:
            self.tracked.clear()

    def may_look_at(self) -> bool:
        """Whether one more UDP packet may be looked at now."""
        now = time.monotonic()
        more = (now - self._filled_at) * DATAGRAMS_A_SECOND
        self._datagrams = min(2 * DATAGRAMS_A_SECOND, self._datagrams + more) - 1
        self._filled_at = now
        if self._datagrams < 0:
            self._datagrams = 0.0
            self.batch.drops["", "overload"] += 1
            return False
        return True


class Connection(connections.Connection):
    """One sender by TCP. `device` is the tracker that spoke last: those that log in name themselves only once."""

    __slots__ = ("_frames", "_trackers", "_utc_offset_s", "device")

    def __init__(self, trackers: Trackers, name: str) -> None:
        self._trackers = trackers
        self._frames = protocol(name).frames()
        self.device = ""
        self._utc_offset_s: float | None = None
        super().__init__(name)

    @property
    def door(self) -> Trackers:
        return self._trackers

    @property
    def rate(self) -> float:
        return BYTES_A_SECOND

    def data_received(self, data: bytes) -> None:
        self.spend(len(data))
        for frame in self._frames.feed(data):
            if self.way is None:
                return
            self._take(frame)
        if self._frames.malformed:
            self._trackers.batch.drops["", "malformed"] += self._frames.malformed
            self._frames.malformed = 0

    def _take(self, frame: bytes) -> None:
        trackers = self._trackers
        message = trackers.read(self.name, frame, self._how())
        if message is None:
            return
        known = trackers.find(self.name, message.device or self.device, self.address)
        if known is None:
            self._unknown(message)
            return
        if known.public_id != self.device:
            self.device, self._utc_offset_s = known.public_id, None
        if message.utc_offset_s is not None:
            self._utc_offset_s = message.utc_offset_s
        trackers.take(known, message, frame, self.write)

    def _how(self) -> Options:
        """What is known of the tracker that its frames do not say."""
        how = self._trackers.options(self.device)
        offset = self._utc_offset_s if how.utc_offset_s is None else how.utc_offset_s
        return replace(how, utc_offset_s=offset, device=self.device, now=clock.time())

    def _unknown(self, message: Message) -> None:
        """A tracker that is not registered here. One beside others that are stands in nobody's way."""
        if message.kind == "login" and self.name == "teltonika":
            self.write(REFUSED)
        if self.device and message.device:
            self._trackers.batch.drops["", "unknown_receiver"] += 1
        else:
            self.refuse("unknown_receiver" if message.device else "no_greeting")

    def write(self, data: bytes) -> None:
        """Sends an answer; who does not read what is sent is closed."""
        if self.way is None or self.way.is_closing():
            return
        self.way.write(data)
        if self.way.get_write_buffer_size() > MOST_UNSENT:
            self.refuse("slow_reader")


class Datagrams(asyncio.DatagramProtocol):
    """Senders by UDP: every packet names its tracker."""

    def __init__(self, trackers: Trackers, name: str) -> None:
        self._trackers, self._name = trackers, name
        self._way: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._way = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[Any, ...]) -> None:
        trackers, address = self._trackers, str(peer[0])
        if not trackers.may_look_at():
            return
        frames = [data] if self._name == "teltonika" else protocol(self._name).frames().feed(data)
        for frame in frames:
            message = trackers.read(self._name, frame, Options(now=clock.time()))
            if message is None:
                continue
            known = trackers.find(self._name, message.device, address)
            if known is None:
                trackers.batch.drops["", "unknown_receiver"] += 1
                continue
            if known.words:
                how = replace(trackers.options(known.public_id), device=known.public_id, now=clock.time())
                message = trackers.read(self._name, frame, how) or message
            trackers.take(known, message, frame, partial(self._write, peer))

    def _write(self, peer: tuple[Any, ...], data: bytes) -> None:
        if self._way is not None and not self._way.is_closing():
            self._way.sendto(data, peer)


async def _serve(stop: threading.Event, known: Directory, handover: Handover, presses: Presses, doors: Doors) -> None:
    loop = asyncio.get_running_loop()
    trackers = Trackers(known, presses, frozenset(doors.tracker_alarms))
    open_doors: list[Any] = []
    try:
        for name, port in doors.trackers.items():
            if not port:
                continue
            open_doors.append(
                await loop.create_server(partial(Connection, trackers, name), doors.host, port, backlog=1024)
            )
            if protocol(name).datagrams:
                listener = partial(Datagrams, trackers, name)
                open_doors.append((await loop.create_datagram_endpoint(listener, local_addr=(doors.host, port)))[0])
            log.info("trackers of %s are taken on %s:%s", name, doors.host, port)
        await trackers.hand_over(handover, stop)
    finally:
        for door in open_doors:
            door.close()
        trackers.close()
        handover.put(trackers.tick())


def run(stop: threading.Event) -> None:
    """Serves trackers until `stop`, where city.toml names ports for them; a port that is taken is waited for."""
    doors = options()
    if not any(doors.trackers.values()):
        stop.wait()
        return
    known = Directory(frozenset(PROTOCOLS))
    with Handover(known.refresh, directory.READ_EVERY_S) as handover, Presses() as presses:
        keep_open(
            lambda: _serve(stop, known, handover, presses, doors),
            known,
            stop,
            lambda why: f"trackers cannot be taken on their ports ({why}): mend trackers in city.toml",
        )
