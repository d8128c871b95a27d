"""RTSP 1.0 (RFC 2326) with RTP in its own connection (10.12), as far as a recorder of H.264 and H.265 needs it.

Texts and bytes in, values out: whoever holds the connection sends what is made here, and brings what came.
"""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

VERSION = "RTSP/1.0"
START = b"\x00\x00\x00\x01"
"""What stands before each unit in a file of its own (ITU-T H.264 and H.265, annex B)."""
MOST_HEAD, MOST_BODY, MOST_UNIT = 64_000, 256_000, 4_000_000
_PARAMETER = re.compile(r'([a-z]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', re.I)
_SETS = {"h264": ("sprop-parameter-sets",), "h265": ("sprop-vps", "sprop-sps", "sprop-pps")}
_SPLIT = {"h264": (28,), "h265": (49,)}
_TOGETHER = {"h264": 24, "h265": 48}
_KEY = {"h264": {5, 7, 8}, "h265": {*range(16, 24), 32, 33, 34}}
"""Kinds of units by which a player can begin: a whole picture, and the parameters of those after it."""


class Unreadable(ValueError):
    """It is no RTSP, or a stream that cannot be kept as it is; its text says why."""


@dataclass(frozen=True, slots=True)
class Track:
    """A stream of pictures: its address, its codec ("h264" or "h265"), its number in RTP, and its first parameters."""

    control: str
    codec: str
    payload: int
    opening: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its status, its headers by their names in small letters, and what comes with it."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(method: str, url: str, number: int, headers: dict[str, str]) -> bytes:
    """A request (section 6). Raises Unreadable for an address that would be more than one line."""
    lines = [f"{method} {url} {VERSION}", f"CSeq: {number}", *(f"{name}: {value}" for name, value in headers.items())]
    if any(ord(letter) < 32 for line in lines for letter in line):
        raise Unreadable("its address is none")
    return "\r\n".join([*lines, "", ""]).encode()


def taken(buffer: bytearray) -> Iterator[Response | bytes]:
    """What has come whole: answers, and packets of channel 0; it is taken out of the buffer. Raises Unreadable."""
    while buffer:
        if buffer[0] == 0x24:
            if len(buffer) < 4 or len(buffer) < 4 + (length := int.from_bytes(buffer[2:4], "big")):
                return
            channel, packet = buffer[1], bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            if channel == 0:
                yield packet
            continue
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MOST_HEAD:
                raise Unreadable("its answer has no end")
            return
        first, *lines = bytes(buffer[:end]).decode("utf-8", "replace").split("\r\n")
        found = {name.strip().lower(): value.strip() for name, _colon, value in (one.partition(":") for one in lines)}
        said = found.get("content-length", "0")
        if not said.isascii() or not said.isdigit() or int(said) > MOST_BODY:
            raise Unreadable("its answer is too long")
        if len(buffer) < end + 4 + int(said):
            return
        body = bytes(buffer[end + 4 : end + 4 + int(said)])
        del buffer[: end + 4 + int(said)]
        words = first.split(" ")
        if words[0].startswith("RTSP/") and len(words) > 1 and words[1].isdigit():
            yield Response(int(words[1]), found, body)
        # Else it asks us something, which a recorder need not answer.


def authorization(challenge: str, name: str, password: str, method: str, url: str) -> str:
    """The digest that a challenge asks for (RFC 7616; RFC 2617 without qop). Raises Unreadable for any other."""
    kind, _space, rest = challenge.partition(" ")
    asked = {one[1].lower(): one[2] or one[3] or "" for one in _PARAMETER.finditer(rest)}
    algorithm = asked.get("algorithm", "MD5").upper()
    if kind.lower() != "digest" or algorithm not in ("MD5", "SHA-256") or "nonce" not in asked:
        raise Unreadable("it wants the password in another way than as a digest")

    def hashed(*parts: str) -> str:
        text = ":".join(parts).encode()
        return (hashlib.md5(text, usedforsecurity=False) if algorithm == "MD5" else hashlib.sha256(text)).hexdigest()

    realm, nonce = asked.get("realm", ""), asked["nonce"]
    ours, wanted = hashed(name, realm, password), hashed(method, url)
    told = {"username": name, "realm": realm, "nonce": nonce, "uri": url}
    more = f", algorithm={algorithm}" if "algorithm" in asked else ""
    if "auth" in [one.strip() for one in asked.get("qop", "").split(",")]:
        once = hashlib.sha256(f"{nonce}{url}{method}".encode()).hexdigest()[:16]
        response = hashed(ours, nonce, "00000001", once, "auth", wanted)
        more += f', qop=auth, nc=00000001, cnonce="{once}"'
    else:
        response = hashed(ours, nonce, wanted)
    if "opaque" in asked:
        told["opaque"] = asked["opaque"]
    return "Digest " + ", ".join(f'{key}="{value}"' for key, value in (told | {"response": response}).items()) + more


