"""Arrival predictions beside the timetable and the timetable plus the current delay, on recorded days replayed.

All days given but the test day are learned from. The test day is replayed: at every position report the arrival at
every stop left of the trip is predicted, from reports up to that moment. What is measured, for all three alike, are
the predictions of arrivals that came within 15 minutes and that the reports can tell (observed.py).

Shares follow the ETA Accuracy Benchmark (method of IBI Group, published by TransitApp, 2024): the bucket is that of
the time to the *actual* arrival, its beginning included and its end not; the error is actual minus predicted, so
-30...+90 s means no more than 30 s before and 90 s after what was said, both included.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cityhall.bench import austin
from cityhall.bench.following import follow
from cityhall.bench.observed import observed
from cityhall.engines.arrivals import Model, Traces, Trips, joined
from cityhall.engines.arrivals.model import BUCKETS
from cityhall.engines.arrivals.replay import KEPT, Memory, replay

HORIZON_S = 900.0
AHEAD_S = 3600.0
WORST_S = 40.0
"""Arrivals whose standard error is larger than this, seconds, are not used to measure."""
METHODS = ("ours", "timetable_plus_delay", "timetable")
FEWEST = 0.1
"""A day with less than this share of the fullest day's reports is not tested."""


@dataclass(frozen=True)
class Days:
    """Recorded days: traces as known at the moment, when each call was, and how well that is known (s).

    arrivals, error: (sum of the runs' calls,); date: (runs,) the calendar day's ordinal.
    """

    trips: Trips
    traces: Traces
    arrivals: np.ndarray
    error: np.ndarray
    date: np.ndarray

    def of(self, runs: np.ndarray) -> Days:
        """The chosen runs, a mask (runs,), alone."""
        calls = np.repeat(runs, np.diff(call_rows(self.trips, self.traces)))
        return Days(
            self.trips,
            self.traces.where(runs),
            self.arrivals[calls],
            self.error[calls],
            self.date[runs],
        )


def call_rows(trips: Trips, traces: Traces) -> np.ndarray:
    """(runs + 1,) where each run's calls begin in an array of all the runs' calls."""
    return np.concatenate([[0], np.cumsum(trips.first[traces.trip + 1] - trips.first[traces.trip])])


def run(positions: Sequence[Path], schedule: Path, stops: Path, test_day: date) -> dict[str, Any]:
    """Learns from all other days in `positions`, replays the test day and measures.

    Returns `ours`, `timetable` and `timetable_plus_delay`, each with mae_s, in_bucket (share of the predictions),
    predictions (how many), in_bucket_mean (of the four buckets' shares, as the benchmark sums up), buckets and bias_s
    (median of actual minus predicted); and what was replayed. Raises ValueError for files that cannot be read and
    where the test day has no report on a trip of the timetable.
    """
    begun = time.perf_counter()
    recorded = read(positions, schedule, stops)
    if not (recorded.days.date == test_day.toordinal()).any():
        raise ValueError(f"no position of {test_day} is on a trip of {schedule.name}: give that day's file too")
    return tested(recorded, test_day, begun)


def tested(recorded: Recorded, test_day: date, begun: float | None = None) -> dict[str, Any]:
    """Learns from all other days and measures one; `run` says what that gives."""
    begun = time.perf_counter() if begun is None else begun
    days = recorded.days
    chosen = days.date == test_day.toordinal()
    others = training(days, chosen)
    model = learn(days.of(others), test_day)
    learned = time.perf_counter()
    result = measure(model, days.of(chosen))
    return {
        **result,
        "test_day": test_day.isoformat(),
        "training_days": [date.fromordinal(int(day)).isoformat() for day in np.unique(days.date[others])],
        **recorded.counts(test_day),
        "learn_s": round(learned - begun, 1),
        "replay_s": round(time.perf_counter() - learned, 1),
    }


