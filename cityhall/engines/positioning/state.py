"""What the tracker keeps of each vehicle, and what its kernels read. Arrays of records: one vehicle is one stretch of
memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cityhall.engines.gtfs.schedule import Bool, Float64, Int8, Int32, Int64
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.values import Settings
from cityhall.engines.positioning.ways import Ways

Records: TypeAlias = Any
"""A structured array of VEHICLE, GUESS, ... or one record of it, whose fields are read and written by name."""

GUESSES = 8
"""Guesses a vehicle: on a street that thirty lines share, more would tell no more until they part."""

VEHICLE = np.dtype(
    [
        # The free filter: position and velocity on the plane, one variance for both axes.
        ("at", "f8"),  # newest fix taken, Unix seconds; NaN never
        ("x", "f8"),
        ("y", "f8"),
        ("vx", "f8"),
        ("vy", "f8"),
        ("pp", "f8"),
        ("pv", "f8"),
        ("vv", "f8"),
        ("sigma", "f8"),  # of the newest fix, metres an axis
        ("course", "f8"),  # radians from north, NaN where it stands
        ("every", "f8"),  # seconds between fixes, usually
        ("fix_class", "i8"),
        # Gates
        ("jumps", "i8"),  # fixes in a row at another place
        ("jump_first", "f8"),
        ("jump_at", "f8"),
        ("jump_x", "f8"),
        ("jump_y", "f8"),
        ("backs", "i8"),  # fixes in a row from the past
        ("back_at", "f8"),
        # Inference
        ("hint_trip", "i8"),
        ("hint_run", "i8"),
        ("hint_route", "i8"),
        ("best", "i8"),  # slot of the guess that is believed, -1 none
        ("since", "f8"),  # since when
        ("rival", "i8"),
        ("rival_since", "f8"),
        ("searched", "f8"),
        ("last_run", "i8"),  # the run it finished before
        # Sideways: offset to the left of the way, the error of its measurement, and their covariance
        ("left", "f8"),
        ("left_error", "f8"),
        ("ll", "f8"),
        ("le", "f8"),
        ("ee", "f8"),
        ("lane", "i8"),
        # Off the route, the wrong way
        ("off", "f8"),  # the sum of evidence (CUSUM)
        ("off_route", "i8"),
        ("off_since", "f8"),
        ("peak", "f8"),
        ("trough", "f8"),
        ("wrong_way", "i8"),
        # Calls
        ("call", "i8"),  # place in the trip of the next call to be given
        ("call_at", "f8"),  # where it was last seen on the way, and when
        ("call_along", "f8"),
        ("arrived", "f8"),
        ("stood", "f8"),
        ("broken", "i8"),  # off the way since
        ("left_at", "f8"),  # when it left the call before, NaN not seen
    ]
)
GUESS = np.dtype(
    [
        ("way", "i8"),  # -1: an empty slot
        ("run", "i8"),
        ("at", "f8"),  # of the fix it last took in
        ("sigma", "f8"),
        ("s", "f8"),  # metres along the way
        ("v", "f8"),  # m/s along the way, negative against it
        ("b", "f8"),  # the fixes' slow error along the way, metres
        ("ss", "f8"),
        ("sv", "f8"),
        ("sb", "f8"),
        ("vv", "f8"),
        ("vb", "f8"),
        ("bb", "f8"),
        ("score", "f8"),  # evidence of place and heading, log-likelihood over "on no way"
        ("prior", "f8"),  # how likely the run is by the timetable, log
        ("margin", "f8"),  # prior over the next likeliest run of the way when the run was chosen
        ("offset", "f8"),  # metres to the left of the way of the newest fix
        ("astray", "i8"),  # fixes in a row that do not fit along the way
        ("fixed", "i8"),  # its run is chosen
        ("born_s", "f8"),
        ("born_at", "f8"),
        ("done_at", "f8"),  # when it came to the last stop, NaN not yet
    ]
)

# By GGA quality 0..8: error an axis (metres, one sigma) where the receiver says none, the least that it is believed
# to be, and how long an error lasts (seconds).
SIGMA = np.array([6.0, 4.0, 1.5, 4.0, 0.03, 0.4, 15.0, 30.0, 30.0])
FLOOR = np.array([2.0, 1.5, 0.5, 1.5, 0.01, 0.1, 5.0, 5.0, 5.0])
LASTS = np.array([60.0, 60.0, 40.0, 60.0, 20.0, 30.0, 120.0, 120.0, 120.0])
SLOW_SHARE = 0.85
"""Share of an error's variance that lasts; the rest differs from fix to fix."""


