"""What every provider must do, and what Stripe's messages say: over HTTP to a stand-in, with its public fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Missing, Unavailable
from cityhall.kernel.payments import giving_back, intents, polling
from cityhall.kernel.payments.models import Bill, Hook, HookRefusal, Intent
from cityhall.kernel.payments.providers import Asked, Begun, Provider, Refused, provider, sandbox
from tests.jobs import run_job
from tests.kernel.payments import fake_stripe
from tests.kernel.payments.conftest import officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings: Any) -> Iterator[fake_stripe.Books]:
    books = fake_stripe.Books()
    with fake_stripe.served(books) as address:
        keys = {"secret_key": "sk_test_x", "webhook_secret": fake_stripe.SECRET, "api_base": address}
        settings.SECRETS = settings.SECRETS | {"stripe": keys}
        payments = settings.CITY.options["payments"] | {"providers": ["stripe", "sandbox"]}
        settings.CITY = replace(settings.CITY, options=settings.CITY.options | {"payments": payments})
        yield books


@dataclass
class Under:
    """A provider under contract, and how its payer pays."""

    provider: Provider
    pay: Callable[[Begun], Any]


@pytest.fixture(params=["sandbox", "stripe"])
def under(request: pytest.FixtureRequest, stripe: fake_stripe.Books) -> Under:
    def at_stripe(begun: Begun) -> None:
        stripe.pay(stripe.of["checkout.session"][begun.provider_ref])

    pay = at_stripe if request.param == "stripe" else lambda begun: sandbox.pay(begun.provider_ref, sandbox.GOOD)
    return Under(provider(request.param), pay)


def asked(amount: int = 10_000) -> Asked:
    ends = timezone.now() + timedelta(hours=1)
    return Asked(uuid4(), amount, "BRL", "City map", "RF18539007547034", "http://localhost/payments/back/x/", ends)


def sums(under: Under, ref: str) -> dict[str, int]:
    said = under.provider.look(ref)
    return {kind: sum(one.amount for one in said.facts if one.kind == kind) for kind in ("captured", "refunded")}


def test_begun_with_the_same_uid_it_is_one_payment(under: Under) -> None:
    wanted = asked()
    begun = under.provider.begin(wanted)
    assert begun == under.provider.begin(wanted) and begun.provider_ref and begun.url
    assert sums(under, begun.provider_ref)["captured"] == 0


def test_what_was_paid_is_told_whole_with_our_name(under: Under) -> None:
    wanted = asked()
    begun = under.provider.begin(wanted)
    under.pay(begun)
    said = under.provider.look(begun.provider_ref)
    assert said.uid == str(wanted.uid) and said.unit == "BRL"
    assert [(one.kind, one.amount) for one in said.facts if one.kind == "captured"] == [("captured", 10_000)]
    assert said == under.provider.look(begun.provider_ref), "asked twice, the same"


def test_a_refund_in_part_once_for_a_key_with_our_name(under: Under) -> None:
    begun = under.provider.begin(asked())
    under.pay(begun)
    key = uuid4()
    first = under.provider.refund(begun.provider_ref, 3_000, key)
    assert first == under.provider.refund(begun.provider_ref, 3_000, key)
    assert [(one.kind, one.amount, one.key) for one in first.facts] == [("refunded", 3_000, str(key))]
    under.provider.refund(begun.provider_ref, 7_000, uuid4())
    assert sums(under, begun.provider_ref) == {"captured": 10_000, "refunded": 10_000}
    with pytest.raises(Conflict):
        under.provider.refund(begun.provider_ref, 1, uuid4())


def test_cancelled_it_is_over_and_once_paid_it_is_not(under: Under) -> None:
    begun, paid = under.provider.begin(asked()), under.provider.begin(asked())
    under.pay(paid)
    for one in (begun, paid):
        for _twice in range(2):
            under.provider.cancel(one.provider_ref)
    assert "expired" in {one.kind for one in under.provider.look(begun.provider_ref).facts}
    assert sums(under, paid.provider_ref)["captured"] == 10_000


def test_messages_that_are_not_signed_are_refused(under: Under) -> None:
    for headers in ({}, {"Stripe-Signature": "t=1,v1=00", "Sandbox-Signature": "t=1,v1=00"}):
        with pytest.raises(Refused) as refused:
            under.provider.read(b"{}", headers)
        assert refused.value.reason == "forged"


def test_what_nobody_knows_is_missing(under: Under, stripe: fake_stripe.Books) -> None:
    with pytest.raises(Missing):
        under.provider.look("pi_nobody")


def started(bill: Bill, stripe: fake_stripe.Books) -> tuple[Intent, dict[str, Any]]:
    intent = intents.start(bill, None, "stripe", "/")
    return intent, stripe.of["checkout.session"][intent.provider_ref]


def told(kind: str, thing: dict[str, Any], number: str = "1") -> Any:
    event = fake_stripe.fixture("event") | {"id": f"evt_{kind}_{thing['id']}_{number}", "type": kind}
    body = json.dumps(event | {"object": "event", "data": {"object": thing}}).encode()
    headers = {"Stripe-Signature": fake_stripe.sign(body)}
    return Client().post("/api/payments/hooks/stripe", body, content_type="application/json", headers=headers)


def test_stripe_from_the_session_to_a_dispute(bill: Bill, stripe: fake_stripe.Books, right: Callable[[], None]) -> None:
    intent, session = started(bill, stripe)
    charge = stripe.pay(session) | {"balance_transaction": "txn_pi_1"}
    for number in ("1", "1", "2"):
        assert told("charge.succeeded", charge, number).status_code == 200
    assert told("checkout.session.completed", session | {"payment_intent": "pi_1"}).status_code == 200
    bill.refresh_from_db()
    assert (bill.state, bill.paid) == ("paid", 10_000)
    assert polling.ask(intent.pk)
    intent.refresh_from_db()
    assert intent.fees == 30 and intent.captured == 10_000
    refund = giving_back.ask(officer("olga"), intent, 3_000, "x", key=uuid4())
    run_job("payments.give_back", {"refund": refund.pk})
    assert told("charge.refund.updated", next(iter(stripe.of["refund"].values()))).status_code == 200
    bill.refresh_from_db()
    assert (bill.state, bill.paid, bill.owed) == ("paid", 7_000, 7_000)
    dispute = stripe.put(
        "dispute", payment_intent="pi_1", amount=7_000, status="warning_needs_response", currency="brl"
    )
    told("charge.dispute.created", dispute)
    bill.refresh_from_db()
    assert bill.paid == 7_000, "an inquiry moves no money"
    told("charge.dispute.updated", dispute | {"status": "needs_response"})
    bill.refresh_from_db()
    assert bill.paid == 0
    told("charge.dispute.closed", dispute | {"status": "won"})
    bill.refresh_from_db()
    assert bill.paid == 7_000
    assert not Hook.objects.filter(done_at=None).exists()


def test_stripe_tells_of_other_things_too(bill: Bill, stripe: fake_stripe.Books) -> None:
    for kind in ("customer", "balance_transaction", "account"):
        assert told("x.updated", fake_stripe.fixture(kind) | {"id": "x", "object": kind}).json() == {"taken": 0}
    assert told("charge.succeeded", fake_stripe.fixture("charge") | {"object": "charge", "id": "ch_x"}).status_code in (
        200,
        422,
    )


def test_stripe_messages_that_are_old_or_changed_are_refused(stripe: fake_stripe.Books) -> None:
    body = json.dumps(fake_stripe.fixture("event") | {"data": {"object": {"object": "charge"}}}).encode()
    now = int(timezone.now().timestamp())
    signatures = [
        fake_stripe.sign(body, now - 3600),
        fake_stripe.sign(body + b" "),
        fake_stripe.sign(body, secret="whsec_other"),
        fake_stripe.sign(body).replace("v1", "v0"),
        "t=now,v1=x",
    ]
    for signature in signatures:
        headers = {"Stripe-Signature": signature}
        answer = Client().post("/api/payments/hooks/stripe", body, content_type="application/json", headers=headers)
        assert answer.status_code == 403
    assert dict(HookRefusal.objects.values_list("reason", "count")) == {"too_old": 1, "forged": 4}


def test_stripe_does_not_answer(bill: Bill, stripe: fake_stripe.Books) -> None:
    stripe.down = True
    with pytest.raises(Unavailable):
        intents.start(bill, None, "stripe", "/")
    intent = Intent.objects.get()
    assert intent.standing == "started"
    stripe.down = False
    assert intents.start(bill, None, "stripe", "/") == intent and len(stripe.of["checkout.session"]) == 1
