"""What is planned and what a plan is: jobs, vehicles, ways between places, routes with the times that were promised.

Times are seconds of one day, distances metres, costs whole numbers of one unit of the caller's. A benchmark's instance
may use any other units, as long as they are whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Window = tuple[int, int]
FOREVER = 1 << 42
"""Later than anything: the end of what has none."""
NO_WAY = 1 << 32
"""Seconds or metres between two places with no way from one to the other, or more."""
ALWAYS: Window = (0, FOREVER)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to collect. `place` is its row in the matrix; `duration` seconds at the door.

    `load` has a number for each compartment. It is begun within one of `windows` (any time if there is none), by a
    vehicle that has all of `skills`, on a trip that sets out at `release` or later. With a `prize` it may be left out,
    which costs that prize; without one it must be served.
    """

    place: int
    duration: int = 0
    load: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    release: int = 0
    prize: int | None = None
    skills: frozenset[str] = frozenset()

    def choices(self) -> tuple[Window, ...]:
        """The windows, with the one of somebody who has none."""
        return self.windows or (ALWAYS,)


@dataclass(frozen=True, slots=True)
class Unloading:
    """Where a vehicle empties itself on the way: begun within `open`, takes `seconds`."""

    place: int
    seconds: int = 0
    open: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle and its crew's day: leaves `start` no sooner, is at `end` no later than `shift` says.

    `load` is on board at the start (empty: nothing). `trips` is how many there may be, None for any number; from one
    to the next it unloads at one of `unloading`. Its day costs `fixed_cost` if it leaves, `metre_cost` a metre and
    `second_cost` a second from leaving to coming back.
    """

    shift: Window
    capacity: tuple[int, ...]
    start: int
    end: int
    unloading: tuple[Unloading, ...] = ()
    fixed_cost: int = 0
    metre_cost: int = 1
    second_cost: int = 0
    skills: frozenset[str] = frozenset()
    load: tuple[int, ...] = ()
    trips: int | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """A day to plan. `seconds` and `metres` are (places, places), from the row to the column, need not be symmetric.

    Raises ValueError where a place, a load, a window or a matrix cannot be what it says.
    """

    jobs: tuple[Job, ...]
    vehicles: tuple[Vehicle, ...]
    seconds: Int64
    metres: Int64

    def __post_init__(self) -> None:
        _check_matrix("seconds", self.seconds, len(self.seconds))
        _check_matrix("metres", self.metres, len(self.seconds))
        places, compartments = len(self.seconds), len(self.vehicles[0].capacity) if self.vehicles else 0
        for row, vehicle in enumerate(self.vehicles):
            _check_vehicle(f"vehicle {row}", vehicle, places, compartments)
        for row, job in enumerate(self.jobs):
            check_job(f"job {row}", job, places, compartments)

    def with_jobs(self, *jobs: Job) -> Problem:
        """The same day with more jobs behind those there are."""
        return replace(self, jobs=(*self.jobs, *jobs))

    def with_place(self, to: tuple[Int64, Int64], back: tuple[Int64, Int64]) -> Problem:
        """The same day with one more place, its row the last.

        `to` is (places,) seconds and metres from each place to it, `back` the same from it.
        """
        made = [
            np.block([[old, np.asarray(there)[:, None]], [np.asarray(here)[None, :], np.zeros((1, 1), np.int64)]])
            for old, there, here in zip((self.seconds, self.metres), to, back, strict=True)
        ]
        return replace(self, seconds=made[0].astype(np.int64), metres=made[1].astype(np.int64))


def _check_matrix(name: str, matrix: Int64, places: int) -> None:
    if matrix.shape != (places, places) or not np.issubdtype(matrix.dtype, np.integer):
        raise ValueError(f"{name} must be whole numbers, ({places}, {places}), and are {matrix.dtype} {matrix.shape}")
    if matrix.size and (matrix.min() < 0 or matrix.max() > FOREVER):
        raise ValueError(f"{name} must be from 0 to {FOREVER}; give NO_WAY where there is none")
    if np.diagonal(matrix).any():
        raise ValueError(f"{name} must be 0 from a place to itself")


def _check_window(what: str, window: Window) -> None:
    if not 0 <= window[0] <= window[1] <= FOREVER:
        raise ValueError(f"{what}: {window} is no window of time")


def check_job(what: str, job: Job, places: int, compartments: int) -> None:
    """Raises ValueError where the job does not fit such a day."""
    if not 0 <= job.place < places:
        raise ValueError(f"{what} is at place {job.place}, and there are {places}")
    if len(job.load) != compartments or any(part < 0 for part in job.load):
        raise ValueError(f"{what} has the load {job.load}, and vehicles have {compartments} compartments")
    if job.duration < 0 or job.release < 0 or (job.prize is not None and job.prize < 0):
        raise ValueError(f"{what}: duration, release and prize are never below 0")
    for window in job.windows:
        _check_window(what, window)


def _check_vehicle(what: str, vehicle: Vehicle, places: int, compartments: int) -> None:
    if not all(0 <= place < places for place in (vehicle.start, vehicle.end, *(at.place for at in vehicle.unloading))):
        raise ValueError(f"{what} starts, ends or unloads at a place that is not there (there are {places})")
    if len(vehicle.capacity) != compartments or len(vehicle.load or vehicle.capacity) != compartments:
        raise ValueError(f"{what} must have {compartments} compartments, as the first has")
    if any(not 0 <= part <= room for part, room in zip(vehicle.load, vehicle.capacity, strict=False)):
        raise ValueError(f"{what} begins with more on board than it can hold")
    if min(vehicle.fixed_cost, vehicle.metre_cost, vehicle.second_cost) < 0 or vehicle.trips == 0:
        raise ValueError(f"{what}: costs are never below 0, trips never 0")
    _check_window(what, vehicle.shift)
    for at in vehicle.unloading:
        _check_window(what, at.open)


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: of a `job`, or (`job` is None) at the vehicle's unloading place number `unloading`.

    `window` is what was promised for it: it is begun (`begin`) within that, whatever else the job would have allowed.
    """

    job: int | None
    unloading: int | None
    window: Window
    arrive: int
    begin: int
    leave: int


