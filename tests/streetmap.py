"""A small street map of our own, with what real ones have: written as .osm, and beside each way who may use it.

What a way allows is written down by hand (`Kind`), never worked out from its tags: so it can judge who does that. The
town lies under the small feed of `tests/feeds.py`: each of its stops stands at a crossing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

FOOT, BICYCLE, STAIRS = 1.33, 4.4, 0.7
Both = tuple[float, float]  # m/s along the way and against it, 0 where nobody may
Point = tuple[float, float]  # lon, lat


@dataclass(frozen=True)
class Kind:
    """Tags of a way, and how fast one may go along it and against it."""

    tags: dict[str, str]
    walk: Both = (0, 0)
    wheelchair: Both = (0, 0)
    bike: Both = (0, 0)
    drive: Both = (0, 0)


def _kind(
    tags: str, walk: float | Both = 0, wheelchair: float | Both = 0, bike: float | Both = 0, drive: float | Both = 0
) -> Kind:
    def both(value: float | Both) -> Both:
        return value if isinstance(value, tuple) else (value, value)

    pairs = dict(tag.replace("_mph", " mph").split("=", 1) for tag in tags.split())
    return Kind(pairs, both(walk), both(wheelchair), both(bike), both(drive))


KINDS = {
    "street": _kind("highway=residential", FOOT, FOOT, BICYCLE, 7.0),
    "main": _kind("highway=secondary maxspeed=100", FOOT, FOOT, BICYCLE, 11.0),
    "slow": _kind("highway=tertiary maxspeed=20", FOOT, FOOT, BICYCLE, 20 / 3.6),
    "miles": _kind("highway=primary maxspeed=20_mph", FOOT, FOOT, BICYCLE, 20 / 2.237),
    "oneway": _kind("highway=residential oneway=yes", FOOT, FOOT, (BICYCLE, 0), (7.0, 0)),
    "against": _kind("highway=residential oneway=-1", FOOT, FOOT, (0, BICYCLE), (0, 7.0)),
    "contraflow": _kind("highway=residential oneway=yes oneway:bicycle=no", FOOT, FOOT, BICYCLE, (7.0, 0)),
    "opposite": _kind("highway=residential oneway=yes cycleway=opposite_lane", FOOT, FOOT, BICYCLE, (7.0, 0)),
    "roundabout": _kind("highway=residential junction=roundabout", FOOT, FOOT, (BICYCLE, 0), (7.0, 0)),
    "ring road": _kind("highway=trunk foot=no bicycle=no maxspeed=80", drive=80 / 3.6 * 0.85),
    "motorway": _kind("highway=motorway maxspeed=100", drive=(100 / 3.6 * 0.85, 0)),
    "open motorway": _kind("highway=motorway access=yes", drive=(24.0, 0)),
    "living": _kind("highway=living_street", FOOT, FOOT, BICYCLE, 3.0),
    "mall": _kind("highway=pedestrian", FOOT, FOOT, 2.8),
    "footway": _kind("highway=footway", FOOT, FOOT),
    "footbridge": _kind("highway=footway bridge=yes layer=1", FOOT, FOOT),
    "shared": _kind("highway=footway bicycle=designated", FOOT, FOOT, BICYCLE),
    "tolerated": _kind("highway=footway bicycle=yes", FOOT, FOOT, 2.8),
    "stairs": _kind("highway=steps", STAIRS),
    "stairs with a rail": _kind("highway=steps bicycle=yes access=yes", STAIRS, bike=STAIRS),
    "stairs with a ramp": _kind("highway=steps ramp:wheelchair=yes", STAIRS, FOOT),
    "moving stairs": _kind("highway=steps conveying=forward oneway:foot=yes", (STAIRS, 0)),
    "goat track": _kind("highway=path wheelchair=no incline=25%", FOOT, 0, 2.8),
    "gravel": _kind("highway=path surface=gravel", FOOT, 0, 2.8),
    "firm gravel": _kind("highway=path surface=gravel wheelchair=yes", FOOT, FOOT, 2.8),
    "field track": _kind("highway=track", FOOT, FOOT, BICYCLE),
    "cobbles": _kind("highway=residential surface=cobblestone", FOOT, FOOT, BICYCLE * 0.7, 7.0),
    "cycleway": _kind("highway=cycleway", FOOT, FOOT, BICYCLE),
    "fast cycleway": _kind("highway=cycleway foot=no oneway=yes", bike=(BICYCLE, 0)),
    "bridle path": _kind("highway=bridleway", FOOT, FOOT),
    "private": _kind("highway=service access=private"),
    "gated": _kind("highway=residential access=private foot=yes", FOOT, FOOT),
    "customers": _kind("highway=service access=customers"),
    "residents": _kind("highway=service access=destination", FOOT, FOOT, BICYCLE, 4.0),
    "no cars": _kind("highway=residential motor_vehicle=no", FOOT, FOOT, BICYCLE),
    "bus lane": _kind("highway=service access=no bus=yes foot=yes", FOOT, FOOT),
    "to be built": _kind("highway=construction"),
    "square": _kind("highway=pedestrian area=yes"),
    "railway": _kind("railway=tram"),
}


@dataclass(frozen=True)
class Way:
    """Nodes by their numbers; `kind` says who may use it, None where it is no way at all (water, a park)."""

    nodes: tuple[int, ...]
    name: str = ""
    kind: Kind | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Map:
    """What an .osm file holds."""

    nodes: dict[int, Point] = field(default_factory=dict)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    relations: list[tuple[dict[str, str], list[tuple[str, int, str]]]] = field(default_factory=list)

    def street(self, kind: str, name: str, *nodes: int) -> None:
        """A way of a kind over nodes."""
        self.ways.append(Way(nodes, name, KINDS[kind]))

    def area(self, outline: Iterable[Point], **tags: str) -> int:
        """A closed way of new nodes; its number, for relations."""
        refs = [self.node(*place) for place in outline]
        self.ways.append(Way((*refs, refs[0]), tags=_tags(tags)))
        return len(self.ways)

    def node(self, lon: float, lat: float, **tags: str) -> int:
        """A new node's number."""
        number = max(self.nodes, default=0) + 1
        self.nodes[number] = (round(lon, 7), round(lat, 7))
        if tags:
            self.node_tags[number] = _tags(tags)
        return number

    def write(self, path: Path) -> Path:
        """Writes it as OSM XML (version 0.6): nodes, ways, relations."""
        rows = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="cityhall tests">']
        for number, (lon, lat) in sorted(self.nodes.items()):
            inside = _xml(self.node_tags.get(number, {}))
            rows.append(f'<node id="{number}" version="1" lat="{lat:.7f}" lon="{lon:.7f}">{inside}</node>')
        for number, way in enumerate(self.ways, start=1):
            tags = (way.kind.tags if way.kind else {}) | way.tags | ({"name": way.name} if way.name else {})
            refs = "".join(f'<nd ref="{ref}"/>' for ref in way.nodes)
            rows.append(f'<way id="{number}" version="1">{refs}{_xml(tags)}</way>')
        for number, (tags, members) in enumerate(self.relations, start=1):
            inside = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
            rows.append(f'<relation id="{number}" version="1">{inside}{_xml(tags)}</relation>')
        path.write_text("\n".join([*rows, "</osm>"]), encoding="utf-8")
        return path


