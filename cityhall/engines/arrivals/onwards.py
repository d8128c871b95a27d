"""The next trip of a vehicle's block: a late vehicle leaves the terminal late, the layover taking up what it can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.arrivals.replay import RECENT_PRIOR, RECENT_S, Memory
from cityhall.engines.arrivals.segments import Segments, hour_of, surplus
from cityhall.engines.arrivals.trips import Float, Int, Int32, Trips
from cityhall.engines.compiled import compiled

SPREAD = 0.15
"""One scale of the error of a way, as a share of its seconds; an interval reaches a scale and a quarter each way."""
REACH = 1.25


@dataclass(frozen=True)
class Calls:
    """Predicted calls of several trips: those of trip k are rows first[k] to first[k + 1], Unix seconds."""

    first: Int
    call: Int
    arrival: Float
    departure: Float
    low: Float
    high: Float


def onwards(
    trips: Trips,
    segments: Segments,
    memory: Memory,
    trip: Int,
    midnight: Float,
    kind: Int,
    arrival: Float,
    low: Float,
    high: Float,
    *,
    layover_s: float,
    rows: Int32 | None = None,
) -> Calls:
    """All calls of each `trip` (vehicles,), which its vehicle begins after it has come to the end of the one before.

    arrival, low, high: (vehicles,) when it comes there, Unix seconds. It leaves at the planned time, or `layover_s`
    after it has come where that is later; lines that begin late today are taken to do so again. `segments` must be
    bound to `trips`, `rows` is what that gave.
    """
    rows = segments.bound(trips)[1] if rows is None else rows
    counts = trips.first[trip + 1] - trips.first[trip]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = [np.empty(int(first[-1])) for _ in range(4)]
    call = np.arange(int(first[-1])) - np.repeat(first[:-1], counts)
    _onwards(
        *(first, trip, midnight, kind, arrival, low, high, layover_s),
        *(trips.first, trips.departure, trips.planned, rows, segments.route_rows(trips), segments.dwell),
        *(segments.city_term, segments.route_term, segments.segment_term, segments.local_term),
        *(memory.segment, memory.line, *columns),
    )
    return Calls(first, call, *columns)


@compiled()
def _onwards(  # type: ignore[no-untyped-def]
    first, trip, midnight, kind, came, came_low, came_high, layover_s, calls_first, planned_departure, planned,
    rows, routes, dwell, city, lines, segment, local, seen_segment, seen_line, arrival, departure, low, high,
):  # fmt: skip
    for v in range(trip.size):
        base, route = calls_first[trip[v]], routes[trip[v]]
        start = midnight[v] + planned_departure[base]
        late = max(0.0, seen_line[route, 3])
        leaves = max(start + late, came[v] + layover_s)
        earliest = min(leaves, max(start, came_low[v] + layover_s))
        latest = max(leaves, max(start + 2 * late, came_high[v] + layover_s))
        gone = 0.0
        for row in range(first[v], first[v + 1]):
            k = row - first[v]
            if k == 0:
                arrival[row] = departure[row] = leaves
                low[row], high[row] = earliest, latest
            else:
                seg = rows[base + k - 1]
                log = surplus(kind[v], hour_of(leaves + gone, midnight[v]), route, seg, city, lines, segment, local)
                if seen_segment[seg, 1] > 0:
                    # What others met now matters less for a vehicle that comes later.
                    kept = np.exp(-max(0.0, leaves + gone - seen_segment[seg, 2]) / RECENT_S)
                    log += seen_segment[seg, 0] * kept / (seen_segment[seg, 1] * kept + RECENT_PRIOR)
                gone += planned[base + k - 1] * np.exp(log)
                arrival[row] = leaves + gone
                low[row] = max(low[row - 1], earliest + gone * (1.0 - REACH * SPREAD))
                high[row] = latest + gone * (1.0 + REACH * SPREAD)
                stands = dwell[rows[base + k]] if rows[base + k] >= 0 else 0.0
                departure[row] = arrival[row] + stands
        for row in range(first[v] + 1, first[v + 1] - 1):
            departure[row] = min(departure[row], arrival[row + 1])
