"""A city at eight in the morning of a day in its timetable, and a dispatcher."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days
from cityhall.services.transit.models import StopCall, VehicleState

DAY = date(2019, 5, 15)
# Harbour, square, hill: six minutes from stop to stop, every half hour from 06:00 (see tests/feeds.py).
OUT_8 = "out4"


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of the test's day, on the city's clock."""
    return days.clock(DAY, hour * 3600 + minute * 60 + second)


@pytest.fixture(autouse=True)
def eight_o_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Five past eight everywhere."""
    moment = datetime(2019, 5, 15, 11, 5, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    monkeypatch.setattr(days, "today", lambda: DAY)
    return moment


@pytest.fixture
def dispatcher(db: None) -> Person:
    person = Person.objects.create_user("dispatcher@example.org", "secret-enough-1")
    grant(system("test"), person, "transit.dispatcher")
    return person


@pytest.fixture
def room(city: Path, dispatcher: Person) -> Client:
    """A browser in which the dispatcher is signed in."""
    client = Client()
    client.force_login(dispatcher)
    return client


@pytest.fixture
def drive(city: Path, eight_o_clock: datetime) -> Callable[..., VehicleState]:
    """Puts a vehicle somewhere: drive("B07", trip="out4", delay_s=600)."""

    def put(name: str, **values: Any) -> VehicleState:
        kind = values.pop("kind", "bus")
        vehicle, _made = Vehicle.objects.get_or_create(public_id=name, defaults={"kind": kind})
        place = values.pop("point", Point(-51.2, -30.03))
        ago = values.pop("ago", 1)
        state = {
            "at": eight_o_clock - timedelta(seconds=ago),
            "published_at": eight_o_clock,
            "point": place,
            "measured": place,
            "accuracy_m": 3.0,
            "speed": 8.0,
            "status": "on_route",
            "trip": OUT_8,
            "service_day": DAY,
            "route": "R1",
            "line": "1",
            "delay_s": 0,
            "next_sequence": 1,
        }
        return VehicleState.objects.update_or_create(vehicle=vehicle, defaults=state | values)[0]

    return put


def call(trip: str, sequence: int, late_s: float, *, hour: int = 8, minute: int = 0, vehicle: str = "B07") -> StopCall:
    """A call at a stop of a trip that set out at hour:minute, so much late."""
    planned = at(hour, minute) + timedelta(minutes=6 * sequence)
    was = planned + timedelta(seconds=late_s)
    return StopCall.objects.create(
        service_day=DAY,
        trip=trip,
        sequence=sequence,
        stop=("harbour", "square", "hill")[sequence],
        route="R1",
        direction=0,
        vehicle=vehicle,
        arrived_at=was,
        departed_at=was,
        scheduled_arrival=planned,
        scheduled_departure=planned,
    )
