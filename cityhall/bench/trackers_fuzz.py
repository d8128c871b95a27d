"""Damaged frames of trackers: none may stop us, and none that is not whole may be acknowledged.

Whether a frame is whole is looked at here anew, bit by bit or by its form, and not by the decoder's own word.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from cityhall.engines.trackers import Options, Unreadable, decode, frames, protocol

Frame = tuple[str, bytes, Options]
SHARE_SEALED = 0.5
"""Of the damaged frames of protocols with a checksum, how many get the right one: what is inside must be read, too."""
SHARE_STREAMED = 0.2
"""How many go through the cutting of streams, in pieces, with garbage before them."""


def run(messages: Sequence[Frame], number: int, seed: int) -> dict[str, Any]:
    """fuzzed, crashes, acks_of_unread; read: those that said something all the same; and how long it took."""
    chance = random.Random(seed)
    crashes = unread = read = 0
    began = time.perf_counter()
    for _one in range(number):
        name, frame, options = chance.choice(messages)
        frame = _damaged(frame, chance)
        known = protocol(name).name
        if known in _SEALS and chance.random() < SHARE_SEALED:
            frame = _SEALS[known](frame)
        try:
            pieces = _streamed(name, frame, chance) if chance.random() < SHARE_STREAMED else [frame]
            for piece in pieces:
                read, unread = _taken(name, known, piece, options, read, unread)
        except Exception:
            crashes += 1
    took = time.perf_counter() - began
    return {"fuzzed": number, "crashes": crashes, "acks_of_unread": unread, "read": read, "fuzz_s": round(took, 1)}


def _taken(name: str, known: str, frame: bytes, options: Options, read: int, unread: int) -> tuple[int, int]:
    try:
        message = decode(name, frame, options)
    except Unreadable:
        return read, unread
    if message.acknowledgement and not WHOLE[known](frame):
        unread += 1
    return read + bool(message.reports), unread


def _damaged(frame: bytes, chance: random.Random) -> bytes:
    """One to four changes: bits, bytes, pieces lost, doubled or from nowhere; now and then nothing but chance."""
    data = bytearray(frame)
    for _change in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = chance.randrange(256)
        elif kind == 2:
            data[place:place] = chance.randbytes(chance.randint(1, 8))
        elif kind == 3:
            del data[place : place + chance.randint(1, 8)]
        elif kind == 4:
            del data[place:]
        elif kind == 5:
            data[place:place] = data[place : place + chance.randint(1, 16)]
        elif chance.random() < 0.05:
            data = bytearray(chance.randbytes(chance.randint(0, 64)))
    return bytes(data)


def _streamed(name: str, frame: bytes, chance: random.Random) -> list[bytes]:
    cut = frames(name)
    data = chance.randbytes(chance.randint(0, 4)) + frame + chance.randbytes(chance.randint(0, 2))
    found = []
    while data:
        size = chance.randint(1, 64)
        found += cut.feed(data[:size])
        data = data[size:]
    return found


def _crc(data: bytes, polynomial: int, value: int, end: int) -> int:
    """A CRC of 16 bits, reflected, bit by bit."""
    for one in data:
        value ^= one
        for _bit in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return value ^ end


def _xor(data: bytes) -> int:
    value = 0
    for one in data:
        value ^= one
    return value


def _gt06_whole(frame: bytes) -> bool:
    head = 3 if frame[:2] == b"xx" else 4
    size = int.from_bytes(frame[2:head], "big")
    right = _crc(frame[2:-4], 0x8408, 0xFFFF, 0xFFFF) == int.from_bytes(frame[-4:-2], "big")
    return frame[-2:] == b"\r\n" and len(frame) == size + head + 2 and right


def _teltonika_whole(frame: bytes) -> bool:
    if frame[:4] == bytes(4):
        data = frame[8:-4]
        right = _crc(data, 0xA001, 0, 0) == int.from_bytes(frame[-4:], "big")
        return right and int.from_bytes(frame[4:8], "big") == len(data)
    size = int.from_bytes(frame[:2], "big")
    return size == len(frame) - 2 and (frame[2:].isdigit() or frame[4:5] == b"\x01")


def _jt808_whole(frame: bytes) -> bool:
    return frame[:1] == b"(" or (frame[:1] == frame[-1:] and _xor(frame[1:-1]) == 0)


def _form(pattern: bytes) -> Callable[[bytes], bool]:
    form = re.compile(pattern, re.DOTALL)
    return lambda frame: bool(form.fullmatch(frame))


def _watch_whole(frame: bytes) -> bool:
    found = re.fullmatch(rb"\[..\*\w+\*(?:[0-9A-Fa-f]+\*)?([0-9A-Fa-f]{4})\*(.*)\]", frame, re.DOTALL)
    return bool(found) and int(found[1], 16) == len(found[2]) if found else False


WHOLE: dict[str, Callable[[bytes], bool]] = {
    "gt06": _gt06_whole,
    "teltonika": _teltonika_whole,
    "jt808": _jt808_whole,
    "watch": _watch_whole,
    "suntech": lambda frame: False,
    "queclink": _form(rb"\+(RESP|BUFF|ACK):GT[A-Z0-9]{3},.*,[0-9A-Fa-f]{4}[$\x00\r\n]*"),
    "h02": _form(rb"\s*\*.*#\s*"),
    "tk103": _form(rb"\(.*\)"),
    "gotop": lambda frame: False,
    "its": _form(rb".*\$.*\d{15}.*"),
    "topin": _form(rb"xx.*\r\n"),
}
"""Whether a frame is whole, by protocol; those that are never answered are never so."""


def _seal_gt06(frame: bytes) -> bytes:
    if len(frame) < 12 or frame[:2] not in (b"xx", b"yy"):
        return frame
    head = 3 if frame[:2] == b"xx" else 4
    size = (len(frame) - head - 2) & (0xFF if head == 3 else 0xFFFF)
    inside = size.to_bytes(head - 2, "big") + frame[head:-4]
    return frame[:2] + inside + _crc(inside, 0x8408, 0xFFFF, 0xFFFF).to_bytes(2, "big") + b"\r\n"


def _seal_teltonika(frame: bytes) -> bytes:
    if len(frame) < 15 or frame[:4] != bytes(4):
        return frame
    data = frame[8:-4]
    return bytes(4) + len(data).to_bytes(4, "big") + data + _crc(data, 0xA001, 0, 0).to_bytes(4, "big")


def _seal_jt808(frame: bytes) -> bytes:
    if len(frame) < 4 or frame[:1] != b"~":
        return frame
    inside = frame[1:-2]
    return b"~" + inside + bytes([_xor(inside)]) + b"~"


_SEALS = {"gt06": _seal_gt06, "teltonika": _seal_teltonika, "jt808": _seal_jt808}
