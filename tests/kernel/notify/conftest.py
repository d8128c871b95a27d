"""A resident, a mail server and a push service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel import outgoing
from cityhall.kernel.notify import push
from cityhall.kernel.notify.models import PushSubscription
from cityhall.kernel.people.models import Person
from tests.kernel.notify.mail_server import MailServer, mail_server
from tests.kernel.notify.push_service import PushService, push_service


@pytest.fixture
def resident() -> Person:
    return Person.objects.create_user("maria@example.org", "a long password", name="Maria", language="pt")


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """A push service that the city takes for one of the public internet, with a certificate that it trusts."""
    with push_service(tmp_path) as server:
        monkeypatch.setattr(outgoing, "is_public", lambda _address: True)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def subscribed(resident: Person, browser: PushService) -> PushSubscription:
    return push.subscribe(resident, f"{browser.origin}/send/1", **browser.keys)
