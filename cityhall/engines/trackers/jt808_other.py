"""JT/T 808: transparent data (0x0900) and Jointech's brief locations (0x5501, 0x5502).

Followed closely: Traccar's HuabaoProtocolDecoder (later Jt808ProtocolDecoder) and Jt600ProtocolDecoder; see README.md,
Notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.jt808_base import date, state_and_place
from cityhall.engines.trackers.jt808_lists import real_time
from cityhall.engines.trackers.values import KMH, KNOT, UNKNOWN, Draft, bit, moment

_VALUES: dict[int, tuple[str, Callable[[Cursor], Any]]] = {
    **dict.fromkeys((0x0102, 0x0528, 0x0546), ("odometer", lambda p: p.u32() * 100)),
    0x0103: ("fuel", lambda p: p.u32() / 100), 0x0111: ("fuelTemp", lambda p: p.u8() - 40),
    0x012E: ("oilLevel", lambda p: p.u16() / 10), 0x052A: ("fuel", lambda p: p.u16() / 100),
    **dict.fromkeys((0x0105, 0x052C), ("fuelUsed", lambda p: p.u32() / 100)),
    **dict.fromkeys((0x014A, 0x0537, 0x0538, 0x0539), ("fuelConsumption", lambda p: p.u16() / 100)),
    0x052B: ("fuel", Cursor.u8), 0x052D: ("coolantTemp", lambda p: p.u8() - 40),
    0x052E: ("airTemp", lambda p: p.u8() - 40), 0x0530: ("power", lambda p: p.u16() / 1000),
    0x0535: ("obdSpeed", lambda p: p.u16() / 10), 0x0536: ("rpm", Cursor.u16),
    0x053D: ("intakePressure", lambda p: p.u16() / 10), 0x0544: ("liquidLevel", Cursor.u8),
    **dict.fromkeys((0x0547, 0x0548), ("throttle", Cursor.u8)),
}  # fmt: skip
_ALARMS = {
    0x01: "powerRestored", 0x02: "powerCut", 0x1A: "hardAcceleration", 0x1B: "hardBraking", 0x1C: "hardCornering",
    0x1D: "laneChange", 0x1E: "laneChange", 0x1F: "laneChange", 0x23: "fatigueDriving", 0x26: "accident",
    0x27: "accident", 0x28: "accident", 0x31: "door", 0x32: "door",
}  # fmt: skip
_EVENTS = {51: "hardAcceleration", 52: "hardBraking", 53: "hardCornering", 54: "laneChange", 56: "accident"}


def transparent(body: Cursor, model: str, zone: float) -> list[Draft]:
    """What a terminal passes on: a serial port's, an engine's, or a tracker's own report."""
    kind = body.u8()
    draft = Draft()
    if kind == 0x40:
        text = body.text(body.left).strip()
        if text.startswith("GTSL"):
            draft.put(driverUniqueId=text.split("|")[4] if text.count("|") >= 4 else None)
        else:
            draft.put(data=text or None)
    elif kind == 0x41:
        try:
            real_time(body.text(body.left), draft)
        except ValueError:
            return [draft]
    elif kind == 0xF0:
        _report(body, draft, model.upper(), zone)
    elif kind == 0xFF:
        draft.valid = True
        draft.fix_at = date(body, zone)
        draft.place(body.i32() / 1e6, body.i32() / 1e6)
        draft.altitude = float(body.i16())
        draft.speed, draft.course = body.u16() / 10 * KMH, float(body.u16())
    return [draft]