def each_day(positions: Sequence[Path], schedules: Sequence[Path], stops: Sequence[Path]) -> dict[str, Any]:
    """Leaves out each recorded day in turn, learned from the other days of its timetable.

    schedules and stops go in pairs, a timetable each; a day counts to the timetable that knows most of its reports.
    Days with less than a tenth of the fullest one's are not tested: hours after midnight of the day before. Gives
    `days`, for each its mean errors (s), `ratio` (ours over timetable plus delay), `improvement` (1 - ratio), share in
    bucket and in the interval; and their mean and worst improvement. Raises ValueError as `run` does.
    """
    if len(schedules) != len(stops):
        raise ValueError("give as many --stops as --schedule: each timetable has its own")
    begun = time.perf_counter()
    parts = [read(positions, *pair) for pair in zip(schedules, stops, strict=True)]
    reports = [part.reports_by_day() for part in parts]
    own = {day: max(range(len(parts)), key=lambda n: reports[n].get(day, 0)) for day in sorted(set().union(*reports))}
    most = max((reports[part][day] for day, part in own.items()), default=0)
    if not most:
        raise ValueError("no position is on a trip of the timetable")
    rows = []
    for day, part in own.items():
        if reports[part][day] >= FEWEST * most:
            mine = np.array([own[int(each)] == part for each in parts[part].days.date], bool)
            recorded = replace(parts[part], days=parts[part].days.of(mine))
            rows.append(_in_short(tested(recorded, date.fromordinal(day)), schedules[part].name))
    worst = min(rows, key=lambda row: row["improvement"])
    return {
        "days": rows,
        "mean_improvement": round(float(np.mean([row["improvement"] for row in rows])), 4),
        "worst_improvement": worst["improvement"],
        "worst_day": worst["test_day"],
        "seconds": round(time.perf_counter() - begun, 1),
    }


def _in_short(result: dict[str, Any], timetable: str) -> dict[str, Any]:
    ours, peer = result["ours"], result["timetable_plus_delay"]
    ratio = ours["mae_s"] / peer["mae_s"]
    return {
        "test_day": result["test_day"],
        "training_days": result["training_days"],
        "schedule": timetable,
        "mae_s": {name: result[name]["mae_s"] for name in METHODS},
        "ratio": round(ratio, 4),
        "improvement": round(1.0 - ratio, 4),
        "in_bucket": {name: result[name]["in_bucket"] for name in METHODS},
        "in_bucket_mean": {name: result[name]["in_bucket_mean"] for name in METHODS},
        "interval": result["interval"],
        "predictions": ours["predictions"],
        "learn_s": result["learn_s"],
        "replay_s": result["replay_s"],
    }


@dataclass(frozen=True)
class Recorded:
    """Days on one timetable; of each report its date (ordinal) and whether it lies off its trip; and what was left."""

    days: Days
    date: np.ndarray
    off: np.ndarray
    unknown: int
    stale: int

    def counts(self, test_day: datetime.date) -> dict[str, int]:
        """What was replayed of a day, and left out of all."""
        mine = self.date == test_day.toordinal()
        return {
            "reports": int(mine.sum()),
            "off_trip": int(self.off[mine].sum()),
            "unknown_trip": self.unknown,
            "stale": self.stale,
        }

    def reports_by_day(self) -> dict[int, int]:
        """How many reports are on a trip of the timetable, by day (ordinal)."""
        day, count = np.unique(self.date[~self.off], return_counts=True)
        return dict(zip(day.tolist(), count.tolist(), strict=True))


def read(positions: Sequence[Path], schedule: Path, stops: Path) -> Recorded:
    """The recorded days as far as they are on a timetable. Raises ValueError for files that cannot be read."""
    reports = austin.read_positions(positions)
    routes = dict(zip(reports["trip"].to_list(), reports["route"].to_list(), strict=True))
    return read_days(reports, austin.read_timetable(schedule, stops, routes))


