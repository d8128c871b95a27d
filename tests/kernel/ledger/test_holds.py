"""Holds: kept from being spent, settled one way and only one, also at the very moment that they expire."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from cityhall.kernel.deadlines import taker
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import CityhallError, Conflict
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.holds import hold, post_hold, void_hold
from cityhall.kernel.ledger.models import Account, Hold, Posting
from cityhall.kernel.ledger.posting import post, post_many
from tests.kernel.ledger.test_posting import account, has, pay

MINUTE = timedelta(minutes=1)


def filled(amount: int = 100) -> tuple[int, int]:
    """A wallet with so much on it, and a shop."""
    cash, wallet, shop = account("cash", "asset"), account("wallet", floor=0), account("shop")
    post(pay(cash, wallet, amount))
    return wallet, shop


def available(pk: int) -> int:
    return Account.objects.get(pk=pk).available


@pytest.mark.django_db
def test_what_is_held_is_not_spent_and_is_posted_in_part() -> None:
    wallet, shop = filled()
    made = hold(uuid4(), "test.order", debit=wallet, credit=shop, amount=80, subject="order:1")
    assert (has(wallet), available(wallet)) == (100, 20)
    assert post_many([pay(wallet, shop, 21)])[0].became == "short"
    with pytest.raises(Conflict) as refused:
        hold(uuid4(), "test.order", debit=wallet, credit=shop, amount=21)
    assert refused.value.code == "short"
    key = uuid4()
    assert [post_hold(key, made.uid, 50).became for _time in range(2)] == ["posted", "again"]
    assert (has(wallet), available(wallet), has(shop)) == (50, 50, 50)
    for settle in (lambda: void_hold(made.uid), lambda: post_hold(uuid4(), made.uid, 1)):
        with pytest.raises(Conflict) as refused:
            settle()
        assert refused.value.code == "hold_posted"
    assert Posting.objects.get(uid=key).hold_id == made.uid and queries.faults() == []


@pytest.mark.django_db
def test_the_same_hold_again_is_once_and_a_void_lets_it_go() -> None:
    wallet, shop = filled()
    key = uuid4()
    for _time in range(2):
        hold(key, "test.order", debit=wallet, credit=shop, amount=60)
    assert available(wallet) == 40
    with pytest.raises(Conflict) as refused:
        hold(key, "test.order", debit=wallet, credit=shop, amount=61)
    assert refused.value.code == "key_used"
    for _time in range(2):
        assert void_hold(key).state == "voided"
    assert available(wallet) == 100 and queries.faults() == []
    with pytest.raises(Conflict) as refused:
        post_hold(uuid4(), key)
    assert refused.value.code == "hold_voided"


@pytest.mark.django_db
def test_it_expires_at_its_moment_and_not_before() -> None:
    wallet, shop = filled()
    now = timezone.now()
    early = hold(uuid4(), "test.order", debit=wallet, credit=shop, amount=30, expires_at=now + MINUTE)
    late = hold(uuid4(), "test.order", debit=wallet, credit=shop, amount=30, expires_at=now + 3 * MINUTE)
    assert taker.take_due(now + MINUTE - timedelta(seconds=1)) == 0
    assert taker.take_due(now + MINUTE) == 1
    assert list(Hold.objects.order_by("expires_at").values_list("state", flat=True)) == ["expired", "held"]
    assert available(wallet) == 70
    post_hold(uuid4(), late.uid)
    assert not Deadline.objects.filter(kind="ledger.hold").exists(), "what is settled waits for nothing"
    with pytest.raises(Conflict) as refused:
        post_hold(uuid4(), early.uid)
    assert refused.value.code == "hold_expired"
    assert (has(wallet), available(wallet)) == (70, 70) and queries.faults() == []


@pytest.mark.django_db
def test_one_whose_moment_is_past_is_not_posted_although_nobody_has_let_it_go_yet() -> None:
    wallet, shop = filled()
    made = hold(uuid4(), "t", debit=wallet, credit=shop, amount=30, expires_at=timezone.now() - MINUTE)
    with pytest.raises(Conflict) as refused:
        post_hold(uuid4(), made.uid)
    assert refused.value.code == "hold_expired"


@pytest.mark.django_db
def test_cash_that_is_to_be_paid_out_is_held_on_both_sides() -> None:
    cash, wallet = account("cash", "asset", floor=0), account("wallet", floor=0)
    post(pay(cash, wallet, 100))
    made = hold(uuid4(), "test.payout", debit=wallet, credit=cash, amount=70)
    assert (available(wallet), available(cash)) == (30, 30)
    post_hold(uuid4(), made.uid)
    assert (has(wallet), has(cash), available(wallet), available(cash)) == (30, 30, 30, 30)
    assert queries.faults() == []


def settled_at_once(made: Hold, moment: datetime) -> list[str]:
    """Posted, voided and expired at one moment: who was told that they did it."""
    said: list[str] = []

    def settle(how: str) -> None:
        try:
            while timezone.now() < moment - timedelta(milliseconds=2):
                pass
            if how == "post":
                post_hold(uuid4(), made.uid)
            elif how == "void":
                void_hold(made.uid)
            else:
                while Hold.objects.get(uid=made.uid).state == "held":
                    taker.take_due()
                return
            said.append(how)
        except CityhallError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=settle, args=(how,)) for how in ("post", "void", "expire")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.django_db(transaction=True)
def test_posted_voided_and_expired_at_one_instant_has_one_outcome() -> None:
    """A short form of ten thousand times."""
    wallet, shop = filled(10_000)
    for number in range(25):
        moment = timezone.now() + timedelta(milliseconds=120)
        made = hold(uuid4(), "test.race", debit=wallet, credit=shop, amount=10, expires_at=moment)
        said = settled_at_once(made, moment)
        state = Hold.objects.get(uid=made.uid).state
        assert said == {"posted": ["post"], "voided": ["void"], "expired": []}[state], number
        assert made.postings.count() == (state == "posted")
    assert Account.objects.get(pk=wallet).held == 0 and queries.faults() == []
