"""What the demo city publishes of its simulated fleet is valid, edition after edition."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.transit import gtfs_realtime_pb2 as rt

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs_realtime import Reference, validate
from tests.e2e.conftest import Demo

FEEDS = ("vehicle-positions", "trip-updates", "alerts")


def read(demo: Demo) -> dict[str, Any]:
    """The three feeds of one edition: those that bear the same second."""
    while True:
        answers = {name: httpx.get(f"{demo.address}/transit/gtfs-rt/{name}.pb", timeout=30) for name in FEEDS}
        made = {name: rt.FeedMessage.FromString(answer.content) for name, answer in answers.items()}
        if len({feed.header.timestamp for feed in made.values()}) == 1:
            return made


@pytest.mark.slow
def test_a_simulated_city_publishes_valid_feeds(demo: Demo, tmp_path: Path) -> None:
    timetable = tmp_path / "gtfs.zip"
    timetable.write_bytes(httpx.get(f"{demo.address}/transit/gtfs.zip", timeout=30).content)
    reference = Reference.of(read_feeds([timetable])[0])
    before: dict[str, Any] = {}
    editions, deadline = 0, time.monotonic() + 120
    while editions < 5 and time.monotonic() < deadline:
        made = read(demo)
        for name, feed in made.items():
            found = validate(feed, reference, demo.time(), before=before.get(name), beside=(made["trip-updates"],))
            assert found == [], name
        on_trips = sum(bool(entity.vehicle.trip.trip_id) for entity in made["vehicle-positions"].entity)
        # Only what is busy counts.
        editions += on_trips >= 3 and len(made["trip-updates"].entity) >= 3
        before = made
        time.sleep(1.1)
    assert editions == 5, "too few buses are on their trips"
