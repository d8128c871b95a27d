"""JT/T 808: the binary protocol of vehicles in China, and of many trackers made there (Huabao, Jimi JC, Jointech).

A frame is 7E, type (2), attributes (2), with bit 14 of them a version (1), the device (6 bytes of BCD, 10 with a
version), a serial number (2), with bit 13 the number of parts and which it is (2 each), content, exclusive or of all of
that, 7E; 7E and 7D inside are written 7D 02 and 7D 01. Frames come here as `framing` gives them: without those.

Source: JT/T 808-2011 and -2019, Road transport vehicles, terminal communication protocol (4.4 frames, 8 messages).
0x5501, 0x5502, 0x0210 and 0x2070 are Jointech's, 0x6006 and 0x1300 Huabao's. Followed closely for what makers add:
Traccar's HuabaoProtocolDecoder (later Jt808ProtocolDecoder); see README.md, Notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cityhall.engines.trackers.checksums import exclusive_or
from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.jt808_base import date
from cityhall.engines.trackers.jt808_location import location
from cityhall.engines.trackers.jt808_other import brief_location, transparent
from cityhall.engines.trackers.values import Draft, Message, Options, Unreadable, bit, letters

DELIMITERS = {0x7E: (0x7D, {1: 0x7D, 2: 0x7E}), 0xE7: (0x3E, {1: 0x3E, 2: 0xE7})}
"""By delimiter: the byte that escapes, and what stands for what after it."""
ACKNOWLEDGED, REGISTERED, ACKNOWLEDGED_BRIEFLY, TIME_IS = 0x8001, 0x8100, 0x4401, 0x8109
REGISTER, TIME = 0x0100, 0x0109
BRIEF = frozenset({0x5501, 0x5502})
UNANSWERED = frozenset({0x0001, 0x2070, 0x0701, 0x0702, 0x1300, 0x0104, 0x0107, 0x1205}) | BRIEF
_KINDS = {
    0x0002: "heartbeat", 0x0506: "heartbeat", 0x0100: "login", 0x0102: "login", 0x0003: "logout", 0x0109: "time",
    0x0701: "command", 0x6006: "command", 0x1300: "command",
}  # fmt: skip
BEIJING_S = 8 * 3600.0
"""The zone of the protocol's clock (8.18: GMT+8)."""

Read = Callable[[Cursor, Options], list[Draft]]


class Head:
    """The head of a frame; `body` reads its content."""

    __slots__ = ("attributes", "body", "delimiter", "device", "id", "part", "parts", "serial", "type", "version")

    def __init__(self, frame: bytes) -> None:
        if len(frame) < 13 or frame[0] not in DELIMITERS or frame[-1] != frame[0]:
            raise Unreadable("no frame")
        self.delimiter = frame[0]
        body = self.body = Cursor(frame, 1, len(frame) - 2)
        self.type, self.attributes = body.u16(), body.u16()
        self.version = body.take(1) if bit(self.attributes, 14) else b""
        self.id = body.take(10 if self.version else 7 if self.delimiter == 0xE7 else 6)
        self.serial = body.take(1 if self.type in BRIEF else 2)
        self.parts = self.part = 1
        # Jointech's own frames have other attributes than the standard's.
        if bit(self.attributes, 13) and self.type not in BRIEF:
            self.parts, self.part = body.u16(), body.u16()
        self.device = device_of(self.id)


def device_of(identity: bytes) -> str:
    """The device's number: digits, or an IMEI without its last digit as a binary number."""
    text = identity.hex()
    if text.isdigit():
        return text.lstrip("0") if len(identity) == 10 else text
    number = int.from_bytes(identity[:6], "big")
    total = 0
    for place, digit in enumerate(reversed(str(number))):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{number}{(10 - total % 10) % 10}"


def frame_of(head: Head, kind: int, content: bytes) -> bytes:
    """A frame to the device, escaped, with its own form of head."""
    attributes = len(content) | (0x4000 if head.version else 0)
    serial = b"\x01" if head.type in BRIEF else b"\0\0"
    inside = kind.to_bytes(2, "big") + attributes.to_bytes(2, "big") + head.version + head.id + serial + content
    inside += bytes([exclusive_or(inside)])
    mark, escapes = DELIMITERS[head.delimiter]
    for code in sorted(escapes):
        inside = inside.replace(bytes([escapes[code]]), bytes([mark, code]))
    edge = bytes([head.delimiter])
    return edge + inside + edge


def decode(frame: bytes, options: Options) -> Message:
    """Reads one frame. Raises Unreadable."""
    if frame[:1] == b"(":
        return _text(frame, options)
    head = Head(frame)
    intact = exclusive_or(frame[1:-2]) == frame[-2]
    if head.type not in BRIEF:
        intact = intact and head.body.left & 0x3FF == head.attributes & 0x3FF
    reply = _reply(head, options) if intact else b""
    if head.parts > 1:
        # `framing` puts the parts together; each is acknowledged by itself.
        return Message("part", head.device, intact, (), reply, head.serial.hex())
    drafts: list[Draft] = []
    read = _READ.get(head.type)
    if read is not None:
        try:
            drafts = read(head, options)
        except Short as problem:
            raise Unreadable(str(problem)) from problem
    drafts = [draft for draft in drafts if draft]
    kind = "alarm" if any(draft.alarms for draft in drafts) else _KINDS.get(head.type, "")
    kind = kind or ("position" if any(draft.lat is not None for draft in drafts) else "report")
    return Message(kind, head.device, intact, tuple(draft.report() for draft in drafts), reply, head.serial.hex())