def track(description: str, base: str) -> Track:
    """The first stream of pictures in a description (SDP, RFC 8866). Raises Unreadable where there is none of ours."""
    control, media = "*", ""
    found: dict[str, str] = {}
    for line in [*description.splitlines(), "m="]:
        if line.startswith("m="):
            if media.startswith("video") and "rtpmap" in found:
                break
            media, found = line[2:], {}
        elif line.startswith("a="):
            name, _colon, value = line[2:].partition(":")
            if media:
                found.setdefault(name, value.strip())
            elif name == "control":
                control = value.strip()
    number, _space, coding = found.get("rtpmap", "").partition(" ")
    codec = coding.partition("/")[0].lower()
    if codec not in _SETS or not number.isdigit() or not media.startswith("video"):
        raise Unreadable("it has no stream of H.264 or H.265")
    said = dict(one.strip().partition("=")[::2] for one in found.get("fmtp", "").partition(" ")[2].split(";"))
    opening = [one for name in _SETS[codec] for one in said.get(name, "").split(",") if one]
    try:
        units = tuple(b64decode(one, validate=True) for one in opening)
    except ValueError:
        units = ()
    whole = base if control == "*" else urljoin(base, control)
    own = found.get("control", "*")
    # A server that names its streams by a bare word means one below the address that was asked.
    address = whole if own == "*" else own if "://" in own else f"{whole.rstrip('/')}/{own}"
    return Track(address, codec, int(number), units)


@dataclass
class Units:
    """Puts the packets of a track together to its units, each as it was coded (RFC 6184, 5.6–5.8; RFC 7798, 4.4).

    What misses a packet is left out whole; `lost` counts the packets.
    """

    track: Track
    lost: int = 0
    _next: int | None = None
    _part: bytearray | None = None
    _begun: bool = field(default=False)

    def add(self, packet: bytes) -> list[bytes]:
        """The units that are whole by this packet (RFC 3550, 5.1); none for what is of no use."""
        if len(packet) < 12 or packet[0] >> 6 != 2 or packet[1] & 0x7F != self.track.payload:
            return []
        number = int.from_bytes(packet[2:4], "big")
        if self._next is not None and number != self._next:
            gone = (number - self._next) & 0xFFFF
            if gone >= 0x8000:
                return []
            self.lost += gone
            self._part = None
        self._next = (number + 1) & 0xFFFF
        at = 12 + 4 * (packet[0] & 0x0F)
        if packet[0] & 0x10 and len(packet) >= at + 4:
            at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
        end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
        return self._units(packet[at:end])

    def _units(self, body: bytes) -> list[bytes]:
        head = 1 if self.track.codec == "h264" else 2
        if len(body) <= head:
            return []
        kind = _kind(self.track.codec, body)
        if kind == _TOGETHER[self.track.codec]:
            return list(_apart(body[head:]))
        if kind not in _SPLIT[self.track.codec]:
            return [body]
        return self._joined(body, head)

    def _joined(self, body: bytes, head: int) -> list[bytes]:
        mark = body[head]
        if mark & 0x80:
            if head == 1:
                self._part = bytearray([body[0] & 0xE0 | mark & 0x1F])
            else:
                self._part = bytearray([body[0] & 0x81 | (mark & 0x3F) << 1, body[1]])
        if self._part is None or len(self._part) > MOST_UNIT:
            self._part = None
            return []
        self._part += body[head + 1 :]
        if not mark & 0x40:
            return []
        whole, self._part = bytes(self._part), None
        return [whole]


def _apart(body: bytes) -> Iterator[bytes]:
    while len(body) > 2:
        (length,) = struct.unpack_from(">H", body)
        if not 0 < length <= len(body) - 2:
            return
        yield body[2 : 2 + length]
        body = body[2 + length :]


def _kind(codec: str, unit: bytes) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def begins(codec: str, unit: bytes) -> bool:
    """Whether a player can begin with this unit, or with the picture that comes right after it."""
    return bool(unit) and _kind(codec, unit) in _KEY[codec]
