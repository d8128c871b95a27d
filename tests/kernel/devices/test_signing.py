"""The reference client and the city agree on the bytes."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.devices import envelope, keys
from cityhall.simulator import signing

KEY = bytes(range(32))
# Made with OpenSSL, which knows neither of the two:
# printf 'cityhall-1\nbus-12\n1716200000000\n41\n[{"kind":"position","lat":-30.03}]' |
#   openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f
PAYLOAD = '[{"kind":"position","lat":-30.03}]'
SIGNATURE = "9d51dc2341684d2a005866ec339ca7db66ccb67d21fe5e7b1e4af9bd1cb0c36c"


def test_vector_of_a_third_party() -> None:
    assert signing.sign(KEY, "bus-12", 1716200000000, 41, PAYLOAD) == SIGNATURE
    read = envelope.Envelope("bus-12", 1716200000000, 41, PAYLOAD, SIGNATURE)
    assert envelope.signed_by(read, KEY)
    assert not envelope.signed_by(read, KEY[::-1])


@given(
    key=st.binary(min_size=32, max_size=32),
    messages=st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-9, 9))),
    sent_at=st.integers(0, 2**53),
)
def test_what_the_client_signs_the_city_reads(key: bytes, messages: list[dict[str, int]], sent_at: int) -> None:
    body = signing.Signer("bus-12", keys.as_text(key)).envelope(messages, sent_at=sent_at)
    read = envelope.read(body)
    assert envelope.signed_by(read, key)
    assert (read.device, read.sent_at, envelope.messages_of(read)) == ("bus-12", sent_at, messages)


@pytest.mark.parametrize("field", ["device", "sent_at", "nonce", "payload"])
def test_a_change_anywhere_breaks_the_signature(field: str) -> None:
    body = json.loads(signing.Signer("bus-12", keys.as_text(KEY)).envelope([{"kind": "position"}]))
    body[field] = body[field] + 1 if isinstance(body[field], int) else body[field].replace("i", "j") + "x"
    assert not envelope.signed_by(envelope.read(json.dumps(body).encode()), KEY)


def test_nonces_go_up_and_go_on_after_a_new_start() -> None:
    first = signing.Signer("bus-12", keys.as_text(KEY))
    nonces = [json.loads(first.envelope([]))["nonce"] for _ in range(100)]
    assert nonces == sorted(set(nonces))
    # No device starts twice in one millisecond.
    begun = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == begun:
        pass
    second = signing.Signer("bus-12", keys.as_text(KEY))
    assert json.loads(second.envelope([]))["nonce"] > nonces[0]


def test_a_key_reads_padded_or_not() -> None:
    padded = base64.urlsafe_b64encode(KEY).decode()
    assert signing.key_bytes(padded) == signing.key_bytes(padded.rstrip("=")) == KEY
