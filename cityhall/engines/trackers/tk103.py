"""TK103: text in brackets (Xexun, Coban and others), with commas or without.

Source: GPS tracker communication protocol, TK103 (BP, BR, BO, ZC and DW messages). There is no checksum: a frame is
intact where its form is whole. Followed for what variants differ in: Traccar's Tk103ProtocolDecoder; see README.md,
Notice.
"""

from __future__ import annotations

import re

from cityhall.engines.trackers.values import KMH, UNKNOWN, Draft, Message, Options, Unreadable, bit, digits, letters

_PLACE = re.compile(
    r"\(?(?:(?P<id>.{12})|(?P<other>[^,]+),)(?P<kind>.{4}),?(?:(?P<data>\d*)|,ALARM,(?P<alarm>\d),\d+,|G,\d+,)"
    r"(?P<date>\d{6}),?(?P<fix>[AV]),? *(?P<lat>\d*)(?P<lat_minutes>\d\d\.\d+)(?P<south>[NS]),?"
    r" *(?P<lon>\d*)(?P<lon_minutes>\d\d\.\d+)(?P<west>[EW]),?(?P<speed>[ \d.]{1,5})(?:\d*,)?(?P<time>\d{6}),?"
    r"(?:(?:(?P<course>[ \d.]{6})|(?P<course2>\d\d)),?(?P<charge>[01])(?P<ignition>[01])(?P<in1>[0-9A-Fa-f])"
    r"(?P<in2>[0-9A-Fa-f])(?P<in3>[0-9A-Fa-f])(?P<fuel>[0-9A-Fa-f]{3})L(?P<odometer>[0-9A-Fa-f]+)"
    r"|(?P<course3>\d+\.\d+))?.*?(?P<warm>[+-]\d{3}\.\d)?\)?",
    re.DOTALL,
)
_BATTERY = re.compile(r"\(?(\d+),ZC20,(\d{6}),(\d{6}),(\d+),(\d+),(\d+),\d+.*", re.DOTALL)
_CELL = re.compile(r"\{?(\d{3}),(\d+),([0-9A-Fa-f]+),([0-9A-Fa-f]+)")
_AROUND = re.compile(
    r"\(?(\d+),(DW5.),(\d+),(\d+),(\d+),(\d+),\d+,((?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\*[-+]?\d+\*\d+,)*)"
    r"(?:0,)?(\d{6}),(\d{6}).*",
    re.DOTALL,
)
_RESULT = re.compile(r"\(?(\d+),.{4},(\d{6}),(\d{6}),\$(.*?)(?:\$|$).*", re.DOTALL)
_HEAD = re.compile(r"\(?(?:(\d{11,16}),|(.{12}))([A-Z]{2}[0-9A-F]{2})")
_ALARMS = {1: "accident", 2: "sos", 3: "vibration", 4: "lowSpeed", 5: "overspeed", 6: "geofenceExit"}
_BEHAVIOUR = {
    0: "lowBattery", 1: "overspeed", 2: "idle", 3: "hardAcceleration", 4: "hardBraking", 5: "temperature",
}  # fmt: skip
_KINDS = {
    "movement": ("ZC11", "DW31", "DW51"), "lowBattery": ("ZC12", "DW32", "DW52"),
    "powerCut": ("ZC13", "DW33", "DW53"), "removing": ("ZC17", "DW37", "DW57"), "sos": ("ZC25", "DW3E", "DW5E"),
    "tampering": ("ZC26", "DW3F", "DW5F"), "lowPower": ("ZC27", "DW40", "DW60"),
}  # fmt: skip
_BY_TYPE = {kind: name for name, kinds in _KINDS.items() for kind in kinds}
_IGNITION = {
    **dict.fromkeys(("ZC15", "DW35", "DW55", "ZC29", "DW42", "DW62"), True),
    **dict.fromkeys(("ZC16", "DW36", "DW56"), False),
}
_LEVELS = {6: 100, 5: 80, 4: 50, 3: 20, 2: 10}


def decode(frame: bytes, options: Options) -> Message:
    """Reads one message. Raises Unreadable."""
    text = letters(frame)
    if not text.startswith("(") or not text.endswith(")"):
        raise Unreadable("no message")
    head = _HEAD.match(text)
    device, kind = ((head[1] or head[2]).strip(), head[3]) if head else ("", "")
    if kind == "BP00":
        return Message("login", device, True, (), f"({device}AP01HSO)".encode("latin-1"))
    draft = Draft()
    found = _read(kind, text, draft)
    if not found or not draft:
        raise Unreadable("a message that says nothing")
    reply = f"({device}AP05)".encode("latin-1") if kind == "BP05" and head and head[2] else b""
    name = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    return Message(name, found, True, (draft.report(),), reply)


