"""What came by the bank goes back by the bank, to the account that it came from, and is booked when it has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.errors import Conflict
from cityhall.kernel.payments import giving_back, payouts, refund_accounts
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.models import BankEntry, Bill, Payout, PayoutBatch, Refund, RefundAccount
from cityhall.kernel.payments.models.payouts import PayoutState
from cityhall.kernel.payments.payout_news import close_by
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of, officer
from tests.kernel.payments.test_races import together

pytestmark = pytest.mark.django_db
FROM, OTHER = "ES9121000418450200051332", "NL26VAYB8060476890"


@pytest.fixture(autouse=True)
def bank(sandbox_city: None, settings: Any) -> None:
    own = settings.CITY.options["payments"] | {"iban": "NL91ABNA0417164300", "account_name": "Testville"}
    settings.CITY = replace(settings.CITY, options=settings.CITY.options | {"payments": own})


def came(amount: int, **more: Any) -> BankEntry:
    told = {"servicer_ref": uuid4().hex[:20], "name": "Paula Prado", "iban": FROM} | more
    return book_entry(Entry("NL91", amount, "EUR", timezone.localdate(), **told))[0]


@pytest.fixture
def much(payer: Person) -> Bill:
    """A bill of 100 on which 105 came by the bank."""
    bill = bill_of(payer, 10_000, unit="EUR")
    came(10_500, creditor_ref=bill.reference)
    bill.refresh_from_db()
    return bill


def given_back(who: Actor, bill: Bill, amount: int) -> Refund:
    return giving_back.ask(who, bill.intents.get(), amount, "paid too much", key=uuid4())


def left(first: Actor, second: Actor) -> PayoutBatch:
    batch = payouts.release(second, payouts.prepare(first, Payout.objects.filter(state=PayoutState.WAITING)))
    payouts.fetch(first, batch)
    return batch


def test_it_leaves_without_a_legal_basis_and_is_done_when_the_statement_has_it(
    much: Bill, right: Callable[[], None]
) -> None:
    first, second = officer("olga"), officer("olaf")
    refund = given_back(first, much, 500)
    payout = Payout.objects.get()
    assert (payout.iban, payout.name, payout.amount) == (FROM, "Paula Prado", 500)
    batch = left(first, second)
    assert refund.uid.hex.encode() in bytes(PayoutBatch.objects.get(pk=batch.pk).content or b"")
    right()
    came(-500, end_to_end=refund.uid.hex, name="Paula Prado")
    refund.refresh_from_db()
    payout.refresh_from_db()
    much.refresh_from_db()
    assert (refund.state, payout.state, much.state, much.credit) == ("done", "executed", "paid", 0)
    assert PayoutBatch.objects.get().state == "over" and not BankEntry.objects.exclude(left=0).exists()
    right()


def test_what_the_bank_refused_is_paid_again_or_the_refund_has_failed(much: Bill, right: Callable[[], None]) -> None:
    first, second = officer("olga"), officer("olaf")
    refund, other = given_back(first, much, 300), given_back(first, much, 200)
    left(first, second)
    Payout.objects.update(state=PayoutState.REJECTED)
    payout = payouts.again(first, Payout.objects.get(key=refund.uid), iban=OTHER)
    left(first, second)
    came(-300, end_to_end=payout.end_to_end)
    payouts.give_up(first, Payout.objects.get(key=other.uid))
    states = dict(Refund.objects.values_list("amount", "state"))
    assert states == {300: "done", 200: "failed"}
    much.refresh_from_db()
    assert much.credit == 200
    right()


def test_what_comes_back_is_paid_again_and_never_kept(much: Bill, right: Callable[[], None]) -> None:
    first, second = officer("olga"), officer("olaf")
    refund = given_back(first, much, 500)
    left(first, second)
    came(-500, end_to_end=refund.uid.hex)
    assert close_by(first, came(500, end_to_end=refund.uid.hex), returned="AC04")
    payout = Payout.objects.get()
    assert payout.state == "returned"
    right()
    with pytest.raises(Conflict):
        payouts.give_up(first, payout)
    payout = payouts.again(first, payout, iban=OTHER)
    left(first, second)
    assert close_by(first, came(-500, end_to_end=payout.end_to_end))
    payout.refresh_from_db()
    assert payout.state == "executed" and not BankEntry.objects.exclude(left=0).exists()
    right()


def test_where_no_account_is_known_an_officer_asks(payer: Person) -> None:
    bill = bill_of(payer, 500, unit="EUR")
    came(500, creditor_ref=bill.reference, iban="")
    given_back(officer("olga"), bill, 500)
    assert Refund.objects.get().state == "sending" and not Payout.objects.exists()


def lost(payer: Person) -> Refund:
    bill = bill_of(payer, 500, unit="EUR")
    came(500, creditor_ref=bill.reference, iban="")
    return given_back(officer(f"asker{bill.pk}"), bill, 500)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_agree_at_one_moment_one_does_and_nobody_agrees_to_what_they_have_not_seen(payer: Person) -> None:
    first, second, third = officer("olga"), officer("olaf"), officer("omar")
    for _round in range(5):
        refund = lost(payer)
        refund_accounts.give(first, refund, "Paula Prado", FROM)
        done = together(
            lambda refund=refund: refund_accounts.agree(second, refund, FROM),
            lambda refund=refund: refund_accounts.agree(third, refund, FROM),
            lambda refund=refund: refund_accounts.give(second, refund, "Otto", OTHER),
            lambda refund=refund: refund_accounts.agree(first, refund, FROM),
        )
        payout, account = Payout.objects.filter(key=refund.uid), RefundAccount.objects.get(refund=refund)
        agreed = [one for one in done if isinstance(one, Payout)]
        assert len(agreed) == payout.count() <= 1 and not isinstance(done[3], Payout)
        if agreed:
            assert agreed[0].iban == FROM == account.iban and account.agreed_by_id not in (None, account.given_by_id)
        else:
            assert (account.iban, account.agreed_by_id) == (OTHER, None)
