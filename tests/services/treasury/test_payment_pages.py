"""What came by the bank is told for which bill it was, and a payment is given back by two officers where it is much."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Invalid
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.models import Account
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.payments import checks, giving_back, payouts
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import BankEntry, Bill, PayoutBatch, Refund, StatementFile
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import roles
from cityhall.services.treasury.amounts import read
from cityhall.services.treasury.waiting import waiting_for
from tests.engines.banking.statements import details, entry, file, statement
from tests.services.treasury.test_pages import browser, text

pytestmark = pytest.mark.django_db


def bill(amount: int, title: str = "City map") -> Bill:
    payer, _made = Person.objects.get_or_create(email="paula@example.org", defaults={"name": "Paula"})
    lines = [BillLine(title, amount)]
    return make_bill(uuid4(), payer, lines, timezone.localdate(), service="testing", title=title, unit="BRL")


def came(amount: int, words: str = "thank you") -> BankEntry:
    told = {"name": "Paula Prado", "text": words, "servicer_ref": uuid4().hex[:20]}
    return book_entry(Entry("BR1", amount, "BRL", date(2026, 11, 20), **told))[0]


def right() -> None:
    assert queries.faults() == [] and checks.differences() == []


def test_an_entry_that_nobody_knows_is_told_for_a_bill_of_its_amount() -> None:
    client, mine, other = browser(), bill(12_50), bill(99_00, "Compost bin")
    one = came(12_50)
    assert "12.50" in text(client, "/treasury/bank/") and "Paula Prado" in text(client, "/treasury/bank/")
    page = client.get(f"/treasury/bank/{one.pk}/").content.decode()
    assert mine.reference in page and other.reference not in page
    assert client.post(f"/treasury/bank/{one.pk}/", {"bill": mine.reference}).status_code == 302
    mine.refresh_from_db()
    assert mine.state == "paid" and "City map" in text(client, f"/treasury/bank/{one.pk}/")
    assert "it is known what it was for" in text(client, "/treasury/bank/")
    assert "Paula Prado" in text(client, "/treasury/bank/?all=1")
    assert client.post(f"/treasury/bank/{one.pk}/", {"bill": mine.reference}).status_code == 422
    right()


def test_an_entry_is_shared_among_bills_and_what_is_no_bills() -> None:
    client, mine = browser(), bill(10_00)
    one = came(15_00)
    address = f"/treasury/bank/{one.pk}/"
    for wrong, status in (
        ({"bill": "RF00NOSUCH"}, 404),
        ({"bill": ""}, 404),
        ({"bill": f"{mine.pk}", "amount": "x"}, 422),
    ):
        assert client.post(address, wrong).status_code == status, wrong
    assert client.post(address, {"for": "account", "account": "mine"}).status_code == 422
    assert client.post(address, {"bill": f"bill:{mine.pk}", "amount": "10,00"}).status_code == 302
    assert client.post(address, {"for": "account", "account": "other"}).status_code == 302
    one.refresh_from_db()
    assert (one.left, one.state) == (0, "done")
    assert "income:other:BRL" in text(client, "/treasury/trial/?unit=BRL")
    right()


def test_what_a_provider_pays_out_in_one_sum_is_told_from_other_money(settings: Any) -> None:
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": {"providers": ["sandbox"]}})
    client, one = browser(), came(40_00)
    assert "paid out by: Card" in text(client, f"/treasury/bank/{one.pk}/")
    address, form = f"/treasury/bank/{one.pk}/", {"for": "account", "amount": "30"}
    assert client.post(address, {**form, "account": "stripe"}).status_code == 422, "the city has no such provider"
    assert client.post(address, {**form, "account": "sandbox"}).status_code == 302
    assert client.post(address, {**form, "account": "fees", "amount": ""}).status_code == 302
    assert Account.objects.get(key="city:provider:sandbox:BRL").posted == -30_00
    assert BankEntry.objects.get().left == 0
    right()


def test_what_was_paid_too_much_and_what_is_overdue_is_listed_and_a_reference_opens_its_bill() -> None:
    client, mine, late = browser(), bill(10_00), bill(20_00, "Compost bin")
    assert "paid too much on" not in text(client, "/treasury/bills/")
    client.post(f"/treasury/bank/{came(12_50).pk}/", {"bill": mine.reference})
    Bill.objects.filter(pk=late.pk).update(overdue_since=date(2026, 11, 2))
    assert "2.50 BRL · paid too much on 1 bill" in text(client, "/treasury/bills/")
    for state, there, not_there in (("credit", "City map", "Compost bin"), ("overdue", "Compost bin", "City map")):
        said = text(client, f"/treasury/bills/?state={state}")
        assert there in said and not_there not in said, state
    for words in (mine.reference, f"{mine.reference[:4]} {mine.reference[4:].lower()}"):
        answer: Any = client.get("/treasury/bills/", {"q": words})
        assert answer.status_code == 302 and answer.url == f"/treasury/bills/{mine.pk}/"
    assert "There is no such bill" in text(client, "/treasury/bills/?q=RF00NOSUCH")
    right()


def test_the_desk_counts_what_an_officer_can_settle_and_not_what_they_asked_for() -> None:
    client, _second, mine = browser(), browser("ann"), bill(900_00)
    tom, ann = (person_actor(Person.objects.get(name=name)) for name in ("Tom", "Ann"))
    one = came(900_00)
    assert [waiting_for(officer) for officer in (tom, ann)] == [1, 1]
    client.post(f"/treasury/bank/{one.pk}/", {"bill": mine.reference})
    giving_back.ask(tom, mine.intents.get(), 900_00, "The map was never printed", key=uuid4())
    assert [waiting_for(officer) for officer in (tom, ann)] == [0, 1]
    assert roles()["treasury.treasurer"] and [str(one.name) for one in roles().values()].count("Treasurer") == 1


def test_a_payment_is_given_back_with_a_reason_and_a_second_officer_where_it_is_much() -> None:
    client, second, mine = browser(), browser("ann"), bill(900_00)
    one = came(900_00)
    client.post(f"/treasury/bank/{one.pk}/", {"bill": mine.reference})
    address = f"/treasury/bills/{mine.pk}/"
    page = client.get(address).content.decode()
    found: Any = re.search(r'name="key" value="([^"]+)"', page), re.search(r'<option value="(\d+)"', page)
    form = {"key": found[0][1], "intent": found[1][1], "amount": "900", "reason": ""}
    assert client.post(address, form).status_code == 422
    form["reason"] = "The map was never printed"
    assert [client.post(address, form).status_code for _time in range(2)] == [302, 302]
    refund = Refund.objects.get()
    assert refund.state == "asked" and "never printed" in text(client, "/treasury/refunds/")
    assert "1 refund waits" in text(client, "/treasury/bills/")
    assert client.post(f"/treasury/refunds/{refund.pk}/approve/").status_code == 403
    assert second.post(f"/treasury/refunds/{refund.pk}/approve/").status_code == 302
    refund.refresh_from_db()
    assert refund.state == "sending"
    right()


def test_bills_are_found_by_state_and_words_and_an_auditor_changes_nothing() -> None:
    client, mine = browser("eve", "auditor"), bill(10_00, "Tourist card")
    bill(20_00, "Compost bin")
    said = text(client, "/treasury/bills/?q=tourist")
    assert "Tourist card" in said and "Compost bin" not in said
    assert "Compost bin" in text(client, "/treasury/bills/?state=open")
    assert "There is no such bill" in text(client, "/treasury/bills/?state=paid")
    assert "30.00" in text(client, "/treasury/bills/")
    assert "Tourist card" in text(client, f"/treasury/bills/{mine.pk}/")
    one = came(5_00)
    assert client.post(f"/treasury/bank/{one.pk}/", {"bill": mine.reference}).status_code == 403
    strange = Client()
    for page in ("bills/", f"bills/{mine.pk}/", "bank/", f"bank/{one.pk}/", "refunds/"):
        assert strange.get(f"/treasury/{page}").status_code in (302, 403), page


def test_a_statement_is_read_from_its_file_and_undone() -> None:
    client, mine = browser(), bill(100_00)
    inside = details("100.00", currency="BRL", remittance=f"<Ustrd>{mine.reference}</Ustrd>")
    paid = entry("100.00", currency="BRL", servicer="BANK-0001", details=inside) + entry("7", currency="BRL")
    sent = SimpleUploadedFile("statement.xml", file(statement(paid)), "application/xml")
    assert client.post("/treasury/bank/files/", {"file": sent}).status_code == 302
    mine.refresh_from_db()
    assert mine.state == "paid" and "camt.053" in text(client, "/treasury/bank/files/")
    broken = SimpleUploadedFile("statement.xml", b"<Document/>", "application/xml")
    assert client.post("/treasury/bank/files/", {"file": broken}).status_code == 422
    assert client.post("/treasury/bank/files/", {}).status_code == 422
    made = StatementFile.objects.get()
    client.post(f"/treasury/bank/files/{made.pk}/undo/", {"reason": ""})
    mine.refresh_from_db()
    assert mine.state == "paid", "not without a reason"
    client.post(f"/treasury/bank/files/{made.pk}/undo/", {"reason": "It is another city's"})
    mine.refresh_from_db()
    assert mine.state == "open" and "undone" in text(client, "/treasury/bank/files/")
    right()


def test_payouts_are_prepared_by_one_officer_and_released_by_another(settings: Any) -> None:
    client, second = browser(), browser("ann")
    assert "not stated on what legal basis" in text(client, "/treasury/payouts/")
    own = {"legal_basis": "Council decision 7/2026", "name": "Testville", "iban": "NL91ABNA0417164300"}
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": {"payouts": own}})
    purse = open_account("purse:1", "liability", "EUR", floor=0)
    post(transfer(uuid4(), "t", debit=open_account("grants", "expense", "EUR").pk, credit=purse.pk, amount=1000))
    given = {"service": "t", "source": "purse:1", "name": "Ana", "iban": "ES9121000418450200051332", "text": "Points"}
    payout = payouts.make_payout(uuid4(), amount=900, **given)
    assert "9.00 EUR to be paid out" in text(client, "/treasury/payouts/")
    client.post("/treasury/payouts/", {"chosen": [str(payout.pk)]})
    address = f"/treasury/payouts/{PayoutBatch.objects.get().pk}/"
    assert "another officer looks at it" in text(client, address)
    client.post(f"{address}release/")
    assert PayoutBatch.objects.get().state == "prepared"
    second.post(f"{address}release/")
    assert PayoutBatch.objects.get().state == "released"
    answer = client.post(f"{address}fetch/")
    assert b"<Nm>Ana</Nm>" in answer.content and answer["Content-Type"] == "application/xml"
    assert client.post(f"{address}fetch/").status_code == 302, "once"
    assert client.post(f"{address}allow/", {"reason": "The bank never had it"}).status_code == 302
    assert not PayoutBatch.objects.get().fetches_left, "not by who fetched it"
    second.post(f"{address}allow/", {"reason": "The bank never had it"})
    assert client.post(f"{address}fetch/").status_code == 200
    right()


def test_amounts_as_they_are_typed() -> None:
    said = [read(one, "BRL") for one in ("12", "12.5", "12,50", "", " 7 ")] + [read("12", "JPY")]
    assert said == [1200, 1250, 1250, None, 700, 12]
    for wrong in ("1.234,50", "-3", "12.505", "1e5", "１２", "."):
        with pytest.raises(Invalid):
            read(wrong, "BRL")
    with pytest.raises(Invalid):
        read("12.5", "JPY")
