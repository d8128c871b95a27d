"""The base map holds what the map holds: its file taken apart by hand, its tiles read by GDAL, its style."""

from __future__ import annotations

import gzip
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyogrio.raw import read

from cityhall.engines.basemap import BasemapError, build, style
from cityhall.engines.basemap.features import LAYERS
from tests.streetmap import Map, Point, Way, town

TOWN = town()
DRAWN = {"secondary", "tertiary", "primary", "residential", "living_street", "trunk", "motorway", "pedestrian"}
DRAWN |= {"footway", "path", "steps", "cycleway", "service", "track", "bridleway"}
HALF = 20_037_508.342789244


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("basemap")
    build(TOWN.write(folder / "town.osm"), folder / "town.pmtiles")
    return folder / "town.pmtiles"


def layer(path: Path, name: str, **options: Any) -> list[tuple[dict[str, Any], Any]]:
    """(properties, geometry in degrees) of every piece of a layer at the closest zoom, as GDAL reads it."""
    meta, _, shapes, columns = read(path, layer=name, **options)
    found = []
    for row, shape in enumerate(shapes):
        values = {field: column[row] for field, column in zip(meta["fields"], columns, strict=True)}
        known = {field: value for field, value in values.items() if value is not None and value == value}
        found.append((known, shapely.transform(shapely.from_wkb(shape), degrees)))
    return found


def degrees(points: np.ndarray) -> np.ndarray:
    lat = np.degrees(2 * np.arctan(np.exp(points[:, 1] / HALF * math.pi)) - math.pi / 2)
    return np.column_stack([points[:, 0] / HALF * 180, lat])


def named(path: Path, name: str) -> dict[str, Any]:
    """Everything of a layer that has a name, put together by it."""
    found: dict[str, list[Any]] = {}
    for values, shape in layer(path, name):
        if "name" in values:
            found.setdefault(values["name"], []).append(shape)
    return {key: shapely.union_all(pieces) for key, pieces in found.items()}


def test_every_street_of_the_map_is_drawn_where_it_is_and_nothing_else(tiles: Path) -> None:
    drawn, expected = named(tiles, "road"), {}
    for way in TOWN.ways:
        if way.kind and way.name and way.kind.tags.get("highway") in DRAWN and way.kind.tags.get("area") != "yes":
            line = shapely.LineString([TOWN.nodes[node] for node in way.nodes])
            expected[way.name] = shapely.union(expected.get(way.name, shapely.LineString()), line)
    assert set(drawn) == set(expected)
    for name, line in expected.items():
        # 4,096 units a tile at zoom 14 are half a metre each.
        assert shapely.hausdorff_distance(drawn[name], line, densify=0.1) < 0.00001, name
    kinds = {values["name"]: values["kind"] for values, _ in layer(tiles, "road") if "name" in values}
    assert (kinds["Harbour Street"], kinds["Ring Road"], kinds["Lookout Path"]) == ("secondary", "trunk", "path")
    assert (kinds["Field Track Cut"], kinds["River Path"], kinds["Cedar Mall"]) == ("path", "cycleway", "path")
    bridges = {values.get("name") for values, _ in layer(tiles, "road") if values.get("bridge")}
    assert bridges == {"Heron Bridge", "High Bridge"}


def test_water_woods_houses_and_works(tiles: Path) -> None:
    river = named(tiles, "water")["Velano"]
    assert river.contains(shapely.Point(-51.2076, -30.03)) and not river.contains(shapely.Point(-51.2066, -30.03))
    wood = shapely.union_all([shape for values, shape in layer(tiles, "landcover") if values["kind"] == "wood"])
    assert wood.contains(shapely.Point(-51.2340, -30.0425)), "the ring"
    assert not wood.contains(shapely.Point(-51.2325, -30.0425)), "the clearing in it"
    assert {values["kind"] for values, _ in layer(tiles, "landuse")} == {"industrial"}
    assert len(layer(tiles, "building")) >= 1 and {values["kind"] for values, _ in layer(tiles, "rail")} == {"tram"}


