"""The mail door against letters that nobody wrote, that nobody meant for everybody, or that nobody can read."""

from __future__ import annotations

import dataclasses
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client

from cityhall.kernel.errors import Invalid
from cityhall.kernel.notify.models import Notification
from cityhall.services.reports import actions, mail
from cityhall.services.reports.models import CellCount, Refused, Report
from tests.services.reports.conftest import CENTER, jpeg, officer_of
from tests.services.reports.test_mail import letter, street

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
__all__ = ["street"]
GOOD = b"From: Maria <maria@example.org>\r\nSubject: Street light out\r\n\r\nIt is dark.\r\nPlace: Rua da Praia\r\n"


def nested(depth: int) -> bytes:
    """A message within a message within a message."""
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return b"From: a@example.org\r\n" + b"".join(parts) + b"\r\nhi"


UNREADABLE = {
    "marked section": b"From: a@example.org\r\nContent-Type: text/html\r\n\r\n<![foo[bar",
    "nested": nested(1500),
}
"""Each raised something that is no refusal, and every letter behind it waited for ever."""
ODD = {
    "newline in the name": b"From: =?utf-8?q?Maria=0a?= <b@example.org>\r\n",
    "unknown character set": b'From: c@example.org\r\nContent-Type: text/plain; charset="\xff"\r\n',
    "half a character": b"From: d@example.org\r\nContent-Type: text/plain; charset=utf-7\r\nSubject: +2AA-\r\n",
    "open bracket": b"From: e@example.org\r\nMessage-ID: [\r\nSubject: \xff=?x?q?=00?=\r\n",
}
"""What can be made out all the same is filed."""
SENDERLESS = (b"From: a@[\r\n\r\nhi", b"From: \r\nMessage-ID: <\r\n\r\nhi", b"From: a@b@c\r\n\r\nhi", b"\0\xff")


@pytest.fixture
def box(street: None, settings: Any) -> Path:
    """A mailbox of the city's."""
    settings.CITY = dataclasses.replace(settings.CITY, options={"reports": {"maildir": "mail-in", "per_hour": 100}})
    made = Path(settings.CITY_FOLDER) / "mail-in"
    for part in ("new", "cur", "tmp"):
        (made / part).mkdir(parents=True)
    return made


def test_letters_that_nobody_can_read_do_not_shut_the_door(box: Path) -> None:
    officer_of("water")
    for number, raw in enumerate([*UNREADABLE.values(), *SENDERLESS]):
        (box / "new" / f"1.{number}.mx").write_bytes(raw)
    (box / "new" / "2.mx").write_bytes(GOOD)
    assert mail.collect() == 1 and mail.collect() == 0
    assert Report.objects.get().email == "maria@example.org" and not list((box / "new").iterdir())
    aside = sorted(path.read_bytes() for path in (box / ".set-aside" / "cur").iterdir())
    assert aside == sorted(UNREADABLE.values())
    assert len(list((box / "cur").iterdir())) == len(SENDERLESS) + 1
    told = Notification.objects.filter(person__email="olga@example.org")
    assert told.count() == 1, "once a day, however many there are"
    assert Refused.objects.get(reason="unreadable_mail").count == len(UNREADABLE)


@pytest.mark.parametrize("head", ODD.values(), ids=ODD)
def test_odd_letters_are_filed(box: Path, head: bytes) -> None:
    (box / "new" / "1.mx").write_bytes(head + b"\r\nA pothole +2AA-\r\nPlace: Rua da Praia\0\r\n")
    assert mail.collect() == 1
    report = Report.objects.get()
    assert report.point == CENTER and "pothole" in report.text and len(outbox.outbox) == 1


def test_where_answers_cannot_be_sent_letters_are_filed(box: Path, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for number, text in enumerate((GOOD, b"From: a@example.org\r\n\r\nNo place is named.\r\n", GOOD + b"And wet.")):
        (box / "new" / f"{number}.mx").write_bytes(text)
    assert mail.collect() == 2 and not list((box / "new").iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-replied; owner=x"),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "Bulk"),
        ("Precedence", "auto_reply"),
        ("List-Id", "<news.example.org>"),
        ("List-Unsubscribe", "<mailto:off@example.org>"),
        ("X-Auto-Response-Suppress", "All"),
        ("Return-Path", "<>"),
    ],
)
def test_what_a_machine_sends_is_neither_filed_nor_answered(street: None, name: str, value: str) -> None:
    with pytest.raises(Invalid):
        mail.take(bytes(letter(Subject="Out of office", **{name: value})))
    assert not Report.objects.exists() and not outbox.outbox
    assert Refused.objects.get().reason == "machine_mail"
    assert mail.take(bytes(letter(Auto_Submitted="no"))).report.pk, "a person's program may say that it is none"


