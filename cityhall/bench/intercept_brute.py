"""The first point by brute force: a plain search over the street graph as it was read, and time second by second."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.special import ndtr, ndtri

from cityhall.engines.coverage.covering import Float64, Int64
from cityhall.engines.intercept import Times
from cityhall.engines.streets import PROFILES, Snap, StreetGraph

COLUMN = PROFILES.index("drive")
SURE, NEARLY = 0.9, 0.005
TEN = float(ndtri(0.9))
TOGETHER = 8
"""Points that are reckoned at once: the first that is sure is often among the first few, and ends the search."""


class Brute:
    """The streets as one matrix of seconds, in tenths as the streets' engine counts them."""

    def __init__(self, graph: StreetGraph) -> None:
        with np.errstate(divide="ignore"):
            seconds = graph.length[:, None] / graph.speed[:, COLUMN]
        allowed = (graph.speed[:, COLUMN] > 0) & graph.main[:, COLUMN][:, None]
        self.along = np.where(allowed, np.maximum(1, np.rint(seconds * 10)), np.inf)
        self.tail, self.head = np.asarray(graph.tail), np.asarray(graph.head)
        tail, head = np.append(self.tail, self.head), np.append(self.head, self.tail)
        weight = self.along.T.ravel()
        order = np.lexsort((weight, head, tail))
        order = order[np.isfinite(weight[order]) & (tail[order] != head[order])]
        first = np.append(True, np.diff(tail[order]) + np.diff(head[order]) * 10**7 != 0)
        kept = order[first]
        # One node more, where every search begins: two arcs lead from it to where the unit may leave its segment.
        self.start = len(graph.lon)
        count = np.bincount(tail[kept], minlength=self.start + 1)
        count[self.start] = 2
        self.matrix = csr_array(
            (
                np.append(weight[kept], [0.0, 0.0]),
                np.append(head[kept], [0, 0]).astype(np.int32),
                np.append(0, np.cumsum(count)).astype(np.int32),
            ),
            shape=(self.start + 1, self.start + 1),
        )

    def seconds(self, origin: Snap, targets: list[Snap]) -> Float64:
        """(targets,) seconds by road."""
        on, back = self.along[origin.segment]
        leave = [(self.head[origin.segment], on, 1 - origin.share), (self.tail[origin.segment], back, origin.share)]
        starts = [
            (int(node), round(time * part) if part else 0)
            for node, time, part in leave
            if np.isfinite(time) or part == 0
        ]
        both = [starts[0], starts[-1]]
        self.matrix.indices[-2:] = [node for node, _ in both]
        # An arc of no length would be none: each is a tenth longer.
        self.matrix.data[-2:] = [lead + 1 for _, lead in both]
        best = dijkstra(self.matrix, indices=self.start) - 1
        found = []
        for target in targets:
            there, away = self.along[target.segment]
            ways = [
                best[node] + (round(time * part) if part else 0)
                for node, time, part in (
                    (self.tail[target.segment], there, target.share),
                    (self.head[target.segment], away, 1 - target.share),
                )
                if np.isfinite(time) or part == 0
            ]
            if target.segment == origin.segment:
                step = there if target.share >= origin.share else away
                ways.append(round(step * abs(target.share - origin.share)) if np.isfinite(step) else np.inf)
            found.append(min(ways, default=np.inf) / 10)
        return np.array(found)

    def first(self, bus: Times, unit: Times, margin: float) -> int:
        """The row of the first point with the chance SURE, else the first of about the likeliest; -1 for none."""
        likeliest = np.zeros(0)
        for low in range(0, len(bus), TOGETHER):
            rows = np.arange(low, min(low + TOGETHER, len(bus)))
            found = second_by_second(bus, unit, rows, margin)
            sure = np.flatnonzero(found >= SURE)
            if sure.size:
                return int(rows[sure[0]])
            likeliest = np.append(likeliest, found)
        most = likeliest.max(initial=0.0)
        return int(np.argmax(likeliest >= most - NEARLY)) if most > NEARLY else -1


def second_by_second(bus: Times, unit: Times, rows: Int64, margin: float) -> Float64:
    """(rows,) the chance that the bus comes in each second, times the chance that the unit is there by then."""
    chance = np.zeros(len(rows))
    there = np.isfinite(unit.middle[rows])
    if not there.any():
        return chance
    reached = rows[there]
    middle, low, high = (column[reached] for column in (bus.middle, bus.low, bus.high))
    # From a time at which it is as good as sure that the bus has not come; what comes after the last second counts as
    # coming then: the unit is there long since, or later still.
    begin = np.floor(middle - 8 * (middle - low) - 60)
    seconds = int(np.ceil((middle + 6 * (high - low) + 1200 - begin).max()))
    edges: Float64 = begin[:, None] + np.arange(seconds, dtype=np.float64)
    comes = np.diff(np.hstack([by(bus, reached, edges), np.ones((len(reached), 1))]), axis=1)
    chance[there] = (comes * by(unit, reached, edges + 0.5 - margin)).sum(axis=1)
    return chance


def by(times: Times, rows: Int64, at: Float64) -> Float64:
    """(rows, moments) the chance to have come by each: Tukey's g by its percentiles, as the ratio of its two sides."""
    middle = times.middle[rows]
    before, after = middle - times.low[rows], times.high[rows] - middle
    before, after = np.maximum(before, after / 20), np.maximum(after, before / 20)
    late = at - middle[:, None]
    certain = before <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(certain, 1.0, after / before)
        even = np.abs(ratio - 1) < 1e-9
        # late = after (ratio^(z / ten) - 1) / (ratio - 1), solved for z.
        inside = 1 + late * ((ratio - 1) / after)[:, None]
        bent = np.log(np.maximum(inside, 1e-300)) * (TEN / np.log(ratio))[:, None]
        beyond = np.where(ratio > 1, -np.inf, np.inf)[:, None]
        score = np.where(even[:, None], late * (TEN / after)[:, None], np.where(inside > 0, bent, beyond))
    if times.shape is not None:
        score = np.interp(score, times.shape.score, times.shape.at)
    return np.where(certain[:, None], np.where(late >= 0, 1.0, 0.0), ndtr(score))
