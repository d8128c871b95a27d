"""The predictor: learned segments, trees that correct them by what is known of the run, and what errors remain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityhall.engines import arrays
from cityhall.engines.arrivals.replay import FEATURES, LEARNED, OTHERS, PACE, Known, Memory, replay
from cityhall.engines.arrivals.segments import Segments
from cityhall.engines.arrivals.trees import Trees
from cityhall.engines.arrivals.trips import Float, Int, Int32, Traces, Trips
from cityhall.engines.compiled import compiled

VERSION = "arrivals 2"
LONGEST_S = 1500.0
"""The trees learn from arrivals up to this far ahead."""
LEAST = 3000
"""Fewer examples than this are not enough to grow trees."""
EXAMPLES = 120_000
FOLDS = 3
OWN_S = 60.0
"""A prediction's correction is learned as a share of its horizon and this."""
SPREAD = 0.7
SCALE_ROUNDS = 60
"""The scale of an error is its absolute value's quantile of this order."""
TAILS = 0.1, 0.9
BUCKETS = (
    (0.0, 180.0, -30.0, 90.0),
    (180.0, 360.0, -60.0, 150.0),
    (360.0, 600.0, -60.0, 210.0),
    (600.0, 900.0, -90.0, 270.0),
)
"""ETA Accuracy Benchmark (IBI Group; TransitApp): from, to (s to the actual arrival), least and most of actual minus
predicted that counts as accurate, both bounds included."""
TRADE_S = 150.0
"""A point is worth its chance to be in its bucket less its mean absolute error over this."""
HORIZONS = np.array([0.0, 45, 90, 135, 180, 240, 300, 360, 450, 540, 600, 700, 800, 900, 1200, 1500])
SCALES = np.array([0.0, 20, 35, 50, 70, 95, 130, 180])
SHIFTS = np.arange(-80.0, 21.0, 5.0)

TREED = np.array([n for n, name in enumerate(FEATURES) if name != "kind"])
"""The columns that trees see: not the kind of day, which with few days is the day itself."""
SHARED = [(FEATURES.index(name), False) for name in ("others", "pace", "hold", "delay", "their_gain")] + [
    (FEATURES.index(name), True) for name in ("kept_delay", "planned")
]
"""Columns that trees also see as a share of the horizon: seconds to add, and (True) seconds to arrival."""


@dataclass(frozen=True)
class Predicted:
    """(rows,) seconds from the sighting to arrival: the point, and an interval that holds it eight times in ten."""

    seconds: Float
    low: Float
    high: Float
    point: Int
    call: Int32


