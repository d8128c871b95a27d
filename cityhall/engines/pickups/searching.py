"""The search for a plan, by PyVRP's iterated local search: one process of it, `python -m` of this module.

PyVRP (Wouda, Lan and Kool, PyVRP: a high-performance VRP solver package, INFORMS Journal on Computing 36, 2024) holds
Python's lock while it works, so each search is a process: a pickled Search comes in on stdin, a pickled Found goes out.
A job with several windows is a client for each, of which one is served; places to unload are depots to reload at.
"""

from __future__ import annotations

import pickle
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cityhall.engines.pickups.model import ALWAYS, FOREVER, NO_WAY, Int64, Job, Problem, Vehicle
from cityhall.engines.pickups.schedule import Visit

if TYPE_CHECKING:
    import pyvrp

Days = list[tuple[int, list[Visit]]]
"""Of each vehicle that leaves: its number, and where it goes."""
MUST_BY = 0.4
"""After this part of the time without a plan that serves everybody who must be, some are left out."""

# Measured on published days (README.md): PyVRP's own are for searches of minutes.
SHAKEN = 12
"""Jobs that are moved at random, at most, before each try."""
HISTORY = (15, 300)
"""How many tries back it compares with, for a short search and for a long one: the shorter, the sooner it settles."""
TURNS = 200
"""How often the history may turn over in the time that there is."""
TRIAL = 0.05
"""The part of the time after which it is seen how fast the search is."""
TOO_LATE, TOO_MUCH, UPDATES = 50.0, 200.0, 100
"""Times what a second of the way costs; times what a way costs for a job's load; tries between changes of these."""
NEAR = 5
"""A way to the fifth nearest is one that a route goes."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one process is to do. `until` is on `time.monotonic`; `left_out` are jobs that nobody can serve.

    With `tries` it ends after so many of them, at whatever moment: the same seed then finds the same.
    """

    problem: Problem
    until: float
    seed: int
    start: Days | None
    left_out: frozenset[int]
    parent: int
    tries: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The best that a search found, and how often it tried."""

    days: Days
    iterations: int


class _Until:
    """When PyVRP stops: at `until`, or, where there is a `must`, by then if nothing holds yet.

    Both are moments or, where it `counts`, numbers of tries.
    """

    def __init__(self, until: float, must: float | None, counts: bool) -> None:
        self.until, self.must, self.counts, self.tried = until, must, counts, 0

    def __call__(self, best_cost: int) -> bool:
        now = self.tried if self.counts else time.monotonic()
        self.tried += 1
        return now >= self.until or (self.must is not None and now >= self.must and best_cost >= _impossible())


def _impossible() -> int:
    return int(np.iinfo(np.int64).max)


class Translated:
    """A problem in PyVRP's words, and the way back.

    With `all_optional` those who must be served are only very dear to leave.
    """

    def __init__(self, problem: Problem, left_out: frozenset[int], all_optional: bool) -> None:
        self.problem = problem
        self.clients: list[tuple[int, tuple[int, int]]] = []
        self.kinds: list[tuple[Vehicle, list[int]]] = _kinds(problem.vehicles)
        # Jobs that ask for a skill have rows of their own in the matrix: at one door two may ask for different ones.
        asks = [row for row, job in enumerate(problem.jobs) if job.skills and row not in left_out]
        self.apart = {job: len(problem.seconds) + number for number, job in enumerate(asks)}
        self.depots: dict[tuple[int, int, tuple[int, int]], int] = {}
        for vehicle, _ in self.kinds:
            for key in _depots_of(vehicle):
                self.depots.setdefault(key, len(self.depots))
        self.data = self._data(left_out, _dear(problem) if all_optional else None)

    def _data(self, left_out: frozenset[int], dear: int | None) -> pyvrp.ProblemData:
        import pyvrp

        clients: list[pyvrp.Client] = []
        groups: list[pyvrp.ClientGroup] = []
        for row, job in enumerate(self.problem.jobs):
            if row in left_out:
                continue
            prize, must = (job.prize, False) if job.prize is not None else (dear or 0, dear is None)
            # Released after a window's end it cannot be served in that.
            windows = [window for window in dict.fromkeys(job.choices()) if job.release <= window[1]]
            group = len(groups) if len(windows) > 1 else None
            if group is not None:
                first = len(self.clients)
                groups.append(pyvrp.ClientGroup(list(range(first, first + len(windows))), required=must))
            for window in windows:
                self.clients.append((row, window))
                clients.append(
                    _client(self.apart.get(row, job.place), job, window, prize, must and group is None, group)
                )
        profiles, seconds, metres = self._profiles()
        return pyvrp.ProblemData(
            locations=[pyvrp.Location(0, 0) for _ in range(len(self.problem.seconds) + len(self.apart))],
            clients=clients,
            depots=[
                pyvrp.Depot(place, tw_early=opens, tw_late=closes, service_duration=takes)
                for place, takes, (opens, closes) in self.depots
            ],
            vehicle_types=[
                self._kind(vehicle, len(which), profile)
                for (vehicle, which), profile in zip(self.kinds, profiles, strict=True)
            ],
            distance_matrices=metres,
            duration_matrices=seconds,
            groups=groups,
        )

    def _kind(self, vehicle: Vehicle, count: int, profile: int) -> pyvrp.VehicleType:
        import pyvrp

        start, end, *unloading = (self.depots[key] for key in _depots_of(vehicle))
        more: dict[str, Any] = {} if vehicle.trips is None else {"max_reloads": vehicle.trips - 1}
        return pyvrp.VehicleType(
            num_available=count,
            capacity=list(vehicle.capacity),
            start_depot=start,
            end_depot=end,
            fixed_cost=vehicle.fixed_cost,
            tw_early=vehicle.shift[0],
            tw_late=vehicle.shift[1],
            max_distance=NO_WAY - 1,
            unit_distance_cost=vehicle.metre_cost,
            unit_duration_cost=vehicle.second_cost,
            profile=profile,
            initial_load=list(vehicle.load),
            reload_depots=sorted(set(unloading)),
            **more,
        )

    def _profiles(self) -> tuple[list[int], list[Any], list[Any]]:
        """The profile of each kind of vehicle, and the ways of each: none to a job it lacks a skill for."""
        made: dict[frozenset[int], int] = {}
        seconds: list[Any] = []
        metres: list[Any] = []
        profiles = []
        for vehicle, _ in self.kinds:
            barred = frozenset(
                row for job, row in self.apart.items() if not self.problem.jobs[job].skills <= vehicle.skills
            )
            if barred not in made:
                made[barred] = len(seconds)
                seconds.append(self._ways(self.problem.seconds, barred))
                metres.append(self._ways(self.problem.metres, barred))
            profiles.append(made[barred])
        return profiles, seconds, metres

    def _ways(self, ways: Int64, barred: frozenset[int]) -> Int64:
        places = [*range(len(ways)), *(self.problem.jobs[job].place for job in self.apart)]
        found = np.minimum(ways[np.ix_(places, places)], NO_WAY).astype(np.int64)
        found[list(barred), :] = found[:, list(barred)] = NO_WAY
        np.fill_diagonal(found, 0)
        return found

    def solution(self, days: Days) -> pyvrp.Solution:
        """The days as PyVRP's solution, without what it does not know."""
        import pyvrp

        kind = {number: row for row, (_, which) in enumerate(self.kinds) for number in which}
        client = {key: row for row, key in enumerate(self.clients)}
        routes = []
        for number, visits in days:
            vehicle = self.problem.vehicles[number]
            steps = []
            for one in visits:
                if one.job is None:
                    at = vehicle.unloading[one.unloading or 0]
                    steps.append(pyvrp.Activity(pyvrp.ActivityType.DEPOT, self.depots[at.place, at.seconds, at.open]))
                elif (one.job, one.window) in client:
                    steps.append(pyvrp.Activity(pyvrp.ActivityType.CLIENT, client[one.job, one.window]))
            routes.append(pyvrp.Route(self.data, steps, kind[number]))
        return pyvrp.Solution(self.data, routes)

    def days(self, solution: pyvrp.Solution) -> Days:
        """A solution of PyVRP's as days."""
        free = [list(which) for _, which in self.kinds]
        keys = list(self.depots)
        made: Days = []
        for route in solution.routes():
            vehicle, _ = self.kinds[route.vehicle_type()]
            visits = []
            for step in list(route)[1:-1]:
                if step.is_depot():
                    number = [(at.place, at.seconds, at.open) for at in vehicle.unloading].index(keys[step.idx])
                    visits.append(Visit(None, number, vehicle.unloading[number].open))
                else:
                    job, window = self.clients[step.idx]
                    visits.append(Visit(job, None, window))
            made.append((free[route.vehicle_type()].pop(0), visits))
        return made


