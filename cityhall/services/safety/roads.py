"""Where units are, and how long they take by road."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from cityhall.kernel.places.point import Point, metres_between
from cityhall.kernel.places.streets import streets
from cityhall.services.safety.models import Unit

FRESH = timedelta(minutes=2)
"""A place that is older is not where the unit is."""
PALE = timedelta(seconds=45)
"""From this age on a place is shown pale: the map's rule (`presence`, frontend/src/map/positions.ts)."""
CROW_M_S = 7.0
"""How fast a unit gets on in a straight line where the streets are not known: 40 km/h over ways 1.6 times as long."""
LONGEST_S = 7200.0


class Seen(NamedTuple):
    """How long ago a unit's receiver said where it is; `old`: so long that it may be elsewhere, and is shown pale."""

    age_s: float
    old: bool

    @classmethod
    def of(cls, unit: Unit, now: datetime) -> Seen | None:
        """Of a unit; None where it has no receiver that has ever spoken."""
        state = getattr(unit.vehicle, "state", None) if unit.vehicle else None
        if state is None:
            return None
        age = now - state.at
        return cls(max(0.0, age.total_seconds()), age > PALE)

    def __str__(self) -> str:
        if self.age_s < 120:
            return _("%(seconds)d s ago") % {"seconds": round(self.age_s)}
        if self.age_s < 7200:
            return _("%(minutes)d min ago") % {"minutes": math.floor(self.age_s / 60)}
        return _("%(hours)d h ago") % {"hours": math.floor(self.age_s / 3600)}


def place_of(unit: Unit, now: datetime) -> tuple[Point | None, datetime | None]:
    """Where a unit is and since when that is known; its station, and None, where its receiver is silent."""
    state = getattr(unit.vehicle, "state", None) if unit.vehicle else None
    if state is not None and now - state.at <= FRESH:
        return Point(*state.point), state.at
    return unit.station, None


def seconds_to(
    goal: Point | None, places: Sequence[Point], longest: float = LONGEST_S
) -> tuple[list[float | None], bool]:
    """Seconds from each place to the goal (None: more than `longest`, or no way), and whether they are by road."""
    if goal is None or not places:
        return [None] * len(places), False
    graph = streets()
    network = graph.network("drive") if graph is not None else None
    end = network.snap(goal.lon, goal.lat) if network is not None else None
    if network is None or end is None:
        reckoned = [metres_between(place, goal) / CROW_M_S for place in places]
        return [one if one <= longest else None for one in reckoned], False
    begins = network.snap_all(np.array([place.lon for place in places]), np.array([place.lat for place in places]))
    times = network.reversed.one_to_many(end, begins, longest)
    return [float(one) if np.isfinite(one) else None for one in times], True
