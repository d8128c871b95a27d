"""Entries of the bank: each booked once, matched by our own names only, and an officer says the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.engines.banking.references import spaced
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.ledger.queries import trial_balance
from cityhall.kernel.payments import bank_entries, bills, giving_back, intents, polling
from cityhall.kernel.payments.bank_entries import Entry, book_entry, uid_text
from cityhall.kernel.payments.models import BankEntry, BankParty, Bill, Intent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of, officer

pytestmark = pytest.mark.django_db
Right = Callable[[], None]


def entry(amount: int, **more: Any) -> Entry:
    return Entry("BR1", amount, "BRL", timezone.localdate(), **{"servicer_ref": uuid4().hex} | more)


def balance(key: str) -> int:
    return next((one.balance for one in trial_balance() if one.key == key), 0)


@pytest.mark.parametrize("where", ["creditor_ref", "end_to_end", "text"])
def test_matched_by_the_bills_reference(bill: Bill, right: Right, where: str) -> None:
    said = f"rent and {spaced(bill.reference)} thanks" if where == "text" else bill.reference
    row, new = book_entry(entry(4_000, **{where: said}))
    bill.refresh_from_db()
    assert new and row.left == 0 and (bill.paid, bill.state) == (4_000, "part_paid")
    assert balance("city:bank:BRL") == 4_000 and balance("city:unmatched:BRL") == 0


def test_read_again_it_books_nothing(bill: Bill, right: Right) -> None:
    with_ref = entry(4_000, creditor_ref=bill.reference)
    without = replace(with_ref, servicer_ref="", statement="2026-11-28/1")
    for one in (with_ref, without):
        assert [book_entry(again)[1] for again in (one, one, replace(one, name=one.name))] == [True, False, False]
    # Two that are alike in all are two, where the statement has two.
    assert book_entry(replace(without, within=1))[1]
    bill.refresh_from_db()
    assert bill.paid == 12_000 and bill.credit == 2_000


def test_nothing_is_guessed(bill: Bill, payer: Person, right: Right) -> None:
    other = bill_of(payer, 10_000)
    for one in (
        entry(10_000),
        entry(10_000, text=f"{bill.reference} {other.reference}"),
        entry(10_000, text=bill.reference[:-1]),
        entry(10_000, name=payer.name),
        replace(entry(10_000, creditor_ref=bill.reference), unit="EUR"),
    ):
        row, _new = book_entry(one)
        assert row.left == 10_000 and row.state == "open"
    assert not Intent.objects.exists() and balance("city:unmatched:BRL") == 40_000


def test_an_officer_assigns_in_parts(bill: Bill, payer: Person, right: Right) -> None:
    other, olga = bill_of(payer, 3_000), officer("olga")
    row, _new = book_entry(entry(15_000))
    with pytest.raises(Denied):
        bank_entries.assign(person_actor(payer), row, bill)
    bank_entries.assign(olga, row, bill, 10_000)
    with pytest.raises(Invalid):
        bank_entries.assign(olga, row, other, 5_001)
    bank_entries.assign(olga, row, other, 3_000)
    row = bank_entries.explain(olga, row, "city:fees:BRL", "expense")
    assert (row.left, row.state) == (0, "done")
    with pytest.raises(Invalid):
        bank_entries.assign(olga, row, bill, 1)
    for one in (bill, other):
        one.refresh_from_db()
        assert one.state == "paid"
    assert balance("city:unmatched:BRL") == 0


def test_a_reversal_opens_the_bill_again(bill: Bill, right: Right) -> None:
    book_entry(entry(10_000, creditor_ref=bill.reference))
    book_entry(entry(-10_000, creditor_ref=bill.reference, reversal=True))
    bill.refresh_from_db()
    assert (bill.paid, bill.state) == (0, "open")
    assert balance("city:bank:BRL") == 0
    with pytest.raises(Conflict):
        bank_entries.assign(system("test"), book_entry(entry(-1))[0], bill)


def test_what_takes_back_more_than_came_waits_for_an_officer_and_stops_no_import(bill: Bill, right: Right) -> None:
    book_entry(entry(10_000, creditor_ref=bill.reference))
    row, new = book_entry(entry(-10_001, creditor_ref=bill.reference, reversal=True))
    bill.refresh_from_db()
    assert new and row.left == -10_001 and bill.state == "paid"


def test_the_bank_says_first_what_the_provider_says_later(bill: Bill, right: Right) -> None:
    """Statement, webhook and poll tell of one payment: it is one."""
    intent = intents.start(bill, None, "sandbox", "/")
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    book_entry(entry(10_000, end_to_end=uid_text(intent.uid)))
    bill.refresh_from_db()
    assert bill.state == "paid"
    polling.ask(intent.pk)
    bill.refresh_from_db()
    assert bill.paid == 10_000 and balance("city:provider:sandbox:BRL") == -140


def test_what_came_by_the_bank_goes_back_by_the_bank(bill: Bill, right: Right) -> None:
    book_entry(entry(10_000, creditor_ref=bill.reference))
    refund = giving_back.ask(officer("olga"), Intent.objects.get(), 10_000, "cancelled", key=uuid4())
    assert refund.state == "sending"
    gone = entry(-10_000, end_to_end=uid_text(refund.uid))
    for _twice in range(2):
        book_entry(gone)
    bill.refresh_from_db()
    refund.refresh_from_db()
    assert (bill.state, refund.state) == ("refunded", "done") and balance("city:bank:BRL") == 0


def test_one_killed_between_booking_and_matching_is_matched_when_read_again(
    bill: Bill, monkeypatch: pytest.MonkeyPatch, right: Right
) -> None:
    told = entry(10_000, creditor_ref=bill.reference)
    with monkeypatch.context() as patched:
        patched.setattr(bank_entries, "_match", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            book_entry(told)
    book_entry(told)
    bill.refresh_from_db()
    assert bill.state == "paid" and BankEntry.objects.count() == 1


def test_a_withdrawn_bill_keeps_what_comes_as_credit(bill: Bill, right: Right) -> None:
    bills.void(bill, system("test"))
    book_entry(entry(10_000, creditor_ref=bill.reference))
    bill.refresh_from_db()
    assert (bill.state, bill.credit) == ("void", 10_000)


def test_who_was_on_the_other_side_is_forgotten_in_time(bill: Bill) -> None:
    book_entry(entry(10_000, creditor_ref=bill.reference, name="Paula", iban="X"))
    book_entry(entry(5, name="unexplained"))
    assert bank_entries.forget() == 0
    BankEntry.objects.update(booked_on=timezone.localdate() - bank_entries.PARTY_KEPT * 2)
    assert bank_entries.forget() == 1 and BankParty.objects.get().name == "unexplained"
