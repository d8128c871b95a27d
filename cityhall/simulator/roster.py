"""Which vehicle drives what: a timetable's blocks given to a fleet that has numbers of its own.

A block (GTFS trips.block_id) is what one vehicle drives on a service day. Days have different blocks, the fleet stays
the same, so each line has a pool of vehicles: its k-th block of a day is driven by its k-th vehicle. Blocks that end
after midnight overlap the next day's first ones; they have vehicles of their own, in turn for odd and even days.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from cityhall.engines.gtfs import Schedule

DAY = 86_400
RECOVERY_S = 120
"""The rest a headway line's vehicle has, on the average, at the end of a round."""
PREFIXES = {0: "TR"}
"""By GTFS route_type; every other is a bus."""
CAPACITY = {"TR": 180, "B": 80, "C": 45, "S": 16}
SCHOOL_BUSES = 4


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle of the fleet. `kind` is the city's: bus, shuttle or school; `line` the one whose pool it is in."""

    id: str
    kind: str
    line: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a vehicle drives on a service day: trips (rows of the schedule) in order."""

    vehicle: str
    day: date
    trips: tuple[int, ...]


@dataclass(frozen=True)
class Roster:
    """The fleet that a schedule needs."""

    schedule: Schedule

    @cached_property
    def span(self) -> np.ndarray:
        """(trips, 2) first departure and last arrival, seconds of the service day."""
        first, times = self.schedule.trips.first, self.schedule.stop_times
        return np.column_stack([times.departure[first[:-1]], times.arrival[first[1:] - 1]]).astype(np.int64)

    @cached_property
    def headway_trips(self) -> dict[int, list[int]]:
        """Trips of lines that run by headway (they come from frequencies.txt), by route."""
        found: dict[int, list[int]] = defaultdict(list)
        for trip, name in enumerate(self.schedule.trips.id):
            if "@" in name:
                found[int(self.schedule.trips.route[trip])].append(trip)
        return dict(found)

    @cached_property
    def _blocks(self) -> dict[tuple[int, int], list[tuple[int, ...]]]:
        """Blocks by (route of the first trip, service), each as its trips in order, in the order they begin."""
        trips, grouped = self.schedule.trips, defaultdict(list)
        for trip, block in enumerate(trips.block):
            if "@" not in trips.id[trip]:
                grouped[int(trips.service[trip]), block or trips.id[trip]].append(trip)
        found: dict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)
        for (service, _name), members in grouped.items():
            members.sort(key=lambda trip: self.span[trip, 0])
            found[int(trips.route[members[0]]), service].append(tuple(members))
        for blocks in found.values():
            blocks.sort(key=lambda block: (self.span[block[0], 0], block[0]))
        return dict(found)

    @cached_property
    def _pools(self) -> dict[int, tuple[int, int]]:
        """For each route: the most blocks that end before midnight, and the most that end later, on any day."""
        services = self.schedule.services
        days = np.unique([services.on_ordinal(day) for day in services.telling_days()], axis=0)
        pools: dict[int, tuple[int, int]] = {}
        for route, service in self._blocks:
            counts = [self._count(route, np.flatnonzero(day)) for day in days if day[service] or route not in pools]
            early, late = pools.get(route, (0, 0))
            pools[route] = max([early, *(c[0] for c in counts)]), max([late, *(c[1] for c in counts)])
        return pools

    def _count(self, route: int, services: np.ndarray) -> tuple[int, int]:
        ends = [
            self.span[block[-1], 1] for service in services for block in self._blocks.get((route, int(service)), [])
        ]
        late = sum(int(end > DAY) for end in ends)
        return len(ends) - late, late

    @cached_property
    def _names(self) -> dict[int, list[str]]:
        """The numbers of each route's vehicles."""
        names: dict[int, list[str]] = {}
        used: dict[str, int] = defaultdict(int)
        for route, (early, late) in sorted(self._pools.items()):
            prefix = PREFIXES.get(int(self.schedule.routes.type[route]), "B")
            size = early + 2 * late
            names[route] = [f"{prefix}{used[prefix] + place + 1:02}" for place in range(size)]
            used[prefix] += size
        return names

    def shuttles(self, route: int) -> int:
        """How many vehicles a headway line needs: a round, with its rest, over its headway."""
        trips = self.headway_trips[route]
        span, service = self.span[trips], self.schedule.trips.service[trips]
        gaps = np.diff(np.sort(span[service == service[0], 0]))
        # The shortest that is kept for a while: where one headway gives way to another a gap may be anything.
        headway = int(np.percentile(gaps, 10)) if gaps.size else 600
        return max(2, -(-int(span[0, 1] - span[0, 0] + RECOVERY_S) // max(headway, 60)))

    @cached_property
    def vehicles(self) -> list[Vehicle]:
        """The whole fleet."""
        lines = self.schedule.routes.short_name
        fleet = [
            Vehicle(name, "bus", lines[route], CAPACITY[name.rstrip("0123456789")])
            for route, names in self._names.items()
            for name in names
        ]
        number = 0
        for route in self.headway_trips:
            for _ in range(self.shuttles(route)):
                number += 1
                fleet.append(Vehicle(f"C{number}", "shuttle", lines[route], CAPACITY["C"]))
        return fleet + [Vehicle(f"S{one + 1}", "school", "", CAPACITY["S"]) for one in range(SCHOOL_BUSES)]

    def runs(self, day: date) -> list[Run]:
        """What is driven on a service day by the timetable; headway lines are not in it."""
        found = []
        active = np.flatnonzero(self.schedule.services.on(day))
        for route, names in self._names.items():
            blocks = [block for service in active for block in self._blocks.get((route, int(service)), [])]
            blocks.sort(key=lambda block: (self.span[block[0], 0], block[0]))
            early_pool, late_pool = self._pools[route]
            early = late = 0
            for block in blocks:
                if self.span[block[-1], 1] > DAY:
                    place = early_pool + late + late_pool * (day.toordinal() % 2)
                    late += 1
                else:
                    place, early = early, early + 1
                found.append(Run(names[place], day, block))
        return found
