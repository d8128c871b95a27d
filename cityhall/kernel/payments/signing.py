"""The sandbox's signature on a message: HMAC-SHA256 of its moment and body, as card providers sign theirs."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.utils import timezone

from cityhall.kernel.payments.providers import Refused
from cityhall.kernel.values import whole

HEADER = "Sandbox-Signature"
TOLERANCE_S = 300
"""How old a message may be, and how far ahead its sender's clock."""


def secret() -> bytes:
    """What sandbox and city both know: made of the city's own key, for this use only."""
    return hmac.new(settings.SECRET_KEY.encode(), b"payments sandbox", hashlib.sha256).digest()


def sign(body: bytes, at: int | None = None) -> str:
    """The header's value, `t=<seconds since 1970>,v1=<hex>`."""
    at = int(timezone.now().timestamp()) if at is None else at
    return f"t={at},v1={_made(at, body)}"


def _made(at: int, body: bytes) -> str:
    return hmac.new(secret(), b"%d." % at + body, hashlib.sha256).hexdigest()


def check(body: bytes, header: str) -> None:
    """Raises Refused ("forged", "too_old") unless this was signed with the secret, not long ago."""
    parts = dict(part.split("=", 1) for part in header[:500].split(",") if "=" in part)
    at = whole(parts.get("t", ""), 2**40)
    given = parts.get("v1", "")
    if at is None or not given.isascii() or not hmac.compare_digest(given, _made(at, body)):
        raise Refused("forged")
    if abs(timezone.now().timestamp() - at) > TOLERANCE_S:
        raise Refused("too_old")
