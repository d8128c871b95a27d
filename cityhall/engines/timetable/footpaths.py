"""Walks between stops, from wherever they come: straight lines, the street network, transfers.txt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, Int32, Int64, Schedule

WALKING_SPEED = 1.33  # m/s
METRES_A_DEGREE = 111_195.08
NEVER = 2**30
"""Seconds that stand for "not at all"; twice that still fits an int32."""


@dataclass(frozen=True, slots=True)
class Footpaths:
    """Walks from stop to stop, in one direction each. Not transitively closed: one walk between two rides."""

    from_stop: Int32
    to_stop: Int32
    seconds: Int32

    def __len__(self) -> int:
        return int(self.from_stop.size)


def straight_footpaths(
    lon: Float64, lat: Float64, radius_m: float = 300.0, *, speed: float = WALKING_SPEED, detour: float = 1.0
) -> Footpaths:
    """Walks along straight lines of at most `radius_m` between the stops at (stops,) `lon`, `lat` degrees.

    `detour` is how much longer the way is than the line. Both directions are given, no stop with itself.
    """
    from scipy.spatial import cKDTree

    middle = float(np.median(lat)) if lat.size else 0.0
    x = lon * METRES_A_DEGREE * np.cos(np.radians(middle))
    plane = np.column_stack([x, lat * METRES_A_DEGREE])
    pairs = cKDTree(plane).query_pairs(radius_m, output_type="ndarray")
    metres = np.linalg.norm(plane[pairs[:, 0]] - plane[pairs[:, 1]], axis=1)
    seconds = np.ceil(metres * detour / speed).astype(np.int32)
    return Footpaths(
        np.concatenate([pairs[:, 0], pairs[:, 1]]).astype(np.int32),
        np.concatenate([pairs[:, 1], pairs[:, 0]]).astype(np.int32),
        np.concatenate([seconds, seconds]),
    )


def apply_transfers(footpaths: Footpaths, schedule: Schedule, *, opened: bool = True) -> tuple[Footpaths, Int32]:
    """`footpaths` as transfers.txt wants them, and (stops,) seconds a change at the same stop takes.

    Type 3 forbids; the others make a walk possible that takes no less than the time given and no less than
    the way (straight where no footpath says better). Without `opened` they only make known walks take longer.
    Source: GTFS Schedule Reference, transfers.txt.
    """
    stops = len(schedule.stops)
    change = np.zeros(stops, np.int32)
    given = schedule.transfers
    if given.from_stop.size == 0:
        return footpaths, change
    same = given.from_stop == given.to_stop
    change[given.from_stop[same]] = np.where(given.type[same] == 3, NEVER, given.min_time[same])
    walks = dict(
        zip(
            footpaths.from_stop.astype(np.int64) * stops + footpaths.to_stop,
            footpaths.seconds.tolist(),
            strict=True,
        )
    )
    other = np.flatnonzero(~same)
    straight = _straight_seconds(schedule, given.from_stop, given.to_stop)
    keys: Int64 = given.from_stop.astype(np.int64) * stops + given.to_stop
    for row in other:
        key = keys[row]
        if given.type[row] == 3:
            walks.pop(key, None)
        elif opened or key in walks:
            walks[key] = max(int(given.min_time[row]), walks.get(key) or int(straight[row]))
    flat = np.array(list(walks), np.int64)
    seconds = np.array(list(walks.values()), np.int32)
    return Footpaths((flat // stops).astype(np.int32), (flat % stops).astype(np.int32), seconds), change


def _straight_seconds(schedule: Schedule, origin: Int32, target: Int32) -> Int32:
    stops = schedule.stops
    cosine = np.cos(np.radians((stops.lat[origin] + stops.lat[target]) / 2))
    x = (stops.lon[target] - stops.lon[origin]) * cosine
    metres = METRES_A_DEGREE * np.hypot(x, stops.lat[target] - stops.lat[origin])
    return np.ceil(metres / WALKING_SPEED).astype(np.int32)
