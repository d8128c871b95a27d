"""H02: text between * and #, and a binary form after $ (Sinotrack, Cantrack and many others).

Source: H02 communication protocol 1.0.5. There is no checksum: a frame is intact where its form is whole. In the state
a bit that is 0 is an alarm. Followed for what variants differ in: Traccar's H02ProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

import re
import time

from cityhall.engines.trackers.cursor import Cursor
from cityhall.engines.trackers.values import KNOT, Draft, Message, Options, Unreadable, bit, digits, letters

_HEAD = re.compile(r"\*(..),(\d*),([^,#]*)")
_SIDE = r"(?:-(\d+)-(\d+\.\d+)|(\d*)(\d\d\.\d+)|(\d+)(\d\d)(\d{{4}})),([{0}])"
_PLACE = re.compile(
    r"\*..,\d*,(?:V4,(?P<result>.*),|V[^,]*,)(?P<time>\d{6})?,(?:(?P<fix>[ABV])?|\d+),"
    + _SIDE.format("NS") + "," + _SIDE.format("EW")
    + r", *(?P<speed>\d+\.?\d*),(?P<course>\d+\.?\d*)?,(?:\d+,)?(?P<date>\d{6})?"
    r"(?:,[^,]*,[^,]*,[^,]*)?(?:,(?P<state>[0-9A-Fa-f]{8})"
    r"(?:,(?P<odometer>\d+),(?P<warm>-?\d+),(?P<fuel>\d+\.\d+),(?P<altitude>-?\d+),[0-9A-Fa-f]+,[0-9A-Fa-f]+"
    r"|,(?P<rest>.*))?)?#",
    re.DOTALL,
)  # fmt: skip
_CELLS = re.compile(
    r"\*..,\d+,NBR,(\d{6}),(\d+),(\d+),\d+,\d+,((?:\d+,\d+,-?\d+,)+)(\d{6}),([0-9A-Fa-f]{8}).*", re.DOTALL
)
_LINK = re.compile(r"\*..,\d+,LINK,(\d{6}),(\d+),(\d+),(\d+),(\d+),(\d+),(\d{6}),([0-9A-Fa-f]{8}).*", re.DOTALL)
_V3 = re.compile(
    r"\*..,\d+,V3,(\d{6}),(\d{3})(\d+),(\d+),(.*),([0-9A-Fa-f]{4}),\d+,X,(\d{6}),([0-9A-Fa-f]{8})#?", re.DOTALL
)
_VP1 = re.compile(
    r"\*hq,\d{15},VP1,[AB],(\d+)(\d\d\.\d+),([NS]),(\d+)(\d\d\.\d+),([EW]),(\d+\.\d+),(\d+\.\d+),?(\d{6}).*", re.DOTALL
)
_VP1_CELLS = re.compile(r"\*hq,\d{15},VP1,V,(\d+),(\d+),([^#]+)#?", re.DOTALL)
_ALARMS = {0: "vibration", 1: "sos", 2: "overspeed", 18: "sos", 19: "powerCut"}


def decode(frame: bytes, options: Options) -> Message:
    """Reads one message. Raises Unreadable."""
    if frame[:1] == b"$":
        return _binary(frame)
    text = letters(frame).strip()
    head = _HEAD.match(text)
    if not head or not text.endswith("#"):
        raise Unreadable("no message")
    maker, device, kind = head.groups()
    draft = Draft()
    if kind in ("V0", "HTBT"):
        level = text.rstrip("#").split(",")[-1]
        draft.put(batteryLevel=int(level) if level.isdigit() and text.count(",") > 2 else None)
        reports = (draft.report(),) if draft else ()
        return Message("heartbeat", device, True, reports, f"*{maker},{device},{kind}#".encode())
    _read(kind, text, draft)
    if not draft:
        raise Unreadable("a message that says nothing")
    name = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    return Message(name, device, True, (draft.report(),), _reply(kind, maker, device, options))


def _reply(kind: str, maker: str, device: str, options: Options) -> bytes:
    if kind not in ("V1", "NBR") or options.now is None or not device:
        return b""
    now = time.strftime("%Y%m%d%H%M%S", time.gmtime(options.now))
    return f"*{maker},{device},V4,{kind},{now}#".encode("latin-1")


def _read(kind: str, text: str, draft: Draft) -> None:
    if kind == "SMS":
        draft.put(result=text.split(",", 3)[3][:-1] if text.count(",") > 2 else None)
    elif kind == "NBR":
        _cells(text, draft)
    elif kind == "LINK":
        found = _LINK.fullmatch(text)
        if found:
            hour, signal, satellites, battery, steps, turns, day, state = found.groups()
            draft.put(rssi=int(signal), satellites=int(satellites), batteryLevel=int(battery), steps=int(steps))
            draft.put(turnovers=int(turns))
            draft.at = digits(day + hour, "DMYhms")
            _state(int(state, 16), draft)
    elif kind == "V3":
        _v3(text, draft)
    elif kind == "VP1":
        _vp1(text, draft)
    else:
        _place(text, draft)


def _state(value: int, draft: Draft) -> None:
    for number, kind in _ALARMS.items():
        draft.alarm(None if bit(value, number) else kind, f"bit {number}")
    draft.put(ignition=bit(value, 10), status=value)


def _side(parts: tuple[str | None, ...]) -> float:
    """Degrees of one of three forms: -DD-MM.mmmm, DDMM.mmmm, or DDMMmmmm; and a hemisphere."""
    degrees, minutes, degrees2, minutes2, degrees3, whole, rest, side = parts
    if minutes is not None:
        value = int(degrees or 0) + float(minutes) / 60
    elif minutes2 is not None:
        value = int(degrees2 or 0) + float(minutes2) / 60
    else:
        value = int(degrees3 or 0) + float(f"{whole}.{rest}") / 60
    return -value if side in ("S", "W") else value


def _place(text: str, draft: Draft) -> None:
    found = _PLACE.fullmatch(text)
    if not found:
        return
    groups = found.groups()
    start = 3
    draft.put(result=found["result"])
    # Where a coding scheme stands in place of the fix, it is one.
    draft.valid = found["fix"] == "A" if found["fix"] else ",," not in text[: found.start(start + 1)]
    draft.place(_side(groups[start : start + 8]), _side(groups[start + 8 : start + 16]))
    draft.speed = float(found["speed"]) * KNOT
    draft.course = float(found["course"] or 0)
    if found["date"]:
        draft.fix_at = digits(found["date"] + (found["time"] or "000000"), "DMYhms")
    if found["state"]:
        _state(int(found["state"], 16), draft)
    if found["odometer"]:
        draft.put(odometer=int(found["odometer"]), temp1=int(found["warm"]), fuel=float(found["fuel"]))
        draft.altitude = float(found["altitude"])
    if found["rest"]:
        draft.put(**{f"io{number}": value.strip() for number, value in enumerate(found["rest"].split(","), 1)})


def _cells(text: str, draft: Draft) -> None:
    found = _CELLS.fullmatch(text)
    if not found:
        return
    hour, mcc, mnc, listed, day, state = found.groups()
    values = [int(one) for one in listed.rstrip(",").split(",")]
    draft.put(cells=tuple((int(mcc), int(mnc), values[n], values[n + 1]) for n in range(0, len(values) - 2, 3)))
    draft.at = digits(day + hour, "DMYhms")
    _state(int(state, 16), draft)


def _v3(text: str, draft: Draft) -> None:
    found = _V3.fullmatch(text)
    if not found:
        return
    hour, mcc, mnc, count, listed, battery, day, state = found.groups()
    values = listed.split(",")
    cells = [values[n * 4 : n * 4 + 2] for n in range(min(int(count), len(values) // 4 + 1))]
    good = [one for one in cells if len(one) == 2 and all(part.isdigit() for part in one)]
    draft.put(cells=tuple((int(mcc), int(mnc), int(a), int(b)) for a, b in good) or None, battery=int(battery, 16))
    draft.at = digits(day + hour, "DMYhms")
    _state(int(state, 16), draft)


def _vp1(text: str, draft: Draft) -> None:
    found = _VP1.fullmatch(text)
    if found:
        degrees, minutes, south, east, more, west, speed, course, day = found.groups()
        lat, lon = int(degrees) + float(minutes) / 60, int(east) + float(more) / 60
        draft.place(-lat if south == "S" else lat, -lon if west == "W" else lon)
        draft.valid, draft.speed, draft.course = True, float(speed) * KNOT, float(course)
        draft.fix_at = digits(day + "000000", "DMYhms")
        return
    cells = _VP1_CELLS.fullmatch(text)
    if cells:
        parts = [one.split(",") for one in cells[3].split("Y")]
        good = [one for one in parts if len(one) >= 2 and one[0].isdigit() and one[1].isdigit()]
        draft.put(cells=tuple((int(cells[1]), int(cells[2]), int(a), int(b)) for a, b, *_rest in good) or None)


def _binary(frame: bytes) -> Message:
    body = Cursor(frame, 1)
    device = body.hex(8)[:15] if len(frame) == 42 else body.hex(5)
    if not device.isdigit():
        raise Unreadable("no number of a device")
    draft = Draft()
    hour, minute, second, day, month, year = (f"{body.bcd(1):02d}" for _part in range(6))
    draft.fix_at = digits(day + month + year + hour + minute + second, "DMYhms")
    lat = body.bcd(1) + body.bcd(3) / 10_000 / 60
    battery = body.u8()
    east = body.hex(5)
    flags = int(east[9], 16)
    if not east[:9].isdigit():
        raise Unreadable("no longitude")
    lon = int(east[:3]) + int(east[3:9]) / 10_000 / 60
    draft.valid = bit(flags, 1)
    draft.place(lat if bit(flags, 2) else -lat, lon if bit(flags, 3) else -lon)
    motion = body.hex(3)
    if motion.isdigit():
        draft.speed, draft.course = int(motion[:3]) * KNOT, float(motion[3:])
    draft.put(batteryLevel=_level(battery))
    _state(body.u32(), draft)
    return Message("alarm" if draft.alarms else "position", device, True, (draft.report(),))


def _level(value: int) -> int | None:
    if 1 <= value <= 3:
        return (value - 1) * 10
    if 4 <= value <= 6:
        return (value - 1) * 20
    if 7 <= value <= 100:
        return value
    return value - 0xF0 if 0xF1 <= value <= 0xF6 else None
