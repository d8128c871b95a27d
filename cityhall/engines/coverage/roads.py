"""A city's roads with the time between any two places at hand, for simulations that ask millions of times.

Most nodes of a road map only bend a line. Roads are kept as chains between crossings; times between crossings are in
a table, and a place on a chain is reached by either of its ends, or along the chain itself. All exact: no shorter way
exists in the whole map (tried against a plain search).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from cityhall.engines.compiled import compiled
from cityhall.engines.coverage.covering import Float64, Int64

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


class Roads(NamedTuple):
    """M modes of travel, N nodes, K crossings. Seconds; inf where there is no way.

    A node between crossings lies `along` its chain (-1 at a crossing) from crossing `end[0]` to `end[1]`; `leave` is
    its time to either end, `enter` from it. `gone` is the time of the chain's arcs up to the node, going on from
    `end[0]` and back from `end[1]`, with arcs that are not there left out, and `shut` how many of those there are.
    """

    chain: Int32  # (N,)
    along: Int32  # (N,)
    end: Int32  # (2, N)
    leave: Float64  # (M, 2, N)
    enter: Float64  # (M, 2, N)
    gone: Float64  # (M, 2, N)
    shut: Int32  # (M, 2, N)
    table: Float32  # (M, K, K)


class Way(NamedTuple):
    """The quickest way to one place from everywhere: the node after each (itself at the place), and what is left."""

    after: Int32  # (N,)
    left: Float64  # (N,) seconds by the mode that it is quickest for
    other: Float64  # (M, N) seconds of the arc to `after` by each mode


def make(tail: Int64, head: Int64, seconds: Float64, nodes: int) -> Roads:
    """The roads of directed arcs: tail, head (arcs,), seconds (M, arcs), more than 0.

    Of arcs that run beside one another the quickest counts, by each mode. Raises ValueError for arcs that lead
    nowhere or take no time.
    """
    if len(tail) and (min(tail.min(), head.min()) < 0 or max(tail.max(), head.max()) >= nodes):
        raise ValueError("an arc leads to a node that is not there")
    if not (seconds > 0).all():
        raise ValueError("every arc takes more than 0 seconds")
    tail, head, seconds = _single(tail, head, seconds, nodes)
    near = _neighbours(tail, head, nodes)
    count = np.diff(near.indptr)
    crossing = np.full(nodes, -1, np.int32)
    chain, along, end = (np.full(shape, -1, np.int32) for shape in (nodes, nodes, (2, nodes)))
    # A ring with no crossing on it gets one.
    key, place = _keys(tail, head, nodes)
    walked = _chains(near.indptr.astype(np.int64), near.indices.astype(np.int64), count, crossing, chain, along, end)
    crossings = int(crossing.max(initial=-1)) + 1
    modes = len(seconds)
    leave, enter = np.full((modes, 2, nodes), np.inf), np.full((modes, 2, nodes), np.inf)
    leave[:, 0, crossing >= 0] = enter[:, 0, crossing >= 0] = 0.0
    gone, shut = np.zeros((modes, 2, nodes)), np.zeros((modes, 2, nodes), np.int32)
    table = np.full((modes, crossings, crossings), np.inf, np.float32)
    for mode in range(modes):
        weight = np.append(seconds[mode], np.inf)
        pairs = _measure(walked, crossing, key, place, weight, nodes, leave[mode], enter[mode], gone[mode], shut[mode])
        table[mode] = _between(pairs, crossings)
    return Roads(chain, along, end, leave, enter, gone, shut, table)


def way_to(node: int, tail: Int64, head: Int64, seconds: Float64, nodes: int, mode: int) -> Way:
    """The quickest way by `mode` to `node` from every node; arguments as of `make`. Where no way leads, left is inf."""
    tail, head, seconds = _single(tail, head, seconds, nodes)
    back = csr_array((seconds[mode], (head, tail)), shape=(nodes, nodes))
    left, before = dijkstra(back, indices=node, return_predecessors=True)
    after = np.where(before < 0, np.arange(nodes), before).astype(np.int32)
    key, place = _keys(tail, head, nodes)
    row = _arc(key, place, np.arange(nodes), after.astype(np.int64), nodes)
    other = np.where(row < 0, 0.0, np.take(seconds, np.maximum(row, 0), axis=1))
    return Way(after, np.asarray(left, np.float64), other)


@compiled()
def between(roads, mode, origin, target):  # type: ignore[no-untyped-def]
    """Seconds by `mode` from node `origin` to node `target`, inf where there is no way."""
    if origin == target:
        return 0.0
    best = np.inf
    if roads.chain[origin] >= 0 and roads.chain[origin] == roads.chain[target]:
        # Along the chain, where no arc of it is missing between them.
        back = 1 if roads.along[target] < roads.along[origin] else 0
        if roads.shut[mode, back, origin] == roads.shut[mode, back, target]:
            best = roads.gone[mode, back, target] - roads.gone[mode, back, origin]
    for one in range(2):
        out = roads.leave[mode, one, origin]
        if out < best:
            row = roads.end[one, origin]
            for two in range(2):
                into = roads.enter[mode, two, target]
                if out + into < best:
                    best = min(best, out + roads.table[mode, row, roads.end[two, target]] + into)
    return best


def _single(tail: Int64, head: Int64, seconds: Float64, nodes: int) -> tuple[Int64, Int64, Float64]:
    """Arcs in the order of their ends, one for each pair, none from a node to itself."""
    kept = np.flatnonzero(tail != head)
    order = kept[np.argsort(tail[kept] * nodes + head[kept], kind="stable")]
    key = tail[order] * nodes + head[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
    least = np.minimum.reduceat(seconds[:, order], first, axis=1) if len(key) else seconds[:, :0]
    return tail[order][first], head[order][first], least


def _neighbours(tail: Int64, head: Int64, nodes: int) -> csr_array:
    both = csr_array((np.ones(2 * len(tail)), (np.append(tail, head), np.append(head, tail))), shape=(nodes, nodes))
    both.sum_duplicates()
    return both


def _keys(tail: Int64, head: Int64, nodes: int) -> tuple[Int64, Int64]:
    return tail * nodes + head, np.arange(len(tail))


def _arc(key: Int64, place: Int64, tail: Int64, head: Int64, nodes: int) -> Int64:
    """The row of each arc, -1 for one that is not there."""
    wanted = tail * nodes + head
    row = np.searchsorted(key, wanted)
    there = row < len(key)
    there[there] = key[row[there]] == wanted[there]
    return np.where(there, np.append(place, -1)[np.minimum(row, len(key))], -1)


@compiled()
def _chains(first, other, count, crossing, chain, along, end):  # type: ignore[no-untyped-def]
    """Numbers crossings, and every chain between two with what lies on it. Returns chains as (nodes, offsets)."""
    nodes = len(count)
    number = 0
    for node in range(nodes):
        if count[node] != 2:
            crossing[node] = number
            number += 1
    line, offsets, found = np.empty(3 * nodes + 2 * len(other) + 2, np.int64), [0], 0
    for start in range(2 * nodes):
        node = start % nodes
        if start >= nodes:
            # What is left lies on rings without a crossing: their first node becomes one.
            if crossing[node] >= 0 or chain[node] >= 0:
                continue
            crossing[node] = number
            number += 1
        elif crossing[node] < 0:
            continue
        for row in range(first[node], first[node + 1]):
            at, came, size = other[row], node, found
            if crossing[at] < 0 and chain[at] >= 0:
                continue
            if crossing[at] >= 0 and at < node:
                continue
            line[size] = node
            size += 1
            while crossing[at] < 0:
                chain[at], along[at] = len(offsets) - 1, size - found
                line[size] = at
                size += 1
                one, two = other[first[at]], other[first[at] + 1]
                came, at = at, (two if one == came else one)
            line[size] = at
            size += 1
            for k in range(found + 1, size - 1):
                end[0, line[k]], end[1, line[k]] = crossing[node], crossing[at]
            found = size
            offsets.append(found)
    for node in range(nodes):
        if crossing[node] >= 0:
            end[0, node] = crossing[node]
    return line[:found], np.array(offsets)


def _measure(
    walked: tuple[Int64, Int64],
    crossing: Int32,
    key: Int64,
    place: Int64,
    weight: Float64,
    nodes: int,
    leave: Float64,
    enter: Float64,
    gone: Float64,
    shut: Int32,
) -> tuple[Int64, Int64, Float64]:
    """Fills `leave` and `enter` (2, N) of one mode; gives the crossings' arcs: from, to, seconds."""
    line, offsets = walked
    inner = np.ones(max(len(line) - 1, 0), np.bool_)
    inner[offsets[1:-1] - 1] = False
    step = np.full((2, max(len(line) - 1, 0)), np.inf)
    for back, (a, b) in enumerate(((line[:-1], line[1:]), (line[1:], line[:-1]))):
        step[back, inner] = weight[_arc(key, place, a[inner], b[inner], nodes)]
    arcs = _sums(line, offsets, step, leave, enter, gone, shut)
    origin = crossing[line[offsets[:-1]]].astype(np.int64)
    target = crossing[line[offsets[1:] - 1]].astype(np.int64)
    return np.append(origin, target), np.append(target, origin), np.append(arcs[0], arcs[1])


