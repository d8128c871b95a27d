"""Dates, places and cells in GT06 packets (Concox, GT06 Protocol 1.8.1, 5.2)."""

from __future__ import annotations

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.gt06_packet import Packet
from cityhall.engines.trackers.values import KMH, Draft, Options, bit, moment


def date(body: Cursor, options: Options) -> float | None:
    """Six bytes: year, month, day, hour, minute, second."""
    return moment(body.take(6), options.utc_offset_s or 0.0)


def bcd_date(body: Cursor, options: Options) -> float | None:
    """The same in binary coded decimal."""
    return moment((body.bcd(1) for _part in range(6)), options.utc_offset_s or 0.0)


def gps(body: Cursor, draft: Draft, options: Options, *, camera: bool = False, brief: bool = False) -> None:
    """Date and place. `brief` has neither satellites nor speed; a `camera` has its flags before a speed of 16 bits."""
    draft.fix_at = date(body, options)
    fix(body, draft, camera=camera, brief=brief)


def fix(body: Cursor, draft: Draft, *, camera: bool = False, brief: bool = False) -> None:
    """A place: satellites, latitude, longitude (1/30,000 of a minute), speed (km/h), course and flags."""
    if not brief:
        draft.put(satellites=body.u8() & 15)
    lat, lon = body.u32() / 1_800_000, body.u32() / 1_800_000
    flags = 0
    if camera:
        flags = body.u16()
        draft.speed = body.u16() * KMH
    elif not brief:
        draft.speed = body.u8() * KMH
    if not camera:
        flags = body.u16()
    draft.course = float(flags & 0x3FF)
    draft.valid = bit(flags, 12)
    draft.place(lat if bit(flags, 10) else -lat, -lon if bit(flags, 11) else lon)
    if bit(flags, 14):
        draft.put(ignition=bit(flags, 15))


def cell(packet: Packet, body: Cursor, draft: Draft, has_length: bool) -> None:
    """One cell: its network, area and number, which are longer in newer networks."""
    kind, start = packet.type, body.place
    length = 0
    if has_length:
        length = body.u8()
        if not length:
            # No cell: nine bytes of nothing may stand for it, and thirty-six of neighbours.
            if body.left > 9 and not any(body.data[body.place + 9 : min(body.place + 45, body.end)]):
                body.skip(min(body.left, 45))
            return
    sl4x = packet.is_(0x31, 0x2A) or packet.is_(0x32, 0x27, 0x29)
    tells_kind = kind in (0x38, 0x39)
    network = body.u8() if tells_kind else 0
    mcc = body.u16()
    mnc = body.u16() if bit(mcc, 15) or kind == 0x11 or sl4x else body.u8()
    newer = network >= 3 or kind in (0xA5, 0xA0, 0xA2, 0xA3, 0xA7) or (kind == 0xA4 and length >= 16)
    area = body.u32() if newer else body.u16()
    if newer:
        number = body.u64()
    elif sl4x or kind in (0x11, 0x61, 0x25) or packet.is_(0x22, 0x2F) or packet.is_(0x16, 0x26) or vl103(packet):
        number = body.u32()
    else:
        number = body.u24()
    if tells_kind:
        body.skip(2 if network >= 3 else 1)  # signal
    draft.put(cells=((mcc & 0x7FFF, mnc, area, number),))
    body.skip(max(0, start + length - body.place))


def vl103(packet: Packet) -> bool:
    """A position with power and a driver, which has the type of a state elsewhere."""
    return packet.is_(0x36, 0x35) and packet.model in ("", "VL103", "LL303", "VL512")


def cells(packet: Packet, body: Cursor, draft: Draft, count: int, wide: str) -> None:
    """A list of cells of one network, each with its signal. `wide`: "long", "middle" or "" bytes of a number."""
    mcc = body.u16()
    mnc = body.u16() if bit(mcc, 15) or packet.is_(0x34, 0x37) else body.u8()
    if packet.type == 0xA9:
        wide = "long" if body.u8() else ""
        count = body.u8()
    elif count < 0:
        count = body.u8()
    found = []
    for _one in range(count):
        if wide == "long":
            area, number = body.u32(), body.u64()
        elif wide == "middle":
            area, number = body.u16(), body.u32()
        else:
            area, number = body.u16(), body.u24()
        body.skip(1)
        if area:
            found.append((mcc & 0x7FFF, mnc, area, number))
    draft.put(cells=tuple(found) or None)


def wireless(body: Cursor, draft: Draft, count: int) -> None:
    """Wireless networks: each a hardware address and its signal."""
    draft.put(wifi=tuple((body.hex(6), body.u8()) for _one in range(count)) or None)
