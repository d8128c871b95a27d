"""What waits at the treasury for somebody's word: money nobody has explained, and what a second officer decides."""

from __future__ import annotations

from cityhall.kernel.payments import bank_entries, debits, giving_back, payouts, refund_accounts
from cityhall.kernel.payments.models import BankEntry, DebitBatch, PayoutBatch, Refund
from cityhall.kernel.payments.models.payouts import BatchState
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.services.treasury import corrections


def waiting_for(actor: Actor) -> int:
    """How much an officer could settle now; what they asked for themselves waits for others, and is not counted."""
    return corrections.waiting_for(actor) + sum(count for count in _money(actor))


def _money(actor: Actor) -> list[int]:
    found = []
    if may(actor, bank_entries.RECONCILE):
        found.append(BankEntry.objects.exclude(left=0).count())
    if may(actor, giving_back.APPROVE):
        asked = Refund.objects.filter(state=Refund.State.ASKED)
        # `exclude` alone would leave out what nobody's account asked for.
        found.append(asked.count() - asked.filter(asked_by=actor.person_id).count())
        told = refund_accounts.without().exclude(account=None)
        found.append(told.count() - told.filter(account__given_by=actor.person_id).count())
    if may(actor, giving_back.REFUND):
        found.append(refund_accounts.without().filter(account=None).count())
    if may(actor, payouts.RELEASE):
        found.append(PayoutBatch.objects.filter(state=BatchState.PREPARED).exclude(prepared_by=str(actor)).count())
    if may(actor, debits.RELEASE):
        found.append(DebitBatch.objects.filter(state=BatchState.PREPARED).exclude(prepared_by=str(actor)).count())
    return found
