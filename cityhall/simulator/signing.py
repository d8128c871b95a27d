"""How a device signs what it sends: the reference client, with nothing but Python's own library.

An envelope is one JSON object (UTF-8), sent as the body of `POST /api/devices/messages` or published on
`cityhall/devices/<device>`:

    {"device": "bus-12", "sent_at": 1716200000000, "nonce": 41, "payload": "[{\\"kind\\": ...}]", "signature": "..."}

| field | what it holds |
|---|---|
| device | the id the device was registered with |
| sent_at | milliseconds since 1970-01-01 UTC, by the device's clock; the city allows 120 s either way |
| nonce | a whole number from 1, never used before with this key, and larger from one envelope to the next |
| payload | the messages, a JSON array of objects that each have a `kind`, as *text*: what is signed is that very text |
| signature | HMAC-SHA256 (RFC 2104), hexadecimal, of the bytes below with the device's key |

The signed bytes are these five lines joined by a line feed, without one at the end, in UTF-8:
`cityhall-1`, device, sent_at in decimal, nonce in decimal, payload. The key is given out as base64url text;
the bytes it stands for are the HMAC key.

The city remembers which of the 63 nonces up to the highest one it has seen, so envelopes may overtake one another
a little; one that falls behind by more, or comes twice, is refused. Whoever counts does so from 1, or from the clock in
microseconds since 1970: a nonce over four minutes above the city's clock in microseconds is refused ("nonce_ahead"),
since one that is taken shuts out all below it. An officer who gives the device a new key lets it count anew.

What must not be lost (a button that is pressed) is sent to `POST /api/devices/urgent` or published on
`cityhall/urgent/<device>`: the same envelope, and each message may have an `id` of its own. Whatever its clock says
and however late it comes, it is taken, once; the answer, or what is published on `cityhall/receipts/<device>`, is a
receipt:

    {"device": "pole-7", "nonce": 41, "payload": "[{\\"id\\": \\"41.0\\", \\"subject\\": ...}]", "signature": "..."}

signed alike, over `cityhall-receipt-1`, device, nonce and payload, with the device's own key. Only that means received:
until it has come, the device sends the very same envelope again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

VERSION = "cityhall-1"
RECEIPT = "cityhall-receipt-1"
AHEAD_MS = 240_000
"""So far a nonce may be above the city's clock in microseconds."""


def key_bytes(key: str) -> bytes:
    """The bytes a base64url key stands for, padded or not. Raises ValueError where it is none."""
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def canonical(device: str, sent_at: int, nonce: int, payload: str) -> bytes:
    """The bytes that are signed."""
    return "\n".join((VERSION, device, str(sent_at), str(nonce), payload)).encode()


def sign(key: bytes, device: str, sent_at: int, nonce: int, payload: str) -> str:
    """The signature of an envelope, 64 hexadecimal digits."""
    return hmac.new(key, canonical(device, sent_at, nonce, payload), hashlib.sha256).hexdigest()


class Signer:
    """Signs the envelopes of one device. Several threads may share one.

    Nonces begin at the clock in microseconds and go up by one, so a device that starts anew goes on above where
    it was without having to remember anything; when its clock was ahead and has come back, so do they: what they were,
    the city has refused. `ahead_s`: how far the city's clock is ahead of this machine's.
    """

    def __init__(self, device: str, key: str, *, ahead_s: float = 0.0) -> None:
        self.device = device
        self._key = key_bytes(key)
        self._ahead_ms = round(ahead_s * 1000)
        self._nonce = self._now_ms() * 1000
        self._lock = threading.Lock()

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms  # noqa: TID251 (it stands alone)

    def envelope(self, messages: Sequence[dict[str, Any]], *, sent_at: int | None = None) -> bytes:
        """The envelope for `messages`, ready to be sent; `sent_at` in ms UTC, now where it is left out."""
        with self._lock:
            if self._nonce > (self._now_ms() + AHEAD_MS) * 1000:
                self._nonce = self._now_ms() * 1000
            self._nonce += 1
            nonce = self._nonce
        sent_at = self._now_ms() if sent_at is None else sent_at
        payload = json.dumps(list(messages), separators=(",", ":"), ensure_ascii=False)
        return json.dumps(
            {
                "device": self.device,
                "sent_at": sent_at,
                "nonce": nonce,
                "payload": payload,
                "signature": sign(self._key, self.device, sent_at, nonce, payload),
            },
            ensure_ascii=False,
        ).encode()

    def receipt(self, body: bytes) -> list[dict[str, Any]] | None:
        """What the city says it has received: `id`, `subject` and `received_at` of each message; None if it is forged.

        A message is received when its receipt says so, and is sent again, in the very bytes, until then.
        """
        try:
            said = json.loads(body)
            signed = "\n".join((RECEIPT, said["device"], str(said["nonce"]), said["payload"]))
            right = hmac.new(self._key, signed.encode(), hashlib.sha256).hexdigest()
            if said["device"] != self.device or not hmac.compare_digest(right, said["signature"]):
                return None
            received: list[dict[str, Any]] = json.loads(said["payload"])
        except (ValueError, KeyError, TypeError):
            return None
        return received

    def headers(self, path: str) -> dict[str, str]:
        """What a GET of `path` carries to show who asks: an envelope whose payload is the path itself."""
        envelope = json.loads(self.envelope([{"kind": "get", "path": path}]))
        return {"Cityhall-Envelope": base64.urlsafe_b64encode(json.dumps(envelope).encode()).decode()}
