"""Reading a frame field by field, never beyond its end."""

from __future__ import annotations

import struct

from cityhall.engines.trackers.values import Unreadable


class Short(Unreadable):
    """A frame ends before the field that should follow."""


class Cursor:
    """Reads `data` from `place` up to `end`; big-endian where the name does not say `le`. Raises Short beyond it."""

    __slots__ = ("data", "end", "place")

    def __init__(self, data: bytes, place: int = 0, end: int | None = None) -> None:
        self.data = data
        self.end = len(data) if end is None else max(place, min(end, len(data)))
        self.place = place

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self.end - self.place

    def take(self, size: int) -> bytes:
        place = self.place
        if size < 0 or place + size > self.end:
            raise Short(f"{size} bytes are wanted, {self.end - place} are left")
        self.place = place + size
        return self.data[place : place + size]

    def skip(self, size: int) -> None:
        self.take(size)

    def part(self, size: int) -> Cursor:
        """A cursor of its own over the next bytes."""
        self.take(size)
        return Cursor(self.data, self.place - size, self.place)

    def peek(self, offset: int = 0) -> int:
        """A byte that is not read yet."""
        if offset < 0 or self.place + offset >= self.end:
            raise Short("the frame ends")
        return self.data[self.place + offset]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u24(self) -> int:
        return int.from_bytes(self.take(3), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def i8(self) -> int:
        return int.from_bytes(self.take(1), "big", signed=True)

    def i16(self) -> int:
        return int.from_bytes(self.take(2), "big", signed=True)

    def i32(self) -> int:
        return int.from_bytes(self.take(4), "big", signed=True)

    def u32le(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def i32le(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)

    def u64le(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def f32(self) -> float:
        return float(struct.unpack(">f", self.take(4))[0])

    def signed_magnitude16(self) -> int:
        """A sign in the highest bit, and the rest its size."""
        value = self.u16()
        return -(value & 0x7FFF) if value & 0x8000 else value

    def signed_magnitude32(self) -> int:
        value = self.u32()
        return -(value & 0x7FFFFFFF) if value & 0x80000000 else value

    def bcd(self, size: int) -> int:
        """A number in binary coded decimal, two digits a byte."""
        value = 0
        for one in self.take(size):
            value = value * 100 + (one >> 4) * 10 + (one & 15)
        return value

    def hex(self, size: int) -> str:
        return self.take(size).hex()

    def text(self, size: int) -> str:
        return self.take(size).decode("latin-1")
