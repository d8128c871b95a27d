"""Known places: for whoever has an alert there and for nobody else, each look in the journal, nothing kept for ever."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image

from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.media.models import Media
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.services.safety import actions, dispatching, premises, queries
from cityhall.services.safety.models import Alert, Premise
from cityhall.services.safety.premises import Given
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, SETTER_UP, at_desk, officer, patrol, put_up

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"
DOG = "A big dog in the yard"
GATE = "The gate's code is 4711"
NEAR = Point(CENTER.lon + 0.0003, CENTER.lat)
"""29 m east of it."""
FAR = Point(CENTER.lon + 0.0008, CENTER.lat)
"""77 m east of it."""


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, **{"at": NOON, "point": CENTER, **given}).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def known(**given: Any) -> Premise:
    return premises.keep(SETTER_UP, Given("House 7", **{"point": CENTER, "caution": DOG, "note": GATE, **given}))


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 400), "white").save(made, "PNG")
    return made.getvalue()


def looks(premise: Premise) -> list[tuple[str, Any]]:
    found = Entry.objects.filter(type="premise.seen", subject=f"premise:{premise.pk}")
    return list(found.values_list("actor", "data"))


def test_who_has_the_alert_reads_it_others_only_that_there_is_something_and_each_look_is_journalled() -> None:
    ana, ben, place, alert = at_desk("ana"), at_desk("ben"), known(), call()
    actions.answer(ana, alert.pk)
    page = browser(ana).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert DOG in page and "4711" in page and "Caution" in page
    assert looks(place) == [(str(ana), {"alert": alert.pk})]
    page = browser(ben).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert DOG not in page and "4711" not in page and "House 7" not in page
    assert "Something is known of this place" in page
    assert len(looks(place)) == 1
    actions.close(ana, alert.pk, "helped")
    assert DOG not in browser(ana).get(f"/safety/alerts/{alert.pk}/").content.decode(), "it is over"


def test_it_is_round_a_point_at_a_button_or_in_a_vehicle() -> None:
    place = known(radius_m=50)
    assert premises.around(call("near", point=NEAR)) == [place]
    assert premises.around(call("far", point=FAR)) == []
    assert premises.around(call("nowhere", point=None)) == []
    made = put_up("Pole 9", point=FAR)
    at_button = known(point=None, button=made.button)
    alert = Alert.objects.create(
        button=made.button, door="pole", place="x", point=FAR, received_at=NOON, pressed_at=NOON, waits_since=NOON
    )
    assert premises.around(alert) == [at_button]


def test_the_database_holds_none_of_it_in_words() -> None:
    known()
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(t)::text, '') FROM safety_premise t")
        (text,) = cursor.fetchone()
        cursor.execute("SELECT string_agg(row_to_json(t)::text, '') FROM journal_entry t")
        (journal,) = cursor.fetchone()
    for trace in (DOG, "4711", DOG.encode().hex(), b"4711".hex()):
        assert trace not in text and trace not in journal


def test_sealed_under_another_key_it_says_so_and_the_alert_is_still_answered(settings: Any) -> None:
    ana, alert = at_desk("ana"), call()
    known()
    actions.answer(ana, alert.pk)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, []
    page = browser(ana).get(f"/safety/alerts/{alert.pk}/")
    assert page.status_code == 200 and "secret key has changed" in page.content.decode()


def test_the_crew_that_goes_reads_it_and_no_other() -> None:
    ana, gil, hal = at_desk("ana"), officer("gil", "guard"), officer("hal", "guard")
    unit, place, alert = patrol("P1", person=gil), known(), call()
    patrol("P2", station=FAR, person=hal)
    actions.answer(ana, alert.pk)
    sent = dispatching.offer(ana, alert.pk, unit.pk)
    path = f"/safety/unit/{sent.pk}/place/"
    assert browser(gil).get(path).status_code == 404, "it was only offered"
    assert path not in browser(gil).get("/safety/unit/").content.decode()
    dispatching.accept(gil, sent.pk)
    assert path in browser(gil).get("/safety/unit/").content.decode()
    page = browser(gil).get(path).content.decode()
    assert DOG in page and "4711" in page
    assert looks(place) == [(str(gil), {"alert": alert.pk})]
    assert browser(hal).get(path).status_code == 404 and Client().get(path).status_code in (302, 403)
    dispatching.arrive(gil, sent.pk)
    dispatching.done(gil, sent.pk)
    assert browser(gil).get(path).status_code == 404


def test_the_register_with_a_floor_plan_that_is_made_anew_and_goes_with_its_place() -> None:
    sue = at_desk("sue", "supervisor")
    client = browser(sue)
    form = {"name": "School", "lon": str(CENTER.lon), "lat": str(CENTER.lat), "radius_m": "80", "caution": DOG}
    plan = SimpleUploadedFile("plan.png", picture(), "image/png")
    assert client.post("/safety/places/", {**form, "plan": plan}).status_code == 302
    place = Premise.objects.get()
    assert place.plan is not None and not place.plan.public and place.plan.owner_id is None
    assert "School" in client.get("/safety/places/").content.decode() and looks(place) == []
    page = client.get(f"/safety/places/{place.pk}/").content.decode()
    assert DOG in page and len(looks(place)) == 1
    assert client.post(f"/safety/places/{place.pk}/", {**form, "caution": "No dog"}).status_code == 302
    place.refresh_from_db()
    assert place.plan is not None, "what was not given anew stays"
    alert = call()
    actions.answer(sue, alert.pk)
    shown = client.get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "No dog" in shown and 'alt="Floor plan of School"' in shown
    client.post(f"/safety/places/{place.pk}/forget/")
    assert not Premise.objects.exists() and not Media.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"name": "x"},
        {"name": "x", "lon": "1", "lat": "1", "radius_m": "501"},
        {"name": "x", "button": "no such"},
        {"name": "x", "vehicle": "no such"},
        {"name": "x", "lon": "181", "lat": "1"},
    ],
)
def test_a_place_that_is_nowhere_is_not_kept(form: dict[str, str]) -> None:
    page = browser(at_desk("sue", "supervisor")).post("/safety/places/", form)
    assert page.status_code == 200 and not Premise.objects.exists()


def test_nothing_is_kept_for_longer_than_a_year_unless_somebody_confirms_it() -> None:
    sue = at_desk("sue", "supervisor")
    with pytest.raises(Invalid):
        premises.keep(sue, Given("x", point=CENTER, until=(NOON + timedelta(days=366)).date()), now=NOON)
    place = premises.keep(sue, Given("x", point=CENTER, plan=[picture()]), now=NOON)
    assert premises.erase(NOON + timedelta(days=364)) == 0
    premises.keep(sue, Given("x", point=CENTER), place.pk, now=NOON + timedelta(days=300))
    assert premises.erase(NOON + timedelta(days=366)) == 0
    assert premises.erase(NOON + timedelta(days=666)) == 1
    assert not Premise.objects.exists() and not Media.objects.exists()


def test_operators_do_not_read_the_register() -> None:
    place, ana = known(), at_desk("ana")
    for path in ("/safety/places/", f"/safety/places/{place.pk}/"):
        assert browser(ana).get(path).status_code == 403
    with pytest.raises(Denied):
        premises.read(ana, place.pk)
    with pytest.raises(Denied):
        premises.forget(ana, place.pk)
    assert looks(place) == []


def test_the_history_of_button_caller_and_place_with_how_they_ended() -> None:
    ana = at_desk("ana")
    for name, outcome in (("1", "false"), ("2", "false"), ("3", "helped")):
        old = call(name, phone="+351 900", point=FAR)
        actions.answer(ana, old.pk)
        actions.close(ana, old.pk, outcome)
    call("here", point=CENTER)
    Alert.objects.create(
        exercise=True, door="phone", phone="+351 900", received_at=NOON, pressed_at=NOON, waits_since=NOON
    )
    call("long-ago", phone="+351 900", at=NOON - timedelta(days=91), point=None)
    alert = call("now", phone="+351 900", point=NEAR)
    found = queries.history(alert, now=NOON)
    assert found.count == 4
    assert found.ended[0] == ("false alarm", 2) and {count for _word, count in found.ended[1:]} == {1}
    for name in ("5", "6"):
        alert = call(name, phone="+351 901", point=None, at=timezone.now())
    assert "1 alert in 90 days" in browser(ana).get(f"/safety/alerts/{alert.pk}/").content.decode()
