"""Copies carried by e-mail and web push, through a real mail server, a real push service and the worker."""

from __future__ import annotations

import asyncio
import socket
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
import requests
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job
from pywebpush import WebPushException

from cityhall.kernel import outgoing
from cityhall.kernel.errors import Invalid
from cityhall.kernel.notify import push
from cityhall.kernel.notify.models import Delivery, PushSubscription
from cityhall.kernel.notify.sending import send
from cityhall.kernel.notify.tasks import ATTEMPTS, deliver
from cityhall.kernel.people.models import Person
from cityhall.kernel.values import is_public
from tests.kernel.notify.mail_server import MailServer
from tests.kernel.notify.push_service import PushService

pytestmark = pytest.mark.django_db(transaction=True)


def one(channel: str) -> Delivery:
    return Delivery.objects.get(channel=channel)


def test_a_mail_in_the_persons_language(resident: Person, mails: MailServer) -> None:
    send(resident, "Buraco\nfechado", "Linha um\n.\n<b>Linha</b> três", url="/transit/", channels=["email"])
    deliver(delivery_id=one("email").pk)
    deliver(delivery_id=one("email").pk)
    (mail,) = mails.mails
    assert mail["To"] == "maria@example.org"
    assert mail["Subject"] == "Testville: Buraco fechado"
    assert mail["Content-Language"] == "pt"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = (mail.get_body([kind]) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    assert "Linha um\n.\n<b>Linha</b> três" in plain.get_content().replace("\r\n", "\n")
    assert "http://localhost:8000/transit/" in plain.get_content()
    assert "Escolha o que recebe por e-mail" in plain.get_content()
    assert "&lt;b&gt;Linha" in html.get_content()
    assert (one("email").state, one("email").attempts) == ("sent", 1)


def test_a_mail_refused_for_now_is_tried_again(resident: Person, mails: MailServer) -> None:
    send(resident, "Hello", channels=["email"])
    mails.answer = b"451 busy"
    with pytest.raises(SMTPRecipientsRefused):
        deliver(delivery_id=one("email").pk)
    assert (one("email").state, one("email").attempts) == ("waiting", 1)
    assert "busy" in one("email").problem
    mails.answer = b"250 fine"
    deliver(delivery_id=one("email").pk)
    assert (one("email").state, one("email").attempts, len(mails.mails)) == ("sent", 2, 1)


def test_a_mail_refused_for_good_is_not(resident: Person, mails: MailServer) -> None:
    send(resident, "Hello", channels=["email"])
    mails.answer = b"550 nobody here"
    deliver(delivery_id=one("email").pk)
    assert one("email").state == "failed"
    assert "nobody here" in one("email").problem


def test_no_mail_server_is_given_up_after_the_last_try(resident: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
        send(resident, "Hello", channels=["email"])
        for attempt in range(ATTEMPTS + 1):
            # The job's own strategy and the delivery's count come to the end together.
            job = Job(id=1, queue="", lock=None, queueing_lock=None, task_name="", attempts=attempt)
            with pytest.raises(OSError) as refused:
                deliver(delivery_id=one("email").pk)
            assert (deliver.get_retry_exception(refused.value, job) is None) == (attempt == ATTEMPTS)
            assert one("email").state == ("failed" if attempt == ATTEMPTS else "waiting")


def test_a_push_is_for_that_browser_alone(
    resident: Person, browser: PushService, subscribed: PushSubscription, settings: Any
) -> None:
    told = send(resident, "Ônibus atrasado", "Linha T1", url="/transit/lines/T1/", channels=["push"])
    deliver(delivery_id=one("push").pk)
    (message,) = browser.messages
    assert message["told"] == {
        "id": told.pk,
        "title": "Ônibus atrasado",
        "body": "Linha T1",
        "url": "/transit/lines/T1/",
        "lang": "pt",
    }
    assert message["claims"]["sub"] == f"mailto:{settings.DEFAULT_FROM_EMAIL}"
    assert message["key"].rstrip("=") == settings.SECRETS["web_push"]["public"].rstrip("=")
    assert message["ttl"] == push.KEEP_SECONDS
    assert one("push").state == "sent"


@pytest.mark.parametrize("letter", ["가", "\x01", "“", "a "])
def test_a_long_text_fits_into_a_push(
    resident: Person, browser: PushService, subscribed: PushSubscription, letter: str
) -> None:
    send(resident, letter * 150, letter * 5000, channels=["push"])
    deliver(delivery_id=one("push").pk)
    (message,) = browser.messages
    body = message["told"]["body"]
    assert body.endswith("…") and len(body) > 300


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_left_is_forgotten(
    resident: Person, browser: PushService, subscribed: PushSubscription, status: int
) -> None:
    browser.status = status
    for _ in range(2):
        send(resident, "Hello", channels=["push"])
    for delivery in Delivery.objects.order_by("pk"):
        deliver(delivery_id=delivery.pk)
    assert not PushSubscription.objects.exists()
    assert [delivery.state for delivery in Delivery.objects.all()] == ["gone", "gone"]
    assert browser.requests == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_push_service_in_trouble_is_tried_again(
    resident: Person, browser: PushService, subscribed: PushSubscription, status: int
) -> None:
    browser.status = status
    send(resident, "Hello", channels=["push"])
    with pytest.raises(WebPushException):
        deliver(delivery_id=one("push").pk)
    assert one("push").state == "waiting"
    browser.status = 201
    deliver(delivery_id=one("push").pk)
    assert (one("push").state, len(browser.messages)) == ("sent", 1)


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_push_refused_for_good_is_not(
    resident: Person, browser: PushService, subscribed: PushSubscription, status: int
) -> None:
    browser.status = status
    send(resident, "Hello", channels=["push"])
    deliver(delivery_id=one("push").pk)
    assert one("push").state == "failed"
    assert str(status) in one("push").problem


def test_keys_that_no_browser_makes_harm_nobody(
    resident: Person, browser: PushService, subscribed: PushSubscription
) -> None:
    PushSubscription.objects.update(p256dh="A" * 87)
    send(resident, "Hello", channels=["push"])
    deliver(delivery_id=one("push").pk)
    assert (one("push").state, browser.requests) == ("failed", 0)


def test_a_push_service_leads_nowhere_else(
    resident: Person, browser: PushService, subscribed: PushSubscription
) -> None:
    browser.status, browser.headers = 307, {"Location": f"{browser.origin}/elsewhere"}
    send(resident, "Hello", channels=["push"])
    with pytest.raises(requests.TooManyRedirects):
        deliver(delivery_id=one("push").pk)
    assert browser.requests == 1


def test_what_a_push_service_says_besides_is_not_read(
    resident: Person, browser: PushService, subscribed: PushSubscription
) -> None:
    browser.status, browser.body = 500, b"x" * 1_000_000
    send(resident, "Hello", channels=["push"])
    with pytest.raises(WebPushException) as refused:
        deliver(delivery_id=one("push").pk)
    assert refused.value.response.content == b""


def test_our_own_network_is_out_of_reach(
    resident: Person, browser: PushService, subscribed: PushSubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    send(resident, "Hello", channels=["push"])
    with pytest.raises(requests.ConnectionError, match="not on the public internet"):
        deliver(delivery_id=one("push").pk)
    assert browser.requests == 0
    with pytest.raises(requests.exceptions.InvalidSchema):
        outgoing.new_session().post("http://localhost/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fd00::1", False),
        ("::ffff:10.1.2.3", False),
        ("142.250.79.14", True),
        ("2a00:1450:4001:80b::200e", True),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_person_has_so_many_browsers(resident: Person) -> None:
    for number in range(push.MOST_BROWSERS + 3):
        push.subscribe(resident, f"https://push.example.org/{number}", "p", "a")
    kept = PushSubscription.objects.values_list("endpoint", flat=True)
    assert len(kept) == push.MOST_BROWSERS
    assert "https://push.example.org/2" not in kept and "https://push.example.org/3" in kept
    with pytest.raises(Invalid):
        push.subscribe(resident, "https://[::1", "p", "a")
    other = Person.objects.create_user("other@example.org")
    push.unsubscribe(other, "https://push.example.org/3")
    assert PushSubscription.objects.count() == push.MOST_BROWSERS
    push.unsubscribe(resident, "https://push.example.org/3")
    assert PushSubscription.objects.count() == push.MOST_BROWSERS - 1


def test_who_left_the_city_is_told_nothing(resident: Person, mails: MailServer) -> None:
    send(resident, "Hello", channels=["email"])
    pk = one("email").pk
    resident.delete()
    deliver(delivery_id=pk)
    assert mails.mails == []


@pytest.mark.django_db(transaction=True)
def test_the_worker_carries_and_comes_back_to_what_failed(
    resident: Person, mails: MailServer, browser: PushService, subscribed: PushSubscription
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    browser.status = 503
    send(resident, "Hello")
    work()
    assert len(mails.mails) == 1
    assert (one("email").state, one("push").state) == ("sent", "waiting")
    failed = ProcrastinateJob.objects.get(status="todo")
    assert failed.args == {"delivery_id": one("push").pk}
    assert (failed.attempts, failed.scheduled_at is not None) == (1, True)
    browser.status = 201
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
    work()
    assert one("push").state == "sent"
    assert len(browser.messages) == 1 and len(mails.mails) == 1


def work() -> None:
    """Does every job that is due, as the worker does."""

    async def run(working: Any) -> None:
        async with working.open_async():
            await working.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
        asyncio.run(run(working))
