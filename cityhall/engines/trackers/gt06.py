"""GT06: the binary protocol of Concox, Jimi and many that make the same devices.

A frame is 7878, length (1), type (1), content, serial (2), CRC-16/X-25 over length to serial, 0D0A; or 7979 with a
length of two bytes. Source: Concox, GT06 GPS Tracker Communication Protocol 1.8.1; JM-VL03 and JM-LL301 protocols for
0x70, 0xA0 to 0xA9 and the modules. A packet names no device: the log-in (0x01) did.

Layouts of makers that no document tells follow Traccar's Gt06ProtocolDecoder closely; see README.md, Notice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from cityhall.engines.trackers import gt06_alarms as alarms
from cityhall.engines.trackers import gt06_more as more
from cityhall.engines.trackers.cursor import Short
from cityhall.engines.trackers.gt06_packet import Packet, answer, state
from cityhall.engines.trackers.gt06_places import cell, date, gps
from cityhall.engines.trackers.values import Draft, Message, Options, Unreadable, bits

LOGIN = 0x01
GPS = frozenset({
    0x10, 0x11, 0x12, 0x16, 0x17, 0x1A, 0x1E, 0x22, 0x25, 0x26, 0x27, 0x2D, 0x31, 0x32, 0x37, 0x39, 0xA0, 0xA2, 0xA3,
    0xA4,
})  # fmt: skip
CELL = (GPS - {0x10, 0x1A, 0x1E}) | {0x19, 0xA5, 0xA7}
STATE = frozenset({0x13, 0x16, 0x19, 0x26, 0x27, 0x32, 0x36, 0x39, 0xA2, 0xA4, 0xA5})
SILENT = frozenset({0x15, 0x21, 0x80, 0x81, 0x82, 0x9B})
"""Types that are no question: answers to commands, and what serial ports say."""
_KINDS = {0x01: "login", 0x13: "heartbeat", 0x23: "heartbeat", 0x36: "heartbeat", 0x8A: "time", 0x2A: "address"}

Handler = Callable[[Packet, Draft], None]


def decode(frame: bytes, options: Options) -> Message:
    """Reads one packet. Raises Unreadable."""
    packet = Packet(frame, options)
    intact = packet.intact
    serial = frame[-6:-4]
    if packet.type == LOGIN and not packet.extended:
        return _login(packet, intact, serial)
    draft = _read(packet, intact)
    reply = b"" if not intact or packet.type in SILENT else _reply(packet, serial)
    kind = "alarm" if draft.alarms else _KINDS.get(packet.type, "position" if draft.lat is not None else "report")
    return Message(
        kind,
        options.device,
        intact,
        (draft.report(),) if draft else (),
        reply,
        serial.hex(),
    )


def _read(packet: Packet, intact: bool) -> Draft:
    draft = Draft()
    read = _handler(packet)
    try:
        read(packet, draft)
    except Short:
        # What stands before is read: an alarm must not be lost because an odd tail follows it.
        if not intact and draft.lat is None and packet.type in GPS:
            return _without_checksum(packet, read)
        if not draft:
            raise
    return draft


def _without_checksum(packet: Packet, read: Handler) -> Draft:
    """Some send their place without serial and checksum: then it reaches to the end of the frame."""
    packet.body = packet.whole()
    draft = Draft()
    try:
        read(packet, draft)
    except Short:
        if not draft:
            raise
    return draft


def _login(packet: Packet, intact: bool, serial: bytes) -> Message:
    body = packet.body
    device = body.hex(8)[1:]
    if not device.isdigit():
        raise Unreadable("no IMEI")
    offset = None
    if body.left >= 4:
        body.skip(2)
        zone = body.u16()
        offset = float((zone >> 4) // 100 * 3600 + (zone >> 4) % 100 * 60)
        offset = -offset if zone & 8 else offset
        if abs(offset) > 14 * 3600:
            offset = None
    reply = answer(LOGIN, serial) if intact else b""
    return Message("login", device, intact, (), reply, serial.hex(), offset)


def _reply(packet: Packet, serial: bytes) -> bytes:
    if packet.type == 0x8A:
        if packet.options.now is None:
            return b""
        now = datetime.fromtimestamp(packet.options.now, UTC)
        clock = bytes([now.year - 2000, now.month, now.day, now.hour, now.minute, now.second])
        return answer(0x8A, serial, clock)
    if packet.type == 0x2A:
        text = b"NA&&NA&&0##"
        return answer(0x97, serial, bytes([len(text)]) + bytes(4) + text, extended=True)
    return answer(packet.type, serial, extended=packet.extended and packet.type != 0x70)


def _handler(packet: Packet) -> Handler:
    found = more.handler(packet)
    if found is not None:
        return found
    if packet.type in GPS or packet.type in CELL or packet.type in STATE:
        return _usual
    return _nothing


def _nothing(packet: Packet, draft: Draft) -> None:
    """A type that says nothing of a place or a state."""


def _usual(packet: Packet, draft: Draft) -> None:
    """Place, cell, state and alarm, in this order, of those that the type has."""
    body, kind = packet.body, packet.type
    nt = packet.model in alarms.NT_MODELS and kind in (0x22, 0x25)
    if packet.is_(0x19, *range(0x17, 256)):
        return  # a list of cells without a time
    seeworld_state = packet.is_(0xA3, 0x0C)
    if packet.model == "QH302R" and kind == 0x12:
        body.skip(8)  # the IMEI
    if nt:
        body.skip(9)  # kind of source, and the IMEI
        draft.at = date(body, packet.options)
    if kind in GPS and not seeworld_state:
        gps(body, draft, packet.options)
    if kind == 0xA3 and not seeworld_state:
        draft.put(geofence=body.u8())
    has_state = kind in STATE or nt or seeworld_state
    if kind in CELL and not seeworld_state and body.left > 0:
        cell(packet, body, draft, has_state and _has_length(packet))
    if has_state:
        _state(packet, draft, nt)
    _tail(packet, draft, nt)


def _has_length(packet: Packet) -> bool:
    """Whether the cell begins with its length, as it does where a state follows, but for these."""
    return packet.type not in (0x19, 0xA5, 0x39, 0xA2) and not packet.is_(0x16, 0x24)


def _state(packet: Packet, draft: Draft, nt: bool) -> None:
    """Terminal information, voltage, signal, alarm and language."""
    body, kind, model = packet.body, packet.type, packet.model
    if kind == 0xA2:
        body.skip(1)  # network
    vxt01 = packet.is_(0x12, 0x24) or packet.is_(0x16, 0x24)
    state(packet, draft, vxt01)
    if packet.is_(0x13, 0x13):
        _obd_state(packet, draft)
        return
    if kind == 0xA2 or nt or (kind == 0x13 and model == "R11"):
        draft.put(power=body.u16() / 100)
    if not (kind == 0x13 and model == "R11"):
        battery = body.u8()
        if nt:
            draft.put(battery=battery / 10)
        elif battery <= 6:
            draft.put(batteryLevel=battery * 100 // 6)
        elif battery <= 100:
            draft.put(batteryLevel=battery)
    draft.put(rssi=body.u8())
    if kind == 0x13 and model.startswith("LW"):
        draft.put(power=(body.u16() & 0xFFF) / 10)
        return
    code = body.u8()
    if kind == 0x13 and model == "SEEWORLD":
        draft.put(power=float(code))
    elif not vxt01:
        high = 0
        if kind in (0x27, 0x39) and body.left:
            high = body.peek() >> 4 << 8  # the upper half of the language says more of the alarm
        alarms.alarm(draft, code + high, model)
    if (kind in (0x36, 0xA2, 0x27, 0xA4, 0x39) or nt) and body.left:
        body.skip(1)  # language


def _obd_state(packet: Packet, draft: Draft) -> None:
    body = packet.body
    signal = body.u16()
    draft.put(satellites=bits(signal, 10, 15) + bits(signal, 5, 10), rssi=bits(signal, 0, 5))
    alarms.alarm(draft, body.u8(), packet.model)
    body.skip(1)
    draft.put(batteryLevel=body.u8())
    mode = body.u8()
    draft.put(power=body.u16() / 100)
    body.skip(3)
    if mode == 4:
        draft.put(temp1=body.i16() / 10)


def _tail(packet: Packet, draft: Draft, nt: bool) -> None:
    """What follows: modules, mileage, ignition, why the packet was sent."""
    body, kind = packet.body, packet.type
    if kind in (0x36, 0x39):
        more.modules(body, draft)
    elif kind == 0xA2:
        draft.put(odometer=body.u32(), hours=body.u32() * 1000)
        body.skip(8)
        draft.put(input=body.u16())
    elif kind == 0x12:
        more.variant_12(packet, draft)
    elif packet.is_(0x22, 0x2F):
        more.seeworld(body, draft)
    elif packet.is_(0x32, 0x27, 0x29):
        draft.altitude = float(body.i16())
        # The origin of these names takes the two bytes before the frame's end for it, which are the checksum.
        word = int.from_bytes(packet.frame[-4:-2], "big", signed=True)
        draft.put(altitude=float(word) if packet.length == 0x29 else draft.altitude)
    elif kind in (0x22, 0x37, 0x2D, 0x31) and body.left >= 3 and not nt:
        more.sent_because(body, draft)
        if packet.is_(0x31, 0x2A):
            if body.left > 2:
                draft.put(odometer=body.u32())
            draft.altitude = float(body.i16())
            draft.put(altitude=draft.altitude)
    if kind == 0x37:
        more.module_37(body, draft)
    elif kind == 0x17:
        draft.put(driverUniqueId=body.hex(8))
        body.skip(1)
    elif nt:
        more.hours(packet, draft)
    if kind in (0x27, 0xA4) and body.left:
        draft.put(geofence=body.u8())
    if body.left in (3, 7):
        more.sent_because(body, draft, False)
    if body.left == 4:
        draft.put(odometer=body.u32())
