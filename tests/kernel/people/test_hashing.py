"""Many who guess passwords at once take neither every processor nor every thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.test import Client

from cityhall.kernel.people import hashing
from cityhall.kernel.people.models import Person

pytestmark = [pytest.mark.attack, pytest.mark.django_db]
HASHER = ["cityhall.kernel.people.hashing.Hasher"]


def test_its_hashes_are_djangos(settings: object) -> None:
    settings.PASSWORD_HASHERS = HASHER  # type: ignore[attr-defined]
    assert check_password("low tide at eleven", make_password("low tide at eleven"))


def test_a_few_wait_and_others_are_told_to_come_again(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = HASHER  # type: ignore[attr-defined]
    go_on, at_once, most = threading.Event(), [0], [0]

    def slow(self: object, password: str, salt: str, iterations: int | None = None) -> str:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go_on.wait(30)
        at_once[0] -= 1
        return f"pbkdf2_sha256$1${salt}$x"

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", slow)
    full = hashing.AT_ONCE + hashing.WAITING
    with ThreadPoolExecutor(full) as threads:
        begun = [threads.submit(hashing.Hasher().encode, "a", "b") for _number in range(full)]
        while hashing._room._value:
            pass
        answer = Client().post("/accounts/login/", {"login": "nobody@example.org", "password": "a wrong password"})
        assert answer.status_code == 429 and int(answer["Retry-After"]) == 5
        go_on.set()
        assert all(one.result() for one in begun)
    assert most[0] == hashing.AT_ONCE


def test_a_wrong_password_is_hashed_once(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    Person.objects.create_user("ana@example.org", "a long password")
    settings.PASSWORD_HASHERS = HASHER  # type: ignore[attr-defined]
    hashed: list[str] = []

    def encode(self: object, password: str, salt: str, iterations: int | None = None) -> str:
        hashed.append(salt)
        return f"pbkdf2_sha256$1${salt}$x"

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", encode)
    for email in ("ana@example.org", "nobody@example.org"):
        hashed.clear()
        Client().post("/accounts/login/", {"login": email, "password": "a wrong password"})
        assert len(hashed) == 1
