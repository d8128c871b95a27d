"""Making bills, and changing them: the only writers, each with its postings in the ledger in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.references import make_creditor_reference
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.books import LARGEST
from cityhall.kernel.payments import books, dues
from cityhall.kernel.payments.declares import PaidHook
from cityhall.kernel.payments.models import Bill, Instalment, Line, Mandate, Scheme, State
from cityhall.kernel.payments.settled import Settled
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require
from cityhall.kernel.service import declared, resolve


@dataclass(frozen=True, slots=True)
class BillLine:
    """What a part is for, in the payer's language, and how much; below zero for what is taken off."""

    what: str
    amount: int


@dataclass(frozen=True, slots=True)
class Part:
    """An instalment."""

    due_on: date
    amount: int


@transaction.atomic
def make_bill(
    key: UUID,
    payer: Person | None,
    lines: Sequence[BillLine],
    due_on: date,
    *,
    service: str,
    title: str,
    unit: str,
    about: str = "",
    parts: Sequence[Part] = (),
    mandate: Mandate | None = None,
    parts_allowed: bool = False,
    actor: Actor | None = None,
) -> Bill:
    """Claims the sum of the lines of `payer` (None: of whoever has the bill's secret link) for a service.

    The same `key` again is the same bill. With `parts` it is paid in instalments, which sum to it, and `due_on` is the
    last one's; with a `mandate` it is collected on its day. Raises Invalid for what is no bill, Conflict ("key_used")
    where another was made with the key.
    """
    amount = sum(line.amount for line in lines)
    _check(lines, amount, parts)
    known = Bill.objects.filter(key=key).first()
    if known is not None:
        return _same(known, service, about, unit, amount)
    scheme = Scheme.INSTALMENTS if parts else Scheme.MANDATE if mandate else Scheme.SINGLE
    pk = _next_number()
    bill = Bill(
        pk=pk,
        key=key,
        service=service,
        about=about,
        title=title[:200],
        payer=payer,
        secret=secrets.token_urlsafe(32),
        reference=make_creditor_reference(f"{pk:08d}"),
        scheme=scheme,
        mandate=mandate,
        unit=unit,
        amount=amount,
        owed=amount,
        parts_allowed=parts_allowed or bool(parts),
        made_at=timezone.now(),
        due_on=max([part.due_on for part in parts], default=due_on),
    )
    # Two who make it at once: one of them finds the other's.
    if not Bill.objects.bulk_create([bill], ignore_conflicts=True) or not Bill.objects.filter(pk=pk).exists():
        return _same(Bill.objects.get(key=key), service, about, unit, amount)
    Line.objects.bulk_create([Line(bill=bill, what=line.what[:200], amount=line.amount) for line in lines])
    Instalment.objects.bulk_create([Instalment(bill=bill, due_on=part.due_on, amount=part.amount) for part in parts])
    dues.watch(bill)
    bill.save(update_fields=["overdue_since"])
    _note(bill, "bill.made", {"service": service, "about": about, "amount": amount, "unit": unit}, actor)
    amounts = {books.receivable(unit): amount, books.income(service, unit): -amount}
    books.book(books.key("bill", bill.key), "payments.billed", amounts, bill.ref, actor)
    return bill


def _check(lines: Sequence[BillLine], amount: int, parts: Sequence[Part]) -> None:
    if not lines or any(type(line.amount) is not int or not line.amount for line in lines):
        raise Invalid(_("A bill has lines, each with an amount."), code="bad_lines", field="lines")
    if not 0 < amount <= LARGEST:
        raise Invalid(_("An amount is a whole number above zero."), code="bad_amount", field="amount")
    if parts and (sum(part.amount for part in parts) != amount or any(part.amount <= 0 for part in parts)):
        raise Invalid(_("The instalments do not sum to the bill."), code="bad_parts", field="parts")


