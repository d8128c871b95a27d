"""Suntech's binary forms: the universal one (0x81 status, 0x82 alert) and the packed one (0x02).

Followed closely: Traccar's SuntechProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.suntech_alerts import alert
from cityhall.engines.trackers.values import KMH, Draft, Message, Options, Unreadable, bit, moment


def decode(frame: bytes, options: Options) -> Message:
    """Reads one report. Raises Unreadable."""
    body = Cursor(frame)
    kind = body.u8()
    whole = len(frame) == body.u16() + 3
    draft = Draft()
    if kind == 2:
        if body.u8() != 0x10:
            raise Unreadable("no report")
        device = body.hex(5)[:9]
        read = _packed
    else:
        device = body.hex(5)
        read = _universal_alert if kind == 0x82 else _universal
    try:
        read(body, draft, options)
    except Short:
        if draft.lat is None and not draft.alarms:
            raise
    name = "alarm" if draft.alarms else "position" if draft.lat is not None else "report"
    return Message(name, device, whole, (draft.report(),))


def _moment(body: Cursor) -> float | None:
    return moment(body.take(6))


def _universal_alert(body: Cursor, draft: Draft, options: Options) -> None:
    _universal(body, draft, options, alert_kind=True)


def _universal(body: Cursor, draft: Draft, options: Options, alert_kind: bool = False) -> None:
    there = body.u24()
    if bit(there, 1):
        body.skip(1)
    if bit(there, 2):
        draft.put(versionFw=".".join(str(part) for part in body.take(3)))
    if bit(there, 3):
        draft.put(archive=None if body.u8() else True)
    if bit(there, 4) and bit(there, 5):
        draft.fix_at = _moment(body)
    body.skip(4 * bit(there, 6) + 2 * bit(there, 7) + 2 * bit(there, 8) + 2 * bit(there, 9))
    if bit(there, 10):
        draft.put(rssi=body.u8())
    if bit(there, 11) and bit(there, 12):
        draft.place(body.signed_magnitude32() / 1e6, body.signed_magnitude32() / 1e6)
    if bit(there, 13):
        draft.speed = body.u16() / 100 * KMH
    if bit(there, 14):
        draft.course = body.u16() / 100
    if bit(there, 15):
        draft.put(satellites=body.u8())
    if bit(there, 16):
        draft.valid = body.u8() > 0
    if bit(there, 17):
        flags = body.u8()
        draft.put(ignition=bit(flags, 0), input=flags)
    if bit(there, 18):
        draft.put(output=body.u8())
    code = body.u8() if bit(there, 19) else 0
    if alert_kind and bit(there, 19):
        alert(draft, code)
    body.skip(2 * bit(there, 20))
    if bit(there, 21) and code == 59:
        draft.put(driverUniqueId=body.hex(8))


def _packed(body: Cursor, draft: Draft, options: Options) -> None:
    body.skip(3)
    draft.fix_at = _moment(body)
    body.skip(3)
    lat = body.u8() + body.bcd(3) / 1e6
    lon = body.u8() + body.bcd(3) / 1e6
    draft.speed = (body.u16() + body.bcd(1) / 100) * KMH
    draft.course = body.u16() + body.bcd(1) / 100
    flags = body.u8()
    draft.valid = bit(flags, 7)
    draft.place(-lat if bit(flags, 6) else lat, -lon if bit(flags, 5) else lon)
    draft.put(odometer=body.u32(), power=body.u8() + body.bcd(1) / 100)
    state = body.u8()
    draft.put(ignition=bit(state, 0), in1=bit(state, 1), in2=bit(state, 2), in3=bit(state, 3))
    draft.put(out1=bit(state, 4), out2=bit(state, 5), event=body.u8())
    if options.hbm == 1:
        draft.put(hours=body.u32(), battery=body.u16(), archive=None if body.u8() else True)
