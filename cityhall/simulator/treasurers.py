"""Two treasurers of the demo, by the treasury's own pages: one reads what the bank sends, explains its fees, gives back
what was paid too much and puts payouts and direct debits together; the other looks at these and releases them."""

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
ORDERS = {"payouts": "", "debits": " debits"}
"""Pages on which orders to the bank are put together, and what is added to what was done there."""
FEE = "Account fee"
WHY = "Paid too much: given back to the account it came from."
CHANGED = "Something in it was paid or changed meanwhile."
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
        orders = (step(page) for step in (self._release, self._send, self._prepare) for page in ORDERS)
        what = next(filter(None, orders), "") or self._give_back() or self._explain()
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

    def _prepare(self, page: str) -> str:
        chosen = CHOSEN.findall(self._page(0, f"/treasury/{page}/"))
        if not chosen:
            return ""
        answer = self._visit(0).post(f"/treasury/{page}/", {"chosen": chosen, "execute_on": ""})
        # Where it could not be put together the page says why, and there is no batch to go on to.
        return f"prepared{ORDERS[page]}" if re.search(r"/\d+/$", answer.headers.get("location", "")) else ""

    def _release(self, page: str) -> str:
        for path in self._batches(1, page):
            if f'action="{path}release/"' in self._page(1, path):
                self._visit(1).post(f"{path}release/", {})
                if f'action="{path}release/"' not in self._page(1, path):
                    return f"released{ORDERS[page]}"
                self._visit(0).post(f"{path}withdraw/", {"reason": CHANGED})
                return f"withdrawn{ORDERS[page]}"
        return ""

    def _send(self, page: str) -> str:
        """The file is fetched and given to the bank, which has it on its next statement."""
        for path in self._batches(0, page):
            if f'action="{path}fetch/"' in self._page(0, path):
                file = self._visit(0).post(f"{path}fetch/", {})
                if file.is_success:
                    self._hand_in(page, file.content)
                    return f"sent{ORDERS[page]}"
        return ""

    def _batches(self, place: int, page: str) -> list[str]:
        found = re.findall(rf'href="(/treasury/{page}/\d+/)"', self._page(place, f"/treasury/{page}/"))
        return found[:LOOKED_AT]

    def _hand_in(self, page: str, file: bytes) -> None:
        """What the bank answers to direct debits is read on the treasury's page."""
        if page == "payouts":
            self.bank.order(file)
            return
        answer = {"file": ("answer.xml", self.bank.collect(file), "application/xml")}
        self._visit(0).post("/treasury/bank/files/", {}, answer)


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
