"""Telling a person something: once, in their language, in the inbox at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from cityhall.kernel import live
from cityhall.kernel.notify import sending
from cityhall.kernel.notify.models import Delivery, Notification, PushSubscription
from cityhall.kernel.notify.sending import choose_channels, holders, mark_read, send, send_to_holders, topic, unread
from cityhall.kernel.notify.tasks import KEEP_DAYS, prune
from cityhall.kernel.people.models import Membership, Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr(live, "publish", lambda topic, message: heard.append((topic, message)))
    return heard


def test_everybody_who_holds_a_role_is_told_once_in_their_language(resident: Person) -> None:
    kim = Person.objects.create_user("kim@example.org", language="ko")
    gone = Person.objects.create_user("gone@example.org", is_active=False)
    for person, role, scope in (
        (resident, "transit.dispatcher", ""),
        (kim, "transit.dispatcher", "zone:north"),
        (kim, "transit.dispatcher", "zone:south"),
        (gone, "transit.dispatcher", ""),
        (kim, "reports.officer", "agency:1"),
    ):
        Membership.objects.create(person=person, role=role, scope=scope)
    assert send_to_holders(_("Your account"), role="transit.dispatcher") == 2
    assert sorted(Notification.objects.values_list("title", flat=True)) == ["Sua conta", "내 계정"]
    assert holders(scope="agency:1") == [kim] and holders(role="reports.officer", scope="agency:2") == []
    assert holders(role="transit.dispatcher", most=1) == [resident]
    # Neither named would be everybody.
    assert holders() == [] and send_to_holders(_("Your account")) == 0


def test_in_the_language_of_who_is_told(resident: Person) -> None:
    told = send(resident, _("Your account"), _("Your household has %(count)d open invitations."), values={"count": 3})
    assert (told.language, told.title) == ("pt", "Sua conta")
    korean = Person.objects.create_user("kim@example.org", language="ko")
    assert send(korean, _("Your account")).title == "내 계정"
    unknown = Person.objects.create_user("x@example.org", language="tlh")
    assert send(unknown, _("Your account")).title == "Your account"


def test_values_may_be_lazy_and_percent_signs_stay(resident: Person) -> None:
    assert send(resident, "%(what)s: 100%%", values={"what": _("Language")}).title == "Idioma: 100%"
    assert send(resident, "100%").title == "100%"


def test_one_key_tells_once(resident: Person) -> None:
    first = send(resident, "Closed", key="report 7 closed")
    assert send(resident, "Closed again", key="report 7 closed") == first
    other = Person.objects.create_user("other@example.org")
    assert send(other, "Closed", key="report 7 closed") != first
    assert [send(resident, "Again").pk, send(resident, "Again").pk] == sorted(
        Notification.objects.filter(title="Again").values_list("pk", flat=True)
    )
    assert Delivery.objects.filter(notification=first).count() == 1


def test_each_channel_wanted_has_a_delivery_and_a_job(resident: Person) -> None:
    for number in range(2):
        PushSubscription.objects.create(person=resident, endpoint=f"https://push.example.org/{number}")
    send(resident, "All")
    assert sorted(Delivery.objects.values_list("channel", flat=True)) == ["email", "push", "push"]
    jobs = ProcrastinateJob.objects.filter(task_name="notify.deliver").values_list("args", flat=True)
    assert {job["delivery_id"] for job in jobs} >= set(Delivery.objects.values_list("pk", flat=True))
    Delivery.objects.all().delete()
    send(resident, "E-mail only", channels=["email"])
    assert [delivery.channel for delivery in Delivery.objects.all()] == ["email"]
    Delivery.objects.all().delete()
    choose_channels(resident, email=False, push=False)
    assert send(resident, "Inbox only").pk
    assert not Delivery.objects.exists()


def test_what_is_rolled_back_was_never_told(resident: Person) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        send(resident, "Never")
        raise RuntimeError
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_the_counter_and_who_hears_of_it(resident: Person, said: list[tuple[str, Any]]) -> None:
    first, second = send(resident, "One", "Text", url="/transit/"), send(resident, "Two")
    assert unread(resident.pk) == 2
    assert mark_read(resident, [first.pk]) == 1
    other = Person.objects.create_user("other@example.org")
    assert mark_read(other, [second.pk]) == 0
    assert unread(resident.pk) == 1
    assert mark_read(resident) == 0
    mine = [message for heard, message in said if heard == topic(resident.pk)]
    assert [message["unread"] for message in mine] == [1, 2, 1, 0]
    assert mine[0] == {"unread": 1, "id": first.pk, "title": "One", "body": "Text", "url": "/transit/"}


@pytest.mark.parametrize("letter", ["가", "\x01", "a"])
def test_a_long_text_is_told_too(resident: Person, letter: str) -> None:
    # PostgreSQL's NOTIFY takes under 8,000 bytes: the live message is cut, the inbox has it all.
    told = send(resident, letter * 300, letter * 20_000, url="/" + "x" * 400)
    assert len(told.title) == 200
    assert len(told.body) == 20_000


@pytest.mark.parametrize("url", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_a_link_leads_nowhere_but_into_the_city(resident: Person, url: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        send(resident, "Look", url=url)


def test_what_was_read_long_ago_goes(resident: Person) -> None:
    old, new, waiting = (send(resident, title) for title in ("old", "new", "waiting"))
    long_ago = timezone.now() - timezone.timedelta(days=KEEP_DAYS + 1)  # type: ignore[attr-defined]
    Notification.objects.filter(pk=old.pk).update(read_at=long_ago)
    Notification.objects.filter(pk=new.pk).update(read_at=timezone.now())
    Notification.objects.filter(pk=waiting.pk).update(sent_at=long_ago)
    prune()
    assert set(Notification.objects.all()) == {new, waiting}


def test_the_inbox_is_read_and_led_on_from(resident: Person) -> None:
    other = Person.objects.create_user("other@example.org")
    mine, theirs = send(resident, "Mine", url="/transit/lines/"), send(other, "Theirs")
    client = Client()
    client.force_login(resident)
    page = client.get("/inbox/").content.decode()
    assert "Mine" in page and "Theirs" not in page
    assert client.get(f"/inbox/{mine.pk}/").status_code == 405
    assert client.post(f"/inbox/{mine.pk}/")["Location"] == "/transit/lines/"
    assert client.post(f"/inbox/{theirs.pk}/")["Location"] == "/inbox/"
    assert (unread(resident.pk), unread(other.pk)) == (0, 1)
    for number in range(31):
        send(resident, f"Number {number}")
    assert "?page=2" in client.get("/inbox/").content.decode()
    assert "Number 0" in client.get("/inbox/?page=2").content.decode()
    assert client.get("/inbox/?page=nonsense").status_code == 200
    client.post("/inbox/read/")
    assert json.loads(client.get("/api/people/notifications/unread").content) == {"unread": 0}
    assert Client().get("/inbox/").status_code == 200, "a stranger reads what would be there"


def test_a_message_is_announced_with_what_a_page_shows() -> None:
    assert sending.LONGEST_SHOWN * 6 + 200 * 6 + 500 < live.LIMIT