@dataclass(frozen=True, slots=True)
class Route:
    """A vehicle's day. The first `done` of its stops are past, or it is on its way to them: they are as they are.

    `done` is one more than there are stops when it is on its way to its end.
    """

    vehicle: int
    leaves: int
    stops: tuple[Stop, ...]
    returns: int
    done: int = 0

    def jobs(self) -> Iterator[int]:
        """The jobs in their order."""
        return (stop.job for stop in self.stops if stop.job is not None)

    def trips(self) -> list[tuple[Stop, ...]]:
        """The stops of each trip, each but the last with the unloading at its end."""
        cuts = [0, *(row + 1 for row, stop in enumerate(self.stops) if stop.job is None), len(self.stops)]
        return [self.stops[low:high] for low, high in pairwise(cuts)]


@dataclass(frozen=True, slots=True)
class Unserved:
    """A job that the plan leaves out. `why`: "skill", "load", "window" (no vehicle could, were it its only job),
    "prize" (serving it would cost more, or room is better given to others), "room" (the day is full).
    """

    job: int
    why: str


@dataclass(frozen=True, eq=False)
class Plan:
    """Routes of vehicles that leave, in the vehicles' order. `cost` is of all routes and of all prizes left.

    `now` is the moment until which the day is past; `iterations` how often the search tried, all processes together.
    """

    problem: Problem
    routes: tuple[Route, ...]
    unserved: tuple[Unserved, ...]
    cost: int
    now: int = 0
    iterations: int = field(default=0, compare=False)

    def begun(self, now: int) -> Plan:
        """The same plan when it is `now`: what is done, or on its way to be, is not changed any more."""
        return replace(self, now=max(now, self.now), routes=tuple(_begun(route, now) for route in self.routes))


def _begun(route: Route, now: int) -> Route:
    left = [route.leaves, *(stop.leave for stop in route.stops)]
    return replace(route, done=max(route.done, sum(moment <= now for moment in left)))
