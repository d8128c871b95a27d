"""Nothing that people read is without its words in each of the four languages."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from cityhall.build.translations import LANGUAGES, missing, read, template

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|<[^<>]+>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    assert missing(language) == [], "run python -m cityhall.build.translations and write what is empty"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_over_and_every_value_is_in_its_place(language: str) -> None:
    wanted = {message.id for message in template()}
    for message in read(language):
        if not message.id:
            continue
        assert message.id in wanted, (
            f"{message.id} is not in the code any more: run python -m cityhall.build.translations"
        )
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in texts:
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[-1])), message.id


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["login/", "signup/", "password/reset/", "login/code/"])
def test_the_packages_pages_speak_brazilian_too(client: Client, path: str) -> None:
    """Python's gettext takes "pt" for Portugal's, where a password is no "senha"."""
    page = client.get(f"/accounts/{path}", headers={"Accept-Language": "pt"}).content.decode()
    assert re.search(r"\bsenha\b|\bcódigo\b", page, re.IGNORECASE)
    assert not re.search(r"palavra-passe|ficheiro|utilizador|registe-se|\bEcrã|contacte", page, re.IGNORECASE)


@pytest.mark.django_db
def test_what_is_wrong_with_a_form_is_said_in_brazilian(client: Client) -> None:
    form = {"email": "ana@example.org", "password1": "123"}
    page = client.post("/accounts/signup/", form, headers={"Accept-Language": "pt"}).content.decode()
    assert "Esta senha é muito curta. Ela precisa conter pelo menos 10 caracteres." in page
