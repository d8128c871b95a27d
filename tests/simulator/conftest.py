"""The demo city's timetable, without its map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cityhall.democity.names import words
from cityhall.democity.streets import make_town
from cityhall.democity.strokes import name_streets
from cityhall.democity.terrain import make_terrain
from cityhall.democity.transit import make_transit
from cityhall.democity.write_gtfs import write_gtfs
from cityhall.engines.gtfs import Schedule, read_feeds


@pytest.fixture(scope="session")
def schedule(tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    rng = np.random.default_rng(4)
    terrain = make_terrain(rng)
    town = make_town(terrain, rng)
    name_streets(town, words(rng))
    path: Path = tmp_path_factory.mktemp("feed") / "gtfs.zip"
    write_gtfs(make_transit(town), path, "Atlantic/Azores")
    return read_feeds([path])[0]
