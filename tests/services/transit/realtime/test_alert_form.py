"""The form for an alert: what is asked first, what an occasion fills in, what riders will read."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel import translating
from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import ServiceAlert
from cityhall.services.transit.realtime import occasions
from tests.pages import main_of

NEW = "/transit/control/alerts/new/"


@pytest.fixture
def desk(dispatcher: Person, client: Client) -> Client:
    client.force_login(dispatcher)
    return client


def fields(page: str) -> dict[str, Any]:
    """What the form's text fields say, by name."""
    inputs = dict(re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', page))
    return inputs | dict(re.findall(r'<textarea name="(\w+)"[^>]*>\s*([^<]*)</textarea>', page))


def test_five_things_are_asked_and_the_rest_is_folded_away(desk: Client) -> None:
    page = main_of(desk.get(NEW))
    asked, _folded, more = page.partition("<details")
    named = re.findall(r'name="((?!csrf|draw)\w+)"', asked[asked.index('<form class="stack"') :])
    assert named == ["routes", "stops", "until_0", "header_en", "description_en"]
    assert 'name="cause"' in more and 'name="header_ko"' in more and "<details open" not in page


@pytest.mark.parametrize("occasion", [one.slug for one in occasions.OCCASIONS])
def test_an_occasion_fills_in_the_texts_of_every_language(desk: Client, occasion: str) -> None:
    known = fields(desk.get(f"{NEW}?occasion={occasion}&line=R1").content.decode())
    headers = [known[f"header_{code}"] for code in ("en", "es", "pt", "ko")]
    assert all("{where}" in one for one in headers) and len(set(headers)) == 4
    assert all(known[f"description_{code}"] for code in ("en", "es", "pt", "ko"))


def test_an_alert_is_told_in_three_presses_from_the_officers_front_page(desk: Client) -> None:
    front = desk.get("/work/").content.decode()
    assert 'href="/transit/control/alerts/"' in front
    listed = desk.get("/transit/control/alerts/").content.decode()
    assert f'href="{NEW}?occasion=delay"' in listed
    known = fields(desk.get(f"{NEW}?occasion=delay").content.decode())
    chosen = {"cause": "UNKNOWN_CAUSE", "effect": "SIGNIFICANT_DELAYS", "severity": "WARNING"}
    assert desk.post(NEW, known | chosen).status_code == 302
    assert ServiceAlert.objects.get().header["en"] == "All lines: delays"


def test_what_an_alert_is_about_is_named_in_each_language(desk: Client) -> None:
    known = fields(desk.get(f"{NEW}?occasion=delay").content.decode())
    chosen = {"cause": "UNKNOWN_CAUSE", "effect": "SIGNIFICANT_DELAYS", "severity": "WARNING"}
    desk.post(NEW, known | chosen | {"routes": ["R1"], "stops": "square"})
    alert = ServiceAlert.objects.get()
    assert not any("{where}" in one for one in alert.header.values())
    assert alert.header["en"].startswith("Line ") and alert.header["es"].startswith("Línea ")


def test_a_preview_shows_what_riders_will_read_and_tells_nobody(desk: Client) -> None:
    known = fields(desk.get(f"{NEW}?occasion=strike").content.decode())
    chosen = {"cause": "STRIKE", "effect": "REDUCED_SERVICE", "severity": "SEVERE", "preview": "1", "routes": ["R1"]}
    answer = desk.post(NEW, known | chosen)
    page = answer.content.decode()
    assert answer.status_code == 200 and "What riders will read" in page
    shown = page[page.index('id="preview"') :]
    assert 'lang="ko"' in shown and "banner-bad" in shown and "{where}" not in shown.split("</section>")[0]
    assert not ServiceAlert.objects.exists()
    assert '<option value="R1" selected>' in page, "what was typed is kept"


def test_the_map_for_drawing_shows_lines_and_stops(desk: Client) -> None:
    for name in ("alerts", "detours"):
        page = desk.get(f"/transit/control/{name}/new/").content.decode()
        assert '"id": "transit/lines"' in page and '"id": "transit/stops"' in page
        assert '"minzoom": 14' not in page


def test_a_detours_coordinates_are_folded_away(desk: Client) -> None:
    asked, _folded, more = main_of(desk.get("/transit/control/detours/new/")).partition("<details")
    assert 'name="path"' not in asked and 'name="path"' in more and 'name="closed_stops"' in asked


def test_a_way_between_presses_is_for_officers_only(desk: Client) -> None:
    asked = "/api/transit/streets/way?from_lon=-51.2&from_lat=-30.0&to_lon=-51.1&to_lat=-30.0"
    assert Client().get(asked).status_code == 403
    # Without a map of the streets the way is straight, and says so.
    assert desk.get(asked).json() == {"points": [[-51.2, -30.0], [-51.1, -30.0]], "along": False}
    assert desk.get(asked.replace("-51.2", "NaN")).status_code == 422


@pytest.mark.skipif(shutil.which("apertium") is None, reason="Apertium is not installed")
def test_the_other_languages_are_drafted_and_none_is_written_over(desk: Client) -> None:
    typed = {"header_en": "{where}: the street is closed", "description_en": "The bus stops at the market."}
    chosen = {"cause": "UNKNOWN_CAUSE", "effect": "SIGNIFICANT_DELAYS", "severity": "WARNING"}
    page = desk.post(NEW, typed | chosen | {"header_pt": "Meu texto", "draft": "1"}).content.decode()
    known = fields(page)
    assert known["header_es"].startswith("{where}: ") and "calle" in known["header_es"]
    assert known["description_es"] not in ("", typed["description_en"]) and known["header_pt"] == "Meu texto"
    assert not known.get("header_ko") and "knows no way into Korean" in page.replace("한국어", "Korean")
    assert "Read it before riders do" in page and not ServiceAlert.objects.exists()
    assert "Draft the other languages" in desk.get(NEW).content.decode()


def test_no_draft_is_offered_where_nothing_can_make_one(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "modes", dict)
    assert "Draft the other languages" not in desk.get(NEW).content.decode()
