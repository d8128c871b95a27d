"""camt.052, .053 and .054, versions 1 to 14: every entry is accounted for, or the file is refused with a reason.

Read by its own rules and not by the schemas: banks send what a schema refuses and a treasurer has to book (elements in
another order, a moment where a day belongs), and a schema lets through what does not add up. See docs/bank-files.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cityhall.engines.banking import proving
from cityhall.engines.banking.amounts import amount
from cityhall.engines.banking.entries import entry_of
from cityhall.engines.banking.message import Account, Balance, BankFile, BankFileError, Entry, Statement
from cityhall.engines.banking.tree import Names, local, space
from cityhall.engines.untrusted_xml import root_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 64_000_000
MOST_TAGS = 4_000_000
NEWEST = 14
NAMESPACE = re.compile(r".*[:$/](camt\.05[234])\.001\.(\d\d)", re.ASCII)
OTHER_MESSAGE = re.compile(r".*[:$/]((?:pain|camt|pacs|head|admi|acmt|auth)\.\d{3})(?:\.\d{3}\.\d\d)?", re.ASCII)
PARTS = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt", "RptPgntn", "a report"),
    "camt.053": ("BkToCstmrStmt", "Stmt", "StmtPgntn", "a statement"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "NtfctnPgntn", "a notification"),
}


def read_statement(data: bytes) -> BankFile:
    """All that the file says. Raises BankFileError, with the reason, where any of it is not accounted for."""
    _refuse_what_is_no_xml(data)
    too_large = f"It is too large: at most {MOST_BYTES // 1_000_000} MB are read."
    root = root_of(_trimmed(data), BankFileError, too_large, MOST_BYTES, MOST_TAGS)
    documents = _documents(root)
    files = [_read_document(document) for document in documents]
    first = files[0]
    if any((file.kind, file.version) != (first.kind, first.version) for file in files):
        raise BankFileError("It is an envelope of messages of different kinds: give each as a file of its own.")
    statements = proving.without_copies([one for file in files for one in file.statements])
    proved = tuple(proving.proved(first.kind, statements))
    notes = tuple(dict.fromkeys(note for file in files for note in file.notes))
    return BankFile(first.kind, first.version, first.message_id, proved, notes)


def _refuse_what_is_no_xml(data: bytes) -> None:
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise BankFileError("It is empty.")
    for sign, what in (
        (b"\x1f\x8b", "packed (gzip): unpack it first"),
        (b"PK\x03\x04", "a ZIP archive: unpack it first, and give each file in it"),
        (b"%PDF", "a PDF: ask the bank for the statement as camt.053"),
        (b":20:", "a statement in MT940: ask the bank for camt.053"),
        (b"{1:", "a SWIFT message (MT): ask the bank for camt.053"),
    ):
        if start.startswith(sign):
            raise BankFileError(f"It is {what}.")
    lower = start[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html")) or b"<html" in lower:
        raise BankFileError("It is a page (HTML), not a bank's file: perhaps the bank's page that asks to sign in.")
    if start[:1] not in (b"<", b"\xff", b"\xfe", b"\x00", b"\x4c"):
        what = "JSON" if start[:1] in (b"{", b"[") else "text or a table (CSV), perhaps"
        raise BankFileError(f"It is not XML: {what}. Statements are read as camt.052, .053 or .054.")


def _trimmed(data: bytes) -> bytes:
    """Without what some banks write before the XML declaration, where none may stand."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    return data.lstrip(b" \t\r\n") if data[:1] in (b" ", b"\t", b"\r", b"\n") else data


def _documents(root: _Element) -> list[_Element]:
    """The camt documents: the root itself, or those that an envelope (business message, EBICS) carries."""
    if _kind(root):
        return [root]
    inside = [one for one in root.iter() if local(one) == "Document" and _kind(one)]
    if inside:
        return inside
    named = local(root)
    for place in (space(root), *(space(one) for one in root)):
        if found := OTHER_MESSAGE.fullmatch(place):
            version = NAMESPACE.fullmatch(place)
            if version:
                raise BankFileError(f"It is {version[1]} in version {version[2]}: 01 to {NEWEST} are read.")
            raise BankFileError(f"It is {found[1]}, which is no statement: camt.052, .053 and .054 are read.")
    if named == "Document" or named in {parts[0] for parts in PARTS.values()}:
        raise BankFileError(f"Its namespace {space(root)[:80]!r} is of no camt.052, .053 or .054.")
    raise BankFileError(f"It is XML, but no bank's statement: its root is {named[:60]!r}.")


