"""At the same moment, with connections of their own: one outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.payments import giving_back, hooks, intents, polling, signing
from cityhall.kernel.payments.bank_entries import book_entry
from cityhall.kernel.payments.models import Bill, Fact, Intent, SandboxEvent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.models import Person
from tests.jobs import run_job
from tests.kernel.payments.conftest import bill_of, officer
from tests.kernel.payments.test_bank import entry

pytestmark = pytest.mark.django_db(transaction=True)


def together(*doings: Callable[[], Any]) -> list[Any]:
    """What each gives, or the error of ours that it raises, all begun at one moment."""
    begin, given = threading.Barrier(len(doings)), [None] * len(doings)

    def do(number: int) -> None:
        begin.wait()
        try:
            given[number] = doings[number]()
        except CityhallError as problem:
            given[number] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(doings))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return given


def test_webhook_redirect_poll_and_bank_capture_once(payer: Person, right: Callable[[], None]) -> None:
    for _round in range(5):
        bill = bill_of(payer, 10_000)
        intent = intents.start(bill, None, "sandbox", "/")
        sandbox.pay(intent.provider_ref, sandbox.GOOD)
        bodies = [
            body.encode()
            for body in SandboxEvent.objects.filter(payment__ref=intent.provider_ref).values_list("body", flat=True)
        ]

        def webhooks(bodies: list[bytes] = bodies) -> int:
            return sum(hooks.take("sandbox", one, {signing.HEADER: signing.sign(one)}) for one in bodies)

        told = entry(10_000, end_to_end=intent.uid.hex)
        together(
            webhooks,
            webhooks,
            lambda pk=intent.pk: polling.ask(pk, "redirect"),  # type: ignore[misc]
            lambda pk=intent.pk: polling.ask(pk, "poll"),  # type: ignore[misc]
            lambda told=told: book_entry(told),  # type: ignore[misc]
        )
        polling.ask(intent.pk)
        bill.refresh_from_db()
        assert (bill.paid, bill.state) == (10_000, "paid")
        assert Fact.objects.filter(intent=intent, kind="captured").exclude(via="statement").count() == 1


def test_a_refund_by_call_and_webhook_at_once_is_one(bill: Bill, right: Callable[[], None]) -> None:
    intent = intents.start(bill, None, "sandbox", "/")
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    polling.ask(intent.pk)
    intent.refresh_from_db()
    refund = giving_back.ask(officer("olga"), intent, 3_000, "x", key=uuid4())
    together(
        lambda: run_job("payments.give_back", {"refund": refund.pk}),
        lambda: run_job("payments.give_back", {"refund": refund.pk}),
        lambda: polling.ask(intent.pk),
    )
    polling.ask(intent.pk)
    bill.refresh_from_db()
    assert (bill.paid, bill.owed) == (7_000, 7_000)


def test_two_officers_cannot_give_back_more_than_came(bill: Bill, right: Callable[[], None]) -> None:
    intent = intents.start(bill, None, "sandbox", "/")
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    polling.ask(intent.pk)
    intent.refresh_from_db()
    officers = [officer(f"o{number}") for number in range(4)]
    given = together(*[lambda who=who: giving_back.ask(who, intent, 6_000, "x", key=uuid4()) for who in officers])  # type: ignore[misc]
    assert sum(not isinstance(one, CityhallError) for one in given) == 1


def test_an_entry_that_two_read_at_once_is_booked_once(bill: Bill, right: Callable[[], None]) -> None:
    told = entry(10_000, creditor_ref=bill.reference)
    given = together(*[lambda: book_entry(told)] * 4)
    assert sorted(new for _row, new in given) == [False, False, False, True]
    bill.refresh_from_db()
    assert bill.paid == 10_000 and Intent.objects.count() == 1


def test_pressed_twice_it_is_begun_once(bill: Bill) -> None:
    given = together(*[lambda: intents.start(bill, None, "sandbox", "/")] * 3)
    assert len({one.pk for one in given}) == 1 == Intent.objects.count()
