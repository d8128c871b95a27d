"""Queclink: the @Track protocol in text (GL, GV, GB, GMT, CV and GT devices).

    +RESP:GTFRI,<version>,<IMEI>,<name>,...,<send time>,<count>$

+BUFF is the same, sent late. There is no checksum: a frame is intact where its head, its IMEI and its count are what
they must be. The device, where its SACK is on, sends a report again until it has +SACK:<count>$.

Source: Queclink, @Track Air Interface Protocol of GL200, GL300, GV55, GV300, GV350M, GV600M and others. A place looks
the same in every report (accuracy, speed, course, altitude, longitude, latitude, UTC, cell), so it is looked for by its
form, and what stands before and after it is read by the report's kind. Followed for what models differ in: Traccar's
Gl200TextProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from cityhall.engines.trackers.cursor import Short
from cityhall.engines.trackers.queclink_alarms import alarms
from cityhall.engines.trackers.queclink_can import can
from cityhall.engines.trackers.queclink_eri import extended
from cityhall.engines.trackers.queclink_kinds import KINDS
from cityhall.engines.trackers.queclink_places import Line, places
from cityhall.engines.trackers.queclink_reports import REPORTS, basic
from cityhall.engines.trackers.values import Draft, Message, Options, Unreadable, digits, letters

_HEAD = re.compile(r"\+(RESP|BUFF|ACK):GT([A-Z0-9]{3})")
_DEVICE = re.compile(r"\d{15}|[0-9A-Fa-f]{14}")
_COUNT = re.compile(r"[0-9A-Fa-f]{4}")


def decode(frame: bytes, options: Options) -> Message:
    """Reads one report. Raises Unreadable."""
    values = letters(frame).rstrip("$\0\r\n").split(",")
    head = _HEAD.fullmatch(values[0])
    if not head or len(values) < 4:
        raise Unreadable("no report")
    # A few have no version before their IMEI.
    shift = 0 if _DEVICE.fullmatch(values[2]) else 1
    device = values[2 - shift]
    if not _DEVICE.fullmatch(device):
        raise Unreadable("no IMEI")
    intact = bool(_COUNT.fullmatch(values[-1]))
    sort, kind = head.groups()
    if sort == "ACK":
        return _command(values, device, kind, intact)
    line = Line(values, 3 - shift, values[1] if not shift else "", options.model.upper(), kind)
    drafts = _read(line)
    if not drafts:
        raise Unreadable("a report that says nothing")
    raised = any(draft.alarms for draft in drafts)
    placed = any(draft.lat is not None for draft in drafts)
    reply = f"+SACK:{values[-1]}$".encode() if intact else b""
    name = "alarm" if raised else "position" if placed else "report"
    return Message(name, device, intact, tuple(draft.report() for draft in drafts), reply, values[-1])


def _command(values: list[str], device: str, kind: str, intact: bool) -> Message:
    """The device's answer to a command, or its heartbeat."""
    if kind == "HBD":
        reply = f"+SACK:GTHBD,{values[1]},{values[-1]}$".encode("latin-1") if intact else b""
        return Message("heartbeat", device, intact, (), reply, values[-1])
    draft = Draft(at=digits(values[-2]))
    draft.put(result=values[0])
    return Message("command", device, intact, (draft.report(),), b"", values[-1])


def _read(line: Line) -> list[Draft]:
    """The drafts of one report: most have one, fixed reports one a place."""
    drafts = places(line) or [Draft()]
    last = drafts[-1]
    for draft in drafts:
        draft.at = digits(line.values[-2])
    read: Callable[[Line, Draft], None] = REPORTS.get(line.kind, basic)
    if line.kind == "ERI":
        read = extended
    elif line.kind == "CAN":
        read = can
    # A model that lays its tail out in another way has said where it is all the same.
    with suppress(Short, ValueError):
        read(line, last)
    alarms(line, last, known=line.kind in KINDS)
    if not last.attributes and not last.alarms and last.lat is None:
        return []
    for draft in drafts:
        draft.put(type=line.kind)
    return drafts
