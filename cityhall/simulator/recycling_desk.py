"""Two officers for recycling of the demo, by the desk's own pages: they judge signals, tell costs and sales, and settle
with shops: one draws up, the other releases and says how it was paid."""

from __future__ import annotations

import logging
import re
import threading
import uuid
from dataclasses import dataclass, field

import httpx
import numpy as np

from cityhall.simulator.visits import Connect, Visit, connector

log = logging.getLogger("cityhall.simulator")
PAUSE_S = 30.0
FIRST_OFFICER = 50_950
"""Their homes' numbers, beyond those of the machines."""
SIGNAL, SETTLEMENT = (
    re.compile(r'href="(/recycling/desk/signals/\d+/)"'),
    re.compile(r"/recycling/desk/settlements/\d+/"),
)
DAY = re.compile(r'name="day" type="date"[^>]* value="([\d-]+)"')
OWED = re.compile(r'name="partner" value="([^"]+)"')
BUYERS = (("Paper mill", "paper"), ("Glassworks", "glass"), ("Smelter", "aluminium"))
COSTS = (("crews", "412"), ("trucks", "158"), ("sorting", "96"))
MOST_SALES = 6
REASONS = (
    "Checked with weights of 10 and 20 kg: it was off.",
    "Se pesó de nuevo: todo en orden.",
    "저울을 다시 검사했습니다.",
)


@dataclass
class Officers:
    """Both of them. One `step` is one thing that one of them does. `officers`: (e-mail address, password) of each."""

    connect: Connect
    officers: list[tuple[str, str]]
    seed: int = 4
    rng: np.random.Generator = field(init=False)
    done: dict[str, int] = field(default_factory=dict)
    _visits: dict[int, Visit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 11])

    def step(self) -> str:
        """Has one of them do the first thing that is to be done; returns what, "" where there is nothing."""
        what = self._cost() or self._settle() or self._sell() or self._look()
        self.done[what] = self.done.get(what, 0) + 1
        return what

    def sign_out(self) -> None:
        """They sign in anew when they come next."""
        self._visits.clear()

    def _visit(self, place: int) -> Visit:
        if place not in self._visits:
            visit = Visit(self.connect(FIRST_OFFICER + place))
            visit.sign_in(*self.officers[place])
            self._visits[place] = visit
        return self._visits[place]

    def _page(self, place: int, path: str) -> str:
        return self._visit(place).get(path).raise_for_status().text

    def _form(self, path: str, values: dict[str, str]) -> bool:
        """Sends a form of a page that was opened first, with the day that stands in it; whether it was taken."""
        day = DAY.search(self._page(0, path))
        visit = self._visit(0)
        answer = visit.client.post(path, data=values | ({"day": day[1]} if day else {}), headers=visit.token)
        return answer.is_redirect

    def _key(self) -> str:
        return str(uuid.UUID(bytes=self.rng.bytes(16), version=4))

    def _cost(self) -> str:
        told = self.done.get("cost", 0)
        if told >= len(COSTS):
            return ""
        what, amount = COSTS[told]
        values = {"what": what, "amount": amount, "key": self._key()}
        return "cost" if self._form("/recycling/desk/costs/", values) else "refused"

    def _sell(self) -> str:
        sold = self.done.get("sold", 0)
        if sold >= MOST_SALES or self.rng.random() < 0.5:
            return ""
        buyer, material = BUYERS[sold % len(BUYERS)]
        kg = int(self.rng.integers(20, 60))
        values = {"kind": "sold", "material": material, "kg": f"{kg}", "amount": f"{kg * 0.2:.2f}", "buyer": buyer}
        values |= {"document": f"V-{sold + 1:03d}", "key": self._key()}
        return "sold" if self._form("/recycling/desk/store/", values) else "refused"

    def _settle(self) -> str:
        """The first draws up what is owed to a shop; the second releases it, and says that it was paid."""
        page = self._page(0, "/recycling/desk/settlements/")
        owed = OWED.search(page)
        if owed is not None:
            visit = self._visit(0)
            visit.post("/recycling/desk/settlements/draw/", {"partner": owed[1]})
            return "drawn up"
        for path in dict.fromkeys(SETTLEMENT.findall(page)):
            shown = self._page(1, path)
            if f'action="{path}release/"' in shown:
                self._visit(1).post(f"{path}release/", {})
                return "released"
            day = DAY.search(shown)
            if day is not None and self.rng.random() < 0.5:
                self._visit(1).post(f"{path}paid/", {"day": day[1], "reference": "Transfer of the week"})
                return "paid"
        return ""

    def _look(self) -> str:
        """Looks at a signal that nobody has looked at; what was looked at stays for whoever tries the desk."""
        found = SIGNAL.findall(self._page(0, "/recycling/desk/signals/?state=open"))
        if len(found) > 1 or (found and self.rng.random() < 0.2):
            values = {"state": "looked_at", "answer": str(self.rng.choice(REASONS))}
            return "looked at" if self._form(found[-1], values) else "refused"
        return ""


def live(address: str, stop: threading.Event, *, seed: int, speed: float, officers: list[tuple[str, str]]) -> None:
    """Lets both live until `stop` is set; waits where the city, or its recycling, is not there."""
    both = Officers(connector(address), officers, seed)
    while len(officers) > 1 and not stop.wait(PAUSE_S / speed):
        try:
            both.step()
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            log.debug("officers for recycling wait: %r", problem)
            if isinstance(problem, httpx.HTTPStatusError):
                # Signed out: they sign in anew.
                both.sign_out()
