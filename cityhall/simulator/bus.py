"""One bus, second by second: it speeds up and brakes, stops at lights and stops, waits, is late, goes astray."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from cityhall.simulator.course import METRES_A_DEGREE, Course
from cityhall.simulator.receiver import Receiver
from cityhall.simulator.roster import Vehicle
from cityhall.simulator.traffic import Traffic

ACCELERATION, BRAKING, HARD_BRAKING = 1.0, 1.2, 4.2
"""m/s²; what riders who stand are used to, and what makes them fall."""
FASTEST = {"TR": 16.0, "B": 13.4, "C": 9.0, "S": 12.5}
"""m/s, by kind of vehicle: the speed limit in town is 50 km/h."""
BOARDING_S, ALIGHTING_S, DOORS_S = 2.4, 1.3, 6.0
"""Seconds a person, and for the doors (Transit Capacity and Quality of Service Manual, 3rd ed., chapter 6)."""
KERB_M, MIDDLE_M, TRAM_M = 5.1, 1.7, 1.6
"""How far to the right of the street's middle line each lane is, and a tram's track."""
EARLY_S = 20.0
"""So much before its time a bus may leave a timing point."""
TIMING_POINT = 5
"""Every fifth stop is one."""
LINGER_S = 120.0
"""So long a vehicle whose work is over stands at its last stop before it is switched off."""
UNHEARD_S = 12.0
"""So long a driver waits for advice that does not come."""
LONGEST_HOLD_S = 150.0
"""No driver waits longer, whatever the advice."""
TURNING = 4.0  # m/s from the end of a trip to the next one's first stop
CROWDING = ((0.04, 0), (0.35, 1), (0.55, 2), (0.85, 3), (0.98, 4), (math.inf, 5))
"""Load over capacity -> OccupancyStatus of GTFS-Realtime."""


@dataclass
class Trip:
    """A trip as it is driven. `stops` are metres along the course; times are Unix seconds, one a stop."""

    id: str
    line: str
    route: int
    direction: int
    course: Course
    stops: list[float]
    arrival: list[float]
    departure: list[float]
    lights: list[float] = field(default_factory=list)
    control: tuple[int, ...] = ()
    """Stops at which it is held by advice instead of by the timetable."""

    def cruise(self, before: int) -> float:
        """The speed between a stop and the next one that keeps to the timetable, speeding up and braking reckoned in.

        From length = v·time - v²·(1/a + 1/b)/2.
        """
        metres = self.stops[before + 1] - self.stops[before]
        time = max(self.arrival[before + 1] - self.departure[before], metres / 25) * 0.9
        lost = (1 / ACCELERATION + 1 / BRAKING) / 2
        room = time * time - 4 * lost * metres
        return (time - math.sqrt(room)) / (2 * lost) if room > 0 else time / (2 * lost)

    def scheduled(self, at: float) -> float:
        """Metres along the course at a moment, by the timetable."""
        moments = [moment for pair in zip(self.arrival, self.departure, strict=True) for moment in pair]
        places = [place for place in self.stops for _ in (0, 1)]
        after = bisect_right(moments, at)
        if after in (0, len(moments)):
            return places[0] if after == 0 else places[-1]
        span = moments[after] - moments[after - 1]
        share = (at - moments[after - 1]) / span if span else 1.0
        return places[after - 1] + (places[after] - places[after - 1]) * share


@dataclass(frozen=True, slots=True)
class Driver:
    """Who drives today: how fast, how punctual, and what was logged ("all", "line", "nothing", "stale")."""

    pace: float
    tardy_s: float
    logged: str

    @classmethod
    def draw(cls, rng: random.Random) -> Driver:
        """One at random: most log on, some not at all, some forget to at the end of a trip."""
        logged = rng.choices(("all", "line", "nothing", "stale"), (88, 4, 6, 2))[0]
        return cls(rng.gauss(0.99, 0.07), abs(rng.gauss(0, 25)), logged)


class Bus:
    """A vehicle in service. `next_trip` gives what it drives next, None where it is done.

    `mode` is waiting, driving, dwelling, turning, ending (its work is over), or parked.
    """

    def __init__(
        self, vehicle: Vehicle, traffic: Traffic, next_trip: Callable[[float], Trip | None], rng: random.Random
    ) -> None:
        self.vehicle, self.traffic, self.rng = vehicle, traffic, rng
        self.kind = vehicle.id.rstrip("0123456789")
        self.receiver, self.driver = Receiver(rng), Driver.draw(rng)
        self.counts_riders = rng.random() < 0.8
        self._next_trip = next_trip
        self.trip: Trip | None = None
        self.before: Trip | None = None
        self.mode, self.along, self.speed, self.load = "parked", 0.0, 0.0, 0
        self.stop, self.until, self.right = 0, 0.0, KERB_M
        self.aside: tuple[Course, float, float] | None = None  # a detour: its course, how far on it, where it ends
        self.hurry_until = self.broken_until = 0.0
        self.braking_hard = False
        self.hold_until: float | None = None  # by advice, at a control point
        self.told = 0.0

    # Beginning and ending trips

    def begin(self, now: float, trip: Trip | None = None, at: float | None = None) -> None:
        """Takes the next trip, or `trip`, from its first stop or from where the timetable has it at a moment `at`."""
        self.before, self.trip = self.trip, trip or self._next_trip(now)
        self.aside, self.speed, self.along, self.stop = None, 0.0, 0.0, 0
        if self.trip is None:
            self.mode = "parked"
            return
        self.until, self.mode = self.trip.departure[0] + self.driver.tardy_s, "waiting"
        self.hold_until = None
        if at is not None and at > self.trip.departure[0]:
            self.along = self.trip.scheduled(at)
            self.stop = min(max(0, bisect_right(self.trip.stops, self.along + 1.0) - 1), len(self.trip.stops) - 2)
            self.mode = "driving"
            self.load = min(self.vehicle.capacity, self.traffic.poisson(12.0 * self.traffic.rng.random() + 1))

    def _end(self, now: float) -> None:
        old, self.load = self.trip, 0
        following = self._next_trip(now)
        assert old is not None
        self.before = old
        if following is None:
            self.mode, self.until = "ending", now + LINGER_S
            return
        gap = Course.along([old.course.points[-1], following.course.points[0]])
        self.trip = following
        self.aside = (gap, 0.0, 0.0)
        self.mode, self.speed = "turning", 0.0

    # A second of its life

    def step(self, now: float, seconds: float) -> None:
        """Lives on to `now`; `seconds` is at most about one."""
        if self.broken_until > now:
            self.speed = max(0.0, self.speed - BRAKING * seconds)
            return
        if self.mode == "parked":
            self.begin(now)
        elif self.mode == "ending":
            if now >= self.until:
                self.trip, self.mode = None, "parked"
        elif self.mode == "turning":
            self._turn(now, seconds)
        elif self.mode in ("waiting", "dwelling"):
            self._wait(now)
        elif self.aside is not None:
            self._go_aside(seconds)
        else:
            self._drive(now, seconds)

    def _turn(self, now: float, seconds: float) -> None:
        assert self.aside is not None and self.trip is not None
        course, gone, end = self.aside
        self.speed = TURNING if course.length > 8 else 0.0
        self.aside = (course, gone + TURNING * seconds, end)
        if gone >= course.length:
            self.begin(now, self.trip)

    def _wait(self, now: float) -> None:
        trip = self.trip
        assert trip is not None
        self.speed, self.right = 0.0, KERB_M if self.kind != "TR" else TRAM_M
        if self.mode == "waiting" and self.load == 0 and now >= self.until - 30:
            self._board(now)
        if now < self.until:
            return
        if self.stop in trip.control:
            # The city's advice, where it comes; a driver who hears nothing goes.
            until = self.until + UNHEARD_S if self.hold_until is None else self.hold_until
            if now < min(until, self.until + LONGEST_HOLD_S):
                return
        self.hold_until = None
        self.traffic.left[trip.route, trip.direction, self.stop] = now
        self.mode = "driving"

    @property
    def asks(self) -> bool:
        """Whether it stands at a control point and wants to know how long to wait."""
        standing = self.mode in ("waiting", "dwelling") and self.trip is not None
        return standing and self.trip is not None and self.stop in self.trip.control

    def _board(self, now: float) -> None:
        trip = self.trip
        assert trip is not None
        key = (trip.route, trip.direction, self.stop)
        last = self.stop == len(trip.stops) - 1
        off = self.load if last else sum(self.rng.random() < 0.13 for _ in range(self.load))
        on = 0 if last else min(self.traffic.waiting(trip.line, key, now), self.vehicle.capacity - self.load + off)
        self.load += on - off
        doors = 2 if self.kind == "TR" else 1
        self.until = max(self.until, now + DOORS_S + max(on * BOARDING_S, off * ALIGHTING_S) / doors)

    def _drive(self, now: float, seconds: float) -> None:
        trip = self.trip
        assert trip is not None
        goal = trip.stops[self.stop + 1]
        light = next((place for place in trip.lights if self.along + 2 < place < goal), None)
        halt = goal
        if light is not None and light - self.along < 70 and self.traffic.red_for(trip.course.at(light)[:2], now) > 0:
            halt = light
        self.speed = self._new_speed(now, halt - self.along, seconds)
        self.along = min(goal, self.along + self.speed * seconds)
        self._change_lane(goal - self.along, seconds)
        if goal - self.along < 1.0 and self.speed < 2.2:
            self.along, self.speed = goal, 0.0
            self.stop += 1
            self._arrive(now)

    def _new_speed(self, now: float, left: float, seconds: float) -> float:
        trip = self.trip
        assert trip is not None
        if self.braking_hard:
            self.braking_hard = self.speed > 2.0
            return max(0.0, self.speed - HARD_BRAKING * seconds)
        late = now - trip.departure[self.stop]
        pace = self.traffic.pace(now, trip.line) * self.driver.pace * (1.13 if late > 60 else 0.94 if late < 0 else 1.0)
        wish = min(trip.cruise(self.stop) * pace, FASTEST[self.kind])
        if now < self.hurry_until:
            wish = max(wish, 19.5)
        turn = trip.course.turn(self.along)
        if turn > 25:
            wish = min(wish, 7.0 if turn < 60 else 4.5)
        wish = min(wish, math.sqrt(max(0.0, 2 * BRAKING * (left - 0.5))) + 0.4)
        return (
            min(wish, self.speed + ACCELERATION * seconds)
            if wish > self.speed
            else max(wish, self.speed - 2 * BRAKING * seconds, 0.0)
        )

    def _change_lane(self, left: float, seconds: float) -> None:
        if self.kind == "TR":
            wish = TRAM_M
        else:
            near_stop = left < 60 or (self.trip is not None and self.along - self.trip.stops[self.stop] < 30)
            wish = KERB_M if near_stop or crc32(f"{self.vehicle.id} {self.stop}".encode()) % 3 == 0 else MIDDLE_M
        move = 0.9 * seconds
        self.right += max(-move, min(move, wish - self.right))

    def _arrive(self, now: float) -> None:
        trip = self.trip
        assert trip is not None
        self.until, self.mode = now, "dwelling"
        self._board(now)
        if self.stop == len(trip.stops) - 1:
            self._end(now)
        elif self.stop % TIMING_POINT == 0 and not trip.control:
            self.until = max(self.until, trip.departure[self.stop] - EARLY_S)

    # Things that happen to it

    def leave_route(self) -> bool:
        """Takes another way round a closed street ahead; False where there is none that is not far too long."""
        trip = self.trip
        if trip is None or self.mode != "driving" or self.aside is not None:
            return False
        course = trip.course
        start = bisect_right(course.distance, self.along)
        nodes = [(round(lon, 6), round(lat, 6)) for lon, lat in course.points]
        for end in range(start + 4, min(start + 12, len(nodes) - 1)):
            ahead = course.distance[end] - course.distance[start - 1]
            way = self.traffic.streets.way(
                nodes[start], nodes[end], barred=set(nodes[start + 1 : end]), longest=4 * ahead + 400
            )
            if len(way) > 2:
                here = course.at(self.along)[:2]
                self.aside = (Course.along([here, *way]), 0.0, course.distance[end])
                return True
        return False

    def _go_aside(self, seconds: float) -> None:
        assert self.aside is not None and self.trip is not None
        course, gone, end = self.aside
        self.speed = min(7.5, self.speed + ACCELERATION * seconds)
        gone += self.speed * seconds
        self.aside = (course, gone, end)
        if gone >= course.length:
            self.aside, self.along = None, end
            # The stops of the closed street were not called at.
            self.stop = max(self.stop, min(bisect_right(self.trip.stops, end) - 1, len(self.trip.stops) - 2))

    # What it says

    def place(self) -> tuple[float, float, float]:
        """Where it really is: (lon, lat, bearing)."""
        if self.aside is not None:
            return self.aside[0].at(self.aside[1], self.right)
        assert self.trip is not None
        return self.trip.course.at(self.along, self.right)

    def message(self, now: float, seconds: float) -> dict[str, Any] | None:
        """A message of kind "position" as the vehicle's own unit would send it; None where it sends nothing."""
        if self.trip is None:
            return None
        fix = self.receiver.step(seconds)
        if fix is None:
            return None
        lon, lat, bearing = self.place()
        said: dict[str, Any] = {
            "kind": "position",
            "vehicle": self.vehicle.id,
            "at": round(now, 3),
            "lon": round(lon + fix.east / (METRES_A_DEGREE * math.cos(math.radians(lat))), 8),
            "lat": round(lat + fix.north / METRES_A_DEGREE, 8),
            "speed": round(max(0.0, self.speed + self.rng.gauss(0, 0.08)) if self.speed else 0.0, 2),
            "fix_class": fix.fix_class,
            "sigma_m": fix.sigma_m,
        }
        if self.speed > 0.7:
            said["bearing"] = round((bearing + self.rng.gauss(0, 2.0)) % 360, 1)
        if self.counts_riders:
            crowd = self.load / self.vehicle.capacity
            said["occupancy"] = next(status for limit, status in CROWDING if crowd <= limit)
        return said | self._logged()

    def _logged(self) -> dict[str, str]:
        trip = self.before if self.driver.logged == "stale" and self.before is not None else self.trip
        if trip is None or not trip.id or self.driver.logged == "nothing":
            return {}
        return {"line": trip.line} | ({} if self.driver.logged == "line" else {"trip": trip.id})
