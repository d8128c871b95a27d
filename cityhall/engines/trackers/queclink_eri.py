"""Queclink's expanded fixed report (GTERI): a map says what follows the places.

Followed closely for the models' differences: Traccar's Gl200TextProtocolDecoder; see README.md, Notice.
"""

from __future__ import annotations

from cityhall.engines.trackers.fields import Fields
from cityhall.engines.trackers.queclink_places import Line
from cityhall.engines.trackers.queclink_reports import hours, status
from cityhall.engines.trackers.values import Draft, bit


def extended(line: Line, draft: Draft) -> None:
    """All of a GTERI report but its places."""
    mask = int(line.at(1), 16)
    power = line.at(2)
    draft.put(power=int(power) / 1000 if power else None)
    if line.after < 0:
        return
    fields = Fields(line.values[:-2], line.after)
    model = line.model
    fields.skip(2 if model.startswith("GL5") else 0)
    if model != "GL320M":
        append = fields.next()
        if append:
            if bit(int(append), 0):
                draft.put(satellites=fields.maybe())
            fields.skip(bit(int(append), 1))
    _meters(model, fields, draft)
    _state(model, mask, fields, draft)
    _sensors(model, mask, fields, draft)


def _analog(fields: Fields, number: int, draft: Draft) -> None:
    """An input in millivolts, or a fuel sensor's "F" and its number."""
    value = fields.next()
    if value.startswith("F") and value[1:].isdigit():
        draft.put(**{f"fuel{number}": int(value[1:])})
    elif value.isdigit():
        draft.put(**{f"adc{number}": int(value) / 1000})


def _meters(model: str, fields: Fields, draft: Draft) -> None:
    gl5 = model.startswith("GL5")
    if not gl5:
        distance = fields.maybe_number()
        draft.put(odometer=None if distance is None else distance * 1000)
        if model != "GL320M":
            draft.put(hours=hours(fields.next()))
            _analog(fields, 1, draft)
    if model.startswith("GV") and not model.startswith("GV6") and model != "GV350M":
        _analog(fields, 2, draft)
    if model in ("GV200", "GV310LAU"):
        _analog(fields, 3, draft)
    if (model.startswith("GV3") and model.endswith("CEU")) or model.startswith("GV600M"):
        fields.skip()


def _state(model: str, mask: int, fields: Fields, draft: Draft) -> None:
    if model.startswith("GL5"):
        draft.put(batteryLevel=fields.maybe())
        fields.skip()
        moves = fields.maybe()
        draft.put(motion=None if moves is None else moves > 0)
    elif model == "GV200":
        draft.put(input=fields.maybe(16), output=fields.maybe(16))
        fields.skip()
    elif model == "GL320M":
        draft.put(batteryLevel=fields.maybe())
        draft.put(externalBattery=fields.maybe() if bit(mask, 7) else None)
    else:
        draft.put(batteryLevel=fields.maybe())
        flags = fields.next()
        if flags:
            status(draft, flags)
        fields.skip()


def _sensors(model: str, mask: int, fields: Fields, draft: Draft) -> None:
    if bit(mask, 0) and model != "GV350M":
        draft.put(fuel=fields.maybe(16))
    if bit(mask, 1):
        for number in range(1, fields.integer() + 1):
            fields.skip(2)
            warmth = fields.maybe(16)
            if warmth is not None:
                draft.put(**{f"temp{number}": (warmth - 0x10000 if warmth & 0x8000 else warmth) * 0.0625})
    if bit(mask, 2):
        return
    own = model == "GV350M"
    if bit(mask, 3) or bit(mask, 4) or (bit(mask, 0) and own):
        for _device in range(fields.integer()):
            fields.skip()
            if own:
                fields.skip()
                if bit(mask, 0):
                    draft.put(fuel=fields.integer(16))
            if bit(mask, 3):
                draft.put(fuel=fields.number())
            fields.skip(bit(mask, 4))
    if model == "GL320M":
        return
    if bit(mask, 7):
        for _device in range(fields.integer()):
            fields.skip()
            fields.skip(2 if fields.integer() == 2 else 1)
    if bit(mask, 8):
        for number in range(1, fields.integer() + 1):
            _accessory(model, number, fields, draft)


def _accessory(model: str, number: int, fields: Fields, draft: Draft) -> None:
    fields.skip(5 if model.startswith("GV600M") else 4)
    mask = fields.integer(16)
    for place in range(15):
        if not bit(mask, place) or place == 6:
            continue
        value = fields.next()
        if not value:
            continue
        if place == 1:
            draft.put(**{f"tag{number}Id": value})
        elif place == 4:
            draft.put(**{f"tag{number}Temp": float(value)})
        elif place == 5:
            draft.put(**{f"tag{number}Humidity": int(value)})
        elif place == 13:
            draft.put(**{f"tag{number}Battery": int(value)})
