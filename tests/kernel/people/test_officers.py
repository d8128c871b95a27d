"""Officers are appointed by address, by page and by command; no role hangs on an address nobody has confirmed."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.service import Check, declared, resolve

pytestmark = pytest.mark.django_db
ROLE = "trams.controller"


@pytest.fixture
def administrator(client: Client) -> Client:
    person = Person.objects.create_user("head@example.org", "a long password")
    grant(system("test"), person, "kernel.administrator")
    client.force_login(person)
    return client


def appoint(client: Client, email: str, role: str = ROLE, scope: str = "") -> int:
    return int(client.post("/accounts/officers/", {"email": email, "role": role, "scope": scope}).status_code)


def test_who_has_no_account_gets_one_and_signs_in_by_the_mailbox(administrator: Client) -> None:
    assert appoint(administrator, "New.Officer@Example.org") == 302
    person = Person.objects.get(email="new.officer@example.org")
    assert not person.has_usable_password()
    assert Membership.objects.filter(person=person, role=ROLE, scope="").exists()
    browser = Client()
    browser.post("/accounts/login/code/", {"email": person.email})
    code = re.search(r"^\s*([A-Z0-9-]{6,})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code is not None, mail.outbox[-1].body
    browser.post("/accounts/login/code/confirm/", {"code": code.group(1)})
    assert browser.get("/accounts/me/").status_code == 200
    assert "Controller" in browser.get("/accounts/me/").content.decode()


def test_an_address_that_somebody_only_claims_gets_no_role(administrator: Client) -> None:
    """Anybody may sign up with an officer's address; the mailbox decides."""
    thief = Person.objects.create_user("olga@example.org", "a password of theirs")
    claim = EmailAddress.objects.create(user=thief, email="olga@example.org", primary=True, verified=False)
    assert appoint(administrator, "olga@example.org") == 422
    assert not Membership.objects.filter(person=thief).exists()
    claim.verified = True
    claim.save()
    assert appoint(administrator, "olga@example.org") == 302


def test_a_role_ends(administrator: Client) -> None:
    appoint(administrator, "olga@example.org")
    page = administrator.get("/accounts/officers/").content.decode()
    assert "olga@example.org" in page and "Controller" in page and "trams.change_alert" not in page
    administrator.post("/accounts/officers/end/", {"email": "olga@example.org", "role": ROLE, "scope": ""})
    assert not Membership.objects.filter(role=ROLE).exists()


@pytest.mark.parametrize(("email", "role"), [("nobody", ROLE), ("a@example.org", "trams.king"), ("", "")])
def test_what_cannot_be_is_refused(administrator: Client, email: str, role: str) -> None:
    assert appoint(administrator, email, role) == 422
    assert Person.objects.count() == 1


def test_nobody_else_appoints(client: Client, resident: Person) -> None:
    assert client.get("/accounts/officers/").status_code == 302
    client.force_login(resident)
    assert client.get("/accounts/officers/").status_code == 403
    assert appoint(client, "me@example.org") == 403
    assert client.post("/accounts/officers/end/", {"email": "head@example.org", "role": ROLE}).status_code in (403, 404)


def test_check_says_where_nobody_may_give_roles() -> None:
    def levels() -> list[str]:
        checks = [item for owner, item in declared(Check) if owner.slug == "people"]
        return [level for item in checks for level, _what, _mend in resolve(item.action)()]

    only_a_part = Person.objects.create_user("part@example.org")
    grant(system("test"), only_a_part, "kernel.administrator", scope="zone:centro")
    gone = Person.objects.create_user("gone@example.org", is_active=False)
    grant(system("test"), gone, "kernel.administrator")
    assert levels() == ["warning"]
    grant(system("test"), Person.objects.create_user("head@example.org"), "kernel.administrator")
    assert levels() == ["ok"]
