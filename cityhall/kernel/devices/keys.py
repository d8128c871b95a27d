"""Devices' keys: made here, encrypted at rest, never logged.

A database that leaks does not give them away: they are sealed with Fernet (AES-128-CBC and HMAC-SHA256) under a key
derived from the city's SECRET_KEY by HKDF (RFC 5869). Keys sealed under one of SECRET_KEY_FALLBACKS still open.
"""

from __future__ import annotations

import base64
import hmac
import logging
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Unavailable

KEY_BYTES = 32
log = logging.getLogger(__name__)


@lru_cache(maxsize=8)
def _fernet(secret_keys: tuple[str, ...]) -> MultiFernet:
    derived = (
        HKDF(SHA256(), 32, salt=None, info=b"cityhall device keys").derive(secret.encode()) for secret in secret_keys
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def _cipher() -> MultiFernet:
    return _fernet((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def new_key() -> bytes:
    """A fresh 256-bit key."""
    return secrets.token_bytes(KEY_BYTES)


def as_text(key: bytes) -> str:
    """A key as it is given out, base64url without padding."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def seal(key: bytes) -> bytes:
    """A key as it is stored."""
    return _cipher().encrypt(key)


def unseal(stored: bytes) -> bytes:
    """The key in a stored one. Raises Unavailable where it was sealed under another SECRET_KEY."""
    try:
        return _cipher().decrypt(stored)
    except InvalidToken:
        raise Unavailable(
            _("This device's key cannot be read: the city's secret key has changed."),
            code="key_unreadable",
            mend=_("Put the former key into SECRET_KEY_FALLBACKS, or give the device a new key."),
        ) from None


def opens(stored: bytes, shown: str) -> bool:
    """Whether what somebody shows is the key in a stored one; takes as long for a near miss as for a far one."""
    try:
        return hmac.compare_digest(as_text(unseal(stored)).encode(), shown.rstrip("=").encode())
    except Unavailable as problem:
        log.error("%s", problem)
        return False
