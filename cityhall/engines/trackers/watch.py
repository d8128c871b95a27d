"""Watches and pendants of the SeTracker family (3G ELEC): [<maker>*<id>*<length>*<content>].

Some have an index before the length. Source: 3G Elec, Watch communication protocol 2.0. There is no checksum: a frame
is intact where its length is right. Followed for what variants differ in: Traccar's WatchProtocolDecoder; see
README.md, Notice.
"""

from __future__ import annotations

import re

from cityhall.engines.trackers.values import KMH, UNKNOWN, Draft, Message, Options, Unreadable, bit, digits, letters

_FRAME = re.compile(rb"\[([^*]{2})\*(\w+)\*(?:([0-9A-Fa-f]{1,8})\*)?([0-9A-Fa-f]{4})\*(.*)\]", re.DOTALL)
_ALARMS = {
    0: "lowBattery", 1: "geofenceExit", 2: "geofenceEnter", 14: "powerCut", 16: "sos", 17: "lowBattery",
    18: "geofenceExit", 19: "geofenceEnter", 20: "removing", 21: "fallDown", 22: "fallDown",
}  # fmt: skip
_PLACE = re.compile(
    r"(\d{6}),(\d{6}),([AV]), *(-?\d+\.\d+),([NS]), *(-?\d+\.\d+),([EW]?),(\d+\.?\d*),(\d+\.?\d*),(-?\d+\.?\d*),"
    r"(\d+),(\d+),(\d+),(\d+),\d+,([0-9A-Fa-f]+),?(.*)",
    re.DOTALL,
)
_ANSWERED = {"LK": "LK", "TKQ": "TKQ", "TKQ2": "TKQ2", "INIT": "INIT,1"}


def decode(frame: bytes, options: Options) -> Message:
    """Reads one message. Raises Unreadable."""
    found = _FRAME.fullmatch(frame)
    if not found:
        raise Unreadable("no message of a watch")
    maker, identity, index, size, content = found.groups()
    kind, _comma, data = letters(content).partition(",")
    intact = int(size, 16) == len(content)
    draft = Draft()
    _read(kind, data, draft)
    reply = _reply(kind, maker, identity, index) if intact else b""
    name = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    name = "heartbeat" if kind == "LK" and name == "report" else name
    return Message(name, letters(identity), intact, (draft.report(),) if draft else (), reply, letters(index or b""))


def _reply(kind: str, maker: bytes, identity: bytes, index: bytes | None) -> bytes:
    said = "AL" if kind.startswith("AL") else _ANSWERED.get(kind, "")
    if not said:
        return b""
    head = b"*".join([maker, identity, *([index] if index else []), f"{len(said):04x}".encode()])
    return b"[" + head + b"*" + said.encode() + b"]"


def _read(kind: str, data: str, draft: Draft) -> None:
    values = data.split(",") if data else []
    lower = kind.lower()
    if kind.startswith(("UD", "AL", "WT")):
        _place(kind, data, draft)
    elif kind == "LK" and len(values) >= 3 and values[2].isdigit() and values[0].isdigit():
        draft.put(batteryLevel=int(values[2]), steps=int(values[0]))
    elif lower in ("pulse", "heart") and values and values[0].isdigit():
        draft.put(heartRate=int(values[0]))
    elif lower in ("bphrt", "blood") and len(values) >= 2:
        draft.put(pressureHigh=values[0], pressureLow=values[1])
        if len(values) > 2 and values[2].isdigit():
            draft.put(heartRate=int(values[2]))
    elif lower == "btemp2" and len(values) >= 2 and values[0] != "0":
        draft.put(temp1=_number(values[1]))
    elif lower == "oxygen" and len(values) >= 2 and values[1].isdigit():
        draft.put(bloodOxygen=int(values[1]))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _place(kind: str, data: str, draft: Draft) -> None:
    found = _PLACE.fullmatch(data)
    if not found:
        # An alarm that says nothing more is one all the same.
        draft.alarm(UNKNOWN if kind.startswith("AL") else None, kind)
        return
    day, hour, fix, lat, south, lon, west, speed, course, altitude, satellites, signal, battery, steps, state, rest = (
        found.groups()
    )
    draft.fix_at = digits(day + hour, "DMYhms")
    draft.valid = fix == "A"
    draft.place(_signed(lat, south == "S"), _signed(lon, west == "W"))
    draft.speed, draft.course, draft.altitude = float(speed) * KMH, float(course), float(altitude)
    draft.put(satellites=int(satellites), rssi=int(signal), batteryLevel=int(battery), steps=int(steps))
    flags = int(state, 16)
    draft.put(motion=True if bit(flags, 4) else None)
    for number in range(32):
        if bit(flags, number):
            # The upper half are alarms, the lower half states, most of which are none.
            draft.alarm(_ALARMS.get(number, UNKNOWN if number >= 16 else None), f"bit {number}")
    if kind.startswith("AL") and not draft.alarms:
        draft.alarm(UNKNOWN, f"AL {state}")
    _networks(rest.split(","), draft)


def _signed(text: str, negative: bool) -> float:
    value = float(text)
    return -abs(value) if negative else value


def _networks(values: list[str], draft: Draft) -> None:
    """Cells, as far as they are there: how many, timing advance, country, network, then area, number and signal."""
    if len(values) < 4 or not all(one.isdigit() for one in values[:4]):
        return
    found = []
    for number in range(int(values[0])):
        part = values[4 + number * 3 : 6 + number * 3]
        if len(part) == 2 and all(one.isdigit() for one in part):
            found.append((int(values[2]), int(values[3]), int(part[0]), int(part[1])))
    draft.put(cells=tuple(found) or None)
