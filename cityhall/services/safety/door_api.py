"""HTTP API for other systems that bring calls: alarm companies (XML), gateways of text messages.

Each shows the id and the key that it was registered with, as HTTP Basic; nothing is taken from anybody else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Field, Router, Schema
from ninja.params.functions import Query

from cityhall.engines.asap import write
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.presented import body_of, speaker
from cityhall.kernel.errors import Invalid, Unavailable
from cityhall.kernel.limits.spending import spend
from cityhall.services.safety import alarm_companies, company_telling, texts, warnings_in

router = Router()
WRONG_KEY: dict[str, Any] = {
    "responses": {
        401: {
            "description": "The id or the key is wrong",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        }
    }
}
"""What the document says of operations that ask for an id and a key (HTTP Basic)."""
MOST, WINDOW_S = 600, 60.0
"""Messages that one company or gateway may bring; refused, it is told when to send again."""


def _speaks(request: HttpRequest, kind: str) -> Device:
    device = speaker(request, "safety", kind)
    spend("safety door", device.public_id, MOST, WINDOW_S)
    return device


def _no_database() -> Unavailable:
    return Unavailable(
        _("The city's database is not there."), code="no_database", mend=_("Send the same again."), wait_s=1
    )


@router.post("/alarms", summary="Take an alarm company's message", openapi_extra=WRONG_KEY)
def alarm(request: HttpRequest) -> HttpResponse:
    """For alarm companies: APCO/TMA ASAP, an `AlarmPayload` of at most 256 KiB, answered in the same.

    Answers Accepted with the city's number of it, or Rejected and why, both with 200: the message was read. The same
    message again is answered the same. 401 for a wrong key, 403 for one switched off, 413 over the limit, 422 for what
    cannot be read, 429 for too many, 503 where it should be sent again.
    """
    try:
        notice = alarm_companies.hear(_speaks(request, alarm_companies.DEVICE), body_of(request))
    except (OperationalError, InterfaceError):
        raise _no_database() from None
    return HttpResponse(write(notice), content_type="application/xml; charset=utf-8")


class WaitingOut(Schema):
    """What the city tells a company of an alarm. `xml` is the message as it is posted to a call-back address."""

    id: int
    number: str = Field(..., description="The company's own number of the alarm")
    kind: str = Field(..., description="Dispatched, Arrived, Closed or Update")
    made_at: datetime
    xml: str


@router.get(
    "/alarms/messages", response=list[WaitingOut], summary="What waits for an alarm company", openapi_extra=WRONG_KEY
)
def waiting(request: HttpRequest, after: int = Query(0, ge=0, description="Id of the last one read")) -> list[Any]:
    """For alarm companies: what could not be told by their call-back address, or all where they have none.

    The earliest first, at most 200. It waits until it is said to be taken.
    """
    company = alarm_companies.of(_speaks(request, alarm_companies.DEVICE))
    return [
        {
            "id": one.pk,
            "number": one.number,
            "kind": one.kind,
            "made_at": one.made_at,
            "xml": company_telling.xml_of(one).decode(),
        }
        for one in company_telling.waiting(company, after)
    ]


class TakenIn(Schema):
    """Up to which message a company has all."""

    until: int = Field(..., ge=0)


class TakenOut(Schema):
    """How many those were."""

    taken: int


@router.post(
    "/alarms/messages/taken", response=TakenOut, summary="Say that messages were taken", openapi_extra=WRONG_KEY
)
def taken(request: HttpRequest, given: TakenIn) -> dict[str, int]:
    """For alarm companies: these wait no more."""
    company = alarm_companies.of(_speaks(request, alarm_companies.DEVICE))
    return {"taken": company_telling.taken(company, given.until)}


class TextOut(Schema):
    """The receipt of a text message: it is on the city's disk. The same one again is told the same."""

    became: str = Field(..., description='What it is part of: "alert:12"')


@router.post("/sms", response=TextOut, summary="Take a text message", openapi_extra=WRONG_KEY)
def text(request: HttpRequest) -> dict[str, str]:
    """For gateways: `id` (the gateway's own), `from` and `text`, as JSON or as a form, at most 256 KiB.

    Every message is a call for help; what the same number writes while that is open is added to it. Without an `id` the
    same words of the same number within ten minutes are one message. Without an answer of 200 it is not received: send
    it again. 401 for a wrong key, 403 for one switched off, 413 over the limit, 422 for what is no JSON and no form.
    """
    try:
        return {"became": texts.take(_speaks(request, texts.DEVICE), _given(request))}
    except (OperationalError, InterfaceError):
        raise _no_database() from None


class HeardOut(Schema):
    """What became of a warning of another system's: `became` is "warning:12", a draft that a person releases, or ""."""

    identifier: str
    became: str
    why: str = Field("", description="Why it became nothing, as over, elsewhere, not_actual")


@router.post("/warnings/cap", response=list[HeardOut], summary="Take warnings in CAP", openapi_extra=WRONG_KEY)
def heard(request: HttpRequest) -> list[dict[str, str]]:
    """For weather services and civil protection: a CAP 1.0 to 1.2 message, or a feed or an envelope of some, to 2 MB.

    Each becomes a draft, once; the same again is answered the same. 401 for a wrong key, 403 for one switched off, 413
    over the limit, 422 for what is no valid CAP, not signed by the source's certificate where the city knows it, or
    changed since it was signed, 429 for too many, 503 where it should be sent again.
    """
    try:
        found = warnings_in.hear(_speaks(request, warnings_in.DEVICE), body_of(request, warnings_in.MOST_BYTES))
    except (OperationalError, InterfaceError):
        raise _no_database() from None
    return [
        {"identifier": one.identifier, "became": f"warning:{one.warning}" if one.warning else "", "why": str(one.why)}
        for one in found
    ]


def _given(request: HttpRequest) -> dict[str, Any]:
    body = body_of(request)
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(request.POST.items())
    try:
        given = orjson.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Invalid(
            _("This is no text message."), code="malformed", mend=_("Send one JSON object, or a form: id, from, text.")
        )
    return given
