"""A made-up service that keeps two kinds of evidence, and the officers who may see one of them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from cityhall.kernel import service
from cityhall.kernel.evidence.actions import keep
from cityhall.kernel.evidence.declares import EvidenceKind
from cityhall.kernel.evidence.models import Evidence
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.declares import Role
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.service import Service

SERVICE = Service(
    slug="guards",
    name="Guards",
    summary="",
    app="cityhall.services.transit",
    declares=(
        EvidenceKind("film", "Film", "guards.see_film", retention_days=30, about=f"{__name__}:about"),
        EvidenceKind("letter", "Letter", "guards.see_letter", retention_days=400),
        Role("watch", "Watch", ("guards.see_film",)),
    ),
)


def about(subject: str) -> tuple[str, str]:
    """In words, and where its page is."""
    return f"Alert {subject.removeprefix('alert:')}", f"/alerts/{subject.removeprefix('alert:')}/"


FILM = b"\x00\x00\x00 ftypisom" + bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def guards(monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path) -> None:
    import_module("cityhall.urls")
    monkeypatch.setattr(service, "city_services", lambda: (SERVICE,))
    settings.CITY_FOLDER = tmp_path


def officer(name: str, scope: str = "") -> Person:
    person = Person.objects.create_user(f"{name}@example.org", name=name)
    grant(system("test"), person, "guards.watch", scope=scope)
    return person


def film(content: bytes | Path = FILM, subject: str = "alert:12", scope: str = "") -> Evidence:
    return keep(
        "guards.film",
        subject,
        content,
        name="bus 7.mp4",
        content_type="video/mp4",
        actor=system("camera"),
        scope=scope,
    )


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client
