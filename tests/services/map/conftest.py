"""A city with stops, lines, vehicles and districts on its map."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cityhall.kernel.places.models import Zone
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.map import reading
from cityhall.services.transit import actions
from cityhall.services.transit.models import VehicleState
from tests.feeds import write_feed


@pytest.fixture(autouse=True)
def _nothing_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What one test's layers were is not what the next one's are; and no machine is too slow to be waited for."""
    monkeypatch.setattr(reading, "SLOW_S", 60.0)
    reading.forget()
    yield
    reading.forget()


@pytest.fixture
def city(settings: Any, tmp_path: Path, db: None) -> Path:
    """The small feed of 2019 in service."""
    settings.CITY_FOLDER = tmp_path
    settings.DERIVED = tmp_path / "derived"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.CITY = dataclasses.replace(settings.CITY, gtfs=("gtfs.zip",), osm="")
    write_feed(tmp_path / "gtfs.zip")
    actions.load(lambda what, share: None)
    return tmp_path


@pytest.fixture
def fleet(city: Path) -> list[VehicleState]:
    """Forty buses on a line to the north-east, and a school bus that nobody may see."""
    now = timezone.now()
    made = []
    for number in range(41):
        vehicle = Vehicle.objects.create(public_id=f"bus-{number}", kind="school" if number == 40 else "bus")
        place = Point(-51.25 + number / 500, -30.05 + number / 500)
        status = VehicleState.Status.ON_ROUTE if number % 4 else VehicleState.Status.OFF_ROUTE
        made.append(
            VehicleState.objects.create(
                vehicle=vehicle,
                at=now,
                published_at=now,
                point=place,
                measured=place,
                accuracy_m=2,
                line=f"L{number % 3}",
            )
        )
        VehicleState.objects.filter(pk=vehicle.pk).update(status=status, delay_s=number * 10, memory={"driver": "Ana"})
    return made


@pytest.fixture
def districts(db: None) -> None:
    """Two halves of the city."""
    for slug, west, east in (("west", -51.3, -51.2), ("east", -51.2, -51.1)):
        ring = [[west, -30.1], [east, -30.1], [east, -29.95], [west, -29.95], [west, -30.1]]
        Zone.objects.create(
            slug=slug,
            name=slug.title(),
            population=1000,
            geometry={"type": "Polygon", "coordinates": [ring]},
            west=west,
            south=-30.1,
            east=east,
            north=-29.95,
        )


@pytest.fixture
def neighbour() -> Iterator[tuple[str, list[str]]]:
    """A server next door: (its address, what it was asked)."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            where, _, query = self.path.partition("?")
            if where == "/inner":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/secret")
                self.end_headers()
                return
            first = 2 if query else 0
            features = [
                {"type": "Feature", "geometry": {"type": "Point", "coordinates": [n, n]}, "properties": {"n": n}}
                for n in range(first, first + 2)
            ]
            links = [] if query else [{"rel": "next", "href": "/items?after=2"}]
            body = {"/plain": b"hello", "/items": json.dumps({"features": features, "links": links}).encode()}.get(
                where
            )
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}", asked
    server.shutdown()
    server.server_close()