@dataclass(frozen=True)
class Model:
    """What was learned, on disk one folder of arrays (`save`, `Model.open`).

    older: segments as learned from days before those that the trees grew from; shift: (horizons, scales) seconds that
    the point is put from the median for its chance to be in its bucket; low, high: (horizons,) an interval's ends in
    scales from the median. `trained` counts the examples the trees grew from.
    """

    segments: Segments
    older: Segments
    middle: Trees
    scale: Trees
    shift: Float
    low: Float
    high: Float
    trained: int

    @classmethod
    def empty(cls) -> Model:
        """Knows the timetable only. Its errors, and how far ahead of them it is better to be, are roughly any bus's."""
        sooner = np.minimum(30.0, 5.0 + 0.03 * HORIZONS)
        return cls(
            Segments.empty(),
            Segments.empty(),
            Trees.none(),
            Trees.none(),
            -np.repeat(sooner[:, None], SCALES.size, axis=1),
            np.full(HORIZONS.size, -1.25),
            np.full(HORIZONS.size, 1.5),
            0,
        )

    @classmethod
    def learned(
        cls,
        traces: Traces,
        arrivals: Float,
        trips: Trips,
        *,
        today: int | None = None,
        weight: Float | None = None,
        older: Segments | None = None,
        seed: int = 0,
    ) -> Model:
        """A model from whole days, on top of the segments learned from `older` ones, which are not among these.

        arrivals: (sum of the runs' calls,) Unix seconds each run came to each call, NaN where not seen; weight: (sum of
        the runs' calls,) how much each arrival counts, evenly where left out. What is older than `today` (ordinal, the
        newest day where left out) by HALF_LIFE_DAYS counts half.
        """
        older = older or Segments.empty()
        model = replace(cls.empty(), older=older, segments=older.learn(traces, trips, today))
        if len(traces) == 0:
            return model
        examples = _examples(traces, arrivals, trips, today, weight, older, seed)
        return model._corrected(examples, seed) if len(examples.seconds) >= LEAST else model

    def save(self, folder: Path) -> None:
        """Writes the model to a folder."""
        arrays.save(folder, self, VERSION)

    @classmethod
    def open(cls, folder: Path) -> Model:
        """What `save` wrote. Raises ValueError for another version or a damaged folder."""
        return arrays.load(folder, cls, VERSION)

    def predict(self, known: Known) -> Predicted:
        """When each vehicle comes to each stop, from what is known of both."""
        base = _base(known.features)
        near = base <= LONGEST_S
        median, scale = base.copy(), 20.0 + 0.15 * base
        median[near], scale[near] = self._median(known.features[near]), self._scale(known.features[near])
        # Beyond what trees know, the last correction that they gave the vehicle goes on, and doubt grows.
        rows = np.arange(base.size)
        last = np.maximum.accumulate(np.where(near, rows, 0)) if base.size else rows
        far = ~near & (known.point[last] == known.point) & near[last]
        median[far] += (median - base)[last[far]]
        scale[far] = scale[last[far]] + 0.1 * (base[far] - base[last[far]])
        row, column = _cells(median, scale)
        seconds, low, high = _ordered(
            known, median + self.shift[row, column], median + scale * self.low[row], median + scale * self.high[row]
        )
        return Predicted(np.maximum(0.0, seconds), np.maximum(0.0, low), np.maximum(0.0, high), known.point, known.call)

    def _median(self, features: NDArray[Any]) -> Float:
        base = _base(features)
        if self.middle.roots.size:
            base = base + self.middle.predict(_seen(features)) * (base + OWN_S)
        return np.asarray(np.maximum(0.0, base))

    def _scale(self, features: NDArray[Any]) -> Float:
        base = _base(features)
        if self.scale.roots.size:
            return np.asarray(np.maximum(5.0, self.scale.predict(_seen(features)) * (base + OWN_S)))
        return 20.0 + 0.15 * base

    def _corrected(self, examples: Examples, seed: int) -> Model:
        """With trees grown on examples, and tables of what errors the trees leave on runs they have not seen."""
        half = examples.run % 2 == 0
        part = replace(self, middle=examples.where(half).trees(seed))
        rest = examples.where(~half)
        error = rest.seconds - part._median(rest.features)
        own = _base(rest.features) + OWN_S
        part = replace(
            part,
            scale=Trees.fitted(
                _seen(rest.features), np.abs(error) / own, own * rest.weight, SPREAD, seed, SCALE_ROUNDS
            ),
        )
        low, high, shift = part._tables(rest, error)
        return replace(
            self,
            middle=examples.trees(seed),
            scale=part.scale,
            low=low,
            high=high,
            shift=shift,
            trained=len(examples.seconds),
        )

    def _tables(self, examples: Examples, error: Float) -> tuple[Float, Float, Float]:
        median = examples.seconds - error
        scale = self._scale(examples.features)
        rows, columns = _cells(median, scale)
        low, high = self.low.copy(), self.high.copy()
        for row in range(HORIZONS.size):
            here = rows == row
            if here.sum() >= 200:
                low[row], high[row] = np.quantile(error[here] / scale[here], TAILS)
        worth = _worth(examples.seconds, error)
        shift = np.zeros((HORIZONS.size, SCALES.size))
        total, count = np.zeros((HORIZONS.size, SCALES.size, SHIFTS.size)), np.zeros(shift.shape)
        np.add.at(total, (rows, columns), worth * examples.weight[:, None])
        np.add.at(count, (rows, columns), examples.weight)
        # A cell with few examples takes from those beside it.
        total, count = _smooth(total), _smooth(count[:, :, None])[:, :, 0]
        known = count > 50
        shift[known] = SHIFTS[np.argmax(total[known], axis=1)]
        return low, high, shift


def _worth(seconds: Float, error: Float) -> Float:
    """(rows, shifts) what each shift of the point would be worth."""
    left = error[:, None] - SHIFTS
    inside = np.zeros(left.shape)
    for begin, end, least, most in BUCKETS:
        here = (seconds >= begin) & (seconds < end)
        inside[here] = (left[here] >= least) & (left[here] <= most)
    # Beyond the buckets the widest one's rule goes on.
    here = seconds >= BUCKETS[-1][1]
    inside[here] = (left[here] >= BUCKETS[-1][2]) & (left[here] <= BUCKETS[-1][3])
    return np.asarray(inside - np.abs(left) / TRADE_S)


def _smooth(table: Float) -> Float:
    padded = np.pad(table, ((1, 1), (1, 1), (0, 0)))
    sides = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.asarray(table + 0.25 * sides)


