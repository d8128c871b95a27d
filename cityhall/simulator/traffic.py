"""What all buses share: how thick the traffic is, how many people wait, the lights, and when the last bus went."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from cityhall.simulator.streets import Streets

CONGESTION = (
    (0, 1.08),
    (6, 1.04),
    (7.5, 0.9),
    (8.5, 0.84),
    (10, 0.98),
    (13, 0.96),
    (16, 0.92),
    (17.5, 0.82),
    (20, 1.02),
)
"""Hour of the day -> speed, as a share of what the timetable reckons with; between them in a straight line."""
DEMAND = (
    (0, 0.12),
    (5, 0.1),
    (7.5, 1.0),
    (9, 0.8),
    (11, 0.45),
    (13, 0.6),
    (15, 0.55),
    (17.5, 1.0),
    (20, 0.4),
    (22, 0.25),
)
"""Hour of the day -> people who come to wait, as a share of the busiest."""
ARRIVALS_S = 0.65 / 60
"""People a second who come to a stop of an ordinary line at the busiest hour."""
LIGHT_S, RED_S = 75.0, 26.0
"""A traffic light's cycle, and how much of it is red."""
NO_GAP_S = 420.0
"""What is taken for the time since the last bus where none has been seen."""


def by_hour(table: tuple[tuple[float, float], ...], hour: float) -> float:
    """The table's value at an hour, round the clock."""
    before = max((row for row in table if row[0] <= hour), default=table[-1])
    after = min((row for row in table if row[0] > hour), default=(table[0][0] + 24, table[0][1]))
    return before[1] + (after[1] - before[1]) * (hour - before[0]) / (after[0] - before[0])


@dataclass
class Traffic:
    """`hour` is the city's hour of the day, as far as traffic and people go."""

    streets: Streets
    rng: random.Random
    hour: float = 12.0
    left: dict[tuple[int, int, int], float] = field(default_factory=dict)

    def pace(self, now: float, line: str) -> float:
        """Speed on a line now as a share of the timetable's: the hour's, and waves of some minutes that are its own."""
        own = random.Random(line).random() * math.tau
        wave = 0.06 * math.sin(now / 700 + own) + 0.04 * math.sin(now / 190 + 2 * own)
        return by_hour(CONGESTION, self.hour) * (1 + wave)

    def waiting(self, line: str, key: tuple[int, int, int], now: float) -> int:
        """How many wait for a bus at a stop: the longer since the last one, the more. A Poisson number."""
        liked = 0.5 + 1.4 * random.Random(f"liked {line}").random()
        gap = min(now - self.left.get(key, now - NO_GAP_S), 2400.0)
        return self.poisson(max(0.0, gap) * ARRIVALS_S * liked * by_hour(DEMAND, self.hour))

    def poisson(self, mean: float) -> int:
        """A Poisson number (Knuth, The Art of Computer Programming 2, section 3.4.1)."""
        limit, product, number = math.exp(-min(mean, 60.0)), self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            number += 1
        return number

    @staticmethod
    def red_for(place: tuple[float, float], now: float) -> float:
        """How long the light at a crossing stays red, 0 where it is green; every bus sees the same light."""
        phase = (now + hash((round(place[0], 5), round(place[1], 5))) % 75) % LIGHT_S
        return max(0.0, RED_S - phase)
