"""A camera that is none: RTSP with a password that it checks as a digest, and a made street in H.264 by RTP.

Every packet comes by the connection itself. Pictures that are too large for one are split (FU-A), as cameras do.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

from PIL import Image

from cityhall.simulator import film
from cityhall.simulator.cameras import frame

SIZE, RATE, PIECE = (160, 120), 8, 1200
REALM, NONCE = "stream", "9e1d4c77"
PAYLOAD = 96


def _coded(images: list[Image.Image]) -> tuple[list[bytes], list[bytes]]:
    """The film's parameters, and its pictures, without start codes."""
    sets = [one for one in film._sets(*SIZE).split(b"\x00\x00\x00\x01") if one]
    now = [film.blocks(image) for image in images]
    later = [film._next(after, before, number) for number, (before, after) in enumerate(pairwise(now), 1)]
    return sets, [one[4:] for one in (film._first(now[0], 0), *later)]


@dataclass
class VirtualStream:
    """`basic`: it asks for the password itself; `breaks`: it lets go once it should play."""

    user: str = "desk"
    password: str = "s3cret-Kanguru"
    basic: bool = False
    breaks: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.images = [frame(3, 1000 + place / RATE).resize(SIZE) for place in range(RATE)]
        self.sets, self.pictures = _coded(self.images)
        self.units = [*self.sets, self.pictures[0]]
        self.stop = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self.server.getsockname()[1]}/main"

    def serve(self) -> None:
        while not self.stop.is_set():
            with suppress(OSError):
                there, _address = self.server.accept()
                threading.Thread(target=self._speak, args=(there,), daemon=True).start()

    def _speak(self, there: socket.socket) -> None:
        buffer = b""
        with suppress(OSError), there:
            while not self.stop.is_set():
                while b"\r\n\r\n" not in buffer:
                    if not (came := there.recv(4096)):
                        return
                    buffer += came
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                if not self._answer(there, head.decode()):
                    return

    def _answer(self, there: socket.socket, head: str) -> bool:
        method, url = head.split(" ")[:2]
        number = re.search(r"CSeq: (\d+)", head)
        assert number is not None
        self.asked.append(method)
        self.said.append(head)
        status, lines, body = "200 OK", [], ""
        if not self._knows(head, method, url):
            status = "401 Unauthorized"
            challenge = 'Basic realm="x"' if self.basic else f'Digest realm="{REALM}", nonce="{NONCE}"'
            lines = [f"WWW-Authenticate: {challenge}"]
        elif method == "DESCRIBE":
            # As behind a gateway: it knows itself by another address.
            lines = ["Content-Base: rtsp://192.168.1.64:554/main/", "Content-Type: application/sdp"]
            body = self._description()
        elif method == "SETUP":
            assert url.endswith("/main/trackID=1"), url
            lines = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 4711;timeout=60"]
        elif method == "PLAY" and self.breaks:
            return False
        whole = [f"RTSP/1.0 {status}", f"CSeq: {number[1]}", *lines, f"Content-Length: {len(body)}", "", body]
        there.sendall("\r\n".join(whole).encode())
        if method == "PLAY" and status == "200 OK":
            threading.Thread(target=self._play, args=(there,), daemon=True).start()
        return True

    def _description(self) -> str:
        sets = ",".join(b64encode(one).decode() for one in self.sets)
        lines = ["v=0", "s=x", "a=control:*", "m=audio 0 RTP/AVP 0", "a=control:trackID=0"]
        lines += [f"m=video 0 RTP/AVP {PAYLOAD}", f"a=rtpmap:{PAYLOAD} H264/90000"]
        lines += [f"a=fmtp:{PAYLOAD} packetization-mode=1; sprop-parameter-sets={sets}", "a=control:trackID=1", ""]
        return "\r\n".join(lines)

    def _knows(self, head: str, method: str, url: str) -> bool:
        said = re.search(r'response="([0-9a-f]+)"', head)
        ours = hashlib.md5(f"{self.user}:{REALM}:{self.password}".encode()).hexdigest()
        wanted = hashlib.md5(f"{method}:{url}".encode()).hexdigest()
        right = hashlib.md5(f"{ours}:{NONCE}:{wanted}".encode()).hexdigest()
        return said is not None and said[1] == right and not self.basic

    def _play(self, there: socket.socket) -> None:
        number, at = 65_500, 0
        with suppress(OSError):
            while True:
                for picture in self.pictures:
                    # A sender's report between (channel 1), as cameras have it.
                    there.sendall(b"$\x01\x00\x04\x80\xc8\x00\x00")
                    pieces = list(_pieces(picture))
                    for place, piece in enumerate(pieces):
                        mark = 0x80 * (place == len(pieces) - 1) | PAYLOAD
                        packet = bytes([0x80, mark]) + number.to_bytes(2, "big") + at.to_bytes(4, "big") + bytes(4)
                        packet += piece
                        there.sendall(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
                        number = (number + 1) & 0xFFFF
                    at += 90_000 // RATE
                    if self.stop.wait(1 / RATE):
                        return


def _pieces(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= PIECE:
        yield unit
        return
    body = unit[1:]
    for start in range(0, len(body), PIECE):
        ends = start + PIECE >= len(body)
        mark = 0x80 * (start == 0) | 0x40 * ends | unit[0] & 0x1F
        yield bytes([unit[0] & 0xE0 | 28, mark]) + body[start : start + PIECE]


@contextmanager
def streaming(device: VirtualStream) -> Iterator[VirtualStream]:
    """It is there within."""
    thread = threading.Thread(target=device.serve, daemon=True)
    thread.start()
    try:
        yield device
    finally:
        device.stop.set()
        with suppress(OSError):
            socket.create_connection(device.server.getsockname(), 1).close()
        thread.join(5)
        device.server.close()
