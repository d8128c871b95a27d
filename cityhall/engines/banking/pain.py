"""pain.001.001.09, written: an order leaves only if the bank's rules and the official schema both let it."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from cityhall.engines.banking.amounts import major_text
from cityhall.engines.banking.message import BankFileError
from cityhall.engines.banking.order import Address, Order, Payment
from cityhall.engines.banking.order_checks import faults_of, fitted
from cityhall.engines.banking.profiles import Profile

if TYPE_CHECKING:
    from lxml.etree import XMLSchema, _Element

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SCHEMA = "pain.001.001.09.xsd"
MOST_FAULTS_TOLD = 10


def write_order(order: Order, profile: Profile, today: date) -> bytes:
    """The file for the bank, in UTF-8; the same order gives the same bytes.

    Raises BankFileError, naming what is wrong, where a rule of the bank or the schema refuses it.
    """
    from lxml import etree

    if faults := faults_of(order, profile, today):
        told = "; ".join(str(one) for one in faults[:MOST_FAULTS_TOLD])
        raise BankFileError(f"The bank would refuse it ({len(faults)}): {told}")
    document = etree.Element("Document", nsmap={None: NAMESPACE})
    _body(document, order, profile)
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    if fault := schema_fault(written):
        raise BankFileError(f"The schema refuses it: {fault}")
    return written


def schema_fault(data: bytes, name: str = SCHEMA) -> str:
    """ "" where the document is valid by an official schema (pain.001.001.09); else the first fault."""
    from lxml import etree

    schema = _schema(name)
    try:
        document = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as problem:
        return str(problem)[:200]
    if schema.validate(document):
        return ""
    return str(schema.error_log[0].message)[:300]


@cache
def _schema(name: str) -> XMLSchema:
    from lxml import etree

    return etree.XMLSchema(etree.fromstring(files("sepaxml").joinpath("schemas", name).read_bytes()))


def add(parent: _Element, path: str, text: str | None = None, **attributes: str) -> _Element:
    """Elements one in the other ("Id/IBAN") under a parent, the last with text and attributes; gives the last."""
    from lxml import etree

    for name in path.split("/"):
        parent = etree.SubElement(parent, name)
    if text is not None:
        parent.text = text
    for name, value in attributes.items():
        parent.set(name, value)
    return parent


def _body(document: _Element, order: Order, profile: Profile) -> None:
    body = add(document, "CstmrCdtTrfInitn")
    count, total = str(len(order.payments)), f"{order.total:.2f}"
    header = add(body, "GrpHdr")
    add(header, "MsgId", order.message_id)
    add(header, "CreDtTm", order.made_at.isoformat(timespec="seconds"))
    add(header, "NbOfTxs", count)
    add(header, "CtrlSum", total)
    add(header, "InitgPty/Nm", order.debtor.name)
    block = add(body, "PmtInf")
    add(block, "PmtInfId", order.message_id)
    add(block, "PmtMtd", "TRF")
    if profile.batch_booking is not None:
        add(block, "BtchBookg", "true" if profile.batch_booking else "false")
    add(block, "NbOfTxs", count)
    add(block, "CtrlSum", total)
    add(block, "PmtTpInf/SvcLvl/Cd", "SEPA")
    add(block, "ReqdExctnDt/Dt", order.execute_on.isoformat())
    add_party(block, "Dbtr", order.debtor.name, fitted(order.debtor.address, profile))
    add(block, "DbtrAcct/Id/IBAN", compact(order.debtor.iban))
    agent = add(block, "DbtrAgt/FinInstnId")
    if order.debtor.bic:
        add(agent, "BICFI", order.debtor.bic)
    else:
        add(agent, "Othr/Id", "NOTPROVIDED")
    add(block, "ChrgBr", "SLEV")
    for one in order.payments:
        _payment(block, one, profile)


def _payment(block: _Element, one: Payment, profile: Profile) -> None:
    payment = add(block, "CdtTrfTxInf")
    ids = add(payment, "PmtId")
    add(ids, "EndToEndId", one.end_to_end)
    if one.uetr:
        add(ids, "UETR", one.uetr)
    add(payment, "Amt/InstdAmt", major_text(one.amount, one.currency), Ccy=one.currency)
    if one.bic:
        add(payment, "CdtrAgt/FinInstnId/BICFI", one.bic)
    add_party(payment, "Cdtr", one.name, fitted(one.address, profile))
    add(payment, "CdtrAcct/Id/IBAN", compact(one.iban))
    if one.purpose:
        add(payment, "Purp/Cd", one.purpose)
    if one.reference:
        structured = add(payment, "RmtInf/Strd/CdtrRefInf")
        add(structured, "Tp/CdOrPrtry/Cd", "SCOR")
        add(structured, "Ref", compact(one.reference))
    elif one.text:
        add(payment, "RmtInf/Ustrd", one.text)


def add_party(parent: _Element, role: str, name: str, address: Address) -> None:
    """Somebody's name and address."""
    party = add(parent, role)
    add(party, "Nm", name)
    if not address:
        return
    written = add(party, "PstlAdr")
    tags = (
        ("StrtNm", address.street),
        ("BldgNb", address.building),
        ("PstCd", address.post_code),
        ("TwnNm", address.town),
        ("Ctry", address.country),
        *(("AdrLine", line) for line in address.lines),
    )
    for tag, text in tags:
        if text:
            add(written, tag, text)


def compact(text: str) -> str:
    """Without blanks, in capitals."""
    return "".join(text.split()).upper()
