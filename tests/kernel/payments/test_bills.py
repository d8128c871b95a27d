"""Bills: what is owed, what has come, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.banking.references import is_creditor_reference as is_reference
from cityhall.engines.banking.references import make_creditor_reference as creditor_reference
from cityhall.engines.banking.references import spaced as in_blocks
from cityhall.kernel.deadlines import taker
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.ledger.queries import trial_balance
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.payments import bills, books
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, Part
from cityhall.kernel.payments.dues import parts_of
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.payments.reference import references_in
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of

pytestmark = pytest.mark.django_db
Right = Callable[[], None]


def balance(key: str) -> int:
    return next((one.balance for one in trial_balance() if one.key == key), 0)


def pay(bill: Bill, amount: int) -> None:
    entry = Entry("BR1", amount, bill.unit, timezone.localdate(), servicer_ref=str(uuid4())[:35])
    book_entry(replace(entry, creditor_ref=bill.reference))
    bill.refresh_from_db()


def test_a_bill_is_claimed_in_the_ledger(bill: Bill, right: Right) -> None:
    assert balance("city:receivable:BRL") == balance("income:testing:BRL") == 10_000
    assert bill.state == "open" and is_reference(bill.reference)


def test_the_same_key_is_the_same_bill(payer: Person, right: Right) -> None:
    key, due = uuid4(), timezone.localdate()

    def make(amount: int) -> Bill:
        return bills.make_bill(key, payer, [BillLine("a", amount)], due, service="s", title="t", unit="BRL")

    assert make(5) == make(5)
    assert balance("city:receivable:BRL") == 5
    with pytest.raises(Conflict):
        make(6)


@pytest.mark.parametrize("lines", [[], [0], [5, -5], [-1], [10**15 + 1]])
def test_what_is_no_bill(payer: Person, lines: list[int]) -> None:
    with pytest.raises(Invalid):
        bills.make_bill(
            uuid4(),
            payer,
            [BillLine("a", one) for one in lines],
            timezone.localdate(),
            service="s",
            title="t",
            unit="BRL",
        )


def test_paid_in_parts_and_too_much(bill: Bill, right: Right) -> None:
    pay(bill, 4_000)
    assert (bill.state, bill.open, bill.credit) == ("part_paid", 6_000, 0)
    right()
    pay(bill, 7_000)
    assert (bill.state, bill.open, bill.credit) == ("paid", 0, 1_000) and bill.paid_at is not None
    assert balance("city:credit:BRL") == 1_000 and balance("city:receivable:BRL") == 0


def test_a_withdrawn_bill_leaves_what_was_paid_as_credit(bill: Bill, right: Right) -> None:
    pay(bill, 4_000)
    bills.void(bill, system("test"))
    bills.void(bill, system("test"))
    bill.refresh_from_db()
    assert (bill.state, bill.open, bill.credit) == ("void", 0, 4_000)
    assert balance("income:testing:BRL") == 0 and balance("city:credit:BRL") == 4_000


def test_waived_once_by_its_key(bill: Bill, right: Right) -> None:
    key = uuid4()
    for _twice in range(2):
        bills.waive(bill, system("test"), key, 3_000)
    bill.refresh_from_db()
    assert bill.owed == bill.open == balance("city:receivable:BRL") == 7_000
    with pytest.raises(Invalid):
        bills.waive(bill, system("test"), uuid4(), 7_001)


def test_overdue_at_its_moment_and_no_longer_when_paid(bill: Bill, payer: Person) -> None:
    def told() -> int:
        return Notification.objects.filter(person=payer).count()

    taker.take_due(timezone.now() + timedelta(days=14))
    bill.refresh_from_db()
    assert bill.overdue_since is None and not told()
    taker.take_due(timezone.now() + timedelta(days=16))
    bill.refresh_from_db()
    assert bill.overdue_since == bill.due_on and told() == 1
    pay(bill, 10_000)
    assert bill.overdue_since is None
    taker.take_due(timezone.now() + timedelta(days=30))
    assert told() == 1


def test_instalments_are_covered_in_their_order(payer: Person, right: Right) -> None:
    day = timezone.localdate()
    parts = [Part(day + timedelta(days=30 * number), 100) for number in (1, 2, 3)]
    bill = bill_of(payer, 300, parts=parts)
    pay(bill, 150)
    assert [left for _due, _asked, left in parts_of(bill)] == [0, 50, 100]
    taker.take_due(timezone.now() + timedelta(days=45))
    bill.refresh_from_db()
    assert bill.overdue_since is None
    taker.take_due(timezone.now() + timedelta(days=62))
    bill.refresh_from_db()
    assert bill.overdue_since == parts[1].due_on
    with pytest.raises(Invalid):
        bill_of(payer, 301, parts=parts)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=21), st.integers(0, 200))
def test_references_have_check_digits_that_find_a_slip(number: str, seed: int) -> None:
    reference = creditor_reference(number)
    assert is_reference(reference) and len(reference) <= 25
    # ISO 11649: the letters as numbers, RF and check digits behind, are 1 modulo 97.
    said = "".join(str("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(one)) for one in number + reference[:4])
    assert int(said) % 97 == 1
    place = 2 + seed % (len(reference) - 2)
    for digit in "0123456789":
        if reference[place].isdigit() and digit != reference[place]:
            assert not is_reference(reference[:place] + digit + reference[place + 1 :])


def test_references_are_found_in_what_people_write() -> None:
    reference = creditor_reference("00000012")
    for text in (
        reference,
        in_blocks(reference),
        f"Rechnung {in_blocks(reference)} danke",
        f"/{reference.lower()}/x",
        f"RF99 12 {reference}",
    ):
        assert references_in(text) == [reference], text
    assert references_in("RF00 nothing RF12345") == []


def test_the_accounts_have_the_kinds_that_their_page_says(bill: Bill) -> None:
    kinds = {one.key: one.kind for one in trial_balance()}
    assert kinds["city:receivable:BRL"] == "asset" and kinds["income:testing:BRL"] == "income"
    assert books.money_of("bank", "BRL") == books.unmatched("BRL")
