"""Direct debits by the city's own bank: what is due is put together by one officer, released by another, closed by what
the bank's statements say.

A collection is a payment of its bill (`Intent`) from the release on, whose uid the bank brings back: money that comes,
and money that the payer's bank takes back again, is heard of as of any other payment. Locks go batch, bills by number.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.debits import Creditor, DebitOrder, faults_of_debits, write_debits
from cityhall.engines.banking.debits import Debit as Collection
from cityhall.engines.banking.order_checks import LONGEST_TEXT
from cityhall.engines.banking.profiles import Profile
from cityhall.engines.banking.workdays import next_target_day
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments import bills, books, order_files
from cityhall.kernel.payments.facts import ON_ITS_WAY, Standing
from cityhall.kernel.payments.models import Bill, Debit, DebitBatch, Intent, State
from cityhall.kernel.payments.payout_bank import own_creditor
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require

PREPARE, RELEASE, FETCH = "payments.prepare_debits", "payments.release_debits", "payments.fetch_debits"
EURO = "EUR"
SOON = timedelta(days=14)
"""How long before its day a bill may be put into a batch."""
UNDER_WAY = Q(intent=None) | Q(intent__standing__in=ON_ITS_WAY)


def due(until: date | None = None) -> QuerySet[Bill]:
    """Open bills that the city's bank is to collect by a day (None: within two weeks) and that are in no batch yet."""
    until = until or timezone.localdate() + SOON
    waiting = Bill.objects.filter(
        mandate__provider=books.BANK,
        mandate__revoked_at=None,
        state__in=(State.OPEN, State.PART_PAID),
        unit=EURO,
        due_on__lte=until,
    )
    under_way = Debit.objects.filter(UNDER_WAY).values("bill")
    return waiting.exclude(pk__in=under_way).select_related("mandate__payer").order_by("due_on", "pk")


def first_day() -> date:
    """The first day on which banks collect what is given to them today."""
    return next_target_day(timezone.localdate() + timedelta(days=1))


@transaction.atomic
def prepare(actor: Actor, chosen: Iterable[Bill], collect_on: date | None = None) -> DebitBatch:
    """Puts bills together, all that is open on each, to be collected on a day (None: the first on which all are due).

    Raises Denied, Conflict for one that is to be collected no more, Invalid for a day before one is due, or what the
    city's bank would refuse.
    """
    require(actor, PREPARE)
    creditor, profile = own_creditor()
    numbers = sorted({one.pk for one in chosen})
    mine = [bills.locked(number) for number in numbers]
    if not mine or due(date.max).filter(pk__in=numbers).count() != len(numbers):
        raise Conflict(_("A bill is not to be collected any more, or there is none."), code="not_due", field="bills")
    last = max(one.due_on for one in mine)
    if collect_on is not None and collect_on < last:
        raise Invalid(_("Nothing is collected before it is due."), code="not_due_yet", field="execute_on")
    uid = uuid4()
    batch = DebitBatch(
        uid=uid,
        message_id=f"DEBIT-{uid.hex[:24]}".upper(),
        unit=EURO,
        execute_on=collect_on or max(first_day(), next_target_day(last)),
        prepared_by=str(actor),
        prepared_at=timezone.now(),
    )
    rows = [Debit(uid=uuid4(), batch=batch, bill=one, mandate=one.mandate, amount=one.open) for one in mine]
    _refuse_faults(batch, rows, creditor, profile)
    batch.save()
    Debit.objects.bulk_create(rows)
    told = {"bills": len(rows), "amount": sum(one.amount for one in rows), "collect_on": str(batch.execute_on)}
    append("payments", "debits.prepared", told, subject=batch.ref, actor=str(actor))
    return batch


