"""Warnings: drafted by one, released by another, through every door, and never another moment than that of release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.engines.cap.checking import check
from cityhall.engines.cap.reading import read
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.services.safety import warning as actions
from cityhall.services.safety.models import Warning
from tests.services.safety.conftest import CENTER, officer

pytestmark = pytest.mark.usefixtures("city")


def given(**other: Any) -> dict[str, Any]:
    return {
        "category": "Met",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Likely",
        "headlines": {"en": "Flood at the river", "pt": "Cheia do rio"},
        "texts": {"en": "The river rises <fast> & far."},
        "instructions": {"en": "Go up."},
        "area": "Harbour",
        "center": CENTER,
        "radius_m": 2000,
        "expires_at": timezone.now() + timedelta(hours=6),
    } | other


@pytest.fixture
def two(city: object) -> tuple[Actor, Actor]:
    return officer("ana", "warnings"), officer("ben", "warnings")


def test_released_it_is_valid_cap_and_its_moment_never_changes(two: tuple[Actor, Actor]) -> None:
    ana, ben = two
    made = actions.release(ben, actions.draft(ana, given()).pk)
    xml = Client().get(f"/safety/warnings/{made.pk}/cap.xml").content
    found = check(xml)
    assert found.valid and not found.signed, found.reason
    (message,) = read(xml)
    assert message.sent == made.sent_at and message.msg_type == "Alert" and len(message.infos) == 2
    assert message.infos[0].areas[0].circles[0].radius_km == 2
    made.save()
    assert Client().get(f"/safety/warnings/{made.pk}/cap.xml").content == xml
    assert made.identifier in Client().get("/safety/warnings/feed.xml").content.decode()


def test_nobody_releases_their_own_by_any_door(two: tuple[Actor, Actor]) -> None:
    ana, _ben = two
    draft = actions.draft(ana, given())
    with pytest.raises(Denied):
        actions.release(ana, draft.pk)
    browser = Client()
    browser.force_login(Person.objects.get(pk=ana.person_id))
    assert browser.post(f"/safety/warnings/{draft.pk}/release/").status_code == 403
    Person.objects.filter(pk=ana.person_id).update(is_superuser=True)
    with pytest.raises(Denied):
        actions.release(ana, draft.pk)
    assert Client().get(f"/safety/warnings/{draft.pk}/").status_code == 404
    assert Client().get(f"/safety/warnings/{draft.pk}/cap.xml").status_code == 404


def test_an_update_and_a_cancellation_name_what_they_replace(two: tuple[Actor, Actor]) -> None:
    ana, ben = two
    first = actions.release(ben, actions.draft(ana, given()).pk)
    second = actions.release(ana, actions.update(ben, first.pk, given(severity="Extreme")).pk)
    first.refresh_from_db()
    assert first.state == "over" and [one.pk for one in actions.going_on()] == [second.pk]
    third = actions.release(ben, actions.cancel(ana, second.pk).pk)
    for one, before, kind in ((second, first, "Update"), (third, second, "Cancel")):
        (message,) = read(bytes(one.xml or b""))
        (reference,) = message.references
        assert (message.msg_type, reference.identifier, reference.sent) == (kind, before.identifier, before.sent_at)
    assert actions.going_on() == []
    with pytest.raises(Conflict):
        actions.update(ana, first.pk, given())


def test_of_two_changes_of_one_warning_one_goes_out(two: tuple[Actor, Actor]) -> None:
    ana, ben = two
    first = actions.release(ben, actions.draft(ana, given()).pk)
    one, other = (actions.update(ana, first.pk, given()) for _change in range(2))
    actions.release(ben, one.pk)
    with pytest.raises(Conflict):
        actions.release(ben, other.pk)
    assert Warning.objects.filter(state="released").count() == 1


def test_who_wants_to_is_told_by_place_and_in_their_language(two: tuple[Actor, Actor]) -> None:
    ana, ben = two
    near, far, everywhere = (Person.objects.create_user(f"{n}@example.org", name=n) for n in ("near", "far", "all"))
    Person.objects.filter(pk=near.pk).update(language="pt")
    for person, point in ((near, CENTER), (far, Point(CENTER.lon + 1, CENTER.lat)), (everywhere, None)):
        actions.follow(Actor("person", str(person.pk)), wanted=True, point=point)
    assert actions.release(ben, actions.draft(ana, given()).pk).told == 2
    told = dict(Notification.objects.values_list("person__name", "title"))
    assert set(told) == {"near", "all"} and "Cheia do rio" in told["near"] and "Flood" in told["all"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity": "Dreadful"},
        {"headlines": {}},
        {"headlines": {"en": "x" * 161}},
        {"radius_m": None},
        {"center": None},
        {"expires_at": timezone.now() - timedelta(days=1)},
        {"expires_at": timezone.now() + timedelta(days=30)},
        {"expires_at": None},
    ],
)
def test_what_cannot_be_a_warning(two: tuple[Actor, Actor], wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        actions.draft(two[0], given(**wrong))


def test_what_is_over_by_then_is_not_released(two: tuple[Actor, Actor]) -> None:
    ana, ben = two
    draft = actions.draft(ana, given())
    with pytest.raises(Invalid):
        actions.release(ben, draft.pk, now=timezone.now() + timedelta(hours=7))


def test_written_released_and_taken_back_by_the_pages(two: tuple[Actor, Actor]) -> None:
    browsers = []
    for actor in two:
        browser = Client()
        browser.force_login(Person.objects.get(pk=actor.person_id))
        browsers.append(browser)
    ana, ben = browsers
    form = {"category": "Fire", "urgency": "Expected", "severity": "Minor", "certainty": "Possible", "hours": "3"}
    assert ana.post("/safety/warnings/desk/", form | {"headlines_en": "Smoke in the hills"}).status_code == 302
    draft = Warning.objects.get()
    assert "somebody else releases it" in ana.get("/safety/warnings/desk/").content.decode()
    assert ben.post(f"/safety/warnings/{draft.pk}/release/").status_code == 302
    assert "Smoke in the hills" in Client().get("/").content.decode()
    assert "Smoke in the hills" in Client().get("/safety/warnings/").content.decode()
    page = ben.get(f"/safety/warnings/desk/?update={draft.pk}").content.decode()
    assert "Smoke in the hills" in page and "A change of" in page
    assert ben.post(f"/safety/warnings/{draft.pk}/cancel/").status_code == 302
    cancel = Warning.objects.get(type="Cancel")
    assert ana.post(f"/safety/warnings/{cancel.pk}/release/").status_code == 302
    assert "There is no warning now" in Client().get("/safety/warnings/").content.decode()
    assert Client().post("/safety/warnings/desk/", form).status_code == 403
