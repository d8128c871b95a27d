"""A hostile feed among those that are polled keeps neither itself nor the others from being read."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from cityhall.kernel.devices import drops
from cityhall.services.transit import checks
from cityhall.services.transit.doors import vehicle_positions as door
from tests.kernel.vehicles.conftest import Taken, running, wait_for
from tests.services.transit.doors.test_vehicle_positions import Other, city_of_2019, made, other

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack]
__all__ = ["city_of_2019", "other"]
PLACE = {"lon": -51.22, "lat": -30.03}


def bytes_for_text() -> bytes:
    """Texts that are no UTF-8, which protobuf hands over as bytes."""
    feed = gtfs_realtime_pb2.FeedMessage.FromString(
        made({"id": "bad", "trip": "tttt", **PLACE, "at": int(time.time())})
    )
    trip = feed.entity[0].vehicle.trip
    trip.start_date, trip.start_time, trip.route_id = "dddd", "ssss", "rrrr"
    body = feed.SerializeToString()
    for text in (b"tttt", b"dddd", b"ssss", b"rrrr"):
        body = body.replace(text, b"\xff\xfe\xff\xfe")
    return body


@pytest.fixture
def two(other: Other, configure: Callable[..., None]) -> Other:
    """Two systems: one that sends what is bad, one that is well."""
    well = Other()
    well.answers = [(200, {}, made({"id": "7", **PLACE, "at": int(time.time())}))]
    feeds = [
        {"name": name, "url": one.url, "every_s": 1, "prefix": f"{name}:"}
        for name, one in (("bad", other), ("well", well))
    ]
    configure(vehicle_positions=feeds)
    other.well = well  # type: ignore[attr-defined]
    return other


def test_what_is_no_text_is_read_as_far_as_it_can_be(city_of_2019: Path, two: Other, taken: Taken) -> None:
    two.answers = [(200, {}, bytes_for_text())]
    with running(door.run):
        assert {fix.vehicle for fix in taken(2)} == {"bad:bad", "well:7"}


def test_one_that_cannot_be_judged_is_used_all_the_same(
    city_of_2019: Path, two: Other, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: Any, feed: Any, now: float) -> Any:
        raise KeyError("judge")

    monkeypatch.setattr(door.Judge, "look", look)
    two.answers = [(200, {}, made({"id": "8", **PLACE, "at": int(time.time())}))]
    with running(door.run):
        assert {fix.vehicle for fix in taken(2)} == {"bad:8", "well:7"}


def test_one_that_always_stumbles_is_told_of_and_the_other_goes_on(
    city_of_2019: Path, two: Other, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = door._parsed

    def stumble(body: bytes) -> Any:
        if body == b"bad":
            raise LookupError("nobody thought of this")
        return parsed(body)

    monkeypatch.setattr(door, "_parsed", stumble)
    two.answers = [(200, {}, b"bad")]
    with running(door.run):
        wait_for(lambda: len(two.asked) > 3)
        assert {fix.vehicle for fix in taken(1)} == {"well:7"}
    drops.flush()
    said = [what for level, what, _mend in checks.check() if level == "warning"]
    assert any("gtfs-rt:bad could not be read" in what for what in said), said
