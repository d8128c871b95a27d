"""SIGKILL at random, for every kind of process alike; and a look at the pages ten times a second meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil

from tests.faults.town import Town

PAGE = "/reports/"
LOOK_S = 0.1
LONGEST_LOOK_S = 1.5
"""A page that takes longer counts as away."""
AT_ONCE = 0.2
"""Share of times that two are killed at once."""


@dataclass
class Outage:
    """From the last page that came to the next that did, seconds of `time.monotonic`."""

    began: float
    seconds: float
    after: str
    """What was killed before it."""


@dataclass
class Watch:
    """Somebody who reloads a page again and again."""

    town: Town
    stop: threading.Event = field(default_factory=threading.Event)
    outages: list[Outage] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)
    away: bool = False
    cause: str = ""
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to look."""
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Looks no more."""
        self.stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self.stop.wait(LOOK_S):
            came = False
            with suppress(httpx.HTTPError):
                came = httpx.get(f"{self.town.address}{PAGE}", timeout=LONGEST_LOOK_S).status_code == 200
            now = time.monotonic()
            if came and self.away:
                self.outages.append(Outage(self.last, now - self.last, self.cause))
                self.cause = ""
            if came:
                self.last = now
            self.away = not came


@dataclass
class Killer:
    """Kills, waits until the pages are there, and kills again."""

    town: Town
    watch: Watch
    seed: int = 1
    killed: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float, pause_s: float = 2.5, at_least: int = 2) -> None:
        """Does so for a while, `at_least` so often; pauses are exponential, `pause_s` on average."""
        chance, until = random.Random(self.seed), time.monotonic() + seconds
        while time.monotonic() < until or self.killed.total() < at_least:
            names = [self._kill(chance) for _ in range(2 if chance.random() < AT_ONCE else 1)]
            self.watch.cause = " and ".join(names)
            self.killed.update(names)
            # A look that began before may still come back with a page.
            time.sleep(LOOK_S + LONGEST_LOOK_S)
            while self.watch.away and time.monotonic() < until + 60:
                time.sleep(LOOK_S)
            time.sleep(min(chance.expovariate(1 / pause_s), 5 * pause_s))

    def _kill(self, chance: random.Random) -> str:
        parts = {name: group for name, group in self.town.parts().items() if group}
        if not parts:
            return "nothing"
        # By what it is, not by how many there are of it: else it would be the database's helpers nearly always.
        name = chance.choice(sorted(parts))
        with suppress(psutil.Error):
            chance.choice(parts[name]).kill()
        return name