@transaction.atomic
def release(actor: Actor, batch: DebitBatch) -> DebitBatch:
    """Another officer releases a batch: its file is made once, and payers are told of the day.

    Released again it stays as it is. Raises Denied, Conflict for who prepared it, one that was withdrawn or of which a
    bill or mandate has changed, Invalid for what the bank would refuse.
    """
    require(actor, RELEASE)
    creditor, profile = own_creditor()
    mine = _locked(batch)
    if not order_files.may_release(actor, mine):
        return mine
    mine.released_by, mine.released_at = str(actor), timezone.now()
    mine.execute_on = max(next_target_day(mine.execute_on), first_day())
    rows = list(mine.debits.select_related("mandate").order_by("bill"))
    for one in rows:
        one.bill = bills.locked(one.bill_id)
        if one.mandate is None or one.mandate.revoked_at is not None or one.bill.open != one.amount:
            raise Conflict(
                _("A bill was paid or changed meanwhile, or its direct debit was ended."),
                code="changed",
                mend=_("Withdraw the batch, and prepare another."),
            )
        one.intent = _begun(one)
        one.save(update_fields=["intent"])
        _tell(one, mine.execute_on)
    order = _order(mine, rows, creditor)
    order_files.write(mine, lambda: write_debits(order, profile, timezone.localdate()))
    told = {"sha256": mine.digest, "bills": len(rows)}
    append("payments", "debits.released", told, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def withdraw(actor: Actor, batch: DebitBatch, reason: str) -> DebitBatch:
    """Takes a batch apart that was not released: its bills are due again. Raises Denied, Conflict, Invalid."""
    require(actor, PREPARE)
    mine = _locked(batch)
    order_files.withdraw(mine, reason)
    mine.debits.all().delete()
    append("payments", "debits.withdrawn", {}, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def fetch(actor: Actor, batch: DebitBatch) -> bytes:
    """The file for the bank, once: then another officer has to allow it again. Raises Denied, Conflict."""
    require(actor, FETCH)
    return order_files.fetch(actor, _locked(batch), "debits.fetched")


@transaction.atomic
def allow_again(actor: Actor, batch: DebitBatch, reason: str) -> DebitBatch:
    """Lets the file be fetched once more. Raises Denied, Invalid without a reason, Conflict for who fetched it."""
    require(actor, RELEASE)
    mine = _locked(batch)
    order_files.allow_again(actor, mine, reason, "debits.allowed")
    return mine


def _begun(debit: Debit) -> Intent:
    """The payment that a collection is from now on; nobody is asked about it, the statement says what has become."""
    intent = Intent.objects.create(
        uid=debit.uid,
        bill=debit.bill,
        provider=books.BANK,
        provider_ref=f"debit.{debit.pk}",
        mandate=debit.mandate,
        amount=debit.amount,
        unit=debit.bill.unit,
        standing=Standing.PROCESSING,
        made_at=timezone.now(),
    )
    told = {"bill": debit.bill_id, "amount": debit.amount, "provider": books.BANK}
    append("payments", "intent.begun", told, subject=intent.ref)
    return intent


def _tell(debit: Debit, day: date) -> None:
    """The pre-notification that the scheme asks for (EPC016-06, section 4.3.4)."""
    if debit.bill.payer is None or debit.mandate is None:
        return
    send(
        debit.bill.payer,
        _("A bill is collected on %(day)s: %(title)s"),
        _("It is taken from the account that ends in %(ending)s. You need do nothing."),
        values={"day": _day_text(day), "title": debit.bill.title, "ending": debit.mandate.ending},
        url=f"/payments/bills/{debit.bill_id}/",
        key=f"debit:{debit.pk} {day}",
    )


def _day_text(day: date) -> str:
    return formats.date_format(day, "SHORT_DATE_FORMAT")


def _locked(batch: DebitBatch) -> DebitBatch:
    return DebitBatch.objects.select_for_update().get(pk=batch.pk)


def _order(batch: DebitBatch, rows: list[Debit], creditor: Creditor) -> DebitOrder:
    collections = tuple(
        Collection(
            end_to_end=one.uid.hex,
            mandate=one.mandate.provider_ref,
            signed_on=timezone.localdate(one.mandate.agreed_at),
            name=one.mandate.name,
            iban=one.mandate.iban,
            amount=one.amount,
            text=sepa_text(f"{one.bill.reference} {one.bill.title}", LONGEST_TEXT),
        )
        for one in rows
        if one.mandate is not None
    )
    made_at = (batch.released_at or batch.prepared_at).replace(microsecond=0)
    return DebitOrder(batch.message_id, made_at, batch.execute_on, creditor, collections)


def _refuse_faults(batch: DebitBatch, rows: list[Debit], creditor: Creditor, profile: Profile) -> None:
    if faults := faults_of_debits(_order(batch, rows, creditor), profile, timezone.localdate()):
        raise Invalid(
            _("The bank would refuse it: %(why)s") % {"why": "; ".join(str(one) for one in faults[:5])},
            code="bank_would_refuse",
            field=faults[0].code,
        )
