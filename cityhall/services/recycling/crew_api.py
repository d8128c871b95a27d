"""The crew's part of the API: a round to take along, and what was done without a network, each once by its id.

What is sent is answered one by one, with 200: a telephone keeps what was refused, with the reason, and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, File, Query, Router, Schema
from ninja.files import UploadedFile
from ninja.security import SessionAuth, django_auth

from cityhall.kernel.errors import CityhallError, Conflict
from cityhall.kernel.media.storing import made
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import planning, queries, stepping, weighing
from cityhall.services.recycling.models import Pickup
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.schemas import EstimateIn, aware, estimates
from cityhall.services.recycling.tariffs import Line

router = Router()
MOST_AT_ONCE = 50
# The service worker, which sends what was kept, holds no token: that the request was made here is asked of every
# session (web/origins.py), so the session's own check for a token would only be in its way.
CREW = SessionAuth(csrf=False)


class CrewItemIn(Schema):
    """What a crew's telephone kept. `id` is its own: sent again it is the same. `at` by its clock, which may be wrong.
    `by`: the account that did it, null where that is whoever sends it; sent by another it is not taken."""

    id: UUID
    at: dt.datetime
    by: int | None = Field(None, ge=1, lt=2**63)


class CrewStepIn(CrewItemIn):
    """Set out, turned back, arrived, or not collected and `why`: nobody, nothing, spoiled, no_way, no_room, late."""

    pickup: int = Field(..., ge=1, lt=2**63)
    what: Literal["set_out", "turn_back", "arrive", "miss"]
    why: str = Field("", max_length=10)


class WeighedLineIn(Schema):
    """So many grams of a material, as clean as the crew says."""

    material: str = Field(..., max_length=40)
    grams: int = Field(..., ge=1, le=5_000_000)
    quality: Literal["clean", "mixed", "spoiled"] = "clean"


class WeighingIn(CrewItemIn):
    """What a scale says. Of a pickup, or of a card's `code` where something was brought to a drop-off point. `seen`:
    code, signed, nobody; `scale`: the name of the one that was connected, "" for a weight that was typed."""

    pickup: int | None = Field(None, ge=1, lt=2**63)
    code: str = Field("", max_length=12)
    lines: list[WeighedLineIn] = Field(..., min_length=1, max_length=40)
    seen: Literal["code", "signed", "nobody"] = "nobody"
    signature: str = Field("", max_length=100)
    scale: str = Field("", max_length=80)


class CrewItemOut(Schema):
    """What has become of one: taken, or why not (`problem`, and `message` and `mend` in words)."""

    id: UUID
    taken: bool
    problem: str
    message: str
    mend: str


class WeighingOut(CrewItemOut):
    """The same, with the points that it brought; `seen`: "other" where the code is not theirs."""

    points: int
    seen: str


class RoundStopOut(Schema):
    """A pickup of the crew's round. `truck`: the key of the one that fetches it, "" where no round has it."""

    id: int
    state: str
    address: str
    lon: float | None
    lat: float | None
    begin: dt.datetime | None
    end: dt.datetime | None
    note: str
    materials: list[EstimateIn]
    truck: str
    expected: dt.datetime | None
    unload_before: bool


One = TypeVar("One", bound=CrewItemIn)


def _stop(one: Pickup) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in ("state", "address", "begin", "end", "note")}
    lon, lat = (one.point.lon, one.point.lat) if one.point else (None, None)
    plan = one.coming
    plain |= {"truck": plan.truck.key if plan else "", "expected": plan.at if plan else None}
    plain |= {"unload_before": plan is not None and plan.unload}
    return plain | {"id": one.pk, "lon": lon, "lat": lat, "materials": estimates(one)}


@router.get("/round", response=list[RoundStopOut], auth=django_auth, summary="The crew's round of a day")
def crew_round(request: HttpRequest, day: Query[dt.date | None] = None, truck: Query[str] = "") -> list[dict[str, Any]]:
    """For crews: what is to be fetched on a `day` (YYYY-MM-DD; today where it is left out) by a `truck` (its key; by
    all where it is left out), to be taken along."""
    require(actor_of(request), planning.DRIVE)
    asked = min(max(day or today(), dt.date(2000, 1, 1)), dt.date(2200, 1, 1))
    return [_stop(one) for one in queries.round_of(asked, truck)]


