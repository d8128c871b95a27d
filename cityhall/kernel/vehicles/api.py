"""HTTP API of vehicles, receivers and base stations, for officers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles import kinds, queries, register, registry

router = Router()
former = Router()
"""The same under `/api/transit`, where receivers were when they were the buses' own."""
SEE = "devices.view"
T = TypeVar("T", bound=Callable[..., Any])


def answers(method: str, path: str, **told: Any) -> Callable[[T], T]:
    """Takes a request under both addresses; those of old keep the operations' names too."""

    def take(view: T) -> T:
        name = "register" if view.__name__ == "register_receiver" else view.__name__
        named = f"cityhall_services_transit_doors_api_{name}"
        router.add_api_operation(path, [method], view, **told)
        former.add_api_operation(path, [method], view, operation_id=named, deprecated=True, **told)
        return view

    return take


class RegisteredVehicleOut(Schema):
    """A vehicle as officers see it, with its receivers' ids. `wheelchair` is null where it is not known."""

    id: str
    kind: str
    label: str
    capacity: int | None
    wheelchair: bool | None
    enabled: bool
    hidden: bool = Field(..., description="Not shown to the public")
    receivers: list[str]
    heard_at: dt.datetime | None


@router.get("/", response=list[RegisteredVehicleOut], summary="Vehicles")
def vehicles(
    request: HttpRequest,
    search: str = Query("", max_length=100),
    kind: str = Query("", max_length=30),
    after: str = Query("", max_length=100, description="Id of the last vehicle of the page before"),
    limit: int = Query(200, ge=1, le=1000),
) -> list[dict[str, Any]]:
    """For officers, by id: those of the kinds that they may see."""
    actor = actor_of(request)
    seen = kinds.seen_by(actor)
    if not seen:
        require(actor, kinds.ANY)
    return queries.vehicles([one for one in seen if kind in ("", one)], search, after, limit)


class VehicleIn(Schema):
    """A vehicle to enter. `kind` is one that a service of the city declares."""

    id: str = Field(..., min_length=1, max_length=100)
    kind: str = Field(..., max_length=30)
    label: str = Field("", max_length=100)
    capacity: int | None = Field(None, ge=0, le=32_767)
    wheelchair: bool | None = None


class Entered(Schema):
    """The id under which it is known."""

    id: str


@router.post("/", response={201: Entered}, summary="Enter a vehicle")
def enter(request: HttpRequest, body: VehicleIn) -> Status[dict[str, str]]:
    """For officers who may change vehicles of the kind. Answers 409 for an id that is there."""
    given = body.dict()
    vehicle = register.enter(actor_of(request), given.pop("id"), again=False, **given)
    return Status(201, {"id": vehicle.public_id})


class VehicleChange(Schema):
    """What is given is changed."""

    kind: str | None = Field(None, max_length=30)
    label: str | None = Field(None, max_length=100)
    capacity: int | None = Field(None, ge=0, le=32_767)
    wheelchair: bool | None = None
    enabled: bool | None = None


@router.patch("/one/{path:public_id}", response={204: None}, summary="Change a vehicle")
def change_vehicle(request: HttpRequest, public_id: str, body: VehicleChange) -> Status[None]:
    """For officers who may change vehicles of its kind, and of the kind that it becomes."""
    given = body.dict(exclude_unset=True)
    known = {name: value for name, value in given.items() if value is not None or name in ("capacity", "wheelchair")}
    register.change(actor_of(request), public_id, known)
    return Status(204, None)


class ReceiverOut(Schema):
    """A receiver, when it was last heard, and its vehicle's fix (GGA quality: 4 RTK fixed, 5 float, 2 DGNSS, 1 GPS)."""

    id: str
    vehicle: str
    protocol: str
    address: str
    corrections: bool
    enabled: bool
    last_seen: dt.datetime | None
    fix_class: int
    accuracy_m: float | None


@answers("GET", "/receivers", response=list[ReceiverOut], summary="Receivers")
def receivers(
    request: HttpRequest,
    search: str = Query("", max_length=100),
    after: str = Query("", max_length=64, description="Id of the last receiver of the page before"),
    limit: int = Query(200, ge=1, le=1000),
) -> list[dict[str, Any]]:
    """For officers who may see devices, by id."""
    require(actor_of(request), SEE, queries.SCOPE)
    return queries.receivers(search, after, limit)


