"""Statement files of the city's bank: each entry booked once, or listed with the reason why it is not.

A file is read whole before any of it is booked. Then its entries are booked one by one, each in transactions of its
own (`bank_entries.book_entry` says why), each once: an import that was broken off is finished by importing again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.engines.banking import BankFileError, Line, Statement, read_statement
from cityhall.engines.banking import Entry as FileEntry
from cityhall.engines.banking.amounts import minor_units
from cityhall.engines.banking.keys import entry_keys
from cityhall.engines.banking.message import References
from cityhall.engines.banking.proving import counts
from cityhall.engines.banking.references import is_creditor_reference, squeezed
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Account, Kind
from cityhall.kernel.payments.bank_entries import RECONCILE, Entry, assign, book_entry, explain
from cityhall.kernel.payments.models import Allocation, BankEntry, StatementEntry, StatementFile
from cityhall.kernel.payments.payout_news import close_by, reopen_by
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require

LOCK = 0x63616D74
UNDONE = "city:undone:{unit}"
NOT_YET = "not_booked_yet"
NOT_WHOLE = "not_in_whole_units"
NOTHING = "nothing"


def import_statement(actor: Actor, data: bytes) -> StatementFile:
    """Books what a camt.052, .053 or .054 says; what another file said before, or this one, is not booked again.

    Raises Denied, Invalid with the reason where the file is refused (then nothing of it is booked), Conflict while
    another file is being imported.
    """
    require(actor, RECONCILE)
    try:
        read = read_statement(data)
    except BankFileError as problem:
        raise Invalid(str(problem), code="statement_refused", field="file") from problem
    with _alone():
        file = StatementFile.objects.create(
            digest=sha256(data).hexdigest(),
            kind=f"{read.kind}.001.{read.version:02d}",
            message_id=read.message_id[:35],
            entries=read.lines,
            notes=[*read.notes, *(note for one in read.statements for note in one.notes)][:100],
            imported_at=timezone.now(),
            imported_by=str(actor),
        )
        number = 0
        for statement in read.statements:
            for entry, key in zip(statement.entries, entry_keys(statement), strict=True):
                number += 1
                _entry(actor, file, statement, entry, key, number)
        file.whole = True
        told = {"entries": file.entries, "booked": file.booked, "known": file.known, "not_booked": len(file.unbooked)}
        with transaction.atomic():
            file.save()
            append("payments", "statement.imported", told, subject=file.ref, actor=str(actor))
    return file


def undo_import(actor: Actor, file: StatementFile, reason: str) -> StatementFile:
    """Takes back what a file had booked, by entries of the opposite amount: for a file that should not have been read.

    What the entries paid is open again. Raises Denied, Invalid without a reason, Conflict where it was undone, or for a
    bill that was given back meanwhile.
    """
    require(actor, RECONCILE)
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    with _alone():
        mine = StatementFile.objects.get(pk=file.pk)
        if mine.undone_at is not None:
            raise Conflict(_("The file was undone already."), code="undone")
        for row in mine.booked_entries.filter(is_booked=True).order_by("-pk"):
            for part in reversed(range(row.parts)):
                _undo(actor, row, part)
            StatementEntry.objects.filter(pk=row.pk).update(is_booked=False, undone=row.undone + 1)
        mine.undone_at, mine.why = timezone.now(), reason.strip()[:500]
        with transaction.atomic():
            mine.save(update_fields=["undone_at", "why"])
            append("payments", "statement.undone", {"booked": mine.booked}, subject=mine.ref, actor=str(actor))
    return mine


@contextmanager
def _alone() -> Iterator[None]:
    """One import at a time: two files may have the same entry, one as a sum and one by its parts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise Conflict(_("Another file is being imported."), code="importing", wait_s=10)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _entry(actor: Actor, file: StatementFile, statement: Statement, entry: FileEntry, key: str, number: int) -> None:
    row = StatementEntry.objects.filter(key=key).first()
    if row is not None and row.is_booked:
        file.known += len(entry.lines)
        return
    if not entry.status or not counts(entry):
        return _not_booked(file, number, len(entry.lines), NOT_YET)
    lines = _parts(entry)
    amounts = [minor_units(one.amount or Decimal(0), one.currency) for one in lines]
    if any(one is None for one in amounts):
        return _not_booked(file, number, len(entry.lines), NOT_WHOLE)
    if not any(amounts):
        return _not_booked(file, number, len(entry.lines), NOTHING)
    round_ = row.undone if row else 0
    for part, (line, amount) in enumerate(zip(lines, amounts, strict=True)):
        if amount:
            _book(actor, _as_entry(statement, entry, line, amount, _identity(key, round_, part)), line)
    values = {"file": file, "parts": len(lines), "undone": round_, "is_booked": True}
    StatementEntry.objects.update_or_create(key=key, defaults=values)
    file.booked += len(entry.lines)


