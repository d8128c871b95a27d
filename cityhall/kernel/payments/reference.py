"""Bills' references in what people and banks write: RF creditor references (ISO 11649), in blocks or in the middle."""

from __future__ import annotations

import re

from cityhall.engines.banking.references import is_creditor_reference

_SPACED = re.compile(r"\b(?=(RF ?\d{2}(?: ?[0-9A-Z]){1,21}))", re.IGNORECASE)
"""Looked ahead to, so that one that begins within a wrong one is found."""


def references_in(text: str) -> list[str]:
    """Every right RF reference in what a bank carries, written in blocks or not, each once."""
    found: dict[str, None] = {}
    for match in _SPACED.finditer(text):
        # What follows the reference may be letters of the next word: the longest right one is meant.
        whole = match.group(1).upper().replace(" ", "")
        for end in range(len(whole), 4, -1):
            if is_creditor_reference(whole[:end]):
                found[whole[:end]] = None
                break
    return list(found)
