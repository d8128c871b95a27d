"""NTRIP, the protocol that carries corrections: requests, answers and the list of stations, as bytes.

Sources: RTCM 10410.1, Networked Transport of RTCM via Internet Protocol, version 2.0 (over HTTP/1.1, RFC 9112), and
version 1.0, which many receivers still speak.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

LONGEST_HEAD = 4096
"""Bytes of a request up to its empty line."""
_LINE = re.compile(r"(GET|POST) (\S{1,300}) (HTTP/1\.[01]|NTRIP/1\.0|RTSP/1\.0)")
_SOURCE = re.compile(r"SOURCE (\S{0,200}) (\S{1,200})")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


class RequestError(ValueError):
    """What was sent is no NTRIP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """`kind` is "read" (a receiver) or "send" (a base station); `mountpoint` "" asks for the list of stations.

    `version` is 1 or 2. In version 1 a base station has no user name, only a password.
    """

    kind: str
    mountpoint: str
    version: int
    user: str = ""
    password: str = ""
    chunked: bool = False


def read_request(head: bytes) -> Request:
    """The request in what came before the empty line. Raises RequestError."""
    lines = head.decode("latin-1").split("\r\n")
    source = _SOURCE.fullmatch(lines[0])
    if source:
        return Request("send", source[2].removeprefix("/"), 1, password=source[1])
    first = _LINE.fullmatch(lines[0])
    if not first or first[3].startswith("RTSP"):
        raise RequestError("this is no NTRIP request")
    headers = {}
    for line in lines[1:]:
        header = _HEADER.fullmatch(line)
        if not header:
            raise RequestError("a header is malformed")
        headers[header[1].lower()] = header[2]
    version = 2 if headers.get("ntrip-version", "").lower() == "ntrip/2.0" else 1
    user, password = _login(headers.get("authorization", ""))
    mountpoint = first[2].partition("?")[0].removeprefix("/")
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    return Request("read" if first[1] == "GET" else "send", mountpoint, version, user, password, chunked)


def _login(value: str) -> tuple[str, str]:
    """User and password of Basic authentication (RFC 7617); "" where there are none."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


@dataclass(frozen=True, slots=True)
class Mount:
    """A station as the list of stations shows it. `messages` are its RTCM message numbers; `bitrate` in bits/s."""

    name: str
    identifier: str
    country: str
    lon: float
    lat: float
    messages: tuple[int, ...] = ()
    bitrate: int = 0


_SYSTEMS = (
    (range(1071, 1078), "GPS"),
    (range(1081, 1088), "GLO"),
    (range(1091, 1098), "GAL"),
    (range(1121, 1128), "BDS"),
)


def sourcetable(mounts: Iterable[Mount], agent: str) -> bytes:
    """The list of stations: one STR record each (version 2.0, 3.5.2), without head."""
    lines = []
    for one in mounts:
        systems = [name for numbers, name in _SYSTEMS if any(number in numbers for number in one.messages)]
        fields = (
            *("STR", one.name, one.identifier.replace(";", ",") or one.name, "RTCM 3"),
            *(",".join(map(str, one.messages)), "2", "+".join(systems) or "GPS", agent, one.country),
            *(f"{one.lat:.2f}", f"{one.lon:.2f}", "0", "0", agent, "none", "B", "N", str(one.bitrate), ""),
        )
        lines.append(";".join(fields))
    return "\r\n".join([*lines, "ENDSOURCETABLE", ""]).encode("latin-1", "replace")


def answer(version: int, status: str, agent: str, *headers: str, body: bytes | None = None) -> bytes:
    """An HTTP answer: `status` as "200 OK"; without a body the connection goes on."""
    lines = [
        f"HTTP/1.{version - 1} {status}",
        *(["Ntrip-Version: Ntrip/2.0"] if version == 2 else []),
        f"Server: NTRIP {agent}",
        f"Date: {format_datetime(datetime.now(UTC), usegmt=True)}",  # noqa: TID251 (as a web server does)
        *headers,
        *([f"Content-Length: {len(body)}"] if body is not None else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112, 7.1)."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Chunks:
    """A chunked body, from bytes as they come to its data; keeps less than one chunk's head.

    `ended` says that the last chunk has come. Raises RequestError where a chunk's size is none.
    """

    def __init__(self) -> None:
        self.ended = False
        self._head = b""
        self._left = 0
        self._tail = 0

    def feed(self, data: bytes) -> bytes:
        """The data in the next bytes."""
        found: list[bytes] = []
        place = 0
        while place < len(data) and not self.ended:
            if self._left:
                piece = data[place : place + self._left]
                found.append(piece)
                self._left -= len(piece)
                self._tail = 2 if not self._left else 0
                place += len(piece)
            elif self._tail:
                # The line end after a chunk.
                skipped = min(self._tail, len(data) - place)
                self._tail -= skipped
                place += skipped
            else:
                place = self._size(data, place)
        return b"".join(found)

    def _size(self, data: bytes, place: int) -> int:
        end = data.find(b"\n", place)
        self._head += data[place:] if end < 0 else data[place:end]
        if len(self._head) > 64:
            raise RequestError("a chunk's size is malformed")
        if end < 0:
            return len(data)
        size = self._head.strip().partition(b";")[0]
        self._head = b""
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,6}", size):
            raise RequestError("a chunk's size is malformed")
        self._left = int(size, 16)
        self.ended = not self._left
        return end + 1
