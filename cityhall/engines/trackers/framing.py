"""Cutting the stream of a connection into whole frames, as it comes, in whatever pieces.

A frame begins where its protocol says; what stands before is garbage, counted, and does not swallow a good frame after
it. No more is kept than the longest frame.
"""

from __future__ import annotations

import re
from typing import ClassVar

from cityhall.engines.trackers.checksums import crc_x25
from cityhall.engines.trackers.teltonika import CODECS

Cut = tuple[bytes | None, int]
"""A frame and where the next may begin; no bytes: garbage up to there; None: it is not whole yet."""


class Frames:
    """One stream. `malformed` counts stretches that were thrown away."""

    LONGEST = 2048
    """Bytes of a frame."""

    def __init__(self) -> None:
        self.rest = b""
        self.malformed = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Every frame that is whole with `data`, in order."""
        data = self.rest + data
        frames: list[bytes] = []
        place, good = 0, True
        while place < len(data):
            frame, end = self.cut(data, place)
            if frame is None:
                if len(data) - place <= self.LONGEST:
                    break
                # Longer than any frame: what looked like a beginning was none. Half goes at once, so that a flood
                # is looked through twice and not once a byte.
                frame, end = b"", place + (len(data) - place) // 2
            if frame:
                frames.append(frame)
            elif good:
                self.malformed += 1
            good = bool(frame)
            place = end
        self.rest = data[place:]
        return frames

    def cut(self, data: bytes, place: int) -> Cut:
        """The frame at `place`, how far garbage goes, or None to wait."""
        raise NotImplementedError


class Gt06Frames(Frames):
    """7878 or 7979, a length, 0D0A. Some say a wrong length: then the end is looked for."""

    LONGEST = 4096
    ENDS = 8

    def cut(self, data: bytes, place: int) -> Cut:
        starts = [at for at in (data.find(b"xx", place), data.find(b"yy", place)) if at >= 0]
        if not starts:
            # The last byte may be the first of two.
            end = len(data) - (data[-1:] in (b"x", b"y"))
            return (b"", end) if end > place else (None, place)
        start = min(starts)
        if start > place:
            return b"", start
        if len(data) - place < 5:
            return None, place
        size = self._size(data, place)
        if size > self.LONGEST:
            return b"", place + 2
        for more in (0, 2):
            # Some do not count their checksum.
            end = place + size + more
            if data[end - 2 : end] == b"\r\n" and len(data) >= end:
                return data[place:end], end
        later = self._good_after(data, place)
        if later:
            return b"", later
        missing = size - (len(data) - place)
        if missing > 3 or (missing > 0 and not data.endswith(b"\r\n")):
            return None, place
        # The end is there, and not where the length says.
        end = data.find(b"\r\n", place + 4) + 2
        return (None, place) if end < 2 else (data[place:end], end)

    @staticmethod
    def _size(data: bytes, place: int) -> int:
        if data[place] == 0x78:
            return data[place + 2] + 5
        return int.from_bytes(data[place + 2 : place + 4], "big") + 6

    def _good_after(self, data: bytes, place: int) -> int:
        """Where a whole frame with the right checksum begins behind a doubtful beginning; 0: nowhere.

        It is looked for from its end: the first few that may be one, so that a flood costs little.
        """
        end = place + 2
        for _end in range(self.ENDS):
            end = data.find(b"\r\n", end) + 2
            if end < 2:
                break
            for start in range(max(place + 2, end - 260), end - 9):
                if data[start] == data[start + 1] == 0x78 and data[start + 2] == end - start - 5:
                    if crc_x25(data[start + 2 : end - 4]) == int.from_bytes(data[end - 4 : end - 2], "big"):
                        return start
        return 0


class SuntechFrames(Frames):
    """Text to a CR that no LF follows, or a binary form with its length after the first byte."""

    _START = re.compile(rb"[A-Z-]|[\x02\x81-\x8f]\x00")

    def cut(self, data: bytes, place: int) -> Cut:
        if data[place] in b"\r\n\0":
            while place < len(data) and data[place] in b"\r\n\0":
                place += 1
            return self.cut(data, place) if place < len(data) else (None, place)
        if data[place] in b"\x02\x81\x82" and len(data) - place < 3:
            return None, place
        found = self._START.search(data, place)
        if not found:
            end = len(data) - (data[-1] == 2 or 0x81 <= data[-1] <= 0x8F)
            return (b"", end) if end > place else (None, place)
        if found.start() > place:
            return b"", found.start()
        if data[place + 1 : place + 2] == b"\0":
            end = place + 3 + int.from_bytes(data[place + 1 : place + 3], "big")
            return (data[place:end], end) if len(data) >= end else (None, place)
        end = data.find(b"\r", place)
        while end >= 0 and data[end + 1 : end + 2] == b"\n":
            end = data.find(b"\r", end + 1)
        return (data[place:end], end + 1) if end >= 0 else (None, place)


class QueclinkFrames(Frames):
    """Text from +RESP:, +BUFF: or +ACK: to $, or a binary form with its length in a place of its own."""

    LONGEST = 4096
    _TEXT = re.compile(rb"\+(?:RESP|BUFF|ACK):")
    _START = re.compile(rb"\+(?:RESP:|BUFF:|ACK|RSP|BSP|EVT|BVT|INF|BNF|HBD|CRD|BRD|LGN)")
    _LENGTHS: ClassVar = {
        b"+ACK": (6, 1), b"+INF": (7, 2), b"+BNF": (7, 2), b"+HBD": (5, 1), b"+CRD": (6, 2), b"+BRD": (6, 2),
        b"+LGN": (6, 2),
    }  # fmt: skip
    """Where in a binary form its length stands, and in how many bytes; 9 and 2 for the others."""

    def cut(self, data: bytes, place: int) -> Cut:
        found = self._START.search(data, place)
        if not found:
            last = data.rfind(b"+", max(place, len(data) - 5))
            end = last if last >= 0 else len(data)
            return (b"", end) if end > place else (None, place)
        if found.start() > place:
            return b"", found.start()
        if self._TEXT.match(data, place):
            return self._text(data, place)
        if len(data) - place < 11:
            return None, place
        at, width = self._LENGTHS.get(data[place : place + 4], (9, 2))
        size = int.from_bytes(data[place + at : place + at + width], "big")
        if not 11 <= size <= self.LONGEST:
            return b"", place + 1
        end = place + size
        return (data[place:end], end) if len(data) >= end else (None, place)

    def _text(self, data: bytes, place: int) -> Cut:
        ends = [at for at in (data.find(b"$", place), data.find(b"\0", place)) if at >= 0]
        other = self._TEXT.search(data, place + 1, min(ends) if ends else len(data))
        if other:
            return b"", other.start()  # the end of this one was lost
        return (data[place : min(ends)], min(ends) + 1) if ends else (None, place)


class TeltonikaFrames(Frames):
    """A log-in (two bytes of length, digits), a frame behind four zero bytes, or a byte FF that keeps awake."""

    LONGEST = 8192
    _START = re.compile(rb"\xff|\x00\x00\x00\x00|\x00[\x08-\x11][0-9]")

    def cut(self, data: bytes, place: int) -> Cut:
        if data[place] == 0xFF:
            return data[place : place + 1], place + 1
        here = data[place:]
        if len(here) < 4 and (bytes(4).startswith(here) or re.fullmatch(rb"\x00[\x08-\x11]?[0-9]*", here)):
            return None, place
        if here[:4] == bytes(4):
            if len(here) < 9:
                return None, place
            size = int.from_bytes(here[4:8], "big")
            if here[8] in CODECS and 4 <= size <= self.LONGEST - 12:
                end = place + size + 12
                return (data[place:end], end) if len(data) >= end else (None, place)
        elif here[0] == 0 and 8 <= here[1] <= 17:
            digits = here[2 : 2 + here[1]]
            if digits.isdigit():
                end = place + 2 + here[1]
                return (data[place:end], end) if len(data) >= end else (None, place)
        found = self._START.search(data, place + 1)
        return b"", found.start() if found else max(place + 1, len(data) - 3)


class WatchFrames(Frames):
    """[ to ]; }1 to }5 stand for }, [, ], comma and *."""

    LONGEST = 65536
    """A picture or a voice message comes in one frame."""
    _ESCAPED = re.compile(rb"}([\x01-\x05])")
    _FOR: ClassVar = {1: b"}", 2: b"[", 3: b"]", 4: b",", 5: b"*"}

    def cut(self, data: bytes, place: int) -> Cut:
        start = data.find(b"[", place)
        if start != place:
            return b"", start if start >= 0 else len(data)
        end = data.find(b"]", place)
        if end < 0:
            return None, place
        again = data.rfind(b"[", place + 1, end)
        if again > 0:
            return b"", again
        return self._ESCAPED.sub(lambda one: self._FOR[one[1][0]], data[place : end + 1]), end + 1


class H02Frames(Frames):
    """* to #, or $ and 32, 42 or 45 bytes: which, is seen by what follows, and then kept."""

    LONGEST = 1024
    _START = re.compile(rb"[*$]")

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def cut(self, data: bytes, place: int) -> Cut:
        found = self._START.search(data, place)
        if not found or found.start() > place:
            return b"", found.start() if found else len(data)
        if data[place] == 0x2A:
            end = data.find(b"#", place) + 1
            return (data[place:end], end) if end else (None, place)
        for size in (self._size, 45, 42, 32):
            end = place + size
            if size and (len(data) == end or (len(data) > end and data[end] in b"*$X\r\n")):
                self._size = size
                return data[place:end], end
        return (None, place) if len(data) - place < 45 else (b"", place + 1)


