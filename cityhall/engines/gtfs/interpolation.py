"""Filling in times that a feed leaves out between timepoints, by the distance along the trip's shape.

Source: GTFS Schedule Reference, stop_times.txt, `arrival_time` ("...the times should be interpolated").
What loops here is written out: the library's argmin, slices and picking by rows took three seconds more to compile.
The place of each stop on the shape is found for the whole trip at once: the sequence of segments that never goes
back and lies nearest to the stops (least sum of squares), so a loop or an out-and-back is not mistaken.
"""

from __future__ import annotations

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Float32, Float64, Int8, Int32, Int64

MISSING = -1
METRES_A_DEGREE = 111_195.08
CELLS = 40_000_000
"""Most (stop, segment) pairs one trip may ask for; beyond that straight lines are taken."""


@compiled()
def _project(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float]:
    """Squared distance of (x, y) to the segment a-b, and the share of the segment where it is nearest."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    share = 0.0
    if length > 0.0:
        share = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length))
    ex, ey = ax + share * dx - x, ay + share * dy - y
    return ex * ex + ey * ey, share


@compiled()
def along_shape(
    stop: Int32,
    stop_x: Float64,
    stop_y: Float64,
    shape_x: Float64,
    shape_y: Float64,
    shape_distance: Float32,
    out: Float32,
) -> None:
    """Fills `out`, (stops,) metres along the shape of each `stop`, a row of stop_x and stop_y; never decreasing.

    All x and y are metres on a local plane; `shape_distance` is (points,) metres from the shape's start.
    """
    stops, segments = stop.size, shape_x.size - 1
    cost = np.empty(segments)
    came = np.empty((stops, segments), np.int32)
    for place in range(stops):
        x, y = stop_x[stop[place]], stop_y[stop[place]]
        best, best_at = np.inf, 0
        for segment in range(segments):
            before = 0.0 if place == 0 else cost[segment]
            if before < best:
                best, best_at = before, segment
            square, _ = _project(
                x,
                y,
                shape_x[segment],
                shape_y[segment],
                shape_x[segment + 1],
                shape_y[segment + 1],
            )
            # `best` over segments up to this one: reading cost[segment] before it is overwritten keeps it right.
            cost[segment] = best + square
            came[place, segment] = best_at
    at = 0
    for segment in range(segments):
        if cost[segment] < cost[at]:
            at = segment
    for back in range(stops):
        place = stops - 1 - back
        x, y = stop_x[stop[place]], stop_y[stop[place]]
        _, share = _project(x, y, shape_x[at], shape_y[at], shape_x[at + 1], shape_y[at + 1])
        out[place] = shape_distance[at] + share * (shape_distance[at + 1] - shape_distance[at])
        at = came[place, at]
    for place in range(1, stops):
        out[place] = max(out[place], out[place - 1])


@compiled()
def place_trips(
    first: Int64,
    stop: Int32,
    shape: Int32,
    pattern: Int32,
    stop_x: Float64,
    stop_y: Float64,
    shape_first: Int64,
    shape_x: Float64,
    shape_y: Float64,
    shape_distance: Float32,
    out: Float32,
) -> None:
    """Fills `out`, (stop times,) metres along each trip's shape. Trips of one `pattern` share stops and shape."""
    patterns = 0
    for trip in range(pattern.size):
        patterns = max(patterns, pattern[trip] + 1)
    known = np.empty(patterns, np.int64)
    for one in range(patterns):
        known[one] = -1
    for trip in range(first.size - 1):
        begin, end, on = first[trip], first[trip + 1], shape[trip]
        if on < 0:
            continue
        twin = known[pattern[trip]]
        if twin >= 0:
            for place in range(end - begin):
                out[begin + place] = out[first[twin] + place]
            continue
        known[pattern[trip]] = trip
        low, high = shape_first[on], shape_first[on + 1]
        if high - low < 2 or (end - begin) * (high - low) > CELLS:
            continue
        along_shape(
            stop[begin:end],
            stop_x,
            stop_y,
            shape_x[low:high],
            shape_y[low:high],
            shape_distance[low:high],
            out[begin:end],
        )


@compiled()
def fill_times(
    first: Int64,
    stop: Int32,
    stop_x: Float64,
    stop_y: Float64,
    distance: Float32,
    arrival: Int32,
    departure: Int32,
    faults: Int8,
    fault_rows: Int64,
) -> int:
    """Fills missing times in place and marks trips that cannot be: 1 no time at an end, 2 time going back.

    Returns how many times were filled in.
    """
    filled = 0
    for trip in range(first.size - 1):
        begin, end = first[trip], first[trip + 1]
        for row in range(begin, end):
            if arrival[row] == MISSING:
                arrival[row] = departure[row]
            elif departure[row] == MISSING:
                departure[row] = arrival[row]
        if end - begin < 2:
            continue
        if arrival[begin] == MISSING or arrival[end - 1] == MISSING:
            faults[trip] = 1
            fault_rows[trip] = begin if arrival[begin] == MISSING else end - 1
            continue
        last = begin
        for row in range(begin, end):
            if arrival[row] == MISSING:
                continue
            if departure[row] < arrival[row] or (row > begin and arrival[row] < departure[last]):
                faults[trip] = 2
                fault_rows[trip] = row
                break
            if row > last + 1:
                filled += _between(last, row, stop, stop_x, stop_y, distance, arrival, departure)
            last = row
    return filled


@compiled()
def _between(
    low: int,
    high: int,
    stop: Int32,
    stop_x: Float64,
    stop_y: Float64,
    distance: Float32,
    arrival: Int32,
    departure: Int32,
) -> int:
    """Times of the rows strictly between two timepoints, in proportion to the way gone."""
    way = np.zeros(high - low + 1)
    for step in range(1, way.size):
        row = low + step
        if np.isnan(distance[row]) or np.isnan(distance[row - 1]):
            dx = stop_x[stop[row]] - stop_x[stop[row - 1]]
            dy = stop_y[stop[row]] - stop_y[stop[row - 1]]
            gone = np.sqrt(dx * dx + dy * dy)
        else:
            gone = float(distance[row]) - float(distance[row - 1])
        way[step] = way[step - 1] + gone
    span = arrival[high] - departure[low]
    for step in range(1, way.size - 1):
        share = way[step] / way[-1] if way[-1] > 0 else step / (way.size - 1)
        time = departure[low] + np.int32(np.floor(share * span + 0.5))
        arrival[low + step] = time
        departure[low + step] = time
    return way.size - 2


def local_plane(lon: Float64, lat: Float64, middle: float) -> tuple[Float64, Float64]:
    """Degrees as metres on a plane around latitude `middle` (equirectangular; good to 0.1 % over a city)."""
    return lon * METRES_A_DEGREE * float(np.cos(np.radians(middle))), lat * METRES_A_DEGREE


def shape_lengths(first: Int64, x: Float64, y: Float64) -> Float32:
    """(points,) metres from the start of each point's own shape."""
    steps = np.hypot(np.diff(x, prepend=x[:1]), np.diff(y, prepend=y[:1])) if x.size else np.zeros(0)
    starts = first[:-1][first[:-1] < first[1:]]
    steps[starts] = 0.0
    total = np.cumsum(steps)
    lengths = np.diff(first)
    base = np.repeat(total[np.minimum(first[:-1], max(0, x.size - 1))] if x.size else np.zeros(len(lengths)), lengths)
    result: Float32 = (total - base).astype(np.float32)
    return result
