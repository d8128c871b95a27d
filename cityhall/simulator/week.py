"""Days of a whole city's buses, stop by stop, with known truth: what arrival predictions are measured on.

Not the fleet that drives second by second (bus.py), which is too slow for a week. A segment's time is the timetable's
without its padding, times the hour's congestion, the segment's own character, the day's, a wave of congestion that all
buses there share for a while, and the driver's; dwells are gamma-distributed and grow with the gap before the bus.
Early buses wait at timing points, late ones begin their next trip late.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cityhall.engines.arrivals import Traces
from cityhall.engines.arrivals.trips import kind_of
from cityhall.engines.gtfs import Schedule
from cityhall.simulator.traffic import CONGESTION, DEMAND, by_hour

EVERY_S = 45.0
"""How often a bus says where it is."""
TIMING_POINT = 6
"""Every sixth stop is one, and a bus leaves it no earlier than EARLY_S before its time."""
EARLY_S = 20.0
LAYOVER_S = 120.0
WAVE_S = 900.0
CHARACTER, DAY, WAVE, DRIVER, NOISE = 0.18, 0.06, 0.15, 0.06, 0.16
"""One sigma of the logarithm of each factor."""
DWELL_S, DWELL_SHAPE = 14.0, 2.0


@dataclass(frozen=True)
class Driven:
    """What a day's runs did: arrival, departure: (calls of each run in turn,) Unix seconds."""

    traces: Traces
    arrival: np.ndarray
    departure: np.ndarray


@dataclass
class _City:
    schedule: Schedule
    seed: int

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        stops = len(self.schedule.stops)
        self.character = np.exp(rng.normal(0.0, CHARACTER, stops))
        self.liked = np.exp(rng.normal(0.0, 0.4, stops))


def drive(schedule: Schedule, days: list[date], seed: int = 1) -> list[Driven]:
    """Drives all trips of some days. The same for the same seed."""
    city = _City(schedule, seed)
    return [_day(city, day, np.random.default_rng([seed, day.toordinal()])) for day in days]


def _blocks(schedule: Schedule, day: date) -> list[list[int]]:
    trips = schedule.trips
    start = np.asarray(schedule.stop_times.departure)[np.asarray(trips.first)[:-1]]
    runs = np.flatnonzero(schedule.services.on(day)[np.asarray(trips.service)])
    blocks: dict[str, list[int]] = defaultdict(list)
    for trip in runs[np.argsort(start[runs], kind="stable")].tolist():
        blocks[trips.block[trip] or trips.id[trip]].append(trip)
    return list(blocks.values())


def _day(city: _City, day: date, rng: np.random.Generator) -> Driven:
    schedule = city.schedule
    noon = datetime.combine(day, time(12), ZoneInfo(schedule.timezone)).astimezone(UTC)
    midnight = (noon - timedelta(hours=12)).timestamp()
    own = float(np.exp(rng.normal(0.0, DAY)))
    waves = np.exp(_waves(rng, len(schedule.stops)))
    arrivals, departures, trips, came = [], [], [], []
    for block in _blocks(schedule, day):
        free, driver = -np.inf, float(np.exp(rng.normal(0.0, DRIVER)))
        for trip in block:
            here = free
            arrival, departure = _trip(city, trip, here, own * driver, waves, rng)
            free = arrival[-1]
            arrivals.append(arrival + midnight)
            departures.append(departure + midnight)
            trips.append(trip)
            came.append(max(here, departure[0] - 600.0) + midnight)
    points = [_reports(*run, rng) for run in zip(came, arrivals, departures, strict=True)]
    counts = [at.size for at, _ in points]
    traces = Traces(
        trip=np.array(trips, np.int64),
        midnight=np.full(len(trips), midnight),
        day=np.full(len(trips), day.toordinal(), np.int64),
        kind=np.full(len(trips), kind_of(day), np.int64),
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        at=np.concatenate([at for at, _ in points]),
        place=np.concatenate([place for _, place in points]),
        speed=np.full(sum(counts), np.nan),
    )
    return Driven(traces, np.concatenate(arrivals), np.concatenate(departures))


def _waves(rng: np.random.Generator, stops: int) -> np.ndarray:
    """(stops, quarters of an hour) congestion around each stop, which comes and goes."""
    quarters = 30 * 4
    waves = np.empty((stops, quarters))
    waves[:, 0] = rng.normal(0.0, WAVE, stops)
    for quarter in range(1, quarters):
        waves[:, quarter] = 0.75 * waves[:, quarter - 1] + rng.normal(0.0, WAVE * np.sqrt(1 - 0.75**2), stops)
    return waves


def _trip(
    city: _City, trip: int, free: float, own: float, waves: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals and departures of a trip, seconds of the day; its vehicle is `free` from the trip before."""
    times = city.schedule.stop_times
    rows = slice(int(city.schedule.trips.first[trip]), int(city.schedule.trips.first[trip + 1]))
    planned, leaves = np.asarray(times.arrival[rows], float), np.asarray(times.departure[rows], float)
    stop, size = np.asarray(times.stop[rows]), planned.size
    noise = np.exp(rng.normal(0.0, NOISE, size))
    dwell = rng.gamma(DWELL_SHAPE, 1.0 / DWELL_SHAPE, size) * DWELL_S
    arrival, departure = np.empty(size), np.empty(size)
    arrival[0] = max(free + LAYOVER_S, leaves[0] - 30.0) if np.isfinite(free) else leaves[0] - 30.0
    departure[0] = max(leaves[0] + rng.exponential(15.0), arrival[0])
    for call in range(1, size):
        now = departure[call - 1]
        hour, quarter = now / 3600 % 24, min(waves.shape[1] - 1, int(now // WAVE_S))
        where = stop[call]
        slow = own * city.character[where] * waves[where, quarter] / by_hour(CONGESTION, hour) * noise[call]
        arrival[call] = now + max(5.0, (planned[call] - leaves[call - 1]) * slow * 0.93)
        stands = dwell[call] * city.liked[where] * (0.4 + by_hour(DEMAND, hour))
        departure[call] = arrival[call] + stands
        if call % TIMING_POINT == 0:
            departure[call] = max(departure[call], leaves[call] - EARLY_S)
    departure[-1] = arrival[-1]
    return arrival, departure


def _reports(
    came: float, arrival: np.ndarray, departure: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(at, place) of a run's reports, from when its vehicle came to the first stop until it has come to the last."""
    at = np.arange(came + rng.uniform(0, EVERY_S), arrival[-1] + EVERY_S, EVERY_S)
    moments = np.column_stack([arrival, departure]).ravel()
    moments[0] = min(came, departure[0])
    place = np.interp(at, moments, np.repeat(np.arange(arrival.size), 2))
    return at, place
