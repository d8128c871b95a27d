"""Another system's GTFS-Realtime, from a real HTTP server."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.devices import drops
from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.people.models import Person
from cityhall.services.transit import actions, checks
from cityhall.services.transit.doors import judging
from cityhall.services.transit.doors import vehicle_positions as door
from cityhall.services.transit.doors.options import Source, sources
from tests.kernel.vehicles.conftest import Counted, Taken, running, wait_for

NOW = int(time.time())
SOURCE = Source("other", "http://x/", prefix="other:")


def made(*vehicles: dict[str, Any], at: int | None = None) -> bytes:
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = int(time.time()) if at is None else at
    for number, fields in enumerate(vehicles):
        entity = feed.entity.add()
        entity.id = str(number)
        entity.vehicle.vehicle.id = fields.get("id", "")
        entity.vehicle.timestamp = fields.get("at", 0)
        if "lon" in fields:
            entity.vehicle.position.longitude, entity.vehicle.position.latitude = fields["lon"], fields["lat"]
        if "speed" in fields:
            entity.vehicle.position.speed = fields["speed"]
        entity.vehicle.trip.trip_id = fields.get("trip", "")
    return feed.SerializeToString()


class Other:
    """The other system. `answers` are given in turn, the last one for ever; `asked` are the requests' headers."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[dict[str, str]] = []
        other = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                other.asked.append(dict(self.headers))
                status, headers, body = other.answers.pop(0) if len(other.answers) > 1 else other.answers[0]
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/positions.pb"


@pytest.fixture
def other(
    configure: Callable[..., None], settings: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> Iterator[Other]:
    found = Other()
    configure(vehicle_positions=[{"name": "other", "url": found.url, "every_s": 1, "prefix": "other:"}])
    settings.SECRETS = {**settings.SECRETS, "vehicle_positions": {"other": {"X-Api-Key": "k"}}}
    wait = door.Poll.wait
    monkeypatch.setattr(door.Poll, "wait", lambda self, asked=0.0: min(0.05, wait(self, asked)))
    yield found
    found.server.shutdown()


def test_positions_are_asked_for_and_each_is_taken_once(other: Other, taken: Taken, counted: Counted) -> None:
    now = int(time.time())
    bus = {"id": "7", "lon": 126.5, "lat": 33.5, "at": now - 3, "trip": "T1", "speed": 7.5}
    other.answers = [
        (503, {"Retry-After": "1"}, b""),
        (200, {}, b"<html>not a feed"),
        (200, {}, made(bus, {"id": "8"}, {"id": "9", "lon": 1, "lat": 1, "at": now - 3600})),
        (200, {"ETag": '"a"'}, made(bus, {"lon": 2, "lat": 2})),
    ]
    with running(door.run):
        first, second = taken(2)
        wait_for(lambda: len(other.asked) > 6)
    assert (first.vehicle, first.device, first.at, first.trip, first.speed) == (
        "other:7",
        "gtfs-rt:other",
        now - 3,
        "T1",
        7.5,
    )
    assert (first.lon, first.lat) == pytest.approx((126.5, 33.5)) and math.isnan(first.bearing)
    # Without an id of its own a vehicle has its entity's, without a time the feed's.
    assert second.vehicle == "other:1" and abs(second.at - now) < 10
    assert len(taken.fixes) == 2
    counts = {"malformed": 1, "stale": 1, "unread": 2}
    assert counted.found == {("gtfs-rt:other", reason): number for reason, number in counts.items()}
    assert other.asked[0]["X-Api-Key"] == "k" and other.asked[-1]["If-None-Match"] == '"a"'


def test_a_feed_that_is_too_large_is_not_read_on(other: Other, taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LARGEST", 1000)
    now = int(time.time())
    other.answers = [(200, {}, b"x" * 100_000), (200, {}, made({"id": "7", "lon": 1, "lat": 1, "at": now}))]
    with running(door.run):
        assert [fix.vehicle for fix in taken(1)] == ["other:7"]


def test_after_failures_it_waits_longer() -> None:
    poll = door.Poll(SOURCE)
    assert poll.wait() == 10
    waits = []
    for poll.failures in (1, 2, 3, 20):
        waits.append(poll.wait())
    assert 16 <= waits[0] <= 24 and 32 <= waits[1] <= 48 and 240 <= waits[3] <= 360
    poll.failures = 1
    assert poll.wait(asked=100) >= 80


@given(body=st.binary(max_size=500))
def test_garbage_is_refused_or_empty(body: bytes) -> None:
    with contextlib.suppress(door.FeedProblem):
        fixes, _malformed = door.read_feed(body, SOURCE, NOW)
        assert all(fix.vehicle for fix in fixes)


@given(place=st.integers(0, 400), byte=st.integers(0, 255), cut=st.integers(0, 60))
def test_a_feed_with_a_wrong_byte_crashes_nothing(place: int, byte: int, cut: int) -> None:
    body = bytearray(made(*[{"id": "7", "lon": 126.5, "lat": 33.5, "at": NOW, "trip": "T", "speed": 3}] * 4, at=NOW))
    body[place % len(body)] = byte
    poll, batch = door.Poll(SOURCE), door.Batch()
    with contextlib.suppress(door.FeedProblem):
        poll.take(bytes(body[: len(body) - cut]), NOW, batch)
        assert all(math.isfinite(fix.at) and abs(fix.lat) <= 90 for fix in batch.fixes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "x", "url": "ftp://x/"},
        {"name": "x", "url": "https://x/", "every_s": 0},
        {"name": "x", "url": "https://x/", "evry": 5},
        {"name": "", "url": "https://x/"},
    ],
)
def test_what_city_toml_may_not_say(configure: Callable[..., None], wrong: dict[str, Any]) -> None:
    configure(vehicle_positions=[wrong])
    with pytest.raises(ValueError, match="vehicle"):
        sources()