def _kinds(vehicles: Sequence[Vehicle]) -> list[tuple[Vehicle, list[int]]]:
    kinds: dict[Vehicle, list[int]] = {}
    for number, vehicle in enumerate(vehicles):
        kinds.setdefault(vehicle, []).append(number)
    return list(kinds.items())


def _depots_of(vehicle: Vehicle) -> list[tuple[int, int, tuple[int, int]]]:
    unloading = [(at.place, at.seconds, at.open) for at in vehicle.unloading]
    return [(vehicle.start, 0, ALWAYS), (vehicle.end, 0, ALWAYS), *unloading]


def _client(place: int, job: Job, window: tuple[int, int], prize: int, must: bool, group: int | None) -> pyvrp.Client:
    import pyvrp

    return pyvrp.Client(
        place,
        pickup=list(job.load),
        service_duration=job.duration,
        tw_early=window[0],
        tw_late=window[1],
        release_time=job.release,
        prize=prize,
        required=must,
        group=group,
    )


def _dear(problem: Problem) -> int:
    """More than serving anybody costs."""
    way = int(problem.metres[problem.metres < NO_WAY].max(initial=1))
    day = max(vehicle.shift[1] - vehicle.shift[0] for vehicle in problem.vehicles)
    each = [one.fixed_cost + 4 * one.metre_cost * way + one.second_cost * min(day, NO_WAY) for one in problem.vehicles]
    return min(1 + max(each), FOREVER)


