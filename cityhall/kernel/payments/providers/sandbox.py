"""A provider that takes no money and behaves like one that does, for the demo city and the tests.

It keeps books of its own (`SandboxPayment`), asks some cards for a second look (3-D Secure), declines some and charges
some back, and sends the city signed messages over HTTP: late, twice, out of order, and some never.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.payments import signing
from cityhall.kernel.payments.facts import Heard, Said
from cityhall.kernel.payments.models import SandboxEvent, SandboxPayment
from cityhall.kernel.payments.providers import Asked, Begun, Refused, options

GOOD, CHALLENGED, DECLINED = "4242424242424242", "4000002500003155", "4000000000000002"
CHARGED_BACK, NO_REFUND = "4000000000000259", "4000000000005126"
CARDS = {
    GOOD: _("is paid at once"),
    CHALLENGED: _("asks for a second look (3-D Secure)"),
    DECLINED: _("is declined"),
    CHARGED_BACK: _("is paid, and charged back later"),
    NO_REFUND: _("is paid, and a refund fails later"),
}
SHORT = "sbm_short"
"""A mandate on an account with nothing on it."""
FEE_PER_MILLE = 14
DISPUTE_FEE = 1500
LATER_S = 90
"""After so many seconds a card is charged back, a refund fails, a debit is collected."""
LOST, TWICE, LATE = 0.03, 0.1, 0.2
"""Of its messages, where city.toml does not say `sandbox_trouble = false`."""


class Sandbox:
    """See the module."""

    slug = "sandbox"
    name = _("Card (test, no real money)")

    def begin(self, asked: Asked) -> Begun:
        payment = _made(asked, "open")
        return Begun(payment.ref, f"/sandbox-bank/{payment.ref}/")

    def collect(self, asked: Asked, mandate_ref: str) -> Begun:
        if not mandate_ref.startswith("sbm_"):
            raise Missing(_("There is no such direct debit."), code="no_mandate")
        with transaction.atomic():
            payment = _made(asked, "collecting", mandate_ref[-4:])
            if not payment.facts:
                payment.card = mandate_ref[-4:]
                _tell(payment, "processing", 0)
                _later(payment)
        return Begun(payment.ref, "")

    def look(self, provider_ref: str) -> Heard:
        payment = found(provider_ref)
        return _heard(payment, payment.facts)

    @transaction.atomic
    def refund(self, provider_ref: str, amount: int, key: UUID) -> Heard:
        payment = locked(provider_ref)
        if not any(fact["key"] == str(key) for fact in payment.facts):
            if amount > left(payment):
                raise Conflict(_("There is not so much to give back of this payment."), code="too_much")
            _tell(payment, "refunded", amount, str(key), prefix="re")
            if payment.card == NO_REFUND[-4:]:
                _later(payment)
        return _heard(payment, [fact for fact in payment.facts if fact["key"] == str(key)])

    @transaction.atomic
    def cancel(self, provider_ref: str) -> None:
        payment = locked(provider_ref)
        if payment.state in ("open", "challenge"):
            payment.state = "over"
            _tell(payment, "expired", 0)

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Heard]:
        signing.check(body, headers.get(signing.HEADER, ""))
        try:
            event = orjson.loads(body)
            payment = event["payment"]
            facts = tuple(_said(fact) for fact in payment["facts"])
            return [Heard(payment["ref"], facts, payment["key"], payment["unit"], event["id"])]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused("malformed") from None


@transaction.atomic
def pay(provider_ref: str, card: str) -> SandboxPayment:
    """The payer has written a card's number (digits). Raises Conflict where there is nothing to pay any more."""
    payment = _payable(provider_ref)
    payment.card = card[-4:]
    if card == DECLINED or card not in CARDS:
        _tell(payment, "failed", 0)
    elif card == CHALLENGED:
        payment.state = "challenge"
        payment.save()
    else:
        _capture(payment)
        if card == CHARGED_BACK:
            _later(payment)
    return payment


@transaction.atomic
def challenged(provider_ref: str, agreed: bool) -> SandboxPayment:
    """The payer's bank has asked whether it was them. Raises Conflict where it did not ask."""
    payment = locked(provider_ref)
    if payment.state != "challenge":
        raise Conflict(_("There is nothing to confirm."), code="no_challenge")
    if agreed:
        _capture(payment)
    else:
        payment.state = "open"
        _tell(payment, "failed", 0)
    return payment


@transaction.atomic
def give_up(provider_ref: str) -> SandboxPayment:
    """The payer goes back without paying."""
    payment = locked(provider_ref)
    if payment.state in ("open", "challenge"):
        payment.state = "over"
        _tell(payment, "cancelled", 0)
    return payment


@transaction.atomic
def go_on(provider_ref: str) -> None:
    """What happens by itself after a while: a debit is collected, a card charged back, a refund fails."""
    payment = locked(provider_ref)
    kinds = {fact["kind"] for fact in payment.facts}
    if payment.state == "collecting":
        if payment.card == SHORT[-4:]:
            payment.state = "over"
            _tell(payment, "failed", 0)
        else:
            _capture(payment)
    elif payment.card == CHARGED_BACK[-4:] and "disputed" not in kinds and left(payment):
        _tell(payment, "disputed", left(payment), prefix="dp")
        _tell(payment, "fee", DISPUTE_FEE, prefix="fee")
    elif payment.card == NO_REFUND[-4:] and "refunded" in kinds and "refund_failed" not in kinds:
        refund = next(fact for fact in payment.facts if fact["kind"] == "refunded")
        _tell(payment, "refund_failed", refund["amount"], refund["key"], name=refund["id"])


