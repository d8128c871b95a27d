"""The shuttle's drivers do as the city advises, and the gaps become even."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from cityhall.engines.gtfs import Schedule
from cityhall.engines.headway.gaps import mean_wait, variation
from cityhall.services.transit.control.holding import holds
from cityhall.services.transit.control.watch import Seen
from cityhall.simulator.bus import Bus
from cityhall.simulator.fleet import Fleet
from cityhall.simulator.roster import RECOVERY_S

HOURS = 2.0
BEGAN = datetime(2026, 11, 24, 9, tzinfo=ZoneInfo("Atlantic/Azores")).timestamp()


def seen(bus: Bus, now: float) -> Seen:
    """The bus as the tracker would have it."""
    assert bus.trip is not None
    moments = [
        moment - bus.trip.departure[0]
        for pair in zip(bus.trip.arrival, bus.trip.departure, strict=True)
        for moment in pair
    ]
    places = [place for place in bus.trip.stops for _ in (0, 1)]
    return Seen(
        *(bus.vehicle.id, now, 0.0, 0.0),
        route="CAT",
        trip=bus.trip.id,
        phase=float(np.interp(bus.along, places, moments)),
        round_s=moments[-1] + RECOVERY_S,
        headway_line=True,
        due_end=bus.trip.arrival[-1],
        at_stop=bus.mode != "driving",
    )


def headways(schedule: Schedule, advised: bool) -> np.ndarray:
    """Seconds between arrivals at the same stop, after the first half hour."""
    fleet = Fleet(schedule, BEGAN)
    fleet._plans.clear()
    fleet.incidents.often, fleet.incidents.opening = 0.0, []
    fleet.buses = {name: bus for name, bus in fleet.buses.items() if bus.vehicle.kind == "shuttle"}
    last: dict[int, float] = {}
    at: dict[str, tuple[str, int]] = {}
    found: list[float] = []
    for second in range(1, int(HOURS * 3600)):
        now = BEGAN + second
        fleet.step(now)
        out = [bus for bus in fleet.out() if bus.trip is not None]
        if advised and second % 10 == 0:
            advice = holds([seen(bus, now) for bus in out])
            for bus in fleet.asking():
                bus.hold_until = now + advice[bus.vehicle.id].hold_s
        for bus in out:
            assert bus.trip is not None
            here = (bus.trip.id, bus.stop)
            if at.get(bus.vehicle.id, here) != here and 0 < bus.stop < len(bus.trip.stops) - 1:
                if bus.stop in last and second > 1800:
                    found.append(now - last[bus.stop])
                last[bus.stop] = now
            at[bus.vehicle.id] = here
    return np.array(found)


def test_advice_evens_the_gaps(schedule: Schedule) -> None:
    free, held = headways(schedule, advised=False), headways(schedule, advised=True)
    assert variation(held) < 0.6 * variation(free)
    assert mean_wait(held) < mean_wait(free)
