"""Payouts: asked for by a service, prepared by one officer, released by another, closed by what the bank says.

The money leaves its account of the ledger when the payout is asked for, and is on `city:payouts:UNIT` until the bank's
statement has it; what only goes back to who paid it does not (`refund_payouts.py`). Locks go batch, payouts by number,
the ledger's accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.charset import sepa_text
from cityhall.engines.banking.order import Address, Order, Payment
from cityhall.engines.banking.order_checks import LONGEST_NAME, LONGEST_TEXT, faults_of
from cityhall.engines.banking.pain import write_order
from cityhall.engines.banking.references import iban_fault
from cityhall.engines.banking.workdays import is_target_day, next_target_day
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Account, Kind
from cityhall.kernel.payments import books, order_files, refund_payouts
from cityhall.kernel.payments.declares import PayoutHook
from cityhall.kernel.payments.models import Payout, PayoutBatch
from cityhall.kernel.payments.models.payouts import BatchState, PayoutState
from cityhall.kernel.payments.payout_bank import OwnBank, own_bank
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require
from cityhall.kernel.service import declared, resolve

PREPARE, RELEASE, FETCH = "payments.prepare_payouts", "payments.release_payouts", "payments.fetch_payouts"
EURO = "EUR"
OPEN = (PayoutState.RETURNED, PayoutState.REJECTED)


def on_its_way(unit: str) -> int:
    """The ledger's account of what is to be paid out and not yet on a statement."""
    return books.account(f"city:payouts:{unit}", Kind.LIABILITY, unit)


@transaction.atomic
def make_payout(
    key: UUID,
    *,
    service: str,
    source: str,
    amount: int,
    name: str,
    iban: str,
    text: str,
    payee: Person | None = None,
    address: Address | None = None,
    about: str = "",
    actor: Actor | None = None,
) -> Payout:
    """Has `amount` cents of the ledger's account `source` paid to an IBAN; the same key gives the same payout.

    Name and text are kept as a bank takes them. Raises Conflict where the city has stated no legal basis or there is
    not so much on the account, Invalid for an account number or name that is none, Missing for no such account.
    """
    own_bank()
    made = Payout.objects.filter(key=key).first()
    if made is not None:
        return made
    if fault := iban_fault(iban):
        raise Invalid(_("The account number is none: %(why)s") % {"why": fault}, code="bad_iban", field="iban")
    clean = sepa_text(name, LONGEST_NAME)
    if not clean:
        raise Invalid(_("Say to whom it is paid."), code="no_name", field="name")
    account = Account.objects.filter(key=source, unit=EURO).first()
    if account is None:
        raise Missing(_("There is no such account of euros."), code="no_such_account", field="source")
    payout, new = Payout.objects.get_or_create(
        key=key,
        defaults={
            "service": service,
            "about": about[:200],
            "payee": payee,
            "name": clean,
            "iban": "".join(iban.split()).upper(),
            "address": asdict(address) if address else {},
            "text": sepa_text(text, LONGEST_TEXT),
            "amount": amount,
            "unit": EURO,
            "source": source,
            "end_to_end": uuid4().hex,
            "made_at": timezone.now(),
        },
    )
    if new:
        _move(payout, "asked", {account.pk: amount, on_its_way(EURO): -amount}, actor)
        _tell(payout, "made", actor)
    return payout


@transaction.atomic
def prepare(actor: Actor, payouts: Iterable[Payout], execute_on: date | None = None) -> PayoutBatch:
    """Puts waiting payouts together, to be carried out on a day (None: the next on which banks work).

    Raises Denied, Conflict for one that waits no more, Invalid for what the city's bank would refuse.
    """
    require(actor, PREPARE)
    mine = list(Payout.objects.select_for_update().filter(pk__in=[one.pk for one in payouts]).order_by("pk"))
    own = own_bank(basis_needed=any(one.source for one in mine))
    if not mine or any(one.state != PayoutState.WAITING for one in mine):
        raise Conflict(_("A payout waits no more, or there is none."), code="not_waiting", field="payouts")
    day = execute_on or next_target_day(timezone.localdate())
    uid = uuid4()
    batch = PayoutBatch(
        uid=uid,
        message_id=f"PAYOUT-{uid.hex[:24]}".upper(),
        unit=EURO,
        execute_on=day,
        prepared_by=str(actor),
        prepared_at=timezone.now(),
    )
    _refuse_faults(batch, mine, own)
    batch.save()
    Payout.objects.filter(pk__in=[one.pk for one in mine]).update(batch=batch, state=PayoutState.BATCHED, reason="")
    told = {"payouts": len(mine), "amount": sum(one.amount for one in mine), "execute_on": str(day)}
    append("payments", "payouts.prepared", told, subject=batch.ref, actor=str(actor))
    return batch


