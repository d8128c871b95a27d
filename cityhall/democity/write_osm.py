"""The city as an OpenStreetMap file (.osm.pbf)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import osmium
import shapely
from osmium.osm.mutable import Node, Relation, Way
from shapely import Polygon
from shapely.ops import substring

from cityhall.democity.streets import Town
from cityhall.democity.terrain import Points, Terrain, to_degrees

Tags = dict[str, str]


class Drawing:
    """Collects nodes, ways and relations, and writes them in the order the format wants: by kind, then by id."""

    def __init__(self) -> None:
        self.places: list[Points] = []
        self.node_tags: dict[int, Tags] = {}
        self.ways: list[tuple[list[int], Tags]] = []
        self.relations: list[tuple[list[tuple[int, str]], Tags]] = []

    def nodes(self, points: Points) -> list[int]:
        """New nodes at (n, 2) metres; their ids."""
        start = len(self.places) + 1
        self.places += list(points)
        return list(range(start, start + len(points)))

    def point(self, place: Points, tags: Tags) -> None:
        """A node with tags."""
        self.node_tags[self.nodes(np.array([place]))[0]] = tags

    def way(self, refs: list[int], tags: Tags) -> int:
        """A way over nodes; its id."""
        self.ways.append((refs, tags))
        return len(self.ways)

    def polygon(self, polygon: Polygon, tags: Tags) -> None:
        """An area: a closed way, or a multipolygon where it has holes."""
        rings = [polygon.exterior, *polygon.interiors]
        closed = []
        for ring in rings:
            refs = self.nodes(np.array(ring.coords)[:-1])
            closed.append([*refs, refs[0]])
        if len(closed) == 1:
            self.way(closed[0], tags)
            return
        members = [(self.way(refs, {}), "inner" if place else "outer") for place, refs in enumerate(closed)]
        self.relations.append((members, {"type": "multipolygon", **tags}))

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        draft = path.with_name(f".{path.name}")
        draft.unlink(missing_ok=True)
        degrees = to_degrees(np.array(self.places)).round(7)
        draft_pbf = draft.with_suffix(".pbf")
        with osmium.SimpleWriter(str(draft_pbf), overwrite=True) as writer:
            for number, (lon, lat) in enumerate(degrees.tolist(), start=1):
                writer.add_node(Node(id=number, version=1, location=(lon, lat), tags=self.node_tags.get(number, {})))
            for number, (refs, tags) in enumerate(self.ways, start=1):
                writer.add_way(Way(id=number, version=1, nodes=refs, tags=tags))
            for number, (members, tags) in enumerate(self.relations, start=1):
                given = [("w", way, role) for way, role in members]
                writer.add_relation(Relation(id=number, version=1, members=given, tags=tags))
        draft_pbf.replace(path)


def draw_streets(drawing: Drawing, town: Town) -> None:
    """Every street, its crossings shared with the streets it meets."""
    refs = drawing.nodes(town.nodes)
    for edge in town.edges:
        tags = {"highway": edge.kind, "name": edge.name}
        if edge.bridge:
            tags |= {"bridge": "yes", "layer": "1"}
        if edge.oneway:
            tags["oneway"] = "yes"
        drawing.way([refs[edge.a], refs[edge.b]], tags)


def draw_water(drawing: Drawing, terrain: Terrain) -> None:
    """The coastline with land on its left, the river, beaches, and walks along the water."""
    drawing.way(drawing.nodes(np.array(terrain.coast.coords)), {"natural": "coastline"})
    inland = terrain.river.intersection(terrain.land)
    for piece in shapely.get_parts(inland):
        drawing.polygon(piece, {"natural": "water", "water": "river", "name": "Rio Velano"})
    drawing.way(drawing.nodes(np.array(terrain.course.coords)), {"waterway": "river", "name": "Rio Velano"})
    for start, end, name in ((0.12, 0.3, "West Beach"), (0.62, 0.7, "Harbour Beach")):
        shore = substring(terrain.coast, start, end, normalized=True)
        sand = shore.buffer(34, cap_style="flat").intersection(terrain.dry)
        for piece in shapely.get_parts(sand):
            drawing.polygon(piece, {"natural": "beach", "name": name})
    drawing.polygon(terrain.island, {"leisure": "park", "name": "Heron Island"})


def draw_walks(drawing: Drawing, town: Town, terrain: Terrain) -> None:
    """A promenade by the sea and cycle paths on both banks, joined to the streets every few hundred metres."""
    shore = substring(terrain.coast, 0.12, 0.7, normalized=True)
    lines = [(shore.offset_curve(42), {"highway": "footway", "name": "Promenade", "bicycle": "yes"})]
    for side in (-1, 1):
        lines.append((terrain.course.offset_curve(side * 118), {"highway": "cycleway", "name": "River Path"}))
    tree = shapely.STRtree(shapely.points(town.nodes))
    inside = terrain.dry.buffer(-12)
    for line, tags in lines:
        for piece in shapely.get_parts(line.intersection(inside)):
            if piece.length < 250:
                continue
            count = int(piece.length // 45) + 1
            points = np.array([piece.interpolate(at, normalized=True).coords[0] for at in np.linspace(0, 1, count)])
            refs = drawing.nodes(points)
            drawing.way(refs, tags)
            for place in range(2, count, 7):
                near = int(tree.nearest(shapely.Point(points[place])))
                if np.hypot(*(town.nodes[near] - points[place])) < 170:
                    drawing.way([refs[place], near + 1], {"highway": "footway"})
