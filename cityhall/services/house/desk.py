"""The officers' pages: the day's rooms, what waits for an answer, who waits, and the shop's orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel.bookings import queries as booked
from cityhall.kernel.bookings.models import Booking, State
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.values import day as day_in
from cityhall.services.house import hours, paying, queries
from cityhall.services.house.booking import WORK
from cityhall.services.house.models import Closure, Order, Reservation, Room
from cityhall.services.house.shop import HAND_OUT
from cityhall.services.house.wording import money

MOST_ORDERS = 50


@never_cache
@require_safe
def day(request: HttpRequest) -> HttpResponse:
    """A day's rooms as a picture and as a list, requests and who waits."""
    actor = actor_of(request)
    if not may(actor, WORK) and may(actor, HAND_OUT):
        return redirect("house_orders")
    require(actor, WORK)
    on = day_in(request.GET.get("day", "")) or hours.today()
    return render(request, "house/desk.html", shown(actor, on))


def shown(actor: Actor, on: date) -> dict[str, Any]:
    """All that the desk says of a day."""
    rooms = list(queries.rooms())
    resources = [one.resource for one in rooms if one.resource is not None]
    found = booked.day(resources, on)
    closed = dict(Closure.objects.filter(day=on).values_list("room_id", "reason"))
    now = timezone.now()
    return {
        "day": on,
        "today": hours.today(),
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
        "picture": _picture(rooms, found, closed, on),
        # What is asked of a request stands above, once.
        "rows": [
            _row(one, now) | ({"can": ()} if one[0].state == State.REQUESTED else {}) for one in _with_uses(found)
        ],
        "requests": [_row(one, now) for one in _with_uses(booked.requests(resources))],
        "waiting": _waiting(rooms, resources),
        "rooms": [{"room": one, "closed": closed.get(one.pk, "")} for one in rooms],
        "shop": may(actor, HAND_OUT),
    }


def _with_uses(found: list[Booking]) -> list[tuple[Booking, Reservation | None]]:
    uses = Reservation.objects.filter(booking__in=found).select_related("room", "bill")
    known = {one.booking_id: one for one in uses}
    return [(one, known.get(one.pk)) for one in found]


def _row(pair: tuple[Booking, Reservation | None], now: datetime, *, acts: bool = True) -> dict[str, Any]:
    """A booking as the desk lists it, and what may be done with it now."""
    one, use = pair
    to_pay = use is not None and use.bill is not None and use.bill.is_open
    return {
        "booking": one,
        "use": use,
        "who": one.person,
        "state": State(one.state).label,
        "to_pay": money(use.bill.open) if to_pay and use is not None and use.bill is not None else "",
        "bill_page": paying.page(use.bill) if use is not None else "",
        "can": _can(one, now) if use is not None and acts else (),
    }


def _can(one: Booking, now: datetime) -> tuple[str, ...]:
    if one.state == State.REQUESTED:
        return ("approve", "refuse")
    if one.state == State.CONFIRMED and one.begin <= now:
        return ("no-show",)
    if one.state in (State.CONFIRMED, State.HELD) and one.begin > now:
        return ("cancel",)
    return ()


def _picture(rooms: list[Room], found: list[Booking], closed: dict[int, str], on: date) -> dict[str, Any]:
    """Rooms by hour: each cell is free, not open, closed or a booking, which spans its hours."""
    opens = min((one.opens.hour for one in rooms), default=8)
    closes = max((one.closes.hour + bool(one.closes.minute) for one in rooms), default=20)
    by_room: dict[int, list[Booking]] = {}
    for booking in found:
        for part in booking.parts.all():
            by_room.setdefault(part.resource_id, []).append(booking)
    rows = []
    for room in rooms:
        mine = by_room.get(room.resource_id or 0, [])
        rows.append({"room": room, "cells": _cells(room, mine, room.pk in closed, on, range(opens, closes))})
    return {"hours": [f"{hour:02d}" for hour in range(opens, closes)], "rows": rows}


def _cells(room: Room, mine: list[Booking], shut: bool, on: date, every: range) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    for hour in every:
        moment = datetime(on.year, on.month, on.day, hour, tzinfo=settings.CITY.zone)
        here = next((one for one in mine if one.begin <= moment < one.end), None)
        if here is not None and cells and cells[-1].get("booking") == here:
            cells[-1]["span"] += 1
            continue
        is_open = on.isoweekday() in room.weekdays and room.opens.hour <= hour < room.closes.hour
        state = here.state if here is not None else "shut" if shut or not is_open else "free"
        cells.append({"booking": here, "span": 1, "state": state})
    return cells


def _waiting(rooms: list[Room], resources: list[Any]) -> list[dict[str, Any]]:
    of = {one.resource_id: one for one in rooms}
    rows = []
    for place in booked.waiting(resources):
        room = next((of[wish.resource_id] for wish in place.wishes.all() if wish.resource_id in of), None)
        rows.append({"place": place, "room": room, "number": booked.place_in_line(place)})
    return rows


@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The shop's orders: what is to be fetched, and any by its code."""
    actor = actor_of(request)
    require(actor, HAND_OUT)
    code = "".join(request.GET.get("code", "").replace("\0", "").upper().split())[:20]
    found = Order.objects.select_related("person", "bill").prefetch_related("lines__item")
    listed = found.filter(code=code) if code else found.filter(state=Order.State.PAID).order_by("made_at")[:MOST_ORDERS]
    context = {"code": code, "orders": list(listed), "rooms_too": may(actor, WORK)}
    return render(request, "house/orders.html", context)


def requests_waiting(actor: Actor) -> int:
    """For the card of the desk: how many requests wait for an answer."""
    return len(booked.requests([one.resource for one in queries.rooms() if one.resource is not None]))


def orders_waiting(actor: Actor) -> int:
    """For the card of the counter: how many orders are to be fetched."""
    return Order.objects.filter(state=Order.State.PAID).count()
