"""Where a unit meets a bus under way: what the line does next is asked of whoever knows it, the way is by road.

The first stop that the unit reaches before the bus with a chance of 0.9 (`engines/intercept`); where no stop has it,
about the likeliest. Where nobody knows the bus's way, or no stop is reached in time, the unit chases it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.places.point import Point
from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.driving import At, Coming, Driving, DrivingNow
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety import roads

if TYPE_CHECKING:
    import numpy.typing as npt

    from cityhall.engines.intercept import Plan, Times

AHEAD = 20
"""So many stops before the bus are looked at: on a line of the city a quarter of an hour and more."""
MARGIN_S = 20.0
"""The unit is to be there so long before the bus: to stop it, it has to stand."""
QUICK, SLOW = 0.8, 1.4
"""Tenth and ninetieth percentile of what a unit takes over what was reckoned, until its own ways have taught better."""
EARLY_S, LATE_S = 60.0, 300.0
"""How far off its timetable a bus may be of which nothing is known today: what agencies call in time."""
KEEPS_S = 60.0
"""A stop that is as sure still is kept where another would save less: nobody is sent to and fro."""
LEAST = 0.5
"""With a smaller chance a unit does not drive to a stop: it goes after the bus."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Meet:
    """A stop where a unit meets a bus: seconds from now until each is there, and the chance that the unit is first."""

    line: str
    at: At
    seconds: float
    bus: float
    chance: float
    sure: bool

    @property
    def point(self) -> Point:
        """Where the stop is."""
        return Point(self.at.lon, self.at.lat)

    def __str__(self) -> str:
        return told(self.line, self.at.name, self.seconds, self.bus, self.chance if not self.sure else None)


def told(line: str, stop: str, seconds: float, bus: float, chance: float | None) -> str:
    """Why it is that stop, in the reader's language; `chance` where it is not sure."""
    values = {"line": line, "stop": stop, "time": span(seconds), "before": span(bus - seconds)}
    if chance is None:
        return _("meets line %(line)s at %(stop)s in %(time)s, %(before)s before it") % values
    values["chance"] = str(round(chance * 100))
    return _("may meet line %(line)s at %(stop)s in %(time)s: %(chance)s %% sure") % values


def span(seconds: float) -> str:
    """A time in words: whole minutes, below two of them seconds."""
    seconds = max(0.0, seconds)
    if seconds < 120:
        return _("%(seconds)d s") % {"seconds": round(seconds)}
    return _("%(minutes)d min") % {"minutes": math.floor(seconds / 60)}


def driving_of(vehicle: Vehicle | None, now: datetime) -> Driving | None:
    """What a vehicle does next; None where nobody knows. A fault of who is asked keeps no unit from being sent."""
    port = ask(DrivingNow) if vehicle is not None else None
    if vehicle is None or port is None:
        return None
    try:
        with transaction.atomic():
            return port([vehicle.public_id], now, AHEAD).get(vehicle.public_id)
    except Exception:
        log.exception("nobody could say what vehicle %s does", vehicle.pk)
        return None


def knows_way(driving: Driving | None) -> bool:
    """Whether it can be planned where to meet it."""
    return driving is not None and bool(driving.ahead) and not driving.off_way


def meets(driving: Driving, places: Sequence[Point], now: datetime, keep: str = "") -> list[Meet | None]:
    """Where a unit at each of the places meets it; None for one that is before it nowhere.

    `keep` is the stop that the unit is on its way to: it stays that one while it is as sure and not much later.
    """
    from cityhall.engines.intercept import Times, plan

    if not places or not driving.ahead:
        return [None] * len(places)
    bus = _bus(driving.ahead, now)
    ways = _ways(driving.ahead, places, bus)
    found: list[Meet | None] = []
    for seconds in ways:
        made = plan(bus, Times.driven(0.0, seconds, QUICK, SLOW), margin=MARGIN_S)
        row = _kept(driving.ahead, bus, made, keep)
        if row < 0 or made.chances[row] < LEAST:
            found.append(None)
            continue
        chance = float(made.chances[row])
        at = driving.ahead[row].at
        found.append(
            Meet(driving.line_name, at, float(seconds[row]), float(bus.middle[row]), chance, made.reason == "sure")
        )
    return found


def _kept(ahead: Sequence[Coming], bus: Times, made: Plan, keep: str) -> int:
    from cityhall.engines.intercept import SURE

    for row, coming in enumerate(ahead):
        if coming.at.stop == keep and made.row >= 0 and made.chances[row] >= SURE:
            return row if bus.middle[row] - bus.middle[made.row] <= KEEPS_S else made.row
    return made.row


def _bus(ahead: Sequence[Coming], now: datetime) -> Times:
    """When it comes to each stop, seconds from now: never before the stop that it comes to first."""
    from cityhall.engines.intercept import Times

    def after(at: datetime) -> float:
        return (at - now).total_seconds()

    middle = [after(one.arrival) for one in ahead]
    low = [after(one.earliest) if one.earliest else after(one.arrival) - EARLY_S for one in ahead]
    high = [after(one.latest) if one.latest else after(one.arrival) + LATE_S for one in ahead]
    middles, lows, highs = (np.maximum.accumulate(np.array(column)) for column in (middle, low, high))
    return Times(middles, np.minimum(lows, middles), np.maximum(highs, middles))


def _ways(ahead: Sequence[Coming], places: Sequence[Point], bus: Times) -> list[npt.NDArray[np.float64]]:
    """Seconds from each place to every stop, by road where the streets are known; inf for none."""
    table = np.full((len(places), len(ahead)), np.inf)
    for column, coming in enumerate(ahead):
        # A way so long that it would have to be far quicker than usual, and the bus far later, is none.
        latest = float(bus.high[column] + 4 * (bus.high[column] - bus.middle[column]))
        if latest > 0:
            times, _road = roads.seconds_to(Point(coming.at.lon, coming.at.lat), places, latest / QUICK)
            table[:, column] = [np.inf if one is None else one for one in times]
    return list(table)
