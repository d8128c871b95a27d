"""What of an OSM file is drawn, in which layer and from which zoom on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

Progress = Callable[[str, float], None]
ROADS = {  # class, from zoom
    "motorway": ("motorway", 7),
    "motorway_link": ("motorway", 11),
    "trunk": ("trunk", 8),
    "trunk_link": ("trunk", 11),
    "primary": ("primary", 9),
    "primary_link": ("primary", 12),
    "secondary": ("secondary", 10),
    "secondary_link": ("secondary", 13),
    "tertiary": ("tertiary", 11),
    "tertiary_link": ("tertiary", 13),
    "residential": ("minor", 12),
    "unclassified": ("minor", 12),
    "living_street": ("minor", 13),
    "pedestrian": ("path", 13),
    "service": ("service", 14),
    "footway": ("path", 14),
    "path": ("path", 14),
    "steps": ("path", 14),
    "track": ("path", 14),
    "bridleway": ("path", 14),
    "cycleway": ("cycleway", 13),
}
COVER = {
    "park": "park",
    "garden": "park",
    "recreation_ground": "park",
    "golf_course": "park",
    "pitch": "pitch",
    "wood": "wood",
    "forest": "wood",
    "scrub": "wood",
    "grass": "grass",
    "grassland": "grass",
    "meadow": "grass",
    "village_green": "grass",
    "cemetery": "grass",
    "beach": "sand",
    "sand": "sand",
}
USE = {
    "residential": "residential",
    "industrial": "industrial",
    "commercial": "commercial",
    "retail": "commercial",
    "harbour": "industrial",
    "school": "school",
    "university": "school",
    "college": "school",
    "hospital": "hospital",
    "military": "industrial",
}
PLACES = {"city": 6, "town": 8, "suburb": 10, "quarter": 12, "neighbourhood": 13, "village": 11, "island": 11}
POI = ("amenity", "tourism", "shop", "leisure", "railway", "historic")
POI_KINDS = frozenset(
    [
        "hospital",
        "clinic",
        "school",
        "university",
        "library",
        "townhall",
        "police",
        "fire_station",
        "museum",
        "theatre",
        "cinema",
        "marketplace",
        "place_of_worship",
        "ferry_terminal",
        "bus_station",
        "station",
        "stadium",
        "attraction",
        "viewpoint",
        "community_centre",
    ]
)


class BasemapError(ValueError):
    """The file is no OpenStreetMap file; the message says why and what to do."""


@dataclass(slots=True)
class Layer:
    """Features of a layer: geometries in degrees, their properties, the zoom they appear from."""

    geometries: list[BaseGeometry] = field(default_factory=list)
    properties: list[dict[str, Any]] = field(default_factory=list)
    zooms: list[int] = field(default_factory=list)

    def add(self, geometry: BaseGeometry, zoom: int, **properties: Any) -> None:
        self.geometries.append(geometry)
        self.zooms.append(zoom)
        self.properties.append({key: value for key, value in properties.items() if value not in ("", None)})


Layers = dict[str, Layer]
LAYERS = ("landuse", "landcover", "water", "waterway", "building", "road", "rail", "place", "poi")


def read_features(path: Path, progress: Progress) -> tuple[Layers, list[LineString]]:
    """Every drawn feature by layer, and the coastline's pieces. Raises BasemapError for a broken file."""
    import osmium

    layers = {name: Layer() for name in LAYERS}
    coast: list[LineString] = []
    if not path.is_file():
        raise BasemapError(f"{path}: there is no such file.")
    try:
        progress("reading the map", 0.05)
        for thing in (
            osmium.FileProcessor(str(path)).with_locations().with_areas().with_filter(osmium.filter.EmptyTagFilter())
        ):
            tags = dict(thing.tags)
            if thing.is_node():
                if thing.location.valid():  # a deleted one has no place
                    _point(layers, tags, Point(thing.location.lon, thing.location.lat))
            elif thing.is_way():
                _line(layers, coast, tags, thing)
            elif thing.is_area():
                _area(layers, tags, thing)
    except (RuntimeError, OSError, UnicodeDecodeError, osmium.InvalidLocationError) as problem:
        raise BasemapError(
            f"{path.name} cannot be read as OpenStreetMap data ({problem}). Download the extract again (.osm.pbf)."
        ) from problem
    if not any(layer.geometries for layer in layers.values()):
        raise BasemapError(f"{path.name} holds nothing to draw. Choose an extract that covers the city.")
    return layers, coast


def names(tags: dict[str, str]) -> dict[str, str]:
    """name and name:xx."""
    return {key: value for key, value in tags.items() if key == "name" or (key.startswith("name:") and len(key) == 7)}


