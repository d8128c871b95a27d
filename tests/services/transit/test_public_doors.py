"""A school bus and an ordinary bus say where they are by a public door: who looks or listens finds the one only."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow.parquet as pq
import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from google.transit import gtfs_realtime_pb2 as rt

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.devices.registry import register
from cityhall.kernel.live import CHANNEL, hub
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking import runner
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.services.transit import actions, days
from cityhall.services.transit.arrivals.predict import Rounds
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.realtime import archive, feeds, history
from cityhall.simulator.signing import Signer
from tests.feeds import tables, write_feed

SCHOOL, ORDINARY = "special-3", "ordinary-7"
LON = {SCHOOL: -51.2249, ORDINARY: -51.2151}
SIGNS = (SCHOOL, "51.2249")
"""What only the school bus has: its name, and its longitude."""
Say = Callable[[], None]


@pytest.fixture
def say(db: None) -> Say:
    """Sends a signed envelope with where both buses are now."""
    # A device is remembered for some seconds by its id, with its key: no two tests have one of the same name.
    name = f"depot-{uuid4().hex[:8]}"
    device, key = register(system("test"), kind="gateway", owner="transit", label="Depot", public_id=name)
    signer = Signer(device.public_id, key)
    Vehicle.objects.update_or_create(public_id=SCHOOL, defaults={"kind": "school"})

    def send() -> None:
        now = time.time()
        fixes = [
            {"kind": "position", "vehicle": name, "at": now, "lon": lon, "lat": -30.03, "trip": "out4", "speed": 8.0}
            for name, lon in LON.items()
        ]
        answer = Client().post("/api/devices/messages", signer.envelope(fixes), content_type="application/json")
        assert answer.json() == {"accepted": 2, "dropped": {}}

    return send


@pytest.fixture
def both(folder: Path, settings: Any, say: Say) -> Iterator[date]:
    """A city in which both are on the road, on a day whose history is written too."""
    settings.MEDIA_ROOT = folder
    history._kept.clear()
    history._made.clear()
    day = days.today()
    texts = tables()
    around = f"{day - timedelta(days=30):%Y%m%d},{day + timedelta(days=30):%Y%m%d}"
    texts["calendar.txt"] = texts["calendar.txt"].replace("20190401,20190630", around)
    write_feed(folder / "gtfs.zip", texts)
    actions.load(lambda what, share: None)
    feeds.forget()
    say()
    assert Tracking().tick() == 2
    # Whatever hour the suite runs at, the trip is under way.
    VehicleState.objects.update(trip="out4", service_day=day, route="R1", line="1", direction=0, next_sequence=1)
    Rounds().step(datetime.now(UTC))
    archive.write("positions", day)
    yield day
    history._kept.clear()
    history._made.clear()


def text_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200, answer
    return body.decode("utf-8", "replace")


def get(path: str) -> Callable[[date], str]:
    return lambda _day: text_of(Client().get(path))


def parquet(day: date) -> str:
    answer = Client().get(f"/transit/history/positions-{day}.parquet")
    return str(pq.read_table(io.BytesIO(b"".join(answer.streaming_content))).to_pylist())  # type: ignore[attr-defined]


def feed(name: str) -> Callable[[date], str]:
    return lambda _day: str(rt.FeedMessage.FromString(Client().get(f"/transit/gtfs-rt/{name}.pb").content))


def replay(_day: date) -> str:
    start = datetime.now(UTC) - timedelta(minutes=5)
    return text_of(Client().get("/map/replay/transit/vehicles/", {"start": start.isoformat(), "minutes": "10"}))


DOORS: dict[str, Callable[[date], str]] = {
    "layer": get("/map/layers/transit/vehicles.geojson"),
    "layer in a box": get("/map/layers/transit/vehicles.geojson?bbox=-52,-31,-51,-30"),
    "tile": get("/map/tiles/transit/vehicles/0/0/0.mvt"),
    "table": get("/map/table/transit/vehicles/"),
    "csv": get("/map/data/transit/vehicles.csv"),
    "geojson": get("/map/data/transit/vehicles.geojson"),
    "ogc": get("/map/ogc/collections/transit-vehicles/items?f=json"),
    "replay": replay,
    "positions": feed("vehicle-positions"),
    "trips": feed("trip-updates"),
    "positions as JSON": get("/transit/gtfs-rt/vehicle-positions.json"),
    "trips as JSON": get("/transit/gtfs-rt/trip-updates.json"),
    "history": parquet,
    "buses": get("/transit/buses/"),
    "API": get("/api/transit/vehicles"),
    "API of a line": get("/api/transit/lines/R1/vehicles"),
}


@pytest.mark.parametrize("door", DOORS)
def test_by_no_door_is_a_school_bus_found(door: str, both: date) -> None:
    told = DOORS[door](both)
    assert ORDINARY in told or "51.2151" in told, "a door that shows nothing would prove nothing"
    assert not any(sign in told for sign in SIGNS)


def test_the_stops_know_the_ordinary_bus_only(both: date, client: Client) -> None:
    """Arrivals name no vehicle: what is expected of the ordinary bus goes with it, and of the other nothing came."""
    Vehicle.objects.filter(public_id=ORDINARY).update(kind="school")
    feeds.forget()
    Rounds().step(datetime.now(UTC))
    assert not rt.FeedMessage.FromString(client.get("/transit/gtfs-rt/trip-updates.pb").content).entity
    assert not rt.FeedMessage.FromString(client.get("/transit/gtfs-rt/vehicle-positions.pb").content).entity


def test_the_fleet_room_sees_both(both: date, client: Client) -> None:
    person = Person.objects.create_user("dispatcher@example.org", "secret-enough-1")
    grant(system("test"), person, "transit.dispatcher")
    client.force_login(person)
    told = text_of(client.get("/transit/control/vehicles.geojson", follow=True))
    assert SCHOOL in told and ORDINARY in told


@pytest.mark.django_db(transaction=True)
def test_the_tracker_says_nothing_of_a_school_bus_to_anybody_who_listens(say: Say) -> None:
    """Not on the public topic, and on no other: every notification of the city's database is heard."""
    stop, heard, tapped = threading.Event(), [], []
    running = threading.Thread(target=_track, args=(stop,))
    running.start()
    try:
        asyncio.run(_listen(say, heard, tapped))
    finally:
        stop.set()
        running.join(20)
    assert not running.is_alive()
    assert VehicleState.objects.filter(vehicle__public_id=SCHOOL).exists(), "the tracker follows it all the same"
    assert any(ORDINARY in one for one in heard) and any(ORDINARY in one for one in tapped)
    for one in (*heard, *tapped):
        assert not any(sign in one for sign in SIGNS), one


def _track(stop: threading.Event) -> None:
    runner.run(stop)
    connections.close_all()


async def _listen(say: Say, heard: list[str], tapped: list[str]) -> None:
    """Hears /live/vehicles, and beneath it all that is notified, while both buses send for some seconds."""
    url = psycopg_url(django_settings.DATABASES["default"])
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as tap, hub().reader("vehicles") as topic:
        await tap.execute(f"LISTEN {CHANNEL}")
        until = time.monotonic() + 20
        while time.monotonic() < until and not (len(heard) >= 2 and len(tapped) >= 2):
            await asyncio.to_thread(say)
            async for notice in tap.notifies(timeout=1.2):
                tapped.append(notice.payload)
            while not topic.empty():
                heard.append(topic.get_nowait().data)
