"""Hostile peers below HTTP: those who hold connections and do nothing with them, and those who speak nonsense."""

from __future__ import annotations

import socket
import time
from typing import ClassVar

from tests.endurance.hostile import Hostile

SHUT = frozenset({"closed", "given up"})


class Holding(Hostile):
    """Opens connections, `a_step` at a step up to `most`, and says a little on each now and then; `first` at once."""

    a_step: ClassVar[int] = 1
    most: ClassVar[int] = 100
    patience_s: ClassVar[float] = 60.0
    """It gives up one that is still open after this long."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._held: dict[socket.socket, float] = {}

    def first(self) -> bytes:
        return b""

    def more(self) -> bytes:
        return b""

    def port(self) -> int:
        return self.city.port

    def step(self) -> None:
        self._look()
        for _ in range(min(self.a_step, self.most - len(self._held))):
            wire = socket.create_connection(("127.0.0.1", self.port()), timeout=10)
            wire.sendall(self.first())
            wire.setblocking(False)
            self._held[wire] = time.monotonic()

    def _look(self) -> None:
        """Hears what was answered, says the next little thing, and lets go of what was closed."""
        for wire, since in list(self._held.items()):
            try:
                heard = self.hear(wire)
                if heard and time.monotonic() - since < self.patience_s:
                    if said := self.more():
                        wire.send(said)
                    continue
            except OSError:
                heard = False
            self.count("given up" if heard else "closed")
            wire.close()
            del self._held[wire]

    def hear(self, wire: socket.socket) -> bool:
        """Whether it is still open; statuses that come are counted."""
        try:
            piece = wire.recv(65536)
        except BlockingIOError:
            return True
        if piece.startswith(b"HTTP/1.1 "):
            self.count(piece[9:12].decode("latin-1"), self.first()[:80].decode("latin-1"))
        return bool(piece)

    def end(self) -> None:
        for wire in self._held:
            self.count("given up")
            wire.close()
        self._held.clear()


class SilentConnections(Holding):
    """Says nothing, and comes again."""

    every, a_step, most = 0.5, 5, 400
    expected = SHUT


class SlowHeads(Holding):
    """A head, a byte at a time."""

    every, a_step, most = 1.0, 5, 100
    expected = SHUT | {"408"}

    def first(self) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "

    def more(self) -> bytes:
        return b"a"


class SlowBodies(Holding):
    """A filing, a byte at a time."""

    every, a_step, most = 1.0, 5, 200
    expected = SHUT | {"408", "429"}

    def first(self) -> bytes:
        return (
            f"POST /api/reports/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {self.source()}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\ncategory=pothole"
        ).encode()

    def more(self) -> bytes:
        return b"x"


class UnfinishedUploads(Holding):
    """The first megabytes of a hundred, and then nothing."""

    every, a_step, most = 4.0, 1, 30
    expected = SHUT | {"408", "413", "429"}

    def first(self) -> bytes:
        return (
            f"POST /map/data-sets/bring/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {self.source()}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        ).encode() + b"1,2,3\n" * 300_000


class StreamsLeft(Holding):
    """Live streams that are opened, and not read; each is left after a while."""

    every, a_step, most, patience_s = 1.0, 4, 300, 45.0
    expected = SHUT | {"200", "429"}

    def first(self) -> bytes:
        return (f"GET /live/vehicles HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {self.source()}\r\n\r\n").encode()

    def hear(self, wire: socket.socket) -> bool:
        # Half of them read: those are sent what moves, as it moves.
        if id(wire) % 2 and wire in self._held and time.monotonic() - self._held[wire] > 1:
            return True
        return super().hear(wire)


class StreamsOfNobody(Holding):
    """Streams that are somebody's, or not there."""

    every, a_step, most = 1.0, 2, 50
    expected = SHUT | {"404", "403", "429"}

    def first(self) -> bytes:
        topic = self.rng.choice(["person-1", "fleet-room", "nothing", "signed-out-x", "person-99999999999999999999"])
        return f"GET /live/{topic} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {self.source()}\r\n\r\n".encode()


HERE = b" HTTP/1.1\r\nHost: localhost\r\n"
FILING = b"POST /api/reports/" + HERE
UTF_7 = b"Content-Type: application/json; charset=utf-7\r\nContent-Length: 2\r\n\r\n{}"


class Malformed(Hostile):
    """Requests that are none."""

    every = 0.2
    expected = frozenset({"400", "404", "405", "408", "411", "413", "414", "422", "431", "505", "closed"})
    REQUESTS = (
        b"GET /\x00" + HERE + b"\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET /%00" + HERE + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
        b"GET /" + HERE + b"Cookie: sessionid=a\x00b\r\n\r\n",
        b"GET /" + b"a" * 100_000 + HERE + b"\r\n",
        b"GET /" + HERE + b"X-Long: " + b"a" * 5_000_000 + b"\r\n\r\n",
        b"GET /" + HERE + b"X-Many: a\r\n" * 5000 + b"\r\n",
        b"GET /reports/99999999999999999999999/" + HERE + b"\r\n",
        b"GET /api/reports/9223372036854775808" + HERE + b"\r\n",
        b"GET /api/reports/?limit=99999999999999999999" + HERE + b"\r\n",
        b"GET /api/reports/map?bbox=nan,inf,1e309,0" + HERE + b"\r\n",
        b"GET /map/ogc/collections/transit-stops/items?limit=-1&offset=9e99" + HERE + b"\r\n",
        b"GET /map/replay/transit/vehicles/?start=0000-00-00" + HERE + b"\r\n",
        FILING + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n{}\r\n0\r\n\r\n",
        FILING + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        FILING + b"Content-Length: 99999999999999999999\r\n\r\nx",
        FILING + b"Content-Length: -1\r\n\r\nx",
        FILING + b"Content-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx",
        b"POST /api/reports/1/support" + HERE + b"Content-Length: 20000\r\n\r\n" + b"[" * 20_000,
        b"POST /api/skills/x/y" + HERE + UTF_7,
        b"POST /api/devices/messages" + HERE + b"Content-Length: 4\r\n\r\n\xff\xfe\x00\x00",
    )

    def step(self) -> None:
        said = self.rng.choice(self.REQUESTS)
        said = said.replace(b"\r\n", f"\r\nX-Forwarded-For: {self.source()}\r\n".encode(), 1)
        with socket.create_connection(("127.0.0.1", self.city.port), timeout=30) as wire:
            wire.sendall(said)
            heard = wire.recv(4096)
        status = heard[9:12].decode("latin-1") if heard.startswith(b"HTTP/1.") else "closed"
        self.count(status, said[:120].decode("latin-1"), heard.decode("latin-1"))
