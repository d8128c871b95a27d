"""The gaps between the vehicles of a line, in seconds of travel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gaps:
    """One element a vehicle, seconds; NaN where there is nobody. `before` and `after` are places of vehicles, -1 none.

    `ahead` is the time the vehicle is behind the one in front of it (`before`), `behind` the time by which the one
    behind (`after`) follows.
    """

    ahead: Float64
    behind: Float64
    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]


def gaps(phase: Float64, round_s: float | None) -> Gaps:
    """The gaps of vehicles at `phase`, seconds of usual travel from the line's start, (vehicles,).

    `round_s` is how long a round of a loop takes, rest included: the first vehicle then follows the last one. None
    for a line with two ends, of which the first vehicle follows nobody. Vehicles at the same place keep their order
    in the array. Raises ValueError for a round that is not positive.
    """
    if round_s is not None and not round_s > 0:
        raise ValueError("a round takes some time: give its seconds")
    count = phase.size
    ahead, behind = np.full(count, np.nan), np.full(count, np.nan)
    before, after = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    if count < 2:
        return Gaps(ahead, behind, before, after)
    order = np.argsort(phase if round_s is None else phase % round_s, kind="stable")
    place = phase[order] if round_s is None else phase[order] % round_s
    step = np.diff(place)
    ahead[order[:-1]] = behind[order[1:]] = step
    before[order[:-1]], after[order[1:]] = order[1:], order[:-1]
    if round_s is not None:
        last, first = order[-1], order[0]
        ahead[last] = behind[first] = round_s - (place[-1] - place[0])
        before[last], after[first] = first, last
    return Gaps(ahead, behind, before, after)


def variation(headways: Float64) -> float:
    """The headways' coefficient of variation (standard deviation over mean); 0 is perfectly even, NaN without any."""
    return float(np.std(headways) / np.mean(headways)) if headways.size and headways.mean() > 0 else float("nan")


def mean_wait(headways: Float64) -> float:
    """How long riders who come at random wait on the average, E[H²] / 2 E[H], seconds; NaN without headways.

    Source: Osuna and Newell, Control strategies for an idealized public transportation system, Transportation
    Science 6(1), 1972.
    """
    if not headways.size or headways.sum() <= 0:
        return float("nan")
    return float(np.square(headways).sum() / (2 * headways.sum()))
