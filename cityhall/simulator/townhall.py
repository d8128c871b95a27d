"""Residents who book rooms of City Hall and buy at its shop, and the officer there: by the public doors, like anybody.

Most pay with the sandbox's good card and some by a transfer at the demo's bank, some too much; some let the time go by,
some cancel, some never come; who waited for a room takes it once it is offered. What becomes of each is drawn from the
seed.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import numpy as np

from cityhall.simulator import clock
from cityhall.simulator.bank import FIRST_ACCOUNT, Bank, iban_of
from cityhall.simulator.visits import Connect, Visit, connector

log = logging.getLogger("cityhall.simulator")
PAUSE_S = 12.0
"""From what one of them does to what the next one does, at speed 1."""
FIRST_GUEST = 40_000
"""Their homes' numbers, beyond those of the evening."""
GOOD, DECLINED = "4242424242424242", "4000000000000002"
FORGETS, CANCELS, DECLINES, WEEKLY, BUYS, WAITS = 0.12, 0.08, 0.06, 0.08, 0.3, 0.25
"""Shares of those who do not pay, cancel, have a card that is declined first, book every week, buy, wait for what is
taken."""
STAYS_AWAY, REFUSES = 0.1, 0.15
TAKES = 0.3
"""How often somebody who waits looks whether it is their turn."""
TRANSFERS, SIGNS = 0.25, 0.02
"""Shares of those who pay by the bank, and of all who come those who agree to direct debit."""
EVERY_OVERPAID, TOO_MUCH = 4, 500
"""Of so many transfers one is this much too high, in cents."""
MOST_AHEAD_DAYS = 10
WEEK = timedelta(days=7)
PURPOSES = (
    *("Choir practice", "Tenants' assembly", "Chess club", "Ensaio do coral", "Reunião do condomínio"),
    *("Aula de português", "Club de ajedrez", "Asamblea de vecinos", "독서 모임", "한국어 수업"),
)
REFUSAL = "The council meets in it then."
FORM = re.compile(r'<form[^>]*action="([^"]*/desk/bookings/(\d+)/(approve|no-show)/)"')
CARD = re.compile(r'<form[^>]*action="(/sandbox-bank/[^"]+/card/)"')
OFFER, BILL = re.compile(r'href="(/house/offers/\d+/)"'), re.compile(r'href="(/payments/bills/\d+/)"')
TO_TRANSFER = re.compile(
    r"<dt>IBAN</dt><dd[^>]*>([A-Z]{2}[0-9A-Z ]+)</dd>.*?<dd[^>]*>([^<]*\d[^<]*)</dd>.*?<dd[^>]*>(RF[0-9A-Z ]+)</dd>",
    re.DOTALL,
)
"""Account, amount and reference, as a bill's page says them."""
HAND_OUT = re.compile(r'action="(/house/desk/orders/(\d+)/hand-out/)"')


