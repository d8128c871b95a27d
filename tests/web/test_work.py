"""Officers find their work: after signing in, in the menu, on the front page and in the account."""

from __future__ import annotations

import html
import re

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils.http import urlencode

from cityhall.kernel.cases.models import Agency
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.declares import Desk
from cityhall.kernel.people.desks import desks_of
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.service import declared

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


def officer(*roles: str, scope: str = "") -> Person:
    person = Person.objects.create_user("olga@example.org", PASSWORD, name="Olga")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    for role in roles:
        grant(system("test"), person, role, scope=scope)
    return person


def addresses(page: str) -> set[str]:
    """Where the cards of the page lead."""
    return set(re.findall(r'<h2><a class="row" href="([^"]+)"', page))


def sign_in(client: Client) -> str:
    answer = client.post("/accounts/login/", {"login": "olga@example.org", "password": PASSWORD})
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def test_an_officer_lands_on_the_desks_that_the_roles_open(client: Client) -> None:
    officer("reports.officer", "transit.dispatcher")
    assert sign_in(client) == "/work/"
    page = client.get("/work/").content.decode()
    assert addresses(page) == {
        "/reports/desk/",
        "/transit/control/",
        "/transit/control/alerts/",
        "/vehicles/?of=transit",
    }
    for address in addresses(page):
        assert client.get(address).status_code == 200, address
    for other in ("/", "/accounts/me/"):
        assert 'href="/work/"' in client.get(other).content.decode(), other


def test_every_desk_opens_for_the_role_that_shows_it(client: Client) -> None:
    """Whatever role a manifest declares: a desk that is shown can be entered."""
    from cityhall.kernel.people.permissions import roles

    entered = set()
    for number, role in enumerate(roles()):
        person = Person.objects.create_user(f"officer{number}@example.org", PASSWORD)
        grant(system("test"), person, role)
        client.force_login(person)
        for _service, desk in desks_of(person):
            assert client.get(desk.home).status_code == 200, (role, desk.home)
            entered.add(desk.slug)
    assert {"desk", "fleet", "alerts", "school", "receivers", "vehicles", "datasets"} <= entered


def test_a_role_for_a_part_of_the_city_opens_the_desk_too(client: Client) -> None:
    from cityhall.kernel.cases.models import Agency

    Agency.objects.create(slug="roads", name="Roads")
    officer("reports.officer", scope="agency:roads")
    assert sign_in(client) == "/reports/desk/", "the only desk: nothing is to be chosen first"
    assert addresses(client.get("/work/").content.decode()) == {"/reports/desk/"}


def test_a_resident_lands_at_home_and_sees_no_work(client: Client) -> None:
    officer()
    assert sign_in(client) == "/"
    assert 'href="/work/"' not in client.get("/").content.decode()
    page = client.get("/work/")
    assert page.status_code == 200 and not addresses(page.content.decode())


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    assert client.get("/work/").status_code == 302


def test_the_page_has_its_own_words_in_every_language(client: Client) -> None:
    """Work is what officers do here; where somebody goes to work (a favourite) is another word in some languages."""
    officer("kernel.administrator")
    sign_in(client)
    for language, title, room in (("es", "Trabajo", "Cuentas"), ("pt", "Trabalho", "Contas"), ("ko", "업무", "계정")):
        page = client.get("/work/", headers={"accept-language": language}).content.decode()
        assert f"<h1>{title}</h1>" in page and room in page, language
        assert "Accounts" not in page and "Work" not in page


def test_every_officers_page_leads_a_stranger_to_the_sign_in(client: Client) -> None:
    """And from there back to it; what a program asks for is refused, and so is who is signed in without the role."""
    homes = {desk.home for _owner, desk in declared(Desk)}
    deeper = {
        "/work/",
        "/reports/desk/rules/",
        "/reports/desk/?state=new",
        "/transit/control/lines/",
        "/map/data-sets/x/",
    }
    for path in sorted(homes | deeper):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers.get("Location")) == (302, f"/accounts/login/?{next_(path)}"), path
    for path in sorted(homes):
        told = client.get(path, headers={"Accept": "*/*"})
        assert told.status_code in (302, 403), path
    assert client.get("/reports/desk/points/desk.geojson", headers={"Accept": "*/*"}).status_code == 403
    client.force_login(officer())
    for path in sorted(homes):
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 403, path


def next_(path: str) -> str:
    return urlencode({"next": path}).replace("%2F", "/")


def test_the_page_of_roles_speaks_in_words_and_says_what_each_opens(client: Client) -> None:
    """An administrator reads neither `transit.change_alert` nor `agency:12`, not even of an agency that is gone."""
    head = Person.objects.create_user("head@example.org", PASSWORD)
    grant(system("test"), head, "kernel.administrator")
    client.force_login(head)
    olga = Person.objects.create_user("olga@example.org", name="Olga")
    grant(system("test"), olga, "reports.officer", scope="agency:999")
    water = Agency.objects.create(slug="water", name="Water")
    refused = client.post(
        "/accounts/officers/", {"email": "olga@example.org", "role": "transit.dispatcher", "scope": water.scope}
    )
    assert refused.status_code == 422 and refused.content.decode().count("not held for Water") == 1
    assert refused.content.decode().count("Leave it empty for the whole city") == 1
    for page in (client.get("/accounts/officers/").content.decode(), refused.content.decode()):
        shown = html.unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0]))
        assert not re.search(r"\b[a-z_]+\.[a-z_]*_[a-z_]+\b|\bagency:|\bservice:", shown), shown
        assert "a part of the city that is no more" in shown
        opened = shown.partition("What each role is for")[2]
        assert re.search(r"Dispatcher \(Buses and journeys\)\s+Fleet room", opened)
