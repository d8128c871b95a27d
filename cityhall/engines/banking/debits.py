"""Direct debits: what the city collects from accounts whose holders agreed to it, written as pain.008.001.08.

SEPA Core (EPC016-06). All are collected as RCUR, which since 2016 a first one may be too. A file leaves only if the
bank's rules and the official schema both let it, as an order does (`pain.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from cityhall.engines.banking.amounts import decimals, major_text
from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.order import Address, Fault
from cityhall.engines.banking.order_checks import (
    LONGEST_TEXT,
    MOST_CENTS,
    address_faults,
    fitted,
    identifier_faults,
    party_faults,
    text_faults,
)
from cityhall.engines.banking.pain import MOST_FAULTS_TOLD, add, add_party, compact, schema_fault
from cityhall.engines.banking.profiles import EEA, SEPA, Profile
from cityhall.engines.banking.references import creditor_id_fault, iban_fault
from cityhall.engines.banking.workdays import is_target_day

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
SCHEMA = "pain.008.001.08.xsd"
NOWHERE = Address()
MOST_DAYS_AHEAD = 14
"""A collection reaches the debtor's bank no earlier than so many days before it is due (EPC016-06, section 4.3)."""


@dataclass(frozen=True)
class Creditor:
    """Who collects; `identifier` is the SEPA creditor identifier."""

    name: str
    iban: str
    identifier: str
    bic: str = ""
    address: Address = NOWHERE


@dataclass(frozen=True)
class Debit:
    """One collection: `amount` in smallest units, by the mandate of that reference that was signed on a day."""

    end_to_end: str
    mandate: str
    signed_on: date
    name: str
    iban: str
    amount: int
    currency: str = "EUR"
    bic: str = ""
    address: Address = NOWHERE
    text: str = ""


