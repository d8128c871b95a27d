"""Additions to a location of JT/T 808 that are lists themselves.

Followed closely: Traccar's HuabaoProtocolDecoder (later Jt808ProtocolDecoder); see README.md, Notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.values import UNKNOWN, Draft, bit, bits, letters, printable

Read = Callable[[Cursor], Any]


def _scaled(scale: float, wide: bool = True) -> Read:
    return lambda part: (part.u16() if wide else part.u8()) / scale


_ENGINE: dict[int, tuple[str, Read]] = {
    0x01: ("odometer", lambda p: p.u32() * 100), 0x02: ("fuel", _scaled(10)), 0x03: ("obdSpeed", _scaled(10)),
    0x61: ("power", _scaled(100)), 0x69: ("battery", _scaled(100)), 0x80: ("obdSpeed", Cursor.u8),
    0x81: ("rpm", Cursor.u16), 0x82: ("power", _scaled(10)), 0x83: ("engineLoad", Cursor.u8),
    0x84: ("coolantTemp", lambda p: p.u8() - 40), 0x85: ("fuelConsumption", Cursor.u16),
    0x86: ("intakeTemp", lambda p: p.u8() - 40), 0x87: ("intakeFlow", Cursor.u16), 0x88: ("intakePressure", Cursor.u8),
    0x89: ("throttle", Cursor.u8), 0x8B: ("vin", lambda p: p.text(17)), 0x8C: ("obdOdometer", lambda p: p.u32() * 100),
    0x8D: ("tripOdometer", lambda p: p.u16() * 1000), 0x8E: ("fuel", Cursor.u8),
    0xA0: ("dtcs", lambda p: p.text(p.left).replace(",", " ")), 0xCC: ("iccid", lambda p: p.text(20)),
}  # fmt: skip
_BUS: dict[int, tuple[str, Read]] = {
    0x0002: ("obdSpeed", _scaled(10)), 0x0003: ("rpm", Cursor.u16), 0x0004: ("power", _scaled(1000)),
    0x0005: ("obdOdometer", lambda p: p.u32() * 100), 0x0007: ("fuelConsumption", _scaled(10)),
    0x0008: ("engineLoad", _scaled(10)), 0x0009: ("coolantTemp", lambda p: p.u16() - 40),
    0x000B: ("intakePressure", Cursor.u16), 0x000C: ("intakeTemp", lambda p: p.u16() - 40),
    0x000D: ("intakeFlow", Cursor.u16), 0x000E: ("throttle", lambda p: p.u16() * 100 // 255),
    0x0050: ("vin", lambda p: p.text(17)), 0x0051: ("cvn", lambda p: p.hex(p.left) or None),
    0x0052: ("calid", lambda p: p.text(p.left) or None), 0x0100: ("tripOdometer", _scaled(10)),
    0x0102: ("tripFuel", _scaled(10)), 0x0112: ("hardAccelerationCount", Cursor.u16),
    0x0113: ("hardDecelerationCount", Cursor.u16), 0x0114: ("hardCorneringCount", Cursor.u16),
}  # fmt: skip
_CAMERA_ALARMS = {
    0x0001: "fault", 0x0400: "hardAcceleration", 0x0412: "hardAcceleration", 0x0401: "hardBraking",
    0x0413: "hardBraking", 0x0402: "hardCornering", 0x0414: "hardCornering", 0x0403: "overspeed", 0x0405: "accident",
    0x0416: "accident", 0x0417: "accident", 0x0406: "vibration", 0x0407: "tow", 0x0408: "geofenceEnter",
    0x0409: "geofenceExit", 0x040C: "door", 0x0415: "laneChange", 0x0C01: "sos", 0x0C02: "lowPower",
    0x0C05: "general", 0x0C0E: "powerCut", 0x0C0F: "lowBattery", 0x0C10: "powerOff", 0x0C12: "tampering",
}  # fmt: skip


def engine(part: Cursor, draft: Draft, model: str) -> None:
    """0x80: values of the engine's computer, to the end of the location."""
    part.skip(1)
    while part.left > 1:
        kind = part.u8()
        inner = part.part(part.u8())
        if kind == 0x56:
            inner.skip(1)
            draft.put(batteryLevel=inner.u8())
        elif kind in _ENGINE:
            name, read = _ENGINE[kind]
            draft.put(**{name: read(inner)})


def bus(part: Cursor, draft: Draft, model: str) -> None:
    """0xF3: values of the vehicle's bus."""
    while part.left > 2:
        kind = part.u16()
        inner = part.part(part.u8())
        if kind in _BUS:
            name, read = _BUS[kind]
            draft.put(**{name: read(inner)})


def tires(part: Cursor, draft: Draft, model: str) -> None:
    """0x77: the wheels' sensors."""
    while part.left >= 8:
        tire = f"tire{part.u8()}"
        draft.put(**{f"{tire}SensorId": part.hex(3), f"{tire}Pressure": (part.u16() & 0x3FF) / 40})
        draft.put(**{f"{tire}Temp": part.u8() - 50, f"{tire}Status": part.u8()})


