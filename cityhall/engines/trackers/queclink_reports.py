"""What each kind of Queclink report says beside its place."""

from __future__ import annotations

import re
from collections.abc import Callable

from cityhall.engines.trackers.queclink_places import Line
from cityhall.engines.trackers.values import Draft, bit, bits, digits

Read = Callable[[Line, Draft], None]
_STATES = {
    0x16: (False, True), 0x1A: (False, True), 0x12: (False, True), 0x11: (False, False), 0x21: (True, False),
    0x22: (True, True), 0x41: (None, False), 0x42: (None, True),
}  # fmt: skip
"""Ignition and motion by device state."""
_DECIMAL = re.compile(r"\d{1,7}\.\d+")
_LEVEL = re.compile(r"\d{1,3}")
_HOURS = re.compile(r"\d+(:\d\d){0,2}")


def basic(line: Line, draft: Draft) -> None:
    """Any report: its report type, and the battery where it stands just before the time of sending."""
    kind, sort = line.kind, line.at(2)
    if re.fullmatch("[0-9A-Fa-f]{1,2}", sort):
        number = int(sort, 16)
        if kind == "NMR":
            draft.put(motion=number == 1)
        elif kind == "DIS":
            draft.put(**{f"in{number // 16}": number % 16 == 1})
        elif kind == "IGL":
            draft.put(ignition=number % 16 == 1)
    if line.after >= 0 and _LEVEL.fullmatch(line.values[-3]):
        draft.put(batteryLevel=int(line.values[-3]))
    elif line.after < 0:
        cells(line, draft)


def status(draft: Draft, text: str) -> None:
    """The device's status: ignition, inputs and outputs, two hexadecimal digits each (Device Status of @Track)."""
    value = int(text, 16)
    ignition, inputs, outputs = bits(value, 16, 24), bits(value, 8, 16), bits(value, 0, 8)
    if bit(ignition, 4):
        draft.put(ignition=False)
    elif bit(ignition, 5):
        draft.put(ignition=True)
    draft.put(input=inputs, in1=bit(inputs, 1), in2=bit(inputs, 2))
    draft.put(output=outputs, out1=bit(outputs, 0), out2=bit(outputs, 1))


def hours(text: str) -> int | None:
    """Milliseconds of an hour meter that says hours, hours:minutes or hours:minutes:seconds."""
    if not _HOURS.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(":")] + [0, 0]
    return (parts[0] * 3600 + parts[1] * 60 + parts[2]) * 1000


def fixed(line: Line, draft: Draft) -> None:
    """Fixed and position-related reports."""
    draft.put(vin=line.vin or None)
    before = line.before()
    if before and before[0].isdigit() and int(before[0]) > 10:
        draft.put(power=int(before[0]) / 1000)
    if len(before) >= 5 and _LEVEL.fullmatch(before[4]):
        draft.put(batteryLevel=int(before[4]))
    tail = line.tail()
    if line.after < 0:
        # No place at all: the battery stands before the time of sending.
        numbers = [one for one in line.values[-6:-2] if _LEVEL.fullmatch(one)]
        draft.put(batteryLevel=int(numbers[0]) if numbers and int(numbers[0]) <= 100 else None)
        return
    if tail and _DECIMAL.fullmatch(tail[0]):
        draft.put(odometer=float(tail[0]) * 1000)
    _tail(line, tail[1:], draft)


def _tail(line: Line, tail: list[str], draft: Draft) -> None:
    at = next((n for n in (5, 6) if n < len(tail) and re.fullmatch("[0-9A-Fa-f]{6}", tail[n])), 0)
    if at and re.fullmatch(r"\d{0,3}", tail[at - 1]):
        _vehicle(tail, at, draft)
    elif len(tail) >= 6 and re.fullmatch(r"\d{1,2}", tail[0]) and _LEVEL.fullmatch(tail[2]) and tail[3] in ("0", "1"):
        draft.put(battery=int(tail[1]) / 1000 if tail[1] else None, batteryLevel=int(tail[2]))
        draft.put(motion=tail[4] == "1" if tail[4] else None, temp1=float(tail[5]) if tail[5] else None)
    elif len(tail) == 2 and re.fullmatch(r"-?\d", tail[0]) and _LEVEL.fullmatch(tail[1]):
        sort = line.at(2)
        if sort.isdigit():
            draft.put(motion=bit(int(sort), 0), charge=bit(int(sort), 1))
        draft.put(rssi=int(tail[0]), batteryLevel=int(tail[1]))
    else:
        if tail and _DECIMAL.fullmatch(tail[0]):
            draft.put(odometer=float(tail[0]) * 1000)
        level = next((one for one in tail[:2] if _LEVEL.fullmatch(one)), "")
        draft.put(batteryLevel=int(level) if level else None)


