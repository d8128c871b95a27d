"""Film of the demo's cameras, without a library that encodes: H.264 of samples as they are, in MPEG-TS.

A picture's blocks of 16 × 16 are sent uncompressed (I_PCM, ITU-T H.264, 7.3.5) where they have changed, and skipped
where not (P_Skip): a street on which little moves needs little. Every browser that plays HLS plays it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

BLOCK = 16
_RATE = 90_000
"""Ticks of MPEG's clock in a second (ISO 13818-1, 2.4.3.7)."""
_PID_MAP, _PID_FILM = 0x1000, 0x100
_AGAIN = re.compile(rb"\x00\x00(?=[\x00-\x03])")


class _Bits:
    """Bits to be written, the first one first."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, value: int, width: int) -> _Bits:
        self.bits += f"{value:0{width}b}"
        return self

    def ue(self, *values: int) -> _Bits:
        """Exponential Golomb codes (9.1)."""
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code
        return self

    def aligned(self) -> bytes:
        """What there is, filled with zeros to a byte."""
        bits = self.bits + "0" * (-len(self.bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""

    def ended(self) -> bytes:
        """With the trailing bits of a unit (7.3.2.11)."""
        self.bits += "1"
        return self.aligned()


def _unit(head: int, body: bytes) -> bytes:
    """A NAL unit with its start code; no start code arises within (7.4.1)."""
    return b"\x00\x00\x00\x01" + bytes([head]) + _AGAIN.sub(b"\x00\x00\x03", body)


def _sets(width: int, height: int) -> bytes:
    """Sequence and picture parameters (7.3.2.1, 7.3.2.2): baseline, one reference, in order, no deblocking."""
    across, down = -(-width // BLOCK), -(-height // BLOCK)
    sequence = _Bits().u(66, 8).u(0xC0, 8).u(30, 8).ue(0, 0, 2, 1).u(0, 1).ue(across - 1, down - 1).u(0b11, 2)
    sequence.u(1, 1).ue(0, (across * BLOCK - width) // 2, 0, (down * BLOCK - height) // 2).u(0, 1)
    picture = _Bits().ue(0, 0).u(0, 2).ue(0, 0, 0).u(0, 3).ue(0, 0, 0).u(0b100, 3)
    return _unit(0x67, sequence.ended()) + _unit(0x68, picture.ended())


def blocks(image: Image.Image) -> np.ndarray:
    """A picture's blocks as H.264 has them, one a row of 384 bytes: 256 of light, twice 64 of colour (4:2:0)."""
    across, down = -(-image.width // BLOCK), -(-image.height // BLOCK)
    whole = Image.new("RGB", (across * BLOCK, down * BLOCK))
    whole.paste(image)
    light, *colours = whole.convert("YCbCr").split()
    halved = [one.resize((across * 8, down * 8), Image.Resampling.BOX) for one in colours]
    parts = []
    # Video leaves the ends of the scale free (ITU-R BT.601).
    for plane, size, scale in ((light, BLOCK, 219), *((one, BLOCK // 2, 224) for one in halved)):
        samples = 16 + np.asarray(plane, dtype=np.uint16) * scale // 255
        cut = samples.astype(np.uint8).reshape(down, size, across, size).swapaxes(1, 2)
        parts.append(cut.reshape(across * down, size * size))
    return np.concatenate(parts, axis=1)


def _first(now: np.ndarray, number: int) -> bytes:
    """A picture that needs none before it (7.3.3, slice type 7)."""
    head = _Bits().ue(0, 7, 0).u(0, 4).ue(number % 2).u(0, 2).ue(0, 1)
    chunks = [head.ue(25).aligned(), now[0].tobytes()]
    for block in now[1:]:
        chunks += [b"\x0d\x00", block.tobytes()]
    return _unit(0x65, b"".join([*chunks, b"\x80"]))


def _next(now: np.ndarray, before: np.ndarray, number: int) -> bytes:
    """A picture of what has changed since the one before (slice type 5)."""
    bits, chunks, run = _Bits().ue(0, 5, 0).u(number % 16, 4).u(0, 3).ue(0, 1), [], 0
    for block, changed in zip(now, (now != before).any(axis=1), strict=True):
        if not changed:
            run += 1
            continue
        chunks += [bits.ue(run, 30).aligned(), block.tobytes()]
        bits, run = _Bits(), 0
    return _unit(0x41, b"".join([*chunks, (bits.ue(run) if run else bits).ended()]))


def segment(images: Sequence[Image.Image], number: int, rate: int) -> bytes:
    """Pictures as one segment of a film, the first of which needs none before it: MPEG-TS of `rate` pictures a second.

    `number` is how many pictures came before: by it a player knows that segments follow one another.
    """
    width, height = images[0].size
    packets, before = [_table(0, 0, b"\x00\x01" + _pid(_PID_MAP)), _table(_PID_MAP, 2, _film_map())], None
    count = 0
    for place, image in enumerate(images):
        now = blocks(image)
        body = (
            _sets(width, height) + _first(now, number // len(images)) if before is None else _next(now, before, place)
        )
        at = (number + place) * _RATE // rate
        made = _packets(_timed(b"\x00\x00\x00\x01\x09\xf0" + body, at), at, count)
        packets += made
        count += len(made)
        before = now
    return b"".join(packets)


def _pid(number: int, flags: int = 0b111) -> bytes:
    return (flags << 13 | number).to_bytes(2, "big")


def _film_map() -> bytes:
    """The map's program: H.264 (stream type 0x1B) on one stream, whose clock is in it (2.4.4.8)."""
    return _pid(_PID_FILM) + b"\xf0\x00" + b"\x1b" + _pid(_PID_FILM) + b"\xf0\x00"


def _table(pid: int, table: int, body: bytes) -> bytes:
    """A table in one packet (2.4.4)."""
    inside = b"\x00\x01\xc1\x00\x00" + body
    section = bytes([table]) + (0xB000 | len(inside) + 4).to_bytes(2, "big") + inside
    packet = b"\x47" + _pid(pid, 0b010) + b"\x10\x00" + section + _crc(section).to_bytes(4, "big")
    return packet.ljust(188, b"\xff")


def _crc(data: bytes) -> int:
    """CRC-32 as MPEG has it (annex A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _bit in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _timed(body: bytes, at: int) -> bytes:
    """A picture as a packet of its stream, with when it is shown (2.4.3.6)."""
    at &= (1 << 33) - 1
    shown = (at >> 30 << 1 | 0x21, at >> 22 & 255, at >> 14 & 254 | 1, at >> 7 & 255, at << 1 & 254 | 1)
    return b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + bytes(shown) + body


def _packets(timed: bytes, at: int, count: int) -> list[bytes]:
    """The same in packets of 188 bytes, the first of which tells the clock (2.4.3.2 to 2.4.3.5)."""
    base = at & ((1 << 33) - 1)
    field = b"\x50" + ((base << 15) | 0x7E00).to_bytes(6, "big")
    made: list[bytes] = []
    while timed:
        room = 184 - (len(field) + 1 if field else 0)
        if len(timed) < room:
            # The last one is filled up in front of what it holds.
            fill = room - len(timed)
            field = field + b"\xff" * fill if field else b"" if fill == 1 else b"\x00" + b"\xff" * (fill - 2)
            more, room = (field and bytes([len(field)]) + field) or b"\x00", len(timed)
        else:
            more = bytes([len(field)]) + field if field else b""
        head = b"\x47" + _pid(_PID_FILM, 0b000 if made else 0b010)
        made.append(head + bytes([(0x30 if more else 0x10) | count % 16]) + more + timed[:room])
        timed, field, count = timed[room:], b"", count + 1
    return made
