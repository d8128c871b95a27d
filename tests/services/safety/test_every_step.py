"""Every state and every event, against an oracle that is slow, plain, and written without the table.

The walk goes through the actions themselves with a real database, breadth first by the oracle, each step in a
savepoint within that of the step before it: no way is gone twice. It goes on from a state once. That loses nothing:

- *Equal up to time.* The oracle, and the city, look at moments only to tell whether a deadline has come. Two states
  that differ in nothing else, and whose deadlines are as far away, go on alike; a deadline that has gone by counts no
  more (`like`).
- *Which moments.* What comes next depends on which deadlines have come before it, and on how far away the others are.
  So each event is tried at once, a second before the next deadline, and at it; and a day later, after a standstill:
  all deadlines have come then, at one moment, and where there was none nothing may have happened. Two deadlines run at
  once only where a unit is asked (20 s) while one should be sent (60 s), and either comes first on one of these ways.
- *Equal up to identity.* Both operators may do the same, and each event for which it matters who does it is tried by
  both: who of them has an alert, or has closed it, can be told from who has not, and not the one from the other.
- What the rows hold beside that, and a later step may look at (was it ever answered, sent, reached; has the unit
  refused), is a part of the state.

WALK_DEPTH=8 walks as deep as that; from WALK_DEPTH=13 on there is no state more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.safety import actions, calling, centres, dispatching, eido
from cityhall.services.safety.models import Alert, Assignment
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import NOON, S, at_desk, go_on, officer, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef-walked"
DEPTH = int(os.environ.get("WALK_DEPTH", "2"))
"""The suite walks as far as it has time for."""
LIMITS = (10, 30, 60, 120)
OFFER_S, SEND_S, DAY_S = 20, 60, 86_400


@dataclass(frozen=True)
class Model:
    """What the oracle keeps of one alert: seconds count from the first press."""

    state: str = "waiting"
    owner: str = ""
    level: int = 0
    since: int = 0
    asked: int | None = None  # when it was answered and no unit has gone yet
    unit: str = ""  # "", offered, accepted, there
    offered: int = 0
    refused: bool = False
    outcome: str = ""
    cancelled: bool = False
    duress: bool = False
    merged: bool = False
    # Whether ever: an alert remembers the first time.
    was_answered: bool = False
    was_sent: bool = False
    was_there: bool = False
    closer: str = ""
    reviewed: bool = False
    whole_over: bool = False  # the other one, that this one is made part of
    split: bool = False  # at least once
    passed: str = ""  # on to another centre: "", queued, acknowledged, refused


def open_(m: Model) -> bool:
    return m.state not in ("closed", "merged")


def passing(m: Model, now: int) -> Model:
    """What the city does by itself by then."""
    if m.state == "waiting":
        level = m.level
        while level < 4 and now >= m.since + LIMITS[level]:
            level += 1
        m = replace(m, level=level)
    if m.unit == "offered" and now >= m.offered + OFFER_S:
        # There is one unit, and it has not answered: nobody else can be asked.
        m = replace(m, unit="", refused=True)
    if m.asked is not None and now >= m.asked + SEND_S:
        m = replace(m, asked=None)
    return m


def answered(m: Model, who: str, now: int) -> Model | None:
    if m.state == "waiting":
        return replace(m, state="answered", owner=who, asked=now, was_answered=True)
    return m if open_(m) and m.owner == who else None


def taken(m: Model, who: str, now: int) -> Model | None:
    # Both browsers are silent here, so anybody may.
    return replace(m, owner=who) if open_(m) and m.state != "waiting" else None


def put_back(m: Model, who: str, now: int) -> Model | None:
    if m.state != "answered" or m.owner != who:
        return None
    return replace(m, state="waiting", owner="", since=now, level=0, asked=None, unit="")


def closed(m: Model, who: str, now: int) -> Model | None:
    if m.state not in ("answered", "sent", "there") or m.owner != who:
        return None
    return replace(m, state="closed", outcome="false", closer=who, reviewed=False, unit="", asked=None)


def reopened(m: Model, who: str, now: int) -> Model | None:
    if m.state != "closed":
        return None
    m = replace(m, outcome="", closer="", reviewed=False, merged=False)
    return replace(m, state="waiting", owner="", since=now, level=0)


def agreed(m: Model, who: str, now: int) -> Model | None:
    if m.state != "closed" or m.outcome != "false" or m.reviewed or m.closer == who:
        return None
    return replace(m, reviewed=True)


def disagreed(m: Model, who: str, now: int) -> Model | None:
    return reopened(m, who, now) if agreed(m, who, now) else None


def whole_ended(m: Model, who: str, now: int) -> Model | None:
    if m.whole_over:
        return None
    m = replace(m, whole_over=True)
    # What is part of it is the same thing, and ends with it.
    return replace(m, state="closed", outcome="helped", closer=who) if m.state == "merged" else m


def merged(m: Model, who: str, now: int) -> Model | None:
    if not open_(m) or m.unit or m.whole_over:
        return None
    return replace(m, state="merged", merged=True, asked=None)


def unmerged(m: Model, who: str, now: int) -> Model | None:
    if m.state != "merged":
        return None
    return replace(m, state="waiting", owner="", since=now, level=0, merged=False)


def split(m: Model, who: str, now: int) -> Model | None:
    # The first is as it was: its owner, its units, its clocks.
    return replace(m, split=True) if m.state in ("answered", "sent", "there") and m.owner == who else None


def passed_on(m: Model, who: str, now: int) -> Model | None:
    return replace(m, passed="queued") if open_(m) and m.passed in ("", "refused") else None


def taken_there(m: Model, who: str, now: int) -> Model | None:
    if m.passed == "":
        return None
    if m.passed != "queued":
        return m
    m = replace(m, passed="acknowledged")
    if m.state in ("waiting", "answered") and not m.unit:
        m = replace(m, state="closed", outcome="elsewhere", asked=None)
    return m


def refused_there(m: Model, who: str, now: int) -> Model | None:
    if m.passed == "":
        return None
    return replace(m, passed="refused") if m.passed == "queued" else m


def offered(m: Model, who: str, now: int) -> Model | None:
    if m.state not in ("answered", "sent", "there") or m.unit or m.refused:
        return None
    return replace(m, unit="offered", offered=now)


def accepted(m: Model, who: str, now: int) -> Model | None:
    if m.unit == "accepted":
        return m
    # Also where a unit was there, and is gone: the alert is where its units are.
    return replace(m, unit="accepted", state="sent", asked=None, was_sent=True) if m.unit == "offered" else None


def refused(m: Model, who: str, now: int) -> Model | None:
    return replace(m, unit="", refused=True) if m.unit == "offered" else None


def arrived(m: Model, who: str, now: int) -> Model | None:
    if m.unit == "there":
        return m
    return replace(m, unit="there", state="there", was_there=True) if m.unit == "accepted" else None


def done(m: Model, who: str, now: int) -> Model | None:
    if m.unit == "there":
        # It was there; whether more is needed the operator says.
        return replace(m, unit="")
    return replace(m, unit="", state="answered", asked=now) if m.unit == "accepted" else None


def called_off(m: Model, who: str, now: int) -> Model | None:
    return replace(m, cancelled=True, duress=m.duress or who == "forced") if m.state != "closed" else None


def pressed(m: Model, who: str, now: int) -> Model:
    return m


Oracle = Callable[[Model, str, int], Model | None]
Do = Callable[[datetime], Any]
Events = dict[str, tuple[Oracle, str, Do]]


class Town:
    """The alert that is walked, one to merge it into, two operators and one unit."""

    def __init__(self) -> None:
        self.code = press(ANONYMOUS, KEY, at=NOON).code
        self.alert = Alert.objects.get()
        self.other = press(ANONYMOUS, f"{KEY}-other", at=NOON).alert
        Deadline.objects.filter(subject=f"alert:{self.other.pk}").delete()
        self.operators: dict[str, Actor] = {name: at_desk(name, now=NOON - 3600 * S) for name in ("ana", "ben")}
        self.unit = patrol("P1")
        boss = officer("sue", "supervisor")
        self.centre, _token = centres.enter(boss, "Next", "https://next.example/eido/", "their token")

    def assignment(self) -> int:
        found = Assignment.objects.filter(alert=self.alert).order_by("-pk").first()
        return found.pk if found else 0

    def end_whole(self, at: datetime) -> None:
        """The alert that ours may be part of is answered and closed."""
        actions.answer(self.operators["ana"], self.other.pk, now=at)
        actions.close(self.operators["ana"], self.other.pk, "helped", now=at)

    def answer(self, at: datetime, *, owns: bool) -> None:
        """The other centre says whether it has the alert."""
        body = eido.answer(centres.identifier(self.alert.pk), "next.example", at, owns=owns)
        centres.came(self.centre, body, now=at)

    def events(self) -> Events:
        pk, ana = self.alert.pk, self.operators["ana"]
        every: Events = {
            "pressed": (pressed, "", lambda at: press(ANONYMOUS, KEY, at=at)),
            "merged": (merged, "ana", lambda at: actions.merge(ana, pk, self.other.pk, now=at)),
            "unmerged": (unmerged, "ana", lambda at: actions.unmerge(ana, pk, now=at)),
            "the whole ends": (whole_ended, "ana", self.end_whole),
            "passed on": (passed_on, "ana", lambda at: centres.pass_on(ana, pk, self.centre.pk, now=at)),
            "taken there": (taken_there, "", lambda at: self.answer(at, owns=True)),
            "refused there": (refused_there, "", lambda at: self.answer(at, owns=False)),
            "reopened": (reopened, "ana", lambda at: actions.reopen(ana, pk, "again", now=at)),
            "offered": (offered, "ana", lambda at: dispatching.offer(ana, pk, now=at)),
            "accepted": (accepted, "ana", lambda at: dispatching.accept(ana, self.assignment(), now=at)),
            "refused": (refused, "ana", lambda at: dispatching.refuse(ana, self.assignment(), now=at)),
            "arrived": (arrived, "ana", lambda at: dispatching.arrive(ana, self.assignment(), now=at)),
            "done": (done, "ana", lambda at: dispatching.done(ana, self.assignment(), now=at)),
            "called off": (called_off, "", lambda at: calling.cancel(self.code, duress=False, now=at)),
            "forced": (called_off, "forced", lambda at: calling.cancel(self.code, duress=True, now=at)),
        }
        for name, actor in self.operators.items():
            every |= {
                f"{name} answers": (answered, name, lambda at, a=actor: actions.answer(a, pk, now=at)),
                f"{name} takes over": (taken, name, lambda at, a=actor: actions.take_over(a, pk, now=at)),
                f"{name} puts back": (put_back, name, lambda at, a=actor: actions.put_back(a, pk, now=at)),
                f"{name} closes": (closed, name, lambda at, a=actor: actions.close(a, pk, "false", now=at)),
                f"{name} agrees": (agreed, name, lambda at, a=actor: actions.review(a, pk, agreed=True, now=at)),
                f"{name} disagrees": (disagreed, name, lambda at, a=actor: actions.review(a, pk, agreed=False, now=at)),
                f"{name} splits": (split, name, lambda at, a=actor: actions.split(a, pk, "medical", now=at)),
            }
        return every

    def seen(self) -> dict[str, Any]:
        """What the database holds of what the oracle knows."""
        alert = Alert.objects.get(pk=self.alert.pk)
        names = {actor.person_id: name for name, actor in self.operators.items()}
        unit = Assignment.objects.filter(alert=alert, state__in=("offered", "accepted", "there")).first()
        passing = alert.passings.last()
        return {
            "state": str(alert.state),
            "owner": names.get(alert.owner_id, ""),
            "level": alert.level,
            "unit": str(unit.state) if unit else "",
            "outcome": alert.outcome,
            "cancelled": alert.cancelled_at is not None,
            "duress": alert.duress,
            "merged": alert.part_of_id is not None,
            "was_answered": alert.answered_at is not None,
            "was_sent": alert.sent_at is not None,
            "was_there": alert.there_at is not None,
            "passed": str(passing.state) if passing else "",
            "closer": names.get(alert.closer_id, ""),
            "reviewed": alert.reviewer_id is not None,
            "split": alert.split_off.exists(),
            "deadlines": sorted(Deadline.objects.filter(subject=f"alert:{alert.pk}").values_list("kind", flat=True)),
        }


SHOWN = (
    *("state", "owner", "level", "unit", "outcome", "cancelled", "duress", "merged"),
    *("was_answered", "was_sent", "was_there", "split", "passed", "closer", "reviewed"),
)


def told(m: Model) -> dict[str, Any]:
    waits = ["safety.unanswered"] if m.state == "waiting" and m.level < 4 else []
    sends = ["safety.unsent"] if m.asked is not None and m.state == "answered" else []
    return {name: getattr(m, name) for name in SHOWN} | {"deadlines": sorted(waits + sends)}


def like(m: Model, now: int) -> Model:
    """The model with its moments as they lie to now, and the operators by which of them comes first in it."""
    counts = m.state == "waiting" and m.level < 4
    names = {name: place for place, name in enumerate(dict.fromkeys(one for one in (m.owner, m.closer) if one), 1)}
    return replace(
        m,
        owner=str(names.get(m.owner, "")),
        closer=str(names.get(m.closer, "")),
        since=now - m.since if counts else 0,
        asked=None if m.asked is None else now - m.asked,
        offered=now - m.offered if m.unit == "offered" else 0,
    )


def moments(m: Model, now: int) -> tuple[int, ...]:
    """Seconds from now at which each event is tried."""
    due = [m.since + LIMITS[m.level]] if m.state == "waiting" and m.level < 4 else []
    due += [m.offered + OFFER_S] if m.unit == "offered" else []
    due += [m.asked + SEND_S] if m.asked is not None else []
    waits = {min(due) - now - 1, min(due) - now} if due else set()
    return tuple(sorted({0, DAY_S} | waits))


@dataclass
class Node:
    """A state that no other is like, on the shortest way to it; `then`: those that are new one step on."""

    model: Model
    now: int
    then: dict[tuple[str, int], Node] = field(default_factory=dict)


def plan(events: Events, depth: int) -> tuple[Node, int, int]:
    """The ways to go, by the oracle alone; how many states there are, and how many were new in the last step."""
    root = Node(Model(), 0)
    seen, edge = {like(root.model, 0)}, [root]
    for _step in range(depth):
        found = []
        for node in edge:
            for name, (oracle, who, _do) in events.items():
                for later in moments(node.model, node.now):
                    then = node.now + later
                    expected = passing(node.model, then)
                    after = oracle(expected, who, then) or expected
                    if (one := like(after, then)) not in seen:
                        seen.add(one)
                        node.then[name, later] = made = Node(after, then)
                        found.append(made)
        edge = found
    return root, len(seen), len(edge)


@dataclass
class Walk:
    """Goes all ways of a plan in the city, and a step from each of its states by every event."""

    town: Town
    events: Events
    steps: int = 0
    states: set[str] = field(default_factory=set)

    def go(self, m: Model, now: int, name: str, later: int) -> Model:
        """Does it, in the city and by the oracle, which must agree."""
        oracle, who, do = self.events[name]
        then = now + later
        go_on(NOON + then * S)
        expected = passing(m, then)
        after = oracle(expected, who, then)
        try:
            with transaction.atomic():
                do(NOON + then * S)
        except CityhallError as problem:
            assert after is None, str(problem)
            after = expected
        else:
            assert after is not None, "it was not refused"
        assert self.town.seen() == told(after)
        self.steps += 1
        self.states.add(after.state)
        return after

    def from_(self, node: Node, depth: int, way: tuple[tuple[str, int], ...] = ()) -> None:
        """Every event from here, and on from what is new, so many steps deep."""
        for name in self.events:
            for later in moments(node.model, node.now):
                with transaction.atomic():
                    gone = (*way, (name, later))
                    try:
                        self.go(node.model, node.now, name, later)
                    except AssertionError as problem:
                        raise AssertionError(f"{gone}: {problem}") from problem
                    if depth > 1 and (new := node.then.get((name, later))) is not None:
                        self.from_(new, depth - 1, gone)
                    transaction.set_rollback(True)


def test_every_step_from_every_state() -> None:
    town = Town()
    walk = Walk(town, town.events())
    root, states, new = plan(walk.events, DEPTH)
    walk.from_(root, DEPTH)
    print(f"depth {DEPTH}: {walk.steps} steps, {states} states, {new} of them new in the last step")
    assert walk.states >= {"waiting", "answered", "merged", "closed"} | ({"sent", "there"} if DEPTH >= 4 else set())
