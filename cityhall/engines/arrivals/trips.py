"""What the predictor needs of a timetable, and what it is told of vehicles, as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

SHORTEST_S = 8.0
"""A timetable to the minute gives two stops the same time; between them a bus still takes this long."""
FASTEST = 16.0
"""m/s between stops, faster than any timetable of a city bus really means."""


def kind_of(day: date) -> int:
    """The kind of a day: 0 Monday to Friday, 1 Saturday, 2 Sunday."""
    return max(0, day.weekday() - 4)


@dataclass(frozen=True)
class Trips:
    """A timetable's trips. The calls of trip k are rows `first[k]` to `first[k + 1]`, in order.

    first: (trips + 1,); stop: (calls,) row in `stop_ids`; arrival, departure: (calls,) seconds of the service day,
    never falling along a trip; metres: (calls,) along the way, from anywhere; route: (trips,) row in `route_ids`;
    timepoint: (calls,) whether the time is one that drivers wait for.
    """

    first: Int
    stop: Int32
    arrival: Int32
    departure: Int32
    metres: Float
    route: Int32
    timepoint: Bool
    stop_ids: list[str]
    route_ids: list[str]

    @classmethod
    def make(
        cls,
        first: NDArray[Any],
        stop: NDArray[Any],
        arrival: NDArray[Any],
        departure: NDArray[Any],
        metres: NDArray[Any],
        route: NDArray[Any],
        *,
        stop_ids: list[str],
        route_ids: list[str],
        timepoint: NDArray[Any] | None = None,
    ) -> Trips:
        """Trips from arrays of any number type. Raises ValueError where their lengths do not fit."""
        calls = int(first[-1])
        if not all(len(array) == calls for array in (stop, arrival, departure, metres)) or len(route) != len(first) - 1:
            raise ValueError("the arrays of calls and trips are of different lengths")
        return cls(
            np.asarray(first, np.int64),
            np.asarray(stop, np.int32),
            np.asarray(arrival, np.int32),
            np.maximum(np.asarray(departure, np.int32), np.asarray(arrival, np.int32)),
            np.asarray(metres, np.float64),
            np.asarray(route, np.int32),
            np.zeros(calls, bool) if timepoint is None else np.asarray(timepoint, bool),
            stop_ids,
            route_ids,
        )

    def __len__(self) -> int:
        return int(self.first.size) - 1

    @cached_property
    def middle(self) -> Float:
        """(trips,) the second of the service day halfway through each trip."""
        ends = self.first[1:] - 1
        return np.asarray((self.arrival[self.first[:-1]].astype(np.float64) + self.arrival[ends]) / 2)

    @cached_property
    def planned(self) -> Float:
        """(calls,) seconds by timetable from a call's arrival to the next one's, no less than can be; 0 at the end."""
        seconds = np.zeros(self.stop.size)
        seconds[:-1] = self.arrival[1:] - self.arrival[:-1]
        metres = np.zeros(self.stop.size)
        metres[:-1] = np.abs(np.diff(self.metres))
        seconds = np.maximum(seconds, np.maximum(SHORTEST_S, metres / FASTEST))
        seconds[self.first[1:] - 1] = 0.0
        return seconds

    @cached_property
    def segment_names(self) -> list[str]:
        """(calls,) "from>to" of the segment that begins at each call, "" at a trip's end."""
        stops = self.stop_ids
        stop = self.stop.tolist()
        names = [f"{stops[a]}>{stops[b]}" for a, b in zip(stop, [*stop[1:], 0], strict=True)]
        for end in (self.first[1:] - 1).tolist():
            names[end] = ""
        return names


@dataclass(frozen=True)
class Traces:
    """Where vehicles were, sorted by run and then by time. A run is one vehicle on one trip of one service day.

    trip: (runs,) row in the trips; midnight: (runs,) Unix time of the service day's second 0; day: (runs,) its ordinal;
    kind: (runs,) see `kind_of`; first: (runs + 1,) of the points; at: (points,) Unix seconds; place: (points,) calls
    passed, so 3.4 is four tenths of the way from call 3 to call 4, counted from 0; speed: (points,) m/s or NaN.
    """

    trip: Int
    midnight: Float
    day: Int
    kind: Int
    first: Int
    at: Float
    place: Float
    speed: Float

    def __len__(self) -> int:
        return int(self.trip.size)

    @cached_property
    def run(self) -> Int:
        """(points,) the run of each point."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def where(self, runs: Bool) -> Traces:
        """The chosen runs, a mask (runs,), alone."""
        points = runs[self.run]
        first = np.concatenate([[0], np.cumsum(np.diff(self.first)[runs])])
        return Traces(
            self.trip[runs],
            self.midnight[runs],
            self.day[runs],
            self.kind[runs],
            first.astype(np.int64),
            self.at[points],
            self.place[points],
            self.speed[points],
        )


def joined(parts: Sequence[Traces]) -> Traces:
    """Several traces as one."""
    first = [np.zeros(1, np.int64)]
    for part in parts:
        first.append(part.first[1:] + first[-1][-1])
    return Traces(
        np.concatenate([part.trip for part in parts]),
        np.concatenate([part.midnight for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate(first),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.speed for part in parts]),
    )
