"""One service day's timetable, ready to be searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from cityhall.engines import arrays
from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs.schedule import Float64, Int8, Int32, Int64, Schedule
from cityhall.engines.timetable.bounds import FAR, Bounds, Int16, build_bounds
from cityhall.engines.timetable.footpaths import Footpaths, apply_transfers, straight_footpaths
from cityhall.engines.timetable.kernels import (
    ACCESSIBLE,
    ALIGHT,
    BOARD,
    CALLS,
    FIRST,
    RUNNING,
    RUNS,
    TIMES,
    TRIPS,
    Net,
)
from cityhall.engines.timetable.patterns import (
    Patterns,
    Runs,
    backwards,
    build_patterns,
    calls_by_stop,
    ends_by_stop,
    join,
    reverse,
    spread,
)

DAY = 86_400
NEXT_DAY_UNTIL = 12 * 3600
"""Trips of the day after are in the timetable when they start before noon: for who misses the last one."""
VERSION = "timetable 2"


@dataclass(frozen=True, slots=True)
class Delay:
    """How late a trip runs from its call `from_call` on, seconds; negative is early. `shift` tells the
    service day.
    """

    trip: int
    seconds: int
    from_call: int = 0
    shift: int = 0


@dataclass(frozen=True)
class Timetable:
    """Patterns of a day, and the walks between stops. Unchanging: `with_updates` gives another one.

    Times are seconds after midnight of `day` ("noon minus 12 h"). Trips of the service day before that run
    past midnight and early trips of the day after are in it.
    """

    day: date
    patterns: Patterns
    footpaths: Footpaths
    change: Int32  # (stops,) seconds to change at the same stop
    lon: Float64  # (stops,)
    lat: Float64
    stop_wheelchair: Int8
    trip_route: Int32  # (trips,) of the schedule
    trip_first: Int64
    bounds: Bounds
    loose: int = 0  # seconds that delayed trips may be quicker than the bounds

    @classmethod
    def from_gtfs(cls, paths: Sequence[Path], day: date, *, walk_radius_m: float = 300.0) -> Timetable:
        """The timetable of `day` of GTFS zips. Raises FeedError for feeds that cannot be used."""
        schedule, _ = read_feeds(paths)
        return cls.from_schedule(
            schedule, day, straight_footpaths(schedule.stops.lon, schedule.stops.lat, walk_radius_m)
        )

    @classmethod
    def from_schedule(cls, schedule: Schedule, day: date, footpaths: Footpaths | None = None) -> Timetable:
        """The timetable of `day`; no trip where nothing runs. Walks are straight lines of 300 m unless
        given.
        """
        stops = schedule.stops
        if footpaths is None:
            footpaths = straight_footpaths(stops.lon, stops.lat)
        footpaths, change = apply_transfers(footpaths, schedule)
        patterns = build_patterns(day_runs(schedule, day))
        return cls(
            day=day,
            patterns=patterns,
            footpaths=footpaths,
            change=change,
            lon=stops.lon,
            lat=stops.lat,
            stop_wheelchair=stops.wheelchair,
            trip_route=schedule.trips.route,
            trip_first=schedule.trips.first,
            bounds=build_bounds(patterns, footpaths, stops.lon, stops.lat),
        )

    def save(self, folder: Path) -> None:
        """Writes it to `folder`, for `load`."""
        arrays.save(folder, self, VERSION)

    @classmethod
    def load(cls, folder: Path) -> Timetable:
        """What `save` wrote, mapped into memory. Raises ValueError for another version or damage."""
        return arrays.load(folder, cls, VERSION)

    @cached_property
    def net(self) -> Net:
        """The arrays of a search forwards in time."""
        return self._net(self.patterns, self._walks, self.bounds.until)

    @cached_property
    def reversed_net(self) -> Net:
        """The arrays of a search backwards in time."""
        return self._net(reverse(self.patterns), self._reversed_walks, self.bounds.since)

    @cached_property
    def reversed_runs(self) -> Int64:
        """(N,) which run of `patterns` each run of the reversed patterns is."""
        return backwards(self.patterns.trips_first)

    @cached_property
    def _walks(self) -> tuple[Int32, Int32]:
        return _by_stop(self.footpaths.from_stop, self.footpaths.to_stop, self.footpaths.seconds, self.lon.size)

    @cached_property
    def _reversed_walks(self) -> tuple[Int32, Int32]:
        return _by_stop(self.footpaths.to_stop, self.footpaths.from_stop, self.footpaths.seconds, self.lon.size)

    def _net(self, patterns: Patterns, walks: tuple[Int32, Int32], bound: Int16) -> Net:
        """Arrays for the compiled search. Mapped files are copied: they would be other types to the
        compiler.
        """
        call_first, call_row = calls_by_stop(patterns, int(self.lon.size))
        end_first, end_pattern = ends_by_stop(patterns, int(self.lon.size))
        return Net(
            head=_head(patterns),
            call=patterns.stops * 4 + patterns.board * np.int32(BOARD) + patterns.alight * np.int32(ALIGHT),
            usable=_usable(patterns),
            arrival=np.array(patterns.arrival),
            departure=np.array(patterns.departure),
            call_first=call_first.astype(np.int32),
            call_row=call_row,
            end_first=end_first.astype(np.int32),
            end_pattern=end_pattern,
            walk_first=walks[0],
            walk=walks[1],
            change=np.array(self.change),
            stop_wheelchair=np.array(self.stop_wheelchair),
            cluster=np.array(self.bounds.cluster),
            bound=np.array(bound),
            loose=self.loose,
        )

    def with_updates(self, cancelled: Collection[int] = (), delays: Iterable[Delay] = ()) -> Timetable:
        """The timetable with trips cancelled (rows of the schedule, on this service day) and trips late or
        early.

        A trip whose times change leaves its pattern and joins others that do not overtake it, so searches
        stay right whatever the delays are. Nothing else is built anew; searches under way keep the
        timetable they began with. Updates add up: call it on the planned timetable to replace those before.
        """
        late: dict[tuple[int, int], list[Delay]] = {}
        for delay in delays:
            late.setdefault((delay.trip, delay.shift), []).append(delay)
        patterns = self.patterns
        gone = (patterns.shift == 0) & np.isin(patterns.trip, np.fromiter(cancelled, np.int64))
        running = patterns.running & ~gone
        keys = np.fromiter((trip for trip, _ in late), np.int64, len(late))
        candidates = np.flatnonzero(running & np.isin(patterns.trip, keys))
        moved = [row for row in candidates.tolist() if (patterns.trip[row], patterns.shift[row]) in late]
        running[moved] = False
        if moved:
            runs, gained = self._delayed(moved, late)
            updated = replace(
                self,
                patterns=join(replace(patterns, running=running), build_patterns(runs)),
                loose=min(self.loose + gained, FAR),
            )
        else:
            updated = replace(self, patterns=replace(patterns, running=running))
            updated.__dict__["net"] = self.net._replace(usable=_usable(updated.patterns))
        updated.__dict__["_walks"] = self._walks
        updated.__dict__["_reversed_walks"] = self._reversed_walks
        return updated

    def _delayed(self, rows: list[int], late: dict[tuple[int, int], list[Delay]]) -> tuple[Runs, int]:
        """The trips at `rows` of the patterns with their new times, never going back in time.

        And how many seconds a way may now be quicker than the bounds: what the trips gain between two
        calls, at most once for every two calls, since a quickest way passes no stop twice.
        """
        patterns, gained = self.patterns, 0
        pieces: list[Int32] = []
        owners = np.searchsorted(patterns.trips_first, rows, side="right") - 1
        for row, p in zip(rows, owners.tolist(), strict=True):
            arrivals, departures = patterns.times(p)
            place = row - int(patterns.trips_first[p])
            both = np.column_stack([arrivals[place], departures[place]])
            legs = both[1:, 0] - both[:-1, 1]
            for delay in late[int(patterns.trip[row]), int(patterns.shift[row])]:
                both[delay.from_call :] += delay.seconds
            both = np.maximum.accumulate(both.ravel()).reshape(-1, 2)
            gained += int(np.maximum(legs - (both[1:, 0] - both[:-1, 1]), 0).sum())
            pieces.append(both)
        lengths = np.diff(patterns.first)[owners]
        calls, _ = spread(patterns.first[owners], lengths)
        times = np.concatenate(pieces).astype(np.int32)
        runs = Runs(
            trip=patterns.trip[rows],
            shift=patterns.shift[rows],
            wheelchair=patterns.wheelchair[rows],
            first=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            stop=patterns.stops[calls],
            arrival=times[:, 0].copy(),
            departure=times[:, 1].copy(),
            board=patterns.board[calls],
            alight=patterns.alight[calls],
        )
        return runs, gained


def _head(patterns: Patterns) -> Int32:
    """(P, 8) `kernels.Net.head`: one row is half a cache line."""
    head = np.zeros((len(patterns), 8), np.int32)
    head[:, FIRST], head[:, CALLS] = patterns.first[:-1], np.diff(patterns.first)
    head[:, TRIPS], head[:, RUNS] = np.diff(patterns.trips_first), patterns.trips_first[:-1]
    head[:, TIMES] = patterns.times_first[:-1]
    return head


def _usable(patterns: Patterns) -> Int8:
    usable = patterns.running * np.int8(RUNNING) + (patterns.wheelchair != 2) * np.int8(ACCESSIBLE)
    return usable.astype(np.int8)


def _by_stop(origin: Int32, target: Int32, seconds: Int32, stops: int) -> tuple[Int32, Int32]:
    """Walks by where they begin, shortest first: offsets (stops + 1,), rows (stop, seconds)."""
    order = np.lexsort((seconds, origin))
    first = np.concatenate([[0], np.cumsum(np.bincount(origin, minlength=stops))]).astype(np.int32)
    return first, np.column_stack([target[order], seconds[order]]).astype(np.int32)


def day_runs(schedule: Schedule, day: date) -> Runs:
    """Every trip that moves on `day`: its own service day's, yesterday's after midnight, tomorrow's early
    ones.
    """
    trips, times = schedule.trips, schedule.stop_times
    starts = times.departure[trips.first[:-1]] if len(trips) else np.zeros(0, np.int32)
    ends = times.arrival[trips.first[1:] - 1] if len(trips) else np.zeros(0, np.int32)
    chosen, shifts = [], []
    for offset, moves in (
        (-1, ends >= DAY),
        (0, np.ones(len(trips), np.bool_)),
        (1, starts < NEXT_DAY_UNTIL),
    ):
        runs = schedule.services.on(day + timedelta(days=offset))[trips.service] & moves
        chosen.append(np.flatnonzero(runs))
        shifts.append(np.full(chosen[-1].size, offset * DAY, np.int32))
    trip, shift = np.concatenate(chosen), np.concatenate(shifts)
    lengths = np.diff(trips.first)[trip]
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.repeat(trips.first[trip] - first[:-1], lengths) + np.arange(first[-1])
    later = np.repeat(shift, lengths)
    return Runs(
        trip=trip.astype(np.int32),
        shift=shift,
        wheelchair=trips.wheelchair[trip],
        first=first,
        stop=times.stop[rows],
        arrival=(times.arrival[rows] + later).astype(np.int32),
        departure=(times.departure[rows] + later).astype(np.int32),
        board=times.pickup[rows] != 1,
        alight=times.drop_off[rows] != 1,
    )
