"""Three small protocols with a panic button: Gotop (TL and VT devices), ITS (AIS 140 of India), Topin (ZhongXun).

Sources: Gotop GPRS protocol; ARAI, AIS-140 Intelligent Transportation Systems, Annex 5 (emergency and tracking
packets); ZhongXun Topin locator protocol. Followed for what variants differ in: Traccar's decoders of the same names;
see README.md, Notice.
"""

from __future__ import annotations

import re

from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.gt06_places import fix
from cityhall.engines.trackers.values import (
    KMH,
    UNKNOWN,
    Draft,
    Message,
    Options,
    Unreadable,
    bit,
    digits,
    letters,
    moment,
)  # fmt: skip

_GOTOP = re.compile(
    r"#?(\d+),([^,]+),([AV]),(?:DATE:)?(\d{6}),(?:TIME:)?(\d{6}),(?:LAT:)?(\d+\.\d+)([NS]),(?:LO[NT]:)?(\d+\.\d+)([EW]),"
    r"Speed:(\d+\.\d+),([^,]+),?(\d+)?.*",
    re.DOTALL,
)
_ITS_PLACE = re.compile(
    r"(?:,([01AV]))?,?(\d\d),?(\d\d),?(\d{4}|\d\d),?(\d\d),?(\d\d),?(\d\d),(?:([01AV]),)?(\d+\.\d+),([NS]),"
    r"(\d+\.\d+),([EW]),(-?\d+\.?\d*),(\d+\.?\d*)"
)
_ITS_STATES = {
    "WD": "sos", "EA": "sos", "BL": "lowBattery", "HB": "hardBraking", "HA": "hardAcceleration", "RT": "hardCornering",
    "OS": "overspeed", "TA": "tampering", "BD": "powerCut", "BR": "powerRestored",
}  # fmt: skip
_TOPIN_ALARMS = {0: "vibration", 1: "overspeed", 4: "lowPower"}
_TOPIN_END = b"\r\n"


def gotop(frame: bytes, options: Options) -> Message:
    """Reads one message of Gotop. Raises Unreadable."""
    found = _GOTOP.fullmatch(letters(frame).strip().rstrip("#"))
    if not found:
        raise Unreadable("no message")
    device, kind, valid, day, hour, lat, south, lon, west, speed, status, course = found.groups()
    draft = Draft()
    if kind == "CMD-KEY":
        draft.alarm("sos", kind)
    elif kind.startswith("ALM-B") and kind[5:6].isdigit():
        draft.alarm("geofenceEnter" if int(kind[5]) % 2 else "geofenceExit", kind)
    elif kind.startswith("ALM"):
        draft.alarm(UNKNOWN, kind)
    # The documents say year first; devices are seen that say the day first.
    draft.fix_at = digits(day + hour) if int(day[:2]) > 12 and int(day[2:4]) <= 12 else digits(day + hour, "DMYhms")
    draft.valid = valid == "A"
    draft.place(-float(lat) if south == "S" else float(lat), -float(lon) if west == "W" else float(lon))
    draft.speed, draft.course = float(speed) * KMH, float(course or 0)
    draft.put(status=status)
    return Message("alarm" if draft.alarms else "position", device, True, (draft.report(),))


def its(frame: bytes, options: Options) -> Message:
    """Reads one packet of AIS 140. Raises Unreadable."""
    text = letters(frame).strip()
    start = text.find("$")
    fields = text[start + 1 :].lstrip(",").split(",")
    device = next((one for one in fields[1:9] if re.fullmatch(r"\d{15}", one)), "")
    if start < 0 or not device:
        raise Unreadable("no packet")
    event, before = fields[0], fields[: fields.index(device)]
    draft = Draft()
    if event in ("LGN", "HBT", "01"):
        reply = {"HBT": b"$HBT*", "01": b"$,1,*"}.get(event, b"")
        return Message("login" if event == "LGN" else "heartbeat", device, True, (), reply)
    if "EMR" in before or event == "EPB":
        draft.alarm("sos", event)
    after = fields[fields.index(device) + 1 :]
    for state in [*before[-3:], *after[:1]]:
        draft.alarm(_ITS_STATES.get(state), state)
        draft.put(ignition={"IN": True, "IF": False}.get(state))
    draft.put(archive=True if "H" in before or "SEM" in before else None)
    place = _ITS_PLACE.search("," + ",".join(after))
    if place:
        _its_place(place, draft, event)
    if not draft:
        raise Unreadable("a packet that says nothing")
    return Message("alarm" if draft.alarms else "position", device, True, (draft.report(),))