def _tags(given: dict[str, str]) -> dict[str, str]:
    """name_es as an argument is name:es as a tag."""
    return {key.replace("_", ":") if key.startswith("name_") else key: value for key, value in given.items()}


def _xml(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


WEST, SOUTH, STEP = -51.235, -30.05, 0.005
COLUMNS, ROWS = "ABCDEFG", range(9)
"""Crossings: B4 is the harbour, E4 the market square, E1 the south beach, E7 the north gate."""
TERRACE = (-51.2139, -30.0292)
"""A stop above the square: 80 s away up the stairs, a long way round without them."""
LOOKOUT = (-51.2125, -30.0475)
"""A place between blocks: up the stairs from the south beach, or round by a path from F0."""
HERON = (-51.26, -30.03)
"""On an island without a bridge."""


def town() -> Map:
    """The streets under the small feed: a grid of half a kilometre with everything in KINDS, a river, an island."""
    made = Map()
    at = {f"{c}{row}": made.node(WEST + STEP * x, SOUTH + STEP * row) for x, c in enumerate(COLUMNS) for row in ROWS}
    _grid(made, at)
    _short_cuts(made, at)
    _edges(made, at)
    _what_is_drawn(made)
    return made


def place_of(crossing: str) -> Point:
    """(lon, lat) of a crossing such as "B4"."""
    return round(WEST + STEP * COLUMNS.index(crossing[0]), 7), round(SOUTH + STEP * int(crossing[1]), 7)


def _grid(made: Map, at: dict[str, int]) -> None:
    across = ["street", "living", "main", "oneway", "main", "against", "slow", "contraflow", "miles"]
    for row, kind in enumerate(across):
        name = "Harbour Street" if row == 4 else f"{row + 1}. Street"
        made.street(kind, name, *[at[f"{c}{row}"] for c in COLUMNS[: 7 if row == 4 else 6]])
    named = ["Alder", "Birch", "Cedar", "Dove", "Beach", "Fig", "Garden"]
    for column, name in zip(COLUMNS, named, strict=True):
        street = [at[f"{column}{row}"] for row in ROWS]
        if column == "C":
            made.street("street", "Cedar Avenue", *street[:4])
            made.street("mall", "Cedar Mall", *street[3:6])
            made.street("street", "Cedar Avenue", *street[5:])
        else:
            made.street("street", "Beach Street" if column == "E" else f"{name} Avenue", *street)
    made.street("footbridge", "Heron Bridge", at["F2"], at["G2"])
    landing = made.node(-51.2065, -30.02)
    made.street("footbridge", "High Bridge", at["F6"], landing)
    made.street("stairs", "", landing, at["G6"])
    bends = [made.node(-51.19, -30.027), made.node(-51.17, -30.033)]
    at["hill"] = made.node(-51.15, -30.03)
    made.street("main", "Hill Road", at["G4"], *bends, at["hill"])


def _short_cuts(made: Map, at: dict[str, int]) -> None:
    """Slanting ways through the blocks, each quicker than round them for who may use it."""
    lookout, terrace = made.node(*LOOKOUT), made.node(*TERRACE)
    made.street("stairs", "Sailors' Stairs", at["E1"], lookout)
    made.street("footway", "Lookout Path", lookout, at["F0"])
    made.street("stairs", "Terrace Stairs", at["E4"], made.node(-51.2144, -30.0295), terrace)
    made.street("footway", "Terrace Walk", terrace, made.node(-51.2125, -30.0275), at["F5"])
    for kind, start, end in (
        ("private", "A6", "B7"),
        ("gated", "A7", "B6"),
        ("customers", "B1", "C2"),
        ("residents", "B2", "C1"),
        ("gravel", "C6", "D7"),
        ("firm gravel", "C7", "D6"),
        ("goat track", "A1", "B2"),
        ("fast cycleway", "B7", "C8"),
        ("cobbles", "D1", "E2"),
        ("stairs with a ramp", "B5", "C6"),
        ("stairs with a rail", "C2", "D1"),
        ("moving stairs", "D5", "E6"),
        ("no cars", "D2", "E3"),
        ("bus lane", "A2", "B3"),
        ("field track", "A4", "B5"),
        ("bridle path", "A0", "B1"),
        ("to be built", "C0", "D1"),
        ("shared", "D3", "E4"),
        ("tolerated", "C4", "D3"),
        ("opposite", "E6", "F7"),
    ):
        made.street(kind, f"{kind.title()} Cut", at[start], at[end])
    made.street(
        "cycleway", "River Path", at["F1"], made.node(-51.2088, -30.041), made.node(-51.2088, -30.019), at["F7"]
    )


def _edges(made: Map, at: dict[str, int]) -> None:
    """Roads round the town, a roundabout, streets that come back to where they began, and ways out of nowhere."""
    made.street("ring road", "Ring Road", at["A0"], made.node(-51.225, -30.054), at["F0"])
    made.street("motorway", "North Motorway", at["A8"], made.node(-51.222, -30.007), at["F8"])
    made.street("open motorway", "North Motorway", at["F8"], made.node(-51.222, -30.006), at["A8"])
    ring = [made.node(-51.2355 + x, -30.0305 + y) for x, y in ((0, 0), (-0.0004, 0.0005), (0, 0.001))]
    made.street("roundabout", "Alder Circle", at["A4"], *ring[::-1], at["A4"])
    close = [made.node(-51.2297, -30.0525), made.node(-51.2303, -30.0525)]
    made.street("street", "Loop Close", at["B0"], *close, at["B0"])
    made.street("street", "Bow Lane", at["D0"], made.node(-51.2175, -30.0515), at["E0"])
    # By car one gets into it and never out again.
    made.street("oneway", "Trap Alley", at["D8"], made.node(-51.22, -30.0085))
    heron = [made.node(*HERON), made.node(-51.262, -30.03), made.node(-51.262, -30.032)]
    made.street("street", "Heron Walk", *heron, heron[0])
    turn = [("way", _number(made, "Harbour Street"), "from"), ("node", at["E4"], "via")]
    made.relations.append(
        ({"type": "restriction", "restriction": "no_left_turn"}, [*turn, ("way", _number(made, "Beach Street"), "to")])
    )


def _number(made: Map, name: str) -> int:
    return next(number for number, way in enumerate(made.ways, start=1) if way.name == name)


def _box(west: float, south: float, east: float, north: float) -> list[Point]:
    return [(west, south), (east, south), (east, north), (west, north)]


def _what_is_drawn(made: Map) -> None:
    made.area(_box(-51.2083, -30.06, -51.2069, -30.0), natural="water", name="Velano", name_ko="벨라노 강")
    middle = made.node(-51.2076, -30.06), made.node(-51.2076, -30.0)
    made.ways.append(Way(middle, "Velano", tags={"waterway": "river"}))
    made.area(_box(-51.2295, -30.0245, -51.2255, -30.0205), leisure="park", name="Fig Park", name_es="Parque Higuera")
    made.area(_box(-51.2190, -30.0340, -51.2160, -30.0310), amenity="school", name="Dove School", building="yes")
    made.area(_box(-51.2145, -30.0345, -51.2105, -30.0305), landuse="industrial", name="Dock Works")
    outer = made.area(_box(-51.2345, -30.0445, -51.2305, -30.0405))
    inner = made.area(_box(-51.2335, -30.0435, -51.2315, -30.0415))
    made.relations.append(
        (
            {"type": "multipolygon", "natural": "wood", "name": "Ring Wood"},
            [("way", outer, "outer"), ("way", inner, "inner")],
        )
    )
    made.street("railway", "", made.node(-51.235, -30.0312), made.node(-51.205, -30.0312))
    corners = [made.node(*corner) for corner in _box(-51.2155, -30.0305, -51.2145, -30.0295)]
    made.street("square", "Market Square", *corners, corners[0])
    made.node(-51.2225, -30.0375, place="suburb", name="Old Quarter", name_pt="Bairro Velho")
    made.node(-51.2162, -30.0262, amenity="library", name="City Library", name_es="Biblioteca", name_ko="시립 도서관")
    made.node(-51.2163, -30.0263, amenity="bench", name="A bench")
    made.node(-51.2302, -30.0298, amenity="ferry_terminal", name="Harbour Pier")
