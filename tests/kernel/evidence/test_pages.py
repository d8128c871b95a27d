"""The officers' page of a piece."""

from __future__ import annotations

import io
import zipfile

import pytest

from cityhall.kernel.evidence.actions import keep
from cityhall.kernel.evidence.models import Custody, Evidence
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from tests.kernel.evidence.conftest import FILM, film, officer, signed_in
from tests.pages import main_of

pytestmark = pytest.mark.django_db


def steps(piece: Evidence) -> list[str]:
    return [line.what for line in Custody.objects.filter(evidence=piece)]


def test_each_sight_is_a_line_of_custody() -> None:
    piece, client = film(), signed_in(officer("ana"))
    for _time in range(3):
        page = client.get(f"/evidence/{piece.pk}/")
    assert page.status_code == 200 and page["Cache-Control"] == "no-store"
    text = main_of(page)
    assert '<a href="/alerts/12/">Alert 12</a>' in text
    assert "bus 7.mp4" in text and piece.digest in text and text.count("looked at") == 3
    assert steps(piece) == ["received", "viewed", "viewed", "viewed"]


@pytest.mark.parametrize("language", ["es", "pt-BR", "ko"])
def test_it_speaks_the_readers_language(language: str) -> None:
    piece = film()
    text = main_of(signed_in(officer("ana")).get(f"/evidence/{piece.pk}/", headers={"Accept-Language": language}))
    assert "Hand it over" not in text and "Custody" not in text and "looked at" not in text


def test_the_original_and_an_export_are_pressed_for() -> None:
    piece, client = film(), signed_in(officer("ana"))
    assert client.get(f"/evidence/{piece.pk}/original/").status_code == 405
    answer = client.post(f"/evidence/{piece.pk}/original/")
    assert b"".join(answer.streaming_content) == FILM  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''bus%207.mp4"
    assert answer["Content-Length"] == str(len(FILM)) and "sandbox" in answer["Content-Security-Policy"]
    bundle = client.post(f"/evidence/{piece.pk}/export/")
    with zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))) as opened:  # type: ignore[attr-defined]
        assert FILM in [opened.read(name) for name in opened.namelist()]
    assert steps(piece) == ["received", "opened", "exported"]


def test_it_is_handed_over() -> None:
    piece, client, rui = film(), signed_in(officer("ana")), officer("rui")
    address = f"/evidence/{piece.pk}/hand-over/"
    assert client.post(address, {}).status_code == 422
    wrong = client.post(address, {"email": "nobody@example.org"})
    assert wrong.status_code == 422 and "Nobody has an account" in main_of(wrong)
    assert client.post(address, {"email": "RUI@example.org"}).status_code == 302
    assert client.post(address, {"note": "Delegada Lima"}).status_code == 302
    text = main_of(client.get(f"/evidence/{piece.pk}/"))
    assert "→ rui" in text and "Delegada Lima" in text and "somebody outside" in text
    assert steps(piece)[1:3] == ["handed_over", "handed_over"]
    assert Custody.objects.get(evidence=piece, to=f"person:{rui.pk}")


def test_it_is_kept_longer() -> None:
    piece, client = film(), signed_in(officer("ana"))
    address = f"/evidence/{piece.pk}/prolong/"
    assert client.post(address, {"until": "2020-01-01", "why": "a case"}).status_code == 422
    assert client.post(address, {"until": f"{piece.kept_at.year + 1}-12-31", "why": "a case"}).status_code == 302
    assert f"{piece.kept_at.year + 1}" in main_of(client.get(f"/evidence/{piece.pk}/"))


def test_of_what_there_are_no_words_the_subject_is_shown() -> None:
    letter = keep("guards.letter", "post:4", b"x", name="a", content_type="text/plain", actor=system("mail"))
    chief = Person.objects.create_superuser("chief@example.org")
    assert "post:4" in main_of(signed_in(chief).get(f"/evidence/{letter.pk}/"))


def test_nobody_else_sees_it() -> None:
    piece = film(scope="zone:centro")
    other = signed_in(officer("rui", "zone:norte"))
    for verb, rest in (("get", ""), *(("post", way) for way in ("original/", "export/", "hand-over/", "prolong/"))):
        answer = getattr(other, verb)(f"/evidence/{piece.pk}/{rest}", {"note": "x"})
        assert answer.status_code == 403 and piece.digest not in answer.content.decode()
    assert other.get("/evidence/999999/").status_code == 404
    assert steps(piece) == ["received"]
