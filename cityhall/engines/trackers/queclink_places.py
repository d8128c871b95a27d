"""A line of a Queclink report, and the places in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cityhall.engines.trackers.fields import Fields
from cityhall.engines.trackers.queclink_kinds import model_of
from cityhall.engines.trackers.values import KMH, Draft, digits

_LON = re.compile(r"-?\d{1,3}\.\d{6}")
_LAT = re.compile(r"-?\d{1,2}\.\d{6}")
_TIME = re.compile(r"\d{14}")
_VIN = re.compile(r"[0-9A-HJ-NPR-Z]{17}")
_MAC = re.compile(r"[0-9A-Fa-f]{12}")


@dataclass(slots=True)
class Line:
    """A report's fields. `start`: the first after the IMEI; `first` and `after`: where its places begin and end."""

    values: list[str]
    start: int
    version: str
    declared: str
    kind: str
    first: int = -1
    after: int = -1
    vin: str = ""
    model: str = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.declared or model_of(self.version)
        if len(self.values) > self.start and _VIN.fullmatch(self.values[self.start]):
            self.vin = self.values[self.start]
            self.start += 1

    def at(self, offset: int) -> str:
        """The field so many after the device's name; "" where there is none."""
        place = self.start + offset
        return self.values[place] if 0 <= place < len(self.values) else ""

    def before(self) -> list[str]:
        """What stands between the device's name and the first place, or the end."""
        return self.values[self.start + 1 : self.first if self.first >= 0 else -2]

    def tail(self) -> list[str]:
        """What stands between the last place with its cell, and the time at which it was sent."""
        return self.values[self.after : -2] if self.after >= 0 else []

    def fields(self, offset: int = 0) -> Fields:
        """The fields from the one so many after the device's name."""
        return Fields(self.values, self.start + offset)


def places(line: Line) -> list[Draft]:
    """Every place of a report, in order."""
    values, drafts, place = line.values, list[Draft](), line.start
    while place + 2 < len(values):
        if not (
            _LON.fullmatch(values[place]) and _LAT.fullmatch(values[place + 1]) and _TIME.fullmatch(values[place + 2])
        ):
            place += 1
            continue
        if line.first < 0:
            line.first = place - 4
        draft = Draft()
        _fill(values, place, draft)
        place = _network(values, place + 3, draft)
        line.after = place
        drafts.append(draft)
    return drafts


def _fill(values: list[str], place: int, draft: Draft) -> None:
    accuracy, speed, course, altitude = (_number(one) for one in values[place - 4 : place])
    # Accuracy 0 says that there is no fix now; the place is the last one.
    draft.valid = accuracy is None or accuracy > 0
    draft.put(hdop=accuracy)
    draft.speed = None if speed is None else speed * KMH
    draft.course, draft.altitude = course, altitude
    draft.place(float(values[place + 1]), float(values[place]))
    draft.fix_at = digits(values[place + 2])


def _network(values: list[str], place: int, draft: Draft) -> int:
    """Reads wireless networks and the cell; gives where they end."""
    if place + 1 < len(values) and values[place].isdigit() and _MAC.fullmatch(values[place + 1]):
        found = []
        place += 1
        while place + 4 < len(values) and _MAC.fullmatch(values[place]):
            found.append((values[place], values[place + 1]))
            place += 5
        draft.put(wifi=tuple(found))
    cell = values[place : place + 4]
    if len(cell) == 4 and all(re.fullmatch("[0-9A-Fa-f]+", one) for one in cell) and cell[0].isdigit():
        if cell[1].isdigit():
            draft.put(cells=((int(cell[0]), int(cell[1]), int(cell[2], 16), int(cell[3], 16)),))
    return min(place + 4, len(values))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
