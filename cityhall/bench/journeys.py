"""Times journey queries on any feed: stop to stop, door to door, one departure or a whole window."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cityhall.engines.streets import Snap, StreetGraph
from cityhall.engines.timetable import Journey, Places, Router, Timetable, Wishes
from cityhall.engines.timetable.footpaths import METRES_A_DEGREE, NEVER, WALKING_SPEED

EIGHT = 8 * 3600
WALK_RADIUS_M = 300.0
DOOR_RADIUS_M = 800.0
WALK_ALL_S = 5400.0
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Trip:
    """One question: where from, where to, and how long the whole way takes on foot (seconds)."""

    sources: Places
    targets: Places
    on_foot: int


def run(
    gtfs: Sequence[Path],
    date: date,
    *,
    pairs: int = 500,
    seed: int = 1,
    window_min: int | None = None,
    door_to_door: bool = False,
    osm: Path | None = None,
    at: int = EIGHT,
) -> dict[str, Any]:
    """Times `pairs` random queries leaving at `at` (seconds after midnight) on `date`, one after another on one thread.

    Stop to stop: both ends drawn from the stops that are served that day, walks of at most 300 m.
    `window_min`: every Pareto-best journey that leaves within so many minutes. `door_to_door`: ends drawn
    within 300 m of such stops; access and egress along the streets of `osm`, or straight where none is
    given, and timed with the query.

    Returns median_ms, p95_ms, found (queries with an answer), load_s (from the zips to a timetable that
    answers), rss_mb, and journeys_mean (how many journeys an answer holds). Raises ValueError where nothing
    runs on `date`.
    """
    begun = time.perf_counter()
    timetable = Timetable.from_gtfs(list(gtfs), date, walk_radius_m=WALK_RADIUS_M)
    router = Router(timetable)
    stops = served_stops(timetable)
    if stops.size == 0:
        raise ValueError(f"nothing runs on {date}: choose a day within the feed's validity")
    ask = _question(router, at, window_min)
    rng = np.random.default_rng(seed)
    if door_to_door:
        draw = _doors(timetable, stops, rng, osm)
    else:
        ends = random_pairs(stops, pairs, seed)
        draw = _stop_pairs(router, ends)
    ask(draw(0)())
    load_s = time.perf_counter() - begun

    questions = [draw(number) for number in range(pairs)]
    for question in questions[:WARM_UP]:
        ask(question())
    times, found, journeys = np.empty(pairs), 0, 0
    gc.collect()
    for number, question in enumerate(questions):
        start = time.perf_counter()
        answer = ask(question())
        times[number] = time.perf_counter() - start
        found += bool(answer)
        journeys += len(answer)
    return {
        "median_ms": round(float(np.median(times)) * 1e3, 4),
        "p95_ms": round(float(np.percentile(times, 95)) * 1e3, 4),
        "mean_ms": round(float(times.mean()) * 1e3, 4),
        "found": found,
        "pairs": pairs,
        "journeys_mean": round(journeys / max(found, 1), 2),
        "load_s": round(load_s, 3),
        "rss_mb": round(_memory_mb(), 1),
    }


def _memory_mb() -> float:
    """What this process holds in memory; the most it ever held where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes
    return pages * resource.getpagesize() / 2**20


def served_stops(timetable: Timetable) -> np.ndarray:
    """Rows of the stops where something calls on the timetable's own service day."""
    patterns = timetable.patterns
    today = np.add.reduceat(patterns.shift == 0, patterns.trips_first[:-1]) if len(patterns) else np.zeros(0)
    return np.unique(patterns.stops[np.repeat(today > 0, np.diff(patterns.first))])


def random_pairs(stops: np.ndarray, pairs: int, seed: int) -> np.ndarray:
    """(pairs, 2) rows of stops, from and to, never the same twice in a pair."""
    rng = np.random.default_rng(seed)
    ends = rng.choice(stops, (pairs, 2))
    while (same := ends[:, 0] == ends[:, 1]).any() and stops.size > 1:
        ends[same, 1] = rng.choice(stops, int(same.sum()))
    return ends


