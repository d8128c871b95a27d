"""A small made-up town: streets in a grid, two lines and a shuttle. It has all of a city, and little of each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from cityhall.democity.terrain import to_degrees
from cityhall.democity.transit import ALWAYS, LinePlan, Stop, Transit, Variant
from cityhall.democity.write_gtfs import write_gtfs
from cityhall.democity.write_osm import Drawing

SLUG = "littleton"
COLUMNS, ROWS, APART = 10, 7, 220.0
TOML = """\
# A made-up town, kept to see that later versions open what earlier ones made.
name = "Littleton"
slug = "littleton"
timezone = "Atlantic/Azores"
languages = ["en", "es", "pt", "ko"]
currency = "EUR"
services = ["transit", "reports", "map"]

[map]
center = [{lon:.5f}, {lat:.5f}]
bounds = [{west:.5f}, {south:.5f}, {east:.5f}, {north:.5f}]
zoom = 14.0
attribution = "Littleton, a made-up town"

[data]
gtfs = ["gtfs.zip"]
osm = "city.osm.pbf"
zones = "zones.geojson"

[service.reports]
per_hour = 300

[service.transit.doors]
host = "127.0.0.1"
receiver_port = {port}
"""
Crossing = tuple[int, int]


def crossing(column: int, row: int) -> np.ndarray:
    """Where two streets meet, metres from the middle."""
    return np.array([(column - (COLUMNS - 1) / 2) * APART, (row - (ROWS - 1) / 2) * APART])


def place(column: int, row: int) -> tuple[float, float]:
    """The same as longitude and latitude."""
    lon, lat = to_degrees(crossing(column, row)[None])[0].round(6).tolist()
    return lon, lat


def make_town(folder: Path, receiver_port: int) -> None:
    """Writes the town's files to `folder`, which must be there."""
    _streets(folder / "city.osm.pbf")
    write_gtfs(_transit(), folder / "gtfs.zip", "Atlantic/Azores")
    (folder / "zones.geojson").write_text(json.dumps(_zones()))
    (lon, lat), (west, south), (east, north) = to_degrees(
        np.array([[0.0, 0.0], crossing(0, 0) - APART, crossing(COLUMNS - 1, ROWS - 1) + APART])
    ).tolist()
    text = TOML.format(lon=lon, lat=lat, west=west, south=south, east=east, north=north, port=receiver_port)
    (folder / "city.toml").write_text(text)


def _streets(path: Path) -> None:
    drawing = Drawing()
    cells = [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
    node = dict(zip(cells, drawing.nodes(np.array([crossing(*cell) for cell in cells])), strict=True))
    for row in range(ROWS):
        refs = [node[column, row] for column in range(COLUMNS)]
        drawing.way(refs, {"highway": "residential", "name": f"Garden Street {row + 1}"})
    for column in range(COLUMNS):
        refs = [node[column, row] for row in range(ROWS)]
        drawing.way(refs, {"highway": "tertiary", "name": f"Harbour Road {column + 1}"})
    drawing.point(crossing(2, 2) + 60, {"amenity": "school", "name": "Oak School"})
    drawing.point(crossing(6, 4) + 60, {"amenity": "library", "name": "Town Library"})
    drawing.write(path)


def _transit() -> Transit:
    transit = Transit()
    lines = (
        LinePlan("1", "Garden Street", "0B5CAD", (), (15, 15, 20, 30), ALWAYS),
        LinePlan("T2", "Tram: Harbour Road", "C2352B", (), (15, 15, 20, 30), ALWAYS, type=0),
        LinePlan("CAT", "Free shuttle", "F2B705", (), (8, 8, 8, 8), ALWAYS, free=True, loop=True),
    )
    ways: tuple[list[Crossing], ...] = (
        [(column, 3) for column in range(COLUMNS)],
        [(4, row) for row in range(ROWS)],
        [(3, 2), (4, 2), (5, 2), (5, 3), (5, 4), (4, 4), (3, 4), (3, 3), (3, 2)],
    )
    for line, way in zip(lines, ways, strict=True):
        for direction, cells in enumerate([way] if line.loop else [way, way[::-1]]):
            stops = [_stop(transit, cell) for cell in cells[::2]]
            along = [2 * APART * number for number in range(len(stops))]
            shape = np.array([crossing(*cell) for cell in cells])
            if len(cells) % 2 == 0:
                stops, along = [*stops, _stop(transit, cells[-1])], [*along, APART * (len(cells) - 1)]
            transit.variants.append(Variant(line, direction, shape, stops, along))
    middle = transit.stops["s43"]
    transit.stations["P1"] = Stop("P1", "Garden Street Station", middle.place, 0)
    middle.parent = "P1"
    return transit


def _stop(transit: Transit, cell: Crossing) -> Stop:
    column, row = cell
    name = f"Garden Street {row + 1} / Harbour Road {column + 1}"
    return transit.stops.setdefault(f"s{column}{row}", Stop(f"s{column}{row}", name, crossing(*cell) + 4, 0))


def _zones() -> dict[str, object]:
    features = []
    for name, columns in (("West Side", (0, 5)), ("East Side", (5, COLUMNS))):
        corners = [(columns[0], 0), (columns[1], 0), (columns[1], ROWS), (columns[0], ROWS), (columns[0], 0)]
        ring = to_degrees(np.array([crossing(*cell) - APART / 2 for cell in corners])).round(6).tolist()
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {"id": name.lower().replace(" ", "-"), "name": name, "population": 4000},
            }
        )
    return {"type": "FeatureCollection", "features": features}