class Tk103Frames(Frames):
    """( to ); in the answer to a command a ) between two $ is text."""

    LONGEST = 1024
    _ANSWER = re.compile(rb"\(\d+,[A-Z]{2}..,\d{6},\d{6},\$")

    def cut(self, data: bytes, place: int) -> Cut:
        start = data.find(b"(", place)
        if start != place:
            return b"", start if start >= 0 else len(data)
        end = data.find(b")", place)
        if self._ANSWER.match(data, place):
            while end >= 0 and data.count(b"$", place, end) % 2:
                end = data.find(b")", end + 1)
        return (data[place : end + 1], end + 1) if end >= 0 else (None, place)


class LineFrames(Frames):
    """Text to a line end, # or *; what follows a * is its checksum."""

    LONGEST = 1024
    _END = re.compile(rb"\r?\n|#|\*[0-9A-Fa-f]{0,8}(?:\r?\n)?")

    def cut(self, data: bytes, place: int) -> Cut:
        found = self._END.search(data, place)
        if not found:
            return None, place
        frame = data[place : found.end()].strip()
        return (frame, found.end()) if frame not in (b"", b"#") else (b"", found.end())


class TopinFrames(Frames):
    """7878 to a 0D0A that ends what came, or that another frame follows."""

    LONGEST = 1024

    def cut(self, data: bytes, place: int) -> Cut:
        start = data.find(b"xx", place)
        if start != place:
            end = start if start >= 0 else len(data) - (data[-1:] == b"x")
            return (b"", end) if end > place else (None, place)
        end = data.find(b"\r\n", place + 4)
        while end >= 0 and len(data) > end + 2 and data[end + 2] != 0x78:
            end = data.find(b"\r\n", end + 1)
        return (data[place : end + 2], end + 2) if end >= 0 else (None, place)
