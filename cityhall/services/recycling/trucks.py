"""The trucks that the city's file tells of, and what a planner of routes needs to know of them on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from cityhall.kernel.places.point import Point
from cityhall.services.recycling.models import Material, Truck

if TYPE_CHECKING:
    from cityhall.engines.pickups import Vehicle

ANY = 1_000_000_000
"""Grams that no truck ever holds: the room that it has for what it does not keep apart."""


def keep(said: Iterable[dict[str, Any]]) -> int:
    """Makes the trucks what `[[truck]]` of the city's file says; gives how many there are.

    What it does not name any more drives no longer. Raises ValueError, KeyError, TypeError for what cannot be used.
    """
    keys = []
    known = set(Material.objects.values_list("key", flat=True))
    for place, one in enumerate(said):
        begins, ends = (_minutes(part) for part in str(one["shift"]).split("-"))
        if begins >= ends:
            raise ValueError(f"{one['shift']}: a shift ends on the day on which it begins")
        weekdays = sorted({int(day) for day in one["weekdays"]})
        if not weekdays or not 1 <= weekdays[0] <= weekdays[-1] <= 7:
            raise ValueError(f"{one['weekdays']}: weekdays are 1, Monday, to 7")
        values = {
            "names": one["names"],
            "compartments": [_compartment(part, known) for part in one["compartments"]],
            "weekdays": weekdays,
            "begins": begins,
            "ends": ends,
            "depot": Point(*_position(one["depot"])),
            "unloading": [
                {"at": _position(part["at"]), "minutes": int(part.get("minutes", 15))}
                for part in one.get("unloading", [])
            ],
            "order": place,
            "active": True,
        }
        if not values["compartments"]:
            raise ValueError(f"{one['key']} has no room for anything")
        Truck.objects.update_or_create(key=one["key"], defaults=values)
        keys.append(one["key"])
    Truck.objects.exclude(key__in=keys).update(active=False)
    return len(keys)


def _minutes(text: str) -> int:
    moment = time.fromisoformat(text.strip())
    return 60 * moment.hour + moment.minute


def _position(said: Sequence[float]) -> list[float]:
    lon, lat = (float(one) for one in said)
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(f"{said} is no place: longitude, latitude")
    return [lon, lat]


def _compartment(said: dict[str, Any], known: set[str]) -> dict[str, Any]:
    materials, kilos = [str(one) for one in said.get("materials", [])], int(said["kg"])
    if unknown := sorted(set(materials) - known):
        raise ValueError(f"a truck takes {', '.join(unknown)}, which is no material")
    if not 0 < kilos < ANY // 1000:
        raise ValueError(f"{kilos} kg is no room of a truck")
    return {"materials": materials, "grams": kilos * 1000}


def told() -> bool:
    """Whether the city has told of trucks: only then are windows offered by what their rounds can keep."""
    return Truck.objects.filter(active=True).exists()


def driving(every: Iterable[Truck], day: date) -> tuple[Truck, ...]:
    """Of the trucks those that drive on a day."""
    return tuple(one for one in every if one.active and day.isoweekday() in one.weekdays)


def midnight(day: date) -> datetime:
    """The first moment of a day on the city's clock, in UTC: seconds of a day are counted from it."""
    return datetime.combine(day, time(), settings.CITY.zone).astimezone(UTC)


def seconds_of(day: date, moment: datetime) -> int:
    """Seconds from a day's first moment: also where the clock is changed on that day."""
    return int((moment - midnight(day)).total_seconds())


def _shift(one: Truck, day: date) -> tuple[int, int]:
    def at(minutes: int) -> int:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return max(0, seconds_of(day, wall.replace(tzinfo=settings.CITY.zone).astimezone(UTC)))

    return at(one.begins), at(one.ends)


@dataclass(frozen=True)
class Rooms:
    """The compartments of some trucks as columns, so that trucks that keep other things apart are in one plan.

    Each column is a set of materials that some truck keeps together, or (`others`) all but those.
    """

    columns: tuple[tuple[frozenset[str], bool], ...]

    @classmethod
    def of(cls, trucks: Sequence[Truck]) -> Rooms:
        """Those of these trucks."""
        return cls(tuple(dict.fromkeys(kind for one in trucks for kind, _grams in _kinds(one))))

    def load(self, grams: Mapping[str, int]) -> tuple[int, ...]:
        """(columns,) grams of what is to be fetched, by the key of its material."""
        return tuple(
            sum(amount for key, amount in grams.items() if (key in kinds) != others) for kinds, others in self.columns
        )

    def capacity(self, one: Truck) -> tuple[int, ...]:
        """(columns,) grams that a truck has room for."""
        mine: dict[tuple[frozenset[str], bool], int] = {}
        for kind, grams in _kinds(one):
            mine[kind] = mine.get(kind, 0) + grams
        return tuple(mine.get(kind, ANY) for kind in self.columns)


def _kinds(one: Truck) -> list[tuple[tuple[frozenset[str], bool], int]]:
    """Each compartment as a column, with its grams. What names no materials takes what no other compartment does."""
    named = frozenset(key for part in one.compartments for key in part["materials"])
    return [
        ((frozenset(part["materials"]), False) if part["materials"] else (named, True), int(part["grams"]))
        for part in one.compartments
    ]


def takes(one: Truck, materials: frozenset[str]) -> frozenset[str]:
    """Of these materials those that the truck has a compartment for."""
    if any(not part["materials"] for part in one.compartments):
        return materials
    return materials & {key for part in one.compartments for key in part["materials"]}


def room_of(one: Truck) -> int:
    """Grams that it holds, all compartments together."""
    return sum(int(part["grams"]) for part in one.compartments)


def places_of(one: Truck) -> list[Point]:
    """Its depot, and where it unloads."""
    return [one.depot, *(Point(*part["at"]) for part in one.unloading)]


def vehicle(one: Truck, day: date, rooms: Rooms, materials: frozenset[str], rows: Mapping[Point, int]) -> Vehicle:
    """The truck as the planner has it on a day; `rows` has the row of each place.

    A second costs nothing, so that it leaves as soon as it may: a kept order then always has the same times.
    """
    from cityhall.engines.pickups import Unloading, Vehicle

    depot, *unload = (rows[point] for point in places_of(one))
    return Vehicle(
        shift=_shift(one, day),
        capacity=rooms.capacity(one),
        start=depot,
        end=depot,
        unloading=tuple(
            Unloading(row, 60 * int(part["minutes"])) for row, part in zip(unload, one.unloading, strict=True)
        ),
        second_cost=0,
        skills=takes(one, materials),
    )
