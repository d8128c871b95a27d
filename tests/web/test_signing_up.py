"""An account by an address and a code; a passkey is offered at once; a password is there for whoever looks for it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant, roles
from tests.web.test_sign_in import code_of, is_in

pytestmark = pytest.mark.django_db


def signed_up(email: str = "eva@example.org", **more: str) -> tuple[Client, str]:
    client = Client()
    client.post("/accounts/signup/", {"email": email, **more})
    answer = client.post("/accounts/confirm-email/", {"code": code_of(email)})
    return client, str(answer.headers["Location"])


def test_an_address_and_its_code_are_enough_and_a_passkey_is_offered() -> None:
    client, there = signed_up(next="/inbox/")
    assert is_in(client) and there.startswith("/accounts/passkey/")
    assert not Person.objects.get(email="eva@example.org").has_usable_password()
    page = client.get(there).content.decode()
    options = json.loads(re.search(r'<script id="js_data"[^>]*>(.*?)</script>', page)[1])  # type: ignore[index]
    asked = options["creation_options"]["publicKey"]["authenticatorSelection"]
    assert (asked["residentKey"], asked["userVerification"]) == ("required", "required"), "it signs in by itself"
    assert 'type="checkbox"' not in page and "passkey_make" in page
    assert client.get("/accounts/go-on/").headers["Location"] == "/inbox/", "and who does not want one goes on"
    assert client.get("/accounts/go-on/").headers["Location"] == "/accounts/me/"


def test_who_chose_a_password_a_minute_ago_is_not_asked_for_it_again() -> None:
    client, there = signed_up(password1="a-long-enough-secret-7")
    assert Person.objects.get(email="eva@example.org").has_usable_password()
    assert client.get(there).status_code == 200
    # What erases the account asks all the same, once that is no minute ago.
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()
    assert "/reauthenticate/" in client.get(there).headers["Location"]


def test_the_offer_leads_nowhere_else() -> None:
    client, _there = signed_up()
    client.get("/accounts/passkey/?next=https://elsewhere.example/")
    assert client.get("/accounts/go-on/").headers["Location"] == "/accounts/me/"
    assert Client().get("/accounts/passkey/").status_code == 302


def test_code_and_passkey_come_before_the_password() -> None:
    page = Client().get("/accounts/login/?next=/inbox/").content.decode()
    code, passkey, password = (page.index(text) for text in ("code_email", "passkey_login", 'name="password"'))
    assert code < passkey < password
    assert password > page.index("<details"), "folded"
    assert page.count('name="next" value="/inbox/"') >= 3
    sign_up = Client().get("/accounts/signup/").content.decode()
    assert sign_up.index("<details") < sign_up.index('name="password1"')
    assert re.search(r'name="password1"[^>]*required', sign_up) is None


def test_a_wrong_password_is_said_where_it_was_typed() -> None:
    page = Client().post("/accounts/login/", {"login": "nobody@example.org", "password": "wrong"}).content.decode()
    assert re.search(r"<details[^>]* open", page) and "is not correct" in page


def test_a_letter_names_the_city_and_why_it_came(settings: object) -> None:
    city = settings.CITY.name  # type: ignore[attr-defined]
    Client().post("/accounts/signup/", {"email": "eva@example.org"})
    known = Person.objects.create_user("ana@example.org", "a password of nineteen")
    EmailAddress.objects.create(user=known, email=known.email, primary=True, verified=True)
    for path in ("/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/"):
        Client().post(path, {"email": "ana@example.org"})
    Client().post("/accounts/login/code/", {"email": "nobody@example.org"})
    assert len(mail.outbox) == 5
    for letter in mail.outbox:
        assert letter.subject.startswith(f"{city}: "), letter.subject
        assert city in letter.body and "You get this letter because" in letter.body, letter.body


def officer(client: Client) -> Person:
    person = Person.objects.create_user("olga@example.org", name="Olga")
    grant(system("test"), person, "transit.dispatcher")
    client.force_login(person)
    return person


def test_an_officer_looks_as_a_resident_and_comes_back(client: Client) -> None:
    officer(client)
    assert client.get("/transit/control/").status_code == 200
    assert client.get("/work/as-resident/").status_code == 405
    assert client.post("/work/as-resident/", {"resident": "1"}).headers["Location"] == "/"
    assert 'href="/work/"' not in client.get("/").content.decode()
    assert client.get("/transit/control/", headers={"Accept": "text/html"}).status_code == 403
    assert client.get("/api/people/me").json()["permissions"] == {}
    assert "/work/as-resident/" in client.get("/accounts/me/").content.decode()
    assert "/transit/control/" not in client.get("/work/").content.decode()
    assert client.post("/work/as-resident/").headers["Location"] == "/work/"
    assert client.get("/transit/control/").status_code == 200


def test_a_refusal_names_the_role_and_no_permission(client: Client) -> None:
    client.force_login(Person.objects.create_user("maria@example.org"))
    page = client.get("/transit/control/", headers={"Accept": "text/html"}).content.decode()
    assert "Dispatcher" in page and "transit.view_fleet" not in page


def test_the_demo_offers_an_account_of_every_role(settings: object, tmp_path: Path, client: Client) -> None:
    from cityhall.running.demo import _of_every_role

    settings.CITY_FOLDER = tmp_path  # type: ignore[attr-defined]
    _of_every_role(tmp_path)
    _of_every_role(tmp_path)
    assert client.get("/accounts/login/").content.decode().count("/accounts/demo/") == 0, "this city is no demo"
    assert client.post("/accounts/demo/", {"email": "kernel-administrator@demo.example"}).status_code == 404
    settings.DEMO = settings.CITY.slug  # type: ignore[attr-defined]
    page = client.get("/accounts/login/").content.decode()
    assert page.count("/accounts/demo/") == len(roles()) + 1
    held = {one for person in Person.objects.all() for one in person.memberships.values_list("role", flat=True)}
    assert held == set(roles())
    answer = client.post("/accounts/demo/", {"email": "kernel-administrator@demo.example"})
    assert answer.headers["Location"] == "/accounts/officers/" and is_in(client)
    assert client.get("/accounts/officers/").status_code == 200
    other = Client()
    Person.objects.create_user("ana@example.org")
    assert other.post("/accounts/demo/", {"email": "ana@example.org"}).status_code == 404 and not is_in(other)
    assert other.post("/accounts/demo/", {"email": "resident@demo.example", "next": "/inbox/"}).url == "/inbox/"
