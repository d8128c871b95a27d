"""One state machine, fed alike by webhook, poll and the bank: facts in any order, any number of times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.deadlines import taker
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.ledger.queries import trial_balance
from cityhall.kernel.payments import giving_back, intents, polling
from cityhall.kernel.payments.facts import Heard, Said
from cityhall.kernel.payments.models import Bill, Intent, Refund
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.models import Person
from tests.jobs import run_job
from tests.kernel.payments.conftest import bill_of, officer

pytestmark = pytest.mark.django_db
Right = Callable[[], None]
THEN = datetime(2026, 11, 28, 12, tzinfo=UTC)


def balance(key: str) -> int:
    return next((one.balance for one in trial_balance() if one.key == key), 0)


def begun(bill: Bill, amount: int | None = None) -> Intent:
    return intents.start(bill, amount, "sandbox", f"/payments/bills/{bill.pk}/")


def paid(bill: Bill, amount: int | None = None, card: str = sandbox.GOOD) -> Intent:
    intent = begun(bill, amount)
    sandbox.pay(intent.provider_ref, card)
    assert polling.ask(intent.pk)
    intent.refresh_from_db()
    bill.refresh_from_db()
    return intent


def test_paid_by_card_is_booked_with_the_fee(bill: Bill, right: Right) -> None:
    intent = paid(bill)
    assert (bill.state, intent.standing) == ("paid", "paid")
    assert balance("city:provider:sandbox:BRL") == 10_000 - 140 and balance("city:fees:BRL") == 140
    assert balance("city:receivable:BRL") == 0
    for _again in range(3):
        polling.ask(intent.pk)
    bill.refresh_from_db()
    assert bill.paid == 10_000


def test_a_declined_card_and_then_another(bill: Bill, right: Right) -> None:
    intent = begun(bill)
    sandbox.pay(intent.provider_ref, sandbox.DECLINED)
    polling.ask(intent.pk)
    intent.refresh_from_db()
    assert intent.standing == "failed"
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    polling.ask(intent.pk)
    intent.refresh_from_db()
    assert intent.standing == "paid"


def test_a_second_look_is_asked_for(bill: Bill, right: Right) -> None:
    intent = begun(bill)
    assert sandbox.pay(intent.provider_ref, sandbox.CHALLENGED).state == "challenge"
    polling.ask(intent.pk)
    bill.refresh_from_db()
    assert bill.paid == 0
    sandbox.challenged(intent.provider_ref, True)
    polling.ask(intent.pk)
    bill.refresh_from_db()
    assert bill.state == "paid"


def test_begun_twice_is_gone_on_with_once(bill: Bill) -> None:
    assert begun(bill) == begun(bill)
    paid(bill)
    with pytest.raises(Conflict):
        begun(bill)


def test_amounts_that_cannot_be_paid(bill: Bill, payer: Person) -> None:
    for amount in (0, -1, 10_001, 5_000):
        with pytest.raises(Invalid):
            begun(bill, amount)
    with pytest.raises(Missing):
        intents.start(bill, None, "nobody", "/")
    assert begun(bill_of(payer, 500, parts_allowed=True), 200).amount == 200


def test_in_parts_and_what_two_pay_at_once_is_credit(payer: Person, right: Right) -> None:
    bill = bill_of(payer, 500, parts_allowed=True)
    first, second = begun(bill, 200), begun(bill, 500)
    for one in (first, second):
        sandbox.pay(one.provider_ref, sandbox.GOOD)
        polling.ask(one.pk)
    bill.refresh_from_db()
    assert (bill.state, bill.credit, balance("city:credit:BRL")) == ("paid", 200, 200)


def test_what_cannot_be_so_is_not_booked(bill: Bill, right: Right) -> None:
    intent = begun(bill)

    def told(kind: str, amount: int, unit: str = "BRL") -> None:
        intents.heard("sandbox", Heard(intent.provider_ref, (Said(kind, "x", amount, THEN),), unit=unit), "poll")

    for values in (("captured", -1), ("captured", 10**16), ("given", 1), ("captured", 10_000, "EUR")):
        with pytest.raises(Invalid):
            told(*values)  # type: ignore[arg-type]
    with pytest.raises(Missing):
        intents.heard("bank", Heard("", (Said("captured", "x", 1, THEN),), str(intent.uid)), "poll")
    bill.refresh_from_db()
    assert bill.paid == 0


def test_refunding_one_of_two_charges_leaves_the_bill_paid(payer: Person, right: Right) -> None:
    """pretix issue 343: two payments, the second by mistake; giving it back must not touch the ticket."""
    bill = bill_of(payer, 500, parts_allowed=True)
    first, second = begun(bill, 500), intents.start(bill, 499, "sandbox", "/")
    for one in (first, second):
        sandbox.pay(one.provider_ref, sandbox.GOOD)
        polling.ask(one.pk)
    second.refresh_from_db()
    refund = giving_back.ask(officer("olga"), second, 499, "paid twice", key=uuid4())
    assert refund.waives == 0
    run_job("payments.give_back", {"refund": refund.pk})
    bill.refresh_from_db()
    assert (bill.state, bill.paid, bill.owed, bill.credit) == ("paid", 500, 500, 0)


def test_a_refund_in_part_is_booked_once_by_call_and_webhook(bill: Bill, right: Right) -> None:
    """Smartstore issue 1544: the call says it, then the webhook, and the poll."""
    intent = paid(bill)
    key = uuid4()
    refund = giving_back.ask(officer("olga"), intent, 3_000, "one map was torn", key=key)
    assert giving_back.ask(officer("olaf"), intent, 3_000, "again", key=key) == refund
    for _twice in range(2):
        run_job("payments.give_back", {"refund": refund.pk})
    for _twice in range(2):
        polling.ask(intent.pk)
    bill.refresh_from_db()
    refund.refresh_from_db()
    assert (bill.paid, bill.owed, bill.state, refund.state) == (7_000, 7_000, "paid", "done")
    assert balance("income:testing:BRL") == 7_000
    with pytest.raises(Invalid):
        giving_back.ask(officer("otto"), intent, 7_001, "too much", key=uuid4())


def test_a_refund_that_is_still_owed_opens_the_bill(bill: Bill, right: Right) -> None:
    intent = paid(bill)
    refund = giving_back.ask(officer("olga"), intent, 10_000, "the wrong card", key=uuid4(), still_owed=True)
    run_job("payments.give_back", {"refund": refund.pk})
    bill.refresh_from_db()
    assert (bill.state, bill.open) == ("open", 10_000)


def test_all_given_back(bill: Bill, right: Right) -> None:
    intent = paid(bill)
    refund = giving_back.ask(officer("olga"), intent, 10_000, "cancelled", key=uuid4())
    run_job("payments.give_back", {"refund": refund.pk})
    bill.refresh_from_db()
    assert (bill.state, bill.open, bill.paid, bill.owed) == ("refunded", 0, 0, 0)


def test_a_refund_that_fails_later_is_paid_again(bill: Bill, right: Right) -> None:
    intent = paid(bill, card=sandbox.NO_REFUND)
    refund = giving_back.ask(officer("olga"), intent, 4_000, "x", key=uuid4())
    run_job("payments.give_back", {"refund": refund.pk})
    run_job("payments.sandbox_goes_on", {"payment": intent.provider_ref})
    polling.ask(intent.pk)
    bill.refresh_from_db()
    refund.refresh_from_db()
    assert (bill.paid, bill.owed, bill.state, refund.state) == (10_000, 10_000, "paid", "failed")


def test_beyond_a_limit_two_officers(payer: Person, right: Right) -> None:
    intent = paid(bill_of(payer, 60_000))
    olga, olaf = officer("olga"), officer("olaf")
    refund = giving_back.ask(olga, intent, 60_000, "x", key=uuid4())
    run_job("payments.give_back", {"refund": refund.pk})
    assert Refund.objects.get().state == "asked" and Intent.objects.get().given_back == 0
    with pytest.raises(Denied):
        giving_back.approve(olga, refund)
    giving_back.approve(olaf, refund)
    with pytest.raises(Conflict):
        giving_back.approve(olaf, refund)
    run_job("payments.give_back", {"refund": refund.pk})
    assert Refund.objects.get().state == "done"


def test_charged_back_won_and_lost(bill: Bill, payer: Person, right: Right) -> None:
    for won in (True, False):
        bill = bill_of(payer, 10_000)
        intent = paid(bill, card=sandbox.CHARGED_BACK)
        run_job("payments.sandbox_goes_on", {"payment": intent.provider_ref})
        polling.ask(intent.pk)
        bill.refresh_from_db()
        assert (bill.state, bill.open) == ("open", 10_000)
        right()
        sandbox.settle_dispute(intent.provider_ref, won)
        polling.ask(intent.pk)
        bill.refresh_from_db()
        intent.refresh_from_db()
        assert bill.state == ("paid" if won else "open") and intent.standing == ("paid" if won else "disputed")
        assert intent.fees == 140 + sandbox.DISPUTE_FEE


def test_time_to_pay_ends_and_money_that_comes_after_it_counts(bill: Bill, right: Right) -> None:
    intent = begun(bill)
    taker.take_due(timezone.now() + timedelta(hours=2))
    run_job("payments.end", {"intent": intent.pk})
    intent.refresh_from_db()
    assert intent.standing == "expired"
    late = Said("captured", "ch_late", 10_000, timezone.now())
    intents.heard("sandbox", Heard(intent.provider_ref, (late,)), "webhook")
    bill.refresh_from_db()
    assert bill.state == "paid"


def test_a_lost_answer_is_found_by_our_own_name(bill: Bill, monkeypatch: Any, right: Right) -> None:
    """The provider made the payment, and its answer never came: its message names ours."""
    from cityhall.kernel.errors import Unavailable
    from cityhall.kernel.payments.providers import Silent

    whole = sandbox.Sandbox.begin

    def lost(self: sandbox.Sandbox, asked: Any) -> Any:
        whole(self, asked)
        raise Silent("timeout")

    monkeypatch.setattr(sandbox.Sandbox, "begin", lost)
    with pytest.raises(Unavailable):
        begun(bill)
    intent, theirs = Intent.objects.get(), sandbox.SandboxPayment.objects.get()
    assert intent.provider_ref == ""
    sandbox.pay(theirs.ref, sandbox.GOOD)
    intents.heard("sandbox", sandbox.Sandbox().look(theirs.ref), "webhook")
    bill.refresh_from_db()
    assert bill.state == "paid" and Intent.objects.get().provider_ref == theirs.ref
