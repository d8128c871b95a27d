"""The order in which a crew goes round: nearest neighbour first, then 2-opt until nothing gets shorter.

Source: Croes, "A Method for Solving Traveling-Salesman Problems", Operations Research 6 (1958). Way there, not back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cityhall.kernel import values
from cityhall.kernel.cases.workflow import State
from cityhall.kernel.errors import Invalid
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import EARTH_RADIUS_M
from cityhall.services.reports.inbox import desk_of, reports_for
from cityhall.services.reports.models import Report

ROUNDS = 30
Floats = np.ndarray


def of_crew(actor: Actor, count: int) -> list[Report]:
    """What an actor's agencies have accepted or begun: their own first, then what nobody has, the most urgent first."""
    found = reports_for(desk_of(actor)).filter(state__in=(State.ACCEPTED, State.WORKING))
    own = list(found.filter(case__assignee=actor.person_id).order_by("case__due_at")[:count])
    free = found.filter(case__assignee=None).order_by("case__due_at")[: count - len(own)]
    return [*own, *free]


def read_start(text: str) -> tuple[float, float] | None:
    """(lon, lat) of "lon,lat", None for anything else."""
    try:
        return values.position(text, "start")
    except Invalid:
        return None


def tour(reports: list[Report], start: tuple[float, float]) -> tuple[list[Report], float]:
    """The reports in the order of a short way from `start`, and its metres as the crow flies."""
    if not reports:
        return [], 0.0
    order, metres = shortest(np.array([start, *(report.point for report in reports)]))
    return [reports[place - 1] for place in order[1:]], metres


def shortest(places: Floats) -> tuple[list[int], float]:
    """A short open way through (n, 2) lon, lat degrees that begins at the first: (order of rows, metres)."""
    lat = np.radians(places[:, 1].mean())
    flat = np.radians(places) * EARTH_RADIUS_M * np.array([np.cos(lat), 1.0])
    far = np.hypot(*(flat[:, None] - flat[None, :]).transpose(2, 0, 1))
    order, left = [0], set(range(1, len(places)))
    while left:
        nearest = min(left, key=lambda place: far[order[-1], place])
        order.append(nearest)
        left.discard(nearest)
    for _round in range(ROUNDS):
        if not _improve(order, far):
            break
    return order, float(sum(far[a, b] for a, b in pairwise(order)))


def _improve(order: list[int], far: Floats) -> bool:
    """Turns round every stretch that makes the way shorter; gives whether there was one."""
    better = False
    for first in range(1, len(order) - 1):
        for last in range(first + 1, len(order)):
            before, after = order[first - 1], order[last + 1] if last + 1 < len(order) else None
            old = far[before, order[first]] + (far[order[last], after] if after is not None else 0.0)
            new = far[before, order[last]] + (far[order[first], after] if after is not None else 0.0)
            if new < old - 1e-6:
                order[first : last + 1] = order[first : last + 1][::-1]
                better = True
    return better


def geojson(reports: list[Report], start: tuple[float, float]) -> dict[str, Any]:
    """The way as a line for the map."""
    line = [list(start), *(list(report.point) for report in reports)]
    feature = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"mode": "walk", "color": ""},
    }
    return {"type": "FeatureCollection", "features": [feature] if reports else []}
