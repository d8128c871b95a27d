"""What the bank's statements say: each entry booked once, and told for which bill it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking.references import is_creditor_reference, squeezed
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.books import LARGEST
from cityhall.kernel.ledger.models import Kind
from cityhall.kernel.payments import books, debit_news, refund_payouts
from cityhall.kernel.payments.facts import STATEMENT, Heard, Said, uid_of
from cityhall.kernel.payments.intents import heard
from cityhall.kernel.payments.models import Allocation, BankEntry, BankParty, Bill, Intent, Refund
from cityhall.kernel.payments.reference import references_in
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require

RECONCILE = "payments.reconcile"
PARTY_KEPT = timedelta(days=400)
"""A direct debit that nobody agreed to is contested for 13 months (SEPA Core rulebook)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as a statement has it; `amount` above zero came in, in the unit's smallest part.

    `within` tells those apart that are alike in all else on one statement: 0 for the first, 1 for the second.
    `returned` is the bank's reason where it sends something back.
    """

    account: str
    amount: int
    unit: str
    booked_on: date
    value_on: date | None = None
    statement: str = ""
    servicer_ref: str = ""
    end_to_end: str = ""
    creditor_ref: str = ""
    uetr: str = ""
    code: str = ""
    reversal: bool = False
    name: str = ""
    iban: str = ""
    text: str = ""
    within: int = 0
    identity: str = ""
    returned: str = ""

    @property
    def key(self) -> str:
        """The same entry on another statement, or read again, has the same. Who reads files may give an `identity`."""
        if self.identity:
            return sha256(self.identity.encode()).hexdigest()
        if self.servicer_ref:
            told: list[object] = [self.servicer_ref, self.end_to_end, self.amount, self.within]
        else:
            told = [
                *(self.statement, str(self.booked_on), str(self.value_on), self.amount, self.end_to_end),
                *(self.creditor_ref, self.uetr, self.name, self.iban, self.text, self.within),
            ]
        return sha256(orjson.dumps([self.account, self.unit, *told])).hexdigest()


def book_entry(entry: Entry, actor: Actor | None = None) -> tuple[BankEntry, bool]:
    """Books an entry of a statement, and tells the bill that it was for, where that is certain: (entry, whether new).

    One that was read before books nothing. It is certain by the bill's own reference, or by an id that we gave it;
    anything else waits for an officer (`assign`). Two transactions, so that nobody holds the bank's account while they
    wait for a bill: never within another one. Raises Invalid for what is no entry.
    """
    mine, new = _booked(entry, actor)
    if not mine.allocations.exists():
        # Also where it was read before and its reader was killed here.
        with transaction.atomic():
            mine = BankEntry.objects.select_for_update().get(pk=mine.pk)
            if not mine.allocations.exists():
                _match(mine, entry)
    return mine, new


@transaction.atomic
def _booked(entry: Entry, actor: Actor | None) -> tuple[BankEntry, bool]:
    if not 0 < abs(entry.amount) <= LARGEST or not entry.unit:
        raise Invalid(_("An entry has an amount and a currency."), code="bad_amount", field="amount")
    row = BankEntry(
        key=entry.key,
        account=entry.account[:34],
        statement=entry.statement[:100],
        amount=entry.amount,
        left=entry.amount,
        unit=entry.unit,
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        end_to_end=entry.end_to_end[:35],
        creditor_ref=entry.creditor_ref[:35],
        servicer_ref=entry.servicer_ref[:35],
        uetr=entry.uetr[:36],
        code=entry.code[:35],
        reversal=entry.reversal,
        heard_at=timezone.now(),
    )
    BankEntry.objects.bulk_create([row], ignore_conflicts=True)
    mine = BankEntry.objects.select_for_update().get(key=row.key)
    if books.is_booked(books.key("bank", mine.key)):
        return mine, False
    BankParty.objects.create(entry=mine, name=entry.name[:140], iban=entry.iban[:34], text=entry.text[:2000])
    append(
        "payments",
        "bank.entry",
        {"amount": mine.amount, "unit": mine.unit, "booked_on": str(mine.booked_on)},
        subject=mine.ref,
        actor=str(actor or system("payments")),
    )
    amounts = {books.bank(mine.unit): mine.amount, books.unmatched(mine.unit): -mine.amount}
    books.book(books.key("bank", mine.key), "payments.bank", amounts, mine.ref, actor)
    return mine, True


def _match(mine: BankEntry, entry: Entry) -> None:
    """Says what an entry was for where one of our own names stands in it, and nothing where two different ones do."""
    for uid in (uid_of(mine.uetr), uid_of(mine.end_to_end)):
        intent = Intent.objects.filter(uid=uid, unit=mine.unit).first() if uid else None
        if intent is not None:
            _for_intent(mine, intent, entry.returned)
            return
    refund = _refund_of(mine)
    if refund is not None:
        gone = Said("refunded", str(refund.uid), refund.amount, _moment(mine), str(refund.uid))
        heard(books.BANK, Heard("", (gone,), str(refund.intent.uid)), "payout")
        _allocate(mine, mine.amount, system("payments"), intent=refund.intent)
        refund_payouts.executed(refund)
        return
    named = {squeezed(one) for one in (mine.creditor_ref, mine.end_to_end) if is_creditor_reference(one)} | set(
        references_in(entry.text)
    )
    bills = list(Bill.objects.filter(reference__in=named, unit=mine.unit)[:2])
    # What takes back more than came for the bill is no ending of that payment: an officer looks at it.
    if len(bills) == 1 and -mine.amount <= _came_by_bank(bills[0]):
        _for_bill(mine, bills[0], mine.amount, system("payments"))


def _refund_of(mine: BankEntry) -> Refund | None:
    """The refund on its way that an entry carries out, by our id of it or of its payout."""
    for uid in (uid_of(mine.uetr), uid_of(mine.end_to_end)):
        found = (
            Refund.objects.filter(uid=uid, intent__unit=mine.unit, state=Refund.State.SENDING).first() if uid else None
        )
        if found is not None and found.amount == -mine.amount and found.intent.provider == books.BANK:
            return found
    return refund_payouts.of_entry(mine)


def _for_intent(mine: BankEntry, intent: Intent, returned: str) -> None:
    """It came for an intent of a provider's: the payment is heard of, and the provider owes us so much less."""
    kind = "captured" if mine.amount > 0 else "refunded"
    said = Said(kind, f"bank:{mine.key}", abs(mine.amount), _moment(mine))
    heard(intent.provider, Heard("", (said,), str(intent.uid)), STATEMENT)
    if intent.provider == books.BANK:
        _allocate(mine, mine.amount, system("payments"), intent=intent)
        if mine.amount < 0:
            debit_news.came_back(intent, returned)
    else:
        _to_account(mine, f"city:provider:{intent.provider}:{mine.unit}", mine.amount, system("payments"), Kind.ASSET)


