"""When a crew may come: the one place that is asked for windows, and that promises them.

Each district is a resource of kernel/bookings. Where the city tells of trucks, a window is free where the day's rounds
can still keep it (rounds.py), and the booking has what follows from it: notice, the limit for cancelling, the calendar.
Without trucks a window has as many places as the city's file says. Locks: the pickup, the day's round, the booking's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import groupby, islice
from typing import Any
from uuid import uuid5

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, queries, resources
from cityhall.kernel.bookings.models import Booking, Late, Resource
from cityhall.kernel.bookings.models import State as BookingState
from cityhall.kernel.bookings.resources import Open
from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.places.models import Zone
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import rounds, trucks
from cityhall.services.recycling.models import Pickup
from cityhall.services.recycling.rules import day_of, rules

DRIVE = "recycling.drive_round"
WHOLE = "city"
"""The resource of what lies in no district."""
SHOWN = 12
"""Windows that are offered at once."""
ASKED_A_MINUTE = 60
"""So often somebody is told of windows: for each the rounds of all days to come are reckoned."""
ROOM = 400
"""Places of a window where the trucks' rounds decide: more than they ever keep in one district."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a crew may come; `left` more pickups fit into it, None where what the trucks do decides."""

    begin: datetime
    end: datetime
    left: int | None


def zone_of(point: Point | None) -> str:
    """The district of a place by its slug, "" outside of all."""
    # Not before it is asked for: whoever is erased needs no polygons, and every process knows of erasing.
    from cityhall.kernel.places.zones import zone_at

    found = zone_at(point.lon, point.lat) if point is not None else None
    return found.slug if found is not None else ""


def keep_windows(said: dict[str, Any]) -> int:
    """Makes every district's resource what `[windows]` of the city's file says; gives how many there are.

    `times` are all equally long ("08:00-12:00"), `weekdays` 1 for Monday, `places` how many pickups a window has
    where no trucks are told of (which are kept before this is called).
    Raises ValueError, KeyError, TypeError for what cannot be used.
    """
    times = [_minutes(str(one)) for one in said["times"]]
    (length,) = {closes - opens for opens, closes in times}
    limit = resources.keep_limit("recycling", open_most=rules().open_most)
    planned = trucks.told()
    names = {WHOLE: str(_("Outside all districts"))} | dict(
        Zone.objects.filter(kind="district").values_list("slug", "name")
    )
    for slug, name in names.items():
        resources.keep_resource(
            system("recycling"),
            _key(slug),
            owner="recycling",
            name=f"{name}",
            capacity=ROOM if planned else int(said["places"]),
            hours=[Open(int(day) - 1, opens, closes) for day in said["weekdays"] for opens, closes in times],
            seats_most=1,
            grid_min=length,
            least_min=length,
            most_min=length,
            notice_min=60 * int(said.get("notice_hours", 2)),
            ahead_days=int(said.get("ahead_days", 10)),
            free_until_min=60 * rules().cancel_hours,
            late=Late.REFUSE,
            limit=limit,
            permission=DRIVE,
            page="/recycling/bookings/{booking}/",
        )
    return len(names)


def _key(zone: str) -> str:
    return f"recycling:{zone or WHOLE}"


def _minutes(span: str) -> tuple[int, int]:
    opens, closes = (time.fromisoformat(one.strip()) for one in span.split("-"))
    return 60 * opens.hour + opens.minute, 60 * closes.hour + closes.minute


def resource_of(zone: str) -> Resource | None:
    """What is booked of a district's crew; the whole city's where it has none of its own."""
    found = Resource.objects.filter(key__in=(_key(zone), _key(WHOLE)), closed_at=None)
    return next(iter(sorted(found, key=lambda one: one.key != _key(zone))), None)


def offers(
    zone: str, most: int = SHOWN, *, point: Point | None = None, grams: Mapping[str, int] | None = None
) -> list[Window]:
    """Windows in which a crew can come to a district, the next first; those that cannot be kept are left out.

    `point` and `grams` (by material) say where and how much: trucks have room for some things and not for others. Of
    a place that nobody knows, and of an amount that nobody said, what such a pickup takes is reckoned with.
    """
    resource = resource_of(zone)
    if resource is None:
        return []
    now = timezone.now()
    slots = queries.slots(resource, now, now + timedelta(days=resource.ahead_days or 10), resource.least_min)
    free = [one for one in slots if one.is_free]
    if trucks.told():
        return list(islice(_kept(free, point, grams or {}), most))
    return [Window(one.begin, one.end, queries.left(resource, one.begin, one.end)) for one in free[:most]]


def _kept(slots: Iterable[queries.Slot], point: Point | None, grams: Mapping[str, int]) -> Iterator[Window]:
    """Those that the days' rounds can keep for one more pickup."""
    from cityhall.engines.pickups import offers as kept_by

    by_day = {day: list(some) for day, some in groupby(slots, lambda one: day_of(one.begin))}
    known = rounds.Known.of(by_day.keys())
    for day, some in by_day.items():
        read = known.day(day, point, grams)
        if not read.trucks:
            continue
        windows = [read.window(one.begin, one.end) for one in some]
        job = read.job(read.row(point), grams, (), known=point is not None)
        can = {one.window for one in kept_by(read.plan, job, windows)}
        yield from (
            Window(one.begin, one.end, None) for one, window in zip(some, windows, strict=True) if window in can
        )


def promise(pickup: Pickup, begin: datetime, actor: Actor) -> Booking:
    """Takes the window that begins then for a locked pickup; what its key took already is the same promise.

    Raises Conflict ("taken", "too_soon", "closed", "open_most") where it cannot be had.
    """
    resource = resource_of(pickup.zone)
    if resource is None:
        raise Conflict(_("No crew comes there now."), code="no_crew", mend=_("Bring it to a drop-off point."))
    end = begin + timedelta(minutes=resource.least_min)
    if trucks.told():
        _into_the_round(pickup, begin, end)
    key = uuid5(pickup.key, "window")
    return actions.book([resource], begin, end, who=pickup.person, key=key, actor=actor, about=pickup.ref)


def _into_the_round(pickup: Pickup, begin: datetime, end: datetime) -> None:
    """Puts a pickup into its day's rounds, under the day's lock. Raises Conflict where no truck can keep the window."""
    from cityhall.engines.pickups import insert

    day = day_of(begin)
    row = rounds.locked(day)
    grams = rounds.grams_of(pickup)
    read = rounds.Known.of([day]).day(day, pickup.point, grams)
    made = None
    if read.trucks:
        job = read.job(read.row(pickup.point), grams, (read.window(begin, end),), known=pickup.point is not None)
        made = insert(read.plan, job)
    if made is None:
        raise Conflict(
            _("We cannot keep this time any more: the trucks' rounds are full then."),
            code="taken",
            field="begin",
            mend=_("Choose another time."),
        )
    row.order = replace(read, plan=made, pickups=(*read.pickups, pickup)).order()
    row.changed_at = timezone.now()
    row.save(update_fields=["order", "changed_at"])


def let_go(booking: Booking | None, actor: Actor) -> None:
    """Gives a place back. Raises Conflict ("too_late") for whose it is, once it is too late."""
    if booking is not None and booking.state in (BookingState.HELD, BookingState.REQUESTED, BookingState.CONFIRMED):
        actions.cancel(booking, actor)


def until(booking: Booking | None) -> datetime | None:
    """Until when whose it is may cancel, None where they always may."""
    return booking.free_until if booking is not None else None
