"""Codes that people follow an alert or a way by, without an account: what is kept of one does not open anything."""

from __future__ import annotations

import base64
import hashlib
import hmac

from django.conf import settings


def code_of(key: str) -> str:
    """What follows the alert: 100 bits that only whoever has the key, and the city, can make out."""
    return spelt(hmac.new(settings.SECRET_KEY.encode(), f"safety follow {key}".encode(), hashlib.sha256).digest())


def spelt(secret: bytes) -> str:
    """The first 100 bits of a secret as people type them: 20 letters and digits, a digit among them.

    By that the log knows it for a secret (`kernel/discreet.py`); one without, in sixty, would be taken for a word.
    """
    code = base64.b32encode(secret).decode()[:20].lower()
    return code if any(letter.isdigit() for letter in code) else f"{code[:-1]}2"


def hash_of(code: str) -> bytes:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).digest()
