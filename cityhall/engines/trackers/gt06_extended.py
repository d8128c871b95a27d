"""GT06 packets with a length of two bytes: information (0x94), modules (0x70), OBD (0x8C), peripherals (0xF1, 0xF2).

Source: Jimi, JM-LL301 and JM-VL03 communication protocols. Followed closely: Traccar's Gt06ProtocolDecoder; see
README.md, Notice.
"""

from __future__ import annotations

import re

from cityhall.engines.trackers import gt06_alarms as alarms
from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.gt06_packet import Packet
from cityhall.engines.trackers.gt06_places import date, fix
from cityhall.engines.trackers.values import Draft, bit, letters

_FUEL = re.compile(r"!AIOIL,\d+,\d+\.\d+,(\d+\.\d+),[^,]+,\d{4},(\d+\.\d+),[01],\d+,[0-9A-Fa-f]{2}")
_OBD = {
    0x28: ("odometer", 0.01), 0x2B: ("fuel", 0.01), 0x2D: ("coolantTemp", 0.01), 0x35: ("obdSpeed", 0.01),
    0x36: ("rpm", 0.01), 0x47: ("fuelUsed", 0.01), 0x49: ("hours", 0.01),
}  # fmt: skip


def information(packet: Packet, draft: Draft) -> None:
    """0x94: one thing about the device, named by its first byte."""
    body = packet.body
    if not packet.extended:
        draft.put(power=body.i16() / 100)
        return
    kind = body.u8()
    if kind == 0x00:
        draft.put(adc1=body.u16() / 100)
    elif kind == 0x04:
        _settings(body.text(body.left), draft)
    elif kind == 0x05:
        if body.left >= 7:
            draft.at = date(body, packet.options)
        flags = body.u8()
        draft.put(door=bit(flags, 0), io1=bit(flags, 2))
    elif kind == 0x0A:
        body.skip(16)
        draft.put(iccid=body.hex(10).rstrip("f"))
    elif kind == 0x0B and body.left == 1:
        draft.put(networkTechnology="4G" if body.u8() else "2G")
    elif kind == 0x0B:
        draft.put(power=body.u16() / 100)
    elif kind == 0x0D:
        found = _FUEL.search(letters(body.take(body.left)))
        if found:
            draft.put(temp1=float(found[1]), fuel=float(found[2]))
    elif kind == 0x1B and chr(body.peek()).isalpha():
        draft.put(serial=body.text(body.left).strip())
    elif kind == 0x1B:
        body.skip(2)
        draft.put(driverUniqueId=body.hex(4))
    elif kind == 0x1E:
        draft.put(temp1=body.i32() / 10, humidity=body.i32() / 10)


def _settings(text: str, draft: Draft) -> None:
    names = {"STA1": "otherStatus", "DYD": "engineStatus"} | {f"ALM{n}": f"alarm{n}Status" for n in "1234"}
    for one in text.split(";"):
        name, equals, value = one.partition("=")
        if equals and name in names:
            draft.put(**{names[name]: int(value, 16)})


def obd(packet: Packet, draft: Draft) -> None:
    """0x8C: values of the engine's computer as text, "28=1f,36=..."."""
    body = packet.body
    draft.at = date(body, packet.options)
    draft.put(ignition=body.u8() > 0)
    for pair in body.text(max(0, body.left - 12)).split(","):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch("[0-9A-Fa-f]{2,}", name):
            continue
        number = int(name[:2], 16)
        if number == 0x4A:
            draft.put(vin=value)
        elif number in _OBD and re.fullmatch("[0-9A-Fa-f]+", value):
            key, scale = _OBD[number]
            draft.put(**{key: int(value, 16) * scale})


def modular(packet: Packet, draft: Draft) -> None:
    """0x70: numbered modules, each with its length."""
    body = packet.body
    while body.left > 3:
        kind = body.u16()
        _module(kind, body.part(body.u16()), draft)


def _module(kind: int, part: Cursor, draft: Draft) -> None:
    if kind == 0x03:
        draft.put(iccid=part.hex(10))
    elif kind in (0x09, 0x0A):
        draft.put(**{"satellites" if kind == 0x09 else "satellitesVisible": part.u8()})
    elif kind == 0x11:
        mcc, mnc, area, number = part.u16(), part.u16(), part.u16(), part.u24()
        draft.put(cells=((mcc, mnc, area, number),) if number else None)
    elif kind == 0x18:
        draft.put(battery=part.u16() / 100)
    elif kind == 0x28:
        draft.put(hdop=part.u8() / 10)
    elif kind == 0x29:
        draft.put(index=part.u32())
    elif kind == 0x2A:
        value = part.u8()
        draft.put(door=value & 15 > 0, tamper=value >> 4 > 0)
    elif kind == 0x2B:
        draft.put(bootReason=part.u8())
    elif kind == 0x2E:
        draft.put(odometer=part.u32le())
    elif kind == 0x33:
        draft.fix_at = float(part.u32())
        satellites = part.u8()
        draft.altitude = float(part.i16())
        _place(part, draft)
        draft.put(satellites=satellites)
    elif kind == 0x34:
        event = part.u8()
        draft.put(event=event)
        alarms.module_alarm(draft, event)
    elif kind == 0x7F:
        draft.put(tag1Id=part.hex(6), tag1Battery=part.u16() / 1000, tag1BatteryLevel=part.u8())
        draft.put(tag1Temp=part.i16() / 10, tag1Humidity=part.i16(), tag1Status=part.u8())


def _place(part: Cursor, draft: Draft) -> None:
    """Latitude to flags: as everywhere, but that the satellites stand before the altitude."""
    fix(Cursor(b"\0" + part.take(11)), draft)


def peripheral(packet: Packet, draft: Draft) -> None:
    """0xF2: what stands beside the device."""
    body = packet.body
    draft.at = float(body.u32())
    while body.left > 3:
        kind = body.u16()
        if kind == 0x000A:
            part = body.part(body.u16())
            part.skip(1)
            draft.put(mac=part.hex(6))
            event, data = part.u8(), part.u8()
            draft.put(event=event, eventData=data if event else None)
            draft.put(dataType=part.u8(), dataDetails=part.hex(part.left))
        elif kind == 0x000C:
            part = body.part(body.u8())
            draft.put(externalBatteryLevel=part.u8(), externalBatteryCharge=True if part.u8() else None)
            draft.put(externalBatteryCycles=part.u16())
        else:
            body.skip(body.u8() or body.u8())


def device_status(packet: Packet, draft: Draft) -> None:
    """0xF1: numbered states of the device."""
    body = packet.body
    draft.at = float(body.u32())
    while body.left > 2:
        kind = body.u16()
        part = body.part(body.u8())
        if kind == 0x0001:
            draft.put(motion=part.u8() in (2, 4))
        elif kind in (0x0002, 0x0004, 0x0007):
            draft.put(**{{2: "armed", 4: "ignition", 7: "charge"}[kind]: part.u8() > 0})
        elif kind == 0x0005:
            draft.put(power=part.u16() / 100)
        elif kind == 0x000A:
            draft.put(chargeVoltage=part.u16())
        elif kind == 0x000B:
            draft.put(batteryTemp=part.u16() / 10)