@dataclass
class Guests:
    """All who come to City Hall. One `step` is one thing that one of them does.

    `accounts`: (e-mail address, password) of residents, `officer` of who works there, None for nobody. `bank` is where
    they transfer from, None for nowhere.
    """

    connect: Connect
    accounts: list[tuple[str, str]]
    officer: tuple[str, str] | None
    seed: int = 4
    bank: Bank | None = None
    rng: np.random.Generator = field(init=False)
    done: dict[str, int] = field(default_factory=dict)
    _visits: dict[int, Visit] = field(default_factory=dict)
    _left: set[int] = field(default_factory=set)
    _waits: set[int] = field(default_factory=set)
    _transfers: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 5])

    def step(self) -> str:
        """Has one of them do something; returns what was done, "" where there was nothing to do."""
        if self.officer is not None and self.rng.random() < 0.4:
            what = self._desk()
        elif self._waits and self.rng.random() < TAKES:
            what = self._take()
        elif self.bank is not None and self.rng.random() < SIGNS:
            what = self._sign()
        elif self.rng.random() < BUYS:
            what = self._buy()
        else:
            what = self._book()
        self.done[what] = self.done.get(what, 0) + 1
        return what

    def sign_out(self) -> None:
        """They all sign in anew when they come next."""
        self._visits.clear()

    def _visit(self, place: int, account: tuple[str, str]) -> Visit:
        """Somebody's browser, who stays signed in."""
        if place not in self._visits:
            visit = Visit(self.connect(FIRST_GUEST + place))
            visit.sign_in(*account)
            self._visits[place] = visit
        return self._visits[place]

    def _resident(self) -> Visit:
        return self._of(int(self.rng.integers(len(self.accounts))))

    def _of(self, place: int) -> Visit:
        return self._visit(1 + place, self.accounts[place])

    def _place(self, visit: Visit) -> int:
        """Which resident's browser it is."""
        return next(place for place, one in self._visits.items() if one is visit) - 1

    def _key(self) -> str:
        return str(uuid.UUID(bytes=self.rng.bytes(16), version=4))

    def _book(self) -> str:
        """Looks at a room's hours as the page shows them, and takes one."""
        visit = self._resident()
        rooms = visit.get("/api/house/rooms").raise_for_status().json()
        if not rooms:
            return ""
        room = rooms[int(self.rng.integers(len(rooms)))]
        # Most come soon: what begins within the hour is used, or not, while somebody looks at the demo.
        ahead = min(int(self.rng.exponential(1.5)), MOST_AHEAD_DAYS)
        day = datetime.fromtimestamp(clock.time(), UTC).date() + timedelta(days=ahead)
        found = visit.get(f"/api/house/rooms/{room['slug']}/hours", day=f"{day}", days=1).raise_for_status().json()
        taken, free = ([one for one in found if one["free"] is is_free] for is_free in (False, True))
        if taken and self.rng.random() < WAITS:
            return self._wait(visit, room["slug"], taken)
        if not free:
            return ""
        begin = free[int(self.rng.exponential(3)) % len(free)]["begin"]
        weeks = int(self.rng.integers(3, 7)) if self.rng.random() < WEEKLY else 1
        if weeks > 1:
            begin = self._before_taken(visit, room["slug"], day, free) or begin
        values = {
            "begin": begin,
            "hours": str(int(self.rng.choice([1, 1, 2, 2, 3]))),
            "people": str(int(self.rng.integers(2, room["seats"] + 1))),
            "purpose": str(self.rng.choice(PURPOSES)),
            "weeks": str(weeks),
            "key": self._key(),
        }
        return self._booked(visit, room["slug"], values)

    def _booked(self, visit: Visit, slug: str, values: dict[str, str]) -> str:
        visit.get(f"/house/rooms/{slug}/book/", begin=values["begin"]).raise_for_status()
        answer = visit.client.post(f"/house/rooms/{slug}/book/", data=values, headers=visit.token)
        if not answer.is_redirect:
            # Somebody was quicker, or it is not free for so long.
            return "refused"
        page = answer.headers["location"]
        if f'action="{page}pay/"' in visit.get(page).raise_for_status().text:
            if self.rng.random() < FORGETS:
                return "forgotten"
            self._pay(visit, page)
        if self.rng.random() < CANCELS:
            visit.post(f"{page}cancel/", {})
            return "cancelled"
        return "booked" if values["weeks"] == "1" else "every week"

    def _before_taken(self, visit: Visit, slug: str, day: date, free: list[dict[str, Any]]) -> str:
        """An hour that is free and a week later is somebody's: who wants it every week does not have that one."""
        later = visit.get(f"/api/house/rooms/{slug}/hours", day=f"{day + WEEK}", days=1).raise_for_status().json()
        taken = {datetime.fromisoformat(one["begin"]) - WEEK for one in later if not one["free"]}
        return next((str(one["begin"]) for one in free if datetime.fromisoformat(one["begin"]) in taken), "")

    def _take(self) -> str:
        """Somebody who waits looks at their bookings, and takes and pays what is kept for them there."""
        place = sorted(self._waits)[int(self.rng.integers(len(self._waits)))]
        visit = self._of(place)
        offer = OFFER.search(visit.get("/house/bookings/").raise_for_status().text)
        if offer is None:
            return ""
        visit.get(offer[1]).raise_for_status()
        answer = visit.post(offer[1], {"people": "2", "purpose": str(self.rng.choice(PURPOSES))})
        if answer.is_redirect:
            self._waits.discard(place)
            page = answer.headers["location"]
            if f'action="{page}pay/"' in visit.get(page).raise_for_status().text:
                self._pay(visit, page)
        return "took the offer"

    def _sign(self) -> str:
        """Agrees to direct debit, in a city that collects."""
        place = int(self.rng.integers(len(self.accounts)))
        visit, path = self._of(place), "/payments/direct-debit/"
        if 'name="iban"' not in visit.get(path).raise_for_status().text:
            return ""
        name = self.accounts[place][0].partition("@")[0].replace("-", " ").title()
        visit.post(path, {"name": name, "iban": iban_of(FIRST_ACCOUNT + place), "agreed": "1"})
        return "signed"

    def _wait(self, visit: Visit, slug: str, taken: list[dict[str, Any]]) -> str:
        begin = taken[int(self.rng.integers(len(taken)))]["begin"]
        path = f"/house/rooms/{slug}/wait/"
        visit.get(path, begin=begin).raise_for_status()
        answer = visit.client.post(path, data={"begin": begin, "hours": "1", "key": self._key()}, headers=visit.token)
        if answer.is_redirect:
            self._waits.add(self._place(visit))
        return "waits" if answer.is_redirect else "refused"

    def _buy(self) -> str:
        visit = self._resident()
        items = visit.get("/api/house/items").raise_for_status().json()
        wanted = {
            one["slug"]: int(self.rng.integers(0, 3)) for one in items if one["stock"] is None or one["stock"] > 2
        }
        if not any(wanted.values()):
            return ""
        visit.get("/house/shop/").raise_for_status()
        values = {f"count-{slug}": str(count) for slug, count in wanted.items()} | {"key": self._key()}
        answer = visit.client.post("/house/shop/", data=values, headers=visit.token)
        if not answer.is_redirect:
            return "refused"
        page = answer.headers["location"]
        if self.rng.random() < FORGETS:
            return "forgotten"
        self._pay(visit, page)
        return "bought"

    def _pay(self, visit: Visit, page: str) -> None:
        """Pays by the bank, or on the provider's page, some with a card that is declined first."""
        if self.bank is not None and self.rng.random() < TRANSFERS and self._transfer(visit, page, self.bank):
            self.done["transferred"] = self.done.get("transferred", 0) + 1
            return
        on = visit.post(f"{page}pay/", {}).headers["location"]
        bank = visit.client.get(on, follow_redirects=True).raise_for_status()
        for card in [DECLINED, GOOD] if self.rng.random() < DECLINES else [GOOD]:
            form = CARD.search(bank.text)
            if form is None:
                return
            back = visit.post(form[1], {"number": card}).headers["location"]
            bank = visit.client.get(back, follow_redirects=True).raise_for_status()

    def _transfer(self, visit: Visit, page: str, bank: Bank) -> bool:
        """Transfers what the bill's page says, now and then too much; False where it names no account."""
        bill = BILL.search(visit.get(page).raise_for_status().text)
        told = TO_TRANSFER.search(visit.get(bill[1]).raise_for_status().text) if bill is not None else None
        if told is None:
            return False
        self._transfers += 1
        amount = int(re.sub(r"\D", "", told[2])) + (TOO_MUCH if self._transfers % EVERY_OVERPAID == 1 else 0)
        place = self._place(visit)
        name = self.accounts[place][0].partition("@")[0].replace("-", " ").title()
        bank.transfer(amount, name, iban_of(FIRST_ACCOUNT + place), told[3].replace(" ", ""))
        return True

    def _desk(self) -> str:
        """The officer answers requests, notes who did not come, and hands out what was bought."""
        assert self.officer is not None
        visit = self._visit(0, self.officer)
        page = visit.get("/house/desk/").raise_for_status().text
        for path, number, what in FORM.findall(page):
            if int(number) in self._left:
                continue
            self._left.add(int(number))
            fate = np.random.default_rng([self.seed, int(number)])
            if what == "approve":
                if fate.random() < REFUSES:
                    visit.post(f"/house/desk/bookings/{number}/refuse/", {"reason": REFUSAL})
                    return "refuse"
                visit.post(path, {})
                return "approve"
            if fate.random() < STAYS_AWAY:
                visit.post(path, {})
                return "no-show"
        orders = HAND_OUT.findall(visit.get("/house/desk/orders/").raise_for_status().text)
        if orders and self.rng.random() < 0.5:
            visit.post(orders[0][0], {})
            return "hand-out"
        return ""


def live(
    address: str,
    stop: threading.Event,
    *,
    seed: int,
    speed: float,
    accounts: list[tuple[str, str]],
    officer: tuple[str, str] | None,
    bank: Bank | None = None,
) -> None:
    """Lets them come until `stop` is set; waits where the city, or its service for rooms, is not there."""
    guests = Guests(connector(address), accounts, officer, seed, bank)
    while accounts and not stop.wait(PAUSE_S / speed):
        try:
            guests.step()
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            log.debug("guests wait: %r", problem)
            if isinstance(problem, httpx.HTTPStatusError):
                # Signed out: they sign in anew.
                guests.sign_out()