@transaction.atomic
def release(actor: Actor, batch: PayoutBatch) -> PayoutBatch:
    """Another officer releases a batch, and its file is made: once, whoever else releases it at this moment.

    Released again it stays as it is. Raises Denied, Conflict for who prepared it or one that was withdrawn, Invalid for
    what the bank would refuse (a day that is past meanwhile).
    """
    require(actor, RELEASE)
    mine = _locked(batch)
    own = own_bank(basis_needed=mine.payouts.exclude(source="").exists())
    if not order_files.may_release(actor, mine):
        return mine
    mine.released_by, mine.released_at = str(actor), timezone.now()
    if not is_target_day(mine.execute_on) or mine.execute_on < timezone.localdate():
        mine.execute_on = next_target_day(timezone.localdate())
    payouts = list(mine.payouts.order_by("pk"))
    order_files.write(mine, lambda: write_order(_order(mine, payouts, own), own.profile, timezone.localdate()))
    told = {"sha256": mine.digest, "payouts": len(payouts), "legal_basis": own.legal_basis[:500]}
    append("payments", "payouts.released", told, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def withdraw(actor: Actor, batch: PayoutBatch, reason: str) -> PayoutBatch:
    """Takes a batch apart that was not released: its payouts wait again. Raises Denied, Conflict, Invalid."""
    require(actor, PREPARE)
    mine = _locked(batch)
    order_files.withdraw(mine, reason)
    mine.payouts.update(batch=None, state=PayoutState.WAITING)
    append("payments", "payouts.withdrawn", {}, subject=mine.ref, actor=str(actor))
    return mine


@transaction.atomic
def fetch(actor: Actor, batch: PayoutBatch) -> bytes:
    """The file for the bank, once: then another officer has to allow it again (`allow_again`).

    Raises Denied, Conflict where it was not released or was fetched.
    """
    require(actor, FETCH)
    return order_files.fetch(actor, _locked(batch), "payouts.fetched")


@transaction.atomic
def allow_again(actor: Actor, batch: PayoutBatch, reason: str) -> PayoutBatch:
    """Lets the file be fetched once more. Raises Denied, Invalid without a reason, Conflict for who fetched it."""
    require(actor, RELEASE)
    mine = _locked(batch)
    order_files.allow_again(actor, mine, reason, "payouts.allowed")
    return mine


@transaction.atomic
def again(actor: Actor, payout: Payout, *, iban: str = "") -> Payout:
    """Has one that came back or was refused wait again, to another IBAN where one is given. Raises Denied, Conflict."""
    require(actor, PREPARE)
    mine = _open(payout)
    if iban and (fault := iban_fault(iban)):
        raise Invalid(_("The account number is none: %(why)s") % {"why": fault}, code="bad_iban", field="iban")
    mine.iban = "".join(iban.split()).upper() or mine.iban
    mine.state, mine.batch, mine.end_to_end = PayoutState.WAITING, None, uuid4().hex
    mine.tries += 1
    mine.save()
    _tell(mine, "again", actor)
    return mine


@transaction.atomic
def give_up(actor: Actor, payout: Payout) -> Payout:
    """Puts the money of one that came back or was refused back where it came from. Raises Denied, Conflict."""
    require(actor, PREPARE)
    mine = _open(payout)
    if mine.source:
        source = Account.objects.get(key=mine.source)
        _move(mine, "given_up", {on_its_way(mine.unit): mine.amount, source.pk: -mine.amount}, actor)
    else:
        refund_payouts.give_up(mine, actor)
    mine.state = PayoutState.GIVEN_UP
    mine.save(update_fields=["state"])
    _tell(mine, "given_up", actor)
    for _owner, item in declared(PayoutHook):
        if item.service == mine.service:
            resolve(item.hook)(mine)
    return mine


def set_state(payout: Payout, state: str, reason: str, actor: Actor | None) -> None:
    """Writes what the bank says of one (locked by the caller), and closes its batch with the last of them."""
    payout.state, payout.reason = state, reason[:200]
    payout.save(update_fields=["state", "reason"])
    _tell(payout, state, actor)
    batch = payout.batch
    if batch is not None:
        waits = batch.payouts.filter(state=PayoutState.BATCHED).exists()
        new = BatchState.SENT if waits else BatchState.OVER
        if batch.state in (BatchState.RELEASED, BatchState.SENT, BatchState.OVER) and batch.state != new:
            PayoutBatch.objects.filter(pk=batch.pk).update(state=new)
            batch.state = new


def _open(payout: Payout) -> Payout:
    mine = Payout.objects.select_for_update().get(pk=payout.pk)
    if mine.state not in OPEN:
        raise Conflict(_("It neither came back nor was it refused."), code="not_open")
    return mine


def _locked(batch: PayoutBatch) -> PayoutBatch:
    return PayoutBatch.objects.select_for_update().get(pk=batch.pk)


def _order(batch: PayoutBatch, payouts: list[Payout], own: OwnBank) -> Order:
    payments = tuple(
        Payment(
            end_to_end=one.end_to_end,
            name=one.name,
            iban=one.iban,
            amount=one.amount,
            currency=one.unit,
            address=Address(**{**one.address, "lines": tuple(one.address.get("lines", ()))})
            if one.address
            else Address(),
            text=one.text,
        )
        for one in payouts
    )
    made_at = (batch.released_at or batch.prepared_at).replace(microsecond=0)
    return Order(batch.message_id, made_at, batch.execute_on, own.debtor, payments)


def _refuse_faults(batch: PayoutBatch, payouts: list[Payout], own: OwnBank) -> None:
    if faults := faults_of(_order(batch, payouts, own), own.profile, timezone.localdate()):
        raise Invalid(
            _("The bank would refuse it: %(why)s") % {"why": "; ".join(str(one) for one in faults[:5])},
            code="bank_would_refuse",
            field=faults[0].code,
        )


def _move(payout: Payout, what: str, amounts: dict[int, int], actor: Actor | None) -> None:
    key = books.key("payout", payout.key, what, payout.tries)
    books.book(key, f"payments.payout_{what}", amounts, payout.ref, actor)


def _tell(payout: Payout, what: str, actor: Actor | None) -> None:
    told = {"amount": payout.amount, "unit": payout.unit, "batch": payout.batch_id}
    append("payments", f"payout.{what}", told, subject=payout.ref, actor=str(actor) if actor else "system:payments")
