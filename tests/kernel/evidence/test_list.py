"""The officers' list: what one may see, of one thing or of all, and taking all of one thing along."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.evidence import actions, views
from cityhall.kernel.evidence.actions import keep
from cityhall.kernel.evidence.models import Custody, Evidence, Seal
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from tests.kernel.evidence.conftest import FILM, film, officer, signed_in
from tests.pages import main_of

pytestmark = pytest.mark.django_db


def letter() -> Evidence:
    return keep("guards.letter", "alert:12", b"x", name="a", content_type="text/plain", actor=system("mail"))


def test_an_officer_sees_their_kinds_and_leaves_no_line_by_that() -> None:
    piece, other = film(), letter()
    text = main_of(signed_in(officer("ana")).get("/evidence/"))
    assert f'href="/evidence/{piece.pk}/"' in text and f'href="/evidence/{other.pk}/"' not in text
    assert "Alert 12" in text and "bus 7.mp4" not in text
    chief = Person.objects.create_superuser("chief@example.org")
    assert f'href="/evidence/{other.pk}/"' in main_of(signed_in(chief).get("/evidence/"))
    assert Custody.objects.count() == 2, "both received, and nobody looked at them"


def test_who_holds_a_role_for_a_part_of_the_city_sees_that_part() -> None:
    film(subject="alert:1"), film(subject="alert:2", scope="zone:centro"), film(subject="alert:3", scope="zone:north")
    text = main_of(signed_in(officer("ana", "zone:centro")).get("/evidence/"))
    assert "Alert 2" in text and "Alert 1" not in text and "Alert 3" not in text


def test_nobody_else_sees_that_there_is_any() -> None:
    film()
    assert signed_in(Person.objects.create_user("rita@example.org")).get("/evidence/").status_code == 403
    assert Client().get("/evidence/").status_code == 302
    refused = signed_in(Person.objects.create_user("rui@example.org")).post("/evidence/export/", {"about": "alert:12"})
    assert refused.status_code == 403 and Custody.objects.count() == 1


def test_what_there_is_not_is_said() -> None:
    client = signed_in(officer("ana"))
    assert "Nothing is kept as evidence yet." in main_of(client.get("/evidence/"))
    film()
    assert "Nothing is kept about this." in main_of(client.get("/evidence/?about=alert:9%00"))
    assert "There is no older evidence." in main_of(client.get("/evidence/?before=1"))


def test_the_older_ones_are_a_press_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LISTED", 2)
    pieces, client = [film(subject=f"alert:{number}") for number in range(5)], signed_in(officer("ana"))
    text = main_of(client.get("/evidence/"))
    assert f'href="?before={pieces[3].pk}"' in text and "Alert 2" not in text
    text = main_of(client.get(f"/evidence/?before={pieces[1].pk}"))
    assert "Alert 0" in text and "before=" not in text


def test_all_of_one_thing_is_one_file_and_what_was_erased_is_none_of_it() -> None:
    first, second, client = film(), film(b"other"), signed_in(officer("ana"))
    gone = film(b"gone")
    film(subject="alert:13")
    Seal.objects.filter(evidence=gone).update(keep_until=timezone.now())
    actions.erase(system("test"), gone)
    assert "erased" in main_of(client.get("/evidence/?about=alert:12"))
    bundle = client.post("/evidence/export/", {"about": "alert:12"})
    with zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))) as opened:  # type: ignore[attr-defined]
        manifest = json.loads(opened.read("manifest.json"))
        assert [one["piece"] for one in manifest["pieces"]] == [first.pk, second.pk]
        assert [opened.read(one["file"]) for one in manifest["pieces"]] == [FILM, b"other"]
    assert Custody.objects.filter(what="exported").count() == 2
    assert client.post("/evidence/export/", {"about": ""}).status_code == 404
