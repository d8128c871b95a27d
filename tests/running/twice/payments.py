"""Scenes of the jobs of payments: the city pays by the sandbox, whose messages nobody sends but the scene."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cityhall.kernel.payments import giving_back, hooks, intents, polling, sandbox_sending
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.mandates import agree
from cityhall.kernel.payments.models import BankEntry, Bill, Hook, Intent, SandboxEvent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from tests.running.twice.scenes import Stage, scene

NOW = timezone.now()


def bill_of(stage: Stage, **more: Any) -> Bill:
    options = {"payments": {"providers": ["sandbox"], "sandbox_trouble": False}}
    stage.city(options=stage.settings.CITY.options | options)
    # Its clock stands in what it says, as text, where two runs would be told apart by it.
    stage.patch.setattr(sandbox, "_now", lambda: NOW)
    values: dict[str, Any] = {"service": "testing", "title": "City map", "unit": "BRL"} | more
    payer = Person.objects.create_user("paula@example.org")
    due = timezone.localdate() + timedelta(days=14)
    return make_bill(UUID(int=1), payer, [BillLine("City map", 10_000)], due, **values)


def begun(stage: Stage) -> Intent:
    return intents.start(bill_of(stage), None, "sandbox", "/")


def paid(stage: Stage, card: str = sandbox.GOOD) -> Intent:
    intent = begun(stage)
    sandbox.pay(intent.provider_ref, card)
    polling.ask(intent.pk)
    intent.refresh_from_db()
    return intent


@scene("payments.poll")
def asked_about(stage: Stage) -> dict[str, Any]:
    sandbox.pay(begun(stage).provider_ref, sandbox.GOOD)
    Intent.objects.update(ask_at=timezone.now() - timedelta(minutes=1))
    return {}


@scene("payments.hooks")
def kept_messages(stage: Stage) -> dict[str, Any]:
    intent = begun(stage)
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    said = sandbox.Sandbox().look(intent.provider_ref)
    for number, age in enumerate((timedelta(minutes=2), hooks.KEPT + timedelta(days=1))):
        heard_at = timezone.now() - age
        Hook.objects.create(provider="sandbox", event_id=str(number), said=said.to_json(), heard_at=heard_at)
    return {}


@scene("payments.compare")
def bills_to_compare(stage: Stage) -> dict[str, Any]:
    bill_of(stage)
    return {}


@scene("payments.forget")
def parties_of_then(stage: Stage) -> dict[str, Any]:
    bill = bill_of(stage)
    today = timezone.localdate()
    book_entry(Entry("BR1", 10_000, "BRL", today, servicer_ref="1", creditor_ref=bill.reference, name="Paula"))
    BankEntry.objects.update(booked_on=today - timedelta(days=500))
    return {}


@scene("payments.give_back")
def a_refund(stage: Stage) -> dict[str, Any]:
    refund = giving_back.ask(system("test"), paid(stage), 3_000, "torn", key=UUID(int=2))
    return {"refund": refund.pk}


@scene("payments.end")
def time_is_over(stage: Stage) -> dict[str, Any]:
    return {"intent": begun(stage).pk}


@scene("payments.collect")
def a_direct_debit(stage: Stage) -> dict[str, Any]:
    bill = bill_of(stage)
    assert bill.payer is not None
    mandate = agree(bill.payer, "sandbox", "sbm_good", "1234", actor=system("test"))
    Bill.objects.update(mandate=mandate, scheme="mandate")
    return {"bill": bill.pk}


@scene("payments.sandbox_goes_on")
def charged_back(stage: Stage) -> dict[str, Any]:
    return {"payment": paid(stage, sandbox.CHARGED_BACK).provider_ref}


@scene("payments.sandbox_sends")
def a_message(stage: Stage) -> dict[str, Any]:
    """Sent twice it is taken once: here the door is called as it is, without a server."""
    intent = begun(stage)
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    event = SandboxEvent.objects.get(body__contains='"captured"')

    def post(event: SandboxEvent) -> int:
        body = event.body.encode()
        hooks.take("sandbox", body, {sandbox_sending.signing.HEADER: sandbox_sending.signing.sign(body)})
        return 200

    stage.patch.setattr(sandbox_sending, "post", post)
    # That it came again is counted, and nothing else.
    stage.patch.setattr(hooks, "count", lambda *_told: None)
    return {"event": event.pk}
