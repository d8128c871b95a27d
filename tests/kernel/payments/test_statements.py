"""Statement files: what they say is booked once, whichever file says it, and taken back whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.ledger.models import Account
from cityhall.kernel.payments.models import BankEntry, Bill, StatementFile
from cityhall.kernel.payments.statements import import_statement, undo_import
from cityhall.kernel.people.actors import ANONYMOUS
from tests.engines.banking.statements import balance, details, entry, file, statement
from tests.kernel.payments.conftest import bill_of, officer

pytestmark = pytest.mark.django_db(transaction=True)


def paying(bill: Bill, amount: str, **more: str) -> str:
    inside = details(amount, currency="BRL", remittance=f"<Ustrd>City map {bill.reference}</Ustrd>")
    return entry(amount, currency="BRL", details=inside, **more)


def on(key: str) -> int:
    return int(Account.objects.get(key=key).posted)


def test_a_statement_pays_the_bill_and_lists_the_rest(bill: Bill, right: Callable[[], None]) -> None:
    who = officer("treasurer")
    entries = (
        paying(bill, "100.00", servicer="BANK-0001")
        + entry("7", currency="BRL")
        + entry("9", currency="BRL", status="PDNG")
        + entry("1.005", currency="BRL")
        + entry("2.50", "DBIT", currency="BRL", servicer="BANK-0002")
    )
    made = import_statement(who, file(statement(entries)))
    assert (made.entries, made.booked, made.known, made.whole) == (5, 3, 0, True)
    assert [one["reason"] for one in made.unbooked] == ["not_booked_yet", "not_in_whole_units"]
    bill.refresh_from_db()
    assert (bill.state, bill.paid) == ("paid", 10_000)
    assert on("city:bank:BRL") == 10_000 + 700 - 250
    assert BankEntry.objects.filter(left__gt=0).get().amount == 700


def test_again_in_the_same_file_another_one_or_another_kind_nothing_is_booked(
    bill: Bill, right: Callable[[], None]
) -> None:
    who = officer("treasurer")
    one = paying(bill, "40.00", servicer="BANK-0001")
    other = paying(bill, "1.00") * 2
    import_statement(who, file(statement(one, kind="054"), kind="054"))
    whole = file(statement(entry("40.00", currency="BRL", servicer="BANK-0001") + other))
    counts = [(made.booked, made.known) for made in (import_statement(who, whole), import_statement(who, whole))]
    assert counts == [(2, 1), (0, 3)]
    bill.refresh_from_db()
    assert bill.paid == 4200
    assert on("city:bank:BRL") == 4200


def test_pending_is_booked_when_it_is(bill: Bill, right: Callable[[], None]) -> None:
    who = officer("treasurer")
    pending = paying(bill, "40.00", servicer="BANK-0001", status="PDNG")
    assert import_statement(who, file(statement(pending, kind="052"), kind="052")).booked == 0
    assert import_statement(who, file(statement(paying(bill, "40.00", servicer="BANK-0001")))).booked == 1


def test_charges_and_sums_without_parts_are_booked_to_the_cent(right: Callable[[], None]) -> None:
    who = officer("treasurer")
    charges = '<Chrgs><TtlChrgsAndTaxAmt Ccy="BRL">0.50</TtlChrgsAndTaxAmt></Chrgs>'
    parts = details("4", currency="BRL") + details("6", currency="BRL", more=charges)
    undivided = details("3", currency="USD") + details("4", currency="USD")
    entries = entry("9.50", currency="BRL", details=parts) + entry("33", currency="BRL", details=undivided)
    import_statement(who, file(statement(entries)))
    assert sorted(BankEntry.objects.values_list("amount", flat=True)) == [-50, 400, 600, 3300]
    assert on("city:bank:BRL") == 4250


def test_what_does_not_add_up_books_nothing(bill: Bill) -> None:
    who = officer("treasurer")
    sums = balance("OPBD", "0", "BRL") + balance("CLBD", "41", "BRL")
    with pytest.raises(Invalid) as caught:
        import_statement(who, file(statement(paying(bill, "40.00"), sums)))
    assert "not accounted for" in str(caught.value)
    with pytest.raises(Denied):
        import_statement(ANONYMOUS, file(statement(paying(bill, "40.00"))))
    assert (BankEntry.objects.count(), StatementFile.objects.count()) == (0, 0)


def test_an_import_is_undone_and_done_again(bill: Bill, right: Callable[[], None]) -> None:
    who, other = officer("treasurer"), bill_of(None, 500)
    data = file(
        statement(paying(bill, "100.00", servicer="BANK-0001") + paying(other, "2") + entry("7", currency="BRL"))
    )
    made = import_statement(who, data)
    with pytest.raises(Invalid):
        undo_import(who, made, " ")
    undo_import(who, made, "the statement of another city")
    bill.refresh_from_db()
    assert (bill.paid, on("city:bank:BRL"), on("city:unmatched:BRL")) == (0, 0, 0)
    with pytest.raises(Conflict):
        undo_import(who, made, "twice")
    assert import_statement(who, data).booked == 3
    bill.refresh_from_db()
    assert (bill.paid, on("city:bank:BRL")) == (10_000, 10_900)
