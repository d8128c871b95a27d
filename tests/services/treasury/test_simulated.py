"""The demo's bank, its guests' transfers and the two treasurers, by the doors that they use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cityhall.democity.make import CITY_TOML
from cityhall.engines.banking import read_statement
from cityhall.engines.banking.references import creditor_id_fault, iban_fault
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.payments import checks
from cityhall.kernel.payments.models import (
    BankEntry,
    Bill,
    Debit,
    DebitBatch,
    Intent,
    Mandate,
    Payout,
    PayoutBatch,
    Refund,
)
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.simulator.bank import CITY_IBAN, Bank, Booked, iban_of
from cityhall.simulator.recycling import Recycling
from cityhall.simulator.townhall import Guests
from cityhall.simulator.treasurers import Treasurers
from tests.services.house.conftest import house  # noqa: F401
from tests.services.house.test_simulated import account, connect
from tests.services.recycling.conftest import FEE, later, recycling, weighed  # noqa: F401

CREDITOR = "PT54ZZZ999999"


def test_the_banks_accounts_are_accounts_and_its_statements_add_up() -> None:
    assert not any(iban_fault(iban_of(number)) for number in range(1, 400))
    assert CITY_IBAN in CITY_TOML and CREDITOR in CITY_TOML and creditor_id_fault(CREDITOR) == ""
    bank, kinds = Bank(), set()
    bank.transfer(1_250, "Ana & Rui", iban_of(100), "RF18539007547034")
    for _day in range(9):
        read = read_statement(bank.close())
        assert read.statements[0].proved and not read.notes
        kinds |= {(entry.code, entry.amount > 0) for entry in read.statements[0].entries}
    assert {code for code, _in in kinds} == {"NTRF", "NCHG", "NRTI"}
    assert bank.balance > 0 and bank.close() != bank.close()


def test_an_order_that_is_none_is_refused() -> None:
    for taken in (Bank().order, Bank().collect):
        with pytest.raises(ValueError, match="no order"):
            taken(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>')
    assert Booked(1, "", "").kind == "transfer"


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("house")
def test_transfers_are_read_explained_given_back_and_paid_out_by_two(settings: Any) -> None:
    own = {"iban": CITY_IBAN, "account_name": "Marelva", "direct_debit": {"creditor": CREDITOR}}
    options = {**settings.CITY.options, "payments": settings.CITY.options["payments"] | own}
    settings.CITY = replace(settings.CITY, options=options, currency="EUR")
    accounts = [account(f"guest-{number}@demo.example") for number in range(3)]
    officers = [account(f"treasury.desk-{number}@demo.example", "treasury.treasurer") for number in (1, 2)]
    bank = Bank()
    guests = Guests(connect, accounts, None, seed=4, bank=bank)
    treasurers = Treasurers(connect, officers, bank, seed=4)
    acts = {"statement", "fee", "given back", "prepared", "released", "sent"}
    for day in range(20):
        for _guest in range(25):
            guests.step()
        treasurers.read_statement()
        for _press in range(10):
            treasurers.step()
        # What the guests come to do, chance says: five days have it mostly.
        called_back = BankEntry.objects.filter(code__contains="NRTI").exists()
        if day >= 5 and guests.done["transferred"] >= 4 and acts <= set(treasurers.done) and called_back:
            break
    assert guests.done["transferred"] >= 4, guests.done
    assert len(set(Mandate.objects.values_list("payer", flat=True))) == Mandate.objects.count() > 0
    assert acts <= set(treasurers.done), treasurers.done
    # Some entries stay for whoever tries the desk; a transfer was called back; what was too much is back.
    assert BankEntry.objects.exclude(left=0).exists() and BankEntry.objects.filter(code__contains="NRTI").exists()
    assert Bill.objects.filter(state="paid", intents__provider="bank").exists()
    assert Refund.objects.filter(state="done", amount=500, intent__provider="bank").exists()
    assert all(one.released_by != one.prepared_by for one in PayoutBatch.objects.exclude(released_by=""))
    assert Payout.objects.filter(state="executed").exists() and not Payout.objects.exclude(source="").exists()
    assert Intent.objects.filter(provider="bank", given_back__gt=0).exists()
    # Nothing is there that only the simulator could have written: each was done by somebody at a door.
    kinds = ("statement.imported", "payouts.prepared", "payouts.released", "payouts.fetched", "mandate.agreed")
    made = Entry.objects.filter(stream="payments", type__in=kinds)
    assert made and all(entry.actor.startswith("person:") for entry in made)
    assert books.faults() == [] and checks.differences() == []


@pytest.mark.slow
@pytest.mark.usefixtures("recycling")
def test_waste_fees_are_collected_by_two_and_some_come_back(settings: Any) -> None:
    own = {"iban": CITY_IBAN, "account_name": "Marelva", "direct_debit": {"creditor": CREDITOR}}
    known = settings.CITY.options
    green = known["recycling"] | {"fee": {"amount": FEE, "months": 3, "due_days": 7}}
    options = {**known, "payments": {"providers": ["sandbox"]} | own, "recycling": green}
    settings.CITY = replace(settings.CITY, options=options, currency="EUR")
    accounts = [account(f"green-{number}@demo.example") for number in range(12)]
    for person in Person.objects.filter(email__startswith="green-"):
        weighed(person_actor(person))
    later(seconds=5)
    officers = [account(f"treasury.desk-{number}@demo.example", "treasury.treasurer") for number in (1, 2)]
    bank = Bank()
    people = Recycling(connect, accounts, None, [], seed=4)
    treasurers = Treasurers(connect, officers, bank, seed=4)
    acts = {"prepared debits", "released debits", "sent debits"}
    for _day in range(8):
        for _step in range(60):
            people.step()
        for _press in range(8):
            treasurers.step()
        treasurers.read_statement()
        if bank.collected > 10 and Intent.objects.filter(mandate__isnull=False, given_back__gt=0).exists():
            break
    assert {"signed", "by debit"} <= set(people.done) and acts <= set(treasurers.done), (people.done, treasurers.done)
    paid = Bill.objects.filter(service="recycling", state="paid", intents__debit__isnull=False)
    assert paid.exists() and not Bill.objects.filter(scheme="mandate").exclude(service="recycling").exists()
    back = {one.intent_id: one for one in Debit.objects.exclude(reason="")}
    assert {one.reason for one in back.values()} == {"AM04", "AC04"}
    assert set(Intent.objects.filter(pk__in=back).values_list("standing", flat=True)) == {"given_back", "failed"}
    for one in back.values():
        told = Notification.objects.get(person=one.bill.payer, key=f"debit:{one.pk} back")
        assert one.why in told.body
    # What came back is open until it is collected again, by another collection.
    for one in back.values():
        others = one.bill.debits.filter(reason="").exclude(pk=one.pk)
        assert one.bill.is_open or others.exists() or one.bill.intents.exclude(provider="bank").exists()
    assert all(one.released_by != one.prepared_by for one in DebitBatch.objects.exclude(released_by=""))
    kinds = ("statement.imported", "debits.prepared", "debits.released", "debits.fetched", "mandate.agreed")
    made = Entry.objects.filter(stream="payments", type__in=(*kinds, "debits.status", "bill.by_debit"))
    assert {one.type for one in made} == {*kinds, "debits.status", "bill.by_debit"}
    assert all(entry.actor.startswith("person:") for entry in made)
    assert books.faults() == [] and checks.differences() == []
