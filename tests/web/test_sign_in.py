"""Signing in: one way in, a limit that keeps guessers out and owners not, and nothing told of who has an account."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cityhall.kernel.people.models import Person

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
PASSWORD = "a password of nineteen"
LOGIN = "/accounts/login/"
NAMES = ("login", "email", "username", "user", "identifier")


def account(email: str = "ana@example.org", *, confirmed: bool = True, totp: bool = False) -> Person:
    person = Person.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=confirmed)
    if totp:
        TOTP.activate(person, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    return person


def credentials(email: str, password: str = PASSWORD) -> dict[str, str]:
    """Under every name that a form could have for them."""
    return {**dict.fromkeys(NAMES, email), "password": password, "password1": password, "next": "/accounts/me/"}


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def doors(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Every address of the city, with something for each of its variables."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern).lstrip("^").replace("\\Z", "").rstrip("$")
        if isinstance(entry, URLResolver):
            yield from doors(entry, route)
        elif isinstance(entry, URLPattern):
            yield "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "1", route)


def try_password(client: Client, password: str, email: str = "ana@example.org", **headers: str) -> bool:
    client.post(LOGIN, {"login": email, "password": password}, **headers)
    return is_in(client)


def code_of(email: str) -> str:
    """The code of the last mail to an address."""
    letter = next(one for one in reversed(mail.outbox) if one.to == [email])
    found = re.search(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})*)\s*$", str(letter.body), re.MULTILINE)
    assert found is not None, letter.body
    return found[1]


def test_one_way_makes_a_session_and_it_asks_for_the_second_factor() -> None:
    account()
    account("guarded@example.org", totp=True)
    makes_one = set()
    for path in sorted(set(doors())):
        client = Client()
        client.post(path, credentials("ana@example.org"))
        if is_in(client):
            makes_one.add(path)
        guarded = Client()
        guarded.post(path, credentials("guarded@example.org"))
        assert not is_in(guarded), f"{path} takes a password without the second factor"
    assert makes_one == {LOGIN}, "each of these needs the limit that the next tests look at"


def test_the_staff_screens_send_to_it() -> None:
    Person.objects.create_superuser("root@example.org", PASSWORD)
    client = Client()
    for path in ("/admin/", "/admin/login/", "/admin/login/?next=/admin/people/person/"):
        answer = client.get(path, follow=True)
        assert answer.redirect_chain and LOGIN in answer.redirect_chain[-1][0], path
    client.post("/admin/login/", {"username": "root@example.org", "password": PASSWORD})
    assert not is_in(client)


def test_guessing_ends_and_the_owner_is_not_kept_out() -> None:
    account()
    own = Client()
    assert try_password(own, PASSWORD)
    own.post("/accounts/logout/")
    thief = Client()
    assert not any(try_password(thief, f"a wrong password {number}") for number in range(6))
    assert not try_password(thief, PASSWORD), "guessed at last, and too late"
    assert not try_password(Client(), PASSWORD), "the count is the account's, not the browser's"
    assert try_password(own, PASSWORD), "a browser that was signed in before has a count of its own"
    newcomer = Client()
    newcomer.post("/accounts/login/code/", {"email": "ana@example.org"})
    newcomer.post("/accounts/login/code/confirm/", {"code": code_of("ana@example.org")})
    assert is_in(newcomer), "and the mailbox opens it from anywhere"


def test_a_forged_device_is_none() -> None:
    account()
    own, other = Client(), account("other@example.org")
    assert try_password(own, PASSWORD, other.email)
    own.post("/accounts/logout/")
    for number in range(6):
        try_password(own, f"a wrong password {number}")
    assert not try_password(own, PASSWORD), "known to one account is not known to another"
    own.cookies["known"] = own.cookies["known"].value[:-1] + "x"
    assert not try_password(own, PASSWORD)


def test_residents_behind_the_citys_own_server_are_not_one(settings: object) -> None:
    from cityhall.kernel.limits.proxies import read_networks

    settings.TRUSTED_PROXIES = read_networks("127.0.0.1")  # type: ignore[attr-defined]
    for number in range(12):
        account(f"r{number}@example.org")
        try_password(Client(), "a wrong password", f"r{number}@example.org", HTTP_X_FORWARDED_FOR="203.0.113.7")
    account()
    assert not try_password(Client(), PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.9, 203.0.113.7"), "he wrote that"
    assert try_password(Client(), PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.8")


def test_two_hundred_others_do_not_push_the_count_out() -> None:
    account()
    for number in range(6):
        try_password(Client(REMOTE_ADDR="203.0.113.7"), f"a wrong password {number}")
    for number in range(350):
        Client(REMOTE_ADDR=f"198.51.{number // 250}.{number % 250}").post(
            "/accounts/login/", {"login": f"x{number}@example.org", "password": "a wrong password"}
        )
    assert not try_password(Client(REMOTE_ADDR="203.0.113.8"), PASSWORD)


def test_nobody_uses_up_anothers_mails() -> None:
    account()
    for _ in range(8):
        last = Client(REMOTE_ADDR="203.0.113.7").post("/accounts/login/code/", {"email": "ana@example.org"})
    assert last.status_code == 429 and len(mail.outbox) <= 5
    Client(REMOTE_ADDR="203.0.113.8").post("/accounts/login/code/", {"email": "ana@example.org"})
    assert len(mail.outbox) == 6


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/signup/", {"email": "{}", "password1": PASSWORD}),
        ("/accounts/login/code/", {"email": "{}"}),
        ("/accounts/password/reset/", {"email": "{}"}),
        (LOGIN, {"login": "{}", "password": "a wrong password"}),
    ],
)
def test_nothing_tells_who_has_an_account(path: str, form: dict[str, str]) -> None:
    """Not the answer, not where it leads, not what that page says."""
    account()
    told = []
    for email in ("ana@example.org", "nobody@example.org"):
        client = Client()
        client.get(path)
        answer = client.post(path, {key: value.format(email) for key, value in form.items()}, follow=True)
        page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]*"', "", answer.content.decode())
        told.append(
            (answer.status_code, answer.redirect_chain, page.replace(email, "somebody"), sorted(client.cookies))
        )
    assert told[0] == told[1]


def test_signing_up_is_nothing_before_the_mailbox_answers() -> None:
    client = Client()
    client.post("/accounts/signup/", {"email": "eva@example.org", "password1": PASSWORD})
    assert not is_in(client)
    client.post("/accounts/confirm-email/", {"code": code_of("eva@example.org")})
    assert is_in(client)
    client.post("/accounts/logout/")
    assert try_password(client, PASSWORD, "eva@example.org"), "the password is the one of whoever confirmed"


def test_a_password_of_somebody_who_only_claimed_the_address_is_forgotten() -> None:
    """Signed up with by a thief, signed in to by the owner: the thief's password opens nothing."""
    account("eva@example.org", confirmed=False)
    owner = Client()
    owner.post("/accounts/login/code/", {"email": "eva@example.org"})
    owner.post("/accounts/login/code/confirm/", {"code": code_of("eva@example.org")})
    assert is_in(owner) and owner.get("/accounts/me/").status_code == 200
    assert not try_password(Client(), PASSWORD, "eva@example.org")


def test_one_source_alone_does_not_use_up_a_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """However patient it is: the limit of minutes is lifted here, and that of a day holds."""
    from cityhall.web import sign_in

    account()
    monkeypatch.setattr(sign_in, "MAILS", (1000, 1.0))
    monkeypatch.setattr("allauth.account.app_settings.RATE_LIMITS", {}, raising=False)
    for number in range(70):
        browser = Client(REMOTE_ADDR="203.0.113.7", HTTP_USER_AGENT=str(number))
        browser.post("/accounts/password/reset/", {"email": "ana@example.org"})
    assert 0 < len(mail.outbox) <= 13
    before = len(mail.outbox)
    Client(REMOTE_ADDR="203.0.113.8").post("/accounts/password/reset/", {"email": "ana@example.org"})
    assert len(mail.outbox) == before + 1
