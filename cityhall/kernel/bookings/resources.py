"""Resources and what they are open for: kept by the services that own them, from files or officers' pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, taking
from cityhall.kernel.bookings.calendars import MINUTES, Span
from cityhall.kernel.bookings.models import Also, Hours, Limit, Resource, SpecialDay, Taken, Unit
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor


@dataclass(frozen=True, slots=True)
class Open:
    """Hours of a weekday (Monday is 0) in minutes since midnight, from the day `since` until before `until`."""

    weekday: int
    opens: int
    closes: int
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Takes:
    """A resource that is taken along: so many seats, for each seat where `per_seat`."""

    resource: Resource
    seats: int = 1
    per_seat: bool = False


@transaction.atomic
def keep_resource(
    actor: Actor,
    key: str,
    *,
    owner: str,
    name: str,
    capacity: int = 1,
    hours: Iterable[Open] | None = None,
    also: Iterable[Takes] | None = None,
    **rules: Any,
) -> Resource:
    """The resource of a key, made or changed to be so; `rules` are the other fields of `Resource`.

    No booking that is made already changes. `hours` and `also` None: as they are. Raises Invalid for hours that are
    none or an unknown zone, Conflict ("seats_taken") where more seats are booked than there would be.
    """
    _check_kept(rules.get("zone", ""), capacity)
    found, made = Resource.objects.get_or_create(
        key=key, defaults={"owner": owner, "name": name, "capacity": capacity, **rules}
    )
    resource = taking.lock([found.pk])[found.pk]
    before = _fields(resource)
    for field, value in {"owner": owner, "name": name, **rules}.items():
        setattr(resource, field, value)
    resource.save()
    _seat(resource, capacity)
    if hours is not None:
        _open(resource, list(hours))
    if also is not None:
        Also.objects.filter(resource=resource).delete()
        Also.objects.bulk_create(
            Also(resource=resource, takes=one.resource, seats=one.seats, per_seat=one.per_seat) for one in also
        )
    if made or _fields(resource) != before or hours is not None or also is not None:
        _note(resource, "resource.kept", actor)
        actions.tell_freed([resource.pk])
    return resource


def _fields(resource: Resource) -> dict[str, Any]:
    return {field.attname: getattr(resource, field.attname) for field in Resource._meta.concrete_fields}


def _check_kept(zone: str, capacity: int) -> None:
    try:
        ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError) as problem:
        raise Invalid(_("There is no such time zone."), code="bad_zone", field="zone") from problem
    if not 0 < capacity <= taking.MOST_SEATS:
        raise Invalid(_("Say how many seats, one or more."), code="bad_seats", field="capacity")


def _note(resource: Resource, what: str, actor: Actor, **data: Any) -> None:
    append("bookings", what, {"key": resource.key, **data}, subject=resource.ref, actor=str(actor))


@transaction.atomic
def set_capacity(actor: Actor, resource: Resource, capacity: int) -> Resource:
    """More seats, or fewer where no more are booked from now on. Raises Conflict ("seats_taken"), Invalid, Missing."""
    _check_kept("", capacity)
    resource = taking.lock([resource.pk])[resource.pk]
    _seat(resource, capacity)
    _note(resource, "resource.capacity", actor, capacity=capacity)
    actions.tell_freed([resource.pk])
    return resource


def _seat(resource: Resource, capacity: int) -> None:
    """Its units are 1 to `capacity`; what is booked on those that go is dealt to the others."""
    numbers = set(Unit.objects.filter(resource=resource).values_list("number", flat=True))
    wanted = set(range(1, capacity + 1))
    Unit.objects.bulk_create(Unit(resource=resource, number=number) for number in sorted(wanted - numbers))
    if numbers - wanted:
        now = int(timezone.now().timestamp())
        if taking.most_taken(resource.pk, now, _FAR) > capacity:
            raise Conflict(
                _("More seats than that are booked."),
                code="seats_taken",
                field="capacity",
                mend=_("Cancel bookings first, or lower it later."),
            )
        # What is over needs no seat any more; what is to come, or goes on, gets one of those that stay.
        Taken.objects.filter(part__resource=resource, ends__lte=now).delete()
        staying = list(Taken.objects.filter(part__resource=resource))
        Taken.objects.filter(part__resource=resource).delete()
        Unit.objects.filter(resource=resource, number__gt=capacity).delete()
        for one in staying:
            # Only from now on: before, there were more seats.
            one.begins = max(one.begins, now)
        taking.deal(resource.pk, staying)
    resource.capacity = capacity
    resource.save(update_fields=["capacity"])


_FAR = (1 << 34) - 1


def _open(resource: Resource, hours: list[Open]) -> None:
    for one in hours:
        _check_spans([(one.opens, one.closes)])
        if not 0 <= one.weekday < 7:
            raise Invalid(_("A weekday is 0 for Monday to 6 for Sunday."), code="bad_hours", field="hours")
    Hours.objects.filter(resource=resource).delete()
    Hours.objects.bulk_create(
        Hours(
            resource=resource,
            weekday=one.weekday,
            opens=one.opens,
            closes=one.closes,
            since=one.since,
            until=one.until,
        )
        for one in hours
    )


def _check_spans(spans: Iterable[Span]) -> None:
    if any(not 0 <= opens < closes <= MINUTES for opens, closes in spans):
        raise Invalid(_("Hours end after they begin, on the same day."), code="bad_hours", field="hours")


@transaction.atomic
def set_days(actor: Actor, resource: Resource, days: Mapping[date, list[Span] | None]) -> list[int]:
    """Other hours on some days, [] for closed, None for those of the weekday again.

    Gives the numbers of bookings that are live and no longer within the hours: they stay, and are the officer's to
    speak about. Raises Invalid, Missing.
    """
    from cityhall.kernel.bookings.queries import outside_hours

    resource = taking.lock([resource.pk])[resource.pk]
    for day, spans in sorted(days.items()):
        if spans is None:
            SpecialDay.objects.filter(resource=resource, day=day).delete()
            continue
        _check_spans(spans)
        SpecialDay.objects.update_or_create(
            resource=resource, day=day, defaults={"spans": sorted([opens, closes] for opens, closes in spans)}
        )
    _note(resource, "resource.days", actor, days=[day.isoformat() for day in sorted(days)])
    actions.tell_freed([resource.pk])
    return outside_hours(resource, min(days), max(days)) if days else []


@transaction.atomic
def close(actor: Actor, resource: Resource) -> Resource:
    """It is booked no more; what is booked stays."""
    resource = taking.lock([resource.pk])[resource.pk]
    if resource.closed_at is None:
        resource.closed_at = timezone.now()
        resource.save(update_fields=["closed_at"])
        _note(resource, "resource.closed", actor)
    return resource


def keep_limit(key: str, *, open_most: int | None = None, week_most: int | None = None) -> Limit:
    """The limit of a key, made or changed to be so."""
    return Limit.objects.update_or_create(key=key, defaults={"open_most": open_most, "week_most": week_most})[0]
