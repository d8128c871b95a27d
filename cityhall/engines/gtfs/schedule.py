"""The cleaned timetable of one or more GTFS feeds, as flat arrays.

Everything that varies by feed (missing times, frequencies, calendars, odd files) has been settled by the
reader before a `Schedule` exists, so that what stands on it (routing, maps, predictions) never has to ask.
Source of the terms: GTFS Schedule Reference, https://gtfs.org/documentation/schedule/reference/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
whole: Callable[[Any], int] = np.int64  # type: ignore[assignment]
"""A whole number as compiled code has it in variables: one written in a call, or out of int32s, is another type."""


@dataclass(frozen=True, slots=True)
class Stops:
    """One row a stop, platform or station. `id` is unique over all merged feeds."""

    id: list[str]
    code: list[str]
    name: list[str]
    lon: Float64  # degrees, WGS 84
    lat: Float64
    parent: Int32  # row of the station it belongs to, -1 for none
    location_type: Int8  # 0 stop or platform, 1 station, 2 entrance, 3 node, 4 boarding area
    wheelchair: Int8  # 0 unknown, 1 possible, 2 not possible (inherited from the station where 0)

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Routes:
    """One row a route (a bus line)."""

    id: list[str]
    agency: list[str]
    short_name: list[str]
    long_name: list[str]
    type: Int32  # GTFS route_type
    color: list[str]  # "RRGGBB", "" for none
    text_color: list[str]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Trips:
    """One row a trip; a trip of `frequencies.txt` stands here once for each of its departures."""

    id: list[str]  # departures from frequencies.txt get "<trip_id>@HH:MM:SS"
    route: Int32  # row in Routes
    service: Int32  # row in Services
    headsign: list[str]
    direction: Int8  # 0, 1, -1 unknown
    shape: Int32  # row in Shapes, -1 for none
    wheelchair: Int8  # 0 unknown, 1 yes, 2 no
    block: list[str]  # "" for none
    first: Int64  # (trips + 1,): stop times of trip t are rows first[t]:first[t + 1]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class StopTimes:
    """Rows grouped by trip in stop_sequence order; every time is filled in and never decreases in a trip."""

    stop: Int32
    arrival: Int32  # seconds after the service day's "noon minus 12 h"; may pass 86 400
    departure: Int32
    pickup: Int8  # 0 regular, 1 none, 2 phone agency, 3 ask driver
    drop_off: Int8
    shape_distance: Float32  # metres along the trip's shape, NaN where it has none
    sequence: Int32  # stop_sequence as the feed has it


@dataclass(frozen=True, slots=True)
class Services:
    """Which service runs on which day, as the feed says it: by rules, however many years they span.

    Days are `date.toordinal()`. The rules of one service add up; an exception is stronger than any rule.
    """

    id: list[str]
    rule_service: Int32  # (rules,) row in `id`
    rule_week: Int8  # bit 0 Monday to bit 6 Sunday
    rule_start: Int32
    rule_end: Int32  # included
    exception_day: Int32  # (exceptions,) in order; at most one of a service and day
    exception_service: Int32
    exception_added: Bool  # False: removed

    def on(self, day: date) -> Bool:
        """(services,) mask of the services that run on `day`."""
        return self.on_ordinal(day.toordinal())

    def on_ordinal(self, day: int) -> Bool:
        """As `on`; no day is out of range."""
        weekday = (day - 1) % 7  # the first of January of the year 1 was a Monday
        holds = (self.rule_start <= day) & (self.rule_end >= day) & ((self.rule_week >> weekday) & 1).astype(np.bool_)
        running = np.zeros(len(self.id), np.bool_)
        running[self.rule_service[holds]] = True
        first, last = np.searchsorted(self.exception_day, [day, day + 1])
        running[self.exception_service[first:last]] = self.exception_added[first:last]
        return running

    def telling_days(self) -> list[int]:
        """Days, in order, among which are the first and the last of every service and each set of services that ever
        runs together.

        Between two days on which a rule or an exception begins or ends only the weekday decides, so a week at either
        side of each is enough.
        """
        edges = np.unique(
            np.concatenate([self.rule_start, self.rule_end + 1, self.exception_day, self.exception_day + 1])
        )
        return np.unique((edges[:, None] + np.arange(-7, 7)).ravel()).tolist()  # type: ignore[no-any-return]

    def span(self, wanted: Bool) -> tuple[date, date] | None:
        """First and last day on which any of the `wanted` services runs; None where none ever does."""
        days = self.telling_days()
        first = next((day for day in days if (self.on_ordinal(day) & wanted).any()), None)
        if first is None:
            return None
        last = next(day for day in reversed(days) if (self.on_ordinal(day) & wanted).any())
        return date.fromordinal(first), date.fromordinal(last)


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds that were merged, one row each. Days are `date.toordinal()`, 0 where no trip ever runs."""

    name: list[str]
    first_day: Int32
    last_day: Int32


