"""Residents whose recycling is fetched, the crew that weighs it, and machines that take bottles: by the public doors.

Most ask for a window, some for a day to be told of; a few are not at home. The crew weighs what stands there, which is
never quite what was thought. Points pay the waste fee and buy vouchers; some come back. Some have the fee collected
from their account at the demo's bank. All follows from the seed.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from cityhall.simulator import clock
from cityhall.simulator.bank import FIRST_ACCOUNT, iban_of
from cityhall.simulator.signing import Signer
from cityhall.simulator.visits import Connect, Visit, connector

log = logging.getLogger("cityhall.simulator")
PAUSE_S = 15.0
"""From what one of them does to what the next one does, at speed 1."""
FIRST_HOME = 50_000
"""Their homes' numbers, beyond those of City Hall's guests."""
FIRST_MACHINE = 50_900
SHOP = 890
"""The shop's number among them."""
CREW, MACHINES, SPENDS, COLLECTED = 0.42, 0.14, 0.11, 0.08
"""Shares of steps that are the crew's, a machine's, somebody's who spends, or who has a fee collected; the others
ask."""
NOBODY_HOME, CONTESTS, CONFIRMS, MIXED, WITHOUT_WINDOW = 0.08, 0.05, 0.5, 0.1, 0.1
USUAL_KG = {"paper": 6.0, "cardboard": 4.0, "glass": 5.0, "aluminium": 0.8, "steel": 1.2, "pet": 1.5, "hdpe": 1.0}
STREETS = ("Rua", "Avenida", "Calle", "Street")
NOTES = ("Second floor", "Behind the gate", "Portón verde", "Ao lado da garagem", "문 앞에 두었습니다", "")
COMPLAINTS = ("My own scale said more.", "Eram pelo menos mais dois quilos.", "Falta una bolsa.", "한 봉지가 빠졌어요.")
FEE = re.compile(r'href="(/recycling/points/fees/\d+/)\?account=(\d+)"')
MANDATE = re.compile(r'<input type="hidden" name="mandate" value="(\d+)">')
CODE = re.compile(r'recycling-code-large"[^>]*>(\w+)<')
AGREED = 'action="/payments/direct-debit/'
"""A form to end a direct debit: there is one."""
SCALE = "demo-1"
"""The scale of the crew's truck."""


def _now() -> datetime:
    return datetime.fromtimestamp(clock.time(), UTC)


