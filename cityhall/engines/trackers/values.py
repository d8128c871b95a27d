"""What a tracker's message holds, in SI units and UTC, whatever its protocol says them in."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

KNOT = 1852 / 3600
"""Metres a second."""
KMH = 1 / 3.6
MPH = 0.44704
UNKNOWN = "unknown"
"""The kind of an alarm whose code no document of its protocol names. It is an alarm all the same."""
GENERAL = "general"
"""The kind of an alarm of which the device says no more than that it is one."""


class Unreadable(ValueError):
    """A frame that holds nothing that could be read."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a device says it was.

    `at` is Unix seconds, UTC, None where the message names no date that exists. `lat` and `lon` are degrees, WGS 84;
    `speed` m/s; `course` degrees from north; `altitude` m. `valid`: the device itself calls it a fix; one that is not
    is the last it knew, or nothing at all (0, 0).
    """

    at: float | None
    lat: float
    lon: float
    valid: bool
    speed: float | None = None
    course: float | None = None
    altitude: float | None = None
    satellites: int | None = None
    hdop: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: its kind ("sos", "tampering", "lowBattery", ..., UNKNOWN), and its code as the protocol writes it."""

    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Report:
    """One reading. `at` is the device's clock when it made it (Unix seconds), `attributes` all else, by name."""

    at: float | None
    position: Position | None
    alarms: tuple[Alarm, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A frame that was read.

    `kind` is what the protocol calls it; `device` the IMEI or number it names, "" where it names none (the log-in of
    the connection did). `intact`: its checksum holds; where the protocol has none, its form is whole. `serial` is the
    number that the device gave it. `acknowledgement` is what the device waits for, b"" where it waits for nothing or
    the frame is not intact. `utc_offset_s` is said by a log-in: the device's clock runs by that zone.
    """

    kind: str
    device: str
    intact: bool
    reports: tuple[Report, ...] = ()
    acknowledgement: bytes = b""
    serial: str = ""
    utc_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What is known of a device that its frames do not say.

    `model` chooses between layouts of one protocol; `utc_offset_s` is the zone of its clock, None for its protocol's
    usual one; `device` what its log-in said; `now` the time here, for answers that tell it. The others are switches of
    Suntech (`hbm`, `protocol_type`, `adc`, `rpm`, `temperature`) and Teltonika (`extended`).
    """

    model: str = ""
    utc_offset_s: float | None = None
    device: str = ""
    now: float | None = None
    hbm: int = 0
    protocol_type: int = 0
    adc: bool = False
    rpm: bool = False
    temperature: bool = False
    extended: bool = False

    @classmethod
    def of(cls, words: Sequence[str]) -> Options:
        """The options that words like "model=VL103" or "IncludeAdc=true" name. Raises ValueError for one unknown."""
        names = {one.name for one in fields(cls)}
        long = {"protocoltype": "protocol_type", "includeadc": "adc", "includerpm": "rpm", "includetemp": "temperature"}
        found: dict[str, Any] = {}
        for word in words:
            name, _equals, value = word.partition("=")
            name = long.get(name.lower(), name.lower())
            if name not in names:
                raise ValueError(f"{word!r} is no option of a tracker: use {', '.join(sorted(names))}.")
            kind = type(getattr(_NONE, name))
            found[name] = value.lower() == "true" if kind is bool else int(value) if kind is int else value
        return cls(**found)


_NONE = Options()


@dataclass(slots=True)
class Draft:
    """A report while it is read. What was put stays, also where the rest of the frame cannot be read."""

    at: float | None = None
    fix_at: float | None = None
    lat: float | None = None
    lon: float | None = None
    valid: bool = False
    speed: float | None = None
    course: float | None = None
    altitude: float | None = None
    alarms: list[Alarm] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.attributes or self.alarms) or self.lat is not None or self.at is not None

    def put(self, **values: Any) -> None:
        """Sets attributes; None says nothing."""
        self.attributes.update({name: value for name, value in values.items() if value is not None})

    def alarm(self, kind: str | None, code: object) -> None:
        """Notes an alarm, once a kind; None: a code that is known to be none."""
        if kind and (kind == UNKNOWN or all(one.kind != kind for one in self.alarms)):
            self.alarms.append(Alarm(kind, str(code)))

    def place(self, lat: float, lon: float) -> None:
        """Where it is; what is no place on Earth is not taken."""
        if math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180:
            self.lat, self.lon = lat, lon

    def report(self) -> Report:
        """What was read."""
        position = None
        if self.lat is not None and self.lon is not None:
            position = Position(
                self.fix_at,
                self.lat,
                self.lon,
                self.valid,
                self.speed,
                None if self.course is None else self.course % 360,
                self.altitude,
                _of(self.attributes.get("satellites"), int),
                _of(self.attributes.get("hdop"), float),
            )
        at = self.fix_at if self.at is None else self.at
        return Report(at, position, tuple(self.alarms), self.attributes)


def _of(value: Any, kind: type) -> Any:
    return kind(value) if isinstance(value, int | float) else None


def moment(parts: Iterable[int], utc_offset_s: float = 0.0) -> float | None:
    """Unix seconds of a clock that is `utc_offset_s` ahead of UTC; None where there is no such date or hour.

    `parts`: year (of two digits or four), month, day, hour, minute, second.
    """
    year, month, day, hour, minute, second = parts
    year += 2000 if year < 100 else 0
    if not (1970 < year < 2100 and 1 <= month <= 12 and hour < 24 and minute < 60 and second <= 60):
        return None
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return calendar.timegm((year, month, day, hour, minute, second)) - utc_offset_s


def digits(text: str, order: str = "YMDhms", utc_offset_s: float = 0.0) -> float | None:
    """Unix seconds of a date and time written without separators, in the order given; "" or no date: None.

    Each letter stands for two digits, but that Y has four where the text is long enough.
    """
    wide = len(text) == 2 * len(order) + 2
    if not text.isascii() or not text.isdigit() or len(text) != 2 * len(order) + 2 * wide:
        return None
    parts: dict[str, int] = dict.fromkeys("YMDhms", 0)
    place = 0
    for letter in order:
        width = 4 if letter == "Y" and wide else 2
        parts[letter] = int(text[place : place + width])
        place += width
    return moment((parts[letter] for letter in "YMDhms"), utc_offset_s)


def bit(value: int, number: int) -> bool:
    """Whether the bit of that number is set; 0 is the lowest."""
    return bool(value >> number & 1)


def bits(value: int, start: int, end: int) -> int:
    """The bits from `start` up to but not with `end`."""
    return value >> start & ((1 << (end - start)) - 1)


def letters(data: bytes) -> str:
    """Text of a device, one byte a letter."""
    return data.decode("latin-1")


def printable(data: bytes) -> bool:
    """Whether bytes are ASCII text: no control characters but line ends."""
    return all(32 <= one < 127 or one in b"\r\n" for one in data)
