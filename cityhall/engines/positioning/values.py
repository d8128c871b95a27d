"""What goes into the tracker and what comes out: arrays with one element a fix, a vehicle or a call."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Self

import numpy as np

from cityhall.engines.gtfs.schedule import Bool, Float64, Int8, Int32


class Status(IntEnum):
    """What a vehicle is doing. LOST is for those that should be on no map: too long unheard, or never placed."""

    ON_ROUTE = 0
    OFF_ROUTE = 1
    WRONG_WAY = 2
    UNMATCHED = 3
    RECKONED = 4
    LOST = 5


class Verdict(IntEnum):
    """What became of a fix: taken, or dropped and why.

    TELEPORT: no vehicle gets there in that time; where the new place holds, the vehicle starts anew there.
    """

    TAKEN = 0
    MALFORMED = 1
    FUTURE = 2
    DUPLICATE = 3
    OUT_OF_ORDER = 4
    TELEPORT = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from city to city. Metres and seconds."""

    drives_left: bool = False
    lane_m: float = 3.2
    lanes: int = 2
    """Lanes in a direction where `Ways.lanes` does not say, the shape being the middle of the road."""
    drawn_to_m: float = 0.5
    """How well the ways are drawn (one sigma). Lanes are told only where that is under a quarter of a lane."""
    top_speed: float = 40.0
    reckon_after: float = 6.0
    """Unheard for so long (or 1.7 times as long as usual for it), a vehicle is reckoned."""
    lost_after: float = 180.0
    forget_after: float = 900.0
    """A memory older than this is dropped."""


@dataclass(frozen=True, slots=True)
class Fixes:
    """F fixes, oldest first for each vehicle. NaN and -1 stand for what was not said.

    `sigma_m` is the receiver's own one-sigma error along each axis (GST, NAV-PVT hAcc); `fix_class` the GGA quality:
    1 GPS, 2 DGNSS, 4 RTK fixed, 5 RTK float, 0 not known. `trip` and `route` are rows of the schedule that the driver
    logged on to.
    """

    vehicle: Int32  # row of the vehicle, any number from 0: the tracker makes room
    at: Float64  # Unix seconds
    lon: Float64  # degrees
    lat: Float64
    fix_class: Int8
    sigma_m: Float64
    speed: Float64  # m/s
    bearing: Float64  # degrees from north
    trip: Int32
    route: Int32

    def __len__(self) -> int:
        return int(self.vehicle.size)

    @classmethod
    def of(
        cls,
        vehicle: object,
        at: object,
        lon: object,
        lat: object,
        *,
        fix_class: object = 1,
        sigma_m: object = np.nan,
        speed: object = np.nan,
        bearing: object = np.nan,
        trip: object = -1,
        route: object = -1,
    ) -> Self:
        """From whatever NumPy can make arrays of; single values are for all fixes. Raises ValueError where lengths
        differ.
        """
        given = (vehicle, at, lon, lat, fix_class, sigma_m, speed, bearing, trip, route)
        size = np.atleast_1d(np.asarray(at)).size
        kinds = (np.int32, *[np.float64] * 3, np.int8, *[np.float64] * 3, np.int32, np.int32)
        columns = [
            np.array(np.broadcast_to(np.asarray(value, kind), (size,)), order="C")
            for value, kind in zip(given, kinds, strict=True)
        ]
        return cls(*columns)

    def rows(self, chosen: object) -> Self:
        """Some of the fixes, by mask, rows or slice."""
        return type(self)(*(np.ascontiguousarray(getattr(self, column.name)[chosen]) for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Estimates:
    """Where N vehicles are and what they do, one element a vehicle. NaN and -1 stand for what is not known.

    The place is on the way (moved sideways by what is known of the lateral offset) where the vehicle is on it, and the
    filtered fix where it is not.
    """

    vehicle: Int32
    at: Float64  # Unix seconds the estimate is for
    heard: Float64  # Unix seconds of the newest fix that was taken
    lon: Float64
    lat: Float64
    accuracy_m: Float64  # radius that holds the true place 95 times in 100
    bearing: Float64  # degrees from north
    speed: Float64  # m/s, not negative
    status: Int8  # Status
    fix_class: Int8
    way: Int32
    run: Int32  # row of the tracker's runs
    trip: Int32  # row of the schedule's trips
    service_day: Int32  # date.toordinal(), 0 for none
    along_m: Float64
    lateral_m: Float64  # metres to the left of the way
    lane: Int8  # from the kerb, 0 the nearest; -1 not to be told
    next_stop: Int32  # place in the trip, from 0, of the stop it is at or comes to next; -1 past the last
    at_stop: Bool
    delay_s: Float64  # late, or early where negative
    confidence: Float64  # 0 to 1: how sure the trip is

    def __len__(self) -> int:
        return int(self.vehicle.size)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls at stops that have been seen, each given once. Times are Unix seconds.

    A call is given when the vehicle has left (at a trip's last stop when it has come; then `departed` is NaN).
    """

    vehicle: Int32
    run: Int32  # row of the tracker's runs
    trip: Int32  # row of the schedule's trips
    service_day: Int32  # date.toordinal()
    sequence: Int32  # place in the trip, from 0
    arrived: Float64
    departed: Float64

    def __len__(self) -> int:
        return int(self.vehicle.size)


@dataclass(frozen=True, slots=True)
class Update:
    """What a batch of fixes brought: a verdict a fix, an estimate a vehicle that was heard, and calls."""

    verdict: Int8  # (F,) Verdict
    estimates: Estimates
    calls: Calls
