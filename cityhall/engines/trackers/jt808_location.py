"""A location of JT/T 808 (0x0200), with its numbered additions (JT/T 808-2019, 8.18, table 27)."""

from __future__ import annotations

from cityhall.engines.trackers.cursor import Cursor, Short
from cityhall.engines.trackers.jt808_base import alarms, date, state_and_place
from cityhall.engines.trackers.jt808_items import item
from cityhall.engines.trackers.values import KMH, Draft


def location(body: Cursor, model: str, zone: float) -> Draft:
    """All of a location. What cannot be read of its additions is left out. Raises Short where it is no location."""
    draft, model = Draft(), model.upper()
    alarms(draft, body.u32(), model)
    state_and_place(body, draft, model)
    draft.altitude = float(body.i16())
    draft.speed, draft.course = body.u16() / 10 * KMH, float(body.u16())
    draft.fix_at = date(body, zone)
    if body.left == 18:
        body.skip(4)
        draft.put(odometer=body.u32() * 1000, battery=body.u16() / 10)
        body.skip(4)
        draft.put(rssi=body.u8())
        return draft
    while body.left > 1:
        try:
            number = body.u8()
            # 0x80 is a list of its own, to the end, and its length says nothing.
            size = body.u8()
            part = body.part(body.left if number == 0x80 else size)
        except Short:
            break
        try:
            item(number, part, draft, model)
        except (Short, ValueError):
            continue
    return draft