def _same(bill: Bill, service: str, about: str, unit: str, amount: int) -> Bill:
    if (bill.service, bill.about, bill.unit, bill.amount) != (service, about, unit, amount):
        raise Conflict(_("Another bill was made with this key."), code="key_used", field="key")
    return bill


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('payments_bill', 'id'))")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def find(pk: int) -> Bill:
    """A bill by its number. Raises Missing."""
    bill = Bill.objects.filter(pk=pk).first()
    if bill is None:
        raise Missing(_("There is no such bill."), code="no_such_bill")
    return bill


def locked(pk: int) -> Bill:
    """The bill, locked until the transaction ends. Raises Missing."""
    bill = Bill.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if bill is None:
        raise Missing(_("There is no such bill."), code="no_such_bill")
    return bill


@transaction.atomic
def void(bill: Bill, actor: Actor, *, reason: str = "") -> Bill:
    """Withdraws a bill: nothing is owed any more, and what was paid is the payer's to have back.

    The service that made it asks whether the actor may. `reason` is a code of the service's ("cancelled"), for the
    journal: no words of people. Once withdrawn, again is no error.
    """
    mine = locked(bill.pk)
    if mine.state != State.VOID:
        before, mine.state = mine.state, State.VOID
        settle(mine, books.key("void", mine.key), "payments.voided", owed=-mine.owed, before=before, actor=actor)
        _note(mine, "bill.voided", {"reason": reason[:50]}, actor)
    return mine


@transaction.atomic
def waive(bill: Bill, actor: Actor, key: UUID, amount: int) -> Bill:
    """Claims `amount` less of a bill; `key` makes it once. Raises Denied, Invalid for more than is owed."""
    require(actor, "payments.change_bills")
    mine = locked(bill.pk)
    if type(amount) is not int or not 0 < amount <= mine.owed:
        raise Invalid(_("That is more than is owed."), code="bad_amount", field="amount")
    posting = books.key("waived", mine.key, key)
    if not books.is_booked(posting):
        settle(mine, posting, "payments.waived", owed=-amount, actor=actor)
    return mine


def settle(
    bill: Bill,
    posting: UUID,
    kind: str,
    *,
    paid: int = 0,
    owed: int = 0,
    fee: int = 0,
    provider: str = books.BANK,
    before: str = "",
    actor: Actor | None = None,
) -> None:
    """Changes what is paid and owed on a locked bill and what a provider keeps, tells its service, and posts it.

    Whatever the two were: paid - owed = credit - open, so that the four changes always make one balanced posting.
    """
    was_open, was_credit, before = bill.open, bill.credit, before or bill.state
    bill.paid += paid
    bill.owed += owed
    bill.state = _state(bill)
    if bill.state == State.PAID and before != State.PAID:
        bill.paid_at = timezone.now()
    dues.watch(bill)
    bill.save(update_fields=["paid", "owed", "state", "paid_at", "overdue_since"])
    if bill.state != before or paid:
        _note(bill, "bill.changed", {"from": before, "to": bill.state, "paid": bill.paid, "owed": bill.owed}, actor)
    if bill.state != before:
        # Before the accounts are locked: a service locks its own rows, which others hold while they wait for those.
        _tell(Settled(bill, before, bill.state, paid))
    money = books.money_of(provider, bill.unit)
    amounts = {
        books.receivable(bill.unit): bill.open - was_open,
        books.credit(bill.unit): was_credit - bill.credit,
        money: paid - fee,
        books.income(bill.service, bill.unit): -owed,
        books.fees(bill.unit): fee,
    }
    books.book(posting, kind, amounts, bill.ref, actor)


def _state(bill: Bill) -> str:
    if bill.state == State.VOID:
        return State.VOID
    if bill.owed == 0:
        return State.REFUNDED
    if bill.paid >= bill.owed:
        return State.PAID
    return State.PART_PAID if bill.paid else State.OPEN


def _tell(settled: Settled) -> None:
    for _owner, item in declared(PaidHook):
        if item.service == settled.bill.service:
            resolve(item.hook)(settled)


def _note(bill: Bill, what: str, data: dict[str, object], actor: Actor | None) -> None:
    append("payments", what, data, subject=bill.ref, actor=str(actor or ""))
