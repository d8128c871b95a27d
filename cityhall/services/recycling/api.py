"""HTTP API of recycling. What officers do is in the desk's pages."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status
from ninja.security import django_auth

from cityhall.kernel.errors import CityhallError, Conflict
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.values import EARLIEST, LATEST
from cityhall.services.recycling import accounts, collecting, impact, planning, points, queries, weighing
from cityhall.services.recycling.collecting import Wish
from cityhall.services.recycling.models import DropPoint, Material, Pickup, Weighing
from cityhall.services.recycling.rules import rules, today
from cityhall.services.recycling.tariffs import Line, tariff

router = Router()
MOST_AT_ONCE = 50
WINDOWS_A_MINUTE = 60
"""So often somebody is told of windows: for each the rounds of all days to come are reckoned."""


class RecyclingMaterialOut(Schema):
    """A material that is taken. `points_per_kg` by today's tariff; `co2e_g_per_kg` by `co2e_source`."""

    key: str
    name: str
    prepare: str
    points_per_kg: int
    co2e_g_per_kg: int
    co2e_source: str


class DropPointOut(Schema):
    """Where anybody may bring something; `machine`: a reverse-vending machine."""

    id: int
    name: str
    hours: str
    lon: float
    lat: float
    machine: bool
    materials: list[str]


class PickupWindowOut(Schema):
    """A time in which a crew can come; `left` places are in it, null where what the trucks can still do decides."""

    begin: dt.datetime
    end: dt.datetime
    left: int | None


class EstimateIn(Schema):
    """So much of a material."""

    material: str = Field(..., max_length=40)
    grams: int = Field(..., ge=1, le=collecting.MOST_GRAMS)


class PickupIn(Schema):
    """A wish. `begin` is that of a window, null for none; `key` makes it one pickup however often it is sent."""

    materials: list[EstimateIn] = Field(..., min_length=1, max_length=40)
    address: str = Field(..., min_length=1, max_length=300)
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    begin: dt.datetime | None = None
    note: str = Field("", max_length=300)
    key: UUID


class PickupOut(Schema):
    """A pickup. `state`: asked, promised, on_way, weighed, confirmed, contested, settled, missed, cancelled."""

    id: int
    state: str
    address: str
    begin: dt.datetime | None
    end: dt.datetime | None
    why: str
    materials: list[EstimateIn]
    weighing: UUID | None


class WeighedLineIn(Schema):
    """So many grams of a material, as clean as the crew says."""

    material: str = Field(..., max_length=40)
    grams: int = Field(..., ge=1, le=5_000_000)
    quality: Literal["clean", "mixed", "spoiled"] = "clean"


class WeighingIn(Schema):
    """What a scale says. `id` is the crew's device's own: sent again it is the same weighing. Of a pickup, or of a
    card's `code` where something was brought to a drop-off point. `seen`: code, signed, nobody."""

    id: UUID
    pickup: int | None = Field(None, ge=1, lt=2**63)
    code: str = Field("", max_length=12)
    at: dt.datetime
    lines: list[WeighedLineIn] = Field(..., min_length=1, max_length=40)
    seen: Literal["code", "signed", "nobody"] = "nobody"
    signature: str = Field("", max_length=100)


class WeighingOut(Schema):
    """What has become of one: its points, or why it was not taken (`problem`, and `mend` in words)."""

    id: UUID
    taken: bool
    points: int
    problem: str
    message: str
    mend: str


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


class PointLotOut(Schema):
    """Points that expire together."""

    left: int
    origin: str
    expires_on: dt.date | None


class PointsOut(Schema):
    """What an account has: points to spend, `debt` that the next ones pay first, what they are worth, the card."""

    balance: int
    debt: int
    worth: int
    currency: str
    card: str
    lots: list[PointLotOut]


class RecyclingImpactOut(Schema):
    """What an account's recycling has kept out of the air, by the factors of `sources`."""

    grams: int
    co2e_g: int
    sources: list[str]


