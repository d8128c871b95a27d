"""Taking seats and letting them go: under locks that everybody takes in one order, and an exclusion constraint below.

Why nothing is given twice, and nothing is refused that would fit:

- A resource of n seats has n rows `Unit`, and each seat of a booking is a row `Taken` of one unit and one interval,
  buffers included. The exclusion constraint lets no two of a unit overlap, whoever writes them; so at no moment are
  more than n taken, also if all of this module were wrong.
- Whoever takes locks the person, then the resources in the order of their numbers. Under these locks what is read
  is what is there, so a lost race is found by looking and answered by a clear refusal; and two writers never wait for
  one another on the constraint itself, which PostgreSQL could only end as a deadlock.
- A seat may be free now here, then there, but no one seat all the time (fragmentation). Seats are anonymous, so then
  those of the bookings around are dealt anew: the intervals, sorted by their begin, each get the lowest seat that is
  free. That needs only as many seats as are taken at once at the fullest moment (an interval graph's colouring by
  begin is optimal: where a seat higher than the depth were needed, all lower ones would be taken at that very begin).
  So a wish is refused if and only if at some moment of it fewer seats are left than it wants.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings.models import UNIT_S, Also, Part, Resource, Taken, Unit
from cityhall.kernel.errors import CityhallError, Conflict, Invalid, Missing
from cityhall.kernel.people.models import Person

NEVER_TWICE = "bookings_never_twice"
MOST_SEATS = 10_000


@dataclass(frozen=True, slots=True)
class Want:
    """Seats of a resource; `asked`, or taken along with one that was (`Also`)."""

    resource: Resource
    seats: int
    asked: bool = True


def expand(wanted: Mapping[int, int]) -> dict[int, tuple[int, bool]]:
    """What is taken where `wanted` (seats by the resource's number) is booked: number -> (seats, whether asked for).

    What these take along is one step: what that would take along in turn is not. Raises Invalid for no seats.
    """
    if any(type(seats) is not int or not 0 < seats <= MOST_SEATS for seats in wanted.values()):
        raise Invalid(_("Say how many seats, one or more."), code="bad_seats", field="seats")
    found = {number: (seats, True) for number, seats in wanted.items()}
    for number, takes, seats, per_seat in Also.objects.filter(resource__in=wanted).values_list(
        "resource", "takes", "seats", "per_seat"
    ):
        had, asked = found.get(takes, (0, False))
        found[takes] = had + seats * (wanted[number] if per_seat else 1), asked
    return found


def locked(wanted: Mapping[int, int], who: Person | None = None) -> list[Want]:
    """What is to be taken, with the person and all its resources locked as everybody locks them: a transaction only.

    Raises Missing where there is no such resource, Conflict ("changed") where an officer changed just then what it
    takes along.
    """
    if who is not None:
        lock_person(who.pk)
    before = expand(wanted)
    resources = lock(before)
    if (now := expand(wanted)).keys() != before.keys():
        raise Conflict(_("This was changed just now."), code="changed", mend=_("Try again."))
    return [Want(resources[number], *now[number]) for number in sorted(now)]


def lock_person(number: int) -> None:
    """One booking of a person after the other, or limits could be passed in a race."""
    found = Person.objects.select_for_update(no_key=True).filter(pk=number, is_active=True)
    if found.values_list("pk", flat=True).first() is None:
        raise Missing(_("There is no such person."), code="no_such_person")


def lock_person_anyhow(number: int) -> None:
    """As `lock_person`, also of an account that is closed."""
    list(Person.objects.select_for_update(no_key=True).filter(pk=number).values_list("pk", flat=True))


def lock(numbers: Iterable[int]) -> dict[int, Resource]:
    """Resources by number, locked in the order of their numbers. Raises Missing."""
    wanted = set(numbers)
    found = Resource.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=wanted).order_by("pk")
    resources = {one.pk: one for one in found}
    if len(resources) < len(wanted) or not wanted:
        raise Missing(_("There is no such resource."), code="no_such_resource", field="resource")
    return resources


def span(resource: Resource, begin: datetime, end: datetime) -> tuple[int, int]:
    """What a booking takes, with the buffers that the resource has now, in Unix seconds."""
    return int(begin.timestamp()) - resource.before_min * 60, int(end.timestamp()) + resource.after_min * 60


_OVERLAP = f"""
live AND int8range(resource_id * {UNIT_S} + begins, resource_id * {UNIT_S} + ends)
    && int8range(%(resource)s * {UNIT_S} + %(begins)s, %(resource)s * {UNIT_S} + %(ends)s)
"""
"""Of bookings_part, by its index."""
_DEPTH = f"""
SELECT coalesce(max(depth), 0) FROM (
    SELECT sum(step) OVER (ORDER BY at, step) AS depth FROM (
        SELECT greatest(begins, %(begins)s) AS at, seats AS step FROM bookings_part WHERE {_OVERLAP}
        UNION ALL
        SELECT ends, -seats FROM bookings_part WHERE {_OVERLAP}
    ) AS steps
) AS depths
"""
_AROUND = f"SELECT id, begins, ends FROM bookings_part WHERE {_OVERLAP}"
_FREE = f"""
SELECT unit.id FROM bookings_unit AS unit WHERE unit.resource_id = %(resource)s AND NOT EXISTS (
    SELECT FROM bookings_taken AS taken
    WHERE int8range(taken.unit_id * {UNIT_S} + taken.begins, taken.unit_id * {UNIT_S} + taken.ends)
        && int8range(unit.id * {UNIT_S} + %(begins)s, unit.id * {UNIT_S} + %(ends)s)
) ORDER BY unit.number LIMIT %(seats)s
"""


def most_taken(resource: int, begins: int, ends: int) -> int:
    """How many seats of a resource are taken at the fullest moment of an interval (Unix seconds)."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPTH, {"resource": resource, "begins": begins, "ends": ends})
        return int(cursor.fetchone()[0])


def fits(resource: Resource, seats: int, begins: int, ends: int) -> bool:
    """Whether so many seats are free all the time."""
    return seats <= resource.capacity and most_taken(resource.pk, begins, ends) + seats <= resource.capacity


def taken(resource: Resource) -> CityhallError:
    """The refusal of who came too late."""
    return Conflict(
        _("%(resource)s is taken then.") % {"resource": resource.name},
        code="taken",
        field="begin",
        mend=_("Choose another time, or wait for this one."),
    )


def take(parts: Iterable[Part], resources: Mapping[int, Resource]) -> None:
    """Keeps parts, new ones too, and takes their seats; their resources are locked. Raises Conflict ("taken")."""
    for part in parts:
        resource = resources[part.resource_id]
        if not fits(resource, part.seats, part.begins, part.ends):
            raise taken(resource)
        part.live = True
        try:
            # A savepoint: what the constraint refuses must not take the caller's transaction along.
            with transaction.atomic():
                part.save()
                _seat(part)
        except IntegrityError as problem:
            if NEVER_TWICE not in str(problem):
                raise
            raise taken(resource) from problem


def _seat(part: Part) -> None:
    """Gives a part its seats; deals those around anew where too few of them are free all the time."""
    asked = {"resource": part.resource_id, "begins": part.begins, "ends": part.ends, "seats": part.seats}
    with connection.cursor() as cursor:
        cursor.execute(_FREE, asked)
        units = [unit for (unit,) in cursor.fetchall()]
    if len(units) == part.seats:
        Taken.objects.bulk_create(Taken(part=part, unit_id=one, begins=part.begins, ends=part.ends) for one in units)
    else:
        deal(part.resource_id, _around(part), part)


def _around(part: Part) -> list[Taken]:
    """What overlaps a part, what overlaps that, and so on: all that may have to move."""
    first, last = part.begins, part.ends
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_AROUND, {"resource": part.resource_id, "begins": first, "ends": last})
            found = cursor.fetchall()
        began, ended = min(first, *(one[1] for one in found)), max(last, *(one[2] for one in found))
        if (began, ended) == (first, last):
            return list(Taken.objects.filter(part__in=[one[0] for one in found]))
        first, last = began, ended