def _read(kind: str, text: str, draft: Draft) -> str:
    """Reads into the draft; gives the device, "" where nothing was read."""
    if kind == "ZC20":
        return _battery(text, draft)
    if kind == "BZ00" or (kind == "BP05" and "{" in text):
        cells = tuple((int(a), int(b), int(c, 16), int(d, 16)) for a, b, c, d in _CELL.findall(text))
        draft.put(cells=cells or None)
        return text[1:13]
    if kind == "ZC03":
        found = _RESULT.fullmatch(text)
        if found:
            draft.at = digits(found[2] + found[3], "DMYhms")
            draft.put(result=found[4])
        return found[1] if found else ""
    if kind.startswith("DW5"):
        around = _around(text, draft)
        if around:
            return around
    if kind == "BV00":
        draft.put(vin=text[17:-1])
        return text[1:13]
    if kind == "BS50":
        return _pack(text, draft)
    return _place(text, draft)


def _battery(text: str, draft: Draft) -> str:
    found = _BATTERY.fullmatch(text)
    if not found:
        return ""
    device, day, hour, level, battery, power = found.groups()
    draft.at = digits(day + hour, "DMYhms")
    draft.put(batteryLevel=_LEVELS.get(int(level)))
    draft.put(battery=int(battery) / 100 if battery != "65535" else None)
    draft.put(power=int(power) / 10 if power != "65535" else None)
    return device


def _pack(text: str, draft: Draft) -> str:
    """The state of a battery pack, 102 bytes of which the places of these are known."""
    try:
        pack = bytes.fromhex(text[17:-1])
    except ValueError:
        return ""
    if len(pack) < 77:
        return ""
    draft.put(power=int.from_bytes(pack[56:58], "big") / 100, batteryTemp1=pack[75] - 40, batteryTemp2=pack[76] - 40)
    return text[1:13]


def _around(text: str, draft: Draft) -> str:
    found = _AROUND.fullmatch(text)
    if not found:
        return ""
    device, kind, mcc, mnc, area, cell, wifi, day, hour = found.groups()
    _type(kind, "", draft)
    draft.at = digits(day + hour, "DMYhms")
    draft.put(cells=((int(mcc), int(mnc), int(area), int(cell)),))
    draft.put(wifi=tuple(tuple(one.split("*")[:2]) for one in wifi.split(",") if one) or None)
    return device


def _type(kind: str, data: str, draft: Draft) -> None:
    """The alarm or the ignition that a type stands for."""
    if kind == "BQ81" and data.isdigit():
        draft.alarm(_BEHAVIOUR.get(int(data), UNKNOWN), f"BQ81 {data}")
    elif kind == "BO01":
        code = int(data[0]) if data[:1].isdigit() else -1
        # 0 says that the vehicle's engine was cut off by an alarm before.
        draft.alarm("powerCut" if code == 0 else _ALARMS.get(code, UNKNOWN), f"BO01 {data[:1]}")
    elif kind in _BY_TYPE:
        draft.alarm(_BY_TYPE[kind], kind)
    elif kind in _IGNITION:
        draft.put(ignition=_IGNITION[kind])


def _place(text: str, draft: Draft) -> str:
    found = _PLACE.fullmatch(text)
    if not found:
        return ""
    _type(found["kind"], found["data"] or found["alarm"] or "", draft)
    order = "DMYhms" if found["other"] else "YMDhms"
    draft.fix_at = digits(found["date"] + found["time"], order)
    draft.valid = found["fix"] == "A"
    lat = int(found["lat"] or 0) + float(found["lat_minutes"]) / 60
    lon = int(found["lon"] or 0) + float(found["lon_minutes"]) / 60
    draft.place(-lat if found["south"] == "S" else lat, -lon if found["west"] == "W" else lon)
    try:
        draft.speed = float(found["speed"]) * KMH
        draft.course = float(found["course"] or found["course2"] or found["course3"] or 0)
    except ValueError:
        draft.speed = None
    if found["odometer"]:
        _inputs(found, draft)
    draft.put(temp1=float(found["warm"]) if found["warm"] else None)
    return (found["id"] or found["other"]).strip()


def _inputs(found: re.Match[str], draft: Draft) -> None:
    draft.put(charge=found["charge"] == "0", ignition=found["ignition"] == "1")
    first, second = int(found["in1"], 16), int(found["in2"], 16)
    draft.put(in2=int(bit(first, 0)), panic=int(bit(first, 1)), out2=int(bit(first, 2)))
    draft.alarm("sos" if bit(first, 1) else None, "panic")
    draft.put(blocked=1 if bit(first, 3) else None, door=1 if bit(second, 3) else None)
    draft.put(fuel=int(found["fuel"], 16), odometer=int(found["odometer"], 16))
