"""Teltonika: codecs 7 (GH3000), 8, 8 Extended, 16 (positions), 12, 13, 14 and 15 (commands and serial ports).

TCP: the IMEI first, two bytes of its length before it, answered by 01 or 00; then frames of four zero bytes, a length,
the codec, the number of records, the records, that number again, and CRC-16/ARC in four bytes; answered by the number
of records in four bytes. UDP: a length, a packet number, 01, the number of the AVL packet, the IMEI, and the same data
without a checksum.

Source: Teltonika, Data Sending Protocols (Codec 8, 8 Extended, 16, 12, 13, 14, 15); GH3000 Protocols. Followed closely
for names and codec 7: Traccar's TeltonikaProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from cityhall.engines.trackers.checksums import crc_ibm
from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.teltonika_io import alarms, gh3000, parameter, variable
from cityhall.engines.trackers.values import (
    KMH,
    Draft,
    Message,
    Options,
    Report,
    Unreadable,
    bit,
    letters,
    printable,
)  # fmt: skip

GH3000, CODEC_8, CODEC_8E, CODEC_16 = 0x07, 0x08, 0x8E, 0x10
COMMANDS = frozenset({0x0C, 0x0D, 0x0E, 0x0F})
CODECS = frozenset({GH3000, CODEC_8, CODEC_8E, CODEC_16}) | COMMANDS
ACCEPTED, REFUSED = b"\x01", b"\x00"
"""Answers to a log-in."""
_EPOCH_2007 = 1_167_609_600


def decode(frame: bytes, options: Options) -> Message:
    """Reads a log-in, a frame, or a UDP datagram. Raises Unreadable."""
    if frame == b"\xff":
        return Message("heartbeat", options.device, True)
    if len(frame) < 4:
        raise Unreadable("no frame")
    if frame[:4] == bytes(4):
        return _frame(frame, options)
    if len(frame) > 8 and frame[4] == 1 and int.from_bytes(frame[:2], "big") == len(frame) - 2:
        return _datagram(frame, options)
    return _login(frame)


def _login(frame: bytes) -> Message:
    size = int.from_bytes(frame[:2], "big")
    imei = letters(frame[2:])
    if size != len(imei) or not imei.isdigit() or not imei.isascii() or not 8 <= size <= 17:
        raise Unreadable("no IMEI")
    return Message("login", imei, True, acknowledgement=ACCEPTED)


def _frame(frame: bytes, options: Options) -> Message:
    size = int.from_bytes(frame[4:8], "big")
    data = frame[8:-4]
    whole = size == len(data) and len(frame) > 14
    intact = whole and crc_ibm(data) == int.from_bytes(frame[-4:], "big") and data[1] == data[-1]
    reports, codec, count, read = _data(Cursor(data), options)
    # A record that cannot be read is not acknowledged: the device keeps it.
    intact = intact and read
    reply = count.to_bytes(4, "big") if intact and codec not in COMMANDS else b""
    return _message(reports, codec, options.device, intact, reply)


def _datagram(frame: bytes, options: Options) -> Message:
    body = Cursor(frame, 2)
    packet, _kind, number = body.take(2), body.u8(), body.take(1)
    imei = body.text(body.u16())
    if not imei.isdigit() or not imei.isascii():
        raise Unreadable("no IMEI")
    # There is no checksum: it is whole where both numbers of records agree and nothing is left.
    intact = body.left > 3 and body.peek(1) == frame[-1]
    end = Cursor(frame, body.place)
    reports, codec, count, read = _data(end, replace(options, device=imei))
    intact = intact and read and end.left == 1
    reply = b""
    if intact and codec not in COMMANDS:
        reply = b"\x00\x05" + packet + b"\x01" + number + bytes([count])
    return _message(reports, codec, imei, intact, reply, packet.hex())


def _message(
    reports: tuple[Report, ...], codec: int, device: str, intact: bool, reply: bytes, serial: str = ""
) -> Message:
    raised = any(report.alarms for report in reports)
    placed = any(report.position for report in reports)
    kind = "alarm" if raised else "position" if placed else "command" if codec in COMMANDS else "report"
    return Message(kind, device, intact, reports, reply, serial)


def _data(body: Cursor, options: Options) -> tuple[tuple[Report, ...], int, int, bool]:
    """(reports, codec, how many it says there are, whether all were read); those before one that cannot be are kept."""
    codec, count = body.u8(), body.u8()
    if codec not in CODECS:
        raise Unreadable("no codec of Teltonika")
    drafts: list[Draft] = []
    read = True
    for _number in range(count):
        draft = Draft()
        try:
            if codec in COMMANDS:
                _said(body, draft, codec)
            else:
                _record(body, draft, codec, options)
        except Short:
            if draft:
                drafts.append(draft)
            if not drafts:
                raise
            read = False
            break
        if draft:
            drafts.append(draft)
    return tuple(draft.report() for draft in drafts), codec, count, read


def _said(body: Cursor, draft: Draft, codec: int) -> None:
    """A command's answer, or what came from a serial port. Pictures are not read."""
    kind = body.u8()
    part = body.part(body.u32())
    if kind == 0x0D and codec == 0x0C:
        return
    if codec in (0x0D, 0x0F):
        draft.at = float(part.u32())
    if codec in (0x0E, 0x0F):
        draft.put(imei=part.hex(8).lstrip("0"))
    if codec == 0x0C:
        draft.put(type=kind)
    content = part.take(part.left)
    if not printable(content):
        draft.put(result=content.hex())
        return
    text = letters(content).strip()
    if text.startswith("GTSL") and text.count("|") >= 4:
        draft.put(driverUniqueId=text.split("|")[4])
    elif text.startswith("UUUUww") and text.endswith("SSS"):
        _weights(text[6:-4], draft)
    else:
        draft.put(result=text)


