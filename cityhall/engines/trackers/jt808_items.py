"""The numbered additions to a location of JT/T 808 (table 27, and what makers have added to it).

Followed closely: Traccar's HuabaoProtocolDecoder (later Jt808ProtocolDecoder); see README.md, Notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.jt808_base import DOOR_MODELS
from cityhall.engines.trackers.jt808_lists import LISTS, cells, tires
from cityhall.engines.trackers.values import UNKNOWN, Draft, bit, letters

_DRIVING = {1: "hardAcceleration", 2: "hardBraking", 3: "hardCornering", 0x16: "accident"}
_U16: dict[int, tuple[str, float]] = {
    0x61: ("power", 100), 0x68: ("batteryLevel", 100), 0x69: ("battery", 100), 0x82: ("power", 10), 0xD3: ("power", 10),
}  # fmt: skip
_U8 = {0x06: "batteryLevel", 0x30: "rssi", 0x31: "satellites", 0xFC: "geofence"}


def item(number: int, part: Cursor, draft: Draft, model: str) -> None:
    """Reads one addition; one that is not known is passed over."""
    size = part.left
    if number in _U8 and size >= 1:
        draft.put(**{_U8[number]: part.u8()})
    elif number in _U16 and size >= 2:
        name, scale = _U16[number]
        draft.put(**{name: part.u16() / scale})
    elif number in LISTS:
        LISTS[number](part, draft, model)
    elif number in _ITEMS:
        _ITEMS[number](part, draft, model)


def _distance(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(odometer=part.u32() * 100)


def _fuel(part: Cursor, draft: Draft, model: str) -> None:
    value = part.u16()
    draft.put(fuel=value & 0x7FFF if bit(value, 15) else value / 10)


def _lock_command(part: Cursor, draft: Draft, model: str) -> None:
    size = part.left
    draft.put(lockCommand=part.u8())
    if size in (5, 6):
        draft.put(lockCard=part.u32())
    elif size >= 7:
        draft.put(lockPassword=part.text(6))
    if size % 2 == 0:
        draft.put(unlockResult=part.u8())


def _inputs(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(adc1=part.u16() / 100, adc2=part.u16() / 100)


def _mode(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 1:
        draft.put(mode=part.u8())
        return
    text = part.text(part.left)
    if text.startswith("*M00") and text[10:13].isdigit():
        draft.put(battery=int(text[10:13]) / 100)


def _temperatures(part: Cursor, draft: Draft, model: str) -> None:
    if part.left in (2, 16):
        for number in range(1, part.left // 2 + 1):
            value = part.u16()
            if value != 0xFFFF:
                draft.put(**{f"temp{number}": -(value & 0x7FFF) / 10 if value & 0x8000 else value / 10})


def _tenths(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(batteryLevel=part.u8() * 10)


def _behaviour(part: Cursor, draft: Draft, model: str) -> None:
    flags = part.u16()
    for number, kind in ((8, "hardAcceleration"), (9, "hardBraking"), (10, "hardCornering")):
        draft.alarm(kind if bit(flags, number) else None, f"0x57 bit {number}")
    part.skip(2)
    if model in DOOR_MODELS and bit(part.u32(), 16):
        draft.alarm("door", "0x57 door")


def _event(part: Cursor, draft: Draft, model: str) -> None:
    event = part.u16()
    draft.put(event=event)
    if 0x0061 <= event <= 0x0066:
        part.skip(6)
        draft.put(driverUniqueId=part.text(8))


def _locks(part: Cursor, draft: Draft, model: str) -> None:
    for number in range(1, part.left // 11 + 1):
        draft.put(**{f"lock{number}Id": part.hex(6), f"lock{number}Battery": part.u16() / 1000})
        draft.put(**{f"lock{number}Seal": part.u8() == 0x31})
        part.skip(2)


def _assistance(name: str) -> Callable[[Cursor, Draft, str], None]:
    """An alarm of a camera that looks ahead (0x64) or at the driver (0x65): JT/T 1078 and the Jiangsu standard."""

    def read(part: Cursor, draft: Draft, model: str) -> None:
        part.skip(5)
        draft.put(**{name: part.u8()})
        if part.left >= 41:
            part.skip(6)
            draft.put(obdSpeed=part.u8())
            part.skip(18)
            draft.put(alarmLabel=part.hex(16))

    return read


def _driving(part: Cursor, draft: Draft, model: str) -> None:
    part.skip(5)
    code = part.u8()
    draft.alarm(_DRIVING.get(code, UNKNOWN), f"0x70 {code}")


def _engine(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(battery=part.u16() / 10, rpm=part.u16(), obdSpeed=part.u8(), throttle=part.u8() * 100 // 255)
    draft.put(engineLoad=part.u8() * 100 // 255, coolantTemp=part.u8() - 40)
    part.skip(2)
    draft.put(fuelConsumption=part.u16() / 100)
    part.skip(8)
    draft.put(fuelUsed=part.u16() / 100)


def _battery_or_driver(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 1:
        level = part.u8()
        draft.put(charge=True if level == 255 else None, batteryLevel=None if level == 255 else level)
    elif part.left == 2:
        draft.put(power=part.u16() / 10)
    elif part.left == 4:
        draft.put(driverUniqueId=str(part.u32()))


def _battery_or_locks(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 2:
        draft.put(battery=part.u16() / 100)
        return
    for number in range(1, part.u8() + 1):
        draft.put(
            **{f"lock{number}Id": part.hex(5), f"lock{number}Card": part.hex(5), f"lock{number}Battery": part.u8()}
        )
        draft.put(**{f"lock{number}Locked": not bit(part.u16(), 5)})


def _string(part: Cursor, draft: Draft, model: str) -> None:
    part.skip(2)
    state = part.u8()
    draft.put(string=bit(state, 0), motion=bit(state, 2), cover=bit(state, 3))


def _user_state(part: Cursor, draft: Draft, model: str) -> None:
    draft.alarm("vibration" if bit(part.u32(), 3) else None, "0xd0")


def _litres(part: Cursor, draft: Draft, model: str) -> None:
    if model != "DT800" and part.left == 4:
        draft.put(fuel=part.u32() / 10)


def _cell_battery(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 4:
        part.skip(1)
        draft.put(batteryLevel=part.u8(), battery=part.u16() / 100)


def _charge(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(charge=True if part.u8() == 0 else None, batteryLevel=part.u8())


def _supply(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(rssi=part.u8(), power=part.u16() / 1000, battery=part.u16() / 1000, satellites=part.u8())


def _millivolts(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 4:
        draft.put(power=part.u32() / 1000)


def _wireless(part: Cursor, draft: Draft, model: str) -> None:
    draft.put(wifi=tuple((part.hex(6), part.i8()) for _one in range(part.left // 7)) or None)


def _sensors(part: Cursor, draft: Draft, model: str) -> None:
    """0xF6: air pressure; an IMEI; or an event with the sensors that its mask names."""
    if part.left == 2:
        draft.put(airPressure=part.u16())
        return
    if part.left == 8:
        text = part.data[part.place : part.end].hex()
        if text.isdigit() and text[0] == "0":
            draft.put(imei=text[1:])
            return
    event = part.u8()
    mask = part.u8()
    draft.put(event=event, motion=True if event == 2 else None)
    if bit(mask, 0):
        draft.put(lightSensor=part.u16())
    if bit(mask, 1):
        draft.put(temp1=part.i16() / 10)
    if bit(mask, 2):
        draft.put(humidity=part.i16() / 10)


def _battery_state(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 2:
        draft.put(humidity=part.u16() / 10)
        return
    draft.put(battery=part.u32() / 1000)
    if part.left:
        draft.put(charge=True if part.u8() in (2, 3) else None)
    if part.left:
        draft.put(batteryLevel=part.u8())


def _steps_or_warmth(part: Cursor, draft: Draft, model: str) -> None:
    if part.left == 2:
        value = part.u16()
        draft.put(**{"steps": value} if model == "C5L" else {"temp2": value / 10 - 50})


def _last(part: Cursor, draft: Draft, model: str) -> None:
    """0xFE: battery, power or mileage by its size; or a list of alarms."""
    size = part.left
    if size == 1:
        draft.put(batteryLevel=part.u8())
    elif size == 2:
        draft.put(power=part.u16() / 10)
    elif size == 4:
        draft.put(odometer=part.u32())
    elif part.u8() == 0x7C:
        while part.left > 2:
            kind = part.u8()
            inner = part.part(part.u8())
            if kind == 1:
                _listed(inner.u32(), draft)
        draft.put(batteryLevel=part.u8() if part.left else None)
    elif part.left:
        draft.put(batteryLevel=part.u8())


def _listed(flags: int, draft: Draft) -> None:
    kinds = ("hardAcceleration", "hardBraking", "hardCornering", "accident", "tampering")
    for number in range(32):
        if bit(flags, number):
            draft.alarm(kinds[number] if number < len(kinds) else UNKNOWN, f"0xfe bit {number}")


def _text(name: str) -> Callable[[Cursor, Draft, str], None]:
    def read(part: Cursor, draft: Draft, model: str) -> None:
        if part.left:
            draft.put(**{name: letters(part.take(part.left)).strip()})

    return read


def _value(name: str, read: Callable[[Cursor], Any]) -> Callable[[Cursor, Draft, str], None]:
    return lambda part, draft, model: draft.put(**{name: read(part)})


_ITEMS: dict[int, Callable[[Cursor, Draft, str], None]] = {
    0x01: _distance, 0x02: _fuel, 0x0B: _lock_command, 0x14: _value("videoAlarm", Cursor.u32),
    0x03: lambda part, draft, model: draft.put(obdSpeed=part.u16() / 10),
    0x25: _value("input", Cursor.u32), 0x2B: _inputs, 0x33: _mode, 0x51: _temperatures, 0x56: _tenths,
    0x57: _behaviour, 0x60: _event, 0x63: _locks, 0x64: _assistance("adasAlarm"), 0x65: _assistance("dmsAlarm"),
    0x67: _text("password"), 0x70: _driving,
    0x77: tires, 0x91: _engine, 0x94: _text("vin"), 0xA7: _inputs, 0xAC: _value("odometer", Cursor.u32),
    0xBC: _text("driver"), 0xBD: _text("driverUniqueId"), 0xD0: _user_state, 0xD4: _battery_or_driver,
    0xD5: _battery_or_locks, 0xDA: _string, 0xE1: _battery_or_driver, 0xE2: _litres, 0xE3: _cell_battery, 0xE4: _charge,
    0xE9: _battery_or_driver, 0xEB: cells, 0xED: _text("card"), 0xEE: _supply, 0xF1: _millivolts, 0xF4: _wireless,
    0xF5: lambda part, draft, model: draft.put(illuminance=part.u16() if part.left == 2 else None), 0xF6: _sensors,
    0xF7: _battery_state, 0xF8: _steps_or_warmth, 0xFB: _text("container"), 0xFE: _last,
}  # fmt: skip