def _point(layers: Layers, tags: dict[str, str], point: Point) -> None:
    if "name" not in tags:
        return
    if tags.get("place") in PLACES:
        layers["place"].add(point, PLACES[tags["place"]], kind=tags["place"], **names(tags))
    else:
        _poi(layers, tags, point)


def _poi(layers: Layers, tags: dict[str, str], point: BaseGeometry) -> None:
    kind = next((tags[key] for key in POI if key in tags), "")
    if kind and "name" in tags:
        layers["poi"].add(point, 13 if kind in POI_KINDS else 14, kind=kind, **names(tags))


def _line(layers: Layers, coast: list[LineString], tags: dict[str, str], way: Any) -> None:
    points = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    if len(points) < 2:
        return
    line = LineString(points)
    if tags.get("natural") == "coastline":
        coast.append(line)
    if tags.get("highway") in ROADS and tags.get("area") != "yes":
        kind, zoom = ROADS[tags["highway"]]
        layers["road"].add(
            line,
            zoom,
            kind=kind,
            bridge=1 if tags.get("bridge", "no") != "no" else None,
            tunnel=1 if tags.get("tunnel", "no") != "no" else None,
            **names(tags),
        )
    elif tags.get("railway") in ("rail", "light_rail", "tram", "subway"):
        layers["rail"].add(line, 10 if tags["railway"] != "tram" else 12, kind=tags["railway"])
    elif tags.get("waterway") in ("river", "canal", "stream"):
        layers["waterway"].add(line, 9 if tags["waterway"] == "river" else 12, kind=tags["waterway"], **names(tags))


def _area(layers: Layers, tags: dict[str, str], area: Any) -> None:
    natural, leisure, use = tags.get("natural", ""), tags.get("leisure", ""), tags.get("landuse", "")
    amenity = tags.get("amenity", "")
    water = natural in ("water", "bay") or tags.get("waterway") == "riverbank" or use in ("basin", "reservoir")
    cover = COVER.get(leisure) or COVER.get(natural) or COVER.get(use)
    purpose = USE.get(use) or USE.get(amenity)
    if not (water or cover or purpose or "building" in tags):
        return
    polygon = _polygon(area)
    if polygon is None:
        return
    if water:
        layers["water"].add(polygon, 0, **names(tags))
    elif cover:
        layers["landcover"].add(polygon, 9, kind=cover, **names(tags))
    elif "building" in tags:
        layers["building"].add(polygon, 13)
    elif purpose:
        layers["landuse"].add(polygon, 10, kind=purpose)
    if cover == "park" and "name" in tags:
        layers["poi"].add(polygon.representative_point(), _park_zoom(polygon), kind="park", **names(tags))
    elif amenity or "tourism" in tags:
        _poi(layers, tags, polygon.representative_point())


def _park_zoom(park: BaseGeometry) -> int:
    """From which zoom on a park has its name: a large one (about 12 hectares) two before a small one."""
    return 12 if park.area > 1.2e-5 else 13 if park.area > 4e-6 else 14


def _polygon(area: Any) -> MultiPolygon | None:
    """The area's outline, without the spikes of one that was drawn badly; None where its ring does not close."""
    import osmium

    try:
        polygons = [
            Polygon(
                [(node.lon, node.lat) for node in outer],
                [[(node.lon, node.lat) for node in inner] for inner in area.inner_rings(outer)],
            )
            for outer in area.outer_rings()
        ]
    except (RuntimeError, ValueError, osmium.InvalidLocationError):
        return None
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(MultiPolygon(polygons))))
    faces = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return MultiPolygon(faces) if faces else None


def sea(coast: list[LineString], bounds: tuple[float, float, float, float]) -> list[Polygon]:
    """The sea within `bounds`: faces of the box cut by the coastline that lie on its right.

    Source: OpenStreetMap wiki, Tag:natural=coastline: land is on the left of the line, water on its right.
    """
    # One line from end to end: at a corner between two of its pieces, neither alone tells the side.
    coast = list(shapely.get_parts(shapely.line_merge(shapely.MultiLineString(coast), directed=True)))
    box = shapely.box(*bounds)
    lines = shapely.line_merge(shapely.intersection(shapely.unary_union(coast), box))
    if lines.is_empty:
        return []
    faces = shapely.polygonize([shapely.node(shapely.union(lines, box.boundary))])
    found = []
    for face in faces.geoms:
        inside = face.representative_point()
        nearest = min(coast, key=lambda line: line.distance(inside))
        if _right_of(nearest, inside):
            found.append(face)
    return found


def _right_of(line: LineString, point: Point) -> bool:
    at = line.project(point)
    a, b = line.interpolate(max(0.0, at - 1e-6)), line.interpolate(min(line.length, at + 1e-6))
    return bool((b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x) < 0)
