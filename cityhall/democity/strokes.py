"""Streets get their names by strokes: a name goes on through a crossing where the street does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cityhall.democity.names import street
from cityhall.democity.streets import RANK, Town

BEND = np.cos(np.radians(38))


def name_streets(town: Town, words: Iterator[str]) -> None:
    """Names every street; the larger a street, the farther its name goes."""
    at: dict[int, list[int]] = {}
    for number, edge in enumerate(town.edges):
        at.setdefault(edge.a, []).append(number)
        at.setdefault(edge.b, []).append(number)
    order = sorted(range(len(town.edges)), key=lambda number: (-RANK[town.edges[number].kind], number))
    for number in order:
        edge = town.edges[number]
        if edge.name:
            continue
        edge.name = street(edge.kind, next(words))
        for node in (edge.a, edge.b):
            _go_on(town, at, number, node)


def _go_on(town: Town, at: dict[int, list[int]], number: int, node: int) -> None:
    """Carries a street's name on from one of its ends, as straight as it can."""
    while True:
        edge = town.edges[number]
        come = town.nodes[node] - town.nodes[edge.b if node == edge.a else edge.a]
        best, chosen = BEND, -1
        for other in at[node]:
            next_edge = town.edges[other]
            if other == number or next_edge.name or RANK[next_edge.kind] != RANK[edge.kind]:
                continue
            end = next_edge.b if next_edge.a == node else next_edge.a
            go = town.nodes[end] - town.nodes[node]
            straight = float(come @ go) / (np.hypot(*come) * np.hypot(*go))
            if straight > best:
                best, chosen = straight, other
        if chosen < 0:
            return
        following = town.edges[chosen]
        following.name = edge.name
        number, node = chosen, following.b if following.a == node else following.a
