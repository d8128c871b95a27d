"""What the city owes its shops: drawn up by one officer, released by another, nothing twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.payments import checks, payouts
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Membership
from cityhall.services.recycling import settlements, spending
from cityhall.services.recycling.models import Partner, Settlement, SettlementLine, Voucher
from tests.services.recycling.conftest import crew, officer, own_account, shop, somebody, weighed
from tests.services.recycling.test_pages import browser, shown

pytestmark = pytest.mark.usefixtures("recycling")
IBAN = "NL91ABNA0417164300"


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> date:
    """This month is over: it is the first day of the next."""
    now = settlements.month_of(timezone.localdate())
    move_to(monkeypatch, settlements.after(now))
    return now


def move_to(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr("cityhall.services.recycling.settlements.today", lambda: day)


def used(ana: Actor, count: int = 1) -> Voucher:
    bought = spending.buy(ana, own_account(ana), "soap", count, key=uuid4())
    return spending.redeem(shop(), bought.code)


def rich() -> Actor:
    ana = somebody()
    weighed(ana, cans=20_000)
    return ana


def test_two_officers_settle_what_a_shop_took_less_what_came_back(month: date) -> None:
    ana = rich()
    code = used(ana, 2).code
    spending.give_back(shop(), code, 1)
    spending.buy(ana, own_account(ana), "soap", 1, key=uuid4())
    olga, otto = browser(officer()), browser(officer("otto"))
    page = olga.get("/recycling/desk/settlements/")
    assert "150 points" in shown(page), "what nobody used is not owed"
    made = olga.post("/recycling/desk/settlements/draw/", {"partner": "market", "month": f"{month:%Y-%m}"})
    mine = Settlement.objects.get()
    assert (mine.points, mine.amount, mine.state) == (150, 75, "drawn")
    assert made["location"] == f"/recycling/desk/settlements/{mine.pk}/"
    again = olga.post(
        "/recycling/desk/settlements/draw/", {"partner": "market", "month": f"{month:%Y-%m}"}, follow=True
    )
    assert b"settled already" in again.content and Settlement.objects.count() == 1
    assert "Release it" not in shown(olga.get(made["location"]))
    assert olga.post(f"{made['location']}release/").status_code == 403
    assert otto.post(f"{made['location']}release/").status_code == 302
    otto.post(f"{made['location']}release/")
    mine.refresh_from_db()
    assert (mine.state, mine.payout) == ("released", None), "the city pays nothing out by the bank"
    assert b"Say on which day" in otto.post(f"{made['location']}paid/", {}, follow=True).content
    otto.post(f"{made['location']}paid/", {"day": f"{settlements.after(month):%Y-%m-%d}", "reference": "T 12"})
    mine.refresh_from_db()
    assert (mine.state, mine.reference) == ("paid", "T 12")
    table = olga.get(f"/recycling/desk/settlements/{mine.pk}.csv").getvalue().decode("utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in table] == ["kind", "used", "back", "sum"]
    assert table[2].split(",")[4] == "-150" and table[3].endswith("Market,150,0.75,BRL")
    assert "Nothing is owed" in shown(olga.get("/recycling/desk/settlements/"))


def test_what_comes_back_after_its_settlement_is_taken_off_the_next(
    month: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, olga, otto = rich(), officer(), officer("otto")
    voucher = used(ana, 2)
    first = settlements.draw_up(olga, "market", month)
    settlements.release(otto, first.pk)
    spending.give_back(shop(), voucher.code, 1)
    later = settlements.after(month)
    move_to(monkeypatch, settlements.after(later))
    carried = settlements.draw_up(olga, "market", later)
    assert (carried.state, carried.amount) == ("carried", -75)
    voucher = used(ana, 1)
    last = settlements.after(later)
    Voucher.objects.filter(pk=voucher.pk).update(used_at=datetime.combine(last, time(12), UTC))
    move_to(monkeypatch, settlements.after(last))
    with pytest.raises(CityhallError, match="cannot be done"):
        settlements.withdraw(olga, first.pk, "Wrong")
    third = settlements.draw_up(olga, "market", last)
    assert (third.points, third.carried, third.amount, third.state) == (150, -75, 0, "carried")
    assert SettlementLine.objects.count() == 3
    settlements.withdraw(olga, third.pk, "Drawn up too early.")
    carried.refresh_from_db()
    assert carried.into is None and SettlementLine.objects.count() == 2


def test_the_bank_pays_where_the_city_knows_the_account(month: date, settings: Any) -> None:
    own = {"legal_basis": "Decision 7", "name": "Testville", "iban": IBAN, "bank": "sepa"}
    options = {**settings.CITY.options, "payments": {"payouts": own}}
    settings.CITY = replace(settings.CITY, options=options, currency="EUR")
    Partner.objects.update(iban="DE02120300000000202051", account_name="Market Ltd")
    ana, olga = rich(), officer()
    used(ana, 2)
    mine = settlements.draw_up(olga, "market", month)
    mine = settlements.release(officer("otto"), mine.pk)
    assert mine.payout is not None and (mine.payout.amount, mine.payout.name) == (150, "Market Ltd")
    with pytest.raises(CityhallError, match="The bank pays"):
        settlements.paid(officer("otto"), mine.pk, settlements.after(month), "T 1")
    assert books.faults() == [] and checks.differences() == []
    payout = mine.payout
    payout.state = "rejected"
    payout.save()
    teller = somebody("tess")
    Membership.objects.create(person_id=teller.person_id or 0, role="treasury.treasurer", scope="")
    payouts.give_up(teller, payout)
    mine.refresh_from_db()
    assert mine.state == "released" and mine.payout_id is None, "it is paid otherwise now"
    assert books.faults() == [] and checks.differences() == []


def test_only_officers_and_no_month_that_goes_on(month: date, monkeypatch: pytest.MonkeyPatch) -> None:
    used(rich())
    for actor in (somebody(), crew(), shop()):
        for page in ("/recycling/desk/settlements/", "/recycling/desk/settlements/1/"):
            assert browser(actor).get(page).status_code == 403
        assert browser(actor).post("/recycling/desk/settlements/draw/", {"partner": "market"}).status_code == 403
    olga = officer()
    assert browser(olga).get("/recycling/desk/settlements/1/").status_code == 404
    with pytest.raises(CityhallError, match="not over"):
        settlements.draw_up(olga, "market", settlements.after(month))
    with pytest.raises(CityhallError, match="no such shop"):
        settlements.draw_up(olga, "nobody", month)
    mine = settlements.draw_up(olga, "market", month)
    with pytest.raises(CityhallError, match="Say why"):
        settlements.withdraw(olga, mine.pk, " ")
    settlements.withdraw(olga, mine.pk, "The wrong month.")
    assert settlements.draw_up(olga, "market", month).points == 150


def test_points_that_are_worth_nothing_are_not_settled_for_nothing(month: date, settings: Any) -> None:
    used(rich())
    own = settings.CITY.options["recycling"] | {"cents_per_100_points": 0}
    worth = settings.CITY
    settings.CITY = replace(worth, options={**worth.options, "recycling": own})
    with pytest.raises(CityhallError, match="worth nothing"):
        settlements.draw_up(officer(), "market", month)
    assert not Settlement.objects.exists()
    settings.CITY = worth
    assert settlements.draw_up(officer(), "market", month).amount > 0


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_one_moment_settle_once(month: date) -> None:
    used(rich())
    olga, outcomes, gate = officer(), [], threading.Barrier(4)

    def draw() -> None:
        gate.wait()
        try:
            outcomes.append(settlements.draw_up(olga, "market", month).state)
        except CityhallError as problem:
            outcomes.append(problem.code)
        finally:
            connection.close()

    racers = [threading.Thread(target=draw) for _one in range(4)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert sorted(outcomes) == ["drawn", "settled", "settled", "settled"]
    assert SettlementLine.objects.count() == 1
