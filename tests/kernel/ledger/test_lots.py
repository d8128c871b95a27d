"""Points in lots, beside an oracle that keeps every single point as a token with its own day."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.ledger import expiry, queries
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.holds import hold, void_hold
from cityhall.kernel.ledger.models import Account, Lot
from cityhall.kernel.ledger.posting import post, post_many
from tests.kernel.ledger.test_posting import account

DAY = date(2026, 3, 1)
HISTORIES = int(os.environ.get("CITYHALL_POINT_HISTORIES", "120"))
"""`script/faults --only ledger` tries ten thousand."""


class Oracle:
    """A list of points, each (day of expiry, number of its lot, posting that it came with); what is owed apart."""

    def __init__(self) -> None:
        self.points: list[tuple[date, int, UUID]] = []
        self.owed = 0
        self.spent: dict[UUID, list[tuple[date, int, UUID]]] = {}
        self.lots = 0

    def earn(self, uid: UUID, amount: int, day: date) -> None:
        paid = min(self.owed, amount)
        self.owed -= paid
        self.lots += 1
        self.points += [(day, self.lots, uid)] * (amount - paid)
        self.points.sort(key=lambda one: one[:2])

    def spend(self, uid: UUID, amount: int) -> bool:
        if amount > len(self.points) or self.owed:
            return False
        self.spent[uid], self.points = self.points[:amount], self.points[amount:]
        return True

    def take_back(self, of: UUID, amount: int) -> None:
        """What was earned wrongly: of its own points first, then of the others, and the rest is owed."""
        order = sorted(self.points, key=lambda one: (one[2] != of, *one[:2]))
        taken, left = order[:amount], order[amount:]
        self.points = sorted(left, key=lambda one: one[:2])
        self.owed += amount - len(taken)

    def give_back(self, of: UUID, amount: int) -> None:
        """Of what was spent what would have expired last; what is owed is paid first."""
        paid = min(self.owed, amount)
        self.owed -= paid
        for _point in range(amount - paid):
            self.points.append(self.spent[of].pop())
        for _point in range(paid):
            self.spent[of].pop(0)
        self.points.sort(key=lambda one: one[:2])

    def expire(self, today: date) -> None:
        self.points = [one for one in self.points if one[0] >= today]


def wallet() -> tuple[int, int, int]:
    """Where points are issued, somebody's, and a shop's."""
    issued = account("issued", "expense", unit="points")
    mine = open_account(f"mine:{uuid4().hex[:6]}", "liability", "points", floor=0, lots=True).pk
    return issued, mine, account("shop", unit="points")


def earn(issued: int, mine: int, amount: int, day: date, uid: UUID | None = None) -> UUID:
    uid = uid or uuid4()
    post(transfer(uid, "test.weighed", debit=issued, credit=mine, amount=amount, expires_on=str(day), origin="weighed"))
    return uid


def spend(mine: int, shop: int, amount: int, uid: UUID | None = None) -> bool:
    return post_many([transfer(uid or uuid4(), "test.bought", debit=mine, credit=shop, amount=amount)])[0].is_posted


def left(mine: int) -> list[tuple[date | None, int]]:
    return [(one.expires_on, one.left) for one in queries.lots_of(mine)]


@pytest.mark.django_db
def test_what_expires_first_is_spent_first_and_what_is_left_by_its_day_goes() -> None:
    issued, mine, shop = wallet()
    earn(issued, mine, 50, DAY + timedelta(days=30))
    earn(issued, mine, 40, DAY)
    assert spend(mine, shop, 15)
    assert left(mine) == [(DAY, 25), (DAY + timedelta(days=30), 50)]
    assert not expiry.expire_of(mine, DAY), "on its day it may still be spent"
    assert expiry.expire_of(mine, DAY + timedelta(days=1)) and not expiry.expire_of(mine, DAY + timedelta(days=1))
    assert left(mine) == [(DAY + timedelta(days=30), 50)]
    assert Account.objects.get(key="points:expired").balance == 25
    assert queries.liability("points") == [(date(2026, 3, 1), "weighed", 50)] and queries.faults() == []


@pytest.mark.django_db
def test_what_is_held_does_not_expire_until_it_is_let_go() -> None:
    issued, mine, shop = wallet()
    earn(issued, mine, 40, DAY)
    made = hold(uuid4(), "test.order", debit=mine, credit=shop, amount=30)
    later = DAY + timedelta(days=1)
    assert expiry.expire_of(mine, later) and left(mine) == [(DAY, 30)]
    void_hold(made.uid)
    assert expiry.expire_of(mine, later) and left(mine) == []
    assert queries.faults() == []


@pytest.mark.django_db
def test_a_return_gives_points_back_where_they_came_from_and_no_more_than_were_spent() -> None:
    issued, mine, shop = wallet()
    earn(issued, mine, 10, DAY)
    earn(issued, mine, 10, DAY + timedelta(days=9))
    uid = uuid4()
    assert spend(mine, shop, 15, uid)

    def back(amount: int) -> Any:
        return transfer(uuid4(), "test.returned", debit=shop, credit=mine, amount=amount, reverses=uid)

    post_many([back(3), back(5)])
    assert left(mine) == [(DAY, 3), (DAY + timedelta(days=9), 10)]
    post(back(7))
    assert left(mine) == [(DAY, 10), (DAY + timedelta(days=9), 10)] and queries.faults() == []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["earn", "earn", "spend", "spend", "back", "contest", "expire"]),
        st.integers(1, 30),
        st.integers(0, 6),
    ),
    max_size=25,
)


@pytest.mark.django_db
@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES)
def test_any_history_is_as_with_single_points(moves: list[tuple[str, int, int]]) -> None:
    with transaction.atomic():
        _history(moves)
        transaction.set_rollback(True)


def _history(moves: list[tuple[str, int, int]]) -> None:
    issued, mine, shop = wallet()
    oracle, today = Oracle(), DAY
    earned: dict[UUID, int] = {}
    spent: dict[UUID, int] = {}
    for what, amount, choice in moves:
        uid = uuid4()
        if what == "earn":
            day = today + timedelta(days=choice * 5)
            earn(issued, mine, amount, day, uid)
            oracle.earn(uid, amount, day)
            earned[uid] = amount
        elif what == "spend":
            assert spend(mine, shop, amount, uid) == oracle.spend(uid, amount)
            if uid in oracle.spent:
                spent[uid] = amount
        elif what == "back" and spent:
            of = sorted(spent)[choice % len(spent)]
            amount = min(amount, spent[of])
            if amount and not oracle.owed:
                movement = transfer(uid, "test.returned", debit=shop, credit=mine, amount=amount, reverses=of)
                post(movement)
                oracle.give_back(of, amount)
                spent[of] -= amount
        elif what == "contest" and earned:
            of = sorted(earned)[choice % len(earned)]
            amount = min(amount, earned[of])
            if amount:
                post(transfer(uid, "t.contest", debit=mine, credit=issued, amount=amount, reverses=of, forced=True))
                oracle.take_back(of, amount)
                earned[of] -= amount
        elif what == "expire":
            today += timedelta(days=choice)
            expiry.expire_of(mine, today)
            oracle.expire(today)
        tally: dict[tuple[date, int], int] = {}
        for day, number, _uid in oracle.points:
            tally[day, number] = tally.get((day, number), 0) + 1
        assert left(mine) == [(day, count) for (day, _number), count in sorted(tally.items())]
        assert Account.objects.get(pk=mine).balance == len(oracle.points) - oracle.owed
    assert queries.faults() == []
    assert not Lot.objects.filter(account=mine, left__lt=0).exists()
