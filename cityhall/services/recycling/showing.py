"""The code of a pickup, which its resident shows and the crew scans or types: it proves that they met.

It is made of the pickup's key and the city's secret, so it is kept nowhere, and no page or answer of the crew has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.crypto import salted_hmac

from cityhall.services.recycling.models import Account, Pickup
from cityhall.services.recycling.models.collected import ALPHABET

SIGNS = 5
"""Of the code, before the one that checks them: a crew that guesses has one try for a pickup."""


def code_of(pickup: Pickup) -> str:
    """The six signs of a pickup; the last one follows from the others (Luhn mod 32), so that a slip is seen at once."""
    digest = salted_hmac(__name__, str(pickup.key), algorithm="sha256").digest()
    signs = [byte % len(ALPHABET) for byte in digest[:SIGNS]]
    return "".join(ALPHABET[one] for one in (*signs, -_sum([*signs, 0]) % len(ALPHABET)))


def tidy(text: str) -> str:
    """A code as it is kept, however it was written."""
    return "".join(text.split()).replace("-", "").upper()


def may_be(text: str) -> bool:
    """Whether this may be a code at all: of a card, or of a pickup without a slip."""
    code = tidy(text)
    if any(sign not in ALPHABET for sign in code):
        return False
    return len(code) == 8 or (len(code) == SIGNS + 1 and _sum([ALPHABET.index(sign) for sign in code]) == 0)


def is_theirs(text: str, pickup: Pickup, account: Account) -> bool:
    """Whether this is the code of the pickup, or that of the card of who has its points."""
    return tidy(text) in (code_of(pickup), account.code)


def _sum(signs: Sequence[int]) -> int:
    base, total = len(ALPHABET), 0
    for place, sign in enumerate(reversed(signs)):
        double = sign * 2 if place % 2 else sign
        total += double // base + double % base
    return total % base
