"""The shop: the last one is sold once, what is not paid is on the shelf again, what is given back is paid back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.bookings.models import Booking
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.payments import checks
from cityhall.kernel.payments.models import Refund
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.house import settling, shop
from cityhall.services.house.models import Item, Order
from tests.services.house.conftest import at, begin_to_pay, fresh, hear, later, officer, pay, reserved, somebody


def bought(actor: Actor, **counts: int) -> Order:
    return shop.buy(actor, counts, key=uuid4())


def stock() -> int | None:
    return Item.objects.get(slug="bin").stock


def refunds(order: Order) -> list[int]:
    return list(Refund.objects.filter(intent__bill=order.bill).order_by("pk").values_list("amount", flat=True))


@pytest.mark.django_db
@pytest.mark.usefixtures("house")
class TestShop:
    def test_bought_paid_fetched(self) -> None:
        ana, olga = somebody(), officer()
        order = bought(ana, map=2, bin=1)
        assert order.bill is not None and order.bill.amount == 3100 and stock() == 2
        with pytest.raises(Conflict):
            shop.hand_out(olga, order.pk)
        pay(order.bill)
        assert fresh(order).state == "paid"
        with pytest.raises(Denied):
            shop.hand_out(ana, order.pk)
        shop.hand_out(olga, order.pk)
        with pytest.raises(Conflict):
            shop.hand_out(olga, order.pk)
        shop.undo_hand_out(olga, order.pk)
        assert fresh(order).state == "paid"
        later(hours=2)
        assert fresh(order).state == "paid" and stock() == 2
        assert books.faults() == [] and checks.differences() == []

    def test_what_is_not_paid_is_on_the_shelf_again_and_late_money_goes_back(self) -> None:
        order = bought(somebody(), bin=3)
        with pytest.raises(Conflict) as refused:
            bought(somebody("rui"), bin=1)
        assert refused.value.code == "sold_out"
        ref = begin_to_pay(order.bill)
        later(minutes=31)
        order = fresh(order)
        assert (order.state, order.bill.state, stock()) == ("void", "void", 3)
        sandbox.pay(ref, sandbox.GOOD)
        hear(ref)
        assert settling.late_money() == 1 and settling.late_money() == 0
        assert refunds(order) == [7200] and fresh(order).state == "void"

    def test_given_back_in_parts_each_for_its_price(self) -> None:
        ana, olga = somebody(), officer()
        order = bought(ana, map=3, bin=2)
        pay(order.bill)
        maps, bins = order.lines.order_by("item__order")
        shop.give_back(ana, order.pk, {maps.pk: 2})
        assert refunds(order) == [700]
        shop.hand_out(olga, order.pk)
        with pytest.raises(Denied):
            shop.give_back(ana, order.pk, {bins.pk: 1})
        with pytest.raises(Invalid):
            shop.give_back(olga, order.pk, {maps.pk: 2})
        shop.give_back(olga, order.pk, {maps.pk: 1, bins.pk: 2})
        assert refunds(order) == [700, 350 + 4800] and stock() == 3 and fresh(order).state == "returned"
        with pytest.raises(Conflict):
            shop.give_back(olga, order.pk, {maps.pk: 1})

    def test_what_cannot_be_is_refused(self) -> None:
        ana, key = somebody(), uuid4()
        refused: list[tuple[dict[str, int], type[CityhallError]]] = [
            ({}, Invalid),
            ({"map": 0}, Invalid),
            ({"map": 21}, Invalid),
            ({"boat": 1}, Missing),
        ]
        for wanted, error in refused:
            with pytest.raises(error):
                shop.buy(ana, wanted, key=uuid4())
        with pytest.raises(Denied):
            bought(ANONYMOUS, map=1)
        one = shop.buy(ana, {"map": 1}, key=key)
        assert shop.buy(ana, {"map": 1}, key=key) == one
        with pytest.raises(Conflict):
            shop.buy(somebody("rui"), {"map": 1}, key=key)
        assert Order.objects.count() == 1

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        bought_=st.tuples(st.integers(0, 5), st.integers(0, 3)),
        returns=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=4),
    )
    def test_what_goes_back_is_never_more_than_was_paid(
        self, bought_: tuple[int, int], returns: list[tuple[int, int]]
    ) -> None:
        """Against an oracle of two numbers: what is left of each line."""
        if not any(bought_):
            return
        Item.objects.filter(slug="bin").update(stock=3)
        ana, olga = somebody(), somebody("boss")
        _made_officer(olga)
        order = bought(ana, map=bought_[0], bin=bought_[1])
        pay(order.bill)
        lines = {line.item.slug: line.pk for line in order.lines.select_related("item")}
        left, back = {"map": bought_[0], "bin": bought_[1]}, 0
        for wanted in returns:
            counts = dict(zip(("map", "bin"), wanted, strict=True))
            fits = any(wanted) and all(count <= left[slug] for slug, count in counts.items())
            ask = {lines.get(slug, 0): count for slug, count in counts.items() if count}
            try:
                shop.give_back(olga, order.pk, ask)
                assert fits
            except (Invalid, Conflict):
                assert not fits
                continue
            for slug, count in counts.items():
                left[slug] -= count
                back += count * {"map": 350, "bin": 2400}[slug]
        assert sum(refunds(order)) == back and stock() == 3 - left["bin"]


def _made_officer(actor: Actor) -> None:
    from cityhall.kernel.people.models import Membership

    Membership.objects.get_or_create(person_id=actor.person_id, role="house.counter", scope="")


def at_once(*calls: Callable[[], Any]) -> list[str]:
    """What became of calls that begin at one moment, each with a connection of its own."""
    gate, said = threading.Barrier(len(calls)), list[str]()

    def run(call: Callable[[], Any]) -> None:
        gate.wait()
        try:
            call()
            said.append("ok")
        except CityhallError as problem:
            said.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("house")
def test_the_last_one_is_sold_once() -> None:
    people = [somebody(f"buyer{number}") for number in range(8)]
    said = at_once(*(lambda who=who: bought(who, bin=1, map=1) for who in people))  # type: ignore[misc]
    assert said == ["ok"] * 3 + ["sold_out"] * 5 and stock() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("house")
def test_paid_and_lapsed_at_one_moment_has_one_outcome() -> None:
    """Whichever is first: it is paid and to be fetched, or withdrawn and the money goes back; the shelf agrees."""
    ana = somebody()
    for _round in range(6):
        order = bought(ana, bin=1)
        ref = begin_to_pay(order.bill)
        sandbox.pay(ref, sandbox.GOOD)
        at_once(lambda ref=ref: hear(ref), lambda: later(minutes=31))  # type: ignore[misc]
        later(minutes=31)
        settling.late_money()
        order = fresh(order)
        if order.state == "paid":
            assert refunds(order) == []
            shop.give_back(ana, order.pk, {order.lines.get().pk: 1})
        else:
            assert order.state == "void"
        assert refunds(order) == [2400] and stock() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("house")
def test_a_room_paid_at_the_moment_its_hold_ends_is_theirs_or_paid_back() -> None:
    """The bank's news, the hold's end and the bill's: in any order there is one outcome, and the money is there."""
    ana = somebody()
    for turn in range(6):
        one = reserved(ana, "harbour", at(8 + turn * 2, 4))
        ref = begin_to_pay(one.bill)
        sandbox.pay(ref, sandbox.GOOD)
        Booking.objects.filter(pk=one.booking_id).update(expires_at=timezone.now())
        at_once(lambda ref=ref: hear(ref), lambda: later(minutes=11))  # type: ignore[misc]
        later(minutes=11)
        settling.late_money()
        one = fresh(one)
        back = sum(Refund.objects.filter(intent__bill=one.bill).values_list("amount", flat=True))
        if one.booking.state == "confirmed":
            assert (one.bill.state, back) == ("paid", 0)
        else:
            assert one.booking.state in ("expired", "cancelled") and back == 1000
