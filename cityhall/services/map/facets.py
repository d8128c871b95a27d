"""Facets: the fields one can choose by and count, and how their counts are given to a chart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_VALUES = 40
"""Distinct values a field of text may have to be a facet."""
SHOWN = 12
BARS = 10
NEVER = frozenset({"id", "url", "color", "bearing", "points", "at", "title", "description"})
"""Fields that name or draw one feature; counting them tells nothing."""


@dataclasses.dataclass(frozen=True)
class Facet:
    """`counts` are (value, how many), the most first; for a spread of numbers (from, to, how many) in `bars`."""

    field: str
    counts: list[tuple[Any, int]] = dataclasses.field(default_factory=list)
    bars: list[tuple[float, float, int]] = dataclasses.field(default_factory=list)
    more: int = 0
    """How many features have a value that is not among those in `counts`."""


def is_facet(name: str, values: int, rows: int, *, numbers: bool) -> bool:
    """Whether a field of `rows` with so many distinct `values` can be chosen by: numbers, or few values that recur."""
    if name in NEVER or values < 2:
        return False
    return numbers or (values <= MOST_VALUES and values * 1.4 <= rows)


def count_values(name: str, pairs: Iterable[tuple[Any, int]]) -> Facet:
    """A facet of (value, how many)."""
    ordered = sorted(
        ((value, int(count)) for value, count in pairs if count), key=lambda pair: (-pair[1], str(pair[0]))
    )
    return Facet(name, ordered[:SHOWN], more=sum(count for _, count in ordered[SHOWN:]))


def spread(name: str, numbers: npt.NDArray[np.float64]) -> Facet:
    """A facet of numbers in BARS classes of one width, from the 1st to the 99th percentile: outliers join the ends."""
    if not numbers.size:
        return Facet(name)
    low, high = np.percentile(numbers, [1, 99])
    if low == high:
        return Facet(name, bars=[(float(low), float(high), int(numbers.size))])
    counts, edges = np.histogram(np.clip(numbers, low, high), BARS)
    return Facet(name, bars=[(float(edges[at]), float(edges[at + 1]), int(counts[at])) for at in range(BARS)])
