"""Stripe: a Checkout Session that the payer goes on with, its PaymentIntent, charges, refunds and disputes.

Keys stand in the city's `secrets.json`: `"stripe": {"secret_key": "sk_...", "webhook_secret": "whsec_..."}`. What is
asked of Stripe carries our uid as its idempotency key and in its metadata, so that nothing is made twice and every
message says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.payments.facts import Heard, Said
from cityhall.kernel.payments.providers import Asked, Begun, Refused, Silent

if TYPE_CHECKING:
    from stripe import StripeClient

OURS, REFUND = "cityhall", "cityhall_refund"
"""Keys of the metadata: the uid of an intent, of a refund."""
TOLERANCE_S = 300
TIMEOUT_S = 20
MOST = 100
_DISPUTES = {
    "needs_response": "disputed",
    "under_review": "disputed",
    "won": "dispute_won",
    "prevented": "dispute_won",
    "lost": "dispute_lost",
}
"""A dispute's states that move money; those of an inquiry ("warning_...") do not."""
_COURSE = {"canceled": "cancelled", "processing": "processing"}


class Stripe:
    """See the module, and docs/payments.md for which events its webhook endpoint is to be sent."""

    slug = "stripe"
    name = _("Card, Apple Pay or Google Pay")

    def begin(self, asked: Asked) -> Begun:
        ours = {OURS: str(asked.uid), "reference": asked.reference}
        price = {"currency": asked.unit.lower(), "unit_amount": asked.amount, "product_data": {"name": asked.what}}
        wanted = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": str(asked.uid),
            "metadata": ours,
            "payment_intent_data": {"metadata": ours, "description": asked.reference},
            "success_url": asked.return_to,
            "cancel_url": asked.return_to,
            "expires_at": int(asked.expires_at.timestamp()),
        }
        made = _call(lambda client: client.v1.checkout.sessions.create(wanted, _once(asked.uid)))
        return Begun(made["id"], made["url"] or "")

    def collect(self, asked: Asked, mandate_ref: str) -> Begun:
        customer, _colon, method = mandate_ref.partition(":")
        wanted = {
            "amount": asked.amount,
            "currency": asked.unit.lower(),
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "description": asked.reference,
            "metadata": {OURS: str(asked.uid), "reference": asked.reference},
        }
        try:
            made = _call(lambda client: client.v1.payment_intents.create(wanted, _once(asked.uid)))
        except _Declined as declined:
            return Begun(declined.payment_intent, "")
        return Begun(made["id"], "")

    def look(self, provider_ref: str) -> Heard:
        intent, over = _intent_of(provider_ref)
        facts = [Said("expired", provider_ref, 0, over)] if over else []
        if intent is None:
            return Heard(provider_ref, tuple(facts))
        pi = intent["id"]
        facts += _course(intent)
        asked = {"payment_intent": pi, "limit": MOST}
        charges = _call(lambda c: c.v1.charges.list(asked | {"expand": ["data.balance_transaction"]}))
        for charge in charges["data"]:
            facts += _of_charge(charge)
        for refund in _call(lambda c: c.v1.refunds.list(asked))["data"]:
            facts += _of_refund(refund)
        for dispute in _call(lambda c: c.v1.disputes.list(asked))["data"]:
            facts += _of_dispute(dispute)
        return Heard(pi, tuple(facts), _ours(intent), intent["currency"].upper())

    def refund(self, provider_ref: str, amount: int, key: UUID) -> Heard:
        intent, _over = _intent_of(provider_ref)
        if intent is None:
            raise Conflict(_("There is not so much to give back of this payment."), code="too_much")
        metadata = {OURS: _ours(intent), REFUND: str(key)}
        wanted = {"payment_intent": intent["id"], "amount": amount, "metadata": metadata}
        made = _call(lambda client: client.v1.refunds.create(wanted, _once(key)))
        return Heard(intent["id"], tuple(_of_refund(made)), _ours(intent), made["currency"].upper())

    def cancel(self, provider_ref: str) -> None:
        try:
            if provider_ref.startswith("cs_"):
                _call(lambda client: client.v1.checkout.sessions.expire(provider_ref))
            else:
                _call(lambda client: client.v1.payment_intents.cancel(provider_ref))
        except (Conflict, Missing):
            return

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Heard]:
        from stripe import SignatureVerificationError, Webhook

        secret = settings.SECRETS.get("stripe", {}).get("webhook_secret", "")
        if not secret:
            raise Refused("forged")
        try:
            event = Webhook.construct_event(body, headers.get("Stripe-Signature", ""), secret, TOLERANCE_S)
        except SignatureVerificationError as problem:
            raise Refused("too_old" if "tolerance" in str(problem) else "forged") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused("malformed") from None
        try:
            return list(_heard(event["id"], event["data"]["object"]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            raise Refused("malformed") from None


class _Declined(Exception):
    """A card was declined while it was charged without its owner; Stripe has made the payment all the same."""

    def __init__(self, payment_intent: str) -> None:
        super().__init__(payment_intent)
        self.payment_intent = payment_intent


def _client() -> StripeClient:
    import stripe

    keys = settings.SECRETS.get("stripe", {})
    if not keys.get("secret_key"):
        raise Silent("the city has no keys of Stripe")
    addresses: Any = {"base_addresses": {"api": keys["api_base"]}} if "api_base" in keys else {}
    http = stripe.RequestsClient(timeout=TIMEOUT_S)
    return stripe.StripeClient(keys["secret_key"], http_client=http, max_network_retries=1, **addresses)


def _call(ask: Callable[[Any], Any]) -> Any:
    """An answer of Stripe. Raises Silent where it may answer later, Missing and Conflict for what it refuses."""
    import stripe

    try:
        return ask(_client())
    except stripe.CardError as problem:
        said: Any = problem.json_body or {}
        payment = said.get("error", {}).get("payment_intent", {}).get("id", "")
        if payment:
            raise _Declined(payment) from problem
        raise Conflict(_("The card was declined."), code="declined") from problem
    except stripe.InvalidRequestError as problem:
        if problem.http_status == 404:
            raise Missing(_("There is no such payment."), code="no_such_payment") from problem
        raise Conflict(_("The payment provider refuses it."), code=str(problem.code or "refused")) from problem
    except stripe.StripeError as problem:
        raise Silent(type(problem).__name__) from problem


def _once(uid: UUID) -> dict[str, Any]:
    return {"idempotency_key": str(uid)}


def _intent_of(ref: str) -> tuple[Any, datetime | None]:
    """The PaymentIntent of a payment, None where nothing was tried yet, and when its session ended unpaid."""
    if not ref.startswith("cs_"):
        return _call(lambda client: client.v1.payment_intents.retrieve(ref)), None
    session = _call(lambda client: client.v1.checkout.sessions.retrieve(ref, {"expand": ["payment_intent"]}))
    over = _at(session["expires_at"]) if session["status"] == "expired" else None
    return session["payment_intent"], over


def _heard(event_id: str, thing: Any) -> Iterator[Heard]:
    """What an object of an event says of a payment; nothing for those of other kinds."""
    kind = thing["object"]
    if kind == "checkout.session":
        facts = [Said("expired", thing["id"], 0, _at(thing["expires_at"]))] if thing["status"] == "expired" else []
        uid = thing["client_reference_id"] or ""
        yield Heard(thing["id"], tuple(facts), uid, _unit(thing), event_id)
        return
    makers: dict[str, Callable[[Any], list[Said]]] = {
        "payment_intent": _course,
        "charge": _of_charge,
        "refund": _of_refund,
        "dispute": _of_dispute,
    }
    if kind in makers:
        pi = thing["id"] if kind == "payment_intent" else thing["payment_intent"]
        facts = makers[kind](thing)
        if pi and (facts or _ours(thing)):
            yield Heard(pi if isinstance(pi, str) else pi["id"], tuple(facts), _ours(thing), _unit(thing), event_id)


def _course(intent: Any) -> list[Said]:
    kind = _COURSE.get(intent["status"])
    if intent["status"] == "requires_payment_method" and _get(intent, "last_payment_error"):
        kind = "failed"
    # It has no moment of its own for this: a later state is of another kind, and money goes before all of them.
    return [Said(kind, f"{intent['id']}:{intent['status']}", 0, _at(intent["created"]))] if kind else []


def _of_charge(charge: Any) -> list[Said]:
    if not (charge["paid"] and charge["captured"] and charge["status"] == "succeeded"):
        return []
    at = _at(charge["created"])
    facts = [Said("captured", charge["id"], _amount(charge["amount_captured"]), at)]
    booked = _get(charge, "balance_transaction")
    if booked and not isinstance(booked, str) and booked["fee"]:
        facts.append(Said("fee", booked["id"], _amount(booked["fee"]), at))
    return facts


def _of_refund(refund: Any) -> list[Said]:
    key = str(_get(_get(refund, "metadata") or {}, REFUND) or "")
    gone = Said("refunded", refund["id"], _amount(refund["amount"]), _at(refund["created"]), key)
    if refund["status"] in ("failed", "canceled"):
        return [gone, Said("refund_failed", refund["id"], gone.amount, gone.at, key)]
    return [gone]


def _of_dispute(dispute: Any) -> list[Said]:
    kind = _DISPUTES.get(dispute["status"])
    return [Said(kind, dispute["id"], _amount(dispute["amount"]), _at(dispute["created"]))] if kind else []


def _get(thing: Any, name: str) -> Any:
    # Stripe's objects are no dicts and have no `get`.
    return thing[name] if name in thing else None  # noqa: SIM401


def _ours(thing: Any) -> str:
    return str(_get(_get(thing, "metadata") or {}, OURS) or "")


def _unit(thing: Any) -> str:
    return str(_get(thing, "currency") or "").upper()


def _amount(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a whole amount is wanted")
    return value


def _at(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