def _vehicle(tail: list[str], at: int, draft: Draft) -> None:
    """A vehicle's: mileage, hours, two or three inputs, battery, status, engine speed, consumption, fuel."""
    draft.put(odometer=float(tail[0]) * 1000 if _DECIMAL.fullmatch(tail[0]) else None, hours=hours(tail[1]))
    for number, value in enumerate(tail[2 : at - 1], 1):
        draft.put(**{f"adc{number}": value or None})
    draft.put(batteryLevel=int(tail[at - 1]) if tail[at - 1] else None)
    status(draft, tail[at])
    rest = [*tail[at + 1 :], "", "", ""]
    draft.put(rpm=int(rest[0]) if rest[0].isdigit() else None, fuel=int(rest[2]) if rest[2].isdigit() else None)


def ignition(line: Line, draft: Draft) -> None:
    """Ignition on and off, real (IGN, IGF) and virtual (VGN, VGF)."""
    draft.put(ignition=line.kind.endswith("N"))
    tail = line.tail()
    if len(tail) > 1:
        draft.put(hours=hours(tail[1]))
    if len(tail) > 2 and _DECIMAL.fullmatch(tail[2]):
        draft.put(odometer=float(tail[2]) * 1000)


def information(line: Line, draft: Draft) -> None:
    """Device information: state, SIM, signal, power, battery, and then what the model has."""
    fields = line.fields(1)
    state = fields.next()
    on, moves = _STATES.get(int(state, 16) if state else 0, (None, None))
    draft.put(ignition=on, motion=moves, iccid=fields.next() or None, rssi=fields.maybe())
    fields.skip(2)  # quality, and whether there is external power
    if len(fields.peek(1)) >= 12:
        fields.skip()
        draft.put(deviceTemp=fields.integer(), humidity=fields.integer())
    power = fields.next()
    if "." in power:
        draft.put(odometer=float(power) * 1000)
    elif power:
        draft.put(power=int(power) / 1000)
    if line.model in ("GV350M", "GV310LAU"):
        fields.skip()
    elif line.model != "GV500VC":
        second = fields.maybe()
        draft.put(power2=None if second is None else second / 1000)
    draft.put(battery=fields.maybe_number())
    charging = fields.next()
    draft.put(charge=True if charging == "1" else None)
    _information_tail(line, draft)


def _information_tail(line: Line, draft: Draft) -> None:
    values = line.values[line.start :]
    fix = next((n for n, one in enumerate(values[:-2]) if re.fullmatch(r"\d{14}", one)), -1)
    if fix < 0:
        return
    tail = values[fix + 1 : -2]
    zone = next((n for n, one in enumerate(tail) if re.fullmatch(r"[-+]\d{4}", one)), -1)
    if zone >= 3:
        draft.put(input=tail[zone - 2] or None, output=tail[zone - 1] or None)
        # The first is how pin 15 is used, where there are three inputs or more.
        inputs = tail[1 : zone - 2] if zone >= 5 else tail[: zone - 2]
        for number, value in enumerate(inputs, 1):
            draft.put(**{f"adc{number}": int(value) if value.isdigit() else None})
    elif tail and _LEVEL.fullmatch(tail[0]) and values[1] in ("41", "42"):
        draft.put(batteryLevel=int(tail[0]))
        if len(tail) > 2 and re.fullmatch(r"-?\d+(\.\d+)?", tail[2]):
            draft.put(temp1=float(tail[2]))


def version(line: Line, draft: Draft) -> None:
    """Versions of device, firmware and hardware."""
    draft.put(deviceType=line.at(1), versionFw=int(line.at(2), 16), versionHw=int(line.at(3), 16))


def switch(line: Line, draft: Draft) -> None:
    """A light (LSW) or temperature (TSW) switch."""
    draft.put(**{"in1" if line.kind == "LSW" else "in2": line.at(2) == "1"})


def driver(line: Line, draft: Draft) -> None:
    """A driver's key."""
    draft.put(driverUniqueId=line.at(2) or None)
    tail = line.tail()
    if len(tail) > 1 and _DECIMAL.fullmatch(tail[1]):
        draft.put(odometer=float(tail[1]) * 1000)


