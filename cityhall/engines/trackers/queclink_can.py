"""Queclink's report of a vehicle's bus (GTCAN): three maps say which values there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cityhall.engines.trackers.fields import Fields
from cityhall.engines.trackers.queclink_places import Line
from cityhall.engines.trackers.values import Draft, bit

_FIRST: dict[int, tuple[str, Callable[[str], Any]]] = {
    0: ("vin", str), 1: ("ignition", lambda v: int(v) > 0), 2: ("obdOdometer", lambda v: int(v[1:])),
    3: ("fuelUsed", float), 5: ("rpm", int), 4: ("obdSpeed", int), 6: ("coolantTemp", int),
    7: ("fuelConsumption", lambda v: float(v[3:]) if v.startswith("L/H") else None),
    8: ("fuel", lambda v: float(v[1:])), 9: ("range", lambda v: int(v) * 100), 10: ("throttle", int),
    11: ("hours", lambda v: round(float(v) * 3_600_000)), 12: ("drivingTime", float), 13: ("idleHours", float),
    14: ("idleFuelConsumption", float), 15: ("axleWeight", int), 16: ("tachographInfo", lambda v: int(v, 16)),
    17: ("indicators", lambda v: int(v, 16)), 18: ("lights", lambda v: int(v, 16)),
    19: ("doors", lambda v: int(v, 16)), 20: ("vehicleOverspeed", float), 21: ("engineOverspeed", float),
}  # fmt: skip
"""In the order in which they stand: engine speed comes before speed."""
_SECOND: dict[int, tuple[str, Callable[[str], Any]]] = {
    0: ("adBlueLevel", lambda v: float(v[1:])), 1: ("axleWeight1", int), 2: ("axleWeight3", int),
    3: ("axleWeight4", int), 7: ("adc1", lambda v: int(v) / 1000), 15: ("driver1Card", str), 16: ("driver2Card", str),
    17: ("driver1Name", str), 18: ("driver2Name", str), 19: ("registration", str),
}  # fmt: skip
_OWN = {"GV350M": range(22, 25), "GV355CEU": range(22, 29)}
"""Values that only these models have."""


def can(line: Line, draft: Draft) -> None:
    """All of a GTCAN report but its place."""
    fields = line.fields(3)
    mask = fields.integer(16)
    for number, (name, read) in _FIRST.items():
        if bit(mask, number):
            _put(fields, name, read, draft)
    for number in _OWN.get(line.model, ()):
        fields.skip(bit(mask, number))
    if not bit(mask, 29):
        return
    second = fields.maybe(16) or 0
    for number in range(31):
        if bit(second, number):
            name, read = _SECOND.get(number, ("", str))
            _put(fields, name, read, draft)


def _put(fields: Fields, name: str, read: Callable[[str], Any], draft: Draft) -> None:
    value = fields.next()
    if value and name:
        try:
            draft.put(**{name: read(value)})
        except ValueError:
            return  # a value that the vehicle does not give stands as something else
