"""HTTP API of devices: the door for their messages, and what officers may see of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema
from ninja.params.functions import Query
from pydantic import Field

from cityhall.kernel.devices import drops, envelope
from cityhall.kernel.devices.models import Device, DropCount
from cityhall.kernel.devices.receive import receive
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require

router = Router()


class Taken(Schema):
    """What became of an envelope's messages: how many were taken, and how many were not, by reason."""

    accepted: int
    dropped: dict[str, int] = Field(..., description='By reason: "unknown_kind", "no_kind"')


@router.post("/messages", response=Taken, summary="Take a device's signed envelope")
def messages(request: HttpRequest) -> dict[str, Any]:
    """The body is one envelope: `{device, sent_at, nonce, payload, signature}`, at most 256 KiB and 500 messages.

    Answers 401 for a signature nobody known made, 403 for a device switched off, 409 for a nonce used before, 413
    over the limits, 422 for what is no envelope or a clock over 120 s off, 503 where it should be sent again.
    """
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > envelope.LONGEST_BODY:
        # Refused before the body is read.
        drops.count("oversize")
        raise envelope.too_large()
    try:
        outcome = receive([request.body])[0]
    except (OperationalError, InterfaceError):
        raise Unavailable(
            _("The city's database is not there."), code="no_database", mend=_("Send the same again."), wait_s=5
        ) from None
    if outcome.refusal is not None:
        raise outcome.refusal
    return {"accepted": outcome.accepted, "dropped": outcome.dropped}


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
