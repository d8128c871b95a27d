"""Whether what somebody sent is a warning, whole and as it was signed, in the words of one line of a report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cityhall.engines.cap import reading, rules
from cityhall.engines.cap.message import CapError
from cityhall.engines.cap.parsing import alerts, parse

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from lxml.etree import _Element


@dataclass(frozen=True)
class Check:
    """What a document is: `valid` by the schema and the rules of its version, `signed`, and as it was signed.

    `signature_ok` is None where it is unsigned. `reason` says in English what is wrong, "" where nothing is. An
    envelope is valid where each of its messages is, signed where one is, and as it was signed where each of those is.
    """

    valid: bool
    signed: bool
    signature_ok: bool | None
    reason: str = ""


def check(data: bytes, trusted: Collection[Certificate] = (), at: datetime | None = None) -> Check:
    """Never raises for what the bytes are.

    With `trusted` certificates a signature by any other does not hold; with `at`, when the message came (aware), nor
    does one by a certificate that is not good then.
    """
    try:
        found = alerts(parse(data))
    except CapError as problem:
        return Check(False, False, None, str(problem))
    checks = [_check(alert, trusted, at) for alert in found]
    held = [one.signature_ok for one in checks if one.signed]
    place = next((number for number, one in enumerate(checks) if one.reason), -1)
    reason = checks[place].reason if place >= 0 else ""
    return Check(
        valid=all(one.valid for one in checks),
        signed=bool(held),
        signature_ok=all(held) if held else None,
        reason=f"Message {place + 1} of {len(checks)}: {reason}" if reason and len(checks) > 1 else reason,
    )


def _check(alert: _Element, trusted: Collection[Certificate], at: datetime | None) -> Check:
    from cityhall.engines.cap import signatures

    invalid = _invalid(alert)
    if not signatures.signatures(alert):
        return Check(not invalid, False, None, invalid)
    broken = signatures.problem(alert, trusted, at)
    return Check(not invalid, True, not broken, " ".join(filter(None, (invalid, broken))))


def _invalid(alert: _Element) -> str:
    if problem := rules.problem(alert):
        return problem
    try:
        reading.alert(alert)
    except CapError as problem:
        return str(problem)
    return ""
