"""The buses: lines along the city's own streets, and a timetable that could be driven."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from cityhall.democity.streets import Town, nearest_node, route
from cityhall.democity.terrain import Points

SPACING = 330.0
SPEED = 6.4
"""Metres a second between stops, off the peak."""
DWELL = 18
ALWAYS = (0.0, 24.0)
"""The hours of a line that runs round the clock."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A line as its planners drew it: where it goes, how often (minutes at the peak, by day, in the evening, and, for
    a line that runs round the clock, at night).
    """

    short: str
    long: str
    color: str
    via: tuple[str | tuple[float, float], ...]
    headway: tuple[int, ...]
    hours: tuple[float, float] = (5.5, 24.2)
    type: int = 3
    free: bool = False
    loop: bool = False


LINES = (
    LinePlan(
        "T1",
        "Tram: Saltworks – Market – East Hill",
        "C2352B",
        ("Saltworks", "Market", "Riverside", "East Hill"),
        (6, 8, 15, 20),
        hours=ALWAYS,
        type=0,
    ),
    LinePlan(
        "T2",
        "Tram: North Gate – Old Town – Port",
        "1A7F4B",
        ("North Gate", "Market", "Old Town", "Harbour Side", "Port"),
        (6, 8, 15, 20),
        hours=ALWAYS,
        type=0,
    ),
    LinePlan(
        "10",
        "University – Market – Harbour Side",
        "0B5CAD",
        ("University", "Market", "Old Town", "Harbour Side"),
        (8, 10, 20, 30),
        hours=ALWAYS,
    ),
    LinePlan("12", "West Hill – University – Market", "7A3E9D", ("West Hill", "University", "Market"), (10, 15, 30)),
    LinePlan(
        "14",
        "Mill Fields – Riverside – Old Town",
        "B8620B",
        ("Mill Fields", "Riverside", "Market", "Old Town"),
        (10, 15, 30, 30),
        hours=ALWAYS,
    ),
    LinePlan("16", "East Hill – Harbour Side – Port", "0E7C86", ("East Hill", "Harbour Side", "Port"), (12, 15, 30)),
    LinePlan("20", "North Gate – West Hill", "5B6B1E", ("North Gate", "West Hill"), (15, 20, 30)),
    LinePlan(
        "22", "North Gate – Mill Fields – East Hill", "A0306A", ("North Gate", "Mill Fields", "East Hill"), (15, 20, 30)
    ),
    LinePlan(
        "24", "Saltworks – University – North Gate", "35608C", ("Saltworks", "University", "North Gate"), (12, 20, 30)
    ),
    LinePlan(
        "30",
        "West Hill – Saltworks – Old Town",
        "8C5A35",
        ("West Hill", "Saltworks", "Old Town"),
        (12, 20, 30, 30),
        ALWAYS,
    ),
    LinePlan(
        "32", "Riverside – Harbour Side – Old Town", "2D7D46", ("Riverside", "Harbour Side", "Old Town"), (10, 15, 30)
    ),
    LinePlan(
        "40",
        "Circle: Market – Saltworks – University",
        "6B4FA0",
        ("Market", "Old Town", "Saltworks", "University", "Market"),
        (12, 15, 30),
        loop=True,
    ),
    LinePlan("50", "Beach: Market – West Beach", "C07A00", ("Market", "Saltworks", (-3300.0, -1150.0)), (15, 15, 30)),
    LinePlan(
        "N1",
        "Night: University – Market – East Hill",
        "4A5570",
        ("University", "Market", "Riverside", "East Hill"),
        (30, 30, 30),
        (24.0, 29.0),
    ),
    LinePlan(
        "CAT",
        "Free shuttle round the Old Town",
        "F2B705",
        ("Old Town", (-120.0, 150.0), "Market", (-900.0, -250.0), "Old Town"),
        (4, 5, 6),
        (6.5, 22.5),
        free=True,
        loop=True,
    ),
)


@dataclass(slots=True)
class Stop:
    """A stop beside a street: metres, and the crossing it is named after."""

    id: str
    name: str
    place: Points
    node: int
    parent: str = ""


@dataclass(slots=True)
class Variant:
    """A line in one direction: its shape in metres, its stops and how far along the shape each is."""

    line: LinePlan
    direction: int
    shape: Points
    stops: list[Stop]
    along: list[float]


@dataclass(slots=True)
class Transit:
    """Everything that becomes a feed."""

    stops: dict[str, Stop] = field(default_factory=dict)
    stations: dict[str, Stop] = field(default_factory=dict)
    variants: list[Variant] = field(default_factory=list)


def make_transit(town: Town) -> Transit:
    """Every line in both directions, with its stops; stops of several lines at one crossing are one."""
    transit = Transit()
    names = _crossing_names(town)
    for line in LINES:
        points = [town.anchors[via] if isinstance(via, str) else nearest_node(town, via) for via in line.via]
        way = route(town, points, barred=("pedestrian",))
        for direction, nodes in enumerate([way] if line.loop else [way, way[::-1]]):
            transit.variants.append(_variant(transit, town, names, line, direction, nodes))
    _stations(transit, town)
    return transit


def _crossing_names(town: Town) -> dict[int, str]:
    """Each crossing by its two largest streets."""
    meeting: dict[int, dict[str, None]] = {}
    for edge in sorted(town.edges, key=lambda edge: edge.name):
        for node in (edge.a, edge.b):
            meeting.setdefault(node, {})[edge.name] = None
    return {node: " / ".join(list(streets)[:2]) for node, streets in meeting.items()}


def _variant(
    transit: Transit, town: Town, names: dict[int, str], line: LinePlan, direction: int, nodes: list[int]
) -> Variant:
    points = town.nodes[nodes]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    chosen, last = [0], 0.0
    for place in range(1, len(nodes) - 1):
        if along[place] - last >= SPACING and along[-1] - along[place] > SPACING * 0.6:
            chosen.append(place)
            last = along[place]
    chosen.append(len(nodes) - 1)
    stops = []
    for place in chosen:
        ahead = points[min(place + 1, len(points) - 1)] - points[max(place - 1, 0)]
        right = np.array([ahead[1], -ahead[0]]) / max(float(np.hypot(*ahead)), 1e-9)
        octant = round(float(np.arctan2(ahead[1], ahead[0])) / (np.pi / 4)) % 8
        key = f"{nodes[place]}-{octant}"
        if key not in transit.stops:
            number = len(transit.stops) + 1
            transit.stops[key] = Stop(f"s{number:03}", names[nodes[place]], points[place] + right * 9, nodes[place])
        stops.append(transit.stops[key])
    return Variant(line, direction, points, stops, [float(along[place]) for place in chosen])


def _stations(transit: Transit, town: Town) -> None:
    """The quarters' middles are stations; the stops around them their platforms."""
    for number, (name, node) in enumerate(sorted(town.anchors.items()), start=1):
        middle = town.nodes[node]
        platforms = [stop for stop in transit.stops.values() if np.hypot(*(stop.place - middle)) < 75]
        if len(platforms) < 2:
            continue
        station = Stop(f"st{number:02}", f"{name} Station", middle, node)
        transit.stations[station.id] = station
        for stop in platforms:
            stop.parent, stop.name = station.id, station.name


def times(variant: Variant, slow: float) -> list[tuple[int, int]]:
    """(arrival, departure) seconds after the first departure at each stop; `slow` is how thick the traffic is."""
    gaps = np.diff(variant.along)
    tram = 1.15 if variant.line.type == 0 else 1.0
    now, result = 0, [(0, 0)]
    for gap in gaps:
        arrival = now + round(gap * slow / (SPEED * tram)) + 8
        now = arrival + DWELL
        result.append((arrival, now))
    result[-1] = (result[-1][0], result[-1][0])
    return result


def nearest_zone(zones: list[tuple[str, shapely.Polygon]], place: Points) -> str:
    """The zone a place is in or nearest to."""
    point = shapely.Point(place)
    return min(zones, key=lambda zone: zone[1].distance(point))[0]