def _question(router: Router, at: int, window_min: int | None) -> Callable[[Trip], list[Journey]]:
    wishes = Wishes()
    if window_min is None:
        return lambda trip: router.earliest_arrival(trip.sources, trip.targets, at, wishes, walk=trip.on_foot)
    return lambda trip: router.range(trip.sources, trip.targets, at, window_min * 60, wishes, walk=trip.on_foot)


def stop_to_stop(router: Router, origin: int, goal: int) -> Trip:
    """From stop to stop, with a walk at either end, or all the way where it is that near."""
    sources, targets = router.around(origin, outwards=True), router.around(goal, outwards=False)
    direct = sources.seconds[sources.stops == goal]
    return Trip(sources, targets, int(direct.min()) if direct.size else 2**30)


def _stop_pairs(router: Router, ends: np.ndarray) -> Callable[[int], Callable[[], Trip]]:
    def draw(number: int) -> Callable[[], Trip]:
        origin, goal = (int(stop) for stop in ends[number])
        return lambda: stop_to_stop(router, origin, goal)

    return draw


def _doors(
    timetable: Timetable, stops: np.ndarray, rng: np.random.Generator, osm: Path | None
) -> Callable[[int], Callable[[], Trip]]:
    """Random doors near stops; each question finds its own way to the stops around, as a resident's would."""
    cosine = np.cos(np.radians(np.median(timetable.lat)))

    def door() -> tuple[float, float]:
        stop = rng.choice(stops)
        metres, angle = WALK_RADIUS_M * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        lon = timetable.lon[stop] + metres * np.cos(angle) / (METRES_A_DEGREE * cosine)
        return float(lon), float(timetable.lat[stop] + metres * np.sin(angle) / METRES_A_DEGREE)

    reach = _street_reach(timetable, stops, osm) if osm else _straight_reach(timetable, stops)

    def draw(number: int) -> Callable[[], Trip]:
        origin, goal = door(), door()
        return lambda: reach(origin, goal)

    return draw


Reach = Callable[[tuple[float, float], tuple[float, float]], Trip]


def _street_reach(timetable: Timetable, stops: np.ndarray, osm: Path) -> Reach:
    """Along the streets: snap, then walking times to every stop within the radius and to the other door."""
    network = StreetGraph.from_osm(osm).network("walk")
    straight = _straight_reach(timetable, stops)
    snaps = dict(zip(stops.tolist(), network.snap_all(timetable.lon[stops], timetable.lat[stops]), strict=True))
    limit = DOOR_RADIUS_M / WALKING_SPEED

    def near(door: Snap, places: Places) -> Places:
        rows = places.stops.tolist()
        seconds = network.one_to_many(door, [snaps[row] for row in rows], limit)
        good = seconds <= limit
        return Places(places.stops[good], np.ceil(seconds[good]).astype(np.int32))

    def reach(origin: tuple[float, float], goal: tuple[float, float]) -> Trip:
        plain = straight(origin, goal)
        a, b = network.snap(*origin), network.snap(*goal)
        if a is None or b is None:
            return plain
        on_foot = float(network.one_to_many(a, [b], WALK_ALL_S)[0])
        return Trip(
            near(a, plain.sources),
            near(b, plain.targets),
            int(np.ceil(on_foot)) if on_foot <= WALK_ALL_S else NEVER,
        )

    return reach


def _straight_reach(timetable: Timetable, stops: np.ndarray) -> Reach:
    from scipy.spatial import cKDTree

    scale = METRES_A_DEGREE * np.array([np.cos(np.radians(np.median(timetable.lat))), 1.0])
    plane = np.column_stack([timetable.lon, timetable.lat])[stops] * scale
    tree = cKDTree(plane)

    def near(point: np.ndarray) -> Places:
        rows = np.array(tree.query_ball_point(point, DOOR_RADIUS_M), np.int64)
        metres = np.linalg.norm(plane[rows] - point, axis=1)
        return Places(stops[rows].astype(np.int32), np.ceil(metres / WALKING_SPEED).astype(np.int32))

    def reach(origin: tuple[float, float], goal: tuple[float, float]) -> Trip:
        a, b = np.array(origin) * scale, np.array(goal) * scale
        return Trip(near(a), near(b), int(np.ceil(np.linalg.norm(a - b) / WALKING_SPEED)))

    return reach