def _material(one: Material) -> dict[str, Any]:
    holds = tariff(one, today())
    return {
        "key": one.key,
        "name": one.name,
        "prepare": one.told,
        "points_per_kg": holds.points_per_kg if holds else 0,
        "co2e_g_per_kg": one.co2e_g,
        "co2e_source": one.co2e_source,
    }


def _place(one: DropPoint) -> dict[str, Any]:
    plain = {"id": one.pk, "name": one.name, "hours": one.opens, "machine": one.machine}
    return plain | {"lon": one.point.lon, "lat": one.point.lat, "materials": [kind.key for kind in one.materials.all()]}


def _estimates(one: Pickup) -> list[dict[str, Any]]:
    return [{"material": part.material.key, "grams": part.grams} for part in one.estimates.all()]


def _pickup(one: Pickup) -> dict[str, Any]:
    weighed = Weighing.objects.filter(pickup=one).values_list("pk", flat=True).first()
    plain = {name: getattr(one, name) for name in ("state", "address", "begin", "end", "why")}
    return plain | {"id": one.pk, "materials": _estimates(one), "weighing": weighed}


def _stop(one: Pickup) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in ("state", "address", "begin", "end", "note")}
    lon, lat = (one.point.lon, one.point.lat) if one.point else (None, None)
    plan = one.coming
    plain |= {"truck": plan.truck.key if plan else "", "expected": plan.at if plan else None}
    plain |= {"unload_before": plan is not None and plan.unload}
    return plain | {"id": one.pk, "lon": lon, "lat": lat, "materials": _estimates(one)}


def _aware(moment: dt.datetime) -> dt.datetime:
    """A moment that names no zone is meant by the city's clock; of days that can be reckoned with."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=settings.CITY.zone)
    return min(max(known, EARLIEST), LATEST)


@router.get("/materials", response=list[RecyclingMaterialOut], summary="What is taken for recycling")
def materials(request: HttpRequest) -> list[dict[str, Any]]:
    """In the city's order, in the reader's language."""
    return [_material(one) for one in queries.materials()]


@router.get("/drop-points", response=list[DropPointOut], summary="Drop-off points and machines")
def drop_points(request: HttpRequest) -> list[dict[str, Any]]:
    """Those that are open to everybody."""
    return [_place(one) for one in queries.drop_points()]


@router.get("/windows", response=list[PickupWindowOut], summary="When a crew can come")
def windows(
    request: HttpRequest,
    lon: float = Query(..., ge=-180, le=180),
    lat: float = Query(..., ge=-90, le=90),
    material: list[str] = Query([], max_length=40, description="What is to be fetched, by the keys of materials"),
    grams: list[int] = Query([], max_length=40, description="So much of each, in the same order"),
) -> list[dict[str, Any]]:
    """The next windows that can be kept at a place; nothing is promised until a pickup is asked for."""
    spend("recycling windows", source_of(request), WINDOWS_A_MINUTE, 60)
    most = collecting.MOST_GRAMS
    load = {key: min(max(amount, 0), most) for key, amount in zip(material, grams, strict=False) if amount > 0}
    found = planning.offers(planning.zone_of(Point(lon, lat)), point=Point(lon, lat), grams=load)
    return [{"begin": one.begin, "end": one.end, "left": one.left} for one in found]


@router.get("/pickups", response=list[PickupOut], auth=django_auth, summary="My pickups")
def pickups(request: HttpRequest) -> list[dict[str, Any]]:
    """Of the reader's own account, what is to come first."""
    return [_pickup(one) for one in queries.own_pickups(accounts.account_of(actor_of(request)))]


