"""What the program's log says: what happened where, and nobody's secret, mailbox or address."""

from __future__ import annotations

import logging
import re
from copy import copy
from ipaddress import ip_address

HIDDEN = "…"
# Signatures, reset keys, links' secrets and digests: long, after what begins a part of an address or a value. Words are
# of small letters and hyphens; a secret has digits, or both cases.
_SECRET = re.compile(r"(?<=[/=:'\"])(?=[\w-]*(?:\d|[a-z][\w-]*[A-Z]|[A-Z][\w-]*[a-z]))[\w-]{20,}")
_MAILBOX = re.compile(r"[^\s<>\"'/(),;:=]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?<![\w.])(?=[\da-f]*:[\da-f]*:)[\da-f:]+(?:\d+(?:\.\d+){3})?(?!\w)|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)",
    re.IGNORECASE,
)


def discreet(text: str) -> str:
    """A text without what is long and random in addresses, without mailboxes and without others' network addresses."""
    text = _MAILBOX.sub(HIDDEN, _SECRET.sub(HIDDEN, text))
    return _ADDRESS.sub(lambda found: found[0] if _is_our_own(found[0]) else HIDDEN, text)


def _is_our_own(text: str) -> bool:
    """Whether it says nothing of anybody: this machine, every address, or no address at all (a time of day)."""
    # A colon may be the sentence's.
    for said in (text, text.removesuffix(":")):
        try:
            address = ip_address(said)
        except ValueError:
            continue
        return address.is_loopback or address.is_unspecified
    return True


class Formatter(logging.Formatter):
    """A line of the log, and the traceback below it, without what is nobody's business.

    A request that is refused is its sender's mistake: one line, or strangers would write the log full of tracebacks.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The text that is written."""
        if getattr(record, "status_code", 500) < 500:
            record = copy(record)
            record.exc_info = record.exc_text = None
        return discreet(super().format(record))