def _its_place(found: re.Match[str], draft: Draft, event: str) -> None:
    first, day, month, year, hour, minute, second, fixed, lat, south, lon, west, one, two = found.groups()
    draft.fix_at = moment(int(one) for one in (year, month, day, hour, minute, second))
    draft.valid = (fixed or first) in ("1", "A")
    draft.place(-float(lat) if south == "S" else float(lat), -float(lon) if west == "W" else float(lon))
    if event == "EPB":
        draft.altitude, draft.speed = float(one), float(two) * KMH
    else:
        draft.speed, draft.course = float(one) * KMH, float(two)


def topin(frame: bytes, options: Options) -> Message:
    """Reads one packet of Topin: 7878, length, type, content, 0D0A, without a checksum. Raises Unreadable."""
    if frame[:2] != b"\x78\x78" or len(frame) < 6 or not frame.endswith(_TOPIN_END):
        raise Unreadable("no packet")
    kind, body = frame[3], Cursor(frame, 4, len(frame) - 2)
    if kind == 0x01:
        device = body.hex(8)[1:]
        if not device.isdigit():
            raise Unreadable("no IMEI")
        return Message("login", device, True, (), frame[:2] + b"\x01\x01\x01" + _TOPIN_END)
    draft = Draft()
    reply = b""
    try:
        reply = _topin(kind, frame, body, draft)
    except Short:
        if not draft:
            raise
    if not draft:
        raise Unreadable("a packet that says nothing")
    name = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    return Message(name, options.device, True, (draft.report(),), reply)


def _topin(kind: int, frame: bytes, body: Cursor, draft: Draft) -> bytes:
    """Reads a packet; gives the answer to it."""
    answer = frame[:4] + frame[4:10] + _TOPIN_END
    if kind == 0x99:
        draft.alarm("sos", "0x99")
        return frame
    if kind == 0x94:
        draft.alarm("vibration", "0x94")
    elif kind in (0x10, 0x11):
        draft.fix_at = moment(body.take(6))
        fix(body, draft)
        if body.left >= 3:
            draft.altitude = float(body.i16())
            _topin_alarm(body.u8(), draft)
        return answer
    elif kind in (0x08, 0x09) and body.left > 6:
        draft.fix_at = moment(body.take(6))
        draft.valid = kind == 0x08
        draft.place(_topin_degrees(body), _topin_degrees(body))
        body.skip(8)
        draft.speed, draft.course = body.u8() * KMH, body.u8() * 2.0
        draft.put(satellites=body.u8())
    elif kind == 0x13:
        draft.put(batteryLevel=body.u8(), versionFw=body.u8())
        body.skip(min(2, body.left))
        draft.put(rssi=body.u8() if body.left else None)
        return frame
    elif kind in (0x17, 0x18, 0x19, 0x69):
        draft.at = moment(body.bcd(1) for _part in range(6))
        draft.put(wifi=tuple((body.hex(6), body.u8()) for _one in range(frame[2])) or None)
        return answer
    return b""


def _topin_degrees(body: Cursor) -> float:
    degrees, rest = body.u8(), body.u24()
    value = degrees + (rest & 0x0FFFFF) / 1e6
    return -value if rest >> 20 else value


def _topin_alarm(flags: int, draft: Draft) -> None:
    for number in range(8):
        if bit(flags, number):
            draft.alarm(_TOPIN_ALARMS.get(number, UNKNOWN), f"bit {number}")
