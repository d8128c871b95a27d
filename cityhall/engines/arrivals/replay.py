"""Goes through sightings in the order of time, and says at each what can be known of every stop still ahead.

The same code learns (days gone by, with the arrivals known), is measured (a day replayed) and predicts (the newest
sighting of every vehicle): what it knows is `Memory`, which only ever holds what has been seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.arrivals.segments import CELLS, KINDS, LEFT, Segments, excess, hour_of, surplus
from cityhall.engines.arrivals.trips import Float, Int, Int32, Traces, Trips
from cityhall.engines.compiled import compiled

RECENT_S = 1500.0
"""What other vehicles took on a segment fades by this time constant."""
PACE_S = 900.0
"""So does how fast a run was."""
RECENT_PRIOR = 1.0
PACE_PRIOR_S = 300.0

FEATURES = (
    "learned", "kept_delay", "delay", "others", "pace", "planned", "metres", "stops", "hour", "kind", "wait",
    "standing", "to_next", "evidence", "drift", "trend", "hold", "since_last", "speed", "late_start", "timepoints",
    "their_delay", "their_gain", "headway", "gone", "to_end", "lately", "today",
)  # fmt: skip
"""What is known of (a vehicle, a stop ahead): the columns of `Known.features`.

learned: seconds to arrival by the learned segments; kept_delay: by timetable plus current delay; delay: s; others,
pace, hold: seconds to add for what others met, for this run's own pace, for waiting where early; planned: s by
timetable; metres, stops: the way there; hour, kind: of the day; wait: s until the planned start, NaN once under way;
standing: s since it last moved; to_next: share of the segment left; evidence: mean weight of what was learned; drift:
this line's surplus today; trend: change of the delay; since_last: s since another vehicle passed there; speed: m/s;
late_start: s that this line has begun late today; timepoints: how many lie before the stop;
their_delay: of the last other vehicle at the stop; their_gain: since the next stop; headway: s since it was there;
gone, to_end: s by timetable from the trip's start, and from the stop to its end; lately: surplus of the last way;
today: the city's surplus today.
"""
COLUMNS = len(FEATURES)
LEARNED, KEPT, OTHERS, PACE = (FEATURES.index(name) for name in ("learned", "kept_delay", "others", "pace"))
MANY = 5


@dataclass
class Memory:
    """What is known of today: per segment and line how others went, per run how it went itself. Changed in place.

    segment: (segments, 5) sum, weight, when, when the last vehicle passed and its delay; line: (routes, 4) sum, weight,
    when, and mean late start; run: (runs, 8) last at, last place, moved at, pace taken, pace expected, delay, smoothed
    delay, surplus of the last way; city: (1, 3) sum, weight, when.
    """

    segment: Float
    line: Float
    run: Float
    city: Float

    @classmethod
    def empty(cls, segments: int, routes: int, runs: int) -> Memory:
        """Nothing seen yet."""
        memory = cls(np.zeros((segments, MANY)), np.zeros((routes, 4)), np.full((runs, 8), np.nan), np.zeros((1, 3)))
        memory.segment[:, 3:] = np.nan
        return memory


@dataclass(frozen=True)
class Known:
    """(rows,) each of one sighting, `point`, and one stop ahead, `call`: what is known, features (rows, COLUMNS)."""

    features: np.ndarray
    point: Int
    call: Int32


def replay(
    traces: Traces,
    trips: Trips,
    segments: Segments,
    memory: Memory,
    *,
    ahead_s: float = 2400.0,
    chosen: np.ndarray | None = None,
    rows: Int32 | None = None,
) -> Known:
    """Remembers every point of `traces` in the order of time; what is known at each of the `chosen` (points,), of all.

    Stops farther than `ahead_s` by timetable are left out. `segments` must be bound to `trips`; `rows` is what that
    gave, found again where left out.
    """
    rows = segments.bound(trips)[1] if rows is None else rows
    order = np.argsort(traces.at, kind="stable")
    order = order[~np.isnan(traces.place[order])]
    wanted = np.ones(traces.at.size, bool) if chosen is None else chosen
    room = _room(order, wanted, traces.run, traces.place, traces.trip, trips.first, trips.planned, ahead_s)
    features = np.empty((room, COLUMNS), np.float32)
    point, call = np.empty(room, np.int64), np.empty(room, np.int32)
    weight = segments.local_weight.reshape(-1, KINDS, CELLS // KINDS).sum(axis=2)
    marks = np.concatenate([[0], np.cumsum(trips.timepoint)]).astype(np.int64)
    _go_through(
        *(order, wanted, traces.run, traces.at, traces.place, traces.speed, traces.trip, traces.midnight, traces.kind),
        *(trips.first, trips.arrival, trips.departure, trips.metres, trips.planned, trips.timepoint, marks),
        *(rows, segments.route_rows(trips), ahead_s),
        *(segments.city_term, segments.route_term, segments.segment_term, segments.local_term, weight),
        *(memory.segment, memory.line, memory.run, memory.city, features, point, call),
    )
    return Known(features, point, call)


@compiled()
def _room(order, wanted, run, place, trip, first, planned, ahead_s):  # type: ignore[no-untyped-def]
    count = 0
    for row in order:
        if wanted[row]:
            base = first[trip[run[row]]]
            last = first[trip[run[row]] + 1] - base - 1
            k = min(int(place[row]), last)
            sum_s = -(place[row] - k) * planned[base + k]
            while k < last:
                sum_s += planned[base + k]
                if sum_s > ahead_s:
                    break
                k += 1
                count += 1
    return count


@compiled()
def _fade(row, at, constant):  # type: ignore[no-untyped-def]
    kept = np.exp(-(at - row[2]) / constant) if row[1] > 0 else 0.0
    row[0] *= kept
    row[1] *= kept
    row[2] = at


@compiled()
def _planned_at(base, place, last, midnight, arrival, departure):  # type: ignore[no-untyped-def]
    """The moment the timetable has a vehicle at a place."""
    k = min(int(place), last)
    if k == last:
        return midnight + arrival[base + last]
    part = place - k
    left = arrival[base + k] if part == 0.0 else departure[base + k]
    return midnight + left + part * (arrival[base + k + 1] - left)


@compiled()
def _remember(  # type: ignore[no-untyped-def]
    at, place, base, last, kind, route, midnight, start, planned, rows, city, lines, segment, local,
    seen_segment, seen_line, seen_city, mine, delay,
):  # fmt: skip
    """What the way from the run's last sighting to this one tells of the segments, the line and the run."""
    since, there = mine[0], mine[1]
    elapsed = at - since
    if there <= LEFT:
        if place > LEFT and elapsed < 420.0:
            # It left in between; by its pace since the start it did so then.
            gone = 0.0
            for k in range(int(np.ceil(place))):
                log = surplus(kind, hour_of(at, midnight), route, rows[base + k], city, lines, segment, local)
                gone += (min(place, k + 1.0) - k) * planned[base + k] * np.exp(log)
            late = min(1200.0, max(-300.0, max(since, at - gone) - start))
            seen_line[3] += 0.15 * (late - seen_line[3])
        return
    hour = hour_of(at, midnight)
    expected = 0.0
    k0, k1 = int(there), int(np.ceil(place))
    for k in range(k0, k1):
        part = min(place, k + 1.0) - max(there, float(k))
        log = surplus(kind, hour, route, rows[base + k], city, lines, segment, local)
        expected += part * planned[base + k] * np.exp(log)
    kept = np.exp(-elapsed / PACE_S)
    mine[3] = mine[3] * kept + elapsed
    mine[4] = mine[4] * kept + expected
    if place <= there + 0.01 or place > last - 0.05 or elapsed > 1500.0:
        return
    over = excess(elapsed, expected + 1.0)
    _fade(seen_line, at, 3600.0)
    seen_line[0] += over * expected / (elapsed + 30.0)
    seen_line[1] += expected / (elapsed + 30.0)
    _fade(seen_city, at, 3600.0)
    seen_city[0] += over * expected / (elapsed + 30.0)
    seen_city[1] += expected / (elapsed + 30.0)
    mine[7] = over
    for k in range(k0, k1):
        part = min(place, k + 1.0) - max(there, float(k))
        row = rows[base + k]
        here = part * planned[base + k] * np.exp(surplus(kind, hour, route, row, city, lines, segment, local))
        _fade(seen_segment[row], at, RECENT_S)
        seen_segment[row, 0] += over * here / (elapsed + 30.0)
        seen_segment[row, 1] += here / (elapsed + 30.0)
        if place >= k + 1:
            seen_segment[row, 3] = at
            seen_segment[row, 4] = mine[5] + (k + 1 - there) / (place - there) * (delay - mine[5])