@dataclass(frozen=True)
class DebitOrder:
    """`made_at` with its offset; `collect_on` a day on which banks work (TARGET)."""

    message_id: str
    made_at: datetime
    collect_on: date
    creditor: Creditor
    debits: tuple[Debit, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        return sum((Decimal(one.amount).scaleb(-decimals(one.currency)) for one in self.debits), Decimal(0))


def faults_of_debits(order: DebitOrder, profile: Profile, today: date) -> list[Fault]:
    """All that keeps collections from leaving for this bank today; empty where nothing does."""
    return list(_faults(order, profile, today))


def write_debits(order: DebitOrder, profile: Profile, today: date) -> bytes:
    """The file for the bank, in UTF-8; the same order gives the same bytes.

    Raises BankFileError, naming what is wrong, where a rule of the bank or the schema refuses it.
    """
    from lxml import etree

    if faults := faults_of_debits(order, profile, today):
        told = "; ".join(str(one) for one in faults[:MOST_FAULTS_TOLD])
        raise BankFileError(f"The bank would refuse it ({len(faults)}): {told}")
    document = etree.Element("Document", nsmap={None: NAMESPACE})
    _body(document, order, profile)
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    if fault := schema_fault(written, SCHEMA):
        raise BankFileError(f"The schema refuses it: {fault}")
    return written


def _faults(order: DebitOrder, profile: Profile, today: date) -> Iterator[Fault]:
    yield from identifier_faults("GrpHdr/MsgId", order.message_id)
    if order.made_at.tzinfo is None:
        yield Fault("GrpHdr/CreDtTm", "time", "It is not said when the order was made: the moment has no offset.")
    if not 1 <= len(order.debits) <= profile.most_payments:
        yield Fault("GrpHdr/NbOfTxs", "count", f"A file has 1 to {profile.most_payments} collections for this bank.")
    yield from _day(order.collect_on, today)
    creditor = order.creditor
    yield from party_faults("Cdtr", creditor.name, creditor.iban, creditor.bic)
    yield from address_faults("Cdtr/PstlAdr", fitted(creditor.address, profile), profile)
    if fault := creditor_id_fault(creditor.identifier):
        yield Fault("CdtrSchmeId", "creditor", f"The creditor identifier is none: {fault}.")
    if profile.bic and not creditor.bic:
        yield Fault("CdtrAgt", "bic", "This bank wants its BIC in the file.")
    seen: set[str] = set()
    for number, one in enumerate(order.debits, 1):
        where = f"DrctDbtTxInf[{number}]"
        if one.end_to_end in seen:
            yield Fault(f"{where}/PmtId/EndToEndId", "double", f"The id {one.end_to_end!r} stands twice in the order.")
        seen.add(one.end_to_end)
        yield from _debit(where, one, profile, today)


def _day(day: date, today: date) -> Iterator[Fault]:
    where = "PmtInf/ReqdColltnDt"
    if day <= today:
        yield Fault(where, "late", f"The bank has to have it at least a day before {day}.")
    elif day > today + timedelta(days=MOST_DAYS_AHEAD):
        yield Fault(where, "far", f"The day {day} is more than {MOST_DAYS_AHEAD} days ahead.")
    if not is_target_day(day):
        yield Fault(where, "closed", f"Banks do not work on {day} (weekend or TARGET holiday).")


def _debit(where: str, one: Debit, profile: Profile, today: date) -> Iterator[Fault]:
    yield from identifier_faults(f"{where}/PmtId/EndToEndId", one.end_to_end)
    yield from identifier_faults(f"{where}/MndtRltdInf/MndtId", one.mandate)
    if one.signed_on > today:
        yield Fault(f"{where}/MndtRltdInf/DtOfSgntr", "signed", "The mandate is not signed yet.")
    yield from party_faults(f"{where}/Dbtr", one.name, one.iban, one.bic)
    country = one.iban[:2].upper()
    if country not in SEPA and not iban_fault(one.iban):
        yield Fault(f"{where}/DbtrAcct", "not_sepa", f"Accounts in {country} cannot be reached by SEPA.")
    if (country in SEPA - EEA or profile.address) and not one.address:
        yield Fault(f"{where}/Dbtr/PstlAdr", "address", "The address of whoever pays is wanted.")
    if one.currency != "EUR":
        yield Fault(f"{where}/InstdAmt", "currency", f"A SEPA payment is in euro, not {one.currency[:10]}.")
    if not 1 <= one.amount <= MOST_CENTS:
        yield Fault(f"{where}/InstdAmt", "amount", "The amount is from 0.01 to 999999999.99.")
    yield from text_faults(f"{where}/RmtInf/Ustrd", one.text, LONGEST_TEXT)
    yield from address_faults(f"{where}/Dbtr/PstlAdr", fitted(one.address, profile), profile)


def _body(document: _Element, order: DebitOrder, profile: Profile) -> None:
    body = add(document, "CstmrDrctDbtInitn")
    count, total, creditor = str(len(order.debits)), f"{order.total:.2f}", order.creditor
    header = add(body, "GrpHdr")
    add(header, "MsgId", order.message_id)
    add(header, "CreDtTm", order.made_at.isoformat(timespec="seconds"))
    add(header, "NbOfTxs", count)
    add(header, "CtrlSum", total)
    add(header, "InitgPty/Nm", creditor.name)
    block = add(body, "PmtInf")
    add(block, "PmtInfId", order.message_id)
    add(block, "PmtMtd", "DD")
    if profile.batch_booking is not None:
        add(block, "BtchBookg", "true" if profile.batch_booking else "false")
    add(block, "NbOfTxs", count)
    add(block, "CtrlSum", total)
    kind = add(block, "PmtTpInf")
    add(kind, "SvcLvl/Cd", "SEPA")
    add(kind, "LclInstrm/Cd", "CORE")
    add(kind, "SeqTp", "RCUR")
    add(block, "ReqdColltnDt", order.collect_on.isoformat())
    add_party(block, "Cdtr", creditor.name, fitted(creditor.address, profile))
    add(block, "CdtrAcct/Id/IBAN", compact(creditor.iban))
    _agent(block, "CdtrAgt", creditor.bic)
    add(block, "ChrgBr", "SLEV")
    scheme = add(block, "CdtrSchmeId/Id/PrvtId/Othr")
    add(scheme, "Id", compact(creditor.identifier))
    add(scheme, "SchmeNm/Prtry", "SEPA")
    for one in order.debits:
        _written(block, one, profile)


def _written(block: _Element, one: Debit, profile: Profile) -> None:
    debit = add(block, "DrctDbtTxInf")
    add(debit, "PmtId/EndToEndId", one.end_to_end)
    add(debit, "InstdAmt", major_text(one.amount, one.currency), Ccy=one.currency)
    mandate = add(debit, "DrctDbtTx/MndtRltdInf")
    add(mandate, "MndtId", one.mandate)
    add(mandate, "DtOfSgntr", one.signed_on.isoformat())
    _agent(debit, "DbtrAgt", one.bic)
    add_party(debit, "Dbtr", one.name, fitted(one.address, profile))
    add(debit, "DbtrAcct/Id/IBAN", compact(one.iban))
    if one.text:
        add(debit, "RmtInf/Ustrd", one.text)


def _agent(parent: _Element, role: str, bic: str) -> None:
    agent = add(parent, f"{role}/FinInstnId")
    if bic:
        add(agent, "BICFI", bic)
    else:
        add(agent, "Othr/Id", "NOTPROVIDED")