def camera(part: Cursor, draft: Draft, model: str) -> None:
    """0xE8: a lock's state (3 bytes), or what a camera of Jimi's JC family says."""
    if part.left == 3:
        draft.put(lockStatus=part.u24())
        return
    kind = part.u16()
    if kind in (0x0C03, 0x0C04):
        draft.put(ignition=kind == 0x0C03)
    elif kind == 0x2002:
        part.skip(1)
        draft.put(uploadMode=part.u8(), buffered=part.u8() == 1)
    elif kind == 0x2003:
        part.skip(1)
        draft.put(charge=part.u8() == 1)
        level = part.u8()
        draft.put(batteryLevel=level * 100 // 6 if 1 <= level <= 6 else None, battery=part.u16() / 100)
        draft.put(rssi=part.u8(), power=part.u16() / 100)
    elif kind == 0x2005:
        part.skip(1)
        _camera_state(part, draft)
    else:
        draft.alarm(_CAMERA_ALARMS.get(kind, UNKNOWN if kind < 0x2000 else None), f"0xe8 {kind:04x}")


def _camera_state(part: Cursor, draft: Draft) -> None:
    while part.left > 2:
        kind = part.u16()
        inner = part.part(part.u8())
        if kind == 0x0001:
            draft.put(battery=inner.u16() / 100)
        elif kind == 0x0002:
            draft.put(dataUsage=inner.u32())
        elif kind == 0x0003:
            draft.put(batteryLevel=inner.u8())
        elif kind == 0x0004:
            draft.put(charge=inner.u8() == 0)
        elif kind == 0x0005:
            draft.put(iccid=inner.hex(10)[:19])
        elif kind == 0x0007:
            draft.put(hdop=inner.u16() / 10)
        elif kind == 0x2001:
            draft.put(power=inner.u16() / 10)


def outside(part: Cursor, draft: Draft, model: str) -> None:
    """0xEA: sensors outside."""
    if part.left <= 2:
        return
    part.skip(1)
    while part.left > 1:
        kind = part.u8()
        inner = part.part(part.u8())
        if kind == 0x11:
            draft.put(externalAlarms=inner.u16(), alarmThresholdType=inner.u8())
        elif kind == 0x13:
            draft.put(externalIlluminance=inner.u16())
        elif kind == 0x14:
            draft.put(externalAirPressure=inner.u16())
        elif kind == 0x15:
            draft.put(externalHumidity=inner.u16() / 10)
        elif kind == 0x16:
            draft.put(externalTemp=inner.u16() / 10 - 50)


def warmth(part: Cursor, draft: Draft, model: str) -> None:
    """0xE6: an engine's values as text, or wireless thermometers."""
    if part.data[part.place : part.place + 7] == b"$OBD-RT":
        real_time(part.text(part.left), draft)
        return
    while part.left >= 11:
        number = part.u8()
        part.skip(6)
        draft.put(**{f"temp{number}": _mixed(part), f"humidity{number}": _mixed(part)})


def _mixed(part: Cursor) -> float:
    whole, rest = part.i8(), part.u8()
    return (-1 if whole < 0 else 1) * (abs(whole) + rest / 255)


def real_time(text: str, draft: Draft) -> None:
    """$OBD-RT: values parted by commas, empty where there is none."""
    names = (
        "power", "rpm", "obdSpeed", "throttle", "engineLoad", "coolantTemp", "fuelConsumption", "fuelConsumption",
        "tripOdometer", "obdOdometer", "tripFuelUsed", "fuelUsed",
    )  # fmt: skip
    for name, value in zip(names, text.strip().split(",")[1:], strict=False):
        if value:
            draft.put(**{name: int(value) if name == "coolantTemp" and value.lstrip("-").isdigit() else float(value)})


def cells(part: Cursor, draft: Draft, model: str) -> None:
    """0xEB: cells of a network, the name of a zone, or a list with lengths of two bytes."""
    size = part.left
    content = part.data[part.place : part.end]
    if size >= 3 and int.from_bytes(content[:2], "big") > 200 and (size - 3) % 5 == 0:
        mcc, mnc = part.u16(), part.u8()
        found = []
        while part.left >= 5:
            found.append((mcc, mnc, part.u16(), part.u16()))
            part.skip(1)
        draft.put(cells=tuple(found) or None)
    elif printable(content):
        draft.put(timezone=letters(content))
    else:
        while part.left > 3:
            inner = part.part(part.u16())
            _listed(inner.u16(), inner, draft)


def _listed(kind: int, part: Cursor, draft: Draft) -> None:
    if kind == 0x0001:
        draft.put(fuel1=part.u16() / 10)
    elif kind == 0x0023:
        draft.put(fuel2=float(part.text(6)))
    elif kind == 0x002D:
        draft.put(**{"power": part.u32() / 1000} if part.left == 4 else {"battery": part.u16() / 1000})
    elif kind == 0x0089:
        flags = part.u32()
        draft.alarm(None if bit(flags, 0) else "powerOff", "0x0089 bit 0")
        draft.alarm(None if bit(flags, 12) else "removing", "0x0089 bit 12")
    elif kind == 0x00B2:
        draft.put(iccid=part.hex(10).replace("f", ""))
    elif kind == 0x00B9:
        part.skip(1)
        draft.put(wifi=tuple(re.findall(r"([0-9A-Fa-f:]{17}),(-?\d+)", part.text(part.left))) or None)
    elif kind == 0x00C5:
        flags = part.u32()
        draft.alarm(None if bit(flags, 6) else "vibration", "0x00c5 bit 6")
        moves = bits(flags, 23, 25)
        draft.put(motion=moves == 0 if moves < 2 else None)
    elif kind == 0x00C6:
        code = part.u8()
        draft.alarm("lowBattery" if code in (3, 4) else None, f"0x00c6 {code}")
        draft.put(batteryAlarm=code)
    elif kind == 0x00CE:
        draft.put(power=part.u16() / 100)
    elif kind == 0x00D8:
        draft.put(cells=((part.u16(), part.u8(), part.u16(), part.u32()),))
    elif kind in (0x00A8, 0x00E1):
        draft.put(batteryLevel=part.u8())


LISTS: dict[int, Callable[[Cursor, Draft, str], None]] = {
    0x80: engine, 0xE6: warmth, 0xE8: camera, 0xEA: outside, 0xF3: bus,
}  # fmt: skip
