"""HTTP API of recycling. What officers do is in the desk's pages."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status
from ninja.security import django_auth

from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import accounts, collecting, impact, planning, points, queries, showing, workflow
from cityhall.services.recycling.collecting import Wish
from cityhall.services.recycling.models import DropPoint, Material, Pickup, Weighing
from cityhall.services.recycling.rules import rules, today
from cityhall.services.recycling.schemas import EstimateIn, aware, estimates
from cityhall.services.recycling.tariffs import tariff

router = Router()


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
    """A pickup. `state`: asked, promised, on_way, weighed, confirmed, contested, settled, missed, cancelled.
    `code`: what the crew scans or types at the door, "" once nobody comes any more."""

    id: int
    state: str
    address: str
    begin: dt.datetime | None
    end: dt.datetime | None
    why: str
    materials: list[EstimateIn]
    weighing: UUID | None
    code: str


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


def _pickup(one: Pickup) -> dict[str, Any]:
    weighed = Weighing.objects.filter(pickup=one).values_list("pk", flat=True).first()
    code = showing.code_of(one) if one.state in workflow.OPEN else ""
    plain = {name: getattr(one, name) for name in ("state", "address", "begin", "end", "why")}
    return plain | {"id": one.pk, "materials": estimates(one), "weighing": weighed, "code": code}


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
    spend("recycling windows", source_of(request), planning.ASKED_A_MINUTE, 60)
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
    begin = aware(body.begin).replace(microsecond=0) if body.begin is not None else None
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


router.add_router("", "cityhall.services.recycling.crew_api.router")
