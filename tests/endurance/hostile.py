"""Those who mean harm, each a thread that does one thing over and over, and counts what it was answered.

Each kind comes from forty addresses, as hired machines do, and goes at a rate of its own: together they ask for more
than the city has processors for, by its dearest pages. `attacking.py` lets them loose.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any, ClassVar

import httpx

from tests.endurance.city import City

SOURCES = 40
"""Addresses of each kind."""
BROKEN = ("500", "501", "502", "504")
"""What no kind may be answered: the city's own faults."""


class Hostile:
    """One kind. `every`: seconds between two steps, of which each may be several attempts.

    `expected` is every outcome that means that nothing was got through: a status, or a word of the kind's own.
    """

    every: ClassVar[float] = 1.0
    expected: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, city: City, number: int) -> None:
        self.city, self.rng = city, random.Random(number)
        self.sources = [f"198.{18 + number // 200}.{number % 200}.{one + 1}" for one in range(SOURCES)]
        self.outcomes: Counter[str] = Counter()
        self.samples: dict[str, str] = {}
        """Of what was not expected, one each: what was done, and what was answered."""

    def source(self) -> str:
        return self.rng.choice(self.sources)

    def step(self) -> None:
        """Does it once."""
        raise NotImplementedError

    def end(self) -> None:
        """Gives back what is held."""

    def count(self, outcome: object, what: str = "", told: str = "") -> None:
        self.outcomes[str(outcome)] += 1
        if str(outcome) not in self.expected:
            self.samples.setdefault(str(outcome), f"{what[:200]} -> {told[:300]}")

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(self.every * self.rng.uniform(0.5, 1.5)):
            try:
                self.step()
            except (OSError, httpx.TransportError):
                # No place for it, hung up on, or not answered in a minute: nobody is let through by that.
                self.outcomes["closed"] += 1
        self.end()

    def result(self) -> dict[str, Any]:
        fine = self.expected | {"closed"}
        return {
            "attempts": self.outcomes.total(),
            "outcomes": dict(self.outcomes.most_common()),
            "through": {one: self.samples.get(one, "") for one in self.outcomes if one not in fine},
        }
