"""Residents who book rooms of City Hall and buy at its shop, and the officer there: by the public doors, like anybody.

Most pay with the sandbox's good card, some let the time go by, some cancel, some never come. What becomes of each is
drawn from the seed.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np

from cityhall.simulator import clock
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
MOST_AHEAD_DAYS = 10
PURPOSES = (
    *("Choir practice", "Tenants' assembly", "Chess club", "Ensaio do coral", "Reunião do condomínio"),
    *("Aula de português", "Club de ajedrez", "Asamblea de vecinos", "독서 모임", "한국어 수업"),
)
REFUSAL = "The council meets in it then."
FORM = re.compile(r'<form[^>]*action="([^"]*/desk/bookings/(\d+)/(approve|no-show)/)"')
CARD = re.compile(r'<form[^>]*action="(/sandbox-bank/[^"]+/card/)"')
HAND_OUT = re.compile(r'action="(/house/desk/orders/(\d+)/hand-out/)"')


@dataclass
class Guests:
    """All who come to City Hall. One `step` is one thing that one of them does.

    `accounts`: (e-mail address, password) of residents, `officer` of who works there, None for nobody.
    """

    connect: Connect
    accounts: list[tuple[str, str]]
    officer: tuple[str, str] | None
    seed: int = 4
    rng: np.random.Generator = field(init=False)
    done: dict[str, int] = field(default_factory=dict)
    _visits: dict[int, Visit] = field(default_factory=dict)
    _left: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 5])

    def step(self) -> str:
        """Has one of them do something; returns what was done, "" where there was nothing to do."""
        if self.officer is not None and self.rng.random() < 0.4:
            what = self._desk()
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
        place = int(self.rng.integers(len(self.accounts)))
        return self._visit(1 + place, self.accounts[place])

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
        values = {
            "begin": begin,
            "hours": str(int(self.rng.choice([1, 1, 2, 2, 3]))),
            "people": str(int(self.rng.integers(2, room["seats"] + 1))),
            "purpose": str(self.rng.choice(PURPOSES)),
            "weeks": str(int(self.rng.integers(3, 7))) if self.rng.random() < WEEKLY else "1",
            "key": self._key(),
        }
        visit.get(f"/house/rooms/{room['slug']}/book/", begin=begin).raise_for_status()
        answer = visit.client.post(f"/house/rooms/{room['slug']}/book/", data=values, headers=visit.token)
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
        return "booked"

    def _wait(self, visit: Visit, slug: str, taken: list[dict[str, Any]]) -> str:
        begin = taken[int(self.rng.integers(len(taken)))]["begin"]
        path = f"/house/rooms/{slug}/wait/"
        visit.get(path, begin=begin).raise_for_status()
        answer = visit.client.post(path, data={"begin": begin, "hours": "1", "key": self._key()}, headers=visit.token)
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
        """Pays on the provider's page, some with a card that is declined first."""
        on = visit.post(f"{page}pay/", {}).headers["location"]
        bank = visit.client.get(on, follow_redirects=True).raise_for_status()
        for card in [DECLINED, GOOD] if self.rng.random() < DECLINES else [GOOD]:
            form = CARD.search(bank.text)
            if form is None:
                return
            back = visit.post(form[1], {"number": card}).headers["location"]
            bank = visit.client.get(back, follow_redirects=True).raise_for_status()

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
) -> None:
    """Lets them come until `stop` is set; waits where the city, or its service for rooms, is not there."""
    guests = Guests(connector(address), accounts, officer, seed)
    while accounts and not stop.wait(PAUSE_S / speed):
        try:
            guests.step()
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            log.debug("guests wait: %r", problem)
            if isinstance(problem, httpx.HTTPStatusError):
                # Signed out: they sign in anew.
                guests.sign_out()
