"""Another site makes a resident's browser send something: nothing that reads the session takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant, roles
from cityhall.web.api import api

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
ELSEWHERE = {"HTTP_ORIGIN": "https://elsewhere.example", "HTTP_SEC_FETCH_SITE": "cross-site"}
METHODS = ("post", "put", "patch", "delete")


@pytest.fixture
def browser() -> Client:
    """Of somebody who may do everything that a role allows."""
    person = Person.objects.create_user("ana@example.org", "a long password")
    for role in roles():
        grant(system("test"), person, role)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    return client


def changes() -> Iterator[tuple[str, str]]:
    """Every operation of the API that changes something: (method, address)."""
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method in operations:
            if method in METHODS:
                yield method, re.sub(r"\{\w+\}", "1", path)


def exempt(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Every pattern whose view Django's check leaves alone."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from exempt(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern) and getattr(entry.callback, "csrf_exempt", False):
            yield prefix + str(entry.pattern)


@pytest.mark.parametrize(
    "headers", [ELSEWHERE, {"HTTP_ORIGIN": "null"}, {}], ids=["another site", "a sandbox", "unsaid"]
)
def test_no_change_by_the_api_is_taken_from_elsewhere(browser: Client, headers: dict[str, str]) -> None:
    asked = list(changes())
    assert len(asked) > 20
    for method, path in asked:
        answer = getattr(browser, method)(path, json.dumps({}), content_type="application/json", **headers)
        assert answer.status_code == 403 and "csrf" in answer.content.decode().lower(), f"{method} {path}"


def test_what_is_exempt_is_the_api_and_open311(browser: Client) -> None:
    """Whatever door is made exempt later: it is tried here. Other control centres speak by a token, never a session."""
    found = set(exempt())
    others = ("api/", "reports/open311/", "open311/", "safety/eido/")
    assert found and all(path.startswith(others) for path in found), found
    assert browser.post("/safety/eido/", {"id": "x"}, **ELSEWHERE).status_code in (401, 403, 404)
    answer = browser.post("/reports/open311/v2/requests.json", {"description": "x"}, **ELSEWHERE)
    assert answer.status_code in (403, 404)


def test_a_forged_registration_makes_nothing(browser: Client) -> None:
    from cityhall.kernel.devices.models import Device

    body = json.dumps({"vehicle": "B01", "address": "127.0.0.1"})
    answer = browser.post("/api/transit/receivers", body, content_type="text/plain", **ELSEWHERE)
    assert answer.status_code == 403 and not Device.objects.exists()


def test_our_own_page_and_programs_are_let_in(browser: Client) -> None:
    """The service worker holds no token and says where it is of; a program has no session."""
    here = {"HTTP_ORIGIN": "http://testserver"}
    for client, headers in ((browser, here), (Client(enforce_csrf_checks=True), {})):
        assert client.post("/api/reports/", {"category": "no such"}, **headers).status_code == 422