def _base(features: NDArray[Any]) -> Float:
    return np.maximum(1.0, (features[:, LEARNED] + features[:, OTHERS] + 0.15 * features[:, PACE]).astype(np.float64))


def _seen(features: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns) what trees see: TREED, and SHARED as shares of the horizon, as what they are to say is one."""
    base = _base(features).astype(np.float32)
    own = base + np.float32(OWN_S)
    shares = [(features[:, column] - (base if whole else 0)) / own for column, whole in SHARED]
    return np.column_stack([features[:, TREED], *shares])


def _cells(median: Float, scale: Float) -> tuple[Int, Int]:
    return (
        np.searchsorted(HORIZONS, median, side="right") - 1,
        np.searchsorted(SCALES, scale, side="right") - 1,
    )


def _ordered(known: Known, *columns: Float) -> list[Float]:
    """Arrivals that never fall from a stop to the next, and low <= seconds <= high."""
    seconds, low, high = columns
    begins = np.ones(seconds.size, bool)
    begins[1:] = known.point[1:] != known.point[:-1]
    seconds, low, high = (_rising(column, begins) for column in (seconds, low, high))
    return [seconds, np.minimum(low, seconds), np.maximum(high, seconds)]


@compiled()
def _rising(column, begins):  # type: ignore[no-untyped-def]
    """The running maximum of each vehicle's stops."""
    risen = column.copy()
    for row in range(1, risen.size):
        if not begins[row]:
            risen[row] = max(risen[row], risen[row - 1])
    return risen


@dataclass(frozen=True)
class Examples:
    """(rows,) what was known, and how many seconds later the vehicle came; of which run, and how much it counts."""

    features: NDArray[Any]
    seconds: Float
    run: Int
    weight: Float

    def where(self, rows: NDArray[Any]) -> Examples:
        return Examples(self.features[rows], self.seconds[rows], self.run[rows], self.weight[rows])

    def trees(self, seed: int) -> Trees:
        """Trees for the median of what the base leaves."""
        base = _base(self.features)
        own = base + OWN_S
        return Trees.fitted(_seen(self.features), (self.seconds - base) / own, own * self.weight, 0.5, seed)


def _examples(
    traces: Traces,
    arrivals: Float,
    trips: Trips,
    today: int | None,
    weight: Float | None,
    older: Segments,
    seed: int,
) -> Examples:
    """What would have been known at every sighting, with segments learned from other runs than its own.

    Half the runs get segments learned without their whole day: tomorrow is not in what was learned either.
    """
    calls = trips.first[traces.trip + 1] - trips.first[traces.trip]
    base = np.concatenate([[0], np.cumsum(calls)])
    weight = np.ones(arrivals.size) if weight is None else weight
    days = np.unique(traces.day)
    rng = np.random.default_rng(seed)
    # Each sighting makes a dozen examples or more; of a large city's days only some are looked at.
    looked = rng.random(traces.at.size) < 3 * EXAMPLES / (12 * max(1, traces.at.size))
    fold = rng.integers(0, 2 * FOLDS if days.size > 1 else FOLDS, len(traces))
    found = []
    for part in range(FOLDS):
        segments = older.learn(traces.where(fold != part), trips, today)
        for day in days:
            found.append(_day(traces, day, looked & (fold == part)[traces.run], segments, trips))
    if days.size > 1:
        for day in days:
            segments = older.learn(traces.where(traces.day != day), trips, today)
            found.append(_day(traces, day, looked & (fold >= FOLDS)[traces.run], segments, trips))
    features = np.concatenate([part[0] for part in found])
    run, call, at = (np.concatenate([part[n] for part in found]) for n in (1, 2, 3))
    seconds = arrivals[base[run] + call] - at
    good = np.flatnonzero((seconds >= 0) & (seconds <= LONGEST_S))
    if good.size > EXAMPLES:
        good = np.sort(np.random.default_rng(seed).choice(good, EXAMPLES, replace=False))
    run = run[good]
    return Examples(features[good], seconds[good], run, weight[base[run] + call[good]])


def _day(
    traces: Traces, day: int, points: NDArray[np.bool_], segments: Segments, trips: Trips
) -> tuple[NDArray[Any], Int, Int32, Float]:
    mine = traces.day == day
    today = traces.where(mine)
    segments, _ = segments.bound(trips)
    memory = Memory.empty(len(segments.names), len(segments.routes), len(today))
    known = replay(today, trips, segments, memory, ahead_s=LONGEST_S * 1.2, chosen=points[mine[traces.run]])
    return known.features, np.flatnonzero(mine)[today.run[known.point]], known.call, today.at[known.point]
