"""The doors for e-mail and conversations."""

from __future__ import annotations

import dataclasses
import mailbox
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places import geocoder
from cityhall.services.reports import chat, mail
from cityhall.services.reports.following import followed
from cityhall.services.reports.models import Report
from tests.services.reports.conftest import CENTER, jpeg

pytestmark = pytest.mark.django_db


def letter(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = headers.pop("From", "Maria <maria@example.org>")
    message["Subject"] = headers.pop("Subject", "Street light out")
    message["Message-ID"] = headers.pop("MessageID", "<1@example.org>")
    message.set_content(headers.pop("text", "It has been dark for a week.\nPlace: Rua da Praia\n> quoted"))
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.fixture
def street(city: Path) -> None:
    geocoder.replace_names("test", [geocoder.Named("Rua da Praia", "street", *CENTER)])


def test_a_letter_is_filed_once_and_answered(street: None) -> None:
    filed = mail.take(bytes(letter()))
    assert (filed.report.category.slug, filed.report.point) == ("streetlight", CENTER)
    assert "quoted" not in filed.report.text and filed.report.email == "maria@example.org"
    (answer,) = outbox.outbox
    assert answer.to == ["maria@example.org"] and f"/reports/follow/{filed.secret}/" in answer.body
    assert answer.extra_headers["Auto-Submitted"] == "auto-replied"
    assert mail.take(bytes(letter())).again and len(outbox.outbox) == 1 and Report.objects.count() == 1


def test_the_place_of_a_photo_in_html(street: None) -> None:
    message = letter(text="")
    message.clear_content()
    message.set_content("<p>Fallen <b>tree</b></p><script>alert(1)</script>", subtype="html")
    message.add_attachment(jpeg(gps=CENTER), maintype="image", subtype="jpeg", filename="a.jpg")
    filed = mail.take(bytes(message))
    assert filed.report.point == pytest.approx(CENTER, abs=1e-4) and filed.report.photos.count() == 1
    assert "alert" not in filed.report.text and "Fallen tree" in filed.report.text


def test_without_a_place_the_sender_is_told(street: None) -> None:
    with pytest.raises(Invalid):
        mail.take(bytes(letter(text="It is dark.")))
    assert "/reports/new/" in outbox.outbox[0].body
    with pytest.raises(Invalid):
        mail.take(bytes(letter(text="It is dark.", Auto_Submitted="auto-replied")))
    assert len(outbox.outbox) == 1, "a machine is not answered"


def test_a_maildir_that_is_not_there_is_told_in_a_line(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={"reports": {"maildir": "nowhere"}})
    assert mail.collect() == 0
    assert [record.exc_info for record in caplog.records] == [None] and "maildir" in caplog.text


def test_a_maildir_is_taken_once(street: None, settings: Any) -> None:
    options = {"reports": {"maildir": "mail-in"}}
    settings.CITY = dataclasses.replace(settings.CITY, options=options)
    box = mailbox.Maildir(Path(settings.CITY_FOLDER) / "mail-in", create=True)
    box.add(bytes(letter()))
    box.add(b"nothing that anybody could read")
    assert mail.collect() == 1 and mail.collect() == 0
    assert Report.objects.count() == 1 and len(box) == 2


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for message in (raw, b"From: a@b.example\r\nContent-Type: text/html; charset=nobody\r\n\r\n" + raw):
        with suppress(CityhallError):
            assert "@" in mail.read(message).sender


def test_a_conversation_files_through_the_same_action(street: None) -> None:
    said = chat.file_by_chat(ANONYMOUS, text="There is a fallen tree", place="rua da praia")
    report = Report.objects.get(pk=said["id"])
    assert (report.category.slug, report.via, report.point) == ("tree", "chat", CENTER)
    assert str(report.pk) in said["text"] and followed(said["link"].split("/")[3]) == report
    for place in ("", "nowhere that anybody knows"):
        with pytest.raises(Invalid) as refusal:
            chat.file_by_chat(ANONYMOUS, text="A tree", place=place)
        assert refusal.value.field == "place"
    maria = person_actor(Person.objects.create_user("maria@example.org"))
    assert Report.objects.get(pk=chat.file_by_chat(maria, text="A hole", lon=CENTER[0], lat=CENTER[1])["id"]).person_id
