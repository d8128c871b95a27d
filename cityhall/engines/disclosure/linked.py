"""Tables that are linked: cells, and which of them are sums of others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Key = tuple[Hashable, ...]
"""A cell: the table's name, then the category of each of its dimensions."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Counts of several tables, and how they hang together.

    `counts` (cells,) are whole numbers from 0. `sums` (sums, cells) has 1 at what is added up and -1 at the sum: every
    true table has `sums @ counts == 0`, and everybody knows that. `shown` (cells,) is False for what is in no published
    table but may be solved for from them. `keys` name the cells.
    """

    keys: tuple[Key, ...]
    counts: npt.NDArray[np.int64]
    sums: sparse.csr_matrix
    shown: npt.NDArray[np.bool_]


def linked(
    counts: Mapping[Key, int], sums: Iterable[tuple[Key, Sequence[Key]]], hidden: frozenset[Hashable] = frozenset()
) -> Linked:
    """Tables from their cells, and every sum as (sum, what is added up). `hidden` names tables that are not published.

    Raises ValueError for a negative count, a cell in a sum that has no count, or a sum that does not add up.
    """
    keys = tuple(counts)
    place = {key: number for number, key in enumerate(keys)}
    values = np.array([counts[key] for key in keys], np.int64)
    if (values < 0).any():
        raise ValueError("a count below nought")
    rows: list[int] = []
    columns: list[int] = []
    signs: list[float] = []
    number = 0
    for whole, parts in sums:
        unknown = [key for key in (whole, *parts) if key not in place]
        if unknown:
            raise ValueError(f"the sum {whole} has cells without a count: {unknown[:3]}")
        if sum(counts[key] for key in parts) != counts[whole]:
            raise ValueError(f"{whole} is not the sum of its parts")
        rows += [number] * (len(parts) + 1)
        columns += [place[whole], *(place[key] for key in parts)]
        signs += [-1.0, *[1.0] * len(parts)]
        number += 1
    matrix = sparse.csr_matrix((signs, (rows, columns)), shape=(number, len(keys)))
    return Linked(keys, values, matrix, np.array([key[0] not in hidden for key in keys], np.bool_))
