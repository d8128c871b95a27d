"""Which unit goes to which station, all at once: worth of one more unit at a station less what the way there costs.

Zhang, Simulation optimisation and Markov models for dynamic ambulance redeployment, thesis, University of
Auckland: where each further unit at a station is worth less than the one before, the integer program is an
assignment problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from cityhall.engines.coverage.covering import Float64, Int64


@dataclass(frozen=True, slots=True)
class Assigned:
    """`station` is (units,) the row of the station, -1 for a unit that stays without; `worth` the whole's."""

    station: Int64
    worth: float


def assign(costs: Float64, slots: Int64, benefits: Float64, movable: int) -> Assigned:
    """Sends units to stations for the greatest sum of benefits less costs.

    costs: (units, stations); the first `movable` units must get a station, the others (still at a hospital) may stay
    without. slots: (slots,) the station of each place for a unit; benefits: (slots,) what that place is worth, at each
    station strictly falling. Raises ValueError where they do not fall, or there are fewer places than units.
    """
    units = len(costs)
    if len(slots) < units:
        raise ValueError(f"{units} units need as many places, and the stations have {len(slots)}")
    for station in np.unique(slots):
        if (np.diff(benefits[slots == station]) >= 0).any():
            raise ValueError("each further unit at a station is worth less than the one before: order the benefits")
    if not units:
        return Assigned(np.zeros(0, np.int64), 0.0)
    worth = benefits[None, :] - costs[:, slots]
    # A place that is nowhere for each unit that may stay without one.
    nowhere = np.full((units, units - movable), -np.inf)
    nowhere[movable:] = 0.0
    table = np.hstack([worth, nowhere])
    rows, columns = linear_sum_assignment(table, maximize=True)
    station = np.append(slots, np.full(units - movable, -1))[columns]
    return Assigned(station.astype(np.int64), float(table[rows, columns].sum()))
