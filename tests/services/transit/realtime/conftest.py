"""An officer who may tell riders things, and a city whose feed is in service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhall.kernel.people.actors import Actor, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.services.transit.realtime import feeds, routing


@pytest.fixture
def dispatcher(city: Path) -> Person:
    person = Person.objects.create_user("dispatcher@example.org", "secret-enough-1")
    grant(system("test"), person, "transit.dispatcher")
    return person


@pytest.fixture
def officer(dispatcher: Person) -> Actor:
    return person_actor(dispatcher)


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The journey search looks for changes at every question, and forgets what it knew of another test's city."""
    monkeypatch.setattr(routing, "LOOK_S", 0.0)
    # JSON editions stay for some seconds, and another test's may be among them.
    feeds.forget()
    yield
    routing._live.clear()