def search(task: Search) -> Found:
    """Searches until the task's moment, or as often as it says."""
    with warnings.catch_warnings():
        # It warns where penalties end at their bound: of a day that cannot hold everybody, which is dealt with here.
        warnings.simplefilter("ignore")
        must = any(job.prize is None for row, job in enumerate(task.problem.jobs) if row not in task.left_out)
        found, tried = None, 0
        if must:
            now, end = _from_to(task)
            by = now + MUST_BY * (end - now)
            found, tried, holds = _searched(task, False, by)
            if holds:
                return Found(found, tried)
        found, more, _ = _searched(task, must, None)
        return Found(found, tried + more)


def _from_to(task: Search) -> tuple[float, float]:
    """From now to its end, as moments or as numbers of tries."""
    return (0.0, float(task.tries)) if task.tries is not None else (time.monotonic(), task.until)


def _searched(task: Search, all_optional: bool, must: float | None) -> tuple[Days, int, bool]:
    """The best days, how often it tried, and whether they hold."""
    import pyvrp
    from pyvrp.search import OPERATORS, LocalSearch, PerturbationManager, PerturbationParams, compute_neighbours

    it = Translated(task.problem, task.left_out, all_optional)
    random = pyvrp.RandomNumberGenerator(seed=task.seed)
    shaken = PerturbationManager(PerturbationParams(max_perturbations=SHAKEN))
    local = LocalSearch(it.data, random, compute_neighbours(it.data), shaken)
    for operator in OPERATORS:
        if operator.supports(it.data):
            local.add_operator(operator(it.data))
    penalties = _penalties(task.problem)
    if task.start is not None:
        first = it.solution(task.start)
    else:
        first = local(pyvrp.Solution.make_random(it.data, random), penalties.max_cost_evaluator(), exhaustive=True)
    tried, history = 0, HISTORY[0]
    begun, end = _from_to(task)
    # How fast it is on this day and machine tells how long it may remember; then it goes on from its best.
    for until in (begun + TRIAL * (end - begun), end):
        wishes = pyvrp.IteratedLocalSearchParams(history_length=history, exhaustive_on_best=False)
        algorithm = pyvrp.IteratedLocalSearch(it.data, penalties, local, first, wishes)
        done = algorithm.run(_Until(until, must, task.tries is not None), collect_stats=False)
        first, tried = done.best, tried + done.num_iterations
        history = min(max(round(done.num_iterations / TRIAL / TURNS), HISTORY[0]), HISTORY[1])
    return it.days(first), tried, first.is_feasible()


def _penalties(problem: Problem) -> pyvrp.PenaltyManager:
    """What a second too late, and a unit too much on board, cost at first.

    PyVRP's own guess is so high that a day of a thousand jobs is over before it has come down to where it matters.
    """
    import pyvrp

    metre, second = (max(getattr(one, name) for one in problem.vehicles) for name in ("metre_cost", "second_cost"))
    some = (problem.seconds > 0) & (problem.seconds < NO_WAY) & (problem.metres < NO_WAY)
    pace = float(np.median(problem.metres[some] / problem.seconds[some])) if some.any() else 1.0
    near = np.partition(np.where(some, problem.metres, NO_WAY), min(NEAR, len(some) - 1), axis=1)[:, NEAR : NEAR + 1]
    way = float(np.median(near[near < NO_WAY])) if (near < NO_WAY).any() else 1.0
    loads = np.array([job.load for job in problem.jobs], float).reshape(len(problem.jobs), -1).mean(axis=0)
    late = TOO_LATE * max(metre * pace + second, 0.1)
    much = [TOO_MUCH * max(metre * way, 1.0) / max(float(load), 1.0) for load in loads]
    wishes = pyvrp.PenaltyParams(solutions_between_updates=UPDATES, max_penalty=100 * max(late, *much, 1000.0))
    return pyvrp.PenaltyManager((much, late, late), wishes)


def main() -> None:
    """Reads a Search from stdin, writes what was Found to stdout."""
    from cityhall.engines import parent

    # From the process that started this one, and from nobody else.
    task: Search = pickle.load(sys.stdin.buffer)
    parent.end_with(task.parent)
    found = search(task)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    # Under its own name, not "__main__": what is pickled is found by it.
    from cityhall.engines.pickups import searching

    searching.main()
