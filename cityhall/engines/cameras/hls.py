"""Playlists of HTTP Live Streaming (RFC 8216), as far as a recorder and a go-between need them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^,\r\n]*)')
_URI = re.compile(r'(URI=")([^"\r\n]*)(")')
MOST_SEGMENTS = 5000


class Unreadable(ValueError):
    """It is no playlist, or one that cannot be kept as it is; its text says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the stream: where it is, how long in seconds, its number, and when it began where the camera says so.

    `opening` is the address of what must be read before it ("" for MPEG-TS; section 4.3.2.5).
    """

    uri: str
    seconds: float
    number: int
    at: datetime | None
    opening: str


@dataclass(frozen=True, slots=True)
class Playlist:
    """A media playlist with its segments, or a master one with the addresses of its variants, the best one first."""

    segments: tuple[Segment, ...] = ()
    variants: tuple[str, ...] = ()
    target_s: float = 6.0
    ended: bool = False


def read(text: str) -> Playlist:
    """Raises Unreadable for no playlist, and for encrypted or byte-ranged segments (sections 4.3.2.2 and 4.3.2.4)."""
    lines = [line.strip() for line in text.splitlines()]
    if not lines or not lines[0].lstrip("\ufeff").startswith("#EXTM3U"):
        raise Unreadable("it is no playlist")
    if any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        return Playlist(variants=_variants(lines))
    return _media(lines)


def _variants(lines: list[str]) -> tuple[str, ...]:
    found, bandwidth = [], None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            bandwidth = _whole(_attributes(line).get("BANDWIDTH", "0"))
        elif line and not line.startswith("#") and bandwidth is not None:
            found.append((bandwidth, line))
            bandwidth = None
    return tuple(uri for _bandwidth, uri in sorted(found, key=lambda one: -one[0]))


def _media(lines: list[str]) -> Playlist:
    number, target, seconds, opening, ended = 0, 6.0, 0.0, "", False
    at: datetime | None = None
    segments: list[Segment] = []
    for line in lines:
        tag, _colon, value = line.partition(":")
        if tag == "#EXT-X-MEDIA-SEQUENCE":
            number = _whole(value)
        elif tag == "#EXT-X-TARGETDURATION":
            target = _number(value)
        elif tag == "#EXTINF":
            seconds = _number(value.split(",")[0])
        elif tag == "#EXT-X-PROGRAM-DATE-TIME":
            at = _moment(value)
        elif tag == "#EXT-X-MAP":
            attributes = _attributes(line)
            if "BYTERANGE" in attributes:
                raise Unreadable("its segments are parts of one file")
            opening = attributes.get("URI", "")
        elif tag == "#EXT-X-KEY" and _attributes(line).get("METHOD") != "NONE":
            raise Unreadable("it is encrypted")
        elif tag == "#EXT-X-BYTERANGE":
            raise Unreadable("its segments are parts of one file")
        elif tag == "#EXT-X-DISCONTINUITY":
            at = None
        elif tag == "#EXT-X-ENDLIST":
            ended = True
        elif line and not line.startswith("#"):
            segments.append(Segment(line, seconds, number, at, opening))
            # What follows a segment begins where it ends, until the playlist says otherwise (section 4.3.2.6).
            at = None if at is None else datetime.fromtimestamp(at.timestamp() + seconds, UTC)
            number += 1
            if len(segments) > MOST_SEGMENTS:
                raise Unreadable("it is too long")
    return Playlist(tuple(segments), target_s=max(0.5, min(60.0, target)), ended=ended)


def linked(text: str, link: Callable[[str], str]) -> str:
    """The same playlist with every address in it as `link` gives it."""

    def one(line: str) -> str:
        if line.startswith("#"):
            return _URI.sub(lambda found: found[1] + link(found[2]) + found[3], line)
        return link(line.strip()) if line.strip() else line

    return "\n".join(one(line) for line in text.splitlines()) + "\n"


def _attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text.strip()):
        raise Unreadable("a number in it is none")
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", text.strip()):
        raise Unreadable("a number in it is none")
    return float(text)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)
