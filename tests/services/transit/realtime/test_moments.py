"""The simulated fleet, tracked and predicted at the moments at which a day is unlike others: the feeds hold.

No demo is started: the simulator's buses say where they are to the tracker itself, and the clock is set.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall.democity.names import words
from cityhall.democity.streets import make_town
from cityhall.democity.strokes import name_streets
from cityhall.democity.terrain import make_terrain
from cityhall.democity.transit import make_transit
from cityhall.democity.write_gtfs import write_gtfs
from cityhall.engines.gtfs_realtime import Reference, validate
from cityhall.kernel import clock
from cityhall.kernel.vehicles.fixes import from_message
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.services.transit import actions, timetables
from cityhall.services.transit.arrivals.predict import Rounds
from cityhall.services.transit.realtime import feeds
from cityhall.services.transit.realtime.snapshot import Snapshot
from cityhall.simulator.fleet import Fleet
from tests.services.transit.realtime.test_editions import clear, drivers, one_vehicle_a_trip

ZONE = ZoneInfo("Atlantic/Azores")
STEPS, STEP_S, ROUND_STEPS, LOOK_STEPS = 45, 3.0, 2, 5
MOMENTS = {
    "Friday evening": (datetime(2026, 11, 27, 17, 30), 30),
    "Sunday early": (datetime(2026, 11, 29, 6, 20), 3),
    "night": (datetime(2026, 11, 26, 3, 0), 0),
    "before midnight": (datetime(2026, 11, 25, 23, 59), 1),
    "the clock goes forward": (datetime(2027, 3, 27, 23, 59), 1),
    "the clock goes back": (datetime(2026, 10, 25, 0, 59), 0),
    "a holiday": (datetime(2026, 12, 25, 12, 0), 5),
}
"""By name: the city's time, and how many trips at least are under way."""


@pytest.fixture
def demo_timetable(folder: Path) -> Path:
    rng = np.random.default_rng(4)
    terrain = make_terrain(rng)
    town = make_town(terrain, rng)
    name_streets(town, words(rng))
    write_gtfs(make_transit(town), folder / "gtfs.zip", "Atlantic/Azores")
    return folder


def live(at: datetime, reference: Reference) -> int:
    """Two minutes of the city from a moment on; gives the most trips that were under way in an edition."""
    clear()
    began = at.timestamp()
    fleet, rounds, most = Fleet(timetables.service().schedule, began), Rounds(), 0
    Vehicle.objects.bulk_create(Vehicle(public_id=vehicle.id, kind=vehicle.kind) for vehicle in fleet.vehicles.values())
    before: dict[str, Any] = {}
    with clock.running_from(at):
        tracking = Tracking()
    for step in range(STEPS):
        now = began + step * STEP_S
        messages = fleet.step(now)
        with clock.running_from(datetime.fromtimestamp(now, UTC)):
            tracking.tick([from_message(one["vehicle"], "fleet", one) for one in messages], waiting=False)
            one_vehicle_a_trip()
            if step % ROUND_STEPS == 0:
                rounds.step(clock.now())
            if step % LOOK_STEPS == LOOK_STEPS - 1:
                snapshot = Snapshot.of(int(clock.time()))
                made = {name: make(snapshot) for name, make in feeds.FEEDS.items()}
                for name, feed in made.items():
                    found = validate(
                        feed, reference, clock.time(), before=before.get(name), beside=tuple(made.values())
                    )
                    assert found == [], (name, at)
                told = dict(drivers(made["trip-updates"], "trip_update"))
                seen = drivers(made["vehicle-positions"], "vehicle")
                assert all(told.get(trip, vehicle) == vehicle for trip, vehicle in seen), at
                most, before = max(most, len(seen)), made
    return most


@pytest.mark.slow
def test_the_feeds_are_valid_whatever_the_hour(demo_timetable: Path, settings: Any) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, timezone="Atlantic/Azores")
    with clock.running_from(datetime(2026, 11, 25, 12, tzinfo=UTC)):
        actions.load(lambda what, share: None)
    reference = Reference.of(timetables.service().schedule)
    under_way = {name: live(at.replace(tzinfo=ZONE), reference) for name, (at, _least) in MOMENTS.items()}
    for name, (_at, least) in MOMENTS.items():
        assert under_way[name] >= least, under_way
