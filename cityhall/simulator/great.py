"""A great thing at the control desk: many call about one fire, one of them about something else.

A supervisor declares a major incident, the operator attaches the calls to it, takes out the one that has nothing to do
with it, all write into one log, and at the end everybody stands down. By the pages that people have.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from cityhall.simulator.visits import Connect, Visit

log = logging.getLogger("cityhall.simulator")
FIRST_S, EVERY_S = 40.0, 1500.0
"""When the first comes, and how long there is between two."""
CALLS = ((0.0, "fire"), (5.0, "fire"), (9.0, "medical"), (14.0, "panic"), (20.0, "fire"))
"""When somebody calls, and about what; the fourth has seen no fire."""
OTHER = 3
DECLARED_S, TAKEN_OUT_S, NOTED_S, DOWN_S = 24.0, 60.0, 80.0, 240.0
AROUND = 0.0012
"""Degrees within which they stand."""
NAMES = ("Fire at the market", "Fire in the old mill", "Smoke in the underpass")
NOTE, DOWN = "Two engines there, one side street closed", "The fire is out; thank you all"


@dataclass
class Scene:
    """What has happened by now: the calls' numbers in their order, and the incident's."""

    began: float
    place: tuple[float, float]
    name: str
    calls: list[int] = field(default_factory=list)
    incident: int = 0
    attached: set[int] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


class Great:
    """Scenes, one after another. `first_home` is where its people live: the supervisor, then the callers."""

    def __init__(
        self, connect: Connect, supervisor: str, password: str, seed: int, speed: float, first_home: int, now: float
    ) -> None:
        self.rng = np.random.default_rng([seed, 11])
        self.supervisor, self.email, self.password = Visit(connect(first_home)), supervisor, password
        self.callers = [connect(first_home + 1 + number) for number in range(len(CALLS))]
        self.speed, self.next, self.signed_in = speed, now + FIRST_S / speed, False
        self.scene: Scene | None = None

    def step(self, operator: Visit, nodes: list[tuple[float, float]], open_alerts: set[int], now: float) -> None:
        """What is due; `open_alerts` are those in the queue. Raises httpx.HTTPError, and what was due is due still."""
        if self.scene is None:
            if now < self.next:
                return
            place = nodes[int(self.rng.integers(len(nodes)))]
            self.scene = Scene(now, place, NAMES[int(self.rng.integers(len(NAMES)))])
        scene, after = self.scene, (now - self.scene.began) * self.speed
        while len(scene.calls) < len(CALLS) and after >= CALLS[len(scene.calls)][0]:
            self._call(scene)
        self._attach(scene, operator, open_alerts, after)
        self._once(scene, "note", after >= NOTED_S, lambda: self._tell(operator, scene, "note", NOTE))
        self._once(scene, "down", after >= DOWN_S, lambda: self._tell(self.supervisor, scene, "stand-down", DOWN))
        if "down" in scene.done or after > 3 * DOWN_S:
            self.scene, self.next = None, now + EVERY_S / self.speed

    def _call(self, scene: Scene) -> None:
        number = len(scene.calls)
        east, north = self.rng.uniform(-AROUND, AROUND, 2)
        body: dict[str, Any] = {"key": self.rng.bytes(16).hex(), "kind": CALLS[number][1], "accuracy": 25}
        body |= {"lon": scene.place[0] + east, "lat": scene.place[1] + north}
        answer = self.callers[number].post("/api/safety/presses", json=body).raise_for_status()
        scene.calls.append(answer.json()["alert"])

    def _attach(self, scene: Scene, operator: Visit, open_alerts: set[int], after: float) -> None:
        """Declared at the first call that is open, the others attached by the operator, and one taken out again."""
        there = [number for number in scene.calls if number in open_alerts]
        if after < DECLARED_S or not there:
            return
        if not scene.incident:
            self._declare(scene, there[0])
        for number in there:
            if number not in scene.attached:
                operator.post(f"/safety/alerts/{number}/attach/", {"other": str(scene.incident)})
                scene.attached.add(number)
        wrong = scene.calls[OTHER] if len(scene.calls) > OTHER else 0
        due = after >= TAKEN_OUT_S and wrong in scene.attached and wrong in open_alerts
        self._once(scene, "detach", due, lambda: operator.post(f"/safety/alerts/{wrong}/detach/", {}))

    def _declare(self, scene: Scene, alert: int) -> None:
        if not self.signed_in:
            self.supervisor.sign_in(self.email, self.password)
            self.signed_in = True
        try:
            self.supervisor.post(f"/safety/alerts/{alert}/declare/", {"text": scene.name})
        except httpx.HTTPStatusError:
            self.signed_in = False
            raise
        page = self.supervisor.get("/safety/incidents/").raise_for_status().text
        scene.incident = max(int(number) for number in re.findall(r"/safety/incidents/(\d+)/", page))
        scene.attached.add(alert)

    @staticmethod
    def _tell(visit: Visit, scene: Scene, what: str, text: str) -> None:
        visit.post(f"/safety/incidents/{scene.incident}/{what}/", {"text": text})

    @staticmethod
    def _once(scene: Scene, what: str, due: bool, do: Callable[[], object]) -> None:
        if due and scene.incident and what not in scene.done:
            do()
            scene.done.add(what)
