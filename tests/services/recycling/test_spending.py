"""Points pay the waste fee, buy at shops and become money, each once, and come back pro rata."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as city_settings

from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.ledger.models import Account as LedgerAccount
from cityhall.kernel.ledger.models import Lot
from cityhall.kernel.payments import giving_back, means, payouts
from cityhall.kernel.payments.checks import differences
from cityhall.kernel.payments.models import Bill, Intent, Payout
from cityhall.kernel.payments.models.payouts import PayoutState
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Membership
from cityhall.services.recycling import fees, points, spending
from cityhall.services.recycling.models import FeePaid, PaidOut, Voucher
from tests.services.recycling.conftest import FEE, balance, fresh, later, own_account, shop, somebody, weighed

pytestmark = pytest.mark.usefixtures("recycling")


def rich(name: str = "ana", kilograms: int = 100) -> Actor:
    """Somebody with 24 points for each kilogram of paper, and the fee's bill."""
    actor = somebody(name)
    weighed(actor, paper=kilograms * 1000)
    later(seconds=5)
    return actor


def kept_books() -> Actor:
    actor = somebody("tess")
    Membership.objects.create(person_id=actor.person_id or 0, role="treasury.treasurer", scope="")
    return actor


def fee(actor: Actor) -> Bill:
    return Bill.objects.get(payer=actor.person_id, service="recycling")


def test_the_fee_is_billed_once_a_period() -> None:
    ana = rich()
    assert fee(ana).amount == FEE and fee(ana).unit == city_settings.CITY.currency
    later(seconds=5)
    fees.begin_all()
    later(seconds=5)
    assert Bill.objects.filter(service="recycling").count() == 1


def test_points_pay_the_fee_in_one_transaction() -> None:
    ana = rich(kilograms=200)
    bill, key = fee(ana), uuid4()
    paid = spending.pay_fee(ana, own_account(ana), bill.pk, None, key=key)
    assert spending.pay_fee(ana, own_account(ana), bill.pk, None, key=key).pk == paid.pk
    # 18.00 at 50 cents for a hundred points.
    assert paid.points == 3600 and balance(ana) == 4800 - 3600 and fresh(bill).state == "paid"
    expense = LedgerAccount.objects.get(key=f"city:means:points:{bill.unit}")
    assert expense.kind == "expense" and expense.balance == FEE
    assert Intent.objects.get().ask_at is None
    assert books.faults() == [] and differences() == []


def test_points_pay_as_much_of_it_as_they_reach() -> None:
    ana = rich(kilograms=101)
    spending.pay_fee(ana, own_account(ana), fee(ana).pk, None, key=uuid4())
    # 2424 points are worth 12.12.
    assert fresh(fee(ana)).paid == 1212 and fresh(fee(ana)).state == "part_paid" and balance(ana) == 0
    with pytest.raises(Conflict) as refused:
        spending.pay_fee(ana, own_account(ana), fee(ana).pk, None, key=uuid4())
    assert refused.value.code == "short"


def test_where_the_points_do_not_reach_nothing_is_paid() -> None:
    ana = rich(kilograms=10)
    with pytest.raises(Conflict) as refused:
        spending.pay_fee(ana, own_account(ana), fee(ana).pk, FEE, key=uuid4())
    assert refused.value.code == "short"
    assert fee(ana).paid == 0 and balance(ana) == 240 and not FeePaid.objects.exists()


def test_of_others_no_bill_is_paid_and_no_points_are_spent() -> None:
    ana, eve = rich(kilograms=200), rich("eve", 200)
    with pytest.raises(Missing):
        spending.pay_fee(eve, own_account(eve), fee(ana).pk, None, key=uuid4())
    with pytest.raises(Denied):
        spending.pay_fee(eve, own_account(ana), fee(eve).pk, None, key=uuid4())
    assert balance(ana) == balance(eve) == 4800