def deal(resource: int, seats: list[Taken], new: Part | None = None) -> None:
    """Deals seats anew, lowest first, with those of a new part; nothing else of the resource overlaps them."""
    units = list(Unit.objects.filter(resource_id=resource).order_by("number").values_list("pk", flat=True))
    wanted = [Taken(part_id=one.part_id, begins=one.begins, ends=one.ends) for one in seats]
    if new is not None:
        wanted += [Taken(part=new, begins=new.begins, ends=new.ends) for _seat in range(new.seats)]
    free = list(range(len(units)))
    busy: list[tuple[int, int]] = []
    for one in sorted(wanted, key=lambda one: one.begins):
        while busy and busy[0][0] <= one.begins:
            heapq.heappush(free, heapq.heappop(busy)[1])
        place = heapq.heappop(free)
        heapq.heappush(busy, (one.ends, place))
        one.unit_id = units[place]
    # Taken away first: the constraint looks at each row as it comes.
    Taken.objects.filter(pk__in=[one.pk for one in seats]).delete()
    Taken.objects.bulk_create(wanted)


def let_go(booking: int) -> list[int]:
    """Lets go all that a booking has taken; gives the numbers of the resources that have something free by that."""
    parts = Part.objects.filter(booking_id=booking, live=True)
    freed = list(parts.values_list("resource", flat=True))
    Taken.objects.filter(part__booking_id=booking).delete()
    parts.update(live=False)
    return freed