Protocol = Literal[
    "nmea",
    "ubx",
    "gt06",
    "suntech",
    "queclink",
    "teltonika",
    "jt808",
    "watch",
    "h02",
    "tk103",
    "gotop",
    "its",
    "topin",
]


class ReceiverIn(Schema):
    """A receiver to register. `address`: an IP address, a network (CIDR), or "mqtt".

    A tracker (any protocol but nmea and ubx) has the `id` that it says itself: its IMEI or number.
    """

    vehicle: str = Field(..., max_length=100)
    address: str = Field(..., max_length=50)
    protocol: Protocol = "nmea"
    corrections: bool = False
    id: str = Field("", max_length=64, description="Made up where it is left out")
    label: str = Field("", max_length=200)
    silence_after: int = Field(0, ge=0, le=86_400, description="Alarm after so many seconds of silence; 0: never")


class Registered(Schema):
    """The id, and the key, which is shown this once."""

    id: str
    key: str


@answers("POST", "/receivers", response={201: Registered}, summary="Register a receiver")
def register_receiver(request: HttpRequest, body: ReceiverIn) -> Status[dict[str, str]]:
    """For officers who may manage devices."""
    receiver, key = registry.register_receiver(
        actor_of(request),
        **body.dict(exclude={"id"}),
        public_id=body.id,
    )
    return Status(201, {"id": receiver.device.public_id, "key": key})


class ReceiverChange(Schema):
    """What is given is changed."""

    vehicle: str | None = Field(None, max_length=100)
    address: str | None = Field(None, max_length=50)
    corrections: bool | None = None


@answers("PATCH", "/receivers/{public_id}", response={204: None}, summary="Change a receiver")
def change(request: HttpRequest, public_id: str, body: ReceiverChange) -> Status[None]:
    """For officers who may manage devices."""
    registry.change_receiver(actor_of(request), public_id, **body.dict())
    return Status(204, None)


class StationOut(Schema):
    """A base station: whether it sends, how old its newest message is (s), bytes a second, readers, messages."""

    mountpoint: str
    id: str
    lon: float
    lat: float
    source: str
    connected: bool
    age_s: float | None
    rate: float
    readers: int
    messages: dict[str, int]
    malformed: int


@answers("GET", "/stations", response=list[StationOut], summary="Base stations")
def stations(request: HttpRequest) -> list[dict[str, Any]]:
    """For officers who may see devices, by mountpoint."""
    require(actor_of(request), SEE, queries.SCOPE)
    return list(queries.stations())


class StationIn(Schema):
    """A base station to register."""

    mountpoint: str = Field(..., max_length=100)
    lon: float = Field(..., ge=-180, le=180)
    lat: float = Field(..., ge=-90, le=90)
    country: str = Field(..., max_length=3)
    source: str = Field("", max_length=300, description="ntrip://user:password@host:2101/MOUNT to fetch it from")
    id: str = Field("", max_length=64)
    label: str = Field("", max_length=200)


@answers("POST", "/stations", response={201: Registered}, summary="Register a base station")
def register_station(request: HttpRequest, body: StationIn) -> Status[dict[str, str]]:
    """For officers who may manage devices."""
    station, key = registry.register_station(
        actor_of(request),
        mountpoint=body.mountpoint,
        point=Point(body.lon, body.lat),
        country=body.country,
        source=body.source,
        public_id=body.id,
        label=body.label,
    )
    return Status(201, {"id": station.device.public_id, "key": key})


class ReceiverDropOut(Schema):
    """Messages not taken on a day (UTC), by device ("": nobody known sent them) and reason."""

    day: dt.date
    device: str
    reason: str
    count: int


@answers("GET", "/drops", response=list[ReceiverDropOut], summary="Positions that were not taken")
def drops(request: HttpRequest, days: int = Query(7, ge=1, le=365)) -> list[DropCount]:
    """For officers who may see devices, the latest day first; this service's devices only."""
    require(actor_of(request), SEE, queries.SCOPE)
    return queries.dropped(days, limit=10_000)
