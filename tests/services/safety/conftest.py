"""A city with buttons, operators at the desk, and patrols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel.deadlines import taker
from cityhall.kernel.people.actors import Actor, person_actor, system
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.places.point import Point
from cityhall.services.safety import buttons, desk, loading, units
from cityhall.services.safety.models import Alert, Button, Unit
from cityhall.simulator.signing import Signer

CENTER = Point(-51.2, -30.03)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
S = timedelta(seconds=1)
SETTER_UP = system("tests")


@pytest.fixture
def city(settings: Any, tmp_path: Path, db: None) -> Path:
    """The city's folder, the service loaded."""
    settings.CITY_FOLDER = tmp_path
    settings.DERIVED = tmp_path / "derived"
    loading.load(lambda what, share: None)
    return tmp_path


@dataclass
class Made:
    """A button and what signs as its device."""

    button: Button
    signer: Signer


def put_up(name: str = "Pole 1", kind: str = "pole", point: Point | None = CENTER, **given: Any) -> Made:
    button, key = buttons.put_up(SETTER_UP, name, kind, point=point, **given)
    return Made(button, Signer(button.device.public_id, key))


def officer(name: str, role: str = "operator") -> Actor:
    person = Person.objects.create_user(f"{name}@example.org", name=name.title())
    Membership.objects.create(person=person, role=f"safety.{role}")
    return person_actor(person)


def at_desk(name: str, role: str = "operator", *, now: datetime | None = None) -> Actor:
    """An operator whose shift has begun."""
    actor = officer(name, role)
    desk.begin(actor, heard=True, now=now)
    return actor


def patrol(name: str, station: Point = CENTER, skills: tuple[str, ...] = (), person: Actor | None = None) -> Unit:
    """A unit on duty."""
    unit = units.keep(SETTER_UP, name, station=station, skills=skills)
    unit.on_duty = True
    unit.person_id = person.person_id if person else None
    unit.save()
    return unit


def go_on(now: datetime) -> int:
    """The city acts on all deadlines that are due by then."""
    return taker.take_due(now)


Send = Callable[[Made], Any]


def only() -> Alert:
    return Alert.objects.get()