def wireless(line: Line, draft: Draft) -> None:
    """Wireless networks about the device."""
    found = re.findall(r"([0-9A-Fa-f]{12}),(-?\d+),", ",".join(line.values))
    draft.put(wifi=tuple(found) or None)
    if _LEVEL.fullmatch(line.values[-3]):
        draft.put(batteryLevel=int(line.values[-3]))


def cells(line: Line, draft: Draft) -> None:
    """Cells about the device (GSM, LBS)."""
    if line.kind == "LBS":
        draft.put(batteryLevel=int(line.at(3)) if line.at(3).isdigit() else None)
    found = re.findall(r"(?<=,)(\d{4}),(\d{4}),([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4,8}),", ",".join(line.values))
    draft.put(cells=tuple((int(a), int(b), int(c, 16), int(d, 16)) for a, b, c, d in found) or None)


def fatigue(line: Line, draft: Draft) -> None:
    """A camera that looks at the driver."""
    if line.at(1) == "1":
        draft.put(fatigueDegree=int(line.at(2)))
    elif line.at(1):
        draft.put(warningType=int(line.at(1)))


def transparent(line: Line, draft: Draft) -> None:
    """What a serial port said, in hexadecimal digits."""
    text = max((one for one in line.before() if re.fullmatch("([0-9A-Fa-f]{2})+", one)), key=len, default="")
    said = bytes.fromhex(text).decode("latin-1")
    if "COMB" in said:
        draft.put(fuel=float(said.split(",")[2]))
    else:
        draft.put(result=said)


def data(line: Line, draft: Draft) -> None:
    """What a serial port said, as it is."""
    draft.put(data=line.at(4))


_ACCESSORY = (
    ("accessoryName", str), ("accessoryMac", str), ("accessoryStatus", int), ("accessoryVoltage", int),
    ("accessoryTemp", int), ("accessoryHumidity", int),
)  # fmt: skip


def accessory(line: Line, draft: Draft) -> None:
    """A Bluetooth accessory (BAA: an alarm of it, BID: one was found)."""
    fields = line.fields(5 if line.kind == "BAA" else 3)
    mask = fields.integer(16)
    for number, (name, kind) in enumerate(_ACCESSORY):
        if bit(mask, number) and (line.kind == "BAA" or number in (1, 3)):
            value = fields.next()
            if value:
                draft.put(**{name: int(value) / 1000 if name == "accessoryVoltage" else kind(value)})


def light(line: Line, draft: Draft) -> None:
    """A light sensor's event."""
    tail = line.tail()
    if len(tail) >= 7:
        draft.put(lightLevel=int(tail[2]), batteryLevel=int(tail[3]), temp1=float(tail[6]) if tail[6] else None)


def obd(line: Line, draft: Draft) -> None:
    """The engine's computer."""
    fields = line.fields(6)
    fields.skip(2)  # voltage, and which values there are
    draft.put(rpm=fields.maybe(), obdSpeed=fields.maybe(), temp1=fields.maybe())
    draft.put(fuelConsumption=fields.next() or None, dtcsClearedDistance=fields.maybe())
    fields.skip()
    connected = fields.next()
    draft.put(odbConnect=connected == "1" if connected else None, dtcsNumber=fields.maybe())
    draft.put(dtcsCodes=fields.next() or None, throttle=fields.maybe())
    fields.skip()
    draft.put(fuel=fields.maybe())
    tail = line.tail()
    if len(tail) > 1 and _DECIMAL.fullmatch(tail[1]):
        draft.put(obdOdometer=int(float(tail[1]) * 1000))


def power(line: Line, draft: Draft) -> None:
    """Switched on or off: the alarm says all."""
    draft.at = digits(line.values[-2])


REPORTS: dict[str, Read] = {
    **dict.fromkeys(("FRI", "CTN", "GEO", "RTL", "DOG", "STR"), fixed), **dict.fromkeys(("PNA", "PFA"), power),
    **dict.fromkeys(("IGN", "IGF", "VGN", "VGF"), ignition), **dict.fromkeys(("LSW", "TSW"), switch),
    **dict.fromkeys(("GSM", "LBS"), cells), **dict.fromkeys(("BAA", "BID"), accessory),
    "INF": information, "VER": version, "IDA": driver, "WIF": wireless, "DAR": fatigue, "DTT": transparent,
    "DAT": data, "LSA": light, "OBD": obd,
}  # fmt: skip
