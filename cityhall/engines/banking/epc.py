"""The text of a QR code that fills in a SEPA transfer (EPC069-12 version 2.1): paid with a phone, without typing."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.engines.banking.amounts import major_text
from cityhall.engines.banking.references import bic_fault, iban_fault, is_creditor_reference

MOST_BYTES = 331
CHARSETS = {1: "utf-8", 2: "iso-8859-1"}
MOST_CENTS = 99_999_999_999
LONGEST_NAME, LONGEST_TEXT, LONGEST_HINT = 70, 140, 70
QR_VERSION = 13
"""No QR code of more modules; its error correction is level M (EPC069-12, section 3)."""


@dataclass(frozen=True)
class Transfer:
    """Who is paid how many euro cents (None: the payer says), and for what: a reference or a text, never both.

    `charset` is 1 (UTF-8) or 2 (ISO 8859-1), as the guidelines number them.
    """

    name: str
    iban: str
    cents: int | None = None
    reference: str = ""
    text: str = ""
    bic: str = ""
    purpose: str = ""
    hint: str = ""
    charset: int = 1


def epc_bytes(transfer: Transfer) -> bytes:
    """What the code holds: version 002. Raises ValueError where the guidelines forbid a field, or it is too long."""
    try:
        found = _text(transfer).encode(CHARSETS[transfer.charset])
    except (KeyError, UnicodeEncodeError):
        raise ValueError("The text cannot be written in the character set asked for.") from None
    if len(found) > MOST_BYTES:
        raise ValueError(f"The code's text has {len(found)} bytes, of {MOST_BYTES}: shorten name or text.")
    return found


def _text(transfer: Transfer) -> str:
    iban = "".join(transfer.iban.split()).upper()
    if fault := iban_fault(iban):
        raise ValueError(f"The account cannot be in an EPC QR code: {fault}.")
    if transfer.bic and (fault := bic_fault(transfer.bic)):
        raise ValueError(f"The BIC cannot be in an EPC QR code: {fault}.")
    if transfer.cents is not None and not 1 <= transfer.cents <= MOST_CENTS:
        raise ValueError("The amount is from 0.01 to 999999999.99 euro.")
    if transfer.reference and transfer.text:
        raise ValueError("It has a reference or a text, not both.")
    reference = "".join(transfer.reference.split()).upper()
    if reference and not is_creditor_reference(reference):
        raise ValueError("The reference is no creditor reference (ISO 11649).")
    if transfer.purpose and not (1 <= len(transfer.purpose) <= 4 and transfer.purpose.isalnum()):
        raise ValueError("The purpose is a code of up to 4 letters.")
    name = _line(transfer.name, LONGEST_NAME, "name")
    if not name:
        raise ValueError("Who is paid has a name.")
    amount = "" if transfer.cents is None else f"EUR{_short(transfer.cents)}"
    lines = [
        *("BCD", "002", str(transfer.charset), "SCT", transfer.bic, name, iban, amount, transfer.purpose, reference),
        _line(transfer.text, LONGEST_TEXT, "text"),
        _line(transfer.hint, LONGEST_HINT, "hint"),
    ]
    while lines and not lines[-1]:
        # The last element that is there is not followed by anything (section 2.2).
        lines.pop()
    return "\n".join(lines)


def _short(cents: int) -> str:
    """As the guidelines' own examples write it: EUR1, EUR12.3 and EUR0.01."""
    text = major_text(cents, "EUR")
    return text.rstrip("0").rstrip(".")


def _line(text: str, longest: int, what: str) -> str:
    clean = " ".join(text.split())
    if len(clean) > longest:
        raise ValueError(f"The {what} has {len(clean)} characters, of {longest}.")
    return clean
