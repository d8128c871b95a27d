"""What a day's plan says to people: when a crew is expected, how a truck stands, and what will not go as promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cityhall.kernel.places.point import Point
from cityhall.services.recycling import rounds, trucks, workflow
from cityhall.services.recycling.models import Pickup, Truck
from cityhall.services.recycling.rounds import Day
from cityhall.services.recycling.rules import day_of, today
from cityhall.services.recycling.ways import Way, ways
from cityhall.services.recycling.wording import kilograms
from cityhall.services.recycling.workflow import State

if TYPE_CHECKING:
    from cityhall.engines.pickups import Route

STEP, WIDE, SOONER = timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=5)
"""What a resident is told is a span of so many minutes, on the tens, from a little before what is reckoned."""


@dataclass(frozen=True, slots=True)
class Coming:
    """When a truck is expected at a stop, whose window `opens` then; `unload`: it empties itself first."""

    truck: Truck
    at: datetime
    opens: datetime
    unload: bool
    late: bool

    @property
    def begin(self) -> datetime:
        """From when on, in round minutes, it is told to be expected: not before the window."""
        sooner = self.at - SOONER
        return max(self.opens, sooner - (sooner - sooner.replace(minute=0, second=0, microsecond=0)) % STEP)

    @property
    def end(self) -> datetime:
        """Until when it is told to be expected."""
        return self.begin + WIDE


def stops(read: Day) -> dict[int, Coming]:
    """By a pickup's number what is expected, for those of a day that are still to come, in the order of the plan."""
    found: dict[int, Coming] = {}
    for route in read.plan.routes:
        unload = False
        for stop in route.stops:
            one = read.pickups[stop.job] if stop.job is not None else None
            if one is not None and one.state in workflow.OPEN:
                assert one.begin is not None and one.end is not None, "a promised pickup has a window"
                at, truck = read.moment(stop.begin), read.trucks[route.vehicle]
                found[one.pk] = Coming(truck, at, one.begin, unload, late=at > one.end)
            unload = one is None
    return found


def expected(pickup: Pickup) -> Coming | None:
    """When the crew is expected at a pickup of today; None on other days, whose order may still be another."""
    if pickup.begin is None or pickup.state not in (State.PROMISED, State.ON_WAY) or day_of(pickup.begin) != today():
        return None
    read = day_read(today())
    return stops(read).get(pickup.pk) if read is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a truck's day stands: stops that are over and left, grams on board of `most`, `metres` of the whole day."""

    truck: Truck
    done: int
    left: int
    grams: int
    most: int
    metres: float
    ends: datetime
    over: bool

    @property
    def load(self) -> str:
        return kilograms(round(self.grams, -2))

    @property
    def room(self) -> str:
        return kilograms(self.most)

    @property
    def km(self) -> int:
        """Kilometres of the whole day."""
        return round(self.metres / 1000)

    @property
    def percent(self) -> int:
        """How much of its room is taken."""
        return min(100, round(100 * self.grams / self.most))


def standings(read: Day) -> list[Standing]:
    """Of each truck that has stops on a day. `over`: it is expected back after its shift."""
    found = []
    for route in read.plan.routes:
        its = read.trucks[route.vehicle]
        of_day = [read.pickups[job] for job in route.jobs()]
        left = sum(one.state in workflow.OPEN for one in of_day)
        late = route.returns > read.plan.problem.vehicles[route.vehicle].shift[1]
        found.append(
            Standing(
                its,
                len(of_day) - left,
                left,
                _on_board(read, route),
                trucks.room_of(its),
                sum(way.metres for way in driven(read, route)),
                read.moment(route.returns),
                late,
            )
        )
    return found


def _on_board(read: Day, route: Route) -> int:
    """Grams of what was collected since the truck was emptied."""
    grams = 0
    over = [stop.job is not None and read.pickups[stop.job].state not in workflow.OPEN for stop in route.stops]
    last = max((row for row, is_over in enumerate(over) if is_over), default=-1)
    for stop in route.stops[: last + 1]:
        grams = 0 if stop.job is None else grams + sum(rounds.grams_of(read.pickups[stop.job]).values())
    return grams


def driven(read: Day, route: Route) -> Iterator[Way]:
    """The ways of a route along the streets, one by one, from the depot and back."""
    found = ways()
    return (found.way(one, two) for one, two in pairwise(_places(read, route)))


def _places(read: Day, route: Route) -> list[Point]:
    depot, *unload = trucks.places_of(read.trucks[route.vehicle])
    jobs = read.plan.problem.jobs
    between = [unload[stop.unloading or 0] if stop.job is None else read.points[jobs[stop.job].place]
               for stop in route.stops]  # fmt: skip
    return [depot, *between, depot]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A promise that is not going to be kept: no truck has room for it where `at` is None, else it is late then."""

    pickup: Pickup
    at: datetime | None


def troubles(read: Day) -> list[Trouble]:
    """Of what is still to come that which will not be fetched as it was promised."""
    there = stops(read)
    late = [Trouble(one, there[one.pk].at) for one in read.pickups if one.pk in there and there[one.pk].late]
    lost = [Trouble(one, None) for one in read.pickups if one.pk not in there and one.state in workflow.OPEN]
    return lost + late


def day_read(day: date) -> Day | None:
    """A day as it stands, None where the city tells of no trucks."""
    return rounds.read(day) if trucks.told() else None


def desk_part() -> dict[str, Any]:
    """What the officers' desk says of today's routes; nothing where the city tells of no trucks."""
    read = day_read(today())
    return {} if read is None else {"standings": standings(read), "troubles": troubles(read), "planned": True}


def in_order(rows: list[Pickup], read: Day | None, truck: str = "") -> list[Pickup]:
    """A day's pickups as the trucks come to them, each with its `coming`; `truck` keeps those of one truck.

    Where the city tells of no trucks they stay as they are.
    """
    if read is None:
        return rows
    there = stops(read)
    places = {pk: place for place, pk in enumerate(there)}
    for one in rows:
        one.coming = there.get(one.pk)
    if truck:
        mine = {read.pickups[job].pk for route in read.plan.routes if read.trucks[route.vehicle].key == truck
                for job in route.jobs()}  # fmt: skip
        rows = [one for one in rows if one.pk in mine]
    return sorted(rows, key=lambda one: (one.state not in workflow.OPEN, places.get(one.pk, len(places))))