@dataclass
class Recycling:
    """All who recycle. One `step` is one thing that one of them does.

    `accounts`: (e-mail address, password) of residents, `crew` of who weighs, None for nobody; `machines`: (device,
    its key) of reverse-vending machines; `shop`: who takes vouchers.
    """

    connect: Connect
    accounts: list[tuple[str, str]]
    crew: tuple[str, str] | None
    machines: list[tuple[str, str]]
    shop: tuple[str, str] | None = None
    seed: int = 4
    rng: np.random.Generator = field(init=False)
    done: dict[str, int] = field(default_factory=dict)
    _visits: dict[int, Visit] = field(default_factory=dict)
    _signers: dict[str, Signer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 7])

    def step(self) -> str:
        """Has one of them do something; returns what was done, "" where there was nothing to do."""
        turn = self.rng.random()
        if self.crew is not None and turn < CREW:
            what = self._round()
        elif self.machines and turn < CREW + MACHINES:
            what = self._machine()
        elif turn < CREW + MACHINES + SPENDS:
            what = self._spend()
        elif turn < CREW + MACHINES + SPENDS + COLLECTED:
            what = self._have_collected()
        else:
            what = self._ask()
        self.done[what] = self.done.get(what, 0) + 1
        return what

    def sign_out(self) -> None:
        """They all sign in anew when they come next."""
        self._visits.clear()

    def _visit(self, place: int, account: tuple[str, str]) -> Visit:
        if place not in self._visits:
            visit = Visit(self.connect(FIRST_HOME + place))
            visit.sign_in(*account)
            self._visits[place] = visit
        return self._visits[place]

    def _resident(self) -> Visit:
        return self._of(int(self.rng.integers(len(self.accounts))))

    def _of(self, place: int) -> Visit:
        return self._visit(1 + place, self.accounts[place])

    def _key(self) -> str:
        return str(uuid.UUID(bytes=self.rng.bytes(16), version=4))

    def _ask(self) -> str:
        """Says what stands ready, where and when, as the three pages ask it; or looks at what was weighed."""
        visit = self._resident()
        mine = visit.get("/api/recycling/pickups").raise_for_status().json()
        weighed = [one for one in mine if one["state"] == "weighed"]
        if weighed and self.rng.random() < 0.5:
            return self._judge(visit, weighed[int(self.rng.integers(len(weighed)))]["weighing"])
        if sum(one["state"] in ("asked", "promised", "on_way") for one in mine) >= 3:
            return ""
        places = visit.get("/api/places/search", q=str(self.rng.choice(STREETS))).raise_for_status().json()
        if not places:
            return ""
        place = places[int(self.rng.integers(len(places)))]
        kinds = self.rng.choice(list(USUAL_KG), size=int(self.rng.integers(1, 4)), replace=False)
        load = {"material": list(kinds), "grams": [round(1000 * USUAL_KG[kind]) for kind in kinds]}
        windows = visit.get("/api/recycling/windows", lon=place["lon"], lat=place["lat"], **load)
        windows = windows.raise_for_status().json()
        # The soonest is what most want: so the crew comes while somebody looks at the demo.
        window = windows[min(int(self.rng.exponential(0.7)), len(windows) - 1)] if windows else None
        without = window is None or self.rng.random() < WITHOUT_WINDOW
        number = int(self.rng.integers(1, 120))
        values = {
            **{f"m-{kind}": f"{max(0.5, round(USUAL_KG[kind] * self.rng.lognormal(0, 0.4), 1))}" for kind in kinds},
            "place": f"{place['lon']},{place['lat']}|{place['name']} {number}",
            "note": str(self.rng.choice(NOTES)),
            "begin": "" if without or window is None else window["begin"],
            "key": self._key(),
        }
        visit.get("/recycling/ask/").raise_for_status()
        answer = visit.client.post("/recycling/ask/when/", data=values, headers=visit.token)
        return "asked" if answer.is_redirect else "refused"

    def _judge(self, visit: Visit, weighing: str) -> str:
        turn = self.rng.random()
        if turn < CONTESTS:
            words = {"text": str(self.rng.choice(COMPLAINTS))}
            visit.post(f"/recycling/weighings/{weighing}/contest/", words)
            return "contested"
        if turn < CONTESTS + CONFIRMS:
            visit.post(f"/recycling/weighings/{weighing}/confirm/", {})
            return "confirmed"
        return ""

    def _round(self) -> str:
        """The crew's next stop of today: on the way, then weighed at the door, or why not."""
        assert self.crew is not None
        visit = self._visit(0, self.crew)
        stops = visit.get("/api/recycling/round").raise_for_status().json()
        now = _now()
        due = [one for one in stops if one["begin"] and datetime.fromisoformat(one["begin"]) <= now]
        coming = [one for one in due if one["state"] == "on_way"]
        waiting = [one for one in due if one["state"] == "promised"]
        if coming:
            return self._weigh(visit, coming[0])
        if waiting:
            return "set out" if self._step(visit, waiting[0], self._key(), "set_out") else "refused"
        return ""

    def _step(self, visit: Visit, stop: dict[str, Any], uid: str, what: str, why: str = "") -> bool:
        """Whether the city took it."""
        step = {"id": uid, "pickup": stop["id"], "what": what, "why": why, "at": _now().isoformat()}
        answer = visit.client.post("/api/recycling/steps", json=[step], headers=visit.token)
        return bool(answer.raise_for_status().json()[0]["taken"])

    def _weigh(self, visit: Visit, stop: dict[str, Any]) -> str:
        """What the crew's telephone sends of a stop, each with an id of its own: at the door, then weighed or not."""
        fate = np.random.default_rng([self.seed, int(stop["id"])])
        keys = [str(uuid.UUID(bytes=fate.bytes(16), version=4)) for _place in range(3)]
        self._step(visit, stop, keys[0], "arrive")
        if fate.random() < NOBODY_HOME:
            self._step(visit, stop, keys[1], "miss", str(fate.choice(["nobody", "nothing", "spoiled", "no_way"])))
            return "missed"
        lines = [
            {
                "material": part["material"],
                "grams": max(50, round(part["grams"] * fate.normal(1, 0.15))),
                "quality": "mixed" if fate.random() < MIXED else "clean",
            }
            for part in stop["materials"]
        ]
        said = {"id": keys[2], "pickup": stop["id"], "at": _now().isoformat(), "lines": lines}
        seen = {"seen": "signed", "signature": "A. B.", "scale": SCALE}
        sent = visit.client.post("/api/recycling/weighings", json=[said | seen], headers=visit.token)
        return "weighed" if sent.raise_for_status().json()[0]["taken"] else "refused"

    def _machine(self) -> str:
        """Somebody brings bottles and cans to a machine, which says what it took, signed."""
        visit = self._resident()
        card = visit.get("/api/recycling/points").raise_for_status().json()["card"]
        device, key = self.machines[int(self.rng.integers(len(self.machines)))]
        signer = self._signers.setdefault(device, Signer(device, key, ahead_s=clock.AHEAD_S))
        kind = str(self.rng.choice(["aluminium", "pet"]))
        line = {"material": kind, "grams": int(self.rng.integers(40, 900))}
        message = {"kind": "weighing", "id": self._key(), "code": card, "lines": [line]}
        # A machine is no browser: it has no cookies, and its signature is all that it shows.
        with self.connect(FIRST_MACHINE) as machine:
            machine.post("/api/devices/messages", content=signer.envelope([message])).raise_for_status()
        return "brought"

    def _spend(self) -> str:
        """Pays the waste fee where the points reach, else gets a voucher, which some give back."""
        visit = self._resident()
        page = visit.get("/recycling/points/").raise_for_status().text
        balance = visit.get("/api/recycling/points").raise_for_status().json()["balance"]
        fee = FEE.search(page)
        if fee is not None and balance >= 400:
            visit.get(fee[1]).raise_for_status()
            answer = visit.client.post(fee[1], data={"key": self._key(), "account": fee[2]}, headers=visit.token)
            return "paid" if answer.is_redirect else "refused"
        if balance < 150:
            return ""
        visit.get("/recycling/points/shops/").raise_for_status()
        values = {"offer": "soap", "count": str(1 + int(balance >= 300)), "key": self._key()}
        answer = visit.client.post("/recycling/points/shops/", data=values, headers=visit.token)
        if not answer.is_redirect:
            return "refused"
        if self.rng.random() < 0.2:
            visit.post(f"{answer.headers['location']}return/", {"count": "1"})
            return "given back"
        if self.shop is not None:
            shown = CODE.search(visit.get(answer.headers["location"]).raise_for_status().text)
            counter = self._visit(SHOP, self.shop)
            if shown is not None:
                counter.post("/recycling/shop/", {"code": shown[1], "what": "redeem"})
                return "redeemed"
        return "bought"

    def _have_collected(self) -> str:
        """Has an open fee collected, and agrees to direct debit before, in a city that collects."""
        place = int(self.rng.integers(len(self.accounts)))
        visit = self._of(place)
        fee = FEE.search(visit.get("/recycling/points/").raise_for_status().text)
        if fee is None:
            return ""
        bill = f"/payments/bills/{fee[1].rstrip('/').rpartition('/')[2]}/"
        page = visit.get(bill).raise_for_status().text
        if (mandate := MANDATE.search(page)) is not None:
            visit.post(f"{bill}debit/", {"mandate": mandate[1]})
            return "by debit"
        path = "/payments/direct-debit/"
        known = visit.get(path).raise_for_status().text
        if 'name="iban"' not in known or AGREED in known:
            return ""
        name = self.accounts[place][0].partition("@")[0].replace("-", " ").title()
        visit.post(path, {"name": name, "iban": iban_of(FIRST_ACCOUNT + place), "agreed": "1"})
        return "signed"


def live(
    address: str,
    stop: threading.Event,
    *,
    seed: int,
    speed: float,
    accounts: list[tuple[str, str]],
    crew: tuple[str, str] | None,
    machines: list[tuple[str, str]],
    shop: tuple[str, str] | None,
) -> None:
    """Lets them live until `stop` is set; waits where the city, or its recycling, is not there."""
    people = Recycling(connector(address), accounts, crew, machines, shop, seed)
    while accounts and not stop.wait(PAUSE_S / speed):
        try:
            people.step()
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            log.debug("recycling waits: %r", problem)
            if isinstance(problem, httpx.HTTPStatusError):
                # Signed out: they sign in anew.
                people.sign_out()
