"""People of a made-up city whose tram service has two roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from cityhall.kernel import service
from cityhall.kernel.people import privacy
from cityhall.kernel.people.models import Person
from cityhall.kernel.service import Role, Service

SERVICE = Service(
    slug="trams",
    name="Trams",
    summary="",
    app="cityhall.services.transit",
    roles=(
        Role("controller", "Controller", ("trams.change_alert", "trams.stop_tram")),
        Role("clerk", "Clerk", ("trams.change_alert",)),
    ),
)


@pytest.fixture(autouse=True)
def trams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "city_services", lambda: (SERVICE,))
    monkeypatch.setattr(privacy, "city_services", lambda: (SERVICE,))


@pytest.fixture
def resident() -> Person:
    return Person.objects.create_user("maria@example.org", "a long password", name="Maria", language="pt")


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    def client(person: Person) -> Client:
        made = Client()
        made.force_login(person, "django.contrib.auth.backends.ModelBackend")
        return made

    return client
