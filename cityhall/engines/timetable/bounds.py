"""Lower bounds: how long it takes at least from every stop to a part of the city.

A search drops whatever cannot reach the goal before the best arrival known. The graph has an edge for every
two calls in a row (the fastest trip of the day) and every walk; waiting costs nothing. Bounds to each
single stop would need stops² numbers, so stops are put into clusters of near neighbours, and a bound is to
the nearest stop of a cluster. Same idea as ALT's (Goldberg, Harrelson: Computing the Shortest Path: A*
Search Meets Graph Theory, SODA 2005), with clusters in place of landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Float64, Int32, Int64
from cityhall.engines.timetable.footpaths import Footpaths
from cityhall.engines.timetable.patterns import Patterns

Int16 = npt.NDArray[np.int16]
FAR = 32_767
"""Seconds: as far as this, or out of reach."""
CLUSTERS = 64
CLUSTER_STOPS = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    """`seconds[c, s]`: from stop s to the nearest stop of cluster c, at least. `since`: the same, from c to
    s.
    """

    cluster: Int16  # (stops,)
    until: Int16  # (clusters, stops)
    since: Int16  # (clusters, stops)


def build_bounds(patterns: Patterns, footpaths: Footpaths, lon: Float64, lat: Float64) -> Bounds:
    """Bounds of a day's patterns and walks between the stops at (stops,) `lon`, `lat`."""
    stops = int(lon.size)
    cluster = _clusters(lon * np.cos(np.radians(np.median(lat) if stops else 0.0)), lat)
    tail, head, seconds = fastest(patterns)
    tail = np.concatenate([tail, footpaths.from_stop])
    head = np.concatenate([head, footpaths.to_stop])
    seconds = np.concatenate([seconds, footpaths.seconds])
    return Bounds(
        cluster,
        _reach(*_star(head, tail, seconds, stops), cluster),
        _reach(*_star(tail, head, seconds, stops), cluster),
    )


def fastest(patterns: Patterns) -> tuple[Int32, Int32, Int32]:
    """Every two calls in a row of each pattern: from stop, to stop, seconds of the fastest trip between
    them.
    """
    tails, heads, seconds = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for p in range(len(patterns)):
        calls = patterns.stops[patterns.first[p] : patterns.first[p + 1]]
        arrival, departure = patterns.times(p)
        tails.append(calls[:-1])
        heads.append(calls[1:])
        seconds.append((arrival[:, 1:] - departure[:, :-1]).min(axis=0))
    return np.concatenate(tails), np.concatenate(heads), np.concatenate(seconds)


def _clusters(x: Float64, y: Float64) -> Int16:
    """Halves the stops, each time across the longer side, until there are about CLUSTERS parts."""
    result = np.zeros(x.size, np.int16)
    parts = [np.arange(x.size)]
    while len(parts) * 2 <= CLUSTERS and x.size >= 2 * len(parts) * CLUSTER_STOPS:
        halves = []
        for part in parts:
            side = x if np.ptp(x[part]) > np.ptp(y[part]) else y
            order = part[np.argsort(side[part], kind="stable")]
            halves += [order[: order.size // 2], order[order.size // 2 :]]
        parts = halves
    for number, part in enumerate(parts):
        result[part] = number
    return result


def _star(tail: Int32, head: Int32, seconds: Int32, stops: int) -> tuple[Int64, Int32, Int32]:
    """Edges in forward star form: offsets (stops + 1,), heads, seconds."""
    order = np.argsort(tail, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=stops))]).astype(np.int64)
    return first, head[order].astype(np.int32), np.minimum(seconds[order], FAR).astype(np.int32)


@compiled()
def _reach(first: Int64, head: Int32, seconds: Int32, cluster: Int16) -> Int16:
    """(clusters, stops) shortest way from the nearest stop of each cluster: label correcting with a queue."""
    stops = cluster.size
    clusters = cluster.max() + 1 if stops else 1
    result = np.full((clusters, stops), FAR, np.int16)
    best = np.empty(stops, np.int32)
    queue, queued = np.empty(stops + 1, np.int32), np.zeros(stops, np.bool_)
    for number in range(clusters):
        begin, end = 0, 0
        for stop in range(stops):
            best[stop] = FAR
            if cluster[stop] == number:
                best[stop] = 0
                queue[end] = stop
                queued[stop] = True
                end += 1
        while begin != end:
            stop = queue[begin]
            begin = begin + 1 if begin < stops else 0
            queued[stop] = False
            for edge in range(first[stop], first[stop + 1]):
                other, then = head[edge], best[stop] + seconds[edge]
                if then < best[other]:
                    best[other] = then
                    if not queued[other]:
                        queued[other] = True
                        queue[end] = other
                        end = end + 1 if end < stops else 0
        for stop in range(stops):
            result[number, stop] = best[stop]
    return result
