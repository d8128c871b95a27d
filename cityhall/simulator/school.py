"""Special-school buses: they fetch pupils at their doors and bring them home; no timetable shows their runs.

One school has boarders and takes them to appointments at any hour, so its bus goes round the clock.
"""

from __future__ import annotations

import random
from itertools import pairwise

from cityhall.simulator.bus import Trip
from cityhall.simulator.course import Course
from cityhall.simulator.streets import Node, Streets

MORNING, AFTERNOON = 7 * 3600 + 300, 15 * 3600 + 1200
"""When the runs begin, seconds of the day; each bus a few minutes after the one before."""
DOORS = 5
"""Pupils a run."""
SPEED = 6.5
AT_A_DOOR_S = 75


def _places(streets: Streets, rng: random.Random) -> list[Node]:
    nodes = sorted(streets.near)
    return rng.sample(nodes, min(DOORS + 1, len(nodes)))


def _run(streets: Streets, places: list[Node], start: float) -> Trip | None:
    """A trip through the places in order, leaving the first at `start`."""
    points: list[Node] = []
    corners = [0]
    for one, other in pairwise(places):
        way = streets.way(one, other)
        if len(way) < 2:
            continue
        points += way if not points else way[1:]
        corners.append(len(points) - 1)
    if len(points) < 2:
        return None
    course = Course.along(points)
    stops = [course.distance[corner] for corner in corners]
    arrival, departure = [start], [start]
    for here, there in pairwise(stops):
        arrival.append(departure[-1] + (there - here) / SPEED + 20)
        departure.append(arrival[-1] + AT_A_DOOR_S)
    return Trip("", "", -1, 0, course, stops, arrival, departure)


def day_of_runs(streets: Streets, number: int, midnight: float) -> list[Trip]:
    """What school bus `number` (from 0) drives on the day that begins at `midnight` (Unix seconds)."""
    rng = random.Random(f"school {number}")
    places = _places(streets, rng)
    if len(places) < 2:
        return []
    if number == 0:
        starts = [midnight + 2400 * turn for turn in range(36)]
    else:
        starts = [midnight + MORNING + 480 * number, midnight + AFTERNOON + 300 * number]
    trips = []
    for turn, start in enumerate(starts):
        trip = _run(streets, places if turn % 2 == 0 else places[::-1], start)
        if trip is not None:
            trips.append(trip)
    return trips