def _for_bill(mine: BankEntry, bill: Bill, amount: int, actor: Actor) -> None:
    """A payment of the bill by the bank, made by this entry; below zero, one that the bank took back."""
    number = mine.allocations.count()
    told = [(_came(mine, bill, amount, number), amount)] if amount > 0 else _to_take_back(bill, -amount)
    for one, part in told:
        kind = "captured" if amount > 0 else "refunded"
        said = Said(kind, f"bank:{mine.key}:{number}", part, _moment(mine))
        heard(books.BANK, Heard("", (said,), str(one.uid)), STATEMENT)
        _allocate(mine, part if amount > 0 else -part, actor, intent=one)


def _came(mine: BankEntry, bill: Bill, amount: int, number: int) -> Intent:
    """The bank's payment of a bill that an entry is."""
    return Intent.objects.create(
        uid=books.key("bank", mine.key, bill.pk, number),
        bill=bill,
        provider=books.BANK,
        provider_ref=f"{mine.pk}.{number}",
        amount=amount,
        unit=mine.unit,
        made_at=timezone.now(),
    )


def _came_by_bank(bill: Bill) -> int:
    return sum(one.net for one in bill.intents.filter(provider=books.BANK))


def _to_take_back(bill: Bill, amount: int) -> list[tuple[Intent, int]]:
    """The bank's payments of a bill that an amount is taken back of, the latest first. Raises Conflict."""
    found, left = [], amount
    for intent in bill.intents.filter(provider=books.BANK).order_by("-pk"):
        part = min(left, intent.net)
        if part:
            found.append((intent, part))
            left -= part
    if left:
        raise Conflict(_("Not so much came for this bill by the bank."), code="not_so_much", field="amount")
    return found


