"""Nothing that people read is without its words in each of the four languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.test import Client

from cityhall.build.translations import LANGUAGES, PACKAGE, missing, read, template

LIFEGUARDS = Path(__file__).parents[1] / "examples" / "lifeguards" / "lifeguards"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|<[^<>]+>")


@pytest.mark.parametrize("package", [PACKAGE, LIFEGUARDS], ids=lambda path: path.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str, package: Path) -> None:
    assert missing(language, package=package) == [], "run python -m cityhall.build.translations and write what is empty"


@pytest.mark.parametrize("package", [PACKAGE, LIFEGUARDS], ids=lambda path: path.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_over_and_every_value_is_in_its_place(language: str, package: Path) -> None:
    wanted = {message.id for message in template(package)}
    for message in read(language, package):
        if not message.id:
            continue
        assert message.id in wanted, (
            f"{message.id} is not in the code any more: run python -m cityhall.build.translations"
        )
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in texts:
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[-1])), message.id


def test_the_librarys_words_are_no_words_of_ours() -> None:
    """What the account library says is said anew: a page of ours with the same English would say that instead."""
    ours = {
        message.id
        for message in template()
        if any(not path.endswith("library_words.py") for path, _line in message.locations)
    }
    said_anew = {message.id for message in read("en") if message.id and message.string not in ("", message.id)}
    assert said_anew & ours == set()


def test_no_words_hide_where_they_are_not_looked_for() -> None:
    """The extractor does not look into the braces of an f-string: what stands there is English for all who read."""
    ids = {text for message in template() for text in (message.id if isinstance(message.id, tuple) else (message.id,))}
    hidden = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                hidden += [f"{path}:{node.lineno}: {word}" for word in words if word not in ids]
    assert hidden == []


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
