"""Two treasurers of the demo, by the treasury's own pages: one reads what the bank sends, explains its fees, gives back
what was paid too much and puts payouts together; the other looks at these and releases them."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass, field

import httpx
import numpy as np

from cityhall.simulator.bank import Bank
from cityhall.simulator.visits import Connect, Visit, connector

log = logging.getLogger("cityhall.simulator")
PAUSE_S = 10.0
DAY_S = 120.0
"""How long a day of the demo's bank is, at speed 1."""
FIRST_TREASURER = 42_000
ENTRY = re.compile(r'href="/treasury/bank/(\d+)/"')
CREDIT = re.compile(r'href="/treasury/bills/(\d+)/">.*?<strong>([\d.,]+)</strong>', re.DOTALL)
KEY, INTENT = re.compile(r'name="key" value="([^"]+)"'), re.compile(r'<option value="(\d+)"')
CHOSEN = re.compile(r'name="chosen" value="(\d+)"')
BATCH = re.compile(r'href="(/treasury/payouts/\d+/)"')
FEE = "Account fee"
WHY = "Paid too much: given back to the account it came from."
LOOKED_AT = 8
"""Batches and bills from the top of a list."""


@dataclass
class Treasurers:
    """Both of them. One `step` is one thing that one of them does. `officers`: (e-mail address, password) of each."""

    connect: Connect
    officers: list[tuple[str, str]]
    bank: Bank
    seed: int = 4
    rng: np.random.Generator = field(init=False)
    done: dict[str, int] = field(default_factory=dict)
    _visits: dict[int, Visit] = field(default_factory=dict)
    _given: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 8])

    def step(self) -> str:
        """Has one of them do the first thing that is to be done; returns what, "" where there is nothing."""
        what = self._release() or self._send() or self._prepare() or self._give_back() or self._explain()
        self.done[what] = self.done.get(what, 0) + 1
        return what

    def read_statement(self) -> str:
        """The bank has closed a day: its statement is read on the treasury's page."""
        visit = self._visit(0)
        visit.get("/treasury/bank/files/").raise_for_status()
        file = {"file": ("statement.xml", self.bank.close(), "application/xml")}
        visit.post("/treasury/bank/files/", {}, file)
        self.done["statement"] = self.done.get("statement", 0) + 1
        return "statement"

    def sign_out(self) -> None:
        """They sign in anew when they come next."""
        self._visits.clear()

    def _visit(self, place: int) -> Visit:
        if place not in self._visits:
            visit = Visit(self.connect(FIRST_TREASURER + place))
            visit.sign_in(*self.officers[place])
            self._visits[place] = visit
        return self._visits[place]

    def _page(self, place: int, path: str, **query: str) -> str:
        return self._visit(place).get(path, **query).raise_for_status().text

    def _explain(self) -> str:
        """The bank's fees are known; what strangers sent stays open for whoever tries the desk."""
        for number in ENTRY.findall(self._page(0, "/treasury/bank/")):
            path = f"/treasury/bank/{number}/"
            if FEE in self._page(0, path):
                self._visit(0).post(path, {"for": "account", "account": "fees", "amount": ""})
                return "fee"
        return ""

    def _give_back(self) -> str:
        for number, amount in CREDIT.findall(self._page(0, "/treasury/bills/", state="credit"))[:LOOKED_AT]:
            path = f"/treasury/bills/{number}/"
            page = self._page(0, path)
            key, intent = KEY.search(page), INTENT.search(page)
            if number in self._given or key is None or intent is None:
                continue
            self._given.add(number)
            values = {"key": key[1], "intent": intent[1], "amount": amount.replace(",", ""), "reason": WHY}
            self._visit(0).post(path, values)
            return "given back"
        return ""

    def _prepare(self) -> str:
        chosen = CHOSEN.findall(self._page(0, "/treasury/payouts/"))
        if not chosen:
            return ""
        self._visit(0).post("/treasury/payouts/", {"chosen": chosen, "execute_on": ""})
        return "prepared"

    def _release(self) -> str:
        for path in BATCH.findall(self._page(1, "/treasury/payouts/"))[:LOOKED_AT]:
            if f'action="{path}release/"' in self._page(1, path):
                self._visit(1).post(f"{path}release/", {})
                return "released"
        return ""

    def _send(self) -> str:
        """The file is fetched and given to the bank, which has it on its next statement."""
        for path in BATCH.findall(self._page(0, "/treasury/payouts/"))[:LOOKED_AT]:
            if f'action="{path}fetch/"' in self._page(0, path):
                answer = self._visit(0).post(f"{path}fetch/", {})
                return "sent" if answer.is_success and self.bank.order(answer.content) else ""
        return ""


def live(
    address: str, stop: threading.Event, *, seed: int, speed: float, officers: list[tuple[str, str]], bank: Bank
) -> None:
    """Lets them work until `stop` is set; waits where the city, or its treasury, is not there."""
    treasurers = Treasurers(connector(address), officers, bank, seed)
    closes = time.monotonic() + DAY_S / speed
    while len(officers) > 1 and not stop.wait(PAUSE_S / speed):
        try:
            if time.monotonic() >= closes:
                closes = time.monotonic() + DAY_S / speed
                treasurers.read_statement()
            else:
                treasurers.step()
        except (httpx.HTTPError, ValueError) as problem:
            log.debug("treasurers wait: %r", problem)
            if isinstance(problem, httpx.HTTPStatusError):
                # Signed out: they sign in anew.
                treasurers.sign_out()