def test_labels_in_every_language_they_have(tiles: Path) -> None:
    places = {values["name"]: values for values, _ in layer(tiles, "poi")}
    assert places["City Library"]["name:ko"] == "시립 도서관" and places["Fig Park"]["name:es"] == "Parque Higuera"
    assert places["Dove School"]["kind"] == "school" and places["Harbour Pier"]["kind"] == "ferry_terminal"
    ((quarter, point),) = layer(tiles, "place")
    assert quarter == {"kind": "suburb", "name": "Old Quarter", "name:pt": "Bairro Velho"}
    assert point.distance(shapely.Point(-51.2225, -30.0375)) < 0.00001


def test_from_afar_there_is_less(tiles: Path) -> None:
    at = {zoom: layer(tiles, "road", ZOOM_LEVEL=str(zoom)) for zoom in (8, 11, 14)}
    kinds = {zoom: {values["kind"] for values, _ in found} for zoom, found in at.items()}
    assert kinds[8] == {"motorway", "trunk"} and kinds[11] == kinds[8] | {"primary", "secondary", "tertiary"}
    assert {"minor", "service", "path", "cycleway"} <= kinds[14]


def varints(raw: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value, shift = 0, 0
    return found


def test_the_file_is_as_the_specification_wants_it(tiles: Path) -> None:
    """PMTiles 3: a header of 127 bytes, directories of varints in the order of the Hilbert curve, then the tiles."""
    raw = tiles.read_bytes()
    assert raw[:7] == b"PMTiles" and raw[7] == 3
    root, root_size, meta, meta_size, leaves, leaves_size, data, data_size, addressed, entries, contents = (
        struct.unpack("<11Q", raw[8:96])
    )
    clustered, packed, tile_packed, kind, low, high = raw[96:102]
    west, south, east, north = (edge / 1e7 for edge in struct.unpack("<4i", raw[102:118]))
    assert root >= 127 and data + data_size <= len(raw) and leaves_size == 0 and leaves <= len(raw)
    assert (clustered, packed, tile_packed, kind, low, high) == (1, 2, 2, 1, 8, 14)
    bounds = shapely.total_bounds([shapely.LineString([TOWN.nodes[n] for n in w.nodes]) for w in TOWN.ways if w.kind])
    assert (west, south, east, north) == pytest.approx(tuple(bounds), abs=1e-6)
    count, *rest = varints(gzip.decompress(raw[root : root + root_size]))
    ids, runs, sizes, offsets = (rest[count * part : count * (part + 1)] for part in range(4))
    assert count == entries and sum(runs) == addressed and all(step > 0 for step in ids[1:])
    place, starts = 0, set()
    for size, offset in zip(sizes, offsets, strict=True):
        # No offset: right behind the one before.
        start = place if offset == 0 else offset - 1
        starts.add(start)
        assert gzip.decompress(raw[data : data + data_size][start : start + size])
        place = start + size
    assert contents == len(starts)
    described = json.loads(gzip.decompress(raw[meta : meta + meta_size]))
    assert [one["id"] for one in described["vector_layers"]] == list(LAYERS)


def test_the_same_map_gives_the_same_bytes(tiles: Path, tmp_path: Path) -> None:
    build(tiles.with_name("town.osm"), tmp_path / "again.pmtiles")
    assert (tmp_path / "again.pmtiles").read_bytes() == tiles.read_bytes()


def test_only_what_is_asked_for_is_made(tiles: Path, tmp_path: Path) -> None:
    """The bounds of a city are fewer tiles than its file's, and hold what is within."""
    osm, bounds = tiles.with_name("town.osm"), (-51.236, -30.02, -51.23, -30.01)
    every, some = build(osm, tmp_path / "all.pmtiles"), build(osm, tmp_path / "some.pmtiles", bounds=bounds)
    assert some.tiles < every.tiles and some.bounds == bounds
    inside = named(tmp_path / "some.pmtiles", "road")
    assert "Alder Avenue" in inside and "Hill Road" not in inside


@pytest.mark.parametrize(
    ("bounds", "zoom", "says"),
    [
        ((-51.3, -30.1, -51.1, -29.9), 17, "zoom 17"),
        ((10.0, 10.0, 10.1, 10.1), 14, "holds nothing"),
        ((-51.1, -30.1, -51.3, -29.9), 14, "no bounds"),
        ((-180.0, -80.0, 180.0, 80.0), 14, "cut out the city"),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_nothing(
    tiles: Path, tmp_path: Path, bounds: tuple[float, float, float, float], zoom: int, says: str
) -> None:
    with pytest.raises(BasemapError, match=says):
        build(tiles.with_name("town.osm"), tmp_path / "none.pmtiles", bounds=bounds, max_zoom=zoom)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.osm").write_text("no map")
    (tmp_path / "empty.osm").write_text('<osm version="0.6"></osm>')
    for name, says in (("bad.osm", "cannot be read"), ("empty.osm", "nothing to draw"), ("no.osm", "no such file")):
        with pytest.raises(BasemapError, match=says):
            build(tmp_path / name, tmp_path / "out.pmtiles")
    assert not (tmp_path / "out.pmtiles").exists()


@pytest.mark.parametrize("turned", [False, True])
def test_the_sea_is_on_the_right_of_the_coast(tmp_path: Path, turned: bool) -> None:
    """Land on the left of the line (OpenStreetMap, natural=coastline): an island in it is land again."""
    coast: list[Point] = [(0.1, -0.02), (0.104, -0.005), (0.1, 0.01), (0.102, 0.03)]
    # An island has land on its left when its shore goes round against the clock.
    shore: list[Point] = [(0.11, 0.0), (0.113, 0.0), (0.113, 0.003), (0.11, 0.003)]
    sea, land, island = shapely.Point(0.118, 0.01), shapely.Point(0.095, 0.01), shapely.Point(0.1115, 0.0015)
    if turned:
        coast, shore, sea, land, island = coast[::-1], shore[::-1], land, sea, island
    made = Map()
    made.ways.append(Way(tuple(made.node(*place) for place in coast), tags={"natural": "coastline"}))
    made.area(shore, natural="coastline")
    made.street("street", "Quay", made.node(0.09, -0.01), made.node(0.12, 0.02))
    build(made.write(tmp_path / "coast.osm"), tmp_path / "coast.pmtiles", bounds=(0.09, -0.01, 0.12, 0.02))
    water = shapely.union_all([shape for _, shape in layer(tmp_path / "coast.pmtiles", "water")])
    assert water.contains(sea) and not water.contains(land)
    assert water.contains(island) == turned


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_the_style_draws_what_the_tiles_hold(tiles: Path, kind: Any) -> None:
    made = style(kind, tiles_url="https://city.example/tiles", languages=["ko"])
    json.dumps(made)
    names = [item["id"] for item in made["layers"]]
    assert len(set(names)) == len(names) and made["version"] == 8
    sources = {item["source-layer"] for item in made["layers"] if "source-layer" in item}
    assert sources <= set(LAYERS)
    filled = {name for name in LAYERS if layer(tiles, name)}
    assert filled == set(LAYERS) and sources == filled, "what is in the tiles is drawn, and nothing that is not"
    kinds = {values["kind"] for values, _ in layer(tiles, "road")}
    drawn = {item["filter"][2] for item in made["layers"] if item.get("filter", [""])[:2] == ["==", ["get", "kind"]]}
    assert kinds <= drawn
    colours = [value for item in made["layers"] for key, value in item["paint"].items() if key.endswith("-color")]
    assert all(isinstance(value, str) or value[0] == "match" for value in colours)


def test_labels_are_in_the_readers_language_where_they_have_one() -> None:
    for languages, first in ((["ko"], ["get", "name:ko"]), ([], ["get", "name"])):
        labels = [
            item for item in style("light", tiles_url="t", languages=languages)["layers"] if item["type"] == "symbol"
        ]
        assert labels
        for item in labels:
            fields = item["layout"]["text-field"]
            assert fields[:2] == ["coalesce", first] and ["get", "name"] in fields