class Net(NamedTuple):
    """What the kernels read of ways and runs."""

    route: Int32
    spread: Float64
    first: Int64
    x: Float64
    y: Float64
    along: Float64
    lanes: Int8
    oneway: Bool
    call_first: Int64
    call_along: Float64
    segment_way: Int32  # (P,) way of each point
    left: float
    bottom: float
    side: float
    columns: int
    rows: int
    cell_first: Int64
    cell_segment: Int32
    run_way: Int32
    run_trip: Int32
    run_first: Int64
    arrival: Float64
    departure: Float64
    after: Int32
    way_first: Int64
    way_run: Int32
    trip_first: Int64
    trip_run: Int32


class Rules(NamedTuple):
    """`Settings` as the kernels take them."""

    kerb_sign: float  # +1 the kerb is on the left of the way, -1 on the right
    lane_m: float
    lanes: int
    drawn_to_m: float
    top_speed: float
    reckon_after: float
    lost_after: float


class Live(NamedTuple):
    """What the kernels write, beside vehicles and guesses."""

    taken: Int32  # (R,) the vehicle that drives each run, -1 none
    taken_at: Float64  # (R,) when it was last seen on it, Unix seconds
    taken_prior: Float64  # (R,) how likely it was for that vehicle
    called: Int32  # (R,) the last call given of each run, -1 none
    pace: Float64  # (C,) m/s from each call to the next, dwell at that next call included; learned


def net_of(ways: Ways, runs: Runs) -> Net:
    """The arrays of ways and runs."""
    grid = ways.grid
    return Net(
        route=ways.route,
        spread=ways.spread,
        first=ways.first,
        x=ways.x,
        y=ways.y,
        along=ways.along,
        lanes=ways.lanes,
        oneway=ways.oneway,
        call_first=ways.call_first,
        call_along=ways.stop_along,
        segment_way=np.repeat(np.arange(len(ways), dtype=np.int32), np.diff(ways.first)),
        left=grid.left,
        bottom=grid.bottom,
        side=grid.side,
        columns=grid.columns,
        rows=grid.rows,
        cell_first=grid.first,
        cell_segment=grid.segment,
        run_way=runs.way,
        run_trip=runs.trip,
        run_first=runs.first,
        arrival=runs.arrival,
        departure=runs.departure,
        after=runs.after,
        way_first=runs.way_first,
        way_run=runs.way_run,
        trip_first=runs.trip_first,
        trip_run=runs.trip_run,
    )


def rules_of(settings: Settings) -> Rules:
    """The settings as numbers."""
    return Rules(
        kerb_sign=1.0 if settings.drives_left else -1.0,
        lane_m=float(settings.lane_m),
        lanes=int(settings.lanes),
        drawn_to_m=float(settings.drawn_to_m),
        top_speed=float(settings.top_speed),
        reckon_after=float(settings.reckon_after),
        lost_after=float(settings.lost_after),
    )


SLOWEST, FASTEST, USUAL = 1.5, 22.0, 6.0


def scheduled_pace(ways: Ways, runs: Runs) -> Float64:
    """(C,) m/s of the timetable from each call to the next, mean over the runs; 6 m/s where none runs."""
    seconds, count = np.zeros(ways.stop_along.size), np.zeros(ways.stop_along.size)
    lengths = np.diff(runs.first)
    rows = np.repeat(ways.call_first[runs.way] - runs.first[:-1], lengths) + np.arange(runs.departure.size)
    inner = np.ones(rows.size, np.bool_)
    inner[runs.first[1:] - 1] = False
    here = np.flatnonzero(inner)
    np.add.at(seconds, rows[here], runs.departure[here + 1] - runs.departure[here])
    np.add.at(count, rows[here], 1.0)
    metres = np.diff(ways.stop_along, append=0.0)
    known = (count > 0) & (seconds > 0) & (metres > 0)
    pace = np.full(ways.stop_along.size, USUAL)
    pace[known] = metres[known] * count[known] / seconds[known]
    return np.clip(pace, SLOWEST, FASTEST)


def live_of(ways: Ways, runs: Runs) -> Live:
    """As before the first fix."""
    return Live(
        taken=np.full(len(runs), -1, np.int32),
        taken_at=np.zeros(len(runs)),
        taken_prior=np.full(len(runs), -np.inf),
        called=np.full(len(runs), -1, np.int32),
        pace=scheduled_pace(ways, runs),
    )


def new_vehicles(count: int) -> Records:
    """Vehicles that were never heard."""
    made = np.zeros(count, VEHICLE)
    for name in ("at", "course", "rival_since", "arrived", "stood", "left_at", "jump_at", "back_at"):
        made[name] = np.nan
    for name in ("hint_trip", "hint_run", "hint_route", "best", "rival", "last_run", "lane"):
        made[name] = -1
    made["searched"] = -np.inf
    made["every"] = 1.0
    return made


def new_guesses(count: int) -> Records:
    """Empty slots, (count, GUESSES)."""
    made = np.zeros((count, GUESSES), GUESS)
    made["way"] = made["run"] = -1
    made["done_at"] = np.nan
    return made
