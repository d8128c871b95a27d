"""What makes an entry the same entry, in whichever file it stands: so that it is booked once."""

from __future__ import annotations

import hashlib
from collections import Counter

from cityhall.engines.banking.amounts import plain
from cityhall.engines.banking.message import Entry, Statement

SHORTEST_BANK_REFERENCE = 6
"""A shorter one ("1", "000") is a number within a file, not the bank's name for an entry."""


def entry_keys(statement: Statement) -> list[str]:
    """A key for each entry, unique within the statement, the same in a notification and in the statement after it.

    The bank's own reference (AcctSvcrRef) with the amount names an entry of an account. Where there is none, or the
    same twice in a statement, the content does: two that are equal to the letter, and carry no name that is given once
    (NtryRef, UETR, TxId) or are proved by the balances, are told apart by their order, so that the same statement read
    again gives the same keys.
    """
    named = Counter(_by_reference(statement, one) for one in statement.entries)
    keys = []
    seen: Counter[str] = Counter()
    for entry in statement.entries:
        key = _by_reference(statement, entry)
        if not key or (named[key] > 1 and statement.proved):
            key = _by_content(statement, entry)
            seen[key] += 1
            if seen[key] > 1 and (statement.proved or not _is_named(entry)):
                key = f"{key}:{seen[key]}"
        keys.append(key)
    return keys


def _by_reference(statement: Statement, entry: Entry) -> str:
    reference = entry.servicer or (entry.lines[0].references.servicer if len(entry.lines) == 1 else "")
    if len(reference) < SHORTEST_BANK_REFERENCE or not reference.strip("0-"):
        return ""
    return _hashed("reference", statement.account.number, reference, plain(entry.amount), entry.currency)


def _is_named(entry: Entry) -> bool:
    """Whether anything in the entry is a name that a bank gives once."""
    return bool(entry.reference) or any(one.references.uetr or one.references.transaction for one in entry.lines)


def _by_content(statement: Statement, entry: Entry) -> str:
    """Of what banks repeat alike in every kind of file: not the bank's texts, nor whether it is pending."""
    day = entry.booked_on or entry.value_on
    lines = []
    for line in entry.lines:
        said = (line.references.end_to_end, line.references.transaction, line.references.uetr, line.counterparty.iban)
        lines.append("|".join((*said, "".join("".join(line.unstructured).split()))))
    return _hashed(
        "content",
        statement.account.number,
        str(day or ""),
        plain(entry.amount),
        entry.currency,
        entry.servicer,
        entry.reference,
        *lines,
    )


def _hashed(kind: str, *parts: str) -> str:
    return f"{kind}:{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:40]}"
