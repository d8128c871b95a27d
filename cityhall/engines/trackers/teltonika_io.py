"""The values (AVL ids) of Teltonika's records by number: what they are called, and which are alarms.

Source: Teltonika, FMB and TMT250 AVL ID lists; GH3000 Protocols. A number that has a meaning only for some models is
called io<number> for the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.values import UNKNOWN, Draft, bit, letters

Read = Callable[[bytes], Any]


def _u(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _i(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


def _on(value: bytes) -> bool:
    return any(value)


def _by(scale: float, signed: bool = False) -> Read:
    return lambda value: int.from_bytes(value, "big", signed=signed) / scale


def _key(value: bytes) -> str | None:
    return value[::-1].hex().upper() if any(value) else None


_ANY: dict[int, tuple[str, Read]] = {
    1: ("in1", _on), 2: ("in2", _on), 3: ("in3", _on), 4: ("in4", _on), 16: ("odometer", _u), 17: ("axisX", _i),
    18: ("axisY", _i), 19: ("axisZ", _i), 21: ("rssi", _u), 25: ("bleTemp1", _by(100, True)),
    26: ("bleTemp2", _by(100, True)), 27: ("bleTemp3", _by(100, True)), 28: ("bleTemp4", _by(100, True)),
    66: ("power", _by(1000)), 67: ("battery", _by(1000)), 78: ("driverUniqueId", _key), 179: ("out1", _on),
    180: ("out2", _on), 181: ("pdop", _by(10)), 182: ("hdop", _by(10)), 199: ("tripOdometer", _u),
    239: ("ignition", _on), 240: ("motion", _on), 241: ("operator", _u),
}  # fmt: skip
_FMB: dict[int, tuple[str, Read]] = {
    9: ("adc1", _by(1000)), 10: ("adc2", _by(1000)), 11: ("iccid", lambda value: str(_i(value))),
    12: ("fuelUsed", _by(1000)), 13: ("fuelConsumption", _by(100)), 30: ("faultCount", _u), 31: ("engineLoad", _u),
    32: ("coolantTemp", _i), 36: ("rpm", _u), 43: ("milDistance", _u), 57: ("hybridBatteryLevel", _i),
    68: ("batteryCurrent", _by(1000)), 72: ("temp1", _by(10, True)), 73: ("temp2", _by(10, True)),
    74: ("temp3", _by(10, True)), 75: ("temp4", _by(10, True)), 107: ("fuelUsed", _by(10)),
    110: ("fuelConsumption", _by(10)), 113: ("batteryLevel", _u), 115: ("engineTemp", _by(10, True)),
    200: ("sleepMode", _u), 205: ("cid2g", _u), 206: ("lac", _u), 636: ("cid4g", _u), 662: ("door", _on),
    **{10644 + n: (f"tempProbe{n + 1}", _by(100, True)) for n in range(6)},
    **{10800 + n: (f"eyeTemp{n + 1}", _by(100, True)) for n in range(4)},
    **{10832 + n: (f"eyeRoll{n + 1}", _i) for n in range(4)},
}  # fmt: skip
_NOT_FMB6: dict[int, tuple[str, Read]] = {
    80: ("dataMode", _u), 81: ("obdSpeed", _u), 82: ("throttle", _u), 83: ("fuelUsed", _by(10)), 84: ("fuel", _by(10)),
    85: ("rpm", _u), 87: ("obdOdometer", _u), 89: ("fuelLevel", _u),
}  # fmt: skip
_FMB6: dict[int, tuple[str, Read]] = {701 + n: (f"bleTemp{n + 1}", _by(100, True)) for n in range(4)}
_GH3000: dict[int, tuple[str, Callable[[int], Any]]] = {
    1: ("batteryLevel", int), 2: ("usbConnected", lambda v: v == 1), 5: ("uptime", int), 20: ("hdop", lambda v: v / 10),
    21: ("vdop", lambda v: v / 10), 22: ("pdop", lambda v: v / 10), 67: ("battery", lambda v: v / 1000),
    221: ("button", int), 240: ("motion", lambda v: v == 1), 244: ("roaming", lambda v: v == 1),
}  # fmt: skip

_FMB_MODELS = re.compile(r"FM[B-Z]...|MTB100|MSP500")
_FMB6_MODELS = re.compile(r"FM.6..")
_PERSONAL = frozenset({"TMT250", "GH5200", "TST100", "GH3000"})
"""Devices that a person carries: their alarm is a panic button."""
_SET = {246: "tow", 247: "accident", 249: "jamming"}
"""Alarms of every model by number, where the value is not 0."""
_SET_FMB = {251: "idle", 252: "powerCut"}
_DRIVING = {1: "hardAcceleration", 2: "hardBraking", 3: "hardCornering"}
PANIC = 2
"""The priority of a record that somebody must look at."""


def parameter(draft: Draft, number: int, value: bytes, model: str) -> None:
    """Puts one value."""
    newer, six = bool(_FMB_MODELS.fullmatch(model)), bool(_FMB6_MODELS.fullmatch(model))
    if _alarm(draft, number, _u(value), model, newer):
        return
    found = _ANY.get(number)
    if found is None and newer:
        found = (_FMB6 if six else _NOT_FMB6).get(number) or _FMB.get(number)
    if number == 24 and newer:
        draft.speed = _u(value) / 3.6
    elif found:
        draft.put(**{found[0]: found[1](value)})
    else:
        draft.put(**{f"io{number}": _i(value) if len(value) == 8 else _u(value)})


def _alarm(draft: Draft, number: int, value: int, model: str, newer: bool) -> bool:
    """Whether the value is one of an alarm's."""
    code = f"io{number}={value}"
    if number == 236:
        draft.alarm(("sos" if model in _PERSONAL else "general") if value else None, code)
    elif number in _SET and (newer or not model):
        draft.alarm(_SET[number] if value else None, code)
        return newer
    elif number in _SET_FMB and newer:
        draft.alarm(_SET_FMB[number] if value else None, code)
    elif number == 253:
        draft.alarm(_DRIVING.get(value, UNKNOWN) if value else None, code)
    elif number == 175 and newer:
        draft.alarm("geofenceEnter" if value else "geofenceExit", code)
    else:
        return False
    return True


