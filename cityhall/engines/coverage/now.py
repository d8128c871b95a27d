"""The coverage map: how many units reach each place in time now, and what share of the residents somebody reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.coverage.covering import Float64, Int64


@dataclass(frozen=True, slots=True)
class Picture:
    """Points are as they were given.

    `covering` (points,) units that are there in time; `seconds` (points,) of the first, inf for none; `share` of the
    residents that some unit reaches in time, 1 where nobody lives; `alone` (units,) residents whom only that unit
    reaches, which is what is lost when it leaves.
    """

    covering: Int64
    seconds: Float64
    share: float
    alone: Float64


def picture(seconds: Float64, residents: Float64, limit: float) -> Picture:
    """The coverage by free units, each `seconds` (units, points) by road from each point, within `limit` seconds.

    Raises ValueError for shapes that do not fit, or negative numbers of residents.
    """
    if seconds.ndim != 2 or seconds.shape[1] != len(residents):
        raise ValueError("seconds is (units, points), residents (points,)")
    if not (residents >= 0).all():
        raise ValueError("the number of residents is not negative")
    within = seconds <= limit
    covering = within.sum(axis=0).astype(np.int64)
    total = float(residents.sum())
    share = float(residents[covering > 0].sum()) / total if total > 0 else 1.0
    return Picture(covering, seconds.min(axis=0, initial=np.inf), share, (within & (covering == 1)) @ residents)