def read_days(reports: Any, timetable: austin.Timetable) -> Recorded:
    """Follows every run along its trip, and says when it was where."""
    found = austin.read_reports(reports, timetable)
    trips = timetable.trips
    now, after = follow(
        *(found.first, found.trip, found.at, found.x, found.y, found.midnight, trips.first),
        *(timetable.x, timetable.y, trips.planned, trips.arrival),
    )
    arrivals, error = observed(found.first, found.trip, found.at, after, trips.first, trips.planned)
    traces = Traces(found.trip, found.midnight, found.day, found.kind, found.first, found.at, now, found.speed)
    days = Days(trips, traces, arrivals, error, found.date)
    return Recorded(days, found.date[traces.run], np.isnan(now), found.unknown, found.dropped)


def training(days: Days, tested: np.ndarray) -> np.ndarray:
    """(runs,) what may be learned from: other calendar days, and of those no run that the test day has a part of."""
    runs = np.column_stack([days.traces.day, days.traces.trip])
    seen = {tuple(row) for row in runs[tested].tolist()}
    others: np.ndarray = ~tested & np.array([tuple(row) not in seen for row in runs.tolist()], bool)
    return others


def learn(days: Days, test_day: date) -> Model:
    """A model of some days, as of the test day."""
    # Vague arrivals are learned from as well: those that can be told well lie near reports, and so at distances that
    # tell of the recorder, not of buses. For the same reason it is a day that counts less, not its vague arrivals.
    error = np.where(np.isfinite(days.error), days.error, np.nan)
    weight = np.ones(error.size)
    of_call = np.repeat(days.date, np.diff(call_rows(days.trips, days.traces)))
    for day in np.unique(days.date):
        known = error[(of_call == day) & ~np.isnan(error)]
        if known.size:
            weight[of_call == day] = 1.0 / (1.0 + np.mean(known**2) / WORST_S**2)
    return Model.learned(days.traces, days.arrivals, days.trips, today=test_day.toordinal(), weight=weight)


