"""One search over everything in the city: by need, by kind in every language, misspelt, near first; where it leads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.places import geocoder, kinds
from cityhall.kernel.places.geocoder import Named
from cityhall.kernel.places.kinds import asked
from cityhall.kernel.service import available, declared
from cityhall.web.declares import Findable, PlaceAction
from cityhall.web.searching import MOST
from tests.services.transit.conftest import city, folder  # noqa: F401

HERE = (-51.22, -30.03)
NAMES = (
    Named("Santa Casa", "hospital", -51.221, -30.030, weight=45),
    Named("Moinhos", "hospital", -51.201, -30.025, weight=45),
    Named("Droga Boa", "pharmacy", -51.225, -30.031, weight=20),
    Named("Remédios Já", "pharmacy", -51.101, -30.031, weight=20),
    Named("Cais Mauá", "port", -51.233, -30.026, weight=20),
    Named("Paço Municipal", "townhall", -51.230, -30.028, names={"ko": "시청사"}, weight=45),
    Named("Cidade Baixa", "suburb", -51.101, -30.030, weight=60),
    Named("Rua do Hospital", "street", -51.24, -30.04, weight=10),
)


@pytest.fixture
def named(db: None) -> None:
    geocoder.replace_names("test", NAMES)


def found(client: Client, q: str, language: str = "en", **more: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/search/", {"q": q, **more}, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.content
    listed: list[dict[str, Any]] = answer.json()
    return listed


def names(answers: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in answers]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("hospital", "Santa Casa"),
        ("병원", "Santa Casa"),
        ("pronto-socorro", "Santa Casa"),
        ("URGENCIAS", "Santa Casa"),
        ("hospitl", "Santa Casa"),
        ("병웡", "Santa Casa"),
        ("where is the nearest hospital", "Santa Casa"),
        ("farmácia", "Droga Boa"),
        ("farmac", "Droga Boa"),
        ("pharmcy", "Droga Boa"),
        ("약국", "Droga Boa"),
        ("puerto", "Cais Mauá"),
        ("porto", "Cais Mauá"),
        ("항구", "Cais Mauá"),
        ("ayuntamiento", None),
    ],
)
def test_a_need_finds_places_by_their_kind(
    named: None, client: Client, q: str, name: str | None, language: str
) -> None:
    answers = [one for one in found(client, q, language, lon=HERE[0], lat=HERE[1]) if one["lon"]]
    if name:
        assert answers[0]["name"] == name
        assert answers[0]["url"].startswith("/place/?") and answers[0]["icon"]
    elif q == "ayuntamiento":
        assert answers[0]["name"] == ("시청사" if language == "ko" else "Paço Municipal")


def test_a_kind_is_said_in_the_readers_language(named: None, client: Client) -> None:
    for language, kind in (("en", "Hospital"), ("es", "Hospital"), ("ko", "병원")):
        assert found(client, "병원", language)[0]["kind"] == kind


def test_what_is_near_comes_first(named: None, client: Client) -> None:
    assert names(found(client, "farmacia", lon=-51.1, lat=-30.03))[:2] == ["Remédios Já", "Droga Boa"]
    assert names(found(client, "farmacia", lon=HERE[0], lat=HERE[1]))[:2] == ["Droga Boa", "Remédios Já"]


def test_where_to_look_may_be_said_beside_the_kind(named: None, client: Client) -> None:
    assert names(found(client, "pharmacy cidade baixa", lon=HERE[0], lat=HERE[1]))[0] == "Remédios Já"
    assert names(found(client, "hospital moinhos", lon=HERE[0], lat=HERE[1]))[0] == "Moinhos"


def test_kinds_are_found_where_places_are_asked_for_too(named: None, client: Client) -> None:
    """A journey's or a report's field finds the same, each with its kind and area in words."""
    answers = client.get("/api/places/search", {"q": "병원", "near": f"{HERE[0]},{HERE[1]}"}).json()
    assert answers[0]["name"] == "Santa Casa" and answers[0]["kind_name"] == "Hospital" and "area" in answers[0]


def test_a_named_place_goes_before_those_of_a_kind(named: None) -> None:
    geocoder.replace_names("more", [Named("Port", "suburb", -51.15, -30.06, weight=60)])
    assert geocoder.search("port", near=HERE)[0].name == "Port"
    assert {place.name for place in geocoder.search("port", near=HERE)} == {"Port", "Cais Mauá"}


def test_services_skills_and_pages_are_found_by_need(named: None, client: Client) -> None:
    urls = {one["url"] for one in found(client, "hole in the road")}
    assert "/reports/new/" in urls
    assert "/transit/" in {one["url"] for one in found(client, "bus")}
    assert "/accounts/me/data/" in {one["url"] for one in found(client, "privacy")}
    assert "/reports/" in {one["url"] for one in found(client, "report")}
    # In another language than the reader's, and misspelt.
    assert "/transit/" in {one["url"] for one in found(client, "Autobuses")}
    assert "/inbox/" in {one["url"] for one in found(client, "notifcations")}


def test_lines_and_stops_lead_to_their_pages(city: None, client: Client) -> None:  # noqa: F811
    from cityhall.kernel.places.loading import load_service_names
    from cityhall.services.transit.models import Line, Stop

    load_service_names(lambda _what, _share: None)
    line, stop = Line.objects.all()[0], Stop.objects.order_by("row")[0]
    by_number = [one["url"] for one in found(client, f"line {line.short_name}")]
    assert f"/transit/lines/{line.gtfs_id}/" in by_number
    stops = [one for one in found(client, stop.name) if one["kind"] == "Stop"]
    assert stops and client.get(stops[0]["url"]).status_code == 200
    assert stops[0]["url"].startswith("/transit/stops/")


def test_answers_of_a_group_stand_together_and_are_few(named: None, client: Client) -> None:
    geocoder.replace_names(
        "many", [Named(f"Bus corner {number}", "street", -51.2, -30.0 - number / 1e4) for number in range(40)]
    )
    answers = found(client, "bus")
    groups = [one["group"] for one in answers]
    assert len(answers) <= MOST and len(set(groups)) > 1
    assert [group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group] == list(
        dict.fromkeys(groups)
    )
    assert len(found(client, "bus", limit=2)) == 2


@pytest.mark.parametrize("more", [{"lon": 999, "lat": 0}, {"limit": 99}, {"q": "x" * 201}, {"lat": "north"}])
def test_what_cannot_be_asked(client: Client, db: None, more: dict[str, Any]) -> None:
    assert client.get("/api/search/", {"q": "bus"} | more).status_code == 422


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_answered(named: None, client: Client, typed: str) -> None:
    answer = client.get("/search/", {"q": typed})
    assert answer.status_code == 200
    wanted = asked(typed)
    assert wanted is None or wanted.tags


def test_the_page_works_without_a_script(named: None, client: Client) -> None:
    page = client.get("/search/", {"q": "farmacia"}).content.decode()
    assert "<h1>What do you need?</h1>" in page and "Droga Boa" in page and "Pharmacy" in page
    assert re.search(r'<a class="list-row" href="/place/\?lon=', page)
    assert 'value="farmacia"' in page


def test_while_nothing_is_asked_examples_are_shown(client: Client, db: None) -> None:
    page = client.get("/search/").content.decode()
    assert "There is a hole in the road" in page and 'href="/reports/new/"' in page and 'href="/transit/"' in page


def test_nothing_found_is_seen_and_says_what_to_try(named: None, client: Client) -> None:
    page = client.get("/search/", {"q": "<zzzzqqq>"}).content.decode()
    assert "Nothing was found for “&lt;zzzzqqq&gt;”." in page and "Try another word" in page
    assert "There is a hole in the road" in page


def test_a_place_has_a_page_with_what_can_be_done_there(named: None, client: Client) -> None:
    url = next(one["url"] for one in found(client, "santa casa"))
    page = client.get(url).content.decode()
    assert ">Santa Casa</h1>" in page and "Hospital" in page and "<city-map" in page
    for href in (
        "/transit/?to=Santa%20Casa&amp;to_lon=-51.221000&amp;to_lat=-30.030000",
        "/reports/new/?address=Santa%20Casa&amp;lon=-51.221000&amp;lat=-30.030000",
        "/map/?lon=-51.221000&amp;lat=-30.030000",
    ):
        assert f'href="{href}"' in page
        assert client.get(href.replace("&amp;", "&")).status_code == 200


def test_a_name_that_the_city_does_not_have_there_is_not_shown(named: None, client: Client) -> None:
    page = client.get("/place/", {"lon": "-51.221", "lat": "-30.03", "name": "Send money to 12-34"}).content.decode()
    assert "Send money" not in page and "Santa Casa" in page


@pytest.mark.parametrize("query", ["", "?lon=1", "?lon=x&lat=y", "?lon=999&lat=0", "?lon=nan&lat=0"])
def test_no_place_is_no_page(client: Client, db: None, query: str) -> None:
    assert client.get(f"/place/{query}").status_code == 404


def test_a_report_begins_at_the_place(client: Client, db: None) -> None:
    page = client.get("/reports/new/?address=Santa+Casa&lon=-51.221&lat=-30.03").content.decode()
    assert 'name="address" value="Santa Casa"' in page and 'name="lon" value="-51.221"' in page


def test_the_map_begins_at_the_place(client: Client, db: None) -> None:
    page = client.get("/map/?lon=-51.221&lat=-30.03").content.decode()
    assert '"center": [-51.221, -30.03]' in page
    assert client.get("/map/?lon=x&lat=999").status_code == 200


def test_every_kind_is_called_something_and_no_tag_is_of_two() -> None:
    tags = [tag for kind in kinds.KINDS for tag in kind.tags]
    assert len(tags) == len(set(tags))
    assert kinds.kind_name("no such tag") == "Place"


def test_every_service_that_lets_find_gives_a_few_and_every_action_takes_a_place(city: None) -> None:  # noqa: F811
    from cityhall.kernel.service import resolve

    for _service, item in declared(Findable):
        assert len(resolve(item.source)("a", 2)) <= 2
    actions = [item for service in available().values() for item in service.of(PlaceAction)]
    assert actions and all("{lon}" in item.url and "{lat}" in item.url for item in actions)