def numbers(fixes: list[Any]) -> set[str]:
    return {fix.vehicle for fix in fixes}


@pytest.fixture
def city_of_2019(folder: Path, settings: Any, configure: Callable[..., None]) -> Path:
    """A city with the small feed in service, which polls another system's feed."""
    actions.load(lambda what, share: None)
    return folder


def test_a_feed_with_errors_is_used_where_it_can_be_and_officers_see_which_rules_it_breaks(
    transactional_db: None, city_of_2019: Path, other: Other, taken: Taken, client: Client
) -> None:
    now = int(time.time())
    place = {"lon": -51.22, "lat": -30.03, "at": now - 2}
    other.answers = [
        (
            200,
            {},
            made(
                {"id": "good", "trip": "out4", **place},
                {"id": "unknown trip", "trip": "nowhere", **place},
                {"id": "backwards", "speed": -1, **place},
                {"id": "kilometres", "speed": 72, **place},
                {"id": "old", **place, "at": now - 80},
                {"id": "too old", **place, "at": now - 100},
                {"id": "nowhere", **place, "lon": 0, "lat": 0},
                {"id": "good", "trip": "out4", **place, "at": now - 3},
            ),
        )
    ]
    with running(door.run):
        fixes = taken(6)
        wait_for(lambda: drops._pending)
    assert numbers(fixes) == {f"other:{name}" for name in ("good", "unknown trip", "backwards", "kilometres", "old")}
    assert all(math.isnan(fix.speed) for fix in fixes if fix.vehicle in ("other:backwards", "other:kilometres"))
    drops.flush()
    kept = dict(DropCount.objects.filter(device="gtfs-rt:other").values_list("reason", "count"))
    # By hand: the trip there is none of, the vehicle that is there twice, the two speeds, the place in the sea.
    assert {kept[rule] for rule in ("E003", "E052", "E026")} == {1} and kept["W004"] == 2
    assert kept["stale"] == 1, "and what was thrown away is counted as before"
    person = Person.objects.create_user("depot@example.org", "secret-enough-1", is_staff=True, is_superuser=True)
    client.force_login(person)
    page = client.get("/transit/receivers/").content.decode()
    dropped, broken = page.split('id="broken"')
    assert "E003" in broken and "W004" in broken and "E003" not in dropped and "stale" in dropped
    said = [what for level, what, _mend in checks.check() if level == "warning" and "E003 (1)" in what]
    assert said and "gtfs-rt:other" in said[0]


def test_a_feed_without_errors_is_not_blamed(
    transactional_db: None, city_of_2019: Path, other: Other, taken: Taken, client: Client
) -> None:
    feed = gtfs_realtime_pb2.FeedMessage.FromString(
        made({"id": "7", "lon": -51.22, "lat": -30.03, "at": int(time.time()) - 2, "trip": "out4"})
    )
    feed.header.incrementality = gtfs_realtime_pb2.FeedHeader.FULL_DATASET
    feed.entity[0].vehicle.trip.schedule_relationship = gtfs_realtime_pb2.TripDescriptor.SCHEDULED
    other.answers = [(200, {}, feed.SerializeToString())]
    with running(door.run):
        taken(1)
        wait_for(lambda: len(other.asked) > 3)
    drops.flush()
    assert not DropCount.objects.exists()
    assert not any("broke rules" in what for _level, what, _mend in checks.check())


def test_judging_costs_little_however_large_a_feed_is(city_of_2019: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many entities at a time, once a minute; in the end all of them."""
    monkeypatch.setattr(judging, "MOST", 3)
    now = time.time()
    vehicles = [{"id": f"{n}", "trip": "nowhere", "lon": -51.22, "lat": -30.03, "at": int(now)} for n in range(8)]
    feed = gtfs_realtime_pb2.FeedMessage.FromString(made(*vehicles))
    judge = judging.Judge()
    found = [judge.look(feed, now + second)["E003"] for second in (0, 1, 59, 61, 122, 183)]
    assert found == [3, 0, 0, 3, 2, 3]
