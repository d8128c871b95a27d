"""The NTRIP caster: base stations send RTCM 3 in, receivers that may take corrections read it.

Version 2.0 (RTCM 10410.1) and 1.0. A frame is passed on only whole and with the right CRC. A reader that does not keep
up is dropped: corrections that are late are worth nothing, and what waits for it would fill the memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any, cast

import uvloop

from cityhall import __version__
from cityhall.engines.gnss import CorrectionFrames, ntrip
from cityhall.engines.gnss.rtcm import message_type
from cityhall.kernel import clock
from cityhall.kernel.vehicles.doors import directory, stations
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.options import options
from cityhall.kernel.vehicles.doors.pull import pull
from cityhall.kernel.vehicles.doors.stations import Access, Station, StationReport

AGENT = f"Cityhall/{__version__}"
TICK_S = 0.25
HEAD_S = 10.0
"""A request must have come whole by then."""
IDLE_S = 60.0
"""A base station that is silent so long is gone."""
MOST_CONNECTIONS = 10_000
MOST_STRANGERS = 200
"""Connections of one address that have not said who they are; one more, and the oldest of them goes."""
MOST_UNREAD = 64 * 1024
"""Bytes that may wait for a reader: half a minute of corrections."""
log = logging.getLogger("cityhall.transit.caster")


class Mount:
    """A station that is connected: who reads it, and what it has sent. `source` is its connection or task."""

    def __init__(self, station: Station, source: object) -> None:
        self.station, self.source = station, source
        self.frames = CorrectionFrames()
        self.connected_at = clock.now()
        self.heard_at: datetime | None = None
        self.messages: Counter[int] = Counter()
        self.bytes = 0
        self.rate = 0.0
        self.rated_at = time.monotonic()

    def take(self, data: bytes) -> bytes:
        """The whole frames that `data` completes."""
        good = self.frames.feed(data)
        if not good:
            return b""
        self.messages.update(map(message_type, good))
        self.heard_at = clock.now()
        whole = b"".join(good)
        self.bytes += len(whole)
        return whole

    def measure(self) -> None:
        """Bytes a second since the last time."""
        now = time.monotonic()
        self.rate = self.bytes / max(0.001, now - self.rated_at)
        self.bytes, self.rated_at = 0, now


class Peer(asyncio.Protocol):
    """One connection: a receiver that reads, a base station that sends, or somebody who has not said yet."""

    def __init__(self, caster: Caster) -> None:
        self._caster = caster
        self.way: asyncio.Transport | None = None
        self.address = ""
        self.head = b""
        self.request: ntrip.Request | None = None
        self.mount: Mount | None = None
        self.chunks: ntrip.Chunks | None = None
        self.heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.way = cast(asyncio.Transport, transport)
        self.address = str((transport.get_extra_info("peername") or [""])[0])
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # The kernel would hold megabytes for a reader that is gone.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNREAD)
        if not self._caster.welcome(self):
            self._caster.batch.drops["", "connections"] += 1
            self.way.abort()

    def connection_lost(self, problem: Exception | None) -> None:
        self.way = None
        self._caster.forget(self)

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        if self.request is None:
            self.head += data
            head, end, rest = self.head.partition(b"\r\n\r\n")
            if not end:
                if len(self.head) > ntrip.LONGEST_HEAD:
                    self._malformed()
                return
            self.head, data = b"", rest
            try:
                self.request = ntrip.read_request(head)
            except ntrip.RequestError:
                self._malformed()
                return
            self._caster.asked(self, self.request)
        # What a reader sends, its own GGA for instance, is of no use here.
        if self.mount is not None and data:
            try:
                self._caster.sent(self.mount, self.chunks.feed(data) if self.chunks else data)
            except ntrip.RequestError:
                self._malformed()

    def _malformed(self) -> None:
        self._caster.batch.drops["", "malformed"] += 1
        self.end(ntrip.answer(2, "400 Bad Request", AGENT, body=b""))

    def end(self, last: bytes) -> None:
        """Says a last thing and closes."""
        if self.way is not None:
            self.way.write(last)
            self.way.close()

    def abort(self) -> None:
        if self.way is not None:
            self.way.abort()


class Caster:
    """All the connections and stations of one process."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.batch = Batch()
        self.peers: set[Peer] = set()
        self.mounts: dict[str, Mount] = {}
        self.readers: dict[str, dict[str, Peer]] = {}
        self._strangers: defaultdict[str, dict[Peer, None]] = defaultdict(dict)

    def welcome(self, peer: Peer) -> bool:
        """Whether there is room for one more. A newcomer takes the place of an address's longest silent one."""
        if len(self.peers) >= MOST_CONNECTIONS:
            return False
        strangers = self._strangers[peer.address]
        if len(strangers) >= MOST_STRANGERS:
            oldest = next(iter(strangers))
            oldest.abort()
            self.forget(oldest)
            self.batch.drops["", "connections"] += 1
        self.peers.add(peer)
        self._strangers[peer.address][peer] = None
        return True

    def forget(self, peer: Peer) -> None:
        """A connection has ended."""
        if peer not in self.peers:
            return
        self.peers.discard(peer)
        if peer.request is None:
            self._known(peer)
            return
        if peer.mount is not None and self.mounts.get(peer.mount.station.mountpoint) is peer.mount:
            del self.mounts[peer.mount.station.mountpoint]
        reading = self.readers.get(peer.request.mountpoint, {})
        if reading.get(peer.request.user) is peer:
            del reading[peer.request.user]

    def _known(self, peer: Peer) -> None:
        strangers = self._strangers[peer.address]
        strangers.pop(peer, None)
        if not strangers:
            del self._strangers[peer.address]

    def asked(self, peer: Peer, request: ntrip.Request) -> None:
        """Answers a request."""
        self._known(peer)
        if request.kind == "send":
            self._send(peer, request)
        elif request.mountpoint not in self.access.stations:
            self._list(peer, request)
        else:
            self._read(peer, request)

    def _list(self, peer: Peer, request: ntrip.Request) -> None:
        """The list of stations; version 1 sends it also to who asks for a station that there is not."""
        table = ntrip.sourcetable([self._shown(one) for one in self.access.stations.values()], AGENT)
        if request.version == 1:
            head = f"SOURCETABLE 200 OK\r\nServer: NTRIP {AGENT}\r\nContent-Type: text/plain\r\n"
            peer.end(f"{head}Content-Length: {len(table)}\r\n\r\n".encode() + table)
        elif request.mountpoint:
            peer.end(ntrip.answer(2, "404 Not Found", AGENT, body=b""))
        else:
            peer.end(ntrip.answer(2, "200 OK", AGENT, "Content-Type: gnss/sourcetable", body=table))

    def _shown(self, station: Station) -> ntrip.Mount:
        mount = self.mounts.get(station.mountpoint)
        return ntrip.Mount(
            *(station.mountpoint, station.label, station.country, station.lon, station.lat),
            messages=tuple(sorted(mount.messages)) if mount else (),
            bitrate=round(mount.rate * 8) if mount else 0,
        )

    def _read(self, peer: Peer, request: ntrip.Request) -> None:
        pk = self.access.reader(request.user, request.password)
        if pk is None:
            self.batch.drops["", "unauthorised"] += 1
            login = f'WWW-Authenticate: Basic realm="/{request.mountpoint}"'
            peer.end(ntrip.answer(request.version, "401 Unauthorized", AGENT, login, body=b""))
            return
        reading = self.readers.setdefault(request.mountpoint, {})
        before = reading.get(request.user)
        reading[request.user] = peer
        if before is not None:
            before.abort()
        self.batch.heard.add(pk)
        if request.version == 1:
            self._write(peer, b"ICY 200 OK\r\n\r\n")
        else:
            head = ("Cache-Control: no-store", "Content-Type: gnss/data", "Transfer-Encoding: chunked")
            self._write(peer, ntrip.answer(2, "200 OK", AGENT, *head))

    def _send(self, peer: Peer, request: ntrip.Request) -> None:
        user = None if request.version == 1 and not request.user else request.user
        station = self.access.sender(request.mountpoint, user, request.password)
        if station is None:
            self.batch.drops["", "unauthorised"] += 1
            refusal = ntrip.answer(2, "401 Unauthorized", AGENT, body=b"")
            peer.end(refusal if request.version == 2 else b"ERROR - Bad Password\r\n")
            return
        before = self.mounts.get(station.mountpoint)
        peer.mount = self.mounts[station.mountpoint] = Mount(station, peer)
        peer.chunks = ntrip.Chunks() if request.chunked else None
        if before is not None and isinstance(before.source, Peer):
            # The connection it had is dead, or was never its own: the newest counts.
            before.source.abort()
        self._write(peer, ntrip.answer(2, "200 OK", AGENT) if request.version == 2 else b"ICY 200 OK\r\n\r\n")
        log.info("base station %s is connected", station.mountpoint)

    def sent(self, mount: Mount, data: bytes) -> None:
        """Passes on what a station has sent."""
        whole = mount.take(data)
        if mount.frames.malformed > MOST_UNREAD and not mount.messages and isinstance(mount.source, Peer):
            # Whatever it sends, it is no RTCM.
            mount.source.abort()
        if not whole:
            return
        self.batch.heard.add(mount.station.device_pk)
        piece = ntrip.chunk(whole)
        for user, peer in list(self.readers.get(mount.station.mountpoint, {}).items()):
            assert peer.request is not None
            if peer.way is None or peer.way.get_write_buffer_size() > MOST_UNREAD:
                self.batch.drops[user, "slow_reader"] += 1
                peer.abort()
            else:
                self._write(peer, piece if peer.request.version == 2 else whole)

    @staticmethod
    def _write(peer: Peer, data: bytes) -> None:
        if peer.way is not None:
            peer.way.write(data)

    def look(self) -> None:
        """Closes who has not asked in time, stations that are silent, and who may read or send no more."""
        now = time.monotonic()
        for peer in list(self.peers):
            quiet = now - peer.heard
            if peer.request is None and quiet > HEAD_S:
                self.batch.drops["", "no_greeting"] += 1
                peer.abort()
            elif peer.mount is not None:
                known = self.access.stations.get(peer.mount.station.mountpoint)
                if quiet > IDLE_S or known is None or known.key != peer.mount.station.key:
                    peer.abort()
            elif peer.request is not None and peer.request.user and not self.access.may_read(peer.request.user):
                peer.abort()

    def report(self) -> list[StationReport]:
        """What each registered station is doing."""
        reports = []
        for station in self.access.stations.values():
            mount = self.mounts.get(station.mountpoint)
            readers = len(self.readers.get(station.mountpoint, {}))
            if mount is None:
                reports.append(StationReport(station.pk, None, None, "{}", 0.0, 0, readers))
                continue
            mount.measure()
            messages = json.dumps({str(number): count for number, count in mount.messages.items()})
            reports.append(
                StationReport(
                    *(station.pk, mount.connected_at, mount.heard_at, messages),
                    *(round(mount.rate, 1), mount.frames.malformed, readers),
                )
            )
        return reports


