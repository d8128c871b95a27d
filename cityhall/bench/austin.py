"""Reads Austin's recorded bus positions and the timetable of those days (Capital Metro, collected by CapMetrics).

Positions: vehicle_id, timestamp (local, with offset), speed, route_id, trip_id, latitude, longitude. Timetable:
trip_id, arrival_time (past midnight where over 24:00), stop_id. There are no shapes, blocks or departures. A
timetable's weekday columns are not read: they are all 1 in one of the files and all 0 for thousands of trips in the
other, and a position names its trip, which settles the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from cityhall.engines.arrivals import Trips
from cityhall.engines.arrivals.trips import kind_of

ZONE = "America/Chicago"
METRES_A_DEGREE = 111_195.0
MPH = 0.44704
FASTEST_BUS = 40.0
"""m/s; a file whose speeds go beyond is in miles an hour."""
SHIFT_RUNS = 30
LONGEST_PAUSE_S = 3 * 3600.0
"""A vehicle that says nothing of its trip for longer, then names it again, is on another run of it."""


@dataclass(frozen=True)
class Timetable:
    """Austin's timetable, and each call's stop in metres east and north of the city's middle, (calls,)."""

    trips: Trips
    ids: list[str]
    x: np.ndarray
    y: np.ndarray
    origin: tuple[float, float]


@dataclass(frozen=True)
class Reports:
    """Position reports on known trips, sorted by run and time; (reports,) unless said otherwise.

    A run is one vehicle on one trip of one service day. `date` is the calendar day of a run's first report (ordinal),
    `unknown` counts the reports whose trip is not in the timetable, `dropped` repeats and stale ones.
    """

    first: np.ndarray
    trip: np.ndarray
    midnight: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    date: np.ndarray
    at: np.ndarray
    x: np.ndarray
    y: np.ndarray
    speed: np.ndarray
    vehicle: list[str]
    unknown: int
    dropped: int


def _seconds(column: str) -> pl.Expr:
    parts = pl.col(column).str.strip_chars().str.split(":")
    hours, minutes, seconds = (parts.list.get(n, null_on_oob=True).cast(pl.Int32, strict=False) for n in range(3))
    return hours * 3600 + minutes * 60 + seconds.fill_null(0)


def _columns(path: Path, wanted: tuple[str, ...]) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, infer_schema_length=0)
    except pl.exceptions.PolarsError as problem:
        raise ValueError(f"{path} is no table: {problem}") from problem
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}")
    return table.select(wanted)


def read_timetable(schedule: Path, stops: Path, routes: dict[str, str] | None = None) -> Timetable:
    """The timetable; `routes` says the route of a trip, which the file does not. Raises ValueError for bad files."""
    places = _columns(stops, ("stop_id", "stop_lat", "stop_lon")).with_columns(
        pl.col("stop_lat", "stop_lon").cast(pl.Float64, strict=False)
    )
    calls = (
        _columns(schedule, ("trip_id", "arrival_time", "stop_id"))
        .with_row_index("row")
        .with_columns(_seconds("arrival_time").alias("at"))
        .join(places.drop_nulls().unique("stop_id", keep="first"), on="stop_id", how="inner")
        .drop_nulls()
        .unique(["trip_id", "at", "stop_id"], keep="first", maintain_order=True)
        # Stops with the same time stand in the file in the order in which they are called at.
        .sort("trip_id", "at", "row")
        .filter(pl.len().over("trip_id") > 1)
    )
    if calls.is_empty():
        raise ValueError(f"{schedule} and {stops} have no trip in common")
    lat, lon = calls["stop_lat"].to_numpy(), calls["stop_lon"].to_numpy()
    origin = float(np.median(lon)), float(np.median(lat))
    x, y = metres_from(origin, lon, lat)
    lengths = calls.group_by("trip_id", maintain_order=True).len()
    ids = lengths["trip_id"].to_list()
    first = np.concatenate([[0], np.cumsum(lengths["len"].to_numpy())]).astype(np.int64)
    stop_ids = calls["stop_id"].unique().sort()
    stop = calls["stop_id"].replace_strict(stop_ids, np.arange(len(stop_ids)), return_dtype=pl.Int32).to_numpy()
    named = [(routes or {}).get(trip, "") for trip in ids]
    route_ids = sorted(set(named))
    at = calls["at"].to_numpy().astype(np.int32)
    trips = Trips.make(
        first,
        stop,
        at,
        at,
        np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))]),
        np.array([route_ids.index(name) for name in named], np.int32),
        stop_ids=stop_ids.to_list(),
        route_ids=route_ids,
        # What is on a full minute was written by a planner; the stops between were interpolated.
        timepoint=at % 60 == 0,
    )
    return Timetable(trips, ids, x, y, origin)