def measure(model: Model, days: Days) -> dict[str, Any]:
    """Replays days, one after another, and compares the predictions with what happened."""
    parts = [replayed(model, days.of(days.date == day)) for day in np.unique(days.date)]
    every = Measured(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    inside = (every.actual >= every.low) & (every.actual <= every.high)
    return {
        "ours": score(every.now, every.actual, every.ours),
        "timetable": score(every.now, every.actual, every.timetable),
        "timetable_plus_delay": score(every.now, every.actual, every.kept),
        "interval": {
            "share_inside": round(float(inside.mean()), 4) if inside.size else None,
            "width_s": round(float((every.high - every.low).mean()), 1) if inside.size else None,
        },
    }


class Measured(NamedTuple):
    """(predictions,) Unix seconds each: made now, of an arrival that was actual; kept: timetable plus current delay."""

    now: np.ndarray
    actual: np.ndarray
    ours: np.ndarray
    low: np.ndarray
    high: np.ndarray
    timetable: np.ndarray
    kept: np.ndarray


def replayed(model: Model, days: Days) -> Measured:
    """Every prediction of a day that can be measured."""
    trips, traces = days.trips, days.traces
    segments, _ = model.segments.bound(trips)
    memory = Memory.empty(len(segments.names), len(segments.routes), len(traces))
    known = replay(traces, trips, segments, memory, ahead_s=AHEAD_S)
    told = model.predict(known)
    mine = traces.run[known.point]
    now = traces.at[known.point]
    arrivals = np.where(days.error <= WORST_S, days.arrivals, np.nan)
    actual = arrivals[call_rows(trips, traces)[mine] + known.call]
    planned = traces.midnight[mine] + trips.arrival[trips.first[traces.trip[mine]] + known.call]
    columns = (
        *(now, actual, now + told.seconds, now + told.low, now + told.high),
        np.maximum(now, planned),
        now + np.maximum(0.0, known.features[:, KEPT]),
    )
    measured = (actual >= now) & (actual < now + HORIZON_S)
    return Measured(*(column[measured] for column in columns))


def score(now: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """How good predictions made at `now` are, all Unix seconds, (predictions,)."""
    left, error = actual - now, actual - predicted
    hit, shares = np.zeros(left.size, bool), {}
    for begin, end, least, most in BUCKETS:
        here = (left >= begin) & (left < end)
        hit[here] = (error[here] >= least) & (error[here] <= most)
        name = f"{begin / 60:.0f}-{end / 60:.0f} min"
        shares[name] = round(float(hit[here].mean()), 4) if here.any() else None
    known = [share for share in shares.values() if share is not None]
    return {
        "mae_s": round(float(np.abs(error).mean()), 2) if error.size else None,
        "in_bucket": round(float(hit.mean()), 4) if error.size else None,
        "predictions": int(error.size),
        "in_bucket_mean": round(float(np.mean(known)), 4) if known else None,
        "buckets": shares,
        "bias_s": round(float(np.median(error)), 1) if error.size else None,
    }


def simulated(days: Sequence[date], seed: int = 1) -> dict[str, Any]:
    """The same on simulated days of the demo city: the last of `days` is replayed, the others teach."""
    import tempfile

    from cityhall.democity import make
    from cityhall.engines.gtfs import read_feeds
    from cityhall.simulator.week import drive

    with tempfile.TemporaryDirectory() as folder:
        schedule, _ = read_feeds([make(Path(folder)).gtfs])
    times = schedule.stop_times
    trips = Trips.make(
        schedule.trips.first,
        times.stop,
        times.arrival,
        times.departure,
        times.shape_distance,
        schedule.trips.route,
        stop_ids=schedule.stops.id,
        route_ids=schedule.routes.id,
    )
    driven = drive(schedule, list(days), seed)
    traces = joined([day.traces for day in driven])
    arrivals = np.concatenate([day.arrival for day in driven])
    # Nobody arrives at a trip's first stop: there is nothing to predict.
    arrivals[call_rows(trips, traces)[:-1]] = np.nan
    every = Days(
        trips,
        traces,
        arrivals,
        np.zeros(arrivals.size),
        traces.day,
    )
    tested = every.date == days[-1].toordinal()
    begun = time.perf_counter()
    model = learn(every.of(~tested), days[-1])
    learned = time.perf_counter()
    result = measure(model, every.of(tested))
    return {
        **result,
        "test_day": days[-1].isoformat(),
        "learn_s": round(learned - begun, 1),
        "replay_s": round(time.perf_counter() - learned, 1),
    }


AUSTIN = {
    ("schedule_20140824_20150606.csv.gz", "stops_20140824_20150606.csv.gz"): "2015",
    ("schedule_20160821_20170121.csv.gz", "stops_20160821_20170121.csv.gz"): "2016",
}


def rows(folder: Path) -> list[dict[str, Any]]:
    """A table: each of Austin's days in `folder` learned from the others of its timetable, and the simulated city's."""
    found: list[dict[str, Any]] = []
    for (schedule, stops), year in AUSTIN.items():
        files = sorted(folder.glob(f"vehicle_positions_{year}-*.csv.gz"))
        for file in files if (folder / schedule).exists() else []:
            day = date.fromisoformat(file.name.removeprefix("vehicle_positions_").removesuffix(".csv.gz"))
            found += _rows(f"Austin {day}", run(files, folder / schedule, folder / stops, day))
    # Monday to Sunday, then the Monday after.
    return found + _rows("simulated week", simulated([date(2026, 6, day) for day in range(1, 9)]))


def _rows(day: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    peer = result["timetable_plus_delay"]
    return [
        {
            "day": day,
            "prediction": name.replace("_", " "),
            "MAE s": result[name]["mae_s"],
            "MAE / peer's": round(result[name]["mae_s"] / peer["mae_s"], 3),
            "in bucket %": round(100 * result[name]["in_bucket"], 1),
            "mean of buckets %": round(100 * result[name]["in_bucket_mean"], 1),
            "80% interval holds %": round(100 * result["interval"]["share_inside"], 1) if name == "ours" else "",
            "predictions": result[name]["predictions"],
            "learning s": result["learn_s"] if name == "ours" else "",
        }
        for name in METHODS
    ]