async def _serve(stop: threading.Event, caster: Caster, handover: Handover, reports: list[Any], where: Any) -> None:
    loop = asyncio.get_running_loop()
    server: Any = await loop.create_server(lambda: Peer(caster), *where, backlog=512)
    log.info("the caster is open on %s:%s", where[0], server.sockets[0].getsockname()[1])
    pulling: dict[Station, asyncio.Task[None]] = {}
    next_look = 0.0
    try:
        while not stop.is_set():
            await asyncio.sleep(TICK_S)
            if caster.batch:
                handover.put(caster.batch)
                caster.batch = Batch()
            if loop.time() < next_look:
                continue
            next_look = loop.time() + min(1.0, directory.READ_EVERY_S)
            caster.look()
            _pull_all(caster, pulling)
            reports[:] = [caster.report()]
    finally:
        server.close()
        for task in pulling.values():
            task.cancel()
        for peer in list(caster.peers):
            peer.abort()


def _pull_all(caster: Caster, pulling: dict[Station, asyncio.Task[None]]) -> None:
    """Begins to fetch the stations of other casters, and ends what is registered no more."""
    wanted = {station for station in caster.access.stations.values() if station.source}
    for station in set(pulling) - wanted:
        pulling.pop(station).cancel()
    for station in wanted - set(pulling):
        pulling[station] = asyncio.get_running_loop().create_task(pull(caster, station))


def run(stop: threading.Event) -> None:
    """Serves until `stop`, where city.toml names a port; a port that is taken is waited for."""
    chosen = options()
    if not chosen.ntrip_port:
        stop.wait()
        return
    access, reports = Access(), list[Any]()

    def refresh() -> None:
        access.refresh()
        if reports:
            stations.write(reports.pop())

    with Handover(refresh, directory.READ_EVERY_S) as handover:
        told = False
        while not stop.is_set():
            if not access.ready.wait(0.25):
                continue
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(_serve(stop, Caster(access), handover, reports, (chosen.host, chosen.ntrip_port)))
            except OSError as problem:
                if not told:
                    log.error(
                        "the caster cannot be opened on port %s (%s): mend ntrip_port in city.toml",
                        chosen.ntrip_port,
                        problem.strerror,
                    )
                told = True
                stop.wait(5.0)
