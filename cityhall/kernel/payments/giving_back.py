"""Refunds: asked for by an officer, beyond a limit agreed to by a second one, done by the provider, once."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.payments import books, refund_payouts
from cityhall.kernel.payments.models import Bill, Fact, Intent, Refund
from cityhall.kernel.payments.providers import options
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require

REFUND = "payments.refund"
APPROVE = "payments.approve_refund"
SECOND_OVER = 50_000
"""What one officer may give back alone, in the unit's smallest part, where city.toml says nothing."""
_OPEN = (Refund.State.ASKED, Refund.State.SENDING)


def second_over() -> int:
    """`second_officer_over` of `[service.payments]`: beyond it a refund waits for a second officer."""
    return int(options().get("second_officer_over", SECOND_OVER))


def may_be_given_back(intent: Intent) -> int:
    """What of a payment can still be given back, what is on its way taken off."""
    waiting = intent.refunds.filter(state__in=_OPEN).aggregate(all=Sum("amount"))["all"] or 0
    return max(0, intent.net - waiting)


@transaction.atomic
def ask(actor: Actor, intent: Intent, amount: int, reason: str, *, key: UUID, still_owed: bool = False) -> Refund:
    """Has `amount` of a payment given back; the same key again is the same refund.

    What was paid too much goes first; of the rest, less is owed on the bill, unless it is `still_owed` (it was paid by
    the wrong card). Raises Denied, Invalid for more than is there or no reason, Conflict for a key of another.
    """
    require(actor, REFUND)
    mine = Intent.objects.select_for_update(no_key=True).get(pk=intent.pk)
    known = Refund.objects.filter(uid=key).first()
    if known is not None:
        if (known.intent_id, known.amount) != (mine.pk, amount):
            raise Conflict(_("Another refund was asked for with this key."), code="key_used", field="key")
        return known
    if type(amount) is not int or not 0 < amount <= may_be_given_back(mine):
        raise Invalid(_("There is not so much to give back of this payment."), code="bad_amount", field="amount")
    if not reason.strip():
        raise Invalid(_("Say why it is given back."), code="no_reason", field="reason")
    alone = amount <= second_over()
    refund = Refund.objects.create(
        uid=key,
        intent=mine,
        amount=amount,
        waives=0 if still_owed else max(0, amount - _too_much(Bill.objects.get(pk=mine.bill_id))),
        state=Refund.State.SENDING if alone else Refund.State.ASKED,
        reason=reason.strip()[:300],
        asked_by=_person(actor),
        made_at=timezone.now(),
    )
    _note(refund, "refund.asked", actor)
    if alone:
        _send_on(refund)
    return refund


def _too_much(bill: Bill) -> int:
    """What was paid too much on a bill and is not on its way back."""
    waiting = Refund.objects.filter(intent__bill=bill, state__in=_OPEN).aggregate(a=Sum("amount"), w=Sum("waives"))
    return max(0, bill.credit - (waiting["a"] or 0) + (waiting["w"] or 0))


@transaction.atomic
def approve(actor: Actor, refund: Refund) -> Refund:
    """A second officer agrees. Raises Denied, also for whoever asked for it; Conflict where it waits for nobody."""
    require(actor, APPROVE)
    mine = _waiting(refund)
    if actor.person_id is not None and actor.person_id == mine.asked_by_id:
        raise Denied(
            _("You have asked for it yourself."), code="same_officer", mend=_("Another officer has to agree to it.")
        )
    mine.state, mine.approved_by = Refund.State.SENDING, _person(actor)
    mine.save(update_fields=["state", "approved_by"])
    _note(mine, "refund.approved", actor)
    _send_on(mine)
    return mine


@transaction.atomic
def refuse(actor: Actor, refund: Refund) -> Refund:
    """It is not given back. Raises Denied, Conflict where it waits for nobody."""
    require(actor, REFUND)
    mine = _waiting(refund)
    mine.state = Refund.State.REFUSED
    mine.save(update_fields=["state"])
    _note(mine, "refund.refused", actor)
    return mine


def find(pk: int) -> Refund:
    """A refund by its number. Raises Missing."""
    refund = Refund.objects.filter(pk=pk).select_related("intent__bill").first()
    if refund is None:
        raise Missing(_("There is no such refund."), code="no_such_refund")
    return refund


def _waiting(refund: Refund) -> Refund:
    mine = Refund.objects.select_for_update().get(pk=refund.pk)
    if mine.state != Refund.State.ASKED:
        raise Conflict(_("It does not wait for anybody any more."), code="not_waiting")
    return mine


def _send_on(refund: Refund) -> None:
    """The provider is asked by a job; what came by the bank goes back by a payout."""
    from cityhall.kernel.payments.tasks import give_back

    if refund.intent.provider != books.BANK:
        give_back.defer(refund=refund.pk)
    else:
        refund_payouts.make(refund)


def follow(intent: Intent, facts: Iterable[Fact], keys: dict[str, str]) -> int:
    """What facts say of the refunds of a locked intent; gives how much less is owed on the bill for it.

    `keys` are our refunds' uids by the provider's ids, as far as it has told them.
    """
    known = list(facts)
    done = {one.fact_id for one in known if one.kind == "refunded"}
    failed = {one.fact_id for one in known if one.kind == "refund_failed"}
    waived = 0
    for refund in intent.refunds.select_for_update():
        theirs = [name for name, key in keys.items() if key == str(refund.uid)]
        name = refund.provider_ref or (theirs[0] if theirs else "")
        if name in failed:
            state = Refund.State.FAILED
        elif name in done:
            state = Refund.State.DONE
        else:
            state = Refund.State(refund.state)
        if (state, name) == (refund.state, refund.provider_ref):
            continue
        waived += refund.waives * ((state == Refund.State.DONE) - (refund.state == Refund.State.DONE))
        refund.state, refund.provider_ref = state, name
        refund.save(update_fields=["state", "provider_ref"])
        _note(refund, f"refund.{state}", None)
    return waived


@transaction.atomic
def failed(refund: Refund) -> None:
    """The provider will not do it, for good; what is asked for next is another refund."""
    mine = Refund.objects.select_for_update().get(pk=refund.pk)
    if mine.state == Refund.State.SENDING:
        mine.state = Refund.State.FAILED
        mine.save(update_fields=["state"])
        _note(mine, "refund.failed", None)


def _person(actor: Actor) -> Person | None:
    return Person.objects.filter(pk=actor.person_id).first() if actor.person_id is not None else None


def _note(refund: Refund, what: str, actor: Actor | None) -> None:
    data = {"intent": refund.intent_id, "amount": refund.amount, "waives": refund.waives}
    append("payments", what, data, subject=refund.ref, actor=str(actor or "system:payments"))
