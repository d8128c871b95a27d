"""Residents who file what they see, say "me too", and follow what becomes of it: by the public doors, like anybody.

Now and then a cloudburst floods one part of the city, and everybody there reports it. The same for the same seed.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from cityhall.simulator.pictures import photo
from cityhall.simulator.residents import Event, Residents, Told
from cityhall.simulator.visits import Connect, Visit, connector

PAUSE_S = 5.0
LOOK_S = 20.0
"""How often residents look at what became of their reports."""
POPULATION = 5000
FIRST_BURST_S = 40.0
"""The first cloudburst comes early, so that whoever looks at the demo has something to see."""
BURST_EVERY_S = 2400.0
BURST_LASTS_S = 90.0
WITH_PHOTO, WITH_ACCOUNT, SAYS_TOO, UNHAPPY, SILENT = 0.3, 0.15, 0.4, 0.1, 0.25
ANOTHER = {"tree": "sidewalk", "streetlight": "traffic-light", "graffiti": "park"}
"""What people take a thing for that belongs to another agency."""
TAKEN_FOR = 0.15
ANSWERS = {
    "en": ("It is right at the corner.", "On the left side, behind the bus stop.", "It has been there for a week."),
    "pt": ("Fica bem na esquina.", "Do lado esquerdo, atrás do ponto de ônibus.", "Está assim há uma semana."),
    "es": ("Está justo en la esquina.", "Del lado izquierdo, detrás de la parada.", "Está así desde hace una semana."),
    "ko": ("바로 모퉁이에 있어요.", "왼쪽, 버스 정류장 뒤예요.", "일주일째 그래요."),
}
OBJECTIONS = {
    "en": "It is still there: only half of it was done.",
    "pt": "Ainda está lá: só metade foi feita.",
    "es": "Sigue ahí: solo hicieron la mitad.",
    "ko": "아직 그대로예요. 절반만 처리됐어요.",
}
log = logging.getLogger("cityhall.simulator")


@dataclass(frozen=True, slots=True)
class Followed:
    """A report that a resident follows: its number, its secret link, who they are, and the language they write."""

    number: int
    link: str
    resident: int
    language: str


class Reporters:
    """The residents. `accounts`: (e-mail address, password) of those who sign in; `speed` multiplies what goes on."""

    def __init__(
        self,
        connect: Connect,
        area: BaseGeometry,
        *,
        seed: int = 7,
        per_hour: float = 40.0,
        speed: float = 1.0,
        accounts: list[tuple[str, str]] | None = None,
    ) -> None:
        self.connect, self.accounts = connect, accounts or []
        self.residents, self.rng = Residents(area, seed), np.random.default_rng([seed, 1])
        self.per_hour, self.speed = per_hour * speed, speed
        self.followed: deque[Followed] = deque(maxlen=400)
        self._due: list[tuple[float, int, Event, int, bool]] = []
        self._order = itertools.count()
        self._next, self._burst, self._look = 0.0, -1.0, 0.0
        self._asked: dict[str, list[dict[str, Any]]] = {}
        self._signed_in: dict[int, Visit] = {}

    def step(self, now: float) -> int:
        """Lives on to `now` (s of any clock that only goes on); returns how many reports were taken."""
        if self._burst < 0:
            self._burst = now + FIRST_BURST_S / self.speed
        if now >= self._next:
            self._next = now + float(self.rng.exponential(3600 / self.per_hour))
            self._everyday(now)
        if now >= self._burst:
            self._burst = now + float(self.rng.exponential(BURST_EVERY_S / self.speed))
            self._cloudburst(now)
        taken = 0
        while self._due and self._due[0][0] <= now:
            _at, _order, event, resident, first = heapq.heappop(self._due)
            taken += self._tell(event, resident, first=first)
        if now >= self._look:
            self._look = now + LOOK_S / self.speed
            self._see_what_became()
        return taken

    def _plan(self, at: float, event: Event, resident: int, *, first: bool = True) -> None:
        heapq.heappush(self._due, (at, next(self._order), event, resident, first))

    def _everyday(self, now: float) -> None:
        event = self.residents.event(now)
        for place in range(1 + self.rng.poisson(0.3)):
            self._plan(now, event, int(self.rng.integers(POPULATION)), first=place == 0)

    def _cloudburst(self, now: float) -> None:
        """Water in the streets of one part of the city: many who live there report it within a minute or two."""
        event = self.residents.event(now, "flood")
        people = self.rng.choice(POPULATION, 9 + self.rng.poisson(7), replace=False)
        for resident in people.tolist():
            self._plan(now + float(self.rng.uniform(0, BURST_LASTS_S / self.speed)), event, resident)

    def _tell(self, event: Event, resident: int, *, first: bool) -> bool:
        told = self.residents.tell(event)
        account = int(self.rng.integers(len(self.accounts))) if self.accounts else -1
        if account >= 0 and self.rng.random() < WITH_ACCOUNT:
            visit = self._account(account)
            return self._file(visit, told, -1 - account)
        with self.connect(resident) as client:
            visit = Visit(client)
            if not first and self.rng.random() < SAYS_TOO and self._say_too(visit, told):
                return False
            return self._file(visit, told, resident)

    def _account(self, number: int) -> Visit:
        """The browser of somebody with an account, who stays signed in."""
        if number not in self._signed_in:
            visit = Visit(self.connect(POPULATION + number))
            visit.sign_in(*self.accounts[number])
            self._signed_in[number] = visit
        return self._signed_in[number]

    def _say_too(self, visit: Visit, told: Told) -> bool:
        """Joins a report of the same thing, where the city shows one."""
        near = visit.get("/api/reports/near", category=told.category, lon=told.lon, lat=told.lat, text=told.text).json()
        if not near:
            return False
        return visit.client.post(f"/api/reports/{near[0]['id']}/support", json={}).is_success

    def _file(self, visit: Visit, told: Told, resident: int) -> bool:
        category = told.category
        if category in ANOTHER and self.rng.random() < TAKEN_FOR:
            category = ANOTHER[category]
        values: dict[str, Any] = {"category": category, "text": told.text, "lon": told.lon, "lat": told.lat}
        values |= {"key": str(uuid.UUID(bytes=self.rng.bytes(16), version=4)), "named": resident < 0}
        files = None
        if self.rng.random() < WITH_PHOTO:
            files = [("photos", ("photo.jpg", photo(told.category, mended=False, rng=self.rng), "image/jpeg"))]
        answer = visit.client.post(
            "/api/reports/",
            data=values | self._answers(visit, category),
            files=files,
            headers={"Accept-Language": told.language} | visit.token,
        )
        if answer.status_code not in (200, 201, 429):
            log.warning("a report was not taken: %s %s", answer.status_code, answer.text[:200])
        if answer.status_code != 201:
            return False
        body = answer.json()
        self.followed.append(Followed(body["id"], body["link"], resident, told.language))
        return True

    def _answers(self, visit: Visit, category: str) -> dict[str, str | list[str]]:
        """Answers to what the city asks of a category, most of the time."""
        if category not in self._asked:
            found = visit.get(f"/reports/open311/v2/services/{category}.json")
            self._asked[category] = found.json()["attributes"] if found.is_success else []
        given: dict[str, str | list[str]] = {}
        for ask in self._asked[category]:
            keys = [value["key"] for value in ask["values"]]
            if ask["datatype"] == "multivaluelist":
                given[f"attribute[{ask['code']}][]"] = [key for key in keys if self.rng.random() < 0.3]
            elif keys and (ask["required"] or self.rng.random() < 0.7):
                given[f"attribute[{ask['code']}]"] = str(self.rng.choice(keys))
            elif ask["datatype"] == "number" and self.rng.random() < 0.5:
                given[f"attribute[{ask['code']}]"] = str(self.rng.integers(5, 80))
        return given

    def _see_what_became(self) -> None:
        """Residents answer what they are asked, and say whether what was resolved is done."""
        if not self.followed:
            return
        with self.connect(POPULATION - 1) as client:
            latest = client.get("/api/reports/", params={"limit": 200}).json()
        states = {one["id"]: one["state"] for one in latest}
        for one in [one for one in self.followed if states.get(one.number) in ("waiting", "resolved")][:2]:
            if states[one.number] == "resolved":
                self.followed.remove(one)
                if self.rng.random() < SILENT:
                    continue
            self._write(one, self._said(one, states[one.number]))

    def _said(self, one: Followed, state: str) -> dict[str, str]:
        if state == "waiting":
            return {"step": "answer", "reason": str(self.rng.choice(ANSWERS[one.language]))}
        if self.rng.random() < UNHAPPY:
            return {"step": "reopen", "reason": OBJECTIONS[one.language]}
        return {"step": "confirm", "vote": str(self.rng.choice([2, 3, 4, 5], p=[0.1, 0.2, 0.3, 0.4]))}

    def _write(self, one: Followed, values: dict[str, str]) -> None:
        if one.resident < 0:
            visit = self._account(-1 - one.resident)
            visit.get(one.link)
            visit.post(one.link, values)
            return
        with self.connect(one.resident) as client:
            visit = Visit(client)
            visit.get(one.link).raise_for_status()
            visit.post(one.link, values)


def live(address: str, stop: threading.Event, *, seed: int, speed: float, accounts: list[tuple[str, str]]) -> None:
    """Lets residents report until `stop` is set; waits where the city, or its service for reports, is not there."""
    connect, reporters = connector(address), None
    while not stop.wait(PAUSE_S / max(1.0, speed)):
        try:
            if reporters is None:
                with connect(0) as client:
                    area = area_of(client)
                reporters = Reporters(connect, area, seed=seed, speed=speed, accounts=accounts)
            reporters.step(time.monotonic())
        except (httpx.HTTPError, ValueError) as problem:
            # On the first start the city is not there yet, and that is no news.
            log.debug("residents wait: %r", problem)


def area_of(client: httpx.Client) -> BaseGeometry:
    """The city's districts as one area. Raises ValueError for a city without any."""
    answer = client.get("/api/places/zones")
    answer.raise_for_status()
    area = shapely.union_all([shape(zone["geometry"]) for zone in answer.json()])
    if area.is_empty:
        raise ValueError("the city has no districts")
    return area
