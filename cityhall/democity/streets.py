"""Streets and blocks. Every block is a cell of one Voronoi diagram, whose sites are laid out as each quarter was
built: at random and dense in the old town, on turned grids in the plans of later centuries, loosely on the hills.
Where two quarters meet, their streets meet too, as they do in a city that has grown."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import Voronoi
from shapely import LineString, Point, Polygon
from shapely.prepared import prep

from cityhall.democity.terrain import HALF, Points, Terrain

RANK = {"pedestrian": 0, "living_street": 0, "residential": 1, "tertiary": 2, "secondary": 3, "primary": 4, "trunk": 5}
SPEED = {
    "pedestrian": 0.45,
    "living_street": 0.5,
    "residential": 1.0,
    "tertiary": 1.25,
    "secondary": 1.5,
    "primary": 1.8,
    "trunk": 2.2,
}


@dataclass(frozen=True, slots=True)
class Quarter:
    """A part of the city: where it is, and how its blocks are laid out (size along and across, turn, disorder)."""

    name: str
    kind: str
    center: tuple[float, float]
    reach: float
    size: tuple[float, float]
    turn: float
    disorder: float


QUARTERS = (
    Quarter("Old Town", "old", (-420, -330), 620, (78, 66), 8, 0.42),
    Quarter("Market", "grid", (-700, 620), 900, (118, 84), 14, 0.03),
    Quarter("Harbour Side", "grid", (1050, -620), 800, (132, 90), -27, 0.03),
    Quarter("Port", "industry", (2400, -1750), 1000, (300, 190), -38, 0.05),
    Quarter("Saltworks", "grid", (-2300, -700), 1050, (126, 92), 31, 0.05),
    Quarter("University", "campus", (-2150, 900), 800, (190, 150), 14, 0.22),
    Quarter("West Hill", "garden", (-2500, 2500), 1500, (175, 140), 20, 0.36),
    Quarter("Riverside", "grid", (500, 1500), 900, (124, 88), -12, 0.04),
    Quarter("East Hill", "garden", (2700, 1500), 1600, (180, 140), -20, 0.36),
    Quarter("North Gate", "grid", (-400, 3000), 1300, (140, 96), 4, 0.08),
    Quarter("Mill Fields", "garden", (1900, 3400), 1500, (170, 140), 10, 0.34),
)


@dataclass(slots=True)
class Edge:
    """A straight piece of street between two crossings (rows of `Town.nodes`)."""

    a: int
    b: int
    kind: str = "residential"
    name: str = ""
    bridge: bool = False
    oneway: bool = False


@dataclass(slots=True)
class Town:
    """Crossings, streets and blocks (each with its quarter)."""

    nodes: Points
    edges: list[Edge]
    blocks: list[tuple[Polygon, Quarter]]
    anchors: dict[str, int] = field(default_factory=dict)


def quarter_of(points: Points) -> np.ndarray:
    """(points,) which quarter each is in: the nearest, reckoned in its own reach."""
    centers = np.array([quarter.center for quarter in QUARTERS])
    reach = np.array([quarter.reach for quarter in QUARTERS])
    away = np.hypot(points[:, None, 0] - centers[:, 0], points[:, None, 1] - centers[:, 1])
    nearest: np.ndarray = np.argmin(away / reach, axis=1)
    return nearest


def _sites(rng: np.random.Generator) -> Points:
    pieces = []
    for number, quarter in enumerate(QUARTERS):
        span = np.arange(-26, 27)
        x, y = np.meshgrid(span * quarter.size[0], span * quarter.size[1])
        grid = np.column_stack([x.ravel(), y.ravel()]).astype(float)
        grid += rng.uniform(-1, 1, grid.shape) * quarter.disorder * np.array(quarter.size)
        angle = np.radians(quarter.turn)
        turned = grid @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        placed = turned + np.array(quarter.center)
        inside = np.abs(placed).max(axis=1) < HALF - 80
        pieces.append(placed[inside][quarter_of(placed[inside]) == number])
    return np.vstack(pieces)


def make_town(terrain: Terrain, rng: np.random.Generator) -> Town:
    """The whole street network, classed and joined into one."""
    sites = _sites(rng)
    diagram = Voronoi(sites)
    shore = prep(terrain.dry.buffer(-34))
    keep = np.array([shore.contains(Point(vertex)) and np.abs(vertex).max() < HALF - 60 for vertex in diagram.vertices])
    pairs = [
        (a, b)
        for a, b in diagram.ridge_vertices
        if a >= 0 and b >= 0 and keep[a] and keep[b] and shore.contains(LineString(diagram.vertices[[a, b]]))
    ]
    nodes, pairs = _merged(diagram.vertices, pairs)
    town = Town(nodes, [Edge(a, b) for a, b in pairs], [])
    town.blocks = _blocks(diagram, sites, terrain)
    _bridges(town, terrain)
    _largest(town)
    _classes(town)
    return town


def _merged(vertices: Points, pairs: list[tuple[int, int]]) -> tuple[Points, list[tuple[int, int]]]:
    """Crossings closer than 14 m are one: a grid's corners come out of the diagram as two."""
    a, b = np.array(pairs).T
    near = np.hypot(*(vertices[a] - vertices[b]).T) < 14
    count = len(vertices)
    graph = coo_matrix((np.ones(near.sum()), (a[near], b[near])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    used, number = np.unique(group[np.concatenate([a, b])], return_inverse=True)
    total = np.bincount(group, minlength=group.max() + 1)
    x = np.bincount(group, vertices[:, 0]) / total
    y = np.bincount(group, vertices[:, 1]) / total
    first, second = number[: len(a)], number[len(a) :]
    fresh = {(min(p), max(p)) for p in zip(first.tolist(), second.tolist(), strict=True) if p[0] != p[1]}
    return np.column_stack([x, y])[used], sorted(fresh)


def _blocks(diagram: Voronoi, sites: Points, terrain: Terrain) -> list[tuple[Polygon, Quarter]]:
    blocks = []
    number = quarter_of(sites)
    shore = terrain.dry.buffer(-22)
    for site, region in enumerate(diagram.point_region):
        corners = diagram.regions[region]
        if not corners or -1 in corners or np.abs(diagram.vertices[corners]).max() > HALF:
            continue
        block = Polygon(diagram.vertices[corners]).intersection(shore)
        if block.geom_type == "Polygon" and block.area > 900:
            blocks.append((block, QUARTERS[number[site]]))
    return blocks


def _bridges(town: Town, terrain: Terrain) -> None:
    """Bridges where the banks' streets face one another."""
    tree = shapely.STRtree(shapely.points(town.nodes))
    for place in (0.2, 0.36, 0.5, 0.74, 0.87, 0.95):
        at = terrain.course.interpolate(place, normalized=True)
        ahead = terrain.course.interpolate(place + 0.01, normalized=True)
        along = np.array([ahead.x - at.x, ahead.y - at.y])
        across = np.array([-along[1], along[0]]) / np.hypot(*along)
        ends = []
        for side in (-1, 1):
            bank = Point(np.array([at.x, at.y]) + side * across * (70 + 75 * place**1.6))
            ends.append(int(tree.nearest(bank)))
        if ends[0] != ends[1]:
            town.edges.append(Edge(ends[0], ends[1], kind="secondary", bridge=True))


def _largest(town: Town) -> None:
    a, b = np.array([(edge.a, edge.b) for edge in town.edges]).T
    count = len(town.nodes)
    _, group = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count)), directed=False)
    main = np.bincount(group).argmax()
    number = np.cumsum(group == main) - 1
    town.edges = [
        Edge(int(number[edge.a]), int(number[edge.b]), edge.kind, edge.name, edge.bridge)
        for edge in town.edges
        if group[edge.a] == main and group[edge.b] == main
    ]
    town.nodes = town.nodes[group == main]


