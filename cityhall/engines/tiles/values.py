"""A field's distinct values, and each as a tile writes it (MVT 2.1, section 4.4): made for all of them at once."""

from __future__ import annotations

import struct
from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityhall.engines.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
TEXT, DOUBLE, UINT, SINT = 0x0A, 0x19, 0x28, 0x30
VALUES = 0x22
"""The tag of a layer's `values`; those above are of what a value may be."""
MORE = 16
"""Bytes that tags and sizes of a value may take, or a number all in all."""


class Values:
    """Distinct values: an Arrow array of one type, or a list of text, numbers and truth values."""

    def __init__(self, distinct: pa.Array | list[Any]) -> None:
        self.distinct = distinct

    def __len__(self) -> int:
        return len(self.distinct)

    @cached_property
    def listed(self) -> list[Any]:
        """The values as Python's own."""
        return self.distinct if isinstance(self.distinct, list) else self.distinct.to_pylist()

    def __getitem__(self, code: int) -> Any:
        return self.distinct[code] if isinstance(self.distinct, list) else self.distinct[code].as_py()

    @cached_property
    def are_numbers(self) -> bool:
        """Whether every value is a number."""
        if isinstance(self.distinct, list):
            return all(isinstance(one, int | float) and not isinstance(one, bool) for one in self.distinct)
        return bool(pa.types.is_integer(self.distinct.type) or pa.types.is_floating(self.distinct.type))

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The values of a field of numbers."""
        return np.asarray(self.distinct, np.float64)

    def among(self, wanted: Collection[str]) -> list[int]:
        """The codes of the values that are written as one of `wanted`."""
        if isinstance(self.distinct, list):
            return [code for code, value in enumerate(self.distinct) if str(value) in wanted]
        if pa.types.is_string(self.distinct.type):
            near = pc.is_in(self.distinct, pa.array(list(wanted), pa.string()))
            return [int(code) for code in np.flatnonzero(near.to_numpy(zero_copy_only=False))]
        if not self.are_numbers:
            return [code for code, value in enumerate(self.listed) if str(value) in wanted]
        equal = np.isin(self.numbers, [number for text in wanted if (number := _number(text)) is not None])
        return [int(code) for code in np.flatnonzero(equal) if str(self[int(code)]) in wanted]

    @cached_property
    def encoded(self) -> tuple[Bytes, Int64]:
        """All values as a tile writes them, one after another; and where each begins, and the last ends."""
        count = len(self.distinct)
        starts = np.zeros(count + 1, np.int64)
        if not isinstance(self.distinct, list) and count:
            kind = self.distinct.type
            if pa.types.is_string(kind):
                _, offsets, text = self.distinct.buffers()
                ends = np.frombuffer(offsets, np.int32)[self.distinct.offset : self.distinct.offset + count + 1]
                letters = np.frombuffer(text or b"", np.uint8)
                out = np.empty(int(ends[-1] - ends[0]) + MORE * count, np.uint8)
                return out[: _texts(ends, letters, out, starts)].copy(), starts
            if pa.types.is_int64(kind):
                out = np.empty(MORE * count, np.uint8)
                return out[: _wholes(np.asarray(self.distinct), out, starts)].copy(), starts
            if pa.types.is_floating(kind):
                rows = np.empty((count, 11), np.uint8)
                rows[:, :3] = (VALUES, 9, DOUBLE)
                rows[:, 3:] = self.numbers.astype("<f8").view(np.uint8).reshape(count, 8)
                return rows.ravel(), np.arange(count + 1, dtype=np.int64) * 11
        made = [value_bytes(value) for value in self.listed]
        np.cumsum([len(one) for one in made], out=starts[1:])
        return np.frombuffer(b"".join(made), np.uint8), starts


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def varint(number: int) -> bytes:
    """A protobuf varint."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def chunk(field_number: int, body: bytes) -> bytes:
    """A protobuf field that holds bytes."""
    return varint(field_number << 3 | 2) + varint(len(body)) + body


def value_bytes(value: Any) -> bytes:
    """One `values` entry of a layer: text is field 1, double 3, uint 5, sint 6, bool 7."""
    if isinstance(value, bool):
        body = b"\x38\x01" if value else b"\x38\x00"
    elif isinstance(value, int) and 0 <= value < 2**64:
        body = b"\x28" + varint(value)
    elif isinstance(value, int) and -(2**63) <= value < 0:
        body = b"\x30" + varint((-value << 1) - 1)
    elif isinstance(value, int | float):
        body = b"\x19" + struct.pack("<d", value)
    else:
        body = chunk(1, value.encode("utf-8", "replace"))
    return chunk(4, body)


@compiled()
def write_varint(out: Bytes, at: int, number: int) -> int:
    """Writes a protobuf varint of a number from 0 to 2^63 - 1 to `out`; gives where it ends."""
    while number > 127:
        out[at] = np.uint8(number & 127 | 128)
        number >>= 7
        at += 1
    out[at] = np.uint8(number)
    return at + 1


@compiled()
def varint_size(number: int) -> int:
    """The bytes of a number as a varint."""
    size = 1
    while number > 127:
        number >>= 7
        size += 1
    return size


@compiled()
def _texts(ends: npt.NDArray[np.int32], letters: Bytes, out: Bytes, starts: Int64) -> int:
    at = 0
    for place in range(ends.size - 1):
        starts[place] = at
        begin, end = int(ends[place]), int(ends[place + 1])
        size = end - begin
        out[at] = VALUES
        at = write_varint(out, at + 1, 1 + varint_size(size) + size)
        out[at] = TEXT
        at = write_varint(out, at + 1, size)
        out[at : at + size] = letters[begin:end]
        at += size
    starts[ends.size - 1] = at
    return at


@compiled()
def _wholes(numbers: Int64, out: Bytes, starts: Int64) -> int:
    at = 0
    for place in range(numbers.size):
        starts[place] = at
        number = numbers[place]
        # Zigzag of a number below 0 needs all 64 bits.
        rest = np.uint64(number) if number >= 0 else np.uint64(~number) * np.uint64(2) + np.uint64(1)
        out[at], out[at + 2] = VALUES, UINT if number >= 0 else SINT
        end = at + 3
        while rest > np.uint64(127):
            out[end] = np.uint8(rest & np.uint64(127) | np.uint64(128))
            rest >>= np.uint64(7)
            end += 1
        out[end] = np.uint8(rest)
        out[at + 1] = end - at - 1
        at = end + 1
    starts[numbers.size] = at
    return at
