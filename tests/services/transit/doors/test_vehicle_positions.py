"""Another system's GTFS-Realtime, from a real HTTP server."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from cityhall.services.transit.doors import vehicle_positions as door
from cityhall.services.transit.doors.options import Source, sources
from tests.services.transit.doors.conftest import Counted, Taken, running, wait_for

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
    assert counted.found == {("gtfs-rt:other", "malformed"): 1, ("gtfs-rt:other", "stale"): 1}
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