@router.post("/steps", response=list[CrewItemOut], auth=CREW, summary="Send what a crew did")
def steps(request: HttpRequest, body: list[CrewStepIn]) -> list[dict[str, Any]]:
    """For crews: set out, arrived, not collected; each once by its id, in the order in which they are sent."""

    def take(actor: Actor, one: CrewStepIn) -> dict[str, Any]:
        stepping.take(actor, stepping.Told(one.id, one.pickup, one.what, aware(one.at), one.why))
        return {}

    return _answers(request, body, take)


@router.post("/weighings", response=list[WeighingOut], auth=CREW, summary="Send what was weighed")
def weigh(request: HttpRequest, body: list[WeighingIn]) -> list[dict[str, Any]]:
    """For crews: each once by its id, however often it is sent; what is refused keeps none of the others out."""
    return _answers(request, body, _weigh)


@router.post("/weighings/pictured", response=WeighingOut, auth=CREW, summary="Send one weighing with its pictures")
def weigh_pictured(
    request: HttpRequest,
    weighing_in: WeighingIn,
    photo: File[UploadedFile | None] = None,
    drawn: File[UploadedFile | None] = None,
) -> dict[str, Any]:
    """The same for one, as a form: `weighing_in` as JSON, a photo of the scale, the signature as it was drawn."""
    sent = {name: file for name, file in (("photo", photo), ("drawn", drawn)) if file is not None}

    def take(actor: Actor, one: WeighingIn) -> dict[str, Any]:
        with made([*sent.values()]) as ready:
            return _weigh(actor, one, weighing.Pictures(**dict(zip(sent, ready, strict=True))))

    return _answers(request, [weighing_in], take)[0]


def _weigh(actor: Actor, one: WeighingIn, pictures: weighing.Pictures | None = None) -> dict[str, Any]:
    lines = tuple(Line(line.material, line.grams, line.quality) for line in one.lines)
    said = weighing.Said(
        one.id, lines, aware(one.at), one.pickup, one.code, one.seen, signature=one.signature, scale=one.scale
    )
    found = weighing.weigh(actor, said, pictures=pictures)
    earned = sum(line.base + line.bonus for line in found.lines.filter(valid=True))
    return {"points": earned, "seen": found.seen}


def _answers(
    request: HttpRequest, sent: Sequence[One], take: Callable[[Actor, One], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What became of each; only what the city cannot do now (429, 503) is raised, for all of it to be sent again."""
    actor = actor_of(request)
    require(actor, planning.DRIVE)
    most = _("At most %(count)s are taken at once.") % {"count": MOST_AT_ONCE}
    waits = Conflict(most, code="too_many", mend=_("Send this one again."))
    # What is too much for one message is told so: a crew's telephone must not think that it is there.
    return [_answer(actor, one, take) for one in sent[:MOST_AT_ONCE]] + [
        _refused(one, waits) for one in sent[MOST_AT_ONCE:]
    ]


def _answer(actor: Actor, one: One, take: Callable[[Actor, One], dict[str, Any]]) -> dict[str, Any]:
    if one.by is not None and one.by != actor.person_id:
        theirs = _("Somebody else did this.")
        return _refused(one, Conflict(theirs, code="other_person", mend=_("Sign in as who did it.")))
    try:
        told = take(actor, one)
    except CityhallError as problem:
        if problem.status in (429, 503):
            raise
        return _refused(one, problem)
    return _plain(one) | {"taken": True} | told


def _refused(one: CrewItemIn, problem: CityhallError) -> dict[str, Any]:
    return _plain(one) | {"problem": problem.code, "message": str(problem.message), "mend": str(problem.mend)}


def _plain(one: CrewItemIn) -> dict[str, Any]:
    return {"id": one.id, "taken": False, "problem": "", "message": "", "mend": "", "points": 0, "seen": ""}