@compiled()
def _sums(line, offsets, step, leave, enter, gone, shut):  # type: ignore[no-untyped-def]
    whole = np.empty((2, len(offsets) - 1))
    for k in range(len(offsets) - 1):
        low, high = offsets[k], offsets[k + 1] - 1
        for back_on in range(2):
            total, missing = 0.0, 0
            for k_on in range(1, high - low):
                place = high - k_on if back_on else low + k_on
                took = step[back_on, place if back_on else place - 1]
                total, missing = (total + took, missing) if took < np.inf else (total, missing + 1)
                gone[back_on, line[place]], shut[back_on, line[place]] = total, missing
        out, back = 0.0, 0.0
        for place in range(low + 1, high):
            out += step[0, place - 1]
            back += step[1, place - 1]
            enter[0, line[place]], leave[0, line[place]] = out, back
        whole[0, k], whole[1, k] = out + step[0, high - 1], back + step[1, high - 1]
        out, back = 0.0, 0.0
        for place in range(high - 1, low, -1):
            out += step[0, place]
            back += step[1, place]
            leave[1, line[place]], enter[1, line[place]] = out, back
    return whole


def _between(pairs: tuple[Int64, Int64, Float64], crossings: int) -> Float32:
    origin, target, seconds = pairs
    open_ = np.isfinite(seconds) & (origin != target)
    origin, target, seconds = _single(origin[open_], target[open_], seconds[open_][None], max(crossings, 1))[:3]
    graph = csr_array((seconds[0], (origin, target)), shape=(crossings, crossings))
    times: Float32 = dijkstra(graph).astype(np.float32)
    return times
