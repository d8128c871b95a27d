"""Many payments whose messages come shuffled, three times each, late, and one in twenty never: one end state."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.ledger.queries import trial_balance
from cityhall.kernel.payments import hooks, intents, polling, signing
from cityhall.kernel.payments.facts import KINDS, reckon
from cityhall.kernel.payments.models import Bill, Fact, Hook, Intent, SandboxEvent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of

pytestmark = pytest.mark.django_db
MANY = int(os.environ.get("PAYMENTS", "60"))
"""CI has fewer; PAYMENTS=500 is the whole of it."""
THEN = datetime(2026, 11, 28, 12, tzinfo=UTC)


def _live(number: int, ref: str) -> None:
    """What payer and bank do with payment `number`, at the provider alone."""
    match number % 7:
        case 0:
            sandbox.pay(ref, sandbox.DECLINED)
            sandbox.pay(ref, sandbox.GOOD)
        case 1:
            sandbox.pay(ref, sandbox.CHALLENGED)
            sandbox.challenged(ref, True)
        case 2:
            sandbox.pay(ref, sandbox.CHARGED_BACK)
            sandbox.go_on(ref)
            if number % 2:
                sandbox.settle_dispute(ref, number % 3 == 0)
        case 3:
            sandbox.pay(ref, sandbox.GOOD)
            sandbox.Sandbox().refund(ref, 100 + number, uuid4())
            sandbox.Sandbox().refund(ref, 50, uuid4())
        case 4:
            sandbox.give_up(ref)
        case 5:
            sandbox.pay(ref, sandbox.NO_REFUND)
            sandbox.Sandbox().refund(ref, 300, uuid4())
            sandbox.go_on(ref)
        case _:
            sandbox.pay(ref, sandbox.GOOD)


def _books() -> dict[str, int]:
    return {one.key: one.balance for one in trial_balance()}


def _bills() -> list[tuple[Any, ...]]:
    return list(Bill.objects.order_by("pk").values_list("state", "paid", "owed"))


# Each commits: in one transaction, rows that all payments change would be looked for among all their former versions.
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_shuffled_tripled_and_lost_messages_end_as_those_in_order(payer: Person, right: Callable[[], None]) -> None:
    """In order is what the provider's own books say; the messages bring most of it, the poll the rest."""
    for number in range(MANY):
        intent = intents.start(bill_of(payer, 1_000 + number), None, "sandbox", "/")
        _live(number, intent.provider_ref)
    events = list(SandboxEvent.objects.values_list("body", flat=True))
    chance = random.Random(7)
    sent = [body for body in events if chance.random() >= 0.05] * 3
    chance.shuffle(sent)
    taken = 0
    for body in sent:
        taken += hooks.take("sandbox", body.encode(), {signing.HEADER: signing.sign(body.encode())})
    assert taken == len(sent) / 3 == Hook.objects.exclude(done_at=None).count() < len(events)
    right()
    before = _bills()
    for pk in Intent.objects.values_list("pk", flat=True):
        assert polling.ask(pk)
    assert _bills() != before, "what was lost is repaired"
    ends = [_expected(payment) for payment in sandbox.SandboxPayment.objects.order_by("pk")]
    assert [(state, paid) for state, paid, _owed in _bills()] == ends
    assert Fact.objects.count() == sum(len(one.facts) for one in sandbox.SandboxPayment.objects.all())
    assert _books()["city:provider:sandbox:BRL"] == sum(paid for _state, paid in ends) - _books()["city:fees:BRL"]


def _expected(payment: sandbox.SandboxPayment) -> tuple[str, int]:
    """The state and sum of its bill, by the provider's books in their order."""
    paid = 0
    for fact in payment.facts:
        match fact["kind"]:
            case "captured" | "refund_failed" | "dispute_won":
                paid += fact["amount"]
            case "refunded" | "disputed":
                paid -= fact["amount"]
    return "paid" if paid == payment.amount else "part_paid" if paid else "open", paid


@given(st.data())
def test_where_a_payment_stands_does_not_depend_on_the_order(data: st.DataObject) -> None:
    facts = [
        Fact(
            kind=data.draw(st.sampled_from(KINDS)),
            fact_id=str(number),
            amount=data.draw(st.integers(0, 5)),
            at=THEN + timedelta(seconds=data.draw(st.integers(0, 3))),
            via=data.draw(st.sampled_from(["webhook", "poll", "statement"])),
        )
        for number in range(data.draw(st.integers(0, 6)))
    ]
    assert reckon(facts) == reckon(data.draw(st.permutations(facts)))
    assert reckon(facts).net >= 0
