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
from cityhall.kernel.payments import checks
from cityhall.kernel.payments.models import BankEntry, Bill, Intent, Mandate, Payout, PayoutBatch, Refund
from cityhall.simulator.bank import CITY_IBAN, Bank, Booked, iban_of
from cityhall.simulator.townhall import Guests
from cityhall.simulator.treasurers import Treasurers
from tests.services.house.conftest import house  # noqa: F401
from tests.services.house.test_simulated import account, connect

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
    with pytest.raises(ValueError, match="no order"):
        Bank().order(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>')
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
        if day >= 5 and guests.done["transferred"] >= 4 and acts <= set(treasurers.done):
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
