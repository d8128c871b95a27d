"""Whoever reads the log learns no secret link, no mailbox and nobody's network address."""

from __future__ import annotations

import io
import logging
import re
import smtplib
from collections.abc import Iterator
from logging.config import DictConfigurator  # type: ignore[attr-defined]

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from django.urls import URLResolver, get_resolver

pytestmark = pytest.mark.attack

SECRETS = {
    "random": "q3Zk-9_bXw7LmN2pRt5VyA8cEfGhJkMn",
    "without digits": "qZkbXwLmNpRtVyAcEfGhJkMnqwErTyUi",
    "hex": "4f9c1b2a7d8e4f6a9b0c1d2e3f405162",
    "signed": signing.TimestampSigner(key="k").sign("42"),
    "reset": "1-cqzv2h-4f9c1b2a7d8e4f6a9b0c1d2e3f405162",
}
NAMES = re.compile(r"<(?:\w+:)?(secret|token|digest|key|uidb36|public_id|code)>")
PERSONAL = (
    *("ana.maria@example.org", "ana.maria%40example.org"),
    *("198.51.100.23", "2001:db8:7::42", "2001:db8:7:1::", "::ffff:198.51.100.23"),
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the city's own console handler writes, at every level."""
    configured = DictConfigurator(settings.LOGGING)
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(configured.configure_formatter(dict(settings.LOGGING["formatters"]["line"])))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Every address that takes a secret, with a hole for it."""
    for pattern in resolver.url_patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, address)
        elif NAMES.search(address):
            yield re.sub(r"<[^>]*>", "1", NAMES.sub("{}", address))


@pytest.mark.django_db
def test_a_walk_over_all_secret_addresses_leaves_none_in_the_log(log: io.StringIO) -> None:
    walked = [*addresses(get_resolver()), "/accounts/password/reset/key/{}/", "/accounts/confirm-email/{}/"]
    assert any("follow" in one for one in walked) and any("invitations" in one for one in walked) and len(walked) > 12
    client = Client(raise_request_exception=False)
    for address in walked:
        for secret in SECRETS.values():
            client.get(address.replace("{}", secret))
            client.post(address.replace("{}", secret))
    said = log.getvalue()
    assert said.count("Not Found: ") > 20, "they are logged at all"
    for secret in SECRETS.values():
        longest = max(re.split(r"[:-]", secret), key=len)
        assert longest not in said
    assert "/reports/follow/" in said, "where it was is told"


@pytest.mark.django_db
@pytest.mark.parametrize("personal", PERSONAL)
def test_who_it_was_is_not_in_the_log(log: io.StringIO, personal: str) -> None:
    Client().get(f"/nowhere/{personal}/")
    logging.getLogger("cityhall").warning("%s was refused by %r", personal, {personal: 550})
    logging.getLogger("cityhall").warning("refused:%s: from [%s]:80, %s.", personal, personal, personal)
    try:
        raise smtplib.SMTPRecipientsRefused({personal: (550, b"no such mailbox")})
    except smtplib.SMTPException as problem:
        logging.getLogger("django.mail").exception("not sent: %r", problem)
    said = log.getvalue()
    assert "/nowhere/" in said and "SMTPRecipientsRefused" in said and "Traceback" in said
    assert personal not in said


def test_what_says_nothing_of_anybody_stays(log: io.StringIO) -> None:
    lines = (
        "the caster is open on 127.0.0.1:2101",
        "receivers are taken on 0.0.0.0:5017",
        "fetched at 16:30:05, 1.5 s late",
        "job 17 cityhall.kernel.notify.tasks:deliver_later was left by its worker",
        "Not Found: /transit/lines/a-line-with-a-very-long-name/",
        "SynchronousOnlyOperation: no",
    )
    for line in lines:
        logging.getLogger("cityhall").warning(line)
        assert line in log.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"host": "elsewhere.example"}},
        {"content_type": "multipart/form-data", "data": b"--x\r\n"},
    ],
    ids=["another host", "a broken form"],
)
def test_a_senders_mistake_is_one_line(log: io.StringIO, sent: dict[str, object]) -> None:
    """Tracebacks of them filled the disk at a tenth of a megabyte a minute."""
    answer = Client(raise_request_exception=False).post("/accounts/login/", **sent)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert "Traceback" not in log.getvalue() and log.getvalue().count("\n") <= 2