@dataclass(frozen=True, slots=True)
class Shapes:
    """Polylines, flattened: shape s is points first[s]:first[s + 1]."""

    id: list[str]
    first: Int64
    lon: Float64
    lat: Float64
    distance: Float32  # metres from the shape's start

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Transfers:
    """transfers.txt between stops (stations already spread to their stops); type 3 forbids."""

    from_stop: Int32
    to_stop: Int32
    type: Int8  # 0 recommended, 1 timed, 2 needs min_time, 3 not possible
    min_time: Int32  # seconds, 0 where not given


@dataclass(frozen=True, slots=True)
class Fares:
    """Fares v1 (fare_attributes.txt, fare_rules.txt). Price in minor units of the currency."""

    id: list[str]
    price_minor: Int64
    currency: list[str]
    transfers: Int32  # -1 unlimited
    transfer_duration: Int32  # seconds, -1 not limited
    rule_fare: Int32  # rows below: fare_rules
    rule_route: Int32  # row in Routes, -1 any


@dataclass(frozen=True, slots=True)
class Schedule:
    """One or more GTFS feeds, checked, completed and merged."""

    timezone: str
    agencies: dict[str, str]  # agency id -> name
    stops: Stops
    routes: Routes
    trips: Trips
    stop_times: StopTimes
    services: Services
    shapes: Shapes
    transfers: Transfers
    fares: Fares
    feeds: Feeds
    feed_version: str = ""
    attribution: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, timezone: str) -> Self:
        """A schedule without a stop, a route or a trip: what a city has before its first feed."""

        def no(kind: Any) -> Any:
            return np.zeros(0, kind)

        int8, int32, int64, real = no(np.int8), no(np.int32), no(np.int64), no(np.float64)
        none, first = no(np.float32), np.zeros(1, np.int64)
        return cls(
            timezone=timezone,
            agencies={},
            stops=Stops([], [], [], real, real, int32, int8, int8),
            routes=Routes([], [], [], [], int32, [], []),
            trips=Trips([], int32, int32, [], int8, int32, int8, [], first),
            stop_times=StopTimes(int32, int32, int32, int8, int8, none, int32),
            services=Services([], int32, int8, int32, int32, int32, int32, no(np.bool_)),
            shapes=Shapes([], first, real, real, none),
            transfers=Transfers(int32, int32, int8, int32),
            fares=Fares([], int64, [], int32, int32, int32, int32),
            feeds=Feeds([], int32, int32),
        )

    def valid_days(self) -> tuple[date, date]:
        """First and last day on which any trip runs. Raises ValueError where none ever does."""
        used = np.zeros(len(self.services.id), np.bool_)
        used[self.trips.service] = True
        days = self.services.span(used)
        if days is None:
            raise ValueError("no trip runs on any day: check calendar.txt and calendar_dates.txt")
        return days
