"""HTTP API of City Hall's rooms and shop. What officers do is in the desk's pages."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status
from ninja.security import django_auth

from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.values import EARLIEST, LATEST
from cityhall.services.house import cancelling, hours, paying, queries, reserving, shop, waiting
from cityhall.services.house.models import Order, Reservation, Room

router = Router()
Slug = Annotated[str, Path(max_length=50, pattern=r"^[a-z0-9-]+$")]
MOST_DAYS = 31


class RoomOut(Schema):
    """A room. `price` for an hour in the smallest part of `currency`; with `approval` an officer looks at requests."""

    slug: str
    name: str
    about: str
    seats: int
    price: int
    currency: str
    wheelchair: bool
    hearing_loop: bool
    reached: str
    equipment: list[str]
    approval: bool
    cancel_hours: int = Field(description="Until so many hours before, all of the price goes back; later half of it")
    picture: str


class RoomHourOut(Schema):
    """An hour in which a room is open and may be booked; one that is not `free` may be waited for."""

    begin: dt.datetime
    free: bool


class RoomBookingIn(Schema):
    """`begin` is one of the hours of the room; `key` makes it one booking however often it is sent."""

    room: str = Field(..., max_length=50)
    begin: dt.datetime
    hours: int = Field(1, ge=1, le=hours.LONGEST_HOURS)
    people: int = Field(..., ge=1, le=9999)
    purpose: str = Field(..., max_length=200)
    weeks: int = Field(1, ge=1, le=26, description="Every week at the same hour, for one bill")
    key: UUID


class RoomBookingOut(Schema):
    """A booking. `state`: held, requested, confirmed, cancelled, refused, expired, no_show; to be paid `until`."""

    id: int
    room: str
    begin: dt.datetime
    end: dt.datetime
    state: str
    people: int
    purpose: str
    price: int
    until: dt.datetime | None
    bill: str = Field(description="The page of the bill, empty where there is none")


class RoomWaitIn(Schema):
    """A time that is taken, to be offered in order when it is free."""

    room: str = Field(..., max_length=50)
    begin: dt.datetime
    hours: int = Field(1, ge=1, le=hours.LONGEST_HOURS)
    key: UUID


class RoomWaitOut(Schema):
    """A place in the list."""

    id: int
    state: str


class WareOut(Schema):
    """A ware of the shop; `stock` is null where there is always another one."""

    slug: str
    name: str
    about: str
    price: int
    currency: str
    stock: int | None
    picture: str


class WareCount(Schema):
    """So many of a ware."""

    slug: str = Field(..., max_length=50)
    count: int = Field(..., ge=1, le=shop.MOST_OF_ONE)


class ShopOrderIn(Schema):
    """What is bought; `key` makes it one order however often it is sent."""

    items: list[WareCount] = Field(..., min_length=1, max_length=50)
    key: UUID


class ShopOrderOut(Schema):
    """An order. `state`: open, paid, handed, returned, void; with `code` it is fetched once it is paid."""

    id: int
    state: str
    code: str
    until: dt.datetime
    bill: str


def _room(one: Room) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in ("slug", "name", "seats", "price", "wheelchair", "hearing_loop")}
    return plain | {
        "about": one.told,
        "currency": settings.CITY.currency,
        "reached": one.way,
        "equipment": one.things,
        "approval": one.approval,
        "cancel_hours": one.cancel_hours,
        "picture": link(one.picture, 640) if one.picture is not None else "",
    }


def _booking(one: Reservation) -> dict[str, Any]:
    booking = one.booking
    return {
        "id": one.pk,
        "room": one.room.slug,
        "begin": booking.begin,
        "end": booking.end,
        "state": booking.state,
        "people": one.people,
        "purpose": booking.note,
        "price": one.price,
        "until": one.until or booking.expires_at,
        "bill": paying.page(one.bill),
    }


def _order(one: Order) -> dict[str, Any]:
    code = one.code if one.state in (Order.State.PAID, Order.State.HANDED) else ""
    return {"id": one.pk, "state": one.state, "code": code, "until": one.until, "bill": paying.page(one.bill)}


@router.get("/rooms", response=list[RoomOut], summary="The rooms that may be booked")
def rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """In the city's order, in the reader's language."""
    return [_room(one) for one in queries.rooms()]


@router.get("/rooms/{slug}/hours", response=list[RoomHourOut], summary="The hours of a room")
def room_hours(
    request: HttpRequest,
    slug: Slug,
    day: dt.date | None = Query(None, description="The first day, YYYY-MM-DD; today where it is left out"),
    days: int = Query(7, ge=1, le=MOST_DAYS),
) -> list[dict[str, Any]]:
    """Hours that are over, or lie more than four months ahead, are left out."""
    room, today = queries.find_room(slug), hours.today()
    last = today + dt.timedelta(days=hours.AHEAD_DAYS)
    # A day far off has no hours to be had, and some of them cannot be reckoned from.
    first = max(day or today, today)
    if first > last:
        return []
    return [{"begin": hour.begin, "free": hour.free} for one in queries.week(room, first, days) for hour in one.slots]


@router.get("/bookings", response=list[RoomBookingOut], auth=django_auth, summary="My bookings of rooms")
def bookings(request: HttpRequest) -> list[dict[str, Any]]:
    """Those to come, the next first."""
    return [_booking(row["reservation"]) for row in queries.own_rows(actor_of(request), over=False)]


@router.post("/bookings", response={201: list[RoomBookingOut]}, auth=django_auth, summary="Book a room")
def book(request: HttpRequest, body: RoomBookingIn) -> Status[list[dict[str, Any]]]:
    """Held for ten minutes to be paid, asked for where an officer decides, or booked at once where it costs nothing."""
    made = reserving.reserve(
        actor_of(request),
        body.room,
        _aware(body.begin),
        hours=body.hours,
        people=body.people,
        purpose=body.purpose,
        weeks=body.weeks,
        key=body.key,
    )
    return Status(201, [_booking(one) for one in made])


def _aware(moment: dt.datetime) -> dt.datetime:
    """A moment that names no zone is meant by the city's clock. Whole seconds, of days that can be reckoned with."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=settings.CITY.zone)
    return min(max(known.replace(microsecond=0), EARLIEST), LATEST)