@transaction.atomic
def settle_dispute(provider_ref: str, won: bool) -> None:
    """The card's bank has decided a dispute."""
    payment = locked(provider_ref)
    dispute = next(fact for fact in payment.facts if fact["kind"] == "disputed")
    _tell(payment, "dispute_won" if won else "dispute_lost", dispute["amount"], name=dispute["id"])


def left(payment: SandboxPayment) -> int:
    """What of it could still be given back."""
    signs = {"captured": 1, "refunded": -1, "refund_failed": 1}
    return sum(signs.get(one["kind"], 0) * int(one["amount"]) for one in payment.facts)


def locked(provider_ref: str) -> SandboxPayment:
    """A payment of its own. Raises Missing."""
    return _there(SandboxPayment.objects.select_for_update().filter(ref=provider_ref).first())


def found(provider_ref: str) -> SandboxPayment:
    return _there(SandboxPayment.objects.filter(ref=provider_ref).first())


def _there(payment: SandboxPayment | None) -> SandboxPayment:
    if payment is None:
        raise Missing(_("There is no such payment."), code="no_such_payment")
    return payment


def _payable(provider_ref: str) -> SandboxPayment:
    payment = locked(provider_ref)
    if payment.state != "open" or payment.expires_at < timezone.now():
        raise Conflict(
            _("This payment is over."),
            code="over",
            mend=_("Go back to your bill and begin again, if it is still open."),
        )
    return payment


def _made(asked: Asked, state: str, card: str = "") -> SandboxPayment:
    payment, _new = SandboxPayment.objects.get_or_create(
        key=asked.uid,
        defaults={
            "ref": f"sbx_{_number(asked.uid, -1)}",
            "amount": asked.amount,
            "unit": asked.unit,
            "what": asked.what[:200],
            "return_to": asked.return_to[:1000],
            "state": state,
            "card": card,
            "made_at": timezone.now(),
            "expires_at": asked.expires_at,
        },
    )
    return payment


def _capture(payment: SandboxPayment) -> None:
    payment.state = "paid"
    _tell(payment, "captured", payment.amount, prefix="ch")
    fee = payment.amount * FEE_PER_MILLE // 1000
    if fee:
        _tell(payment, "fee", fee, prefix="fee")


def _tell(
    payment: SandboxPayment, kind: str, amount: int, key: str = "", *, prefix: str = "st", name: str = ""
) -> None:
    """Writes a fact into its books, and a message about it for the city."""
    from cityhall.kernel.payments.sandbox_sending import send_later

    number = _number(payment.key, len(payment.facts))
    fact = {"kind": kind, "id": name or f"{prefix}_{number}", "amount": amount, "at": _now().isoformat(), "key": key}
    payment.facts = [*payment.facts, fact]
    payment.save()
    event = SandboxEvent(payment=payment, event_id=f"evt_{number}")
    event.body = orjson.dumps(
        {
            "id": event.event_id,
            "payment": {"ref": payment.ref, "key": str(payment.key), "unit": payment.unit, "facts": [fact]},
        }
    ).decode()
    delays = delays_of(event.event_id, trouble=bool(options().get("sandbox_trouble", True)))
    event.copies = len(delays)
    event.send_at = timezone.now() + timedelta(seconds=delays[0]) if delays else None
    event.save()
    for delay in delays:
        send_later(event, delay)


def _number(key: UUID, count: int) -> str:
    """What the sandbox calls the next thing of a payment: the same one the same, if it is done again from the start."""
    return hashlib.sha256(f"{key}:{count}".encode()).hexdigest()[:20]


def _now() -> datetime:
    """Its own clock."""
    return timezone.now()


def delays_of(event_id: str, *, trouble: bool) -> list[float]:
    """After how many seconds a message is sent, each time; never, for some. The same id has the same fate."""
    if not trouble:
        return [0.0]
    fate = random.Random(event_id)
    if fate.random() < LOST:
        return []
    first = fate.uniform(5, 40) if fate.random() < LATE else fate.uniform(0.2, 2)
    return [first, first + fate.uniform(0.1, 20)] if fate.random() < TWICE else [first]


def _later(payment: SandboxPayment) -> None:
    from cityhall.kernel.payments.sandbox_sending import go_on_later

    go_on_later(payment.ref, LATER_S)


def _heard(payment: SandboxPayment, facts: list[dict[str, object]]) -> Heard:
    return Heard(payment.ref, tuple(_said(fact) for fact in facts), str(payment.key), payment.unit)


def _said(fact: Mapping[str, object]) -> Said:
    at, amount = parse_datetime(str(fact["at"])), fact["amount"]
    if not isinstance(at, datetime) or at.tzinfo is None or type(amount) is not int:
        raise ValueError("a moment and a whole amount are wanted")
    return Said(str(fact["kind"]), str(fact["id"]), amount, at, str(fact["key"]))
