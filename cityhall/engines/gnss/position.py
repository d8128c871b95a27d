"""A position as a receiver gave it."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """One epoch of one receiver. NaN stands for what was not said.

    `at` is when it was measured, Unix seconds; `lon` and `lat` degrees, WGS 84; `fix_class` the GGA quality (0 not
    known, 1 single, 2 DGNSS, 4 RTK fixed, 5 RTK float); `sigma_m` the receiver's own RMS horizontal error, both axes
    together; `speed` in m/s; `bearing` in degrees from north, 0 to 360.
    """

    at: float
    lon: float
    lat: float
    fix_class: int
    sigma_m: float
    speed: float
    bearing: float
