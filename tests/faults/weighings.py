"""Crews' telephones tell what was weighed while everything dies: each kilogram is there once, and so are its points.

A telephone that got no answer sends the same weighing again; some are sent although they were answered, several at
once and in another order. What a weighing is worth is reckoned here anew, from what the town's file says.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from cityhall.simulator.visits import Visit
from tests.faults.ledger import Ledger

CREW = "carla@example.org"
"""Who weighs at the drop-off points."""
CARDS = 12
FILE = """\
[windows]
times = ["08:00-12:00"]
weekdays = [1]
places = 1

[[material]]
key = "paper"
picture = "paper"
names = {en = "Paper"}
co2e_g_per_kg = 1000
co2e_source = "Harbour"
tariff = [{since = 2000-01-01, points = 20}]

[[material]]
key = "aluminium"
picture = "can"
names = {en = "Cans"}
co2e_g_per_kg = 1000
co2e_source = "Harbour"
tariff = [{since = 2000-01-01, points = 160}]

[[campaign]]
key = "cans"
names = {en = "Cans"}
material = "aluminium"
since = 2000-01-01
until = 2199-12-31
percent = 150
"""
"""The town's own: `recycling.toml`."""
TARIFF, MORE = {"paper": 20, "aluminium": 160}, {"aluminium": 150}
"""Points a kilogram, and per cent of them in the campaign; as in the file."""
PEOPLE = """
from allauth.account.models import EmailAddress
from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.services.recycling.accounts import account_of
crew = Person.objects.create_user("CREW", "PASSWORD", name="Carla")
EmailAddress.objects.create(user=crew, email="CREW", primary=True, verified=True)
grant(system("test"), crew, "recycling.crew")
homes = [Person.objects.create_user(f"home{n}@example.org", "PASSWORD", name=f"Home {n}") for n in range(CARDS)]
cards = [account_of(person_actor(one)).code for one in homes]
"""
SPACE = uuid.NAMESPACE_URL
EARNED, BONUS = "recycling", "recycling.campaign"
AGAIN_SHARE = 0.3
MOST = 20
"""In one telling; the city takes fifty, and some are told twice."""


def people(password: str) -> str:
    """What a shell of the town is given; leaves `cards`: the codes of the cards that things are weighed for."""
    return PEOPLE.replace("CREW", CREW).replace("PASSWORD", password).replace("CARDS", str(CARDS))


def drawn(uid: str, cards: list[str]) -> tuple[str, dict[str, int]]:
    """What was weighed under an id: the card, grams by material; the same whenever it is drawn."""
    chance = random.Random(uid)
    grams = {key: chance.randint(10, 20_000) for key in TARIFF if chance.random() < 0.7}
    return chance.choice(cards), grams or {"paper": 1000}


@dataclass
class Telephones:
    """A crew's two: what was not answered they keep, and send it again with what comes next."""

    ledger: Ledger
    cards: list[str]
    visits: list[Visit]
    ask: Callable[[Callable[[], httpx.Response]], httpx.Response | None]
    """Asks until there is an answer, or patience is at its end."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    kept: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def weigh(self) -> None:
        """Somebody has brought something."""
        uid = str(uuid.uuid4())
        self.ledger.tell("weighing", uid)
        self.kept.append(uid)

    def tell(self) -> None:
        """Sends what is kept, shuffled; at times with something of before, all of it twice, or from both at once."""
        sent = self.kept[:MOST]
        sent += self.chance.sample(self.answered[-50:], min(3, len(self.answered))) * self._now_and_then()
        sent *= 1 + self._now_and_then()
        self.chance.shuffle(sent)
        body = [self._body(uid) for uid in sent]
        visits = self.visits[: 1 + self._now_and_then()]
        with ThreadPoolExecutor(len(visits)) as at_once:
            answers = list(at_once.map(lambda visit: self.ask(lambda: self._post(visit, body)), visits))
        for said in [one for answer in answers if answer is not None for one in answer.json()]:
            if not said["taken"]:
                self.ledger.answer(200, f"weighing: {said['problem']} {said['message']}", wrong=True)
            elif said["id"] in self.kept:
                self.kept.remove(said["id"])
                self.answered.append(said["id"])
                self.ledger.acknowledge("weighing", said["id"])

    def _now_and_then(self) -> bool:
        return self.chance.random() < AGAIN_SHARE

    def _body(self, uid: str) -> dict[str, Any]:
        card, grams = drawn(uid, self.cards)
        lines = [{"material": key, "grams": amount} for key, amount in grams.items()]
        return {"id": uid, "code": card, "at": datetime.now(UTC).isoformat(), "lines": lines, "seen": "code"}

    @staticmethod
    def _post(visit: Visit, body: list[dict[str, Any]]) -> httpx.Response:
        return visit.client.post("/api/recycling/weighings", json=body, headers=visit.token)


def posting(uid: str, origin: str) -> str:
    """The id of the posting of a weighing's points (services/recycling/points.py: `key`)."""
    return str(uuid.uuid5(SPACE, f"cityhall:recycling:{uid}:{origin}:"))


