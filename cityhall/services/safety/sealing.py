"""Words that nobody reads in a database that leaks: sealed as devices' keys are (`kernel/devices/keys.py`)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import keys
from cityhall.kernel.errors import Unavailable


def sealed(text: str) -> bytes:
    """A text as it is stored."""
    return keys.seal(text.encode())


def opened(stored: bytes | memoryview) -> str:
    """The text in a stored one. Raises Unavailable where it was sealed under another SECRET_KEY."""
    try:
        return keys.unseal(bytes(stored)).decode()
    except Unavailable:
        raise Unavailable(
            _("This cannot be read: the city's secret key has changed."),
            code="key_unreadable",
            mend=_("Put the former key into SECRET_KEY_FALLBACKS, or write it anew."),
        ) from None
