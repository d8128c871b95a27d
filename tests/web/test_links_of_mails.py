"""A mail's links lead to the city, whatever host whoever asked for the mail wrote into the request."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from cityhall.kernel.people.models import Person

pytestmark = pytest.mark.attack


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["ana@example.org", "nobody@example.org"])
def test_a_reset_link_does_not_follow_the_host_header(settings: Any, email: str) -> None:
    settings.PUBLIC_URL = "https://city.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    Person.objects.create_user("ana@example.org", "secret-enough-1")
    Client(HTTP_HOST="evil.example").post("/accounts/password/reset/", {"email": email})
    (sent,) = mail.outbox
    said = f"{sent.subject} {sent.body} {getattr(sent, 'alternatives', '')}"
    assert "evil.example" not in said
    assert "https://city.example.org/accounts/" in said
