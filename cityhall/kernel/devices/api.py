"""HTTP API of devices: the door for their messages, and what officers may see of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Path, Router, Schema
from ninja.params.functions import Query
from pydantic import Field

from cityhall.kernel.devices import drops, envelope, registry, urgent
from cityhall.kernel.devices.models import Device, DropCount
from cityhall.kernel.devices.receive import receive
from cityhall.kernel.errors import Invalid, Unavailable
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require

router = Router()
MOST_ENVELOPES = 500
"""Of a request."""


class Taken(Schema):
    """What became of an envelope's messages: how many were taken, and how many were not, by reason."""

    accepted: int
    dropped: dict[str, int] = Field(..., description='By reason: "unknown_kind", "no_kind"')


@router.post("/messages", response=Taken, summary="Take a device's signed envelope")
def messages(request: HttpRequest) -> dict[str, Any]:
    """The body is one envelope: `{device, sent_at, nonce, payload, signature}`, at most 256 KiB and 500 messages.

    Answers 401 for a signature nobody known made, 403 for a device switched off, 409 for a nonce used before, 413
    over the limits, 422 for what is no envelope, a clock over 120 s off or a nonce far above it,
    503 where it should be sent again.
    """
    _check_length(request)
    try:
        outcome = receive([request.body])[0]
    except (OperationalError, InterfaceError):
        raise _no_database(wait_s=5) from None
    if outcome.refusal is not None:
        raise outcome.refusal
    return {"accepted": outcome.accepted, "dropped": outcome.dropped}


class Receipt(Schema):
    """What a device is told of an urgent envelope: `signature` is of "cityhall-receipt-1", device, nonce and payload.

    HMAC-SHA256 with the device's key, over the four joined by line feeds. `payload` is JSON text: of each message its
    `id`, the `subject` that it has become and when it was `received_at` first, ms since 1970 UTC.
    """

    device: str
    nonce: int
    payload: str
    signature: str


@router.post("/urgent", response=Receipt, summary="Take a device's urgent envelope, and give a signed receipt")
def urgent_messages(request: HttpRequest) -> HttpResponse:
    """The same envelope as for other messages, for those that must not be lost: a button that is pressed.

    It is taken whatever its clock says; sent again, it is the same message and gets a receipt again. Without a receipt
    it is not received: send it again. Answers 401 for a signature nobody known made, 403 for a device switched off,
    413 over the limits, 422 for what is no envelope or of a kind that is not urgent, 503 where it should be sent again.
    """
    _check_length(request)
    try:
        outcome = urgent.take([request.body])[0]
    except (OperationalError, InterfaceError):
        raise _no_database(wait_s=1) from None
    if outcome.refusal is not None:
        raise outcome.refusal
    return HttpResponse(outcome.receipt, content_type="application/json")


class Told(Schema):
    """What became of one of several envelopes: its receipt, or why there is none."""

    receipt: Receipt | None = None
    refusal: dict[str, Any] | None = None


@router.post("/urgent/batch", response=list[Told], summary="Take several urgent envelopes, and give a receipt of each")
def urgent_batch(request: HttpRequest) -> HttpResponse:
    """For a gateway that speaks for many devices: a JSON array of at most 500 envelopes, taken in one transaction.

    Each is answered by itself, in their order; a refusal says with `status` what the envelope alone would have been
    answered. Answers 413 over the limits, 422 for what is no array, 503 where all should be sent again.
    """
    _check_length(request)
    try:
        bodies = orjson.loads(request.body)
    except ValueError:
        bodies = None
    if not isinstance(bodies, list) or not 0 < len(bodies) <= MOST_ENVELOPES:
        raise Invalid(
            _("This is no array of envelopes."),
            code="no_array",
            mend=_("Send a JSON array of 1 to %(most)d envelopes.") % {"most": MOST_ENVELOPES},
        )
    try:
        outcomes = urgent.take([orjson.dumps(body) for body in bodies])
    except (OperationalError, InterfaceError):
        raise _no_database(wait_s=1) from None
    told = [
        {
            "receipt": orjson.loads(outcome.receipt) if outcome.receipt else None,
            "refusal": outcome.refusal.to_dict() | {"status": outcome.refusal.status} if outcome.refusal else None,
        }
        for outcome in outcomes
    ]
    return HttpResponse(orjson.dumps(told), content_type="application/json")


def _check_length(request: HttpRequest) -> None:
    """Raises TooLarge before the body is read."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > envelope.LONGEST_BODY:
        drops.count("oversize")
        raise envelope.too_large()


def _no_database(wait_s: int) -> Unavailable:
    return Unavailable(
        _("The city's database is not there."), code="no_database", mend=_("Send the same again."), wait_s=wait_s
    )


class DropOut(Schema):
    """Messages not taken on a day (UTC), by device ("": nobody known signed them) and reason."""

    day: date
    device: str
    reason: str
    count: int


@router.get("/drops", response=list[DropOut], summary="Messages that were not taken")
def dropped(request: HttpRequest, days: int = Query(7, ge=1, le=365)) -> list[DropCount]:
    """For officers who may see devices, the latest day first."""
    require(actor_of(request), "devices.view")
    since = timezone.now().date() - timedelta(days=days - 1)
    return list(DropCount.objects.filter(day__gte=since).order_by("-day", "device", "reason"))


class DeviceOut(Schema):
    """A device as officers see it. Its key is never shown again."""

    public_id: str
    kind: str
    label: str
    owner: str
    enabled: bool
    off_because: str
    silence_after: int
    last_seen: datetime | None
    properties: dict[str, Any]


class KeyOut(Schema):
    """A device's new key (base64url), which is shown this once."""

    key: str


@router.post("/{public_id}/key", response=KeyOut, summary="Give a device a new key")
def new_key(request: HttpRequest, public_id: Annotated[str, Path(max_length=64)]) -> dict[str, str]:
    """For officers who may manage devices: the old key is refused from this moment, and nonces are counted anew."""
    return {"key": registry.rotate_key(actor_of(request), public_id)}


@router.get("/", response=list[DeviceOut], summary="Devices")
def devices(
    request: HttpRequest,
    owner: str = Query("", max_length=50),
    kind: str = Query("", max_length=50),
    after: str = Query("", max_length=64, description="Id of the last device of the page before"),
    limit: int = Query(200, ge=1, le=1000),
) -> list[Device]:
    """For officers who may see devices, by id."""
    require(actor_of(request), "devices.view")
    found = Device.objects.select_related("state").filter(public_id__gt=after).order_by("public_id")
    if owner:
        found = found.filter(owner=owner)
    if kind:
        found = found.filter(kind=kind)
    return list(found[:limit])
