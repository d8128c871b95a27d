"""A draft of a translation where the city's machine can make one, and nothing of it where it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from cityhall.kernel import translating
from cityhall.kernel.people.models import Person
from cityhall.services.reports.models import Report
from tests.services.reports.conftest import filed, officer_of

pytestmark = pytest.mark.django_db
TEXT = "Hay un bache muy grande en la calle <b>ancha</b>"


@pytest.fixture(autouse=True)
def looked_up_anew() -> Iterator[None]:
    translating.modes.cache_clear()
    yield
    translating.modes.cache_clear()


def desk() -> Client:
    officer = Client()
    officer.force_login(Person.objects.get(pk=officer_of("public-works").person_id))
    return officer


@pytest.mark.skipif(shutil.which("apertium") is None, reason="Apertium is not installed")
def test_a_draft_is_offered_mended_and_kept(city: Path) -> None:
    report = filed(text=TEXT, language="es").report
    officer, address = desk(), f"/reports/desk/{report.pk}/"
    assert "?draft=1" in officer.get(address).content.decode()
    page = officer.get(f"{address}?draft=1").content.decode()
    assert "pothole in the street" in page and "Made by a machine" in page and "<b>" not in page.partition("<main")[2]
    assert Report.objects.get().translated == ""
    officer.post(f"{address}translate/", {"text": "There is a very big pothole"})
    kept = officer.get(address).content.decode()
    assert "There is a very big pothole" in kept and "Hay un bache" in kept
    assert translating.draft("Há lixo na esquina", "pt", "en") == "There is rubbish in the corner"
    assert (
        translating.draft("Hola", "es", "ko") == ""
        and "?draft" not in Client().get(f"/reports/{report.pk}/").content.decode()
    )


def test_without_the_program_officers_write_it_themselves(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "PROGRAM", "no-such-program")
    report = filed(text=TEXT, language="es").report
    page = desk().get(f"/reports/desk/{report.pk}/?draft=1").content.decode()
    assert 'name="text"' in page and "Suggest a translation" not in page and "Made by a machine" not in page
