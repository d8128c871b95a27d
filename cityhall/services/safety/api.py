"""HTTP API: a press of a telephone and its receipt, for everybody; alerts, for who answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import actions, pages, stream, talking
from cityhall.services.safety.models import Alert
from cityhall.services.safety.phrases import CALLER

router = Router()
router.add_router("", "cityhall.services.safety.door_api.router")


class PressIn(Schema):
    """A press. `key` is made up by the telephone, another for each call; the same again is the same call."""

    key: str = Field(..., min_length=16, max_length=64)
    kind: str = Field("panic", max_length=20, description="panic, harassment, medical, fire; else an unknown signal")
    lon: float | None = Field(None, description="Degrees, WGS 84")
    lat: float | None = None
    accuracy: float | None = Field(None, description="Metres")
    bus: str = Field("", max_length=100, description="The number on the vehicle")
    place: str = Field("", max_length=200)
    phone: str = Field("", max_length=30)
    text: str = Field("", max_length=2000)
    way: str = Field("", max_length=40, description="The own code of a followed way: those who follow are told")


class PressOut(Schema):
    """The receipt: the call is on the city's disk. `code` follows it without an account."""

    alert: int
    code: str
    state: str
    received_at: datetime
    link: str


class CallOut(Schema):
    """How a call stands."""

    state: str
    stage: str = Field(..., description="In words")
    said: list[str] = Field(..., description="What the desk has written, the earliest first")


class LineIn(Schema):
    """What a caller says. `key` is made up by the telephone, another for each message."""

    key: str = Field(..., min_length=16, max_length=64)
    text: str = Field("", max_length=2000)
    phrase: str = Field("", description="Instead of a text: " + ", ".join(CALLER))


class CallLineOut(Schema):
    """The receipt of a message: it is on the city's disk."""

    line: int
    received_at: datetime
    text: str


class AlertOut(Schema):
    """An alert as operators see it."""

    id: int
    state: str
    kind: str
    door: str
    priority: int
    place: str
    received_at: datetime
    doubtful: bool
    presses: int
    level: int
    exercise: bool


@router.post("/presses", response=PressOut, summary="Call for help")
def press(request: HttpRequest, given: PressIn) -> dict[str, Any]:
    """Needs nothing but a key: no account, no number, no place. Without an answer it is not received: send it again."""
    made = pages.pressed_by(request, given.dict())
    return {
        "alert": made.alert.pk,
        "code": made.code,
        "state": made.alert.state,
        "received_at": made.alert.received_at,
        "link": f"/safety/call/{made.code}/",
    }


@router.get("/calls/{code}", response=CallOut, summary="How a call stands")
def call(request: HttpRequest, code: str) -> dict[str, Any]:
    """For whoever has its code."""
    alert = pages.found(request, code)
    said = [line.words for line in talking.for_caller(alert) if not line.by_caller]
    return {"state": alert.state, "stage": pages.stage_of(alert), "said": said}


@router.post("/calls/{code}/lines", response=CallLineOut, summary="Write to the desk")
def write(request: HttpRequest, code: str, given: LineIn) -> dict[str, Any]:
    """For whoever has its code. Without an answer it is not received: send it again by its key, it is one line."""
    pages.found(request, code)
    line = pages.written(request, code, given.dict())
    return {"line": line.pk, "received_at": line.at, "text": line.words}


@router.get("/alerts", response=list[AlertOut], summary="Open alerts")
def alerts(request: HttpRequest, limit: int = Query(200, ge=1, le=1000)) -> list[Alert]:
    """For operators, in the order in which they are to be taken."""
    require(actor_of(request), actions.ANSWER)
    return list(stream.queue()[:limit])


@router.post("/alerts/{alert_id}/answer", response=AlertOut, summary="Answer an alert")
def answer(request: HttpRequest, alert_id: int) -> Alert:
    """For an operator whose shift has begun: one of them has it, the others are told who."""
    return actions.answer(actor_of(request), alert_id)
