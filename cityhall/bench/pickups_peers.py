"""Two published planners on the same problem and seconds: OR-Tools' routing (Apache-2.0) and VROOM by pyvroom (BSD).

Neither is part of what a city runs: where one is installed it is used, in a process of its own, driven as its
documentation says. Neither does trips with unloading between them as it is installed; VROOM knows no prizes.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from cityhall.engines.pickups import Problem, vrplib

NAMES = ("ortools", "pyvroom")
MODULES = {"ortools": "ortools", "pyvroom": "vroom"}
LAST = 1 << 40
"""OR-Tools' end of time: sums of it stay whole numbers of 64 bits."""
MOST_VEHICLES = 1000
"""More of them than this either takes minutes to hear of."""
STARTS_S = 120.0
Days = list[tuple[int, list[int]]]


def run(name: str, problem: Problem, path: Path, seconds: float) -> tuple[Days, float] | None:
    """The jobs of each vehicle in their order, and the seconds that it took; None where it is not installed, does not
    know this kind of problem, or fails.
    """
    if importlib.util.find_spec(MODULES[name]) is None or not able(name, problem):
        return None
    command = [sys.executable, "-m", "cityhall.bench.pickups_peers", name, str(path), str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=2 * seconds + STARTS_S)
        found = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, json.JSONDecodeError, IndexError):
        return None
    return [(vehicle, jobs) for vehicle, jobs in found["days"]], found["seconds"]


def able(name: str, problem: Problem) -> bool:
    """Whether this planner knows what the problem asks for."""
    if any(vehicle.unloading for vehicle in problem.vehicles) or len(problem.vehicles) > MOST_VEHICLES:
        return False
    if any(job.release or len(job.windows) > 1 for job in problem.jobs):
        return False
    return name == "ortools" or all(job.prize is None for job in problem.jobs)


def ortools(problem: Problem, seconds: float) -> Days:
    """OR-Tools: parallel cheapest insertion, then guided local search."""
    pywrapcp: Any = importlib.import_module("ortools.constraint_solver.pywrapcp")
    enums: Any = importlib.import_module("ortools.constraint_solver.routing_enums_pb2")
    fleet, places = problem.vehicles, len(problem.seconds)
    # A node is a place here: of published instances each job has one of its own.
    manager = pywrapcp.RoutingIndexManager(
        places, len(fleet), [vehicle.start for vehicle in fleet], [vehicle.end for vehicle in fleet]
    )
    routing = pywrapcp.RoutingModel(manager)
    takes = [0] * places
    for job in problem.jobs:
        takes[job.place] = job.duration
    by_cost = {
        unit: routing.RegisterTransitMatrix((problem.metres * unit).tolist())
        for unit in {vehicle.metre_cost for vehicle in fleet}
    }
    for row, vehicle in enumerate(fleet):
        routing.SetArcCostEvaluatorOfVehicle(by_cost[vehicle.metre_cost], row)
        routing.SetFixedCostOfVehicle(vehicle.fixed_cost, row)
    for compartment in range(len(fleet[0].capacity)):
        loads = [0] * places
        for job in problem.jobs:
            loads[job.place] = job.load[compartment]
        room = [min(vehicle.capacity[compartment], LAST) for vehicle in fleet]
        routing.AddDimensionWithVehicleCapacity(
            routing.RegisterUnaryTransitVector(loads), 0, room, True, f"load {compartment}"
        )
    if any(job.windows for job in problem.jobs):
        ways = problem.seconds.copy()
        ways += [[one] for one in takes]
        routing.AddDimension(routing.RegisterTransitMatrix(ways.tolist()), LAST, LAST, False, "time")
        clock = routing.GetDimensionOrDie("time")
        for job in problem.jobs:
            first, last = job.choices()[0]
            clock.CumulVar(manager.NodeToIndex(job.place)).SetRange(first, min(last, LAST))
        for row, vehicle in enumerate(fleet):
            for at in (routing.Start(row), routing.End(row)):
                clock.CumulVar(at).SetRange(vehicle.shift[0], min(vehicle.shift[1], LAST))
    for job in problem.jobs:
        if job.prize is not None:
            routing.AddDisjunction([manager.NodeToIndex(job.place)], job.prize)
    wishes = pywrapcp.DefaultRoutingSearchParameters()
    wishes.first_solution_strategy = enums.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    wishes.local_search_metaheuristic = enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    wishes.time_limit.FromMilliseconds(int(seconds * 1000))
    found = routing.SolveWithParameters(wishes)
    if found is None:
        return []
    job_at = {job.place: row for row, job in enumerate(problem.jobs)}
    days: Days = []
    for row in range(len(fleet)):
        at, jobs = found.Value(routing.NextVar(routing.Start(row))), []
        while not routing.IsEnd(at):
            jobs.append(job_at[manager.IndexToNode(at)])
            at = found.Value(routing.NextVar(at))
        if jobs:
            days.append((row, jobs))
    return days


def pyvroom(problem: Problem, seconds: float) -> Days:
    """VROOM, with all that it explores, on two threads."""
    vroom: Any = importlib.import_module("vroom")
    numpy: Any = importlib.import_module("numpy")
    asked = vroom.Input()
    asked.set_durations_matrix("car", problem.seconds.astype(numpy.uint32))
    asked.set_distances_matrix("car", problem.metres.astype(numpy.uint32))
    for row, vehicle in enumerate(problem.vehicles):
        window = None if vehicle.shift[1] > LAST else vroom.TimeWindow(*vehicle.shift)
        costs = vroom.VehicleCosts(fixed=vehicle.fixed_cost, per_hour=0, per_km=1000 * vehicle.metre_cost)
        more = {} if window is None else {"time_window": window}
        asked.add_vehicle(
            vroom.Vehicle(row, vehicle.start, vehicle.end, capacity=list(vehicle.capacity), costs=costs, **more)
        )
    for row, job in enumerate(problem.jobs):
        windows = [vroom.TimeWindow(*window) for window in job.windows]
        asked.add_job(
            vroom.Job(row, job.place, default_service=job.duration, pickup=list(job.load), time_windows=windows or ())
        )
    found = asked.solve(exploration_level=5, nb_threads=2, timeout=timedelta(seconds=seconds))
    routes = found.to_dict()["routes"]
    return [(route["vehicle"], [step["id"] for step in route["steps"] if step["type"] == "job"]) for route in routes]


def main() -> None:
    """`name path seconds`: prints the days and the seconds as JSON."""
    name, path, seconds = sys.argv[1:]
    problem = vrplib.read(Path(path)).problem
    solve = {"ortools": ortools, "pyvroom": pyvroom}[name]
    importlib.import_module(MODULES[name])
    begun = time.perf_counter()
    days = solve(problem, float(seconds))
    print(json.dumps({"days": days, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
