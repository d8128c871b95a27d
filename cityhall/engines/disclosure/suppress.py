"""Primary and complementary suppression by linear programming.

Every count under `least` is held back, nought too. What else must be is found as Kelly, Golden and Assad (1992) do: for
each small cell, the cheapest other table that everybody would have to take for possible, in which that cell is `least`
more than it is. What differs in that table and is published is held back as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from cityhall.engines.disclosure.linked import Linked

LEAST = 5
_NEARLY = 1e-6

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def published(tables: Linked, least: int = LEAST, worth: Floats | None = None) -> Bools:
    """(cells,) which cells may be published: from them no count under `least` can be solved for.

    For every cell under `least`, of tables that are not published too, a table with the same published counts exists
    in which it is `least` more than it is: it can be neither solved for nor told to be small. `worth` (cells,) is how
    much one would like to keep each; without it, as much as the count has digits. Raises ValueError for a `least` under
    1, RuntimeError where the solver gives up.
    """
    if least < 1:
        raise ValueError("least must be 1 or more")
    small = tables.counts < least
    known = tables.shown & ~small
    if worth is None:
        worth = 1.0 + np.log1p(tables.counts.astype(np.float64))
    waiting = set(np.flatnonzero(small).tolist())
    # The same tables are always published the same way.
    random = np.random.default_rng(0)
    hopeful = True
    while waiting:
        safe = _many(tables, known, sorted(waiting), least, random) if hopeful else set()
        hopeful = bool(safe)
        if not safe:
            cell = min(waiting, key=lambda one: (int(tables.counts[one]), one))
            change = _cheapest(tables, known, cell, least, worth)
            differs = np.abs(change) > _NEARLY
            # Only what is held back now can make more of them safe together.
            hopeful = bool((known & differs).any())
            known = known & ~differs
            safe = {one for one in waiting if change[one] >= least - _NEARLY} | {cell}
        waiting -= safe
    return known


def _many(tables: Linked, known: Bools, cells: list[int], least: int, random: np.random.Generator) -> set[int]:
    """Those of the cells that one other possible table raises by `least`, as many as it happens to.

    Each counts differently: alike, they would all be raised by a little.
    """
    size, some = len(tables.keys), len(cells)
    if not some:
        return set()
    # The change of each cell, then how much of `least` each of `cells` has of it.
    cost = np.concatenate([np.zeros(size), -random.uniform(1.0, 2.0, some)])
    rise = sparse.csr_matrix((np.ones(some), (np.arange(some), cells)), shape=(some, size))
    wanted = sparse.hstack([-rise, sparse.identity(some)], format="csr")
    sums = sparse.hstack([tables.sums, sparse.csr_matrix((tables.sums.shape[0], some))], format="csr")
    # No more than that: else one LP would be unbounded where nothing is published.
    most = float(least * (some + 1))
    bounds = [
        (0.0, 0.0) if fixed else (-float(count), most * size) for count, fixed in zip(tables.counts, known, strict=True)
    ] + [(0.0, float(least))] * some
    found = optimize.linprog(
        cost, A_ub=wanted, b_ub=np.zeros(some), A_eq=sums, b_eq=np.zeros(sums.shape[0]), bounds=bounds, method="highs"
    )
    if found.status != 0:
        raise RuntimeError(found.message)
    return {cell for cell, change in zip(cells, found.x[size:], strict=True) if change >= least - _NEARLY}


def _cheapest(tables: Linked, known: Bools, cell: int, least: int, worth: Floats) -> Floats:
    """(cells,) the change to the cheapest other table in which `cell` is `least` more."""
    size = len(tables.keys)
    cost = np.where(known, worth, 1e-4)
    up_and_down = sparse.hstack([tables.sums, -tables.sums], format="csr")
    up: list[tuple[float, float | None]] = [(0.0, None)] * size
    down: list[tuple[float, float | None]] = [(0.0, float(count)) for count in tables.counts]
    up[cell], down[cell] = (float(least), float(least)), (0.0, 0.0)
    zeros = np.zeros(up_and_down.shape[0])
    found = optimize.linprog(
        np.concatenate([cost, cost]), A_eq=up_and_down, b_eq=zeros, bounds=up + down, method="highs"
    )
    if found.status != 0:
        raise RuntimeError(found.message)
    change: Floats = found.x[:size] - found.x[size:]
    return change
