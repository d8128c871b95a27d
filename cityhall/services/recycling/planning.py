"""When a crew may come: the one place that is asked for windows, and that promises them.

For now each district is a resource of kernel/bookings, whose windows have as many places as its crew has stops. A
planner of routes may choose among the windows in `offers` later; nothing else of the service has to change for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, queries, resources
from cityhall.kernel.bookings.models import Booking, Late, Resource
from cityhall.kernel.bookings.models import State as BookingState
from cityhall.kernel.bookings.resources import Open
from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.models import Zone
from cityhall.kernel.places.point import Point
from cityhall.services.recycling.rules import rules

DRIVE = "recycling.drive_round"
WHOLE = "city"
"""The resource of what lies in no district."""
SHOWN = 12
"""Windows that are offered at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a crew may come; `left` more pickups fit into it."""

    begin: datetime
    end: datetime
    left: int


def zone_of(point: Point | None) -> str:
    """The district of a place by its slug, "" outside of all."""
    # Not before it is asked for: whoever is erased needs no polygons, and every process knows of erasing.
    from cityhall.kernel.places.zones import zone_at

    found = zone_at(point.lon, point.lat) if point is not None else None
    return found.slug if found is not None else ""


def keep_windows(said: dict[str, Any]) -> int:
    """Makes every district's resource what `[windows]` of the city's file says; gives how many there are.

    `times` are all equally long ("08:00-12:00"), `weekdays` 1 for Monday, `places` how many pickups a window has.
    Raises ValueError, KeyError, TypeError for what cannot be used.
    """
    times = [_minutes(str(one)) for one in said["times"]]
    (length,) = {closes - opens for opens, closes in times}
    limit = resources.keep_limit("recycling", open_most=rules().open_most)
    names = {WHOLE: str(_("Outside all districts"))} | dict(
        Zone.objects.filter(kind="district").values_list("slug", "name")
    )
    for slug, name in names.items():
        resources.keep_resource(
            system("recycling"),
            _key(slug),
            owner="recycling",
            name=f"{name}",
            capacity=int(said["places"]),
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


def offers(zone: str, most: int = SHOWN) -> list[Window]:
    """Windows in which a crew can come to a district, the next first; those that are full are left out."""
    resource = resource_of(zone)
    if resource is None:
        return []
    now = timezone.now()
    slots = queries.slots(resource, now, now + timedelta(days=resource.ahead_days or 10), resource.least_min)
    free = [one for one in slots if one.is_free][:most]
    return [Window(one.begin, one.end, queries.left(resource, one.begin, one.end)) for one in free]


def promise(zone: str, begin: datetime, person: Person | None, key: UUID, actor: Actor, about: str) -> Booking:
    """Takes a place in the window that begins then; the same key is the same promise.

    Raises Conflict ("taken", "too_soon", "closed", "open_most") where it cannot be had.
    """
    resource = resource_of(zone)
    if resource is None:
        raise Conflict(_("No crew comes there now."), code="no_crew", mend=_("Bring it to a drop-off point."))
    end = begin + timedelta(minutes=resource.least_min)
    return actions.book([resource], begin, end, who=person, key=uuid5(key, "window"), actor=actor, about=about)


def let_go(booking: Booking | None, actor: Actor) -> None:
    """Gives a place back. Raises Conflict ("too_late") for whose it is, once it is too late."""
    if booking is not None and booking.state in (BookingState.HELD, BookingState.REQUESTED, BookingState.CONFIRMED):
        actions.cancel(booking, actor)


def until(booking: Booking | None) -> datetime | None:
    """Until when whose it is may cancel, None where they always may."""
    return booking.free_until if booking is not None else None
