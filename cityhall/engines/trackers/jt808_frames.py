"""Cutting a stream into frames of JT/T 808: delimiters, escapes, and messages that come in parts (4.4.3)."""

from __future__ import annotations

import re
from collections import OrderedDict

from cityhall.engines.trackers.checksums import exclusive_or
from cityhall.engines.trackers.framing import Cut, Frames
from cityhall.engines.trackers.jt808 import DELIMITERS, Head
from cityhall.engines.trackers.values import Unreadable

_Key = tuple[bytes, int, int]


class Jt808Frames(Frames):
    """7E to 7E (or E7 to E7, whichever comes first), or a sentence in brackets. Frames come out without escapes.

    Of a message in parts each part comes out as it is, and when the last is there also one frame with all of it.
    """

    LONGEST = 4096
    MOST_PARTS = 64
    """A message of more parts is not put together, nor more than MOST_WAITING at a time."""
    MOST_WAITING = 4
    _START = re.compile(rb"[\x7e\xe7]|\((?=[0-9]|$)")

    def __init__(self) -> None:
        super().__init__()
        self._delimiter = b""
        self._parts: OrderedDict[_Key, dict[int, bytes]] = OrderedDict()

    def feed(self, data: bytes) -> list[bytes]:
        """Every frame that is whole with `data`, in order."""
        frames = []
        for frame in super().feed(data):
            frames.append(frame)
            joined = self._join(frame)
            if joined:
                frames.append(joined)
        return frames

    def cut(self, data: bytes, place: int) -> Cut:
        found = self._START.search(data, place)
        if not found or found.start() > place:
            return b"", found.start() if found else len(data)
        edge = data[place : place + 1]
        if edge == b"(":
            end = data.find(b")", place, place + 1024) + 1
            if end:
                return data[place:end], end
            return (None, place) if len(data) - place < 1024 else (b"", place + 1)
        if self._delimiter and edge != self._delimiter:
            return b"", place + 1
        start = place
        while data[start + 1 : start + 2] == edge:
            start += 1  # one frame's end and the next one's beginning, or an idle line
        if start > place + 1:
            return b"", start
        end = data.find(edge, start + 1)
        if end < 0:
            other = -1 if self._delimiter or edge == b"\x7e" else data.find(b"\x7e", place)
            return (b"", other) if other >= 0 else (None, place)
        frame = edge + self._plain(edge[0], data[start + 1 : end]) + edge
        # The end of a frame that is damaged may be the beginning of a good one.
        good = exclusive_or(frame[1:-1]) == 0
        if good:
            self._delimiter = edge
        elif edge != b"\x7e" and not self._delimiter:
            return b"", place + 1
        return frame, end + 1 if good else end

    def _plain(self, delimiter: int, inside: bytes) -> bytes:
        mark, escapes = DELIMITERS[delimiter]
        if mark not in inside:
            return inside
        pattern = re.compile(re.escape(bytes([mark])) + b"([\x01\x02])")
        return pattern.sub(lambda one: bytes([escapes[one[1][0]]]), inside)

    def _join(self, frame: bytes) -> bytes:
        """The whole message, once the last of its parts is there."""
        if frame[:1] == b"(" or exclusive_or(frame[1:-1]):
            return b""
        try:
            head = Head(frame)
        except Unreadable:
            return b""
        if not 1 < head.parts <= self.MOST_PARTS or not 1 <= head.part <= head.parts:
            return b""
        key = (head.id, head.type, head.parts)
        parts = self._parts.setdefault(key, {})
        parts[head.part] = head.body.take(head.body.left)
        while len(self._parts) > self.MOST_WAITING:
            self._parts.popitem(last=False)
        if len(parts) < head.parts:
            return b""
        del self._parts[key]
        content = b"".join(parts[number] for number in range(1, head.parts + 1))
        attributes = (head.attributes & ~0x23FF) | len(content) & 0x3FF
        inside = head.type.to_bytes(2, "big") + attributes.to_bytes(2, "big") + head.version + head.id + head.serial
        inside += content
        return frame[:1] + inside + bytes([exclusive_or(inside)]) + frame[:1]
