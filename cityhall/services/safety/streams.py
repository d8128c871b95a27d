"""An RTSP stream while it is being kept: one connection, to the very address that was checked.

Units of H.264 or H.265 are taken as they come, decoded by nobody here. The password is only ever sent as a digest; a
stream that is sent on elsewhere, or that says nothing, is over.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterator

from cityhall.engines.cameras import rtsp
from cityhall.services.safety import camera_calls as calls
from cityhall.services.safety import cameras
from cityhall.services.safety.models import Camera

ALIVE_S = 20.0
"""So often a camera hears that somebody is there; many end a session after 60 s (RFC 2326, 12.37)."""
SILENT_S = 5.0
AT_ONCE = 65_536


class Stream:
    """A stream that plays. Raises Unavailable where there is none, here and in `units`."""

    def __init__(self, camera: Camera) -> None:
        self.url = camera.rtsp_url
        self.login = cameras.login_of(camera)
        self.buffer = bytearray()
        self.number, self.session, self.asked = 0, "", ""
        self.heard = self.told = time.monotonic()
        self.until = self.heard + calls.SECONDS
        self.packets: list[bytes] = []
        host, address, port = calls.checked_address(self.url, schemes=("rtsp", "rtsps"))
        try:
            self.socket = socket.create_connection((address, port), timeout=calls.SECONDS)
        except OSError as problem:
            raise calls.unreachable(type(problem).__name__) from problem
        try:
            if self.url.startswith("rtsps:"):
                self.socket = ssl.create_default_context().wrap_socket(self.socket, server_hostname=host)
            self.track = self._begin()
        except (OSError, ValueError) as problem:
            self.close()
            raise calls.unreachable(str(problem)) from problem
        self._units = rtsp.Units(self.track)

    def _begin(self) -> rtsp.Track:
        described = self._ask("DESCRIBE", self.url, {"Accept": "application/sdp"})
        base = described.headers.get("content-base") or described.headers.get("content-location") or self.url
        track = rtsp.track(described.body.decode("utf-8", "replace"), self._ours(base))
        there = self._ours(track.control)
        ready = self._ask("SETUP", there, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        if "interleaved" not in ready.headers.get("transport", ""):
            raise rtsp.Unreadable("it sends by no connection")
        self.session = ready.headers.get("session", "").partition(";")[0]
        self._ask("PLAY", self._ours(base), {"Range": "npt=0.000-"})
        return track

    def _ours(self, url: str) -> str:
        """An address that the camera gives, at the host that it is asked at: it may know itself by another."""
        own, path = self.url.split("/", 3), url.split("/", 3)
        return "/".join([*own[:3], path[3] if len(path) > 3 else ""]) if "://" in url else url

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> rtsp.Response:
        answer = self._answer(method, url, headers)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status == 401 and challenge and self.login is not None:
            self.asked = challenge
            answer = self._answer(method, url, headers)
        if answer.status != 200:
            raise rtsp.Unreadable(f"{method}: {answer.status}")
        return answer

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> rtsp.Response:
        self._say(method, url, headers)
        while True:
            for one in self._came(self.until - time.monotonic()):
                if isinstance(one, rtsp.Response) and one.headers.get("cseq", str(self.number)) == str(self.number):
                    return one

    def _say(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.number += 1
        given = {"User-Agent": "Cityhall"} | headers
        if self.session:
            given["Session"] = self.session
        if self.asked and self.login is not None:
            given["Authorization"] = rtsp.authorization(self.asked, self.login.name, self.login.password, method, url)
        self.socket.sendall(rtsp.request(method, url, self.number, given))
        self.told = time.monotonic()

    def _came(self, seconds: float) -> Iterator[rtsp.Response | bytes]:
        """What comes within so many seconds, at least some of it. Raises OSError, Unreadable."""
        if seconds <= 0:
            raise TimeoutError
        self.socket.settimeout(seconds)
        data = self.socket.recv(AT_ONCE)
        if not data:
            raise ConnectionResetError
        self.buffer += data
        self.heard = time.monotonic()
        for one in rtsp.taken(self.buffer):
            if isinstance(one, bytes) and self.session:
                self.packets.append(one)
            yield one

    def units(self, seconds: float) -> list[bytes]:
        """The units that come within so many seconds."""
        until, found = time.monotonic() + seconds, []
        try:
            while True:
                for packet in self.packets:
                    found += self._units.add(packet)
                self.packets.clear()
                now = time.monotonic()
                if now - self.told > ALIVE_S:
                    self._say("OPTIONS", self.url, {})
                if now - self.heard > SILENT_S:
                    raise TimeoutError
                if now >= until or sum(map(len, found)) > calls.SEGMENT_BYTES:
                    return found
                if self._waits() or select.select([self.socket], [], [], until - now)[0]:
                    list(self._came(SILENT_S))
        except (OSError, ValueError) as problem:
            self.close()
            raise calls.unreachable(type(problem).__name__) from problem

    def _waits(self) -> bool:
        """Whether bytes that were unwrapped already wait in a connection with TLS."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def close(self) -> None:
        """The camera is let go."""
        self.socket.close()