def test_a_fee_given_back_gives_points_back_pro_rata() -> None:
    ana = rich(kilograms=200)
    spending.pay_fee(ana, own_account(ana), fee(ana).pk, None, key=uuid4())
    intent, got = Intent.objects.get(), []
    for part in (701, 700, 399):
        refund = giving_back.ask(system("test"), intent, part, "Moved away", key=uuid4())
        means.give_back(refund)
        means.give_back(refund)
        got.append(balance(ana))
    assert got == [1200 + 1402, 1200 + 2802, 4800]
    assert fresh(fee(ana)).state == "refunded" and FeePaid.objects.get().points_back == 3600
    # Back into the lots that they came from: they expire when they would have.
    assert {lot.left for lot in Lot.objects.all()} == {4800}
    assert books.faults() == [] and differences() == []


def test_a_voucher_is_used_once_and_only_by_its_shop() -> None:
    ana = rich()
    key = uuid4()
    made = spending.buy(ana, own_account(ana), "soap", 2, key=key)
    assert spending.buy(ana, own_account(ana), "soap", 2, key=key).pk == made.pk
    assert balance(ana) == 2400 - 300 and made.offer.stock == 3 and fresh(made.offer).stock == 1
    with pytest.raises(Conflict) as refused:
        spending.buy(ana, own_account(ana), "soap", 2, key=uuid4())
    assert refused.value.code == "sold_out" and balance(ana) == 2100
    for wrong in (ana, shop("bo", "bikes")):
        with pytest.raises(Denied):
            spending.redeem(wrong, made.code)
    spending.redeem(shop(), made.code.lower())
    with pytest.raises(Conflict) as refused:
        spending.redeem(shop(), made.code)
    assert refused.value.code == "voucher_used"
    with pytest.raises(Missing):
        spending.redeem(shop(), "XXXXXXXXXX")


def test_what_is_given_back_brings_its_part_of_the_points() -> None:
    ana = rich()
    made = spending.buy(ana, own_account(ana), "tube", 3, key=uuid4())
    Voucher.objects.filter(pk=made.pk).update(points=2000)  # not divisible by three
    spending.give_back(ana, made.code, 1)
    spending.redeem(shop(), made.code)
    with pytest.raises(Denied):
        spending.give_back(ana, made.code, 1)
    got = []
    for _time in range(2):
        spending.give_back(shop(), made.code, 1)
        got.append(fresh(made).points_back)
    assert got == [1333, 2000] and fresh(made).state == "returned"
    with pytest.raises(Invalid):
        spending.give_back(shop(), made.code, 1)
    assert books.faults() == []


def test_payouts_are_off_until_the_city_says_on_what_basis(settings: Any) -> None:
    ana = rich()
    values: dict[str, Any] = {"name": "Ana Souza", "iban": "DE02120300000000202051"}
    with pytest.raises(Conflict) as refused:
        spending.pay_out(ana, own_account(ana), 1000, key=uuid4(), **values)
    assert refused.value.code == "no_legal_basis" and not spending.payouts_open()
    bank = {"legal_basis": "Law 1", "name": "City", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"}
    options = {**settings.CITY.options, "payments": {"payouts": bank}}
    settings.CITY = replace(settings.CITY, options=options, currency="EUR")
    assert spending.payouts_open()
    key = uuid4()
    for _time in range(2):
        spending.pay_out(ana, own_account(ana), 1000, key=key, **values)
    assert Payout.objects.get().amount == 500 and balance(ana) == 1400 and PaidOut.objects.count() == 1
    with pytest.raises(CityhallError):
        spending.pay_out(ana, own_account(ana), 1000, key=uuid4(), name="Ana", iban="DE00")
    assert balance(ana) == 1400 and books.faults() == []
    payout = Payout.objects.get()
    payouts.set_state(payout, PayoutState.REJECTED, "AC04", None)
    payouts.give_up(kept_books(), payout)
    assert balance(ana) == 2400 and books.faults() == [], "the bank did not take it: they are there again"


def test_points_expire_by_their_lots() -> None:
    from datetime import timedelta

    from cityhall.kernel.ledger import expiry

    ana = rich()
    lot = Lot.objects.get()
    assert lot.expires_on is not None and lot.expires_on.month != (lot.expires_on + timedelta(days=1)).month
    assert not expiry.expire_of(lot.account_id, lot.expires_on)
    assert expiry.expire_of(lot.account_id, lot.expires_on + timedelta(days=1))
    assert balance(ana) == 0 and points.moved(own_account(ana))[0].amount == -2400
