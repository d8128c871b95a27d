"""Cutting a receiver's stream into NMEA 0183 sentences and UBX frames, which many receivers send mixed."""

from __future__ import annotations

from itertools import accumulate

UBX_SYNC = b"\xb5\x62"
LONGEST_SENTENCE = 256
"""Bytes. NMEA 0183 (5.3) allows 82; receivers with many digits and proprietary sentences are longer."""
LONGEST_UBX = 4096
"""Bytes of a whole frame. RXM-RAWX, the longest that is commonly switched on, has 2 KiB."""


def ubx_checksum(content: bytes) -> bytes:
    """The two bytes after a frame's content, class to payload (8-bit Fletcher, RFC 1145; u-blox M8 manual, 32.4)."""
    return bytes((sum(content) & 0xFF, sum(accumulate(content)) & 0xFF))


class Frames:
    """One stream, from bytes as they come to whole frames; keeps LONGEST_UBX bytes at most.

    A sentence comes out without its line end, from its "$" on; its checksum is not looked at. A UBX frame comes out
    whole and only with the right checksum: a false start inside of garbage must not swallow what follows.
    `malformed` counts what was thrown away: lines without a "$", lines too long, frames with a wrong checksum.
    """

    __slots__ = ("malformed", "rest")

    def __init__(self) -> None:
        self.rest = b""
        self.malformed = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Every frame that is whole with `data`, in order."""
        if self.rest:
            data = self.rest + data
        if b"\xb5" in data:
            return self._mixed(data)
        lines = data.split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) > LONGEST_SENTENCE:
            self.rest = b""
            self.malformed += 1
        return [frame for line in lines if (frame := self._sentence(line))]

    def _sentence(self, line: bytes) -> bytes:
        line = line.rstrip(b"\r")
        if len(line) > LONGEST_SENTENCE:
            # What is cut off is garbage; a good sentence may follow it on the same line.
            line = line[-LONGEST_SENTENCE:]
        start = line.rfind(b"$")
        if start < 0:
            self.malformed += bool(line)
            return b""
        return line[start:] if start else line

    def _mixed(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        place = 0
        while place < len(data):
            sync = data.find(b"\xb5", place)
            text = data[place:sync] if sync >= 0 else data[place:]
            if text:
                place = self._text(data, place, place + len(text), sync >= 0, frames)
                if place < 0:
                    return frames
                continue
            taken = self._frame(data, place, frames)
            if not taken:
                self.rest = data[place:]
                return frames
            place += taken
        self.rest = b""
        return frames

    def _text(self, data: bytes, start: int, end: int, more: bool, frames: list[bytes]) -> int:
        """Takes the sentences of a stretch without sync bytes; gives where to go on, -1 where the stream waits."""
        lines = data[start:end].split(b"\n")
        last = lines.pop()
        frames += [frame for line in lines if (frame := self._sentence(line))]
        if more:
            # A sentence that a frame breaks into has lost its end.
            self.malformed += bool(last.strip())
            return end
        self.rest = last if len(last) <= LONGEST_SENTENCE else b""
        self.malformed += len(last) > LONGEST_SENTENCE
        return -1

    def _frame(self, data: bytes, place: int, frames: list[bytes]) -> int:
        """Takes the frame that should begin at `place`; gives how many bytes to go on by, 0 to wait for more."""
        if not UBX_SYNC.startswith(data[place : place + 2]):
            self.malformed += 1
            return 1
        if len(data) - place < 6:
            return 0
        size = int.from_bytes(data[place + 4 : place + 6], "little") + 8
        if size > LONGEST_UBX:
            self.malformed += 1
            return 2
        if len(data) - place < size:
            return 0
        frame = data[place : place + size]
        if ubx_checksum(frame[2:-2]) != frame[-2:]:
            self.malformed += 1
            return 2
        frames.append(frame)
        return size
