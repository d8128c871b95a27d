"""An evening at the control desk: buttons are pressed, an operator answers, patrols go where they are sent.

All of it by the doors that a city has: signed envelopes of poles and patrols, the press of a telephone, the pages of
the desk and of a unit. Some presses are left to whoever tries the desk; they go up meanwhile. Whoever called by text
message is written to, and now and then there is a great thing (`great.py`).
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from cityhall.engines.gtfs import Schedule
from cityhall.simulator import clock
from cityhall.simulator.course import METRES_A_DEGREE
from cityhall.simulator.great import Great
from cityhall.simulator.outside import Outside
from cityhall.simulator.signing import Signer
from cityhall.simulator.streets import Node, Streets
from cityhall.simulator.visits import Connect, Visit, connector
from cityhall.simulator.weather import Weather

log = logging.getLogger("cityhall.simulator")
FIRST_HOME = 30_000
"""Their homes' numbers, beyond the officers'."""
PRESS_EVERY_S, BEAT_EVERY_S, HERE_EVERY_S, MOVE_EVERY_S, SKY_EVERY_S = 150.0, 240.0, 3.0, 1.0, 5.0
LEFT = 0.3
"""Share of alerts that the operator leaves to somebody else for LEFT_S."""
LEFT_S = 45.0
ANSWERS_AFTER_S = 4.0
AT_ONCE = 3
"""Alerts that the operator has in hand at one time; more are left to colleagues, as a person would."""
STAYS_S = 60.0
PATROL_M_S = 9.0
OUTSIDE = 0.4
"""Share of the calls from no pole that another system brings."""
ROUNDS = re.compile(r"/safety/unit/(\d+)/(accept|arrive|done)/")
MOVES = re.compile(r"/safety/unit/move/(\d+)/(accept|arrive)/")
OUTCOMES = ("helped", "helped", "nobody", "false")
KINDS = ("panic", "panic", "medical", "harassment")
ASKS = "where"
"""The phrase that whoever called by text message is written: they have told no place."""


@dataclass
class Patrol:
    """A patrol: where it is, and the crew's telephone."""

    vehicle: str
    email: str
    at: Node
    way: list[Node] = field(default_factory=list)
    goal: Node | None = None
    bearing: float = 0.0
    busy_since: float = 0.0
    visit: Visit | None = None

    def move(self, metres: float) -> None:
        """Goes so far along its way."""
        while metres > 0 and self.way:
            ahead = self.way[0]
            scale = math.cos(math.radians(self.at[1]))
            east, north = (ahead[0] - self.at[0]) * scale, ahead[1] - self.at[1]
            left = math.hypot(east, north) * METRES_A_DEGREE
            if left > 0:
                self.bearing = math.degrees(math.atan2(east, north)) % 360
            if left <= metres:
                self.at, metres = ahead, metres - left
                self.way.pop(0)
            else:
                share = metres / left
                self.at = (self.at[0] + (ahead[0] - self.at[0]) * share, self.at[1] + north * share)
                metres = 0


