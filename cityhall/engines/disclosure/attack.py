"""What somebody can work out who has the published tables, a linear solver, and knows how the tables hang together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from cityhall.engines.disclosure.linked import Linked


def interval(tables: Linked, published: npt.NDArray[np.bool_], cell: int) -> tuple[float, float]:
    """The least and the most that a cell may be, given the published ones; infinite where nothing bounds it.

    `published` (cells,) says which counts are known. Raises ValueError where the tables cannot be, and RuntimeError
    where the solver gives up.
    """
    bounds: list[tuple[float, float | None]] = [
        (float(count), float(count)) if known else (0.0, None)
        for count, known in zip(tables.counts, published, strict=True)
    ]
    ends = [_end(tables, bounds, cell, sign) for sign in (1.0, -1.0)]
    return ends[0], ends[1]


def _end(tables: Linked, bounds: list[tuple[float, float | None]], cell: int, sign: float) -> float:
    cost = np.zeros(len(tables.keys))
    cost[cell] = sign
    zeros = np.zeros(tables.sums.shape[0])
    found = optimize.linprog(cost, A_eq=tables.sums, b_eq=zeros, bounds=bounds, method="highs")
    if found.status in (3, 4) and sign < 0:
        return float("inf")
    if found.status == 2:
        raise ValueError("no table has these counts")
    if found.status != 0:
        raise RuntimeError(found.message)
    return float(sign * found.fun)
