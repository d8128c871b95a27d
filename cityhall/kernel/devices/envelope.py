"""Reading and checking an envelope. `cityhall/simulator/signing.py` tells the format and is the reference client."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices.models import PUBLIC_ID
from cityhall.kernel.errors import CityhallError, Invalid, TooMany

VERSION = "cityhall-1"
LONGEST_BODY = 256 * 1024
"""Bytes an envelope may have."""
MOST_MESSAGES = 500
"""Messages an envelope may carry."""
SKEW_MS = 120_000
"""How far a device's clock may be off, either way."""
LARGEST_NONCE = 2**63 - 1
AHEAD_US = 2 * SKEW_MS * 1000
"""How far a nonce may be above the city's clock in microseconds: one that is taken shuts out all below it, and so for
no longer than this. Devices count from 1, or from their clock, which may be off by SKEW_MS."""
_ID = re.compile(PUBLIC_ID)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class Unsigned(CityhallError):
    """Nobody known signed this: the device is not known, or its signature is wrong. Which, is not told."""

    status = 401


class TooLarge(TooMany):
    """The body or the batch is over its limit."""

    status = 413


@dataclass(frozen=True, slots=True)
class Envelope:
    """One signed sending. `sent_at` is in ms since 1970 UTC; `payload` the messages as the text that was signed."""

    device: str
    sent_at: int
    nonce: int
    payload: str
    signature: str


def _malformed(field: str, mend: Any) -> Invalid:
    return Invalid(_("This is not an envelope."), code="malformed", field=field, mend=mend)


def read(body: bytes) -> Envelope:
    """The envelope in `body`. Raises TooLarge over LONGEST_BODY, Invalid where it is not one."""
    if len(body) > LONGEST_BODY:
        raise too_large()
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        raise _malformed("", _("Send one JSON object with device, sent_at, nonce, payload and signature."))
    device, sent_at, nonce = values.get("device"), values.get("sent_at"), values.get("nonce")
    payload, signature = values.get("payload"), values.get("signature")
    if not isinstance(device, str) or not _ID.fullmatch(device):
        raise _malformed("device", _("Give the id the device was registered with."))
    # bool is an int to Python, so the type itself is asked for.
    if type(sent_at) is not int or not 0 <= sent_at <= LARGEST_NONCE:
        raise _malformed("sent_at", _("Give whole milliseconds since 1970 UTC."))
    if type(nonce) is not int or not 1 <= nonce <= LARGEST_NONCE:
        raise _malformed("nonce", _("Give a whole number from 1 to 2^63 - 1."))
    if not isinstance(payload, str):
        raise _malformed("payload", _("Give the messages as JSON text: the very text that was signed."))
    if not isinstance(signature, str) or not _SIGNATURE.fullmatch(signature):
        raise _malformed("signature", _("Give HMAC-SHA256 as 64 hexadecimal digits in small letters."))
    return Envelope(device, sent_at, nonce, payload, signature)


def too_large() -> TooLarge:
    """The refusal of a body over LONGEST_BODY."""
    return TooLarge(
        _("The envelope is too large."),
        code="oversize",
        mend=_("Send at most %(bytes)d bytes and %(messages)d messages at once.")
        % {"bytes": LONGEST_BODY, "messages": MOST_MESSAGES},
    )


def signed_by(envelope: Envelope, key: bytes) -> bool:
    """Whether `key` signed it; takes as long for a near miss as for a far one."""
    text = f"{VERSION}\n{envelope.device}\n{envelope.sent_at}\n{envelope.nonce}\n{envelope.payload}"
    return hmac.compare_digest(hmac.new(key, text.encode(), sha256).hexdigest(), envelope.signature)


def check_clock(envelope: Envelope, received_at: datetime) -> None:
    """Raises Invalid where it was sent over SKEW_MS before or after `received_at`."""
    now = int(received_at.timestamp() * 1000)
    if abs(now - envelope.sent_at) <= SKEW_MS:
        return
    late = envelope.sent_at < now
    raise Invalid(
        _("The envelope is too old.") if late else _("The envelope is from the future."),
        code="stale" if late else "future",
        field="sent_at",
        mend=_("Set the device's clock: here it is %(now)d ms since 1970 UTC.") % {"now": now},
    )


def check_nonce(envelope: Envelope, received_at: datetime) -> None:
    """Raises Invalid where the nonce is over AHEAD_US above the clock: taken, it would shut the device out for long."""
    most = int(received_at.timestamp() * 1_000_000) + AHEAD_US
    if envelope.nonce > most:
        raise Invalid(
            _("The nonce is too large."),
            code="nonce_ahead",
            field="nonce",
            mend=_("Count from 1, or from the clock in microseconds since 1970 UTC; at most %(most)d now.")
            % {"most": most},
        )


def messages_of(envelope: Envelope) -> list[Any]:
    """The messages it carries, of whatever kind they are.

    Raises Invalid where the payload is no JSON array, TooLarge where there are over MOST_MESSAGES.
    """
    try:
        messages = orjson.loads(envelope.payload)
    except orjson.JSONDecodeError:
        messages = None
    if not isinstance(messages, list):
        raise _malformed("payload", _("Give the messages as a JSON array of objects."))
    if len(messages) > MOST_MESSAGES:
        raise too_large()
    return messages