def _not_booked(file: StatementFile, number: int, lines: int, reason: str) -> None:
    file.unbooked.append({"entry": number, "lines": lines, "reason": reason})


def _identity(key: str, round_: int, part: int) -> str:
    return f"{key}/{round_}/{part}"


def _parts(entry: FileEntry) -> tuple[Line, ...]:
    """The lines with an amount each, and what they leave; the entry as one where it is not said how it is divided."""
    if any(line.amount is None for line in entry.lines):
        return (Line(entry.amount, entry.currency, References(servicer=entry.servicer)),)
    if entry.rest:
        return (*entry.lines, Line(entry.rest, entry.currency, information=entry.information))
    return entry.lines


def _as_entry(statement: Statement, entry: FileEntry, line: Line, amount: int, identity: str) -> Entry:
    day = entry.booked_on or entry.value_on or timezone.localdate()
    references = [squeezed(one.reference) for one in line.structured]
    text = " ".join((*line.unstructured, "".join(line.unstructured), line.information))
    return Entry(
        account=statement.account.number,
        amount=amount,
        unit=line.currency,
        booked_on=day,
        value_on=entry.value_on,
        statement=statement.id,
        servicer_ref=line.references.servicer,
        end_to_end=line.references.end_to_end,
        creditor_ref=next((one for one in references if is_creditor_reference(one)), ""),
        uetr=line.references.uetr,
        code=entry.code,
        reversal=entry.reversal,
        name=line.counterparty.name,
        iban=line.counterparty.iban,
        text=" ".join((text, *references)).strip(),
        identity=identity,
        returned=line.returned,
    )


def _book(actor: Actor, entry: Entry, line: Line) -> None:
    mine, _new = book_entry(entry, actor)
    if mine.left:
        message = line.references.payment_information or line.references.message
        close_by(actor, mine, message_id=message, returned=line.returned)


def _undo(actor: Actor, row: StatementEntry, part: int) -> None:
    """An entry of the opposite amount, for each thing that the entry was for; the two are then for nothing."""
    was = Entry("", 0, "", timezone.localdate(), identity=_identity(row.key, row.undone, part)).key
    mine = BankEntry.objects.filter(key=was).first()
    if mine is None:
        return
    opposite = Entry(
        account=mine.account,
        amount=-mine.amount,
        unit=mine.unit,
        booked_on=mine.booked_on,
        statement=mine.statement,
        reversal=True,
        identity=f"undo/{_identity(row.key, row.undone, part)}",
    )
    other, _new = book_entry(opposite, actor)
    if other.left:
        _take_apart(actor, mine, other)


@transaction.atomic
def _take_apart(actor: Actor, mine: BankEntry, other: BankEntry) -> None:
    for one in mine.allocations.order_by("-pk"):
        _take_back(actor, other, one)
    if mine.left:
        account, left = UNDONE.format(unit=mine.unit), mine.left
        explain(actor, mine, account, Kind.LIABILITY)
        explain(actor, other, account, Kind.LIABILITY, -left)
    reopen_by(actor, mine)


def _take_back(actor: Actor, other: BankEntry, what: Allocation) -> None:
    if what.intent is not None:
        assign(actor, other, what.intent.bill, -what.amount)
        return
    kind = Account.objects.values_list("kind", flat=True).get(key=what.account)
    explain(actor, other, what.account, kind, -what.amount)
