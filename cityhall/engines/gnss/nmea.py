"""Reading the four NMEA 0183 sentences that tell where a receiver is: GGA, RMC, VTG and GST.

pynmeagps reads 160 kinds of sentence and takes 34 microseconds for one of these; at 10,000 epochs a second of several
sentences that is more than a core. So the four are read here, by a pattern each that is also their check of form, and
pynmeagps is what the tests compare with (docs/decisions/005-reading-nmea.md).

Source: NMEA 0183 4.11, 5.3 (form), 8.3 (sentences).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_TIME = rb"(?:(\d\d)(\d\d)(\d\d(?:\.\d{0,9})?))?"
_PLACE = rb"(?:(\d\d)(\d\d(?:\.\d{0,9})?),([NS]),(\d{3})(\d\d(?:\.\d{0,9})?),([EW])|,,,)"
_NUMBER = rb"(-?\d{1,7}(?:\.\d{0,9})?)?"
_SKIP = rb"[^,]*"

GGA = re.compile(rb"\$[A-Z]{2}GGA," + _TIME + rb"," + _PLACE + rb",(\d?)(?:,[^,]*){5,8}")
RMC = re.compile(
    rb"\$[A-Z]{2}RMC,"
    + _TIME
    + rb",([AV]?),"
    + _PLACE
    + rb","
    + _NUMBER
    + rb","
    + _NUMBER
    # The mode came with NMEA 2.3, the navigational status with 4.1.
    + rb",(?:(\d\d)(\d\d)(\d\d))?,[^,]*,[EW]?(?:,([A-Z]?)(?:,[A-Z]?)?)?"
)
VTG = re.compile(
    rb"\$[A-Z]{2}VTG," + _NUMBER + rb",T?," + _NUMBER + rb",M?," + _NUMBER + rb",N?," + _NUMBER + rb",K?(?:,([A-Z]?))?"
)
GST = re.compile(rb"\$[A-Z]{2}GST," + _TIME + rb",[^,]*,[^,]*,[^,]*,[^,]*," + _NUMBER + rb"," + _NUMBER + rb"," + _SKIP)
PATTERNS: dict[bytes, Callable[[bytes], re.Match[bytes] | None]] = {
    b"GGA": GGA.fullmatch,
    b"RMC": RMC.fullmatch,
    b"VTG": VTG.fullmatch,
    b"GST": GST.fullmatch,
}
KNOT = 1852 / 3600
"""Metres a second."""
MODES = {b"A": 1, b"D": 2, b"R": 4, b"F": 5, b"P": 1, b"E": 0}
"""RMC and VTG mode -> GGA quality. Manual, simulated and invalid positions (M, S, N) are none."""
QUALITIES = {b"1": 1, b"2": 2, b"3": 1, b"4": 4, b"5": 5, b"6": 0}
"""GGA quality -> fix class: PPS counts as single, dead reckoning as not known. 0 (none), 7 (manual) and 8 (simulated)
are no fix."""
_HEX = {f"{value:02{case}}".encode(): value for value in range(256) for case in "Xx"}


def checksum(content: bytes) -> int:
    """XOR of the bytes between "$" and "*" (5.3.1): the whole as one number, folded in halves.

    That takes a third of a loop's time. Only the lowest byte of each step must be right, so none is masked.
    """
    folded = int.from_bytes(content, "little")
    folded ^= folded >> 1024
    folded ^= folded >> 512
    folded ^= folded >> 256
    folded ^= folded >> 128
    folded ^= folded >> 64
    folded ^= folded >> 32
    folded ^= folded >> 16
    return (folded ^ folded >> 8) & 0xFF


def content_of(sentence: bytes) -> bytes:
    """A sentence without "*hh", where its checksum is there and right; else b""."""
    if sentence[-3:-2] != b"*":
        return b""
    content = sentence[:-3]
    return content if _HEX.get(sentence[-2:], -1) == checksum(content[1:]) else b""


def seconds(groups: tuple[Any, ...], first: int) -> float:
    """Seconds of the day from hh, mm, ss.ss; -1.0 where no time is given or it is none."""
    hour = groups[first]
    if hour is None:
        return -1.0
    hours, minutes, rest = int(hour), int(groups[first + 1]), float(groups[first + 2])
    # A leap second is written 23:59:60.
    if hours > 23 or minutes > 59 or rest >= 61:
        return -1.0
    return hours * 3600 + minutes * 60 + rest


def place(groups: tuple[Any, ...], first: int) -> tuple[float, float] | None:
    """(lon, lat) in degrees from ddmm.mm,N,dddmm.mm,E; None where there is none or it cannot be one."""
    if groups[first] is None:
        return None
    lat_min, lon_min = float(groups[first + 1]), float(groups[first + 4])
    lat, lon = int(groups[first]) + lat_min / 60, int(groups[first + 3]) + lon_min / 60
    if lat > 90 or lon > 180 or lat_min >= 60 or lon_min >= 60:
        return None
    return (-lon if groups[first + 5] == b"W" else lon), (-lat if groups[first + 2] == b"S" else lat)


def sentence(content: bytes) -> bytes:
    """A whole sentence, checksum and line end added, from "$" and what follows it."""
    return b"%s*%02X\r\n" % (content, checksum(content[1:]))
