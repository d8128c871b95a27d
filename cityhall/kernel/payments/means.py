"""Paying with what the city itself has issued (`Means`): at once, in the transaction in which the payer spends it.

No provider is asked and none tells: the payment's facts are the city's own, and go the way of all others
(`intents.heard`), so that bills, refunds and the nightly comparison know no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict
from cityhall.kernel.journal import append
from cityhall.kernel.payments import bills
from cityhall.kernel.payments.declares import Means
from cityhall.kernel.payments.facts import Heard, Said
from cityhall.kernel.payments.intents import heard, payable
from cityhall.kernel.payments.models import Bill, Intent, Refund
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.service import declared, resolve


@dataclass(frozen=True, slots=True)
class Offered:
    """A means, as the bill's page offers it."""

    name: Any
    url: str


def offered(bill: Bill) -> list[Offered]:
    """With what of the city's own a bill may be paid."""
    return [
        Offered(item.name, item.page.format(bill=bill.pk))
        for _owner, item in declared(Means)
        if bill.is_open and resolve(item.offered)(bill)
    ]


@transaction.atomic
def pay(bill: Bill, amount: int | None, slug: str, *, key: UUID, actor: Actor) -> Intent:
    """Pays `amount` of a bill (None: what is due next), in the caller's transaction; the same key is the same payment.

    The caller takes from the payer what it costs, after this: money is locked first. Raises Conflict where nothing is
    open or the key is another payment's, Invalid for an amount that cannot be paid.
    """
    mine = bills.locked(bill.pk)
    known = Intent.objects.filter(uid=key).first()
    if known is not None:
        if (known.bill_id, known.provider) != (mine.pk, slug) or amount not in (None, known.amount):
            raise Conflict(_("Another payment was made with this key."), code="key_used", field="key")
        return known
    amount, now = payable(mine, amount), timezone.now()
    intent = Intent.objects.create(
        uid=key, bill=mine, provider=slug, provider_ref=f"{key}", amount=amount, unit=mine.unit, made_at=now
    )
    told = {"bill": mine.pk, "amount": amount, "provider": slug}
    append("payments", "intent.begun", told, subject=intent.ref, actor=str(actor))
    return heard(slug, Heard(intent.provider_ref, (Said("captured", f"{key}", amount, now),), f"{key}"), "own")


@transaction.atomic
def give_back(refund: Refund) -> None:
    """Gives a refund of such a payment back, once: the bill's side, then what the payer had spent."""
    intent = Intent.objects.select_for_update(no_key=True).get(pk=refund.intent_id)
    mine = Refund.objects.select_for_update().get(pk=refund.pk)
    if mine.state != Refund.State.SENDING:
        return
    done = Said("refunded", f"{mine.uid}", mine.amount, timezone.now(), f"{mine.uid}")
    heard(intent.provider, Heard(intent.provider_ref, (done,), f"{intent.uid}"), "own")
    for _owner, item in declared(Means):
        if item.slug == intent.provider:
            resolve(item.give_back)(intent, mine.amount, mine.uid)
