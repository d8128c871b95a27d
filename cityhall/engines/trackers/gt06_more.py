"""GT06 packets that are laid out in a way of their own: by type, and by the makers' variants of one type.

Followed closely: Traccar's Gt06ProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cityhall.engines.trackers import gt06_alarms as alarms
from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.gt06_extended import device_status, information, modular, obd, peripheral
from cityhall.engines.trackers.gt06_packet import Packet, state
from cityhall.engines.trackers.gt06_places import bcd_date, cell, cells, date, fix, gps, vl103, wireless
from cityhall.engines.trackers.values import KMH, Draft, bit, bits, digits, letters, printable

Handler = Callable[[Packet, Draft], None]
_PLACE = re.compile(
    r"Current position!Lat:([NS])(\d+\.\d+),Lon:([EW])(\d+\.\d+),Course:(\d+\.\d+),Speed:(\d+\.\d+),"
    r"DateTime:(\d{4}-\d\d-\d\d) +(\d\d:\d\d:\d\d)"
)


def handler(packet: Packet) -> Handler | None:
    """What reads a packet that is laid out in a way of its own; None for the usual one."""
    kind = packet.type
    if kind == 0x34 and not packet.is_(0x34, 0x37):
        return _x1
    if kind == 0x17 and packet.is_(0x17, 0x28):
        return None
    if kind == 0x24 and packet.is_(0x24, 0x2E):
        return _sr411
    if kind == 0x13 and not packet.extended and packet.body.left == 16:
        return _temperature_state
    if kind == 0xA2 and packet.is_(0xA2, 0x40):
        return None
    if packet.extended and kind in (0x32, 0x33):
        return _az735
    if kind == 0x36 and vl103(packet):
        return _vl103
    if kind == 0x33 and packet.extended:
        return _az735
    return _HANDLERS.get(kind)


def _x1(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(4)  # data and alarms of a layout that is not told
    gps(body, draft, packet.options)
    body.skip(2)
    draft.put(odometer=body.u32())
    draft.put(cells=((body.u16(), body.u8(), body.u16(), body.u32()),))
    driver = body.u32()
    draft.put(driverUniqueId=str(driver) if driver else None)
    draft.put(battery=body.u16() / 100, power=body.u16() / 100)
    ports = body.u32()
    draft.put(input=body.u8(), output=body.u8())
    for number in range(1, bits(ports, 20, 24) + 1):
        draft.put(**{f"adc{number}": body.u16() / 100})


def _vl103(packet: Packet, draft: Draft) -> None:
    body = packet.body
    gps(body, draft, packet.options)
    cell(packet, body, draft, False)
    sent_because(body, draft, False)
    draft.put(odometer=body.u24(), batteryLevel=body.u8(), power=body.u16() / 100, battery=body.u8() / 10)
    draft.put(hours=body.u24() * 60_000)
    driver = body.hex(8)
    draft.put(driverUniqueId=driver if int(driver, 16) else None)


def _heartbeat(packet: Packet, draft: Draft) -> None:
    body = packet.body
    value = body.u8()
    draft.put(armed=bit(value, 0), ignition=bit(value, 1), charge=bit(value, 2))
    if body.left >= 2:
        draft.put(battery=body.u16() / 100)
    if body.left >= 1:
        draft.put(rssi=body.u8())


def _wireless_list(packet: Packet, draft: Draft) -> None:
    """The place of the length holds the number of networks, and there is neither serial nor checksum."""
    frame = packet.frame
    body = Cursor(frame, 4, len(frame) - 2)
    count = packet.length
    draft.at = bcd_date(body, packet.options)
    if packet.type == 0xF3:
        count = body.u8()
        draft.put(wifi=tuple((body.hex(8)[4:], 0) for _one in range(count)) or None)
        return
    wireless(body, draft, count)
    towers = body.u8()
    mcc, mnc = body.u16(), body.u8()
    found = []
    for _one in range(towers):
        found.append((mcc, mnc, body.u16(), body.u16()))
        body.skip(1)  # signal
    draft.put(cells=tuple(found) or None)


def _sr411(packet: Packet, draft: Draft) -> None:
    body = packet.body
    gps(body, draft, packet.options)
    cell(packet, body, draft, False)
    draft.put(ignition=body.u8() > 0, power=body.u16() / 100, battery=body.u16() / 100)


def _cell_list(packet: Packet, draft: Draft) -> None:
    body, kind = packet.body, packet.type
    draft.at = date(body, packet.options)
    advance_first = packet.is_(0x24, 0x31) or packet.is_(0x34, 0x37)
    if advance_first:
        body.skip(1)
    wide = "long" if kind in (0xA1, 0xA2) else "middle" if kind in (0x33, 0x34) else ""
    cells(packet, body, draft, -1 if packet.is_(0x24, 0x31) else 6 if kind == 0x33 else 7, wide)
    if not advance_first:
        body.skip(1)
    if kind in (0x18, 0x2C, 0x33, 0xA2, 0xA9):
        wireless(body, draft, body.u8())
    if kind == 0xA9:
        code, language = body.u8(), body.u8()
        alarms.alarm(draft, (language >> 4) << 8 | code, packet.model)


def _clock_in(packet: Packet, draft: Draft) -> None:
    body = packet.body
    draft.at = date(body, packet.options)
    draft.put(rssi=body.i8(), tagMac=body.hex(6), tagUuid=body.hex(16), tagMajor=body.u16(), tagMinor=body.u16())
    draft.put(tagBattery=body.u16() / 100, clock=bits(body.u8(), 2, 6))


def _string(packet: Packet, draft: Draft) -> None:
    body = packet.body
    length = body.u8()
    body.skip(4)  # the server's flag
    # Some say no length, and fill the packet up.
    text = body.text(length - 4) if length else body.text(body.left).rstrip("\0\x01")
    if text.startswith("<ICCID:"):
        draft.put(iccid=text[7:27])
    else:
        draft.put(result=text)


def _long_string(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(4)
    coding = body.u8()
    rest = body.take(body.left)
    text = letters(rest) if coding == 1 else rest.decode("utf-16-be", "replace")
    found = _PLACE.match(text)
    if not found:
        draft.put(result=text)
        return
    south, lat, west, lon, course, speed, day, hour = found.groups()
    draft.place(-float(lat) if south == "S" else float(lat), -float(lon) if west == "W" else float(lon))
    draft.valid, draft.course, draft.speed = True, float(course), float(speed) * KMH
    draft.fix_at = digits((day + hour).replace("-", "").replace(":", ""))


def _battery_pack(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(8)
    draft.at = float(body.u32())
    draft.put(relativeCapacity=body.u8(), remainingCapacity=body.u16(), absoluteCapacity=body.u8())
    draft.put(fullCapacity=body.u16(), batteryHealth=body.u8(), batteryTemp=body.u16() * 0.1 - 273.1)
    draft.put(current=body.u16(), battery=body.u16() / 1000, cycleIndex=body.u16())
    for number in range(1, 15):
        draft.put(**{f"batteryCell{number}": body.u16() / 1000})


def _temperature_state(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(3)
    alarms.alarm(draft, body.u8(), packet.model)
    body.skip(1)
    draft.put(batteryLevel=body.u8())
    body.skip(8)
    value = body.u16()
    draft.put(temp1=(value & 0x7FFF) / 10 if bit(value, 15) else -(value & 0x7FFF) / 10)


def _ibutton(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(8)
    gps(body, draft, packet.options)
    cell(packet, body, draft, False)
    draft.put(driverUniqueId=str(body.u32() << 16 | body.u16()))


def _camera(packet: Packet, draft: Draft) -> None:
    body = packet.body
    newer = body.left > 2 and body.peek() == body.peek(1) == 0xFF
    placed = packet.length > 12
    if not placed:
        draft.at = date(body, packet.options)
    elif newer:
        body.skip(3)
        gps(body, draft, packet.options, camera=True)
        draft.put(power=body.u16() / 10)
    else:
        gps(body, draft, packet.options, brief=True)
    event = body.u8()
    draft.put(event=event)
    alarms.camera_alarm(draft, event, placed)
    draft.put(eventData=body.u16())
    if body.left:
        draft.put(eventFiles=body.text(body.left))


def _az735(packet: Packet, draft: Draft) -> None:
    body = packet.body
    draft.fix_at = date(body, packet.options)
    if body.u8():
        fix(body, draft)
    else:
        draft.at = draft.fix_at
    before = body.place
    cell(packet, body, draft, True)
    if body.data[before]:
        draft.put(rssi=body.u8())
    body.skip(body.u8())  # other cells
    body.skip(body.u8())  # wireless
    value = body.u8()
    draft.put(status=value)
    if packet.type == 0x33:
        known = {0xA2: "lowBattery", 0xA3: "lowBattery", 0xA4: "general", 0xA5: "door"}
        if value in (0xA0, 0xA1):
            draft.put(armed=value == 0xA0)
        else:
            draft.alarm(known.get(value, "unknown"), f"0x{value:02x}")


def _serial_port(packet: Packet, draft: Draft) -> None:
    body = packet.body
    body.skip(1)
    content = body.take(body.left)
    draft.put(result=letters(content).strip() if printable(content) else content.hex())


def _place_38(packet: Packet, draft: Draft) -> None:
    body = packet.body
    gps(body, draft, packet.options)
    body.skip(2)
    cell(packet, body, draft, False)


def _photo_or_command(packet: Packet, draft: Draft) -> None:
    """Pictures and answers of another server's commands: not read."""


