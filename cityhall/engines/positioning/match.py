"""Map-matching of a whole trace at once: the likeliest sequence of ways and places (Viterbi)."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.engines.gtfs.schedule import Float64, Int32
from cityhall.engines.positioning.ways import Ways


@dataclass(frozen=True, slots=True)
class Match:
    """One element a point of the trace."""

    way: Int32  # -1 where it lies on no way
    along_m: Float64
    lon: Float64  # on the way; the point itself where it lies on none
    lat: Float64
    offset_m: Float64  # metres to the left of the way


def match(ways: Ways, at: Float64, lon: Float64, lat: Float64, sigma_m: float | Float64 = 5.0) -> Match:
    """Matches a vehicle's trace; `at` in Unix seconds, ascending, `sigma_m` the error of the points (one sigma)."""
    raise NotImplementedError