def gh3000(draft: Draft, number: int, value: int) -> None:
    """Puts one value of codec 7."""
    if number == 222:
        draft.alarm("sos" if value == 1 else UNKNOWN if value else None, f"io222={value}")
    elif number in _GH3000:
        name, read = _GH3000[number]
        draft.put(**{name: read(value)})
    else:
        draft.put(**{f"io{number}": value})


def alarms(draft: Draft) -> None:
    """A record of the highest priority that no value has named an alarm is one that nobody knows."""
    if draft.attributes.get("priority") == PANIC and not draft.alarms:
        draft.alarm(UNKNOWN, f"panic io{draft.attributes.get('event', 0)}")


def variable(number: int, part: Cursor, draft: Draft) -> None:
    """A value of any length (8 Extended)."""
    if number in (256, 325):
        draft.put(vin=letters(part.take(part.left)))
    elif number == 281:
        draft.put(dtcs=letters(part.take(part.left)).replace(",", " "))
    elif number == 385:
        _beacons(part, draft)
    elif number in (548, 10828, 10829, 10831, 11317):
        _tags(part, draft)
    else:
        draft.put(**{f"io{number}": part.hex(part.left)})


def _beacons(part: Cursor, draft: Draft) -> None:
    part.skip(1)
    number = 0
    while part.left:
        number += 1
        name = f"beacon{number}"
        flags = part.u8()
        if flags >> 4:
            draft.put(**{f"{name}Uuid": part.hex(16), f"{name}Major": part.u16(), f"{name}Minor": part.u16()})
        else:
            draft.put(**{f"{name}Namespace": part.hex(10), f"{name}Instance": part.hex(6)})
        draft.put(**{f"{name}Rssi": part.i8()})
        if bit(flags, 1):
            draft.put(**{f"{name}Battery": part.u16() / 100})
        if bit(flags, 2):
            draft.put(**{f"{name}Temp": part.u16()})


_TAG: dict[int, tuple[str, Read]] = {
    0: ("Rssi", _i), 1: ("Id", bytes.hex), 5: ("Name", lambda v: v.decode("utf-8", "replace")), 6: ("Temp", _i),
    7: ("Humidity", _u), 8: ("Magnet", _on), 9: ("Motion", _on), 10: ("MotionCount", _u), 11: ("Pitch", _i),
    12: ("AngleRoll", _i), 13: ("LowBattery", _u), 14: ("Battery", _u), 15: ("Mac", bytes.hex),
}  # fmt: skip


def _tags(part: Cursor, draft: Draft) -> None:
    part.skip(1)
    number = 0
    while part.left:
        number += 1
        tag = part.part(part.u8())
        while tag.left:
            kind = tag.u8()
            value = tag.take(tag.u8())
            if kind == 2 and value:
                if bit(value[0], 6):
                    draft.put(**{f"tag{number}LowBattery": True})
                if bit(value[0], 7) and len(value) > 1:
                    draft.put(**{f"tag{number}Voltage": value[1] * 10 + 2000})
            elif kind in _TAG:
                name, read = _TAG[kind]
                draft.put(**{f"tag{number}{name}": read(value)})
