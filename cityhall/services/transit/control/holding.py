"""What the city advises the drivers of a line that runs by headway: how long to wait at a control point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.engines.headway import gaps, two_way
from cityhall.engines.headway.holding import LONGEST_S
from cityhall.kernel.errors import Missing
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit.control.watch import Seen
from cityhall.services.transit.models import StopCall, VehicleState

DWELL_S = 20.0
"""What a bus stands at a stop anyhow, doors and riders."""
FULL = 5
"""OccupancyStatus (GTFS-Realtime): who is aboard loses more by waiting than anybody wins."""
SAME_PLACE_S = 15.0
"""Vehicles of a line less than this apart stand at one stop: the one whose trip began first is ahead."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Advice for a vehicle now. Seconds; NaN where there is nobody ahead or behind. `reason` as in engines/headway."""

    vehicle: str
    hold_s: float
    reason: str
    ahead: float
    behind: float
    before: str
    after: str


def holds(states: list[Seen]) -> dict[str, Hold]:
    """Advice for every vehicle of the lines that run by headway, by vehicle, from what is known of all of them."""
    found: dict[str, Hold] = {}
    lines: dict[tuple[str, int], list[Seen]] = {}
    for seen in states:
        if seen.headway_line and not math.isnan(seen.phase):
            lines.setdefault((seen.route, seen.direction), []).append(seen)
    for together in lines.values():
        # Later trips first: of vehicles at one place the earlier trip's is taken to be ahead.
        together.sort(key=lambda seen: (-seen.due_end, seen.vehicle))
        phase = np.array(
            [seen.phase // SAME_PLACE_S * SAME_PLACE_S if seen.at_stop else seen.phase for seen in together]
        )
        round_s = together[0].round_s
        apart = gaps(phase, None if math.isnan(round_s) else round_s)
        for place, seen in enumerate(together):
            ahead, behind = float(apart.ahead[place]), float(apart.behind[place])
            advice = two_way(ahead, behind)
            found[seen.vehicle] = Hold(
                seen.vehicle,
                advice.hold_s,
                advice.reason,
                ahead,
                behind,
                together[apart.before[place]].vehicle if apart.before[place] >= 0 else "",
                together[apart.after[place]].vehicle if apart.after[place] >= 0 else "",
            )
    return found


def _place(seen: Seen) -> float:
    return seen.phase // SAME_PLACE_S * SAME_PLACE_S if seen.at_stop else seen.phase


def advice(vehicle_id: str, states: list[Seen], now: datetime | None = None) -> Hold:
    """What one vehicle's driver should do now at a control point, less what it has been held already.

    Raises Missing for a vehicle that is not known.
    """
    if not Vehicle.objects.filter(public_id=vehicle_id, enabled=True).exists():
        raise Missing(_("There is no such vehicle."), mend=_("Check its number."))
    hold = holds(states).get(vehicle_id) or Hold(vehicle_id, 0.0, "alone", math.nan, math.nan, "", "")
    state = VehicleState.objects.filter(vehicle__public_id=vehicle_id).values("occupancy", "trip").first()
    if state and state["occupancy"] is not None and state["occupancy"] >= FULL:
        return Hold(vehicle_id, 0.0, "riders", hold.ahead, hold.behind, hold.before, hold.after)
    stands = StopCall.objects.filter(vehicle=vehicle_id, trip=state["trip"] if state else "", departed_at=None)
    since = stands.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
    if since is None:
        return hold
    held = max(0.0, ((now or timezone.now()) - since).total_seconds() - DWELL_S)
    left = max(0.0, min(hold.hold_s, LONGEST_S - held))
    reason = hold.reason if left else "go" if not hold.hold_s else "longest"
    return Hold(vehicle_id, left, reason, hold.ahead, hold.behind, hold.before, hold.after)
