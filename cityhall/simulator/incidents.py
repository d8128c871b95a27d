"""What goes wrong on the road now and then."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cityhall.simulator.bus import Bus

A_HOUR = {"detour": 0.03, "breakdown": 0.015, "long_stop": 0.06, "hurry": 0.06, "hard_brake": 0.12}
"""How often each happens to a bus in an hour of driving."""
OPENING = ((25.0, "long_stop"), (45.0, "detour"), (70.0, "hard_brake"), (95.0, "hurry"), (150.0, "breakdown"))
"""What happens to some bus so many seconds after the start, so that whoever looks at the demo has something to see."""


def happen(bus: Bus, what: str, now: float, rng: random.Random) -> bool:
    """Makes an incident happen to a bus; False where it cannot happen to it now."""
    if bus.trip is None or bus.vehicle.kind == "school" or bus.broken_until > now or bus.aside is not None:
        return False
    if what == "long_stop":
        if bus.mode != "dwelling":
            return False
        bus.until = max(bus.until, now + rng.uniform(180, 420))
        return True
    if bus.mode != "driving":
        return False
    if what == "detour":
        return bus.kind != "TR" and bus.leave_route()
    if what == "breakdown":
        bus.broken_until = now + rng.uniform(360, 1100)
    elif what == "hurry":
        bus.hurry_until = now + rng.uniform(60, 150)
    elif what == "hard_brake":
        if bus.speed < 7:
            return False
        bus.braking_hard = True
    return True


class Incidents:
    """Draws them. `often` multiplies how often they come."""

    def __init__(self, rng: random.Random, began: float, often: float = 1.0) -> None:
        self.rng, self.often = rng, often
        self.opening = [(began + after, what) for after, what in OPENING]

    def step(self, buses: Sequence[Bus], now: float, seconds: float) -> None:
        """What happens in the last `seconds`."""
        if self.opening and self.opening[0][0] <= now and buses:
            bus = self.rng.choice(buses)
            if happen(bus, self.opening[0][1], now, self.rng):
                self.opening.pop(0)
        for bus in buses:
            for what, rate in A_HOUR.items():
                if self.rng.random() < rate * self.often * seconds / 3600:
                    happen(bus, what, now, self.rng)