def metres_from(origin: tuple[float, float], lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north of `origin` (lon, lat)."""
    scale = METRES_A_DEGREE * np.cos(np.radians(origin[1]))
    return (lon - origin[0]) * scale, (lat - origin[1]) * METRES_A_DEGREE


def read_positions(files: Sequence[Path]) -> pl.DataFrame:
    """The reports of all files: vehicle, at (Unix s), date (the city's), speed (m/s), route, trip, lat, lon, stale.

    Rows without a moment, trip or place are left out, and of one vehicle's at one moment all but the first.
    """
    return pl.concat([_positions(path) for path in files]).unique(["vehicle", "at"], keep="first", maintain_order=True)


def _positions(path: Path) -> pl.DataFrame:
    wanted = ("vehicle_id", "timestamp", "speed", "route_id", "trip_id", "latitude", "longitude")
    moment = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False)
    table = _columns(path, wanted).select(
        pl.col("vehicle_id").alias("vehicle"),
        moment.dt.timestamp("ms").cast(pl.Float64).alias("at") / 1000,
        moment.dt.convert_time_zone(ZONE).dt.date().alias("date"),
        pl.col("speed").cast(pl.Float64, strict=False),
        pl.col("route_id").alias("route"),
        pl.col("trip_id").alias("trip"),
        pl.col("latitude").cast(pl.Float64, strict=False).alias("lat"),
        pl.col("longitude").cast(pl.Float64, strict=False).alias("lon"),
    )
    table = table.drop_nulls(["vehicle", "at", "trip", "lat", "lon"])
    fast = table["speed"].quantile(0.99)
    if fast is not None and fast > 20:
        # 2015's feed gives miles an hour, 2016's metres a second: no bus of a city does 20 m/s one time in a hundred.
        table = table.with_columns(pl.col("speed") * MPH)
    return table.sort("vehicle", "at")


def read_reports(positions: pl.DataFrame, timetable: Timetable) -> Reports:
    """Sorts reports into runs on the timetable's trips."""
    row_of = dict(zip(timetable.ids, range(len(timetable.ids)), strict=True))
    table = positions.with_columns(
        pl.col("trip").replace_strict(row_of, default=None, return_dtype=pl.Int64).alias("row")
    )
    unknown = table["row"].null_count()
    table = table.drop_nulls("row").sort("vehicle", "at")
    # A receiver that has lost its satellites repeats its last place and its last speed, which a standing bus does not.
    same = [pl.col(name) == pl.col(name).shift().over("vehicle") for name in ("lat", "lon", "speed")]
    stale = (same[0] & same[1] & same[2] & (pl.col("speed") > 1)).fill_null(False)
    known = table.height
    table = table.filter(~stale)
    new = (
        (pl.col("vehicle") != pl.col("vehicle").shift())
        | (pl.col("row") != pl.col("row").shift())
        | (pl.col("date") != pl.col("date").shift())
        | (pl.col("at").diff() > LONGEST_PAUSE_S)
    ).fill_null(True)
    begins = np.flatnonzero(table.select(new.alias("new"))["new"].to_numpy())
    first = np.append(begins, table.height).astype(np.int64)
    at, trip = table["at"].to_numpy(), table["row"].to_numpy()[begins]
    dates = table["date"].gather(begins).to_list()
    midnight, day = service_days(dates, at[begins], timetable.trips.middle[trip])
    midnight += clock_shift(
        dates, at[begins], at[begins] - midnight - timetable.trips.arrival[timetable.trips.first[trip]]
    )
    x, y = metres_from(timetable.origin, table["lon"].to_numpy(), table["lat"].to_numpy())
    return Reports(
        first=first,
        trip=trip.astype(np.int64),
        midnight=midnight,
        day=day,
        kind=np.array([kind_of(date.fromordinal(int(ordinal))) for ordinal in day], np.int64),
        date=np.array([each.toordinal() for each in dates], np.int64),
        at=at,
        x=x,
        y=y,
        speed=table["speed"].fill_null(np.nan).to_numpy(),
        vehicle=table["vehicle"].gather(begins).to_list(),
        unknown=int(unknown),
        dropped=known - table.height,
    )


def service_days(dates: Sequence[date], at: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each run the service day that its trip's middle (second of the day) is nearest on: its second 0, its ordinal.

    A trip past midnight is of the day before; second 0 is noon minus twelve hours (GTFS Schedule, Time). `at` is the
    run's first report, so that nothing later decides.
    """
    ordinals = np.array([day.toordinal() for day in dates], np.int64)
    days = {int(day) + back for day in np.unique(ordinals) for back in (-1, 0, 1)}
    zero = {day: _noon(date.fromordinal(day)) - 43_200 for day in days}
    choices = np.array([[zero[int(day) + back] for back in (0, -1, 1)] for day in ordinals]).reshape(-1, 3)
    best = np.argmin(np.abs(at[:, None] - choices - second[:, None]), axis=1)
    return choices[np.arange(at.size), best], ordinals + np.array([0, -1, 1])[best]


def _noon(day: date) -> float:
    return datetime.combine(day, time(12), ZoneInfo(ZONE)).timestamp()


def clock_shift(dates: Sequence[date], at: np.ndarray, late: np.ndarray) -> np.ndarray:
    """(runs,) seconds by which the recorder's clock was ahead: whole hours, on days when the city's clock changes only.

    On 8 March 2015 every stamp after the change is an hour ahead of its bus. Told from the day's first runs after
    the change, from how late they are.
    """
    ordinals = np.array([day.toordinal() for day in dates], np.int64)
    shift = np.zeros(late.size)
    for ordinal in np.unique(ordinals):
        day = date.fromordinal(int(ordinal))
        before, after = offset(day - timedelta(days=1)), offset(day)
        if before == after:
            continue
        # The clock changes at 2 in the morning of the time before.
        changed = datetime.combine(day, time(2), UTC).timestamp() - before
        runs = np.flatnonzero((ordinals == ordinal) & (at >= changed))
        soon = runs[np.argsort(at[runs], kind="stable")][:SHIFT_RUNS]
        if soon.size:
            shift[runs] = 3600.0 * np.round(np.median(late[soon]) / 3600.0)
    return shift


def offset(day: date) -> float:
    """The city's seconds east of UTC at noon of a day."""
    moment = datetime.combine(day, time(12), ZoneInfo(ZONE)).utcoffset()
    return moment.total_seconds() if moment else 0.0
