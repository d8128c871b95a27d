"""A line of twelve stops a minute apart with a trip every ten minutes, and buses on it whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cityhall.engines.arrivals import Traces, Trips

STOPS, TRIPS, HEADWAY, STEP = 12, 84, 600, 60
START = 6 * 3600
MONDAY = 737_148  # 1 April 2019
Pace = Callable[[int, int, float], float]
"""(trip, segment, second of the day) -> seconds from stop to stop."""


def line() -> Trips:
    """The timetable."""
    calls = np.arange(TRIPS * STOPS)
    second = START + HEADWAY * (calls // STOPS) + STEP * (calls % STOPS)
    return Trips.make(
        np.arange(0, TRIPS * STOPS + 1, STOPS),
        calls % STOPS,
        second,
        second,
        400.0 * (calls % STOPS),
        np.zeros(TRIPS),
        stop_ids=[f"s{stop}" for stop in range(STOPS)],
        route_ids=["1"],
    )


def driven(day: int, pace: Pace, every: float = 30.0) -> tuple[Traces, np.ndarray]:
    """All trips of a day, reported `every` so many seconds, and when each came to each call (NaN to its first)."""
    arrivals = np.empty((TRIPS, STOPS))
    at, place, counts = [], [], []
    for trip in range(TRIPS):
        now = float(START + HEADWAY * trip)
        arrivals[trip, 0] = now
        for segment in range(STOPS - 1):
            now += pace(trip, segment, now)
            arrivals[trip, segment + 1] = now
        times = np.arange(arrivals[trip, 0] - 45 + trip % 7, now + every, every)
        at.append(times)
        place.append(np.interp(times, arrivals[trip], np.arange(STOPS)))
        counts.append(times.size)
    midnight = day * 86_400.0
    traces = Traces(
        np.arange(TRIPS),
        np.full(TRIPS, midnight),
        np.full(TRIPS, day),
        np.full(TRIPS, max(0, (day - MONDAY) % 7 - 4)),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate(at) + midnight,
        np.concatenate(place),
        np.full(sum(counts), np.nan),
    )
    arrivals[:, 0] = np.nan
    return traces, arrivals.ravel() + midnight


def uneven(seed: int, slow: int = 4) -> Pace:
    """Faster than planned but for one segment, slower at five in the afternoon, and noise."""
    rng = np.random.default_rng(seed)

    def pace(trip: int, segment: int, second: float) -> float:
        peak = 1.5 if 16 <= second / 3600 < 19 else 1.0
        return float((220.0 if segment == slow else 40.0) * peak * rng.lognormal(0.0, 0.15))

    return pace
