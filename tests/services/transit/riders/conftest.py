"""A city at eight in the morning of a day in its timetable, and buses put where a test wants them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import actions, days
from cityhall.services.transit.models import TripPrediction, VehicleState
from tests.feeds import write_feed

DAY = date(2019, 5, 15)
PLACES = {"harbour": (-51.23, -30.03), "square": (-51.215, -30.03), "hill": (-51.15, -30.03)}
# Harbour, square, hill: six minutes from stop to stop, every half hour from 06:00 (see tests/feeds.py).
OUT_8 = "out4"


@pytest.fixture
def city(settings: Any, tmp_path: Path, db: None) -> Path:
    settings.CITY_FOLDER = tmp_path
    settings.DERIVED = tmp_path / "derived"
    settings.CITY = dataclasses.replace(settings.CITY, gtfs=("gtfs.zip",), osm="")
    write_feed(tmp_path / "gtfs.zip")
    actions.load(lambda what, share: None)
    return tmp_path


def at(hour: int, minute: int, second: int = 0) -> datetime:
    """A moment of the test's day, on the city's clock."""
    return days.clock(DAY, hour * 3600 + minute * 60 + second)


@pytest.fixture
def clock(city: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., datetime]:
    """Sets the time everywhere: clock(8, 2)."""

    def stand(hour: int, minute: int, second: int = 0) -> datetime:
        moment = at(hour, minute, second)
        monkeypatch.setattr(days, "now", lambda: moment)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment.astimezone(UTC))
        return moment

    return stand


Put = Callable[..., VehicleState]


@pytest.fixture
def bus(city: Path) -> Put:
    """Puts a bus on the road: bus("7", now, trip=..., next_sequence=..., delay_s=...)."""

    def put(name: str, now: datetime, kind: str = "bus", place: str = "harbour", **fields: Any) -> VehicleState:
        vehicle, _made = Vehicle.objects.update_or_create(public_id=name, defaults={"kind": kind})
        values: dict[str, Any] = {
            "at": now - timedelta(seconds=3),
            "published_at": now,
            "point": Point(*PLACES[place]),
            "measured": Point(*PLACES[place]),
            "accuracy_m": 0.4,
            "fix_class": 4,
            "status": "on_route",
            "service_day": DAY,
            "line": "1",
            "route": "R1",
            "direction": 0,
        }
        return VehicleState.objects.update_or_create(vehicle=vehicle, defaults=values | fields)[0]

    return put


@pytest.fixture
def predict(city: Path) -> Callable[..., TripPrediction]:
    """Says when a trip comes to each stop: predict("out4", now, "7", 1, [(8, 9), (8, 15)])."""

    def put(
        trip: str, now: datetime, vehicle: str, first: int, times: list[tuple[int, int]], half_s: int = 60
    ) -> TripPrediction:
        seconds = [int(at(*time).timestamp()) for time in times]
        values = {
            "route": "R1",
            "vehicle": vehicle,
            "first_sequence": first,
            "arrival": seconds,
            "departure": seconds,
            "low": [second - half_s for second in seconds],
            "high": [second + half_s for second in seconds],
            "made_at": now,
        }
        return TripPrediction.objects.update_or_create(service_day=DAY, trip=trip, defaults=values)[0]

    return put


@pytest.fixture
def ana(db: None) -> Person:
    person = Person.objects.create_user("ana@example.org", "a long password", name="Ana")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    return person


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    def client(person: Person) -> Client:
        browser = Client()
        browser.force_login(person)
        return browser

    return client


def shown(answer: Any) -> str:
    """A page as it is read: without the marks that hold intervals together where text runs from the right."""
    return answer.content.decode().replace('<bdi dir="ltr">', "").replace("</bdi>", "")  # type: ignore[no-any-return]