@transaction.atomic
def assign(actor: Actor, entry: BankEntry, bill: Bill, amount: int | None = None) -> BankEntry:
    """An officer says for which bill an entry was, whole (None) or `amount` of it, with its sign.

    Raises Denied, Invalid for more than is left of it or another unit, Conflict where the bill never had so much.
    """
    require(actor, RECONCILE)
    mine, amount = _left(entry, amount)
    if bill.unit != mine.unit:
        raise Invalid(_("The bill is in another currency."), code="other_unit", field="bill")
    _for_bill(mine, bill, amount, actor)
    return mine


@transaction.atomic
def explain(actor: Actor, entry: BankEntry, account: str, kind: str, amount: int | None = None) -> BankEntry:
    """An officer says to which account of the ledger an entry belongs: fees, or a provider's, when it pays out.

    `kind` is the ledger's ("asset", "expense", ...). Raises Denied, Invalid for more than is left, Conflict for an
    account of another kind or unit.
    """
    require(actor, RECONCILE)
    mine, amount = _left(entry, amount)
    _to_account(mine, account, amount, actor, kind)
    return mine


def find(pk: int) -> BankEntry:
    """An entry by its number. Raises Missing."""
    entry = BankEntry.objects.filter(pk=pk).select_related("party").first()
    if entry is None:
        raise Missing(_("There is no such entry."), code="no_such_entry")
    return entry


def _left(entry: BankEntry, amount: int | None) -> tuple[BankEntry, int]:
    mine = BankEntry.objects.select_for_update().get(pk=entry.pk)
    amount = mine.left if amount is None else amount
    if not amount or (amount > 0) != (mine.amount > 0) or abs(amount) > abs(mine.left):
        raise Invalid(_("There is not so much left of this entry."), code="bad_amount", field="amount")
    return mine, amount


def _to_account(mine: BankEntry, account: str, amount: int, actor: Actor, kind: str) -> None:
    number = books.account(account, kind, mine.unit)
    posting = books.key("explained", mine.key, mine.allocations.count())
    _allocate(mine, amount, actor, account=account)
    amounts = {books.unmatched(mine.unit): amount, number: -amount}
    books.book(posting, "payments.explained", amounts, mine.ref, actor)


def _allocate(mine: BankEntry, amount: int, actor: Actor, *, intent: Intent | None = None, account: str = "") -> None:
    Allocation.objects.create(
        entry=mine, amount=amount, intent=intent, account=account, at=timezone.now(), by=str(actor)[:200]
    )
    mine.left -= amount
    mine.state = BankEntry.State.PART if mine.left else BankEntry.State.DONE
    mine.save(update_fields=["left", "state"])
    told = {"amount": amount, "bill": intent and intent.bill_id, "account": account}
    append("payments", "bank.assigned", told, subject=mine.ref, actor=str(actor))


def _moment(mine: BankEntry) -> datetime:
    return datetime.combine(mine.value_on or mine.booked_on, time(12), tzinfo=UTC)


def uid_text(uid: UUID) -> str:
    """Our uid as an EndToEndId (35 characters at most): 32 hexadecimal digits."""
    return uid.hex


def forget() -> int:
    """Forgets who was on the other side of entries that were explained long ago (a Task's action); gives how many."""
    until = timezone.localdate() - PARTY_KEPT
    return BankParty.objects.filter(entry__left=0, entry__booked_on__lt=until).delete()[0]
