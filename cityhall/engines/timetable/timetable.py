"""One service day's timetable, ready to be searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from cityhall.engines import arrays
from cityhall.engines.gtfs.clock import shift
from cityhall.engines.gtfs.schedule import Float64, Int8, Int32, Int64, Schedule
from cityhall.engines.timetable.bounds import FAR, Bounds, Int16, build_bounds, fastest
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
VERSION = "timetable 3"


@dataclass(frozen=True, slots=True)
class Delay:
    """How late a trip runs from its call `from_call` on, seconds; negative is early. `shift` tells the
    service day.
    """

    trip: int
    seconds: int
    from_call: int = 0
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """When a trip is expected at each call from `from_call` on: (calls left,) seconds of the timetable's day.

    The calls before it are behind the vehicle by second `passed_by`: they keep their planned times, moved so that none
    of them is later than that. `shift` tells the service day.
    """

    trip: int
    from_call: int
    arrival: Int64
    departure: Int64
    passed_by: int
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Skip:
    """Calls, from 0, at which a trip does not stop: nobody boards or alights there. `shift` tells the service day."""

    trip: int
    calls: Collection[int]
    shift: int = 0


Change = Delay | Progress | Skip


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
        from cityhall.engines.gtfs import read_feeds

        schedule, _ = read_feeds(paths)
        return cls.from_schedule(
            schedule, day, straight_footpaths(schedule.stops.lon, schedule.stops.lat, walk_radius_m)
        )

    @classmethod
    def from_schedule(
        cls, schedule: Schedule, day: date, footpaths: Footpaths | None = None, *, opened: bool = True
    ) -> Timetable:
        """The timetable of `day`; no trip where nothing runs. Walks are straight lines of 300 m unless given.

        `opened`: transfers.txt makes walks possible that are not among them.
        """
        stops = schedule.stops
        if footpaths is None:
            footpaths = straight_footpaths(stops.lon, stops.lat)
        footpaths, change = apply_transfers(footpaths, schedule, opened=opened)
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

    def with_updates(
        self, cancelled: Iterable[int | tuple[int, int]] = (), changes: Iterable[Change] = ()
    ) -> Timetable:
        """The timetable with trips cancelled (rows of the schedule, or (row, shift) for another service day than
        its own) and trips that run late or early, or leave calls out.

        A trip that changes leaves its pattern and joins others that do not overtake it, so searches stay right
        whatever the changes are. Nothing else is built anew; searches under way keep the timetable they began
        with. Updates add up: call it on the planned timetable to replace those before.
        """
        wanted: dict[tuple[int, int], list[Change]] = {}
        for change in changes:
            wanted.setdefault((change.trip, change.shift), []).append(change)
        patterns = self.patterns
        running = patterns.running.copy()
        running[self._runs_of([(one, 0) if isinstance(one, int | np.integer) else one for one in cancelled])] = False
        moved = [row for row in self._runs_of(wanted) if running[row]]
        running[moved] = False
        if moved:
            runs = self._changed(moved, wanted)
            updated = replace(
                self,
                patterns=join(replace(patterns, running=running), build_patterns(runs)),
                loose=min(self.loose + self._gained(runs), FAR),
            )
        else:
            updated = replace(self, patterns=replace(patterns, running=running))
            updated.__dict__["net"] = self.net._replace(usable=_usable(updated.patterns))
        updated.__dict__["_walks"] = self._walks
        updated.__dict__["_reversed_walks"] = self._reversed_walks
        return updated

    def _runs_of(self, trips: Iterable[tuple[int, int]]) -> list[int]:
        """Runs of the patterns by (row of the schedule, shift); those that are not in the day are left out."""
        rows = self._run_rows
        return [rows[trip] for trip in trips if trip in rows]

    @cached_property
    def _run_rows(self) -> dict[tuple[int, int], int]:
        both = zip(self.patterns.trip.tolist(), self.patterns.shift.tolist(), strict=True)
        return {trip: row for row, trip in enumerate(both)}

    def _changed(self, rows: list[int], wanted: dict[tuple[int, int], list[Change]]) -> Runs:
        """The trips at `rows` of the patterns as they now run, never going back in time."""
        patterns = self.patterns
        times: list[Int32] = []
        owners = np.searchsorted(patterns.trips_first, rows, side="right") - 1
        lengths = np.diff(patterns.first)[owners]
        calls, _ = spread(patterns.first[owners], lengths)
        first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        board, alight = patterns.board[calls], patterns.alight[calls]
        starts = (patterns.times_first[owners] + (np.array(rows) - patterns.trips_first[owners]) * lengths).tolist()
        sizes = lengths.tolist()
        for place, row in enumerate(rows):
            block = slice(starts[place], starts[place] + sizes[place])
            both = np.column_stack([patterns.arrival[block], patterns.departure[block]])
            for change in wanted[int(patterns.trip[row]), int(patterns.shift[row])]:
                if isinstance(change, Skip):
                    left_out = first[place] + np.fromiter(change.calls, np.int64, len(change.calls))
                    board[left_out] = alight[left_out] = False
                else:
                    _retime(both, change)
            times.append(np.maximum.accumulate(both.ravel()).reshape(-1, 2))
        flat = np.concatenate(times).astype(np.int32)
        return Runs(
            trip=patterns.trip[rows],
            shift=patterns.shift[rows],
            wheelchair=patterns.wheelchair[rows],
            first=first,
            stop=patterns.stops[calls],
            arrival=flat[:, 0].copy(),
            departure=flat[:, 1].copy(),
            board=board,
            alight=alight,
        )

    def _gained(self, runs: Runs) -> int:
        """How many seconds a way may now be quicker than the bounds.

        For every two stops in a row, what a trip needs less than the fastest of the plan; a quickest way passes
        no stop twice, so each such gain counts once.
        """
        inner = np.ones(runs.stop.size, np.bool_)
        inner[runs.first[1:] - 1] = False
        rows = np.flatnonzero(inner)
        edges = runs.stop[rows] * np.int64(self.lon.size) + runs.stop[rows + 1]
        known, least = self._fastest
        gains = least[np.searchsorted(known, edges)] - (runs.arrival[rows + 1] - runs.departure[rows])
        quicker = gains > 0
        names, place = np.unique(edges[quicker], return_inverse=True)
        most = np.zeros(names.size, np.int64)
        np.maximum.at(most, place, gains[quicker])
        return int(most.sum())

    @cached_property
    def _fastest(self) -> tuple[Int64, Int64]:
        """Every two stops in a row, as tail * stops + head in order, and the seconds of the fastest trip."""
        tail, head, seconds = fastest(self.patterns)
        edges = tail * np.int64(self.lon.size) + head
        order = np.argsort(edges, kind="stable")
        names, first = np.unique(edges[order], return_index=True)
        return names, np.minimum.reduceat(seconds[order].astype(np.int64), first) if names.size else names


def _retime(both: Int32, change: Delay | Progress) -> None:
    """Puts a change of times into a trip's (calls, 2) arrivals and departures."""
    if isinstance(change, Delay):
        both[change.from_call :] += change.seconds
        return
    at = change.from_call
    if at:
        both[:at] += min(0, change.passed_by - int(both[at - 1, 1]))
    both[at:, 0], both[at:, 1] = change.arrival, change.departure


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
        other = day + timedelta(days=offset)
        chosen.append(np.flatnonzero(schedule.services.on(other)[trips.service] & moves))
        shifts.append(np.full(chosen[-1].size, shift(day, other, schedule.timezone), np.int32))
    trip, later = np.concatenate(chosen), np.concatenate(shifts)
    lengths = np.diff(trips.first)[trip]
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.repeat(trips.first[trip] - first[:-1], lengths) + np.arange(first[-1])
    rows_later = np.repeat(later, lengths)
    return Runs(
        trip=trip.astype(np.int32),
        shift=later,
        wheelchair=trips.wheelchair[trip],
        first=first,
        stop=times.stop[rows],
        arrival=(times.arrival[rows] + rows_later).astype(np.int32),
        departure=(times.departure[rows] + rows_later).astype(np.int32),
        board=times.pickup[rows] != 1,
        alight=times.drop_off[rows] != 1,
    )
