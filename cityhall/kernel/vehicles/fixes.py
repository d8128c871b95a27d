"""A fix: where a receiver said that a vehicle was, whichever protocol it came by."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from cityhall.kernel.errors import Invalid

OLDEST_S = 60.0
"""A fix measured longer ago than this when it comes in is stale: it says nothing of now."""
FUTURE_S = 5.0
"""A fix may be this far ahead of our clock; beyond it the receiver's clock is wrong."""
MAX_SPEED = 60.0  # m/s; no bus is faster, a broken receiver is

POLLED = "gtfs-rt:"
"""What stands before the name of another system that is polled, where the id of a device would be."""
UNREAD = "unread"
"""Counted of another system each time it was asked in vain."""
FIX_CLASSES = frozenset((0, 1, 2, 4, 5))
"""GGA qualities that say how good a fix is; see VehicleState.FixClass."""


def text(value: object, longest: int) -> str:
    """A name that others sent, as the database takes it: PostgreSQL's text holds no NUL."""
    return str(value).replace("\0", "")[:longest]


@dataclass(frozen=True, slots=True)
class Fix:
    """One position of one vehicle. NaN and "" stand for what was not said.

    `at` is when it was measured, Unix seconds; `fix_class` the GGA quality (VehicleState.FixClass); `sigma_m` the
    receiver's own one-sigma horizontal error (GST, NAV-PVT hAcc); `speed` in m/s, `bearing` in degrees from north.
    `trip` and `line` are what the driver logged on to, `occupancy` GTFS-Realtime's OccupancyStatus, -1 unknown.
    """

    vehicle: str
    device: str
    at: float
    lon: float
    lat: float
    fix_class: int = 0
    sigma_m: float = math.nan
    speed: float = math.nan
    bearing: float = math.nan
    trip: str = ""
    line: str = ""
    occupancy: int = -1

    def values(self) -> dict[str, Any]:
        """As JSON holds it; NaN becomes null."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, values: dict[str, Any]) -> Fix:
        """From `values()`."""
        known: dict[str, Any] = {name: math.nan if value is None else value for name, value in values.items()}
        return cls(**known)


def fault(fix: Fix, now: float, oldest_s: float = OLDEST_S) -> str:
    """Why a fix cannot be taken at `now` (Unix seconds): malformed, stale, future or too_fast; "" where it can."""
    if not (math.isfinite(fix.lon) and math.isfinite(fix.lat) and math.isfinite(fix.at)):
        return "malformed"
    if abs(fix.lon) > 180 or abs(fix.lat) > 90 or (fix.lon == 0 and fix.lat == 0):
        return "malformed"
    # One value that no column holds would stop the tracker, and with it every other vehicle.
    if fix.fix_class not in FIX_CLASSES or not -1 <= fix.occupancy <= 8 or fix.sigma_m < 0 or fix.sigma_m == math.inf:
        return "malformed"
    if fix.at > now + FUTURE_S:
        return "future"
    if fix.at < now - oldest_s:
        return "stale"
    if fix.speed > MAX_SPEED or fix.speed < 0:
        return "too_fast"
    return ""


def from_message(vehicle: str, device: str, message: dict[str, Any]) -> Fix:
    """A fix from a JSON message of kind "position": lon, lat and at (Unix seconds) at least.

    Also known: speed, bearing, fix_class, sigma_m, trip, line, occupancy. Raises Invalid where it is no position.
    """
    from django.utils.translation import gettext as _

    def number(name: str) -> float:
        value = message.get(name)
        return math.nan if value is None else float(value)

    try:
        fix = Fix(
            vehicle=text(vehicle, 100),
            device=device[:64],
            at=float(message["at"]),
            lon=float(message["lon"]),
            lat=float(message["lat"]),
            fix_class=int(message.get("fix_class") or 0),
            sigma_m=number("sigma_m"),
            speed=number("speed"),
            bearing=number("bearing") % 360,
            trip=text(message.get("trip") or "", 200),
            line=text(message.get("line") or "", 100),
            occupancy=int(message["occupancy"]) if message.get("occupancy") is not None else -1,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        raise Invalid(
            _("This is no position: %(why)s.") % {"why": repr(problem)},
            mend=_("Send lon, lat and at (Unix seconds)."),
        ) from None
    return fix