def _reply(head: Head, options: Options) -> bytes:
    number = head.type.to_bytes(2, "big")
    if head.type == REGISTER:
        return frame_of(head, REGISTERED, head.serial + b"\0" + head.device.encode())
    if head.type == TIME:
        if options.now is None:
            return b""
        now = time.gmtime(options.now)
        return frame_of(head, TIME_IS, now.tm_year.to_bytes(2, "big") + bytes(now[1:6]))
    if head.type in BRIEF:
        return frame_of(head, ACKNOWLEDGED_BRIEFLY, number + b"\0") if bit(head.attributes, 15) else b""
    if head.type in UNANSWERED:
        return b""
    return frame_of(head, ACKNOWLEDGED, head.serial + number + b"\0")


def _text(frame: bytes, options: Options) -> Message:
    """A sentence in brackets: what a lock answers to a command, or a question for the time."""
    text = letters(frame)
    if not text.endswith(")") or len(text) < 4:
        raise Unreadable("no sentence")
    if "BASE,2" in text:
        now = b"" if options.now is None else time.strftime("%Y%m%d%H%M%S", time.gmtime(options.now)).encode()
        return Message("time", options.device, True, (), frame.replace(b"TIME", now) if now else b"")
    draft = Draft()
    draft.put(result=text)
    return Message("command", options.device, True, (draft.report(),))


def zone(options: Options) -> float:
    """The offset of the device's clock."""
    return BEIJING_S if options.utc_offset_s is None else options.utc_offset_s


def _location(head: Head, options: Options) -> list[Draft]:
    return [location(head.body, options.model, zone(options))]


def _batch(head: Head, options: Options) -> list[Draft]:
    """0x0704: a number, whether they come late, and locations with their lengths."""
    body = head.body
    count, late = body.u16(), body.u8()
    drafts: list[Draft] = []
    for _number in range(count):
        if body.left < 2:
            break
        try:
            draft = location(body.part(body.u16()), options.model, zone(options))
        except Short:
            if not drafts:
                raise
            break
        draft.put(archive=True if late else None)
        drafts.append(draft)
    return drafts


def _small_batch(head: Head, options: Options) -> list[Draft]:
    """0x0210: locations with lengths of one byte; or the battery and the time."""
    body = head.body
    if body.left == 7:
        draft = Draft()
        draft.put(batteryLevel=body.u8())
        draft.at = date(body, zone(options))
        return [draft]
    drafts = []
    while body.left > 1:
        drafts.append(location(body.part(body.u8()), options.model, zone(options)))
    return drafts


def _heartbeat(head: Head, options: Options) -> list[Draft]:
    draft, body = Draft(), head.body
    if body.left >= 3:
        draft.put(batteryLevel=body.u8(), rssi=body.u8(), status=body.u8())
    return [draft]


def _movement(head: Head, options: Options) -> list[Draft]:
    draft, body, found = Draft(), head.body, []
    while body.left >= 12:
        body.skip(6)
        found.append(f"[{body.signed_magnitude16()},{body.signed_magnitude16()},{body.signed_magnitude16()}]")
    draft.put(gSensor=f"[{','.join(found)}]")
    return [draft]


def _result(text: str) -> list[Draft]:
    draft = Draft()
    draft.put(result=text)
    return [draft]


def _said(head: Head, options: Options) -> list[Draft]:
    head.body.skip(1)  # coding
    return _result(head.body.take(head.body.left).decode("gbk", "replace"))


def _said_wide(head: Head, options: Options) -> list[Draft]:
    head.body.skip(2)  # the command's number
    text = head.body.take(head.body.left).decode("utf-16-be", "replace")
    return _result(text.rstrip("\0\r\n"))


def _answer(head: Head, options: Options) -> list[Draft]:
    return _result(head.body.text(head.body.u32()))


def _driver(head: Head, options: Options) -> list[Draft]:
    """0x0702: a driver's card was put in or taken out."""
    draft, body = Draft(), head.body
    draft.put(cardStatus=body.u8())
    draft.at = date(body, zone(options))
    draft.put(cardResult=body.u8(), driver=body.text(body.u8()))
    draft.put(cardCode=body.text(min(20, body.left)).strip("\0 "))
    return [draft]


def _terminal(head: Head, options: Options) -> list[Draft]:
    """0x0107: what the terminal is."""
    draft, body = Draft(), head.body
    body.skip(2 + 5 + 20 + 7)
    draft.put(iccid=body.hex(10).rstrip("f"))
    body.skip(body.u8())
    draft.put(versionFw=body.text(body.u8()))
    return [draft]


def _transparent(head: Head, options: Options) -> list[Draft]:
    return transparent(head.body, options.model, zone(options))


def _brief(head: Head, options: Options) -> list[Draft]:
    return [brief_location(head.body, head.type == 0x5501)]


_READ: dict[int, Callable[[Head, Options], list[Draft]]] = {
    0x0002: _heartbeat, 0x0107: _terminal, 0x0200: _location, 0x0210: _small_batch, 0x0701: _answer, 0x0702: _driver,
    0x0704: _batch, 0x0900: _transparent, 0x1300: _said_wide, 0x2070: _movement, 0x5501: _brief, 0x5502: _brief,
    0x6006: _said,
}  # fmt: skip