@router.post("/pickups", response={201: PickupOut}, auth=django_auth, summary="Ask for a pickup")
def ask(request: HttpRequest, body: PickupIn) -> Status[dict[str, Any]]:
    """Promised at once where the window is free; without one an officer promises it later."""
    actor = actor_of(request)
    grams: dict[str, int] = {}
    for one in body.materials:
        grams[one.material] = grams.get(one.material, 0) + one.grams
    point = Point(body.lon, body.lat) if body.lon is not None and body.lat is not None else None
    begin = _aware(body.begin).replace(microsecond=0) if body.begin is not None else None
    wish = Wish(grams, body.address, point, begin, body.note)
    return Status(201, _pickup(collecting.ask(actor, accounts.account_of(actor), wish, key=body.key)))


@router.delete("/pickups/{number}", response={204: None}, auth=django_auth, summary="Cancel a pickup of mine")
def cancel(request: HttpRequest, number: int) -> Status[None]:
    """Until the city's limit before its window."""
    if not 0 < number < 2**63:
        number = 0
    collecting.cancel(actor_of(request), number)
    return Status(204, None)


@router.get("/points", response=PointsOut, auth=django_auth, summary="My points")
def own_points(request: HttpRequest) -> dict[str, Any]:
    """What there is, and what expires when."""
    account = accounts.account_of(actor_of(request))
    stands = points.standing(account)
    return {
        "balance": stands.balance,
        "debt": stands.debt,
        "worth": rules().worth(stands.balance),
        "currency": settings.CITY.currency,
        "card": account.code,
        "lots": [{"left": one.left, "origin": one.origin, "expires_on": one.expires_on} for one in stands.lots],
    }


@router.get("/impact", response=RecyclingImpactOut, auth=django_auth, summary="What my recycling has done")
def own_impact(request: HttpRequest) -> dict[str, Any]:
    """Grams that were recycled and grams of CO2e, with the source of the factors."""
    found = impact.of_account(accounts.account_of(actor_of(request)))
    return {"grams": found.grams, "co2e_g": found.co2e_g, "sources": found.sources}


@router.get("/round", response=list[RoundStopOut], auth=django_auth, summary="The crew's round of a day")
def crew_round(
    request: HttpRequest,
    day: dt.date | None = Query(None, description="YYYY-MM-DD; today where it is left out"),
    truck: str = Query("", max_length=40, description="The key of one truck; without, all"),
) -> list[dict[str, Any]]:
    """For crews: what is to be fetched, to be kept on a telephone that may lose its network."""
    require(actor_of(request), planning.DRIVE)
    asked = min(max(day or today(), dt.date(2000, 1, 1)), dt.date(2200, 1, 1))
    return [_stop(one) for one in queries.round_of(asked, truck)]


@router.post("/weighings", response=list[WeighingOut], auth=django_auth, summary="Send what was weighed")
def weigh(request: HttpRequest, body: list[WeighingIn]) -> list[dict[str, Any]]:
    """For crews: each once by its id, however often it is sent; what is refused keeps none of the others out."""
    actor = actor_of(request)
    require(actor, planning.DRIVE)
    most = _("At most %(count)s weighings are taken at once.") % {"count": MOST_AT_ONCE}
    waits = Conflict(most, code="too_many", mend=_("Send this one again."))
    # What is too much for one message is told so: a crew's telephone must not think that it is there.
    return [_sent(actor, one) for one in body[:MOST_AT_ONCE]] + [_refused(one, waits) for one in body[MOST_AT_ONCE:]]


def _sent(actor: Any, one: WeighingIn) -> dict[str, Any]:
    lines = tuple(Line(line.material, line.grams, line.quality) for line in one.lines)
    said = weighing.Said(one.id, lines, _aware(one.at), one.pickup, one.code, one.seen, one.signature)
    try:
        found = weighing.weigh(actor, said)
    except CityhallError as problem:
        return _refused(one, problem)
    earned = sum(line.base + line.bonus for line in found.lines.filter(valid=True))
    return {"id": one.id, "taken": True, "points": earned, "problem": "", "message": "", "mend": ""}


def _refused(one: WeighingIn, problem: CityhallError) -> dict[str, Any]:
    told = {"problem": problem.code, "message": str(problem.message), "mend": str(problem.mend)}
    return {"id": one.id, "taken": False, "points": 0} | told
