"""The whole fleet, second by second: who is out, and what each vehicle says."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from cityhall.engines.gtfs import Schedule
from cityhall.simulator.bus import Bus, Trip
from cityhall.simulator.course import Course, shape_course
from cityhall.simulator.incidents import Incidents
from cityhall.simulator.roster import DAY, RECOVERY_S, Roster, Vehicle
from cityhall.simulator.school import day_of_runs
from cityhall.simulator.streets import Streets
from cityhall.simulator.traffic import Traffic

EARLY_OUT_S = 300.0
"""So long before its first trip a vehicle is at its first stop."""
LONGEST_STEP_S = 1.0
LOST_S = 60.0
"""After a pause longer than this (a machine that slept) everything begins where the timetable has it."""
LIGHT_EVERY_M = 900.0
ROUND_OFF_S = 900.0
"""So far from a departure of the timetable a headway line's vehicle may set off as that departure."""
STANDING_S = 5.0
"""A vehicle that stands reports this often, one that moves every time."""


class Fleet:
    """The vehicles of a city that live by its timetable, in true time.

    `speed` is how fast the city's day goes by in what surrounds the buses: with 60, the traffic and the crowds of a
    whole day pass in 24 minutes, and things go wrong sixty times as often. The buses themselves keep to the clock and
    to the laws of motion: a position is compared with the timetable at the moment it is from, and none could be
    driven at sixty times its speed.
    """

    def __init__(self, schedule: Schedule, now: float, *, speed: float = 1.0, seed: int = 1) -> None:
        self.schedule, self.roster = schedule, Roster(schedule)
        self.zone = ZoneInfo(schedule.timezone)
        self.rng = random.Random(f"{seed} {now}")
        self.traffic = Traffic(Streets(schedule), random.Random(seed))
        self.speed, self.began = speed, now
        self.incidents = Incidents(random.Random(seed + 1), now, min(speed, 20.0))
        self.vehicles = {vehicle.id: vehicle for vehicle in self.roster.vehicles}
        self._course = lru_cache(maxsize=None)(lambda shape: shape_course(schedule, shape))
        self._open(now)

    # The day's work

    def _hour(self, now: float) -> float:
        moment = datetime.fromtimestamp(self.began + (now - self.began) * self.speed, self.zone)
        return moment.hour + moment.minute / 60

    def _midnight(self, day: date) -> float:
        """The zero of a service day's seconds: noon minus 12 h, Unix seconds (GTFS Reference, "Time")."""
        return datetime.combine(day, time(12), self.zone).astimezone(UTC).timestamp() - DAY / 2

    def _trip(self, row: int, midnight: float) -> Trip:
        trips, times = self.schedule.trips, self.schedule.stop_times
        rows = slice(int(trips.first[row]), int(trips.first[row + 1]))
        course = self._course(int(trips.shape[row])) if trips.shape[row] >= 0 else self._straight(rows)
        route = int(trips.route[row])
        known = trips.shape[row] >= 0
        stops = [float(metres) for metres in (times.shape_distance[rows] if known else course.distance)]
        stops = [min(metres, course.length) for metres in stops]
        headway = "@" in trips.id[row]
        return Trip(
            id=trips.id[row],
            line=self.schedule.routes.short_name[route],
            route=route,
            direction=int(trips.direction[row]),
            course=course,
            stops=stops,
            arrival=[midnight + int(second) for second in times.arrival[rows]],
            departure=[midnight + int(second) for second in times.departure[rows]],
            lights=[
                metres
                for metres in course.distance[1:-1]
                if int(metres / LIGHT_EVERY_M) != int((metres - 130) / LIGHT_EVERY_M)
            ],
            control=(0, len(stops) // 2) if headway else (),
        )

    def _straight(self, rows: slice) -> Course:
        stops = self.schedule.stops
        called = self.schedule.stop_times.stop[rows].tolist()
        return Course.along([(float(stops.lon[stop]), float(stops.lat[stop])) for stop in called])

    def _open(self, now: float) -> None:
        """Plans the service days under way and puts every vehicle where the timetable has it, or a little behind."""
        self.now = now
        self.traffic.hour = self._hour(now)
        self.buses: dict[str, Bus] = {}
        self._plans: dict[str, list[Trip]] = {}
        self._taken: set[tuple[int, float]] = set()
        today = datetime.fromtimestamp(now, self.zone).date()
        for day in (today - timedelta(days=1), today):
            self._plan(day)
        for name in list(self._plans):
            self._enter(self.vehicles[name], now)
        self._open_shuttles(now)
        self._day = today

    def _plan(self, day: date) -> None:
        midnight = self._midnight(day)
        for run in self.roster.runs(day):
            trips = [self._trip(row, midnight) for row in run.trips]
            self._plans.setdefault(run.vehicle, []).extend(trip for trip in trips if trip.arrival[-1] > self.now)
        schools = [vehicle for vehicle in self.roster.vehicles if vehicle.kind == "school"]
        for number, vehicle in enumerate(schools):
            if number == 0 or day.weekday() < 5:
                trips = day_of_runs(self.traffic.streets, number, midnight)
                self._plans.setdefault(vehicle.id, []).extend(trip for trip in trips if trip.arrival[-1] > self.now)

    def _next(self, name: str, now: float) -> Trip | None:
        """The vehicle's next trip, where it is time to be there."""
        plan = self._plans.get(name, [])
        while plan and plan[0].arrival[-1] < now - 900:
            plan.pop(0)  # so late that the trip is not driven any more
        return plan.pop(0) if plan and plan[0].departure[0] - EARLY_OUT_S <= now else None

    def _enter(self, vehicle: Vehicle, now: float) -> Bus:
        rng = random.Random(self.rng.random())
        bus = Bus(vehicle, self.traffic, lambda at: self._next(vehicle.id, at), rng)
        self.buses[vehicle.id] = bus
        late = max(-20.0, rng.gauss(50, 70))
        plan = self._plans[vehicle.id]
        if plan and plan[0].departure[0] <= now:
            bus.begin(now, plan.pop(0), at=now - late)
        return bus

    # Lines that run by headway

    def _open_shuttles(self, now: float) -> None:
        """Puts each headway line's vehicles on the road, unevenly, as they are found where nobody has evened them."""
        number = 0
        for route in self.roster.headway_trips:
            count = self.roster.shuttles(route)
            names = [f"C{number + one + 1}" for one in range(count)]
            number += count
            where = 0.0
            for place, name in enumerate(names):
                rng = random.Random(self.rng.random())
                bus = Bus(
                    self.vehicles[name],
                    self.traffic,
                    partial(self._round, route, name),
                    rng,
                )
                self.buses[name] = bus
                trip = self._round(route, name, now)
                if trip is not None:
                    # Two close together, and a wide gap behind them.
                    where += 0.08 if place % 2 else 0.8 / count * 2
                    span = trip.arrival[-1] - trip.departure[0]
                    bus.begin(now, trip, at=trip.departure[0] + (where % 0.95) * span)

    def _round(self, route: int, name: str, now: float) -> Trip | None:
        """The departure of the timetable nearest to now that nobody has taken, driven from now on.

        None where enough other vehicles are out already for the headway of the hour, or nothing leaves about now.
        """
        near = sorted(
            (abs(midnight + begins - now), row, midnight, midnight + begins)
            for row, midnight, begins in self._rounds(route, now)
        )
        free = [item for item in near if (item[1], item[2]) not in self._taken]
        out = sum(
            bus.mode != "ending" and bus.trip is not None and bus.trip.route == route and bus.vehicle.id != name
            for bus in self.out()
        )
        if not free or out >= self._wanted(route, sorted(item[3] for item in near)):
            return None
        _off, row, midnight, departs = free[0]
        self._taken.add((row, midnight))
        return self._trip(row, midnight + now - departs)

    def _rounds(self, route: int, now: float) -> list[tuple[int, float, float]]:
        """(trip, its service day's midnight, first departure in seconds of it) of what leaves within ROUND_OFF_S."""
        found = []
        today = datetime.fromtimestamp(now, self.zone).date()
        for day in (today - timedelta(days=1), today):
            midnight, active = self._midnight(day), self.schedule.services.on(day)
            for row in self.roster.headway_trips[route]:
                begins = float(self.roster.span[row, 0])
                if active[self.schedule.trips.service[row]] and abs(midnight + begins - now) <= ROUND_OFF_S:
                    found.append((row, midnight, begins))
        return found

    def _wanted(self, route: int, departures: list[float]) -> int:
        """How many vehicles the departures about now need."""
        if len(departures) < 2:
            return 1
        headway = (departures[-1] - departures[0]) / (len(departures) - 1)
        row = self.roster.headway_trips[route][0]
        cycle = float(self.roster.span[row, 1] - self.roster.span[row, 0]) + RECOVERY_S
        return min(self.roster.shuttles(route), max(1, round(cycle / headway)))

    # Living on

    def step(self, now: float) -> list[dict[str, Any]]:
        """Lives on to `now` (Unix seconds, never backwards); the messages sent meanwhile, at `now`."""
        if now - self.now > LOST_S:
            self._open(now)
        today = datetime.fromtimestamp(now, self.zone).date()
        if self._day != today:
            self._plan(today)
            self._day = today
        for name in self._plans:
            if name not in self.buses:
                self._enter(self.vehicles[name], now)
        self.traffic.hour = self._hour(now)
        out = self.out()
        self.incidents.step(out, now, now - self.now)
        parts = max(1, round((now - self.now) / LONGEST_STEP_S))
        seconds = max(0.0, now - self.now) / parts
        for part in range(1, parts + 1):
            for bus in self.buses.values():
                bus.step(self.now + seconds * part, seconds)
        span, self.now = now - self.now, now
        return [message for bus in self.out() if (message := self._said(bus, span)) is not None]

    def _said(self, bus: Bus, span: float) -> dict[str, Any] | None:
        if bus.speed < 0.1 and self.now - bus.told < STANDING_S - 0.1:
            return None
        message = bus.message(self.now, max(span, self.now - bus.told if bus.told else span))
        if message is not None:
            bus.told = self.now
        return message

    def out(self) -> list[Bus]:
        """The vehicles that are on the road."""
        return [bus for bus in self.buses.values() if bus.mode != "parked"]

    def asking(self) -> list[Bus]:
        """The headway lines' vehicles that stand at a control point and wait to be told when to go."""
        return [bus for bus in self.buses.values() if bus.asks]
