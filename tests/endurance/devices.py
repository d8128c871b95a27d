"""Hostile peers at the doors of devices: HTTP, receivers' TCP, the caster, and the mailbox."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, ClassVar

import httpx

from cityhall.simulator.signing import Signer, key_bytes, sign
from tests.endurance.hostile import Hostile
from tests.endurance.wires import SHUT, Holding


class ForgedMessages(Hostile):
    """Messages that nobody signed, or somebody did and sent already, or from another time, or that are none."""

    every = 0.1
    expected = frozenset({"401", "403", "409", "413", "422", "429", "taken once"})

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._http = httpx.Client(base_url=self.city.address, timeout=30, verify=False)
        signer = Signer(self.city.device, self.city.key, ahead_s=self.city.ahead)
        self._signed = signer.envelope([{"kind": "position", "vehicle": "bus-1", "lon": 1e308, "lat": "x"}])
        self._sent = False

    def step(self) -> None:
        forge = self.rng.choice([self._replayed, self._forged, self._late, self._counting, self._none, self._large])
        body = forge()
        answer = self._http.post("/api/devices/messages", content=body, headers={"X-Forwarded-For": self.source()})
        outcome = str(answer.status_code)
        if forge == self._replayed and not self._sent:
            outcome, self._sent = "taken once" if outcome == "200" else outcome, True
        self.count(outcome, f"{forge.__name__} {body[:100]!r}", answer.text)

    def _replayed(self) -> bytes:
        return self._signed

    def _forged(self) -> bytes:
        device = self.rng.choice(["demo-fleet", "nobody", "a" * 300, "\0", secrets.token_hex(20)])
        values = {"device": device, "sent_at": self._now(), "nonce": 2**62, "payload": "[]", "signature": "0" * 64}
        return json.dumps(values).encode()

    def _signed_as(self, sent_at: int, nonce: Any, payload: str) -> bytes:
        signature = sign(key_bytes(self.city.key), self.city.device, sent_at, nonce, payload)
        values = {"device": self.city.device, "sent_at": sent_at, "nonce": nonce}
        return json.dumps(values | {"payload": payload, "signature": signature}).encode()

    def _late(self) -> bytes:
        return self._signed_as(self._now() - 3_600_000, 2**62, '[{"kind":"position"}]')

    def _counting(self) -> bytes:
        nonce = self.rng.choice([2**63, 2**64, -1, 0, 10**400])
        return self._signed_as(self._now(), nonce, '[{"kind":"position"}]')

    def _none(self) -> bytes:
        return self.rng.choice([b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"device":1}', b"null"])

    def _large(self) -> bytes:
        return b'{"device":"' + b"x" * 400_000 + b'"}'

    def _now(self) -> int:
        return round((time.time() + self.city.ahead) * 1000)

    def end(self) -> None:
        self._http.close()


class ForgedPresses(ForgedMessages):
    """The same at the door of what is urgent, alone and many at once: nobody is alarmed by it."""

    expected = frozenset({"400", "401", "403", "413", "422", "429", "refused"})

    def step(self) -> None:
        forge = self.rng.choice([self._forged, self._nobodys, self._none, self._large])
        body, headers = forge(), {"X-Forwarded-For": self.source()}
        if self.rng.random() < 0.5:
            answer = self._http.post("/api/devices/urgent", content=body, headers=headers)
            self.count(answer.status_code, f"{forge.__name__} {body[:100]!r}", answer.text)
            return
        answer = self._http.post("/api/devices/urgent/batch", content=b"[" + body + b"]", headers=headers)
        told = answer.json() if answer.status_code == 200 else []
        outcome = "refused" if told and not any(one["receipt"] for one in told) else str(answer.status_code)
        self.count(outcome, f"batch {forge.__name__} {body[:100]!r}", answer.text)

    def _nobodys(self) -> bytes:
        """Signed by a device that may send no such thing."""
        return self._signed_as(self._now(), self.rng.randrange(1, 2**62), '[{"kind":"open the gates"}]')


class ReceiversNonsense(Holding):
    """Lines of receivers that are none: no such receiver, wrong sums, sentences without an end, as fast as it goes."""

    every, a_step, most, patience_s = 0.5, 1, 8, 20.0
    expected = SHUT
    LINES: ClassVar = (
        b"$PCHID,nobody*00\r\n",
        b"$GNGGA,,,,,,,,,,,,,,*00\r\n" * 50,
        b"$GNGGA," + b"9" * 60_000,
        b"\xb5\x62\x01\x07\xff\xff" + b"\x00" * 4000,
        b"\xb5\x62" * 5000,
        b"\x00" * 10_000,
        b"$" * 10_000,
    )

    def port(self) -> int:
        return self.city.receiver_port

    def first(self) -> bytes:
        return self.rng.choice(self.LINES)

    more = first


class CasterNonsense(Holding):
    """Who asks the caster for what they may not have, sends as a station that they are not, or says nothing."""

    every, a_step, most, patience_s = 0.5, 2, 150, 30.0
    expected = SHUT | {"400", "401", "403", "404"}
    HEADS: ClassVar = (
        b"",
        b"GET /CENTRO HTTP/1.1\r\nHost: x\r\nNtrip-Version: Ntrip/2.0\r\nAuthorization: Basic QTpC\r\n\r\n",
        b"GET /NOWHERE HTTP/1.0\r\nUser-Agent: NTRIP x\r\n\r\n",
        b"SOURCE wrong /CENTRO\r\nSource-Agent: NTRIP x\r\n\r\n" + b"\xd3\x00\x13" + bytes(1000),
        b"POST /CENTRO HTTP/1.1\r\nHost: x\r\nNtrip-Version: Ntrip/2.0\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000,
        b"\x00" * 3000,
        b"GET /\xff\xfe HTTP/9\r\n\r\n",
    )

    def port(self) -> int:
        return self.city.ntrip_port

    def first(self) -> bytes:
        return self.rng.choice(self.HEADS)


class Letters(Hostile):
    """Letters that raise, that machines wrote, that hold no sender; how each ended is seen in the mailbox."""

    every = 10.0
    expected = frozenset({"left"})
    LETTERS: ClassVar = (
        b"",
        b"\x00\xff" * 500,
        b"From: a@b.example\r\nSubject: =?no-such-set?b?////?=\r\n\r\n\xff\xfe",
        b"From: @@@<<>>\r\nSubject: x\r\n\r\nx",
        b"From: a@b.example\r\nAuto-Submitted: auto-replied\r\n\r\nI am away",
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"From: a@b.example\r\n" + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 300,
        b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n====",
        b"From: a@b.example\r\nMessage-ID: <\r\nTo: :;,\r\nSubject: " + b"(" * 5000 + b"\r\n\r\nx",
        b"From: a@b.example\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n" + bytes(1000),
    )

    def step(self) -> None:
        name = secrets.token_hex(8)
        draft = self.city.mailbox / "tmp" / name
        draft.write_bytes(self.rng.choice(self.LETTERS))
        draft.rename(self.city.mailbox / "new" / name)
        self.count("left")