@compiled()
def _go_through(  # type: ignore[no-untyped-def]
    order, wanted, run, ats, places, speeds, trip, midnights, kinds, first, arrival, departure, metres, planned,
    timepoint, marks, rows, routes, ahead_s, city, lines, segment, local, weight,
    seen_segment, seen_line, seen_run, seen_city, features, point, call,
):  # fmt: skip
    count = 0
    for row in order:
        r = run[row]
        at, place = ats[row], places[row]
        base = first[trip[r]]
        last = first[trip[r] + 1] - base - 1
        kind, route, mine = kinds[r], routes[trip[r]], seen_run[r]
        start = midnights[r] + departure[base]
        delay = at - _planned_at(base, place, last, midnights[r], arrival, departure)
        if place <= LEFT:
            delay = max(0.0, at - start)
        if mine[0] == mine[0]:
            if at > mine[0]:
                _remember(
                    at, place, base, last, kind, route, midnights[r], start, planned, rows, city, lines, segment, local,
                    seen_segment, seen_line[route], seen_city[0], mine, delay,
                )  # fmt: skip
        else:
            mine[2], mine[3], mine[4] = at, 0.0, 0.0
        if not (mine[0] == mine[0] and place <= mine[1] + 0.01):
            mine[2] = at
        if mine[0] == mine[0]:
            kept = np.exp(-(at - mine[0]) / 600.0)
            mine[6] = mine[6] * kept + delay * (1 - kept)
        else:
            mine[6] = delay
        mine[0], mine[1], mine[5] = at, place, delay
        if not wanted[row]:
            continue
        count = _look_ahead(
            row, at, place, speeds[row], base, last, kind, route, midnights[r], ahead_s, arrival, departure,
            metres, planned, timepoint, marks, rows, city, lines, segment, local, weight, seen_segment,
            seen_line[route], seen_city[0], mine, features, point, call, count,
        )  # fmt: skip