def _report(body: Cursor, draft: Draft, model: str, zone: float) -> None:
    at = date(body, zone)
    draft.put(archive=True if body.u8() else None)
    body.skip(1)
    kind = body.u8()
    if kind == 0x01:
        for _value in range(body.u8()):
            _value_of(body.u16(), body.part(body.u8()), draft)
    elif kind == 0x02:
        codes = []
        for _system in range(body.u16()):
            body.skip(4)
            for _code in range(body.u16()):
                body.skip(8)
                codes.append(body.text(body.u16()).strip("\0 "))
        draft.put(dtcs=" ".join(codes))
    elif kind == 0x03:
        for _alarm in range(body.u8()):
            code = body.u8()
            body.skip(body.u8())
            draft.alarm(_ALARMS.get(code, UNKNOWN), f"0xf0 {code:02x}")
    elif kind == 0x0B:
        draft.put(vin=body.text(17) if body.u8() else None)
    elif kind == 0x15:
        event = body.u32()
        draft.alarm(_EVENTS.get(event), f"0xf0 event {event}")
        draft.put(event=None if event in _EVENTS else event)
    else:
        return
    draft.at = at
    if kind <= 0x03:
        draft.fix_at = at
        state_and_place(body, draft, model)


def _value_of(number: int, part: Cursor, draft: Draft) -> None:
    try:
        if number in _VALUES:
            name, read = _VALUES[number]
            draft.put(**{name: read(part)})
        elif part.left in (1, 2, 4):
            draft.put(**{f"io{number}": int.from_bytes(part.take(part.left), "big")})
    except Short:
        return


def _degrees(raw: int) -> float:
    """From degrees, minutes and ten-thousandths of minutes."""
    return raw // 1_000_000 + raw % 1_000_000 / 600_000


def brief_location(body: Cursor, valid: bool) -> Draft:
    """0x5501, and 0x5502 which is sent where there is no fix: day first, degrees and minutes in BCD."""
    draft = Draft()
    day, month, year, hour, minute, second = (body.bcd(1) for _part in range(6))
    draft.fix_at = moment((year, month, day, hour, minute, second))
    lat = _degrees(body.bcd(4))
    digits = body.hex(5)
    lon = _degrees(int(digits[:9])) if digits[:9].isdigit() else 999.0
    flags = int(digits[9], 16)
    draft.valid = valid
    draft.place(lat if flags & 2 else -lat, lon if flags & 4 else -lon)
    draft.speed, draft.course = body.bcd(1) * KNOT, body.u8() * 2.0
    draft.put(rssi=body.u8(), satellites=body.u8(), odometer=body.u32() * 1000)
    battery = body.u8()
    draft.put(batteryLevel=battery if battery <= 100 else None, charge=True if battery in (0xAA, 0xAB) else None)
    number, area = body.u32(), body.u16()
    draft.put(cells=((0, 0, area, number),) if number and area else None)
    product, state, alarms = body.u8(), body.u16(), body.u16()
    _brief_alarms(draft, product, state, alarms)
    draft.put(status=state)
    while body.left > 1:
        kind, size = body.u8(), body.u8()
        try:
            _brief_item(kind, body.part(size), draft)
        except Short:
            break
    return draft


def _brief_alarms(draft: Draft, product: int, state: int, alarms: int) -> None:
    kinds: dict[int, str] = {}
    if product in (1, 2):
        kinds = {0: "lowPower"}
    elif product == 3:
        draft.put(blocked=bit(state, 5))
        kinds = {0: "overspeed", 1: "lowPower", 2: "vibration", 3: "lowBattery", 5: "geofenceEnter", 6: "geofenceExit"}
    for number in range(16):
        if bit(alarms, number):
            draft.alarm(kinds.get(number, UNKNOWN), f"alarm bit {number} of product {product}")


def _brief_item(kind: int, part: Cursor, draft: Draft) -> None:
    if kind == 0x02:
        draft.altitude = float(part.i16())
    elif kind == 0x10:
        draft.put(wakeSource=part.u8())
    elif kind == 0x0B:
        size = part.left
        draft.put(lockCommand=part.u8())
        if size in (5, 6):
            draft.put(lockCard=part.u32())
        elif size >= 7:
            draft.put(lockPassword=part.text(6))
        draft.put(unlockResult=part.u8() if size % 2 == 0 else None)
    elif kind == 0x0C:
        draft.put(tilt=f"[{part.i16()},{part.i16()},{part.i16()}]")
    elif kind == 0xFC:
        draft.put(geofence=part.u8())