_HANDLERS: dict[int, Handler] = {
    0x23: _heartbeat, 0x2A: _photo_or_command, 0x8A: _photo_or_command, 0x35: _photo_or_command,
    0x80: _photo_or_command, 0x81: _photo_or_command, 0x82: _photo_or_command, 0x41: _photo_or_command,
    0x17: _wireless_list, 0x69: _wireless_list, 0xF3: _wireless_list,
    0x18: _cell_list, 0x24: _cell_list, 0x28: _cell_list, 0x2C: _cell_list, 0x2E: _cell_list, 0x33: _cell_list,
    0x34: _cell_list, 0xA1: _cell_list, 0xA2: _cell_list, 0xA9: _cell_list, 0xB2: _clock_in,
    0x15: _string, 0x21: _long_string, 0x40: _battery_pack, 0x61: _ibutton, 0x95: _camera, 0x9B: _serial_port,
    0x38: _place_38, 0x94: information, 0x8C: obd, 0x70: modular, 0xF2: peripheral, 0xF1: device_status,
}  # fmt: skip


def sent_because(body: Cursor, draft: Draft, why: bool = True) -> None:
    """Ignition, why the packet was sent, and whether it had waited for the network."""
    draft.put(ignition=body.u8() > 0)
    reason = body.u8()
    draft.put(event=reason if why else None, archive=True if body.u8() else None)


