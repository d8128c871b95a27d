"""Suntech: the text forms of ST200 to ST900 and the universal one; its binary forms are in suntech_binary.py.

Fields are parted by ";", and a frame ends with CR. There is no checksum: a frame is intact where its fields hold what
they should. The devices wait for no answer. Sources: Suntech, ST300 Protocol (report and alert tables); Universal
Protocol (report map). Followed closely: Traccar's SuntechProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

from cityhall.engines.trackers import suntech_binary
from cityhall.engines.trackers.cursor import Short
from cityhall.engines.trackers.fields import Fields
from cityhall.engines.trackers.suntech_alerts import alert, emergency
from cityhall.engines.trackers.values import KMH, Draft, Message, Options, Unreadable, bit, digits, letters

_TYPES = frozenset({"STT", "EMG", "EVT", "ALT", "UEX"})
_UNIVERSAL = frozenset({"STT", "ALT", "BLE", "RES", "UEX", "EMG"})
_BLE_MAP = 0b1100000110110


def decode(frame: bytes, options: Options) -> Message:
    """Reads one report. Raises Unreadable."""
    if len(frame) > 2 and (frame[0] == 2 or frame[1] == 0):
        return suntech_binary.decode(frame, options)
    if frame.startswith(b"CRR;"):
        return _crash(frame)
    fields = Fields(letters(frame).split(";"))
    prefix = fields.next()
    draft = Draft()
    try:
        device = _read(prefix, fields, draft, options)
    except (Short, ValueError) as problem:
        if draft.lat is None and not draft.alarms:
            raise Unreadable(str(problem)) from problem
        # Its place or its alarm counts, whatever follows it.
        device = fields.values[2] if prefix.startswith("ST9") else fields.values[1]
    if not device.isalnum():
        raise Unreadable("no number of a device")
    kind = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    return Message(kind, device, True, (draft.report(),), serial=str(draft.attributes.get("index", "")))


def _read(prefix: str, fields: Fields, draft: Draft, options: Options) -> str:
    if prefix in _UNIVERSAL:
        return _universal(prefix, fields, draft)
    if len(prefix) < 6:
        if prefix.startswith("ST9"):
            return _st900(fields, draft, options)
        raise Unreadable("no report")
    if prefix.endswith("HTE"):
        device = fields.next()
        draft.put(driverUniqueId=fields.values[-1])
        return device
    if not prefix.startswith(("ST", "SA")):
        raise Unreadable("no report")
    if prefix.startswith("ST9"):
        return _st900(fields, draft, options)
    if prefix.startswith("ST4"):
        return _st400(prefix[5:], fields, draft)
    return _st200(prefix[:5], prefix[5:], fields, draft, options)


def _time(fields: Fields) -> float | None:
    return digits(fields.next() + fields.next().replace(":", ""))


def _place(fields: Fields, draft: Draft, moment: float | None) -> None:
    """Latitude, longitude, speed (km/h) and course."""
    draft.fix_at = moment
    draft.place(fields.number(), fields.number())
    draft.speed, draft.course = fields.number() * KMH, fields.number()


def _st900(fields: Fields, draft: Draft, options: Options) -> str:
    kind = fields.next()
    if kind not in ("Location", "Emergency", "Alert"):
        raise Unreadable("no report")
    device = fields.next()
    if kind != "Location":
        draft.alarm("general", kind)
    if kind != "Alert" or not options.protocol_type:
        draft.put(versionFw=fields.next())
    moment = _time(fields)
    if options.protocol_type:
        fields.skip()  # cell
    _place(fields, draft, moment)
    draft.valid = fields.next() == "1"
    if options.protocol_type:
        draft.put(odometer=fields.integer())
    return device


def _st400(kind: str, fields: Fields, draft: Draft) -> str:
    if kind not in ("STT", "ALT"):
        raise Unreadable("no report")
    device = fields.next()
    draft.put(type=kind, versionFw=fields.next())
    model = fields.integer()
    if model == 41:
        fields.skip()
    found = []
    for number in range(7):
        cell, mcc, mnc = fields.integer(), fields.integer(), fields.integer()
        first, second = fields.integer(), fields.integer()
        fields.skip()
        if cell:
            found.append((mcc, mnc, first if number else second, cell))
    draft.put(cells=tuple(found) or None, battery=fields.number())
    draft.put(archive=True if fields.next() == "0" else None)
    draft.put(index=fields.integer(), status=fields.integer())
    if len(fields.peek()) == 3:
        fields.skip()
    if model == 41:
        fields.skip(2)
        draft.put(motion=fields.integer() == 2)
    if not fields.peek():
        return device
    _place(fields, draft, _time(fields))
    draft.put(satellites=fields.integer())
    draft.valid = fields.next() == "1"
    if kind == "ALT" and fields.left:
        alert(draft, fields.integer())
    return device


def _st200(model: str, kind: str, fields: Fields, draft: Draft, options: Options) -> str:
    result = fields.peek() == "Res"
    if result:
        fields.skip()
    device = fields.next()
    draft.put(type=kind)
    if result:
        draft.put(result=";".join(fields.rest()))
        return device
    if kind not in _TYPES:
        raise Unreadable("no report")
    if model.startswith("ST3") or model in ("ST500", "ST600"):
        fields.skip()
    draft.put(versionFw=fields.next())
    moment = _time(fields)
    if model != "ST500":
        cell = fields.integer(16)
        if model == "ST600":
            mcc, mnc, area, _signal = fields.integer(), fields.integer(), fields.integer(16), fields.next()
            draft.put(cells=((mcc, mnc, area, cell),))
    _place(fields, draft, moment)
    draft.put(satellites=fields.integer())
    draft.valid = fields.next() == "1"
    draft.put(odometer=fields.integer(), power=fields.number())
    _inputs(fields.next(), draft)
    if kind == "STT":
        draft.put(status=fields.integer(), index=fields.integer())
    elif kind == "EMG":
        emergency(draft, fields.integer())
    elif kind == "EVT":
        draft.put(event=fields.integer())
    elif kind == "ALT":
        alert(draft, fields.integer())
    else:
        _serial_data(fields, draft)
    if options.hbm:
        _hours(fields, draft, options)
    return device


def _inputs(flags: str, draft: Draft) -> None:
    if len(flags) >= 6:
        names = ("ignition", "in1", "in2", "in3", "out1", "out2")
        draft.put(**{name: flag == "1" for name, flag in zip(names, flags, strict=False)})


def _serial_data(fields: Fields, draft: Draft) -> None:
    """What a serial port said: its length, its parts, and their checksum."""
    left = fields.integer()
    fuel = 0.0
    while left > 0:
        part = fields.next()
        left -= len(part) + 1
        if part.startswith("CabAVL"):
            for number, litres in enumerate(part.split(",")[2:4], 1):
                if float(litres) > 0:
                    fuel += float(litres)
                    draft.put(**{f"fuel{number}": float(litres)})
        elif part.startswith("GTSL"):
            pieces = part.split("|")
            draft.put(driverUniqueId=pieces[4] if len(pieces) > 4 else None)
        elif "=" in part:
            fuel += _sensor(part, draft)
        else:
            draft.put(serial=part.strip())
    draft.put(fuel=fuel if fuel > 0 else None)
    fields.skip()


def _sensor(part: str, draft: Draft) -> float:
    """One reading of a sensor: t_0=1C, N_0=0419.0, Q_D=09. Gives the fuel that it says."""
    name, _equals, text = part.partition("=")
    value = int(text.strip().partition(".")[0], 16)
    if name.startswith("t") and len(name) > 2:
        draft.put(**{f"temp{name[2]}": value})
    elif name.startswith("N") and len(name) > 2:
        draft.put(**{f"fuel{name[2]}": value})
        return float(value)
    elif name.startswith("Q"):
        draft.put(drivingQuality=value)
    return 0.0


def _hours(fields: Fields, draft: Draft, options: Options) -> None:
    """The fields that devices send where their hour meter is on."""
    if fields.left:
        draft.put(hours=fields.integer() * 60_000)
    if fields.left:
        draft.put(battery=fields.number())
    if fields.left and fields.next() == "0":
        draft.put(archive=True)
    if options.adc:
        for number in range(1, 4):
            if fields.left:
                draft.put(**{f"adc{number}": fields.maybe_number()})
    if options.rpm and fields.left:
        draft.put(rpm=fields.integer())
    if fields.left >= (2 if options.hbm == 1 else 7):
        draft.put(driverUniqueId=fields.next() or None)
        fields.skip()
    if options.temperature:
        for number in range(1, 4):
            if fields.left:
                value = fields.next().rpartition(":")[2]
                draft.put(**{f"temp{number}": float(value) if value else None})
    if options.hbm >= 2 and fields.left >= 5:
        cell, mcc, mnc, _signal, area = (fields.integer() for _field in range(5))
        draft.put(cells=((mcc, mnc, area, cell),))


def _universal(kind: str, fields: Fields, draft: Draft) -> str:
    """The universal form: a map says which fields there are."""
    device = fields.next()
    draft.put(type=kind)
    if kind == "RES":
        draft.put(result=";".join(fields.rest()))
        return device
    there = _BLE_MAP if kind == "BLE" else fields.integer(16)
    if bit(there, 1):
        fields.skip()
    if bit(there, 2):
        draft.put(versionFw=fields.next())
    if bit(there, 3):
        draft.put(archive=True if fields.next() == "0" else None)
    if bit(there, 4) and bit(there, 5):
        draft.fix_at = _time(fields)
    cell = [fields.integer(base) if bit(there, number) else 0 for number, base in ((6, 16), (7, 10), (8, 10), (9, 16))]
    draft.put(cells=((cell[1], cell[2], cell[3], cell[0]),) if cell[0] else None)
    if bit(there, 10):
        draft.put(rssi=fields.integer())
    if bit(there, 11) and bit(there, 12):
        draft.place(fields.number(), fields.number())
    if kind == "BLE":
        draft.valid = True
        _tags(fields, draft)
        return device
    _movement(there, fields, draft)
    _why(kind, there, fields, draft)
    return device


def _movement(there: int, fields: Fields, draft: Draft) -> None:
    if bit(there, 13):
        draft.speed = fields.number() * KMH
    if bit(there, 14):
        draft.course = fields.number()
    if bit(there, 15):
        draft.put(satellites=fields.integer())
    if bit(there, 16):
        draft.valid = fields.next() == "1"
    if bit(there, 17):
        flags = fields.integer()
        draft.put(ignition=bit(flags, 0), input=flags)
    if bit(there, 18):
        draft.put(output=fields.integer())


def _why(kind: str, there: int, fields: Fields, draft: Draft) -> None:
    """The alert, what the serial port said, or the mode; then what the city has assigned."""
    if kind in ("ALT", "EMG"):
        if bit(there, 19):
            (alert if kind == "ALT" else emergency)(draft, fields.integer())
        if bit(there, 20):
            draft.put(alertModifier=fields.next())
        if bit(there, 21):
            draft.put(alertData=fields.next())
    elif kind == "UEX":
        _serial_data(fields, draft)
        return
    else:
        for number, name in ((19, "mode"), (20, "reason"), (21, "index")):
            if bit(there, number):
                draft.put(**{name: fields.integer()})
    if bit(there, 22):
        fields.skip()
    if bit(there, 23):
        assigned = fields.integer(16)
        for number in range(31):
            if bit(assigned, number):
                draft.put(**{f"io{number + 1}": fields.next()})
    elif kind == "ALT":
        draft.put(**{f"assign{number}": value for number, value in enumerate(fields.rest(), 1)})


def _tags(fields: Fields, draft: Draft) -> None:
    for number in range(1, fields.integer() + 1):
        tag = f"tag{number}"
        draft.put(**{f"{tag}Rssi": fields.integer()})
        fields.skip(2)
        draft.put(**{f"{tag}Id": fields.next(), f"{tag}Samples": fields.integer()})
        draft.put(**{f"{tag}Major": fields.integer(), f"{tag}Minor": fields.integer()})


def _crash(frame: bytes) -> Message:
    """A crash is told in several parts. The last of them is the alarm; where it was the others tell."""
    head = letters(frame[:23]).split(";")
    if len(head) < 4 or not head[2].isdigit() or head[2] != head[3]:
        raise Unreadable("a part of a crash report")
    draft = Draft()
    draft.alarm("accident", "CRR")
    return Message("alarm", head[1], True, (draft.report(),), serial=head[2])
