"""Dijkstra within a limit, compiled. Times are deciseconds, so that sums stay exact.

For the walks and rides a city's residents ask for (minutes, not hours) a search that stops at the limit touches a
few hundred crossings; figures beside other solvers are in README.md.
"""

from __future__ import annotations

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Int32, Int64

FAR = 2**30


@compiled(inline="always")
def _push(keys: Int64, size: int, key: int) -> int:
    place = size
    while place > 0:
        parent = (place - 1) >> 2
        if keys[parent] <= key:
            break
        keys[place] = keys[parent]
        place = parent
    keys[place] = key
    return size + 1


@compiled(inline="always")
def _pop(keys: Int64, size: int) -> int:
    """Takes the least key off the heap (four children a node: fewer cache lines than two) and returns it."""
    least, last = keys[0], keys[size - 1]
    size -= 1
    place = 0
    while True:
        child = 4 * place + 1
        if child >= size:
            break
        best = child
        for other in range(child + 1, min(child + 4, size)):
            if keys[other] < keys[best]:
                best = other
        if keys[best] >= last:
            break
        keys[place] = keys[best]
        place = best
    keys[place] = last
    return least


@compiled()
def within(
    arc_first: Int64,
    arc_head: Int32,
    arc_time: Int32,
    seeds: Int32,
    seed_times: Int32,
    limit: int,
    goal_a: int,
    goal_b: int,
    time: Int32,
    came: Int32,
    reached: Int32,
    heap: Int64,
) -> tuple[int, Int64]:
    """Fills `time` and `came` (the arc used, -1 at a seed) of every crossing reached within `limit`.

    Stops early when both goals (-1 for none) are settled. Returns how many crossings stand in `reached`, whose
    `time` the caller must set back to FAR, and the heap, which may have grown.
    """
    size, count, open_goals = 0, 0, (goal_a >= 0) + (goal_b >= 0 and goal_b != goal_a)
    for place in range(seeds.size):
        seed = seeds[place]
        if seed_times[place] < time[seed] and seed_times[place] <= limit:
            if time[seed] == FAR:
                reached[count] = seed
                count += 1
            time[seed] = seed_times[place]
            came[seed] = -1
            size = _push(heap, size, np.int64(seed_times[place]) << 32 | seed)
    while size > 0:
        key = _pop(heap, size)
        size -= 1
        now, at = key >> 32, key & 0xFFFFFFFF
        if now > time[at]:
            continue
        if at in (goal_a, goal_b):
            open_goals -= 1
            if open_goals == 0:
                break
        for arc in range(arc_first[at], arc_first[at + 1]):
            then, other = now + arc_time[arc], arc_head[arc]
            if then < time[other] and then <= limit:
                if time[other] == FAR:
                    reached[count] = other
                    count += 1
                time[other] = then
                came[other] = arc
                if size == heap.size:
                    larger = np.empty(2 * heap.size, np.int64)
                    larger[:size] = heap
                    heap = larger
                size = _push(heap, size, np.int64(then) << 32 | other)
    return count, heap