SIGNATURES = {
    "dashes": "-- \nMaria Silva\nRua Nova 12\n+55 51 99999-1234",
    "regards": "Kind regards,\nMaria Silva\nRua Nova 12\n(51) 99999 1234",
    "abraços": "Abraços\n\nMaria Silva\nLocal: Rua Nova 12\n51 99999-1234",
    "saludos": "Un saludo,\nMaria Silva\nDirección: Rua Nova 12\n51.9999.1234",
    "드림": "Maria 드림\n주소: Rua Nova 12\n010-9999-1234",
    "name": "Maria Silva\nAddress: Rua Nova 12\n+5551999991234",
    "telephone": "Enviado do meu iPhone\nMaria Silva, Rua Nova 12, 51999991234",
    "quoted": "Em sex., 27 de nov. de 2026, Maria Silva\n<maria@example.org> escreveu:\n> Rua Nova 12\n> 99999-1234",
    "outlook": "From: Maria Silva <maria@example.org>\nSent: Friday\nTo: City\n\nRua Nova 12, 51 99999 1234",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_is_not_published_and_says_no_place(street: None, signature: str) -> None:
    from cityhall.kernel.places import geocoder

    geocoder.replace_names("home", [geocoder.Named("Rua Nova 12", "street", CENTER[0] + 0.01, CENTER[1])])
    message = letter(From="Maria Silva <maria@example.org>", text=f"It has been dark for a week.\n\n{signature}\n")
    message.add_attachment(jpeg(gps=CENTER), maintype="image", subtype="jpeg", filename="a.jpg")
    report = mail.take(bytes(message)).report
    assert report.point == pytest.approx(CENTER, abs=1e-4), "where the photo was taken, not where the writer lives"
    shown = Client().get(f"/reports/{report.pk}/").content.decode() + str(
        Client().get(f"/api/reports/{report.pk}").json()
    )
    assert "dark for a week" in shown
    assert not any(part in shown for part in ("Silva", "Rua Nova", "1234", "maria@"))


def test_quotations_of_a_page_are_not_published(street: None) -> None:
    message = letter()
    message.clear_content()
    message.set_content(
        '<div>Place: Rua da Praia<br>A fallen tree</div><div class="gmail_quote">Maria<blockquote>Rua Nova</blockquote>'
        '</div><div>by the school</div><div id="divRplyFwdMsg">Maria Silva</div><p>99999-1234</p>',
        subtype="html",
    )
    assert mail.take(bytes(message)).report.text == "Street light out\nA fallen tree\nby the school"


@pytest.mark.parametrize(
    "text", ["Call me: 51 99999-1234.", "Write to me@example.org.", "I am Maria  Silva, a neighbour."]
)
def test_who_still_stands_in_a_text_waits_for_an_officer(street: None, text: str) -> None:
    message = letter(From="Maria Silva <maria@example.org>", text=f"It is dark.\n{text}\nPlace: Rua da Praia")
    filed = mail.take(bytes(message))
    page = f"/reports/{filed.report.pk}/"
    assert Client().get(page).status_code == 404 and not CellCount.objects.exists()
    assert Client().get(f"/reports/follow/{filed.secret}/").status_code == 200
    actions.hide(officer_of(filed.report.case.agency.slug), filed.report.pk, hidden=False)
    assert Client().get(page).status_code == 200 and CellCount.objects.count() == 1


def test_who_begins_with_a_greeting_is_heard_to_the_end(street: None) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Saludos <saludos@example.org>", "Fallen tree"
    message.set_content("Saludos\nA tree lies on the road.\nPlace: Rua da Praia\nIt is large.\n> no\nGracias")
    assert mail.take(bytes(message)).report.text == "Fallen tree\nSaludos\nA tree lies on the road.\nIt is large."