def _kind(document: _Element) -> tuple[str, int] | None:
    found = NAMESPACE.fullmatch(space(document))
    if not found or not 1 <= int(found[2]) <= NEWEST or local(document) != "Document":
        return None
    return found[1], int(found[2])


def _read_document(document: _Element) -> BankFile:
    kind, version = _kind(document) or ("", 0)
    name, part, pages, called = PARTS[kind]
    names = Names(space(document))
    bodies = [one for one in document if isinstance(one.tag, str)]
    if len(bodies) != 1 or local(bodies[0]) not in (name, f"{name}V01") or space(bodies[0]) != names.space:
        raise BankFileError(f"It says that it is {kind}, and holds {[local(one) for one in bodies][:3]}, not {name}.")
    found = names.all(bodies[0], part)
    if not found:
        raise BankFileError(f"It holds no {part}: {called} belongs into every {kind}.")
    statements = tuple(_statement(names, one, kind, pages) for one in found)
    _refuse_strays(document, statements)
    header = names.one(bodies[0], "GrpHdr")
    message = names.text(header, "MsgId") if header is not None else ""
    notes: tuple[str, ...] = ()
    if header is not None and names.text(header, "MsgPgntn/LastPgInd") in ("false", "0"):
        notes = ("The message goes on in another file: this one is not its last page.",)
    return BankFile(kind, version, message, statements, notes)


def _refuse_strays(document: _Element, statements: tuple[Statement, ...]) -> None:
    """Whatever is called an entry, a transaction or a balance stands where it was read, or in what banks add freely."""
    entries = [entry for statement in statements for entry in statement.entries]
    read = {
        "Ntry": len(entries),
        "TxDtls": sum(line.detailed for entry in entries for line in entry.lines),
        "Bal": sum(len(statement.balances) for statement in statements),
    }
    for what in read:
        called = f"{{*}}{what}"
        free = sum(1 for one in document.iter(called) if next(one.iterancestors("{*}SplmtryData"), None) is not None)
        number = sum(1 for _ in document.iter(called)) - free
        if number != read[what]:
            raise BankFileError(f"It has {number} {what}, of which {number - read[what]} stand where none is read.")


def _statement(names: Names, element: _Element, kind: str, pages: str) -> Statement:
    identity = names.text(element, "Id")
    called = f"Statement {identity[:35]!r}"
    account = _account(names, element)
    balances = tuple(_balance(names, one, called) for one in names.all(element, "Bal"))
    entries: list[Entry] = []
    for number, one in enumerate(names.all(element, "Ntry"), 1):
        entries.append(entry_of(names, one, f"{called}, entry {number}", kind))
    page = names.text(element, f"{pages}/PgNb")
    statement = Statement(
        id=identity,
        account=account,
        balances=balances,
        entries=tuple(entries),
        copy=names.text(element, "CpyDplctInd") in ("COPY", "CODU", "DUPL"),
        page=int(page) if page.isascii() and page.isdigit() and len(page) <= 9 else 0,
        last_page=names.text(element, f"{pages}/LastPgInd") not in ("false", "0"),
        key=_key(names, element, account),
    )
    proving.refuse_wrong_sums(names, element, statement, called)
    return statement


def _key(names: Names, element: _Element, account: Account) -> tuple[str, ...]:
    said = (names.text(element, path) for path in ("Id", "ElctrncSeqNb", "LglSeqNb", "CreDtTm"))
    return (account.number, account.currency, *said)


def _account(names: Names, element: _Element) -> Account:
    found = names.one(element, "Acct")
    if found is None:
        return Account()
    other = names.text(found, "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC")
    iban = names.text(found, "Id/IBAN").replace(" ", "").upper()
    return Account(iban, other, names.text(found, "Ccy"), names.text(found, "Nm", "Ownr/Nm"))


def _balance(names: Names, element: _Element, called: str) -> Balance:
    kind = names.text(element, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd")
    said = names.one(element, "Amt")
    if said is None:
        raise BankFileError(f"{called} has a balance ({kind or 'of no kind'}) without an amount.")
    value, currency = amount(said.text, said.get("Ccy"), f"{called}, balance {kind}")
    sign = names.text(element, "CdtDbtInd")
    if sign not in ("CRDT", "DBIT"):
        raise BankFileError(f"{called}, balance {kind}: CdtDbtInd is {sign[:20]!r}, not CRDT or DBIT.")
    return Balance(kind, value if sign == "CRDT" else -value, currency, names.day(element, "Dt"))