@compiled()
def _look_ahead(  # type: ignore[no-untyped-def]
    row, at, place, speed, base, last, kind, route, midnight, ahead_s, arrival, departure, metres, planned,
    timepoint, marks, rows, city, lines, segment, local, weight, seen_segment, seen_line, seen_city, mine,
    features, point, call, count,
):  # fmt: skip
    waiting = place <= LEFT
    start = midnight + departure[base]
    wait = max(0.0, start - at) if waiting else 0.0
    delay, evidence = mine[5], 0.0
    learned, others, hold, plan = wait, 0.0, 0.0, 0.0
    k = min(int(place), last)
    part = place - k
    pace = np.log((mine[3] + PACE_PRIOR_S) / (mine[4] + PACE_PRIOR_S))
    drift = seen_line[0] / (seen_line[1] + 2.0) * (np.exp(-(at - seen_line[2]) / 3600.0) if seen_line[1] > 0 else 0.0)
    today = seen_city[0] / (seen_city[1] + 5.0)
    gone = _planned_at(base, place, last, midnight, arrival, departure) - start
    ahead = rows[base + k]
    here = metres[base + k] + part * (metres[min(base + k + 1, base + last)] - metres[base + k])
    begun = k
    plan = -part * planned[base + k]
    while k < last:
        plan += planned[base + k]
        if plan > ahead_s:
            break
        left = 1.0 - part
        part = 0.0
        seg = rows[base + k]
        if k > begun and timepoint[base + k]:
            # Where drivers wait for the time, an early bus leaves on time.
            hold += max(0.0, midnight + departure[base + k] - at - learned - hold)
        seconds = (
            left
            * planned[base + k]
            * np.exp(surplus(kind, hour_of(at + learned, midnight), route, seg, city, lines, segment, local))
        )
        kept = np.exp(-(at - seen_segment[seg, 2]) / RECENT_S) if seen_segment[seg, 1] > 0 else 0.0
        over = seen_segment[seg, 0] * kept / (seen_segment[seg, 1] * kept + RECENT_PRIOR)
        learned += seconds
        others += seconds * (np.exp(over) - 1.0)
        evidence += weight[seg, kind]
        k += 1
        f = features[count]
        f[0] = learned
        f[1] = midnight + arrival[base + k] + delay - at
        f[2] = delay
        f[3] = others
        f[4] = (learned - wait) * pace
        f[5] = plan
        f[6] = metres[base + k] - here
        f[7] = k - begun
        f[8] = ((at - midnight) % 86_400) / 3600.0
        f[9] = kind
        f[10] = start - at if waiting else np.nan
        f[11] = at - mine[2]
        f[12] = 1.0 - (place - begun)
        f[13] = evidence / (k - begun)
        f[14] = drift
        f[15] = delay - mine[6]
        f[16] = hold
        f[17] = min(7200.0, at - seen_segment[seg, 3])
        f[18] = speed
        f[19] = seen_line[3]
        f[20] = marks[base + k] - marks[base + begun + 1]
        f[21] = seen_segment[seg, 4] if at - seen_segment[seg, 3] < 7200.0 else np.nan
        f[22] = f[21] - seen_segment[ahead, 4]
        f[23] = min(7200.0, at - seen_segment[ahead, 3])
        f[24] = gone
        f[25] = arrival[base + last] - arrival[base + k]
        f[26] = mine[7]
        f[27] = today
        point[count], call[count] = row, k
        count += 1
    return count
