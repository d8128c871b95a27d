"""People of a made-up city whose tram service has two roles."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from django.test import Client

from cityhall.kernel import service
from cityhall.kernel.people.declares import Role
from cityhall.kernel.people.models import Person
from cityhall.kernel.service import Service

SERVICE = Service(
    slug="trams",
    name="Trams",
    summary="",
    app="cityhall.services.transit",
    declares=(
        Role("controller", "Controller", ("trams.change_alert", "trams.stop_tram")),
        Role("clerk", "Clerk", ("trams.change_alert",)),
    ),
)


@pytest.fixture(autouse=True)
def trams(monkeypatch: pytest.MonkeyPatch) -> None:
    # The addresses are those of the whole city, whichever test asks for one first.
    import_module("cityhall.urls")
    monkeypatch.setattr(service, "city_services", lambda: (SERVICE,))


@pytest.fixture
def resident() -> Person:
    return Person.objects.create_user("maria@example.org", "a long password", name="Maria", language="pt")


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    def client(person: Person) -> Client:
        made = Client()
        made.force_login(person)
        return made

    return client