def _weights(text: str, draft: Draft) -> None:
    names = [f"axle{number}" for number in range(1, 9)] + ["loadTruck", "loadTrailer", "totalTruck", "totalTrailer"]
    for name, value in zip(names, text.split(";"), strict=False):
        try:
            draft.put(**{name: float(value)})
        except ValueError:
            continue


def _record(body: Cursor, draft: Draft, codec: int, options: Options) -> None:
    """One record of positions: where, and the values of its inputs by their sizes."""
    groups = 0b1111
    if codec == GH3000:
        groups = _gh3000(body, draft)
    else:
        _place(body, draft, codec)
    wide_number = codec == CODEC_8E
    wide_id = codec in (CODEC_8E, CODEC_16)
    for place, size in ((1, 1), (2, 2), (3, 4)):
        if bit(groups, place):
            _values(body, draft, codec, size, wide_number, wide_id, options)
    if codec != GH3000:
        _values(body, draft, codec, 8, wide_number, wide_id, options)
    if options.extended:
        for _value in range(body.u16() if wide_number else body.u8()):
            number = body.u16() if wide_id else body.u8()
            draft.put(**{f"io{number}": body.hex(16)})
    if codec == CODEC_8E:
        for _value in range(body.u16()):
            number, part = body.u16(), body.part(body.u16())
            with suppress(Short):
                variable(number, part, draft)
    alarms(draft)


def _place(body: Cursor, draft: Draft, codec: int) -> None:
    draft.fix_at = body.u64() / 1000
    priority = body.u8()
    lon, lat = body.i32() / 1e7, body.i32() / 1e7
    draft.altitude = float(body.i16())
    draft.course = float(body.u16())
    satellites = body.u8()
    draft.valid = satellites > 0
    draft.speed = body.u16() * KMH
    draft.place(lat, lon)
    draft.put(priority=priority, satellites=satellites)
    draft.put(event=body.u16() if codec in (CODEC_8E, CODEC_16) else body.u8())
    body.skip(1 if codec == CODEC_16 else 0)  # why it was made
    body.skip(2 if codec == CODEC_8E else 1)  # how many values in all


def _gh3000(body: Cursor, draft: Draft) -> int:
    """Time and place of codec 7; gives which groups of values follow."""
    at = float((body.u32() & 0x3FFFFFFF) + _EPOCH_2007)
    groups = body.u8()
    if not bit(groups, 0):
        draft.at = at
        return groups
    draft.fix_at = at
    there = body.u8()
    if bit(there, 0):
        draft.place(body.f32(), body.f32())
        draft.valid = True
    if bit(there, 1):
        draft.altitude = float(body.u16())
    if bit(there, 2):
        draft.course = body.u8() * 360 / 256
    if bit(there, 3):
        draft.speed = body.u8() * KMH
    if bit(there, 4):
        draft.put(satellites=body.u8())
    if bit(there, 5):
        area, number = body.u16(), body.u16()
        draft.put(cells=((0, 0, area, number),))
    if bit(there, 6):
        draft.put(rssi=body.u8())
    if bit(there, 7):
        draft.put(operator=body.u32())
    return groups


def _values(
    body: Cursor, draft: Draft, codec: int, size: int, wide_number: bool, wide_id: bool, options: Options
) -> None:
    for _value in range(body.u16() if wide_number else body.u8()):
        number = body.u16() if wide_id else body.u8()
        value = body.take(size)
        if codec == GH3000:
            gh3000(draft, number, int.from_bytes(value, "big"))
        else:
            parameter(draft, number, value, options.model.upper())
