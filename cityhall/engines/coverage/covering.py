"""Where to put so many stations that they cover the most: solved exactly.

Church and ReVelle, The maximal covering location problem, Papers of the Regional Science Association 32, 1974. Points
that the same sites cover are one point to the solver (the sum of their demand), which keeps real cities small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, eye_array, hstack, kron, vstack
from scipy.spatial import cKDTree

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


class UnsolvedError(ValueError):
    """The solver gave no proven optimum; the message is the solver's own."""


@dataclass(frozen=True, slots=True)
class Sites:
    """Chosen sites, ascending, and the demand that they cover. Nothing that covers more exists."""

    chosen: Int64
    covered: float


@dataclass(frozen=True, slots=True)
class Nested:
    """`order[k]` is the site opened as number k + 1; `covered[k]` what the first k + 1 cover together.

    `objective` is the sum of `covered` by weight.
    """

    order: Int64
    covered: Float64
    objective: float


def within(sites: Float64, points: Float64, radius: float) -> Bool:
    """(sites, points) whether a site, (sites, 2), is at most `radius` from a point, (points, 2), straight."""
    cover = np.zeros((len(sites), len(points)), np.bool_)
    for site, near in enumerate(cKDTree(points).query_ball_point(sites, radius * (1 + 1e-12))):
        cover[site, near] = True
    return cover


def merged(cover: Bool, demand: Float64) -> tuple[Bool, Float64]:
    """Points that the same sites cover made one, and those that nobody can cover left out."""
    packed = np.ascontiguousarray(np.packbits(cover, axis=0).T)
    rows = (
        packed.view(np.dtype((np.void, packed.shape[1] or 1))).ravel() if packed.size else np.zeros(len(demand), "V1")
    )
    _, first, of = np.unique(rows, return_index=True, return_inverse=True)
    sums = np.bincount(of.ravel(), demand, minlength=len(first))
    few = cover[:, first]
    kept = few.any(axis=0) & (sums > 0)
    return few[:, kept], sums[kept].astype(np.float64)


def maximal(cover: Bool, demand: Float64, facilities: int) -> Sites:
    """The `facilities` sites that cover the most demand together, proven.

    cover: (sites, points) who covers whom; demand: (points,) not negative. Raises ValueError for a number of
    facilities that does not fit, or negative demand, UnsolvedError where the solver gives up.
    """
    _check(cover, demand)
    if not 0 <= facilities <= len(cover):
        raise ValueError(f"{facilities} facilities do not fit on {len(cover)} sites: give 0 to {len(cover)}")
    few, weight = merged(cover, demand)
    sites, points = few.shape
    if not facilities or not points:
        return Sites(np.arange(facilities, dtype=np.int64), 0.0)
    # A point counts (at most once) where a site that covers it is open.
    linked = hstack([-coo_array(few.T.astype(np.float64)), eye_array(points)])
    count = coo_array(np.concatenate([np.ones(sites), np.zeros(points)])[None])
    solved = _solve(
        np.concatenate([np.zeros(sites), -weight]),
        [LinearConstraint(linked, -np.inf, 0), LinearConstraint(count, facilities, facilities)],
        np.repeat([1, 0], [sites, points]),
    )
    chosen = np.flatnonzero(np.rint(solved[:sites])).astype(np.int64)
    return Sites(chosen, float(demand[cover[chosen].any(axis=0)].sum()))


def nested(cover: Bool, demand: Float64, weights: Float64) -> Nested:
    """An order of opening such that the first 1, 2, 3 ... sites cover the most, by weight: a compliance table.

    weights: (sites,) how much having so many units free counts, such as its probability. Solved as one program over
    all rows (Gendreau, Laporte, Semet, The maximal expected coverage relocation problem, Journal of the Operational
    Research Society 57, 2006, with nesting). Raises as `maximal`.
    """
    _check(cover, demand)
    if len(weights) != len(cover) or (weights < 0).any():
        raise ValueError("give one weight, not negative, for each number of open sites")
    few, mass = merged(cover, demand)
    sites, points = few.shape
    rows = len(weights)
    opened, counted = rows * sites, rows * points
    x = np.arange(opened).reshape(rows, sites)
    linked = hstack([-kron(eye_array(rows), few.T.astype(np.float64)), eye_array(counted)])
    count = coo_array((np.ones(opened), (np.repeat(np.arange(rows), sites), x.ravel())), (rows, opened + counted))
    limits = [
        LinearConstraint(linked, -np.inf, 0),
        LinearConstraint(count, np.arange(1, rows + 1), np.arange(1, rows + 1)),
    ]
    if rows > 1:
        # A site that is open stays open with one more.
        pairs = (rows - 1) * sites
        before = coo_array((np.ones(pairs), (np.arange(pairs), x[:-1].ravel())), (pairs, opened + counted))
        after = coo_array((np.ones(pairs), (np.arange(pairs), x[1:].ravel())), (pairs, opened + counted))
        limits.append(LinearConstraint(vstack([before - after]), -np.inf, 0))
    solved = _solve(
        np.concatenate([np.zeros(opened), -np.outer(weights, mass).ravel()]),
        limits,
        np.repeat([1, 0], [opened, counted]),
    )
    since = rows - np.rint(solved[x]).sum(axis=0)
    order = np.argsort(since, kind="stable").astype(np.int64)
    covered = np.array([demand[cover[order[: k + 1]].any(axis=0)].sum() for k in range(rows)])
    return Nested(order, covered, float(covered @ weights))


def _check(cover: Bool, demand: Float64) -> None:
    if cover.ndim != 2 or cover.shape[1] != len(demand):
        raise ValueError("cover is (sites, points), and demand has one value a point")
    if not (np.isfinite(demand) & (demand >= 0)).all():
        raise ValueError("demand is a number that is not negative, for each point")


def _solve(cost: Float64, limits: list[LinearConstraint], whole: Int64) -> Float64:
    answer = milp(cost, constraints=limits, integrality=whole, bounds=Bounds(0, 1), options={"mip_rel_gap": 0.0})
    if answer.status != 0:
        raise UnsolvedError(str(answer.message))
    solution: Float64 = answer.x
    return solution
