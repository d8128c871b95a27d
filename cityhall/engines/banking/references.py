"""References that say what a payment is for (ISO 11649), and account numbers (ISO 13616)."""

from __future__ import annotations

import re

CREDITOR_REFERENCE = re.compile(r"RF\d{2}[A-Z0-9]{1,21}", re.ASCII)
CREDITOR_ID = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{3}[A-Z0-9]{1,28}", re.ASCII)
NO_LETTER = re.compile(r"[^A-Z0-9]+")
LONGEST_BODY = 21


def _mod97(text: str) -> int:
    """ISO 7064 MOD 97-10 over letters and digits, A as 10 to Z as 35."""
    return int("".join(str(int(one, 36)) for one in text)) % 97


def squeezed(text: str) -> str:
    """Letters and digits only, capitals: how references are compared, whatever blanks a bank or a payer put in."""
    return NO_LETTER.sub("", text.upper())


def make_creditor_reference(body: str) -> str:
    """An RF reference for 1 to 21 letters and digits: "539007547034" gives "RF18539007547034". Raises ValueError."""
    clean = squeezed(body)
    if not 1 <= len(clean) <= LONGEST_BODY:
        raise ValueError(f"A creditor reference has 1 to {LONGEST_BODY} letters and digits, not {len(clean)}.")
    return f"RF{98 - _mod97(clean + 'RF00'):02d}{clean}"


def is_creditor_reference(text: str) -> bool:
    """Whether it is an ISO 11649 reference whose check digits are right. Blanks do not matter."""
    clean = "".join(text.split()).upper()
    return bool(CREDITOR_REFERENCE.fullmatch(clean)) and _mod97(clean[4:] + clean[:4]) == 1


def creditor_id_fault(text: str) -> str:
    """What is wrong with a SEPA creditor identifier ("DE98ZZZ09999999999", EPC262-08); "" where nothing is.

    Its check digits are over country and national part; the three characters between are the creditor's own affair.
    """
    clean = "".join(text.split()).upper()
    if not CREDITOR_ID.fullmatch(clean):
        return "a creditor identifier is a country, two digits, three characters and a national part"
    return "" if _mod97(clean[7:] + clean[:4]) == 1 else "its check digits are wrong"


def spaced(reference: str) -> str:
    """In groups of four, as it is printed for people."""
    return " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))


def iban_fault(text: str) -> str:
    """ "" where it is an IBAN of its country's structure with right check digits; else why it is none."""
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    clean = "".join(text.split()).upper()
    try:
        IBAN(clean)
    except SchwiftyException as problem:
        return str(problem)[:120] or "it is no IBAN"
    return ""


def bic_fault(text: str) -> str:
    """ "" where it has the form of a BIC of an existing country (ISO 9362); else why not."""
    from schwifty import BIC
    from schwifty.exceptions import SchwiftyException

    try:
        BIC(text)
    except SchwiftyException as problem:
        return str(problem)[:120] or "it is no BIC"
    return ""
