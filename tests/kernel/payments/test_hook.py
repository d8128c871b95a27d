"""A service hears of its bills in the transaction that changes them; any walk of a bill sums as a small oracle says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.ledger import queries
from cityhall.kernel.payments import bills, checks, giving_back, intents, polling
from cityhall.kernel.payments.bank_entries import book_entry
from cityhall.kernel.payments.declares import PaidHook
from cityhall.kernel.payments.models import Bill, Intent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.payments.settled import Settled
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from tests.jobs import run_job
from tests.kernel.payments.conftest import bill_of
from tests.kernel.payments.test_bank import entry

pytestmark = pytest.mark.django_db
HEARD: list[tuple[str, str, int]] = []


def hear(settled: Settled) -> None:
    assert settled.bill.state == settled.now
    HEARD.append((settled.before, settled.now, settled.paid))


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    hooks = [PaidHook("testing", f"{__name__}:hear"), PaidHook("other", "nowhere:nothing")]
    monkeypatch.setattr(bills, "declared", lambda kind: [(None, hook) for hook in hooks])
    monkeypatch.setattr(bills, "resolve", lambda path: {f"{__name__}:hear": hear}[path])
    HEARD.clear()
    return HEARD


def test_a_service_is_told_of_its_own_bills(
    bill: Bill, payer: Person, hearing: list[tuple[str, str, int]], right: Callable[[], None]
) -> None:
    book_entry(entry(4_000, creditor_ref=bill.reference))
    book_entry(entry(6_000, creditor_ref=bill.reference))
    book_entry(entry(500, creditor_ref=bill.reference))
    book_entry(entry(5, creditor_ref=bill_of(payer, 5, service="third").reference))
    assert hearing == [("open", "part_paid", 4_000), ("part_paid", "paid", 6_000)]
    bills.void(bill, system("test"))
    assert hearing[-1] == ("paid", "void", 0)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_walk_of_a_bill_sums(payer: Person, data: st.DataObject) -> None:
    """The oracle: what came in, less what went back and what is charged back; what is owed, less what was waived."""
    sid = transaction.savepoint()
    bill = bill_of(payer, 1_000, parts_allowed=True)
    owed, charges = 1_000, dict[int, int]()
    voided = False
    for _step in range(data.draw(st.integers(1, 7))):
        paid = sum(charges.values())
        doing = data.draw(st.sampled_from(["card", "bank", "refund", "waive", "void", "again"]))
        amount = data.draw(st.integers(1, 700))
        if doing == "card" and not voided and 0 < amount <= owed - paid:
            intent = intents.start(bill, amount, "sandbox", "/")
            sandbox.pay(intent.provider_ref, sandbox.GOOD)
            polling.ask(intent.pk)
            charges[intent.pk] = amount
        elif doing == "bank":
            book_entry(entry(amount, creditor_ref=bill.reference))
            charges[Intent.objects.latest("pk").pk] = amount
        elif doing == "refund" and (some := [pk for pk, left in charges.items() if left and _card(pk)]):
            pk = data.draw(st.sampled_from(some))
            amount = min(amount, charges[pk])
            refund = giving_back.ask(system("test"), Intent.objects.get(pk=pk), amount, "x", key=uuid4())
            run_job("payments.give_back", {"refund": refund.pk})
            owed -= 0 if voided else max(0, amount - max(0, paid - owed))
            charges[pk] -= amount
        elif doing == "waive" and not voided and amount <= owed:
            bills.waive(bill, system("test"), uuid4(), amount)
            owed -= amount
        elif doing == "void":
            bills.void(bill, system("test"))
            owed, voided = 0, True
        else:
            for pk in charges:
                polling.ask(pk) if _card(pk) else None
        bill.refresh_from_db()
        paid = sum(charges.values())
        assert (bill.owed, bill.paid) == (owed, paid)
        assert bill.open == max(0, owed - paid) and bill.credit == max(0, paid - owed)
        state = "paid" if paid >= owed else "part_paid" if paid else "open"
        assert bill.state == ("void" if voided else "refunded" if not owed else state)
    assert checks.differences() == [] and queries.faults() == []
    transaction.savepoint_rollback(sid)


def _card(pk: int) -> bool:
    return Intent.objects.get(pk=pk).provider == "sandbox"


def test_a_bill_that_differs_from_the_ledger_is_found(bill: Bill) -> None:
    Bill.objects.update(paid=1)
    found = {(one.what, one.off) for one in checks.differences()}
    assert ("payments", "1") in found and any(what == "bill" for what, _off in found)
    assert checks.compare().faults and checks.compare().pk == checks.compare().pk
    said: list[Any] = [one for one in checks.findings() if one[0] == "error"]
    assert len(said) == 1
