"""Skills are found in the words of any of the city's languages, and done by whoever is signed in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.people.models import Person

pytestmark = pytest.mark.django_db


def found(client: Client, asked: str) -> list[str]:
    return [f"{one['service']}.{one['slug']}" for one in client.get("/api/skills/", {"q": asked}).json()]


@pytest.mark.parametrize("asked", ["there is a hole in the road", "hay un bache en la calle", "가로등", "HOLE road"])
def test_it_is_found_in_the_citys_languages(client: Client, asked: str) -> None:
    assert found(client, asked) == ["reports.report"]


def test_what_nobody_can_do_is_not_found(client: Client) -> None:
    assert found(client, "xyzzy plugh qwerty") == []
    assert "reports.report" in found(client, "")


def test_a_skill_says_what_it_needs(client: Client, settings: Any) -> None:
    ask = {"content_type": "application/json"}
    assert client.post("/api/skills/reports/report", {"slots": {}}, **ask).status_code == 401
    client.force_login(Person.objects.create_user("ana@example.org", "secret-enough-1"))
    missing = client.post("/api/skills/reports/report", {"slots": {}}, **ask)
    assert missing.status_code == 422 and "text" in missing.json()["message"]
    wrong = client.post("/api/skills/reports/report", {"slots": {"text": "A hole", "colour": "red"}}, **ask)
    assert wrong.status_code == 422 and wrong.json()["code"] == "no_such_slot"
    place = client.post("/api/skills/reports/report", {"slots": {"text": "A hole in the road"}}, **ask)
    assert place.status_code == 422 and place.json()["code"] == "missing_place"
    assert client.post("/api/skills/reports/fly", {"slots": {}}, **ask).status_code == 404