def hours(packet: Packet, draft: Draft) -> None:
    """Mileage, hours and, in 0x25, the driver."""
    body = packet.body
    draft.put(odometer=body.u24(), hours=body.u24() * 60_000)
    if packet.type == 0x25:
        length = body.u8()
        if length:
            body.skip(1)
            draft.put(driverUniqueId=body.hex(length - 1))


def modules(body: Cursor, draft: Draft) -> None:
    """Numbered fields at the end of 0x36 and 0x39."""
    while body.left > 3:
        kind = body.u16()
        part = body.part(body.u8())
        if kind == 0x0018:
            draft.put(battery=part.u16() / 100)
        elif kind == 0x0032:
            draft.put(startupStatus=part.u8())
        elif kind == 0x006A:
            draft.put(batteryLevel=part.u8())


def module_37(body: Cursor, draft: Draft) -> None:
    """The one field at the end of 0x37."""
    kind = body.u16()
    part = body.part(body.u8())
    if kind == 0x0027:
        draft.put(power=part.u16() / 100)
    elif kind == 0x002E:
        draft.put(odometer=part.u32())
    elif kind == 0x003B:
        draft.put(accuracy=part.u16() / 100)


def seeworld(body: Cursor, draft: Draft) -> None:
    """Ignition, mileage, temperature and humidity."""
    draft.put(ignition=body.u8() > 0)
    body.skip(2)
    draft.put(odometer=body.u32())
    body.skip(4)
    draft.put(temp1=body.signed_magnitude16() / 100, humidity=body.u16() / 100)


def variant_12(packet: Packet, draft: Draft) -> None:
    """What five makers put at the end of 0x12."""
    body = packet.body
    if packet.length >= 0x71:
        draft.put(odometer=body.u32(), card=body.text(body.u8()).strip())
        alarms.alarm(draft, body.u8(), packet.model)
        body.skip(1)
    elif packet.length == 0x21:
        _benway(body, draft)
    elif packet.length in (0x24, 0x2B):
        state(packet, draft, packet.length == 0x24)
        draft.put(power=body.u16() / 100, rssi=body.u8())
        code = body.u8()
        if packet.length == 0x2B:
            alarms.alarm(draft, code, packet.model)
            draft.put(oil=body.u16())
            warm = body.u8()
            draft.put(temp1=-(warm & 0x7F) if warm & 0x80 else warm, odometer=body.u32() * 10)
    elif packet.length == 0x29:
        draft.put(odometer=body.u32(), card=body.text(body.u8()).strip())
        if body.u8():
            draft.alarm("general", "card")
        draft.put(cardStatus=body.u8(), drivingTime=body.u16())


def _benway(body: Cursor, draft: Draft) -> None:
    mask = body.u16()
    draft.put(ignition=bit(mask, 15), in2=bit(mask, 14))
    if bit(mask, 12):
        value = mask & 0x1FF
        draft.put(temp1=-value if bit(mask, 9) else value)
    else:
        value = mask & 0x3FF
        draft.put(adc1=value if bit(mask, 13) else value / 10)