@router.get("/bookings/{number}", response=RoomBookingOut, auth=django_auth, summary="A booking of mine")
def booking(request: HttpRequest, number: int) -> dict[str, Any]:
    """Of another person's there is none."""
    return _booking(queries.find_own(actor_of(request), number))


@router.delete("/bookings/{number}", response={204: None}, auth=django_auth, summary="Cancel a booking of mine")
def cancel(request: HttpRequest, number: int) -> Status[None]:
    """In time all of the price goes back, later half of it."""
    cancelling.by_resident(actor_of(request), number)
    return Status(204, None)


@router.post("/waiting", response={201: RoomWaitOut}, auth=django_auth, summary="Wait for a room that is taken")
def wait(request: HttpRequest, body: RoomWaitIn) -> Status[dict[str, Any]]:
    """It is offered for half an hour to who waits longest, then to the next."""
    place = waiting.join(actor_of(request), body.room, _aware(body.begin), hours=body.hours, key=body.key)
    return Status(201, {"id": place.pk, "state": place.state})


@router.delete("/waiting/{number}", response={204: None}, auth=django_auth, summary="Wait no more")
def leave(request: HttpRequest, number: int) -> Status[None]:
    """For whose place it is."""
    waiting.leave(actor_of(request), number)
    return Status(204, None)


@router.get("/items", response=list[WareOut], summary="What the shop sells")
def items(request: HttpRequest) -> list[dict[str, Any]]:
    """In the city's order, in the reader's language."""
    return [
        {
            "slug": one.slug,
            "name": one.name,
            "about": one.told,
            "price": one.price,
            "currency": settings.CITY.currency,
            "stock": one.stock,
            "picture": link(one.picture, 640) if one.picture is not None else "",
        }
        for one in queries.items()
    ]


@router.post("/orders", response={201: ShopOrderOut}, auth=django_auth, summary="Buy at the shop")
def buy(request: HttpRequest, body: ShopOrderIn) -> Status[dict[str, Any]]:
    """Kept for half an hour to be paid."""
    wanted: dict[str, int] = {}
    for one in body.items:
        wanted[one.slug] = wanted.get(one.slug, 0) + one.count
    return Status(201, _order(shop.buy(actor_of(request), wanted, key=body.key)))


@router.get("/orders/{number}", response=ShopOrderOut, auth=django_auth, summary="An order of mine")
def order(request: HttpRequest, number: int) -> dict[str, Any]:
    """Of another person's there is none."""
    return _order(queries.find_own_order(actor_of(request), number))
