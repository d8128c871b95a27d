"""Warnings of others: each a draft that a person releases, once; changed and taken back as its source does it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.utils import timezone

from cityhall.engines.cap import Alert, Area, Circle, Info, Reference, write
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import warning as actions
from cityhall.services.safety import warnings_in
from cityhall.services.safety.models import Warning, WarningHeard
from tests.engines.cap import test_signatures as by_hand
from tests.services.safety.conftest import CENTER, SETTER_UP, officer

pytestmark = pytest.mark.usefixtures("city")
DOOR = "/api/safety/warnings/cap"
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "safety" / "cap"


def now() -> datetime:
    return timezone.now().replace(microsecond=0)


def alert(identifier: str = "met.1", **other: Any) -> Alert:
    info = Info(
        categories=("Met",),
        event="Storm",
        urgency="Expected",
        severity="Severe",
        certainty="Likely",
        language="en-GB",
        expires=now() + timedelta(hours=5),
        headline="Storm from the south",
        description="Gusts of 110 km/h.",
        instruction="Stay inside.",
        areas=(Area("Metropolitan area", circles=(Circle((CENTER.lon, CENTER.lat), 30),)),),
    )
    made = Alert(identifier, "met@example.org", now(), "Actual", "Alert", "Public", infos=(info,))
    return replace(made, **other)


def changed(before: Alert, identifier: str, kind: str = "Update", **info: Any) -> Alert:
    """A message that updates or takes back another."""
    reference = Reference(before.sender, before.identifier, before.sent)
    infos = tuple(replace(one, **info) for one in before.infos)
    return replace(before, identifier=identifier, msg_type=kind, references=(reference,), infos=infos)


class Brings:
    """A source with its id and key."""

    def __init__(self, certificate: str = "") -> None:
        source, self.key = warnings_in.register(SETTER_UP, "Weather service", certificate)
        self.device = source.device

    def post(self, body: bytes, key: str = "") -> Any:
        shown = base64.b64encode(f"{self.device.public_id}:{key or self.key}".encode()).decode()
        headers = {"authorization": f"Basic {shown}"}
        return Client().post(DOOR, body, content_type="application/cap+xml", headers=headers)

    def became(self, message: Alert | bytes) -> dict[str, str]:
        answer = self.post(message if isinstance(message, bytes) else write(message))
        assert answer.status_code == 200, answer.content
        (one,) = answer.json()
        return dict(one)

    def warning(self, message: Alert) -> Warning:
        return Warning.objects.get(pk=int(self.became(message)["became"].partition(":")[2]))


@pytest.fixture
def source(city: object) -> Brings:
    return Brings()


@pytest.fixture
def ben(city: object) -> Actor:
    return officer("ben", "warnings")


def test_a_message_is_a_draft_once_and_a_person_releases_it(source: Brings, ben: Actor) -> None:
    message = alert()
    made = source.warning(message)
    assert (made.state, made.author_id, made.severity, made.category) == (Warning.State.DRAFT, None, "Severe", "Met")
    assert made.headlines == {"en": "Storm from the south"} and made.texts == {"en": "Gusts of 110 km/h."}
    assert made.area == "Metropolitan area" and made.radius_m == pytest.approx(30_000, abs=5)
    assert source.warning(message) == made and Warning.objects.count() == WarningHeard.objects.count() == 1
    browser = Client()
    browser.force_login(Person.objects.get(pk=ben.person_id or 0))
    desk = browser.get("/safety/warnings/desk/").content.decode()
    assert "Heard from Weather service" in desk and "not signed" in desk
    browser.post(f"/safety/warnings/{made.pk}/release/")
    made.refresh_from_db()
    assert made.state == Warning.State.RELEASED and made.releaser_id == ben.person_id
    assert Entry.objects.filter(type="warning.heard").count() == 1


def test_a_draft_whose_author_is_gone_is_still_nobodys_to_release(ben: Actor) -> None:
    from tests.services.safety.test_warnings import given

    ana = officer("ana", "warnings")
    draft = actions.draft(ana, given())
    Warning.objects.filter(pk=draft.pk).update(author=None)
    with pytest.raises(Denied):
        actions.release(ben, draft.pk)


def test_an_update_and_a_cancellation_follow_what_was_released(source: Brings, ben: Actor) -> None:
    first = alert()
    old = actions.release(ben, source.warning(first).pk)
    second = changed(first, "met.2", headline="Storm, now worse")
    new = source.warning(second)
    assert (new.type, new.replaces_id, new.headlines["en"]) == ("Update", old.pk, "Storm, now worse")
    # Before anybody releases it the source thinks again: of the two drafts the later one stands.
    third = source.warning(changed(second, "met.3", headline="Storm, less bad"))
    new.refresh_from_db()
    assert new.state == Warning.State.DROPPED and third.replaces_id == old.pk
    actions.release(ben, third.pk)
    back = source.warning(changed(changed(second, "met.3"), "met.4", kind="Cancel"))
    assert (back.type, back.replaces_id, back.state) == ("Cancel", third.pk, Warning.State.DRAFT)
    actions.release(ben, back.pk)
    third.refresh_from_db()
    assert third.state == Warning.State.OVER and not actions.going_on()


def test_what_is_taken_back_before_its_release_is_thrown_away(source: Brings, ben: Actor) -> None:
    first = alert()
    draft = source.warning(first)
    source.became(changed(first, "met.2", kind="Cancel"))
    draft.refresh_from_db()
    assert draft.state == Warning.State.DROPPED
    with pytest.raises(Conflict):
        actions.release(ben, draft.pk)


def elsewhere() -> tuple[Info, ...]:
    return tuple(replace(one, areas=(Area("Far", circles=(Circle((10.0, 50.0), 40),)),)) for one in alert().infos)


def over() -> tuple[Info, ...]:
    return tuple(replace(one, expires=now() - timedelta(minutes=1)) for one in alert().infos)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"status": "Exercise"}, "not_actual"),
        ({"status": "Test"}, "not_actual"),
        ({"scope": "Private", "addresses": ("a@example.org",)}, "not_public"),
        ({"msg_type": "Ack", "references": (Reference("a", "b", datetime(2026, 1, 1, tzinfo=UTC)),)}, "no_warning"),
        ({"infos": over()}, "over"),
        ({"infos": elsewhere()}, "elsewhere"),
        ({"msg_type": "Cancel", "references": (Reference("a", "b", datetime(2026, 1, 1, tzinfo=UTC)),)}, "of_none"),
    ],
)
def test_what_is_none_for_the_citys_people_is_kept_with_why(source: Brings, other: dict[str, Any], why: str) -> None:
    assert source.became(alert(**other)) == {"identifier": "met.1", "became": "", "why": why}
    assert not Warning.objects.exists() and WarningHeard.objects.get().why == why


def test_polygons_words_and_unsure_values_are_read_as_a_person_would(source: Brings) -> None:
    square = tuple((CENTER.lon + x, CENTER.lat + y) for x, y in ((-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, -0.1)))
    (info,) = alert().infos
    odd = replace(info, severity="Unknown", certainty="Unlikely", urgency="Unknown", categories=("CBRNE",))
    made = source.warning(alert(infos=(replace(odd, areas=(Area("Basin", polygons=(square,)),), language="xx"),)))
    assert (made.severity, made.certainty, made.urgency, made.category) == (
        "Moderate",
        "Possible",
        "Expected",
        "Health",
    )
    assert made.center is not None and made.center.lon == pytest.approx(CENTER.lon)
    assert 14_000 < (made.radius_m or 0) < 15_000
    assert set(made.headlines) == {"en"}, "in the city's own language where it is in none of them"
    words = source.warning(alert("met.2", infos=(replace(info, areas=(Area("The whole state"),)),)))
    assert words.center is None and words.area == "The whole state"


def test_only_what_a_known_certificate_has_signed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "BEGINS", now() - timedelta(days=1))
    monkeypatch.setattr(by_hand, "ENDS", now() + timedelta(days=1))
    key = rsa.generate_private_key(65537, 2048)
    sealed = Brings(by_hand.certificate(key).public_bytes(Encoding.PEM).decode())
    assert sealed.post(write(alert())).json()["code"] == "not_signed"
    text = re.sub(r"<(/?)(\w)", r"<\1cap:\2", write(alert()).decode().partition("?>")[2].strip())
    good = by_hand.signed(text.replace(" xmlns=", " xmlns:cap="), key)
    broken = good.replace("110 km/h", "190 km/h").encode()
    assert sealed.post(broken).json()["code"] == "bad_signature"
    other = by_hand.signed(text.replace(" xmlns=", " xmlns:cap="), rsa.generate_private_key(65537, 2048))
    assert sealed.post(other.encode()).json()["code"] == "bad_signature", "signed, and by somebody else"
    assert not WarningHeard.objects.exists()
    assert sealed.became(good.encode())["became"].startswith("warning:") and WarningHeard.objects.get().signed
    # Of a source without one: unsigned is taken and says so, a broken signature never.
    open_ = Brings()
    assert open_.post(broken).status_code == 422
    assert open_.became(write(alert("met.9")))["became"]
    with pytest.raises(Invalid):
        warnings_in.register(SETTER_UP, "Other", "no certificate")


def test_nobody_else_brings_any_and_no_bytes_break_the_door(source: Brings) -> None:
    assert source.post(write(alert()), key="wrong").status_code == 401
    for body in (b"", b"\0", b"<alert/>", b"{}", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        assert source.post(body).status_code == 422
    assert source.post(b"<a>" + b" " * warnings_in.MOST_BYTES + b"</a>").status_code == 413
    assert not Warning.objects.exists()


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not here")
def test_real_messages_of_others_are_taken_or_refused_and_break_nothing(source: Brings) -> None:
    files = sorted(SAMPLES.rglob("*.xml")) + sorted(SAMPLES.rglob("*.cap"))
    statuses = [source.post(path.read_bytes()).status_code for path in files if path.stat().st_size < 2_000_000]
    assert len(statuses) > 20 and set(statuses) <= {200, 422}
    assert statuses.count(200) > 8
    assert WarningHeard.objects.exclude(why="").exists(), "most are over by now"


def test_a_source_is_entered_at_the_page_of_doors_and_what_it_said_stands_there(source: Brings) -> None:
    browser = Client()
    lead = officer("rui", "supervisor")
    browser.force_login(Person.objects.get(pk=lead.person_id or 0))
    source.became(alert(status="Test"))
    page = browser.post("/safety/doors/", {"what": warnings_in.DEVICE, "name": "Civil protection"}).content.decode()
    assert "Its key is shown only now" in page and "Civil protection" in page
    assert "an exercise or a test" in page and "also what is not signed" in page
    wrong = browser.post("/safety/doors/", {"what": warnings_in.DEVICE, "name": "X", "certificate": "no"})
    assert wrong.status_code == 422
