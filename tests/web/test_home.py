"""The city's own pages: what one needs, what is one's own, every service, and whom to ask."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from cityhall.kernel.city.file import CityFileError, read_city
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.service import Service, city_services, declared, resolve
from cityhall.web import mine
from cityhall.web.declares import Mine, WrongNow
from cityhall.web.rows import Row

pytestmark = pytest.mark.django_db
PAGES = ("/", "/mine/", "/services/", "/help/", "/about/", "/contact/", "/privacy/", "/accessibility/", "/offline/")


@pytest.fixture
def ana(client: Client) -> Person:
    person = Person.objects.create_user("ana@example.org", "a long password", name="Ana")
    client.force_login(person)
    return person


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "es", "pt", "ko"])
def test_every_page_has_the_five_places_a_footer_and_says_what_it_is(client: Client, path: str, language: str) -> None:
    text = client.get(path, headers={"Accept-Language": language}).content.decode()
    bar = text.partition('class="places"')[2].partition("</nav>")[0]
    links = re.findall(r'<a[^>]* href="([^"]+)"', bar)
    assert {"/", "/map/", "/search/", "/inbox/", "/mine/", "/services/"} == set(links)
    assert not any(service.home in links for service in city_services() if service.slug != "map"), "no list of services"
    footer = text.partition('class="bottom"')[2]
    for page in ("/help/", "/about/", "/contact/", "/privacy/", "/accessibility/"):
        assert f'href="{page}"' in footer
    assert re.search(r'<meta name="description" content="[^"]{20,}">', text)
    assert len(re.findall("<h1", text)) == 1


def test_every_service_is_offered_with_what_one_does_there(client: Client) -> None:
    text = client.get("/services/").content.decode()
    for service in city_services():
        if not service.home:
            # An office, which only its officers come to.
            assert not service.verbs and f"/{service.slug}/" not in text
            continue
        assert f'href="{service.home}"' in text and service.verbs
        for what, page in service.verbs:
            assert f'<a href="{page}">{what}</a>'.replace("'", "&#x27;") in text
            assert client.get(page, follow=True).status_code == 200, page


def test_what_is_wrong_is_said_and_else_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "Out of the ordinary now"
    assert told not in client.get("/").content.decode()
    monkeypatch.setattr(mine, "declared", lambda kind: [(city_services()[0], WrongNow("tests.web.test_home:a_flood"))])
    text = client.get("/").content.decode()
    assert told in text and '<a class="list-row" href="/reports/incidents/7/">' in text


def a_flood() -> list[Row]:
    return [Row("Flooding", "/reports/incidents/7/")]


def an_alarm(actor: object) -> list[Row]:
    return [Row("Line 12", "/a/", waits=True), Row("Line 14", "/b/")]


def test_what_waits_for_somebody_stands_on_the_front_page(
    client: Client, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Mine("a", "Alarms", "tests.web.test_home:an_alarm", "Set one.")
    monkeypatch.setattr(mine, "declared", lambda kind: [(city_services()[0], one)] if kind is Mine else [])
    text = client.get("/").content.decode()
    assert "Line 12" in text and "Line 14" not in text
    text = client.get("/mine/").content.decode()
    assert "Line 12" in text and "Line 14" in text and "Set one." not in text
    assert "Line 12" not in Client().get("/").content.decode(), "nothing waits for nobody"


def test_who_has_nothing_is_told_how_to_begin(client: Client) -> None:
    text = client.get("/mine/").content.decode()
    for _service, item in declared(Mine):
        assert resolve(item.rows)(ANONYMOUS) == []
        assert str(item.empty) in text and client.get(item.begin, follow=True).status_code == 200
    assert "/accounts/login/?next=/mine/" in text


def test_the_inbox_has_its_number_on_every_page(client: Client, ana: Person) -> None:
    assert 'class="count"' not in client.get("/help/").content.decode()
    send(ana, "Come", "now", key="1")
    send(ana, "Come", "again", key="2")
    assert re.search(r'class="count"[^>]*>2<', client.get("/help/").content.decode())


def test_letters_stay_as_large_as_they_were_chosen(client: Client) -> None:
    answer = client.post("/display/", {"text": "larger", "next": "/help/?a=1"})
    assert (answer.status_code, answer["Location"]) == (302, "/help/?a=1")
    assert 'data-text="larger"' in client.get("/").content.decode()
    assert client.post("/display/", {"text": "", "next": "https://elsewhere.example/"})["Location"] == "/"
    assert "data-text" not in client.get("/").content.decode()
    client.cookies["text"] = '"><script>'
    assert "data-text" not in client.get("/").content.decode()


def test_whom_to_call_is_on_every_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    city = replace(settings.CITY, emergency={"all": "112", "sea": "118"}, contact={"email": "hall@example.org"})
    monkeypatch.setattr(settings, "CITY", city)
    for path in ("/", "/map/", "/nowhere/"):
        assert 'href="tel:112"' in client.get(path, headers={"Accept": "text/html"}).content.decode(), path
    assert 'href="mailto:hall@example.org"' in client.get("/contact/").content.decode()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('[emergency]\npolise = "110"', "polise"),
        ("[emergency]\nall = 112", "no number in quotes"),
        ('[contact]\nemail = "hall"', "one e-mail address"),
        ('[contact]\nfax = "1"', "fax"),
    ],
)
def test_what_city_toml_says_wrong_of_it_is_told(tmp_path: Path, lines: str, said: str) -> None:
    file = tmp_path / "city.toml"
    file.write_text(
        'name = "A"\nslug = "a"\ntimezone = "UTC"\ncurrency = "EUR"\n[map]\ncenter = [0, 0]\nbounds = [-1, -1, 1, 1]\n'
        + lines
    )
    with pytest.raises(CityFileError, match=said):
        read_city(file)


def test_privacy_lists_what_each_service_keeps(client: Client) -> None:
    text = client.get("/privacy/").content.decode()
    kept = [
        service for service in city_services() if any("Personal" in type(item).__name__ for item in service.declares)
    ]
    assert kept and all(f"<h2>{service.name}</h2>" in text for service in kept)


def test_old_browsers_find_the_icon(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert b"".join(answer.streaming_content)[:4] == b"\0\0\1\0"  # type: ignore[arg-type]


def test_reports_and_trips_of_an_account_are_its_own(client: Client, ana: Person) -> None:
    other = Person.objects.create_user("eve@example.org", "a long password")
    for _service, item in declared(Mine):
        assert resolve(item.rows)(person_actor(other)) == []


def test_the_menu_does_not_grow_with_the_services(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def bar() -> int:
        text = client.get("/help/").content.decode()
        return len(re.findall("<a ", text.partition("<header")[2].partition("</header>")[0]))

    before = bar()
    more = [Service(f"s{number}", f"Service {number}", "", "tests", home=f"/s{number}/") for number in range(10)]
    monkeypatch.setattr(settings, "SERVICES", (*settings.SERVICES, *more))
    assert bar() == before
    assert "Service 9" in client.get("/services/").content.decode()