def lengths(town: Town) -> np.ndarray:
    """(edges,) metres."""
    ends = np.array([(edge.a, edge.b) for edge in town.edges])
    metres: np.ndarray = np.hypot(*(town.nodes[ends[:, 0]] - town.nodes[ends[:, 1]]).T)
    return metres


def nearest_node(town: Town, place: tuple[float, float]) -> int:
    """The crossing nearest to a place."""
    return int(np.argmin(np.hypot(town.nodes[:, 0] - place[0], town.nodes[:, 1] - place[1])))


def route(town: Town, stops: list[int], *, barred: tuple[str, ...] = ()) -> list[int]:
    """Crossings along the quickest way through `stops`, larger streets being quicker."""
    cost = lengths(town) / np.array([SPEED[edge.kind] for edge in town.edges])
    open_ = np.array([edge.kind not in barred for edge in town.edges])
    ends = np.array([(edge.a, edge.b) for edge in town.edges])[open_]
    count = len(town.nodes)
    graph = coo_matrix((cost[open_], (ends[:, 0], ends[:, 1])), shape=(count, count)).tocsr()
    way = [stops[0]]
    for origin, target in pairwise(stops):
        _, before = dijkstra(graph, directed=False, indices=origin, return_predecessors=True)
        piece, at = [target], target
        while at != origin and before[at] >= 0:
            at = int(before[at])
            piece.append(at)
        way += piece[::-1][1:]
    return way


def _raise(town: Town, way: list[int], kind: str) -> None:
    """Makes the streets along a way of `kind`, unless they are larger already."""
    index = {frozenset((edge.a, edge.b)): edge for edge in town.edges}
    for a, b in pairwise(way):
        edge = index[frozenset((a, b))]
        if RANK[edge.kind] < RANK[kind]:
            edge.kind = kind


def _classes(town: Town) -> None:
    """Larger streets are those by which one gets from quarter to quarter; the old town's middle is for walking."""
    centers = {quarter.name: nearest_node(town, quarter.center) for quarter in QUARTERS}
    town.anchors = centers
    ring = [
        (-3900, -900),
        (-3900, 1200),
        (-3300, 3600),
        (-600, 4200),
        (2300, 4100),
        (3900, 2300),
        (3900, -900),
        (3100, -1900),
    ]
    _raise(town, route(town, [nearest_node(town, place) for place in ring]), "trunk")
    spines: tuple[tuple[str, ...], ...] = (
        ("Saltworks", "Market", "Riverside", "East Hill"),
        ("North Gate", "Market", "Old Town"),
        ("Old Town", "Harbour Side", "Port"),
    )
    for spine in spines:
        _raise(town, route(town, [centers[name] for name in spine]), "primary")
    ribs: tuple[tuple[str, ...], ...] = (
        ("University", "Market"),
        ("West Hill", "University", "Saltworks"),
        ("Riverside", "Harbour Side"),
        ("North Gate", "Riverside"),
        ("Mill Fields", "Riverside"),
        ("East Hill", "Port"),
    )
    for spine in ribs:
        _raise(town, route(town, [centers[name] for name in spine]), "secondary")
    names = list(centers)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            a, b = town.nodes[centers[name]], town.nodes[centers[other]]
            if np.hypot(*(a - b)) < 2900:
                _raise(town, route(town, [centers[name], centers[other]]), "tertiary")
    middle = town.nodes[centers["Old Town"]]
    for edge in town.edges:
        half = (town.nodes[edge.a] + town.nodes[edge.b]) / 2
        if edge.kind == "residential" and np.hypot(*(half - middle)) < 330:
            edge.kind = "pedestrian" if np.hypot(*(half - middle)) < 190 else "living_street"
