"""The door of the providers: forged, replayed, old, huge and malformed messages are refused and counted."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.payments import hooks, intents, signing
from cityhall.kernel.payments.models import Bill, Hook, HookRefusal, Intent, SandboxEvent
from cityhall.kernel.payments.providers import sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
DOOR = "/api/payments/hooks/sandbox"


@pytest.fixture
def message(bill: Bill) -> bytes:
    """That the bill was paid."""
    intent = intents.start(bill, None, "sandbox", "/")
    sandbox.pay(intent.provider_ref, sandbox.GOOD)
    events = SandboxEvent.objects.order_by("pk")
    return next(one.body.encode() for one in events if b'"captured"' in one.body.encode())


def send(body: bytes, signature: str, **more: Any) -> Any:
    headers = {"Sandbox-Signature": signature}
    return Client(enforce_csrf_checks=True).post(DOOR, body, content_type="application/json", headers=headers, **more)


def refusals() -> dict[str, int]:
    return dict(HookRefusal.objects.values_list("reason", "count"))


def test_a_signed_message_is_believed_and_one_sent_again_changes_nothing(
    message: bytes, bill: Bill, right: Callable[[], None]
) -> None:
    assert send(message, signing.sign(message)).json() == {"taken": 1}
    assert send(message, signing.sign(message)).json() == {"taken": 0}
    bill.refresh_from_db()
    assert bill.state == "paid" and bill.paid == 10_000 and refusals() == {"again": 1}


def test_every_forged_signature_is_refused(message: bytes, bill: Bill) -> None:
    right, now = signing.sign(message), int(timezone.now().timestamp())
    sha1 = hmac.new(signing.secret(), b"%d." % now + message, hashlib.sha1).hexdigest()
    digit = "0" if right[-1] != "0" else "1"
    forged = [
        *("", "x", "t=,v1=", "t=1", "v1=1", f"t={now},v1=", f"t={now},v1={sha1}", f"t={now},v1=é", right[:-1]),
        *(right[:-1] + digit, right.replace("t=", "t=1"), right.upper(), f"t={now},v0={right[-64:]}"),
        f"t={now},v1={hmac.new(b'', b'%d.' % now + message, hashlib.sha256).hexdigest()}",
        f"t={now},v1={hashlib.sha256(message).hexdigest()}",
        f"t={now + 1},v1={right[-64:]}" if right.startswith(f"t={now},") else f"t={now - 100},v1={right[-64:]}",
        signing.sign(message + b" "),
    ]
    for signature in forged:
        answer = send(message, signature)
        assert answer.status_code == 403, signature
    for changed in (message.replace(b"10000", b"90000"), message + b"\n", b""):
        assert send(changed, right).status_code == 403
    bill.refresh_from_db()
    assert not Hook.objects.exists() and bill.paid == 0 and refusals() == {"forged": len(forged) + 3}


def test_an_old_message_is_refused_however_well_it_is_signed(message: bytes) -> None:
    now = int(timezone.now().timestamp())
    for at in (now - signing.TOLERANCE_S - 2, now + signing.TOLERANCE_S + 60, 0):
        assert send(message, signing.sign(message, at)).status_code == 403
    assert refusals() == {"too_old": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"id": 1, "payment": []}',
        b'{"id": "evt", "payment": {"ref": "x", "key": "", "unit": "", "facts": [1]}}',
        b'{"id": "evt", "payment": {"ref": "x", "key": "", "unit": "", "facts":'
        b' [{"kind": "captured", "id": "1", "amount": 1.5, "at": "2026-11-28T12:00:00Z", "key": ""}]}}',
        b'{"id": "evt", "payment": {"ref": "x", "key": "", "unit": "", "facts":'
        b' [{"kind": "captured", "id": "1", "amount": 1, "at": "yesterday", "key": ""}]}}',
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    assert send(body, signing.sign(body)).status_code == 422
    assert refusals() == {"malformed": 1} and not Hook.objects.exists()


def test_what_is_too_large_is_not_read() -> None:
    assert send(b"x" * (hooks.LONGEST + 1), "").status_code == 429
    assert refusals() == {"oversize": 1}


def test_a_provider_that_the_city_does_not_have() -> None:
    for slug in ("stripe", "nobody", "bank"):
        assert Client().post(f"/api/payments/hooks/{slug}", b"{}", content_type="application/json").status_code == 404


def test_a_message_of_nobodys_payment_is_kept_and_tried_again(message: bytes, bill: Bill) -> None:
    told = orjson.loads(message)
    told["payment"] |= {"ref": "sbx_other", "key": ""}
    body = orjson.dumps(told)
    assert send(body, signing.sign(body)).status_code == 200
    hook = Hook.objects.get()
    assert hook.done_at is None and hook.problem == "no_such_payment"
    Intent.objects.update(provider_ref="sbx_other")
    assert hooks.act_on_waiting() == 0, "not at once"
    Hook.objects.update(heard_at=timezone.now() - hooks.timedelta(minutes=1))
    assert hooks.act_on_waiting() == 1
    bill.refresh_from_db()
    assert bill.state == "paid"


def test_what_a_services_hook_raises_undoes_the_booking_and_is_heard_again(
    message: bytes, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cityhall.kernel.payments import bills

    def raises(settled: Any) -> None:
        raise CityhallError("no", code="busy")

    with monkeypatch.context() as patched:
        patched.setattr(bills, "_tell", raises)
        assert send(message, signing.sign(message)).status_code == 200
    bill.refresh_from_db()
    assert bill.paid == 0 and Hook.objects.get().problem == "busy"
    assert send(message, signing.sign(message)).status_code == 200
    bill.refresh_from_db()
    assert bill.paid == 10_000