class Evening:
    """Everybody who has to do with it. One `step` is what happens by now."""

    def __init__(
        self, connect: Connect, known: dict[str, Any], password: str, schedule: Schedule, seed: int, speed: float
    ) -> None:
        self.rng = np.random.default_rng([seed, 3])
        self.speed, self.password = speed, password
        self.client = connect(FIRST_HOME)
        self.poles = [Signer(device, key, ahead_s=clock.AHEAD_S) for device, key in known["poles"]]
        self.gateway = Signer(*known["gateway"], ahead_s=clock.AHEAD_S)
        company, texts = known.get("company"), known.get("texts")
        self.outside = Outside(self.client, tuple(company), tuple(texts), self.rng) if company and texts else None
        self.operator = Visit(connect(FIRST_HOME + 1))
        self.email = known["operator"]
        self.here = False
        self.streets = Streets(schedule)
        nodes = list(self.streets.near)
        self.nodes = nodes
        self.patrols = [
            Patrol(vehicle, email, nodes[int(self.rng.integers(len(nodes)))]) for vehicle, email in known["patrols"]
        ]
        for number, patrol in enumerate(self.patrols):
            patrol.visit = Visit(connect(FIRST_HOME + 2 + number))
        now = time.monotonic()
        self.great = (
            Great(connect, known["supervisor"], password, seed, speed, FIRST_HOME + 2 + len(self.patrols), now)
            if "supervisor" in known
            else None
        )
        self.weather = (
            Weather(self.client, tuple(known["weather"]), self._middle(), self.rng, now, speed)
            if "weather" in known
            else None
        )
        self.next = {"beat": now, "press": now + 20 / speed, "here": now, "move": now, "units": now, "sky": now}
        self.seen: dict[int, float] = {}
        self.in_hand: set[int] = set()
        self.signed_in: set[str] = set()
        self.waiting: bytes = b""
        self.sender: Signer | None = None

    def step(self) -> None:
        """Does what is due. Raises httpx.HTTPError where the city is not there."""
        now = time.monotonic()
        due = [what for what, at in self.next.items() if at <= now]
        for what in due:
            pause = {
                "beat": BEAT_EVERY_S,
                "press": float(self.rng.exponential(PRESS_EVERY_S / self.speed)),
                "here": HERE_EVERY_S,
                "move": MOVE_EVERY_S,
                "units": 2.0,
                "sky": SKY_EVERY_S,
            }[what]
            self.next[what] = now + pause
            getattr(self, f"_{what}")(now)

    def _beat(self, now: float) -> None:
        """Every pole says that it is there."""
        for number, pole in enumerate(self.poles):
            message = {"kind": "heartbeat", "battery": 60 + number % 40, "tamper": False}
            self.client.post("/api/devices/messages", content=pole.envelope([message]))

    def _press(self, now: float) -> None:
        """Somebody calls: from a pole, with a telephone, or another system brings it."""
        if self.waiting and self.sender is not None:
            self._until_received()
        if self.rng.random() < 0.6:
            self.sender = self.poles[int(self.rng.integers(len(self.poles)))]
            self.waiting = self.sender.envelope([{"kind": "press"}])
            self._until_received()
            return
        lon, lat = self.nodes[int(self.rng.integers(len(self.nodes)))]
        if self.outside is not None and self.rng.random() < OUTSIDE:
            self.outside.call(lon, lat)
            return
        kind = KINDS[int(self.rng.integers(len(KINDS)))]
        body = {"key": self.rng.bytes(16).hex(), "kind": kind, "lon": lon, "lat": lat, "accuracy": 20}
        self.client.post("/api/safety/presses", json=body).raise_for_status()

    def _until_received(self) -> None:
        assert self.sender is not None
        answer = self.client.post("/api/devices/urgent", content=self.waiting).raise_for_status()
        if self.sender.receipt(answer.content):
            self.waiting = b""

    def _sign_in(self, visit: Visit, email: str) -> None:
        if email not in self.signed_in:
            visit.sign_in(email, self.password)
            self.signed_in.add(email)

    def _here(self, now: float) -> None:
        """The operator's screen speaks, and they answer, send and close."""
        try:
            self._sign_in(self.operator, self.email)
            if not self.here:
                self.operator.post("/safety/desk/shift/begin/", {"heard": "1"})
                self.here = True
            self.operator.post("/safety/desk/here/", {})
            rows = self.operator.get("/safety/desk/queue/").raise_for_status().json()["rows"]
            for row in rows:
                self._look(row, now)
            self.seen = {row["id"]: self.seen[row["id"]] for row in rows}
            self.in_hand &= self.seen.keys()
            if self.great is not None:
                self._something_great(set(self.seen), now)
        except httpx.HTTPStatusError:
            self.signed_in.discard(self.email)
            self.here = False
            raise

    def _something_great(self, open_alerts: set[int], now: float) -> None:
        assert self.great is not None
        try:
            self.great.step(self.operator, self.nodes, open_alerts, now)
        except httpx.HTTPStatusError as problem:
            # A colleague closed one meanwhile: the next look sees that.
            log.debug("major incident: %s", problem)

    def _look(self, row: dict[str, Any], now: float) -> None:
        number = row["id"]
        first = self.seen.setdefault(number, now)
        fate = np.random.default_rng([number, 5])
        patience = LEFT_S if fate.random() < LEFT else ANSWERS_AFTER_S
        try:
            free = len(self.in_hand) < AT_ONCE
            if row["state"] == "waiting" and free and now - first >= patience / self.speed:
                self._take(number, "answer", {})
                self.in_hand.add(number)
                if row["door"] == "sms":
                    self._take(number, "reply", {"phrase": ASKS})
                self._take(number, "send", {})
            elif row["state"] == "answered" and number in self.in_hand:
                self._take(number, "send", {})
            elif row["state"] == "there" and now - first >= STAYS_S / self.speed:
                self._take(number, "close", {"outcome": OUTCOMES[int(fate.integers(len(OUTCOMES)))]})
        except httpx.HTTPStatusError as problem:
            # A colleague was quicker, or no unit is free: they look again.
            log.debug("desk: %s", problem)

    def _take(self, number: int, step: str, values: dict[str, str]) -> None:
        self.operator.post(f"/safety/alerts/{number}/{step}/", values)

    def _move(self, now: float) -> None:
        """Patrols drive, and say where they are."""
        messages = []
        for patrol in self.patrols:
            if not patrol.way:
                patrol.way = self._somewhere(patrol)
            patrol.move(PATROL_M_S * MOVE_EVERY_S)
            message = {"kind": "position", "vehicle": patrol.vehicle, "at": clock.time(), "speed": PATROL_M_S}
            messages.append(message | {"lon": patrol.at[0], "lat": patrol.at[1], "bearing": round(patrol.bearing)})
        self.client.post("/api/devices/messages", content=self.gateway.envelope(messages)).raise_for_status()

    def _somewhere(self, patrol: Patrol) -> list[Node]:
        if patrol.busy_since:
            return []
        near = self.streets.near
        start = patrol.at if patrol.at in near else self._nearest(patrol.at)
        goal = patrol.goal or self.nodes[int(self.rng.integers(len(self.nodes)))]
        return self.streets.way(start, goal)[:400]

    def _nearest(self, place: Node) -> Node:
        return min(self.nodes, key=lambda node: (node[0] - place[0]) ** 2 + (node[1] - place[1]) ** 2)

    def _sky(self, now: float) -> None:
        """The weather service looks at the sky."""
        try:
            if self.weather is not None:
                self.weather.step(now)
        except httpx.HTTPStatusError as problem:
            log.debug("weather: %s", problem)

    def _middle(self) -> Node:
        lons, lats = zip(*self.nodes, strict=True)
        return float(np.mean(lons)), float(np.mean(lats))

    def _units(self, now: float) -> None:
        """Crews answer their telephones."""
        for patrol in self.patrols:
            assert patrol.visit is not None
            try:
                self._crew(patrol, patrol.visit, now)
            except httpx.HTTPStatusError as problem:
                self.signed_in.discard(patrol.email)
                log.debug("patrol: %s", problem)

    def _crew(self, patrol: Patrol, visit: Visit, now: float) -> None:
        if patrol.email not in self.signed_in:
            self._sign_in(visit, patrol.email)
            visit.post("/safety/unit/on/", {})
        page = visit.get("/safety/unit/", part="1").raise_for_status().text
        steps = {name: number for number, name in ROUNDS.findall(page)}
        moves = {name: number for number, name in MOVES.findall(page)}
        place = re.search(r"geo:(-?[\d.]+),(-?[\d.]+)", page)
        if place and (moves or steps.keys() & {"accept", "arrive"}) and not patrol.busy_since:
            # Who goes to meet a bus may be told to meet it elsewhere.
            goal = self._nearest((float(place.group(2)), float(place.group(1))))
            if goal != patrol.goal:
                patrol.goal, patrol.way = goal, []
        if "accept" in steps:
            visit.post(f"/safety/unit/{steps['accept']}/accept/", {})
        elif "arrive" in steps and not patrol.busy_since and (patrol.goal is None or patrol.at == patrol.goal):
            visit.post(f"/safety/unit/{steps['arrive']}/arrive/", {})
            patrol.busy_since = now
        elif "accept" in moves:
            visit.post(f"/safety/unit/move/{moves['accept']}/accept/", {})
        elif "arrive" in moves:
            if patrol.at == patrol.goal:
                visit.post(f"/safety/unit/move/{moves['arrive']}/arrive/", {})
        elif "done" not in steps:
            patrol.goal, patrol.busy_since = None, 0.0


def live(
    address: str,
    stop: threading.Event,
    *,
    seed: int,
    speed: float,
    known: dict[str, Any],
    password: str,
    schedule: Any,
) -> None:
    """Lets the evening go on until `stop` is set; waits where the city is not there."""
    evening: Evening | None = None
    while known and not stop.wait(0.25):
        try:
            evening = evening or Evening(connector(address), known, password, schedule(), seed, speed)
            evening.step()
        except (httpx.HTTPError, ValueError) as problem:
            log.debug("the evening waits: %r", problem)
            stop.wait(2)
