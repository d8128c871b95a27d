"""What the city has a name for: squares, schools, clinics, museums, the port."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from shapely import Point

from cityhall.democity.names import CITY, CITY_NAMES
from cityhall.democity.streets import QUARTERS, Town
from cityhall.democity.terrain import Points, Terrain

Tags = dict[str, str]
ONE_EACH: tuple[tuple[str, str, Tags], ...] = (
    ("Old Town", "{city} City Hall", {"amenity": "townhall"}),
    ("Old Town", "Museum of the Sea", {"tourism": "museum"}),
    ("Market", "Central Market", {"amenity": "marketplace"}),
    ("Market", "Central Library", {"amenity": "library"}),
    ("Market", "Grand Theatre", {"amenity": "theatre"}),
    ("Harbour Side", "Ferry Pier", {"amenity": "ferry_terminal"}),
    ("Harbour Side", "Aquarium", {"tourism": "attraction"}),
    ("Port", "Container Terminal", {"landuse": "industrial", "industrial": "port"}),
    ("University", "University of {city}", {"amenity": "university"}),
    ("Riverside", "General Hospital", {"amenity": "hospital"}),
    ("North Gate", "North Station", {"railway": "station"}),
    ("East Hill", "Stadium", {"leisure": "stadium"}),
    ("West Hill", "Observatory", {"tourism": "viewpoint"}),
)
EVERYWHERE: tuple[tuple[str, Tags], ...] = (
    ("{word} School", {"amenity": "school"}),
    ("{word} Clinic", {"amenity": "clinic"}),
    ("{word} Pharmacy", {"amenity": "pharmacy"}),
    ("Café {word}", {"amenity": "cafe"}),
    ("{quarter} Library", {"amenity": "library"}),
    ("{quarter} Police", {"amenity": "police"}),
    ("{quarter} Recycling Point", {"amenity": "recycling"}),
    ("{quarter} Fab Lab", {"amenity": "community_centre"}),
    ("{quarter} Car Park", {"amenity": "parking"}),
    ("{word} Kindergarten", {"amenity": "kindergarten"}),
)


def named_places(
    town: Town, terrain: Terrain, words: Iterator[str], rng: np.random.Generator
) -> list[tuple[Points, Tags]]:
    """(one point, tags) of every place with a name."""
    centers = {quarter.name: np.array(quarter.center) for quarter in QUARTERS}
    made: list[tuple[Points, Tags]] = [(centers["Market"], {"place": "city", **CITY_NAMES})]
    for quarter in QUARTERS:
        made.append((np.array(quarter.center), {"place": "suburb", "name": quarter.name}))
    for where, name, tags in ONE_EACH:
        made.append((_dry(terrain, centers[where], 260, rng), {"name": name.format(city=CITY), **tags}))
    for quarter in QUARTERS:
        for name, tags in EVERYWHERE:
            place = _dry(terrain, np.array(quarter.center), quarter.reach * 0.7, rng)
            made.append((place, {"name": name.format(word=next(words), quarter=quarter.name), **tags}))
    return made


def _dry(terrain: Terrain, center: Points, reach: float, rng: np.random.Generator) -> Points:
    """A place on dry land around a centre."""
    while True:
        angle, away = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
        place = center + away * np.array([np.cos(angle), np.sin(angle)])
        if terrain.dry.buffer(-40).contains(Point(place)) and np.abs(place).max() < 4300:
            return np.asarray(place)