def worth(grams: dict[str, int]) -> dict[str, int]:
    """Points by the origin of their lot; none where there are none."""
    base = {key: amount * TARIFF[key] // 1000 for key, amount in grams.items()}
    bonus = sum(points * (MORE.get(key, 100) - 100) // 100 for key, points in base.items())
    return {origin: amount for origin, amount in ((EARNED, sum(base.values())), (BONUS, bonus)) if amount}


LINES = """
SELECT one.uid::text, account.code, line.material, line.grams
FROM recycling_weighing AS one JOIN recycling_account AS account ON account.id = one.account_id
LEFT JOIN (SELECT weighing_id, material.key AS material, grams FROM recycling_weighed
    JOIN recycling_material AS material ON material.id = material_id WHERE valid) AS line ON line.weighing_id = one.uid
"""
POSTED = """
SELECT posting.uid::text, posting.subject, purse.key, -entry.amount FROM ledger_posting AS posting
JOIN ledger_entry AS entry ON entry.posting_id = posting.uid
JOIN ledger_account AS purse ON purse.id = entry.account_id AND purse.key LIKE 'recycling:points:%'
"""
WHOLE = """
SELECT (SELECT coalesce(sum(amount), 0) FROM ledger_entry),
    (SELECT count(*) FROM (SELECT FROM ledger_entry GROUP BY posting_id HAVING sum(amount) <> 0) AS uneven),
    (SELECT count(*) FROM ledger_account AS one WHERE posted <>
        (SELECT coalesce(sum(amount), 0) FROM ledger_entry WHERE account_id = one.id)),
    (SELECT coalesce(sum(lot.left), 0) FROM ledger_lot AS lot),
    (SELECT coalesce(-sum(posted), 0) FROM ledger_account WHERE lots)
"""


def each_once(look: psycopg.Connection[Any], ledger: Ledger, cards: list[str]) -> tuple[dict[str, Any], list[str]]:
    """What was weighed and posted, and a line for whatever is not there, or not once, or worth something else."""
    told = {uid: drawn(uid, cards) for uid in ledger.told.get("weighing", ())}
    promised, there = ledger.acknowledged.get("weighing", {}), _there(look)
    problems = [f"weighing {uid} is lost" for uid in promised if uid not in there]
    for uid, (card, lines) in there.items():
        if uid in told and told[uid] != (card, dict(lines)):
            problems.append(f"weighing {uid}: {told[uid]} was told, {dict(lines)} of {card} is there")
    points, wrong = _points(look, {uid: lines for uid, (_card, lines) in there.items()})
    (total, uneven, drifted, lots, purses) = look.execute(WHOLE).fetchone() or (0,) * 5
    if total or uneven or drifted or lots != purses:
        problems.append(
            f"books: sum {total}, {uneven} uneven postings, {drifted} wrong balances, lots {lots} of {purses} points"
        )
    mine = [uid for uid in there if uid in told]
    found = {
        "acknowledged": len(promised),
        "there": sum(uid in there for uid in promised),
        "unanswered": len(told) - len(promised),
        "grams_told": sum(sum(told[uid][1].values()) for uid in mine),
        "grams": sum(sum(there[uid][1].values()) for uid in mine),
        "points": points,
    }
    return found, problems + wrong


def _there(look: psycopg.Connection[Any]) -> dict[str, tuple[str, Counter[str]]]:
    """By id: the card, and grams by material, of a line that is there twice the sum."""
    found: dict[str, tuple[str, Counter[str]]] = {}
    for uid, card, material, grams in look.execute(LINES).fetchall():
        _card, lines = found.setdefault(uid, (card, Counter()))
        if material is not None:
            lines[material] += grams
    return found


def _points(look: psycopg.Connection[Any], there: dict[str, Counter[str]]) -> tuple[int, list[str]]:
    """How many were posted; each posting is that of a weighing, under its own id, with just its points."""
    expected = {posting(uid, origin): (uid, n) for uid, lines in there.items() for origin, n in worth(lines).items()}
    problems, seen, total = [], set(), 0
    for number, subject, _purse, amount in look.execute(POSTED).fetchall():
        total += amount
        uid, points = expected.get(number, ("", 0))
        if subject != f"weighing:{uid}" or amount != points or number in seen:
            problems.append(f"points: {amount} of {subject} are posted beside what it earned")
        seen.add(number)
    lost = [f"points: {n} of weighing:{uid} are not posted" for key, (uid, n) in expected.items() if key not in seen]
    return total, problems + lost
