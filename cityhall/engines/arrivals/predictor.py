"""A predictor at work: it is shown where vehicles are, remembers what that tells, and says when they will come."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from cityhall.engines.arrivals.model import Model
from cityhall.engines.arrivals.onwards import Calls, onwards
from cityhall.engines.arrivals.replay import Memory, replay
from cityhall.engines.arrivals.trips import Float, Int, Int32, Traces, Trips

FORGOTTEN_S = 7200.0
"""A run not seen for this long is over."""


class Predictor:
    """Predicts the arrivals of a fleet, round after round. `trips` is the timetable in service.

    Runs are told apart by a key of the caller's. One thread at a time.
    """

    def __init__(self, model: Model, trips: Trips) -> None:
        self.model, self.trips = model, trips
        self._segments, self._rows = model.segments.bound(trips)
        self._memory = Memory.empty(len(self._segments.names), len(self._segments.routes), 0)
        self._row: dict[Hashable, int] = {}

    def renewed(self, model: Model) -> Predictor:
        """The same with another model: what was seen today stays known."""
        other = Predictor(model, self.trips)
        other._memory.run, other._memory.city, other._row = self._memory.run, self._memory.city, self._row
        mine, its = self._segments, other._segments
        _carry(mine.names, self._memory.segment, its.names, other._memory.segment)
        _carry(mine.routes, self._memory.line, its.routes, other._memory.line)
        return other

    def look(self, runs: Sequence[Hashable], seen: Traces, now: float) -> Calls:
        """Remembers the newest sighting of each run, and predicts every call still before it.

        seen: one point a run, in the order of `runs`; now: Unix seconds, no call is predicted
        earlier. A vehicle that stands at a stop has that stop among its calls.
        """
        rows = self._rows_of(runs, now)
        memory = replace(self._memory, run=self._memory.run[rows])
        known = replay(seen, self.trips, self._segments, memory, ahead_s=np.inf, rows=self._rows)
        self._memory.run[rows] = memory.run
        told = self.model.predict(known)
        order = np.lexsort((known.call, known.point))
        at = seen.at[told.point[order]]
        columns = [at + column[order] for column in (told.seconds, told.low, told.high)]
        return self._calls(seen, now, told.point[order], told.call[order], columns)

    def onwards(self, trip: Int, midnight: Float, kind: Int, ends: Calls, vehicles: Int, *, layover_s: float) -> Calls:
        """The calls of the next `trip` of each of `vehicles` (rows of `ends`), whose present one ends as that says."""
        last = ends.first[vehicles + 1] - 1
        return onwards(
            self.trips, self._segments, self._memory, trip, midnight, kind,
            ends.arrival[last], ends.low[last], ends.high[last], layover_s=layover_s, rows=self._rows,
        )  # fmt: skip

    def _calls(self, seen: Traces, now: float, point: Int, call: Int32, columns: list[Float]) -> Calls:
        """With the stop that a vehicle stands at put before, departures, and nothing before now."""
        trips = self.trips
        standing = np.flatnonzero(seen.place == np.floor(seen.place))
        at_start = seen.place[standing] == 0
        start = seen.midnight[standing] + trips.departure[trips.first[seen.trip[standing]]]
        here = np.maximum(now, np.where(at_start, start, now))
        point = np.concatenate([point, standing])
        call = np.concatenate([call, seen.place[standing].astype(call.dtype)])
        order = np.lexsort((call, point))
        arrival, low, high = (np.maximum(now, np.concatenate([column, here])[order]) for column in columns)
        point, ahead = point[order], call[order].astype(np.int64)
        first = np.searchsorted(point, np.arange(len(seen) + 1)).astype(np.int64)
        rows = self._rows[trips.first[seen.trip[point]] + ahead]
        stands = np.where((rows >= 0) & (ahead > 0), self._segments.dwell[np.maximum(rows, 0)], 0.0)
        follows = np.flatnonzero(point[1:] == point[:-1])
        departure = arrival + stands
        departure[follows] = np.minimum(departure[follows], arrival[follows + 1])
        return Calls(first, ahead, arrival, departure, low, high)

    def _rows_of(self, runs: Sequence[Hashable], now: float) -> Int:
        """Rows of the memory, made for new runs; forgotten runs' are taken again."""
        missing = [run for run in runs if run not in self._row]
        if missing:
            kept = {run: row for run, row in self._row.items() if not self._memory.run[row, 0] < now - FORGOTTEN_S}
            free = sorted(set(range(len(self._memory.run))) - set(kept.values()))
            more = max(0, len(missing) - len(free))
            if more:
                free += range(len(self._memory.run), len(self._memory.run) + more + 256)
                self._memory.run = np.pad(self._memory.run, ((0, more + 256), (0, 0)), constant_values=np.nan)
            for run, row in zip(missing, free, strict=False):
                kept[run] = row
                self._memory.run[row] = np.nan
            self._row = kept
        return np.array([self._row[run] for run in runs], np.int64).reshape(-1)


def _carry(names: list[str], values: Float, others: list[str], into: Float) -> None:
    """Copies rows to where their names are in another list."""
    row = {name: number for number, name in enumerate(names)}
    for number, name in enumerate(others):
        if name in row:
            into[number] = values[row[name]]
