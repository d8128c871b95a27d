"""What the bank says of payouts: a pain.002 on the file, and the entries of statements that carry them out."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.status import REJECTED, StatusReport, read_status
from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Kind
from cityhall.kernel.payments import debit_news
from cityhall.kernel.payments.bank_entries import RECONCILE, explain
from cityhall.kernel.payments.books import BANK
from cityhall.kernel.payments.facts import STATEMENT, Heard, Said
from cityhall.kernel.payments.intents import heard
from cityhall.kernel.payments.models import BankEntry, DebitBatch, Payout, PayoutBatch
from cityhall.kernel.payments.models.payouts import PayoutState
from cityhall.kernel.payments.payouts import set_state
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require


def read_bank_status(actor: Actor, data: bytes) -> PayoutBatch | DebitBatch:
    """Takes a pain.002 on payouts or direct debits: what the bank refused is open again. Again it changes nothing.

    Raises Denied, Invalid for what is no pain.002, Missing for an order that is none of ours.
    """
    require(actor, RECONCILE)
    try:
        report = read_status(data)
    except BankFileError as problem:
        raise Invalid(str(problem), code="no_status_report", field="file") from problem
    debits = DebitBatch.objects.filter(message_id=report.message_id).first()
    return _take(actor, report) if debits is None else _take_debits(actor, report, debits)


@transaction.atomic
def _take_debits(actor: Actor, report: StatusReport, batch: DebitBatch) -> DebitBatch:
    refused = {one.end_to_end: f"{one.reason} {one.words}" for one in report.payments if one.status == REJECTED}
    for debit in batch.debits.exclude(intent=None).order_by("pk"):
        if report.status == REJECTED or debit.uid.hex in refused:
            said = Said("failed", f"refused:{report.message_id}", 0, timezone.now())
            intent = heard(BANK, Heard("", (said,), str(debit.uid)), STATEMENT)
            debit_news.came_back(intent, refused.get(debit.uid.hex) or f"{report.reason} {report.words}")
    told = {"status": report.status, "refused": len(refused)}
    append("payments", "debits.status", told, subject=batch.ref, actor=str(actor))
    return batch


@transaction.atomic
def _take(actor: Actor, report: StatusReport) -> PayoutBatch:
    batch = PayoutBatch.objects.select_for_update().filter(message_id=report.message_id).first()
    if batch is None:
        raise Missing(_("It is about an order that the city did not send."), code="no_such_order", field="file")
    refused = {one.end_to_end: " ".join((one.reason, one.words)) for one in report.payments if one.status == REJECTED}
    for payout in Payout.objects.select_for_update().filter(batch=batch, state=PayoutState.BATCHED).order_by("pk"):
        # In what is refused whole each is, also where some are named one by one.
        if report.status == REJECTED or payout.end_to_end in refused:
            why = refused.get(payout.end_to_end) or f"{report.reason} {report.words}"
            payout.batch = batch
            set_state(payout, PayoutState.REJECTED, why.strip(), actor)
    told = {"status": report.status, "refused": len(refused)}
    append("payments", "payouts.status", told, subject=batch.ref, actor=str(actor))
    batch.refresh_from_db()
    return batch


@transaction.atomic
def close_by(actor: Actor, entry: BankEntry, *, message_id: str = "", returned: str = "") -> bool:
    """Has an entry of a statement carry out the payout that it names, or the whole batch that it is the sum of.

    An amount that came in with a payout's id is that payout come back: it is open again. False where it names none, or
    another amount, which is for an officer to look at.
    """
    mine = BankEntry.objects.select_for_update().get(pk=entry.pk)
    if mine.left != mine.amount:
        return False
    payouts = _locked(mine, message_id)
    leaving = mine.amount < 0
    expected = (PayoutState.BATCHED, PayoutState.REJECTED) if leaving else (PayoutState.EXECUTED,)
    if not payouts or abs(mine.amount) != sum(one.amount for one in payouts):
        return False
    if any(one.state not in expected or one.batch is None or one.batch.content is None for one in payouts):
        return False
    explain(actor, mine, f"city:payouts:{mine.unit}", Kind.LIABILITY)
    for one in payouts:
        set_state(one, PayoutState.EXECUTED if leaving else PayoutState.RETURNED, "" if leaving else returned, actor)
    return True


def _locked(entry: BankEntry, message_id: str) -> list[Payout]:
    """The payout with the entry's id, else those of the batch that it names; their batches are locked before them."""
    found = Payout.objects.filter(unit=entry.unit, end_to_end=entry.end_to_end or "-")
    if entry.amount < 0 and message_id and not found.exists():
        found = Payout.objects.filter(unit=entry.unit, batch__message_id=message_id, state=PayoutState.BATCHED)
    batches = PayoutBatch.objects.filter(pk__in=found.values("batch")).order_by("pk")
    by_number = {one.pk: one for one in batches.select_for_update()}
    payouts = list(Payout.objects.select_for_update().filter(pk__in=found.values("pk")).order_by("pk"))
    for one in payouts:
        one.batch = by_number.get(one.batch_id) if one.batch_id is not None else None
    return payouts


@transaction.atomic
def reopen_by(actor: Actor, entry: BankEntry) -> None:
    """The booking of an entry was undone: the payouts that it carried out are on their way again, or the reverse."""
    if not entry.end_to_end:
        return
    for one in Payout.objects.select_for_update().filter(end_to_end=entry.end_to_end, unit=entry.unit):
        before = PayoutState.BATCHED if entry.amount < 0 else PayoutState.EXECUTED
        set_state(one, before, "", actor)
