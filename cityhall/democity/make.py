"""Making the demo city's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from cityhall.democity import recycling, townhall
from cityhall.democity.buildings import houses, use_of
from cityhall.democity.names import CITY, words
from cityhall.democity.places import named_places
from cityhall.democity.streets import QUARTERS, Town, make_town, quarter_of
from cityhall.democity.strokes import name_streets
from cityhall.democity.terrain import CENTER, HALF, Terrain, make_terrain, to_degrees
from cityhall.democity.transit import make_transit
from cityhall.democity.write_gtfs import write_gtfs
from cityhall.democity.write_osm import Drawing, draw_streets, draw_walks, draw_water

TIMEZONE = "Atlantic/Azores"
CITY_TOML = """\
# The demo city. It was made by this program; no such place is on any map.
name = "{name}"
slug = "demo"
timezone = "{timezone}"
languages = ["en", "es", "pt", "ko"]
currency = "EUR"
services = ["transit", "reports", "safety", "house", "recycling", "map", "treasury"]

[map]
center = [{lon:.5f}, {lat:.5f}]
bounds = [{west:.5f}, {south:.5f}, {east:.5f}, {north:.5f}]
zoom = 13.2
attribution = "{name}, a made-up city"

[data]
gtfs = ["gtfs.zip"]
osm = "city.osm.pbf"
zones = "zones.geojson"

[contact]
phone = "+351 292 000 000"
email = "city@example.org"
address = "1 Square of the Town Hall"
hours = "8:00 - 16:00"

[emergency]
all = "112"

[service.reports]
per_hour = 300     # on a machine with one address for itself everybody in the demo comes from there

[service.house]
file = "house.toml"     # the rooms and wares of the town hall

# Of no bank that there is: what comes there the simulator transfers, and payouts of points stay off.
[service.payments]
iban = "PT50999900000000000000182"
account_name = "{name}"

[service.payments.direct_debit]
creditor = "PT54ZZZ999999"

[service.recycling]
file = "recycling.toml"     # materials, tariffs, windows, shops and drop-off points
cents_per_100_points = 50
fee = {{amount = 600, months = 3, due_days = 7}}   # soon: some are collected by direct debit

[service.safety]
servers = ["127.0.0.1"]     # the demo's cameras are drawn by the simulator, on this machine

# Receivers by TCP (NMEA 0183, UBX) and their corrections (NTRIP); of this machine only.
[service.vehicles.doors]
host = "127.0.0.1"
receiver_port = 10110
ntrip_port = 2101
"""


@dataclass(frozen=True, slots=True)
class DemoCity:
    """Where the files are."""

    osm: Path
    gtfs: Path
    zones: Path
    toml: Path


def _quiet(what: str, share: float) -> None:
    pass


def make(folder: Path, seed: int = 4, progress: Callable[[str, float], None] = _quiet) -> DemoCity:
    """Writes the city made from `seed` to `folder`: streets, timetable, zones, `city.toml`; the same bytes always."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made = DemoCity(folder / "city.osm.pbf", folder / "gtfs.zip", folder / "zones.geojson", folder / "city.toml")
    progress("coast and river", 0.05)
    terrain = make_terrain(rng)
    progress("streets", 0.15)
    town = make_town(terrain, rng)
    name_streets(town, words(rng))
    _draw(town, terrain, rng, made.osm, progress)
    progress("timetable", 0.85)
    write_gtfs(make_transit(town), made.gtfs, TIMEZONE)
    made.zones.write_text(json.dumps(_zones(terrain)), encoding="utf-8")
    townhall.write(folder)
    recycling.write(folder)
    west_south, east_north = to_degrees(np.array([[-HALF, -3600.0], [HALF, HALF]]))
    made.toml.write_text(
        CITY_TOML.format(
            name=CITY,
            timezone=TIMEZONE,
            lon=CENTER[0],
            lat=CENTER[1] + 0.0015,
            west=west_south[0],
            south=west_south[1],
            east=east_north[0],
            north=east_north[1],
        ),
        encoding="utf-8",
    )
    progress("done", 1.0)
    return made


def _draw(
    town: Town, terrain: Terrain, rng: np.random.Generator, path: Path, progress: Callable[[str, float], None]
) -> None:
    drawing = Drawing()
    draw_streets(drawing, town)
    draw_water(drawing, terrain)
    draw_walks(drawing, town, terrain)
    for place, tags in named_places(town, terrain, words(rng), rng):
        drawing.point(place, tags)
    park = words(rng)
    for number, (block, quarter) in enumerate(town.blocks):
        if number % 200 == 0:
            progress("houses", 0.3 + 0.5 * number / len(town.blocks))
        use = use_of(quarter, block, rng)
        tags = dict(use.tags)
        if tags.get("leisure") == "park" and block.area > 9000:
            tags["name"] = f"{next(park)} Park"
        drawing.polygon(block.buffer(-4, join_style="mitre") if not use.built else block, tags)
        if use.built:
            for house in houses(block, quarter, rng):
                drawing.polygon(house, {"building": "yes"})
    drawing.write(path)


def _zones(terrain: Terrain) -> dict[str, object]:
    """The quarters as districts that share out the land."""
    step = 115.0
    axis = np.arange(-HALF, HALF + step, step)
    x, y = np.meshgrid(axis, axis)
    cells = np.column_stack([x.ravel(), y.ravel()])
    number = quarter_of(cells)
    features = []
    for place, quarter in enumerate(QUARTERS):
        boxes = shapely.box(
            cells[number == place, 0] - step / 2,
            cells[number == place, 1] - step / 2,
            cells[number == place, 0] + step / 2,
            cells[number == place, 1] + step / 2,
        )
        area = shapely.union_all(boxes).intersection(terrain.land).simplify(1.0)
        degrees = shapely.transform(area, to_degrees)
        features.append(
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(degrees)),
                "properties": {
                    "id": quarter.name.lower().replace(" ", "-"),
                    "name": quarter.name,
                    "population": round(area.area / 1e6 * {"old": 11_000, "grid": 8_500}.get(quarter.kind, 2_600), -2),
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}
