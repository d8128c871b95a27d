"""A special-school bus is seen by the guardians of its pupils, and by nobody else, whichever door they try."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import Http404
from django.test import Client, RequestFactory

from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.consents import give_consent
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit.models import Guardian, Pupil
from cityhall.services.transit.realtime.feeds import FEEDS
from cityhall.services.transit.realtime.snapshot import Snapshot
from cityhall.services.transit.riders import runner, school
from cityhall.web import live
from tests.services.transit.riders.conftest import OUT_8, PLACES, Put

Clock = Callable[..., datetime]
SignIn = Callable[[Person], Client]
NAME = "school-bus-3"
WHERE = "-51.2249"
"""The bus's longitude, which nothing else in the city has."""
SIGNS = (WHERE, NAME, "08:56", "50 min late")


@pytest.fixture
def officer(db: None) -> Person:
    person = Person.objects.create_user("officer@example.org")
    Membership.objects.create(person=person, role="transit.school")
    return person


@pytest.fixture
def rui(db: None) -> Person:
    """A resident with an account, whom it does not concern."""
    return Person.objects.create_user("rui@example.org", "a long password")


@pytest.fixture
def pupil(city: Any, officer: Person) -> Pupil:
    actor = person_actor(officer)
    vehicle = school.hide_bus(actor, NAME, "Bus 3")
    places = ("Harbour", Point(*PLACES["harbour"])), ("Hill School", Point(*PLACES["hill"]))
    return school.add_pupil(actor, "L. M.", vehicle.pk, *places)


@pytest.fixture
def on_the_road(clock: Clock, pupil: Pupil, bus: Put, predict: Any) -> datetime:
    """The bus drives a trip of the public timetable even, with a prediction: no door may tell of it."""
    now = clock(8, 2)
    put = {"trip": OUT_8, "next_sequence": 1, "delay_s": 3000, "speed": 8.0}
    bus(NAME, now, kind="school", point=Point(float(WHERE), -30.03), **put)
    predict(OUT_8, now, NAME, 1, [(8, 56), (9, 2)])
    return now


@pytest.fixture
def guardian(pupil: Pupil, officer: Person, ana: Person) -> Person:
    school.link_guardian(person_actor(officer), pupil.pk, "Ana@example.org")
    give_consent(person_actor(ana), school.CONSENT)
    return ana


def doors(pupil: Pupil) -> Iterator[str]:
    """Every address that shows buses or could."""
    yield from ("/", "/transit/buses/", f"/transit/buses/{NAME}/", f"/transit/buses/{NAME}/?part=1")
    yield from ("/map/layers/transit/vehicles.geojson", "/map/layers/transit/vehicles.geojson?bbox=-52,-31,-51,-30")
    yield from ("/api/transit/vehicles", f"/api/transit/vehicles/{NAME}", "/api/transit/lines/R1/vehicles")
    yield from ("/api/transit/lines/R1/now", "/transit/lines/R1/", "/transit/lines/R1/?part=1")
    for stop in ("harbour", "square", "hill"):
        yield from (f"/transit/stops/{stop}/", f"/transit/stops/{stop}/?part=1", f"/transit/stops/{stop}/board/")
        yield f"/api/transit/stops/{stop}/arrivals"
    yield from (f"/transit/school/{pupil.pk}/", f"/transit/school/{pupil.pk}/?part=1")
    yield from (f"/transit/school/{pupil.pk}/bus.geojson", f"/api/transit/school/{pupil.pk}")
    yield from ("/transit/school/", "/transit/school/office/")
    journey = "from=-51.2300,-30.0300&to=-51.1500,-30.0300&date=2019-05-15&time=07:50"
    yield f"/api/transit/journeys?{journey}"


def told(client: Client, path: str) -> str:
    answer = client.get(path)
    if answer.status_code >= 400 or answer.status_code == 302:
        return ""
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_its_guardian_sees_it(on_the_road: datetime, pupil: Pupil, guardian: Person, signed_in: SignIn) -> None:
    browser = signed_in(guardian)
    feature = browser.get(f"/transit/school/{pupil.pk}/bus.geojson").json()["features"][0]
    assert str(feature["geometry"]["coordinates"][0]) == WHERE
    page = browser.get(f"/transit/school/{pupil.pk}/").content.decode()
    assert "At your stop in" in page and "Harbour" in page
    said = browser.get(f"/api/transit/school/{pupil.pk}").json()
    assert 0 <= said["low_s"] < said["high_s"] and said["at_school"] is False
    assert "L. M." in browser.get("/transit/school/").content.decode()


def gtfs_realtime(now: datetime) -> str:
    """What the feeds say of a moment, without the editions that a server keeps for some seconds."""
    return "".join(str(make(Snapshot.of(int(now.timestamp())))) for make in FEEDS.values())


def test_the_doors_that_are_tried_are_open_for_another_bus(on_the_road: datetime, pupil: Pupil, client: Client) -> None:
    """The same bus as one of the public's: else the refusals below would prove nothing."""
    Vehicle.objects.update(kind="bus")
    speaking = {path for path in doors(pupil) if any(sign in told(client, path) for sign in SIGNS)}
    assert speaking >= {
        *("/transit/buses/", f"/transit/buses/{NAME}/", "/map/layers/transit/vehicles.geojson"),
        *("/api/transit/vehicles", f"/api/transit/vehicles/{NAME}", "/api/transit/lines/R1/vehicles"),
        *("/api/transit/lines/R1/now", "/transit/lines/R1/", "/transit/lines/R1/?part=1"),
        *("/transit/stops/square/", "/transit/stops/square/?part=1", "/api/transit/stops/square/arrivals"),
    }
    assert NAME in gtfs_realtime(on_the_road)


@pytest.mark.parametrize("who", ["nobody", "resident", "guardian who has not agreed", "former guardian"])
def test_nobody_else_sees_it_by_any_door(
    who: str, on_the_road: datetime, pupil: Pupil, ana: Person, rui: Person, officer: Person, signed_in: SignIn
) -> None:
    browser = Client() if who == "nobody" else signed_in(ana if "guardian" in who else rui)
    if "guardian" in who:
        link = school.link_guardian(person_actor(officer), pupil.pk, ana.email)
        if who == "former guardian":
            give_consent(person_actor(ana), school.CONSENT)
            school.unlink_guardian(person_actor(officer), link.pk)
    for path in doors(pupil):
        text = told(browser, path)
        assert not any(sign in text for sign in SIGNS), path
    assert NAME not in gtfs_realtime(on_the_road)


def test_not_even_its_guardian_finds_it_on_the_public_doors(
    on_the_road: datetime, pupil: Pupil, guardian: Person, signed_in: SignIn
) -> None:
    for path in doors(pupil):
        if "/school/" not in path:
            assert NAME not in told(signed_in(guardian), path), path


def test_who_asks_for_another_pupil_learns_nothing(pupil: Pupil, rui: Person, signed_in: SignIn) -> None:
    """A pupil there is and one there is not look the same."""
    for address in ("/transit/school/{}/", "/transit/school/{}/bus.geojson", "/api/transit/school/{}"):
        answers = [signed_in(rui).get(address.format(pk)) for pk in (pupil.pk, pupil.pk + 99)]
        assert [answer.status_code for answer in answers] == [404, 404]
        bodies = [answer.content.replace(str(pupil.pk).encode(), b"") for answer in answers]
        assert len(bodies[0]) == pytest.approx(len(bodies[1]), abs=40)


@pytest.mark.django_db(transaction=True)
def test_no_live_topic_leads_to_it(guardian: Person, pupil: Pupil) -> None:
    """A stream stays open when a link is taken away: not even the guardian gets one."""
    for person in (None, guardian):
        for topic in (f"vehicle-{NAME}", f"school-{pupil.vehicle_id}", NAME):
            request = RequestFactory().get(f"/live/{topic}")

            async def user(person: Person | None = person) -> Any:
                from django.contrib.auth.models import AnonymousUser

                return person or AnonymousUser()

            request.auser = user
            request.user = person
            with pytest.raises(Http404):
                asyncio.run(live.stream(request, topic))


def test_the_guardian_can_take_it_back(
    on_the_road: datetime, pupil: Pupil, guardian: Person, signed_in: SignIn
) -> None:
    browser = signed_in(guardian)
    assert browser.post("/transit/school/consent/", {}).status_code == 302
    assert browser.get(f"/transit/school/{pupil.pk}/").status_code == 404
    browser.post("/transit/school/consent/", {"agree": "1"})
    assert browser.get(f"/transit/school/{pupil.pk}/").status_code == 200
    link = Guardian.objects.get()
    assert browser.post(f"/transit/school/links/{link.pk}/end/").status_code == 302
    assert browser.get(f"/transit/school/{pupil.pk}/").status_code == 404


def test_who_is_no_guardian_has_nothing_to_agree_to(rui: Person, signed_in: SignIn, city: Any) -> None:
    assert signed_in(rui).post("/transit/school/consent/", {"agree": "1"}).status_code == 403


def test_only_the_officer_links_and_enters(pupil: Pupil, rui: Person, ana: Person, signed_in: SignIn) -> None:
    for actor in (ANONYMOUS, person_actor(rui)):
        for forbidden in (
            lambda actor=actor: school.hide_bus(actor, "x"),
            lambda actor=actor: school.link_guardian(actor, pupil.pk, "rui@example.org"),
            lambda actor=actor: school.remove_pupil(actor, pupil.pk),
            lambda actor=actor: school.add_pupil(actor, "x", 1, ("", Point(0, 0)), ("", Point(0, 0))),
        ):
            with pytest.raises(Denied):
                forbidden()
    browser = signed_in(rui)
    assert browser.get("/transit/school/office/").status_code == 403
    form = {"what": "guardian", "pupil": pupil.pk, "email": rui.email}
    assert browser.post("/transit/school/office/change/", form).status_code == 403
    link = school.link_guardian(system("test"), pupil.pk, ana.email)
    assert browser.post(f"/transit/school/links/{link.pk}/end/").status_code == 403
    assert Guardian.objects.count() == 1


def test_the_officer_works_with_the_page(pupil: Pupil, officer: Person, ana: Person, signed_in: SignIn) -> None:
    browser = signed_in(officer)
    change = "/transit/school/office/change/"
    assert browser.post(change, {"what": "guardian", "pupil": pupil.pk, "email": ana.email}).status_code == 302
    assert "ana@example.org" in browser.get("/transit/school/office/").content.decode()
    assert Notification.objects.get(person=ana).url == "/transit/school/"
    stop = {"stop": "Harbour", "stop_lon": "-51.23", "stop_lat": "-30.03"}
    place = {"school": "Hill", "school_lon": "-51.15", "school_lat": "-30.03"}
    entered = {"what": "pupil", "reference": "K. B.", "vehicle": pupil.vehicle_id} | stop | place
    assert browser.post(change, entered).status_code == 302
    assert Pupil.objects.count() == 2
    for wrong in (entered | {"stop_lon": ""}, entered | {"vehicle": "x"}, {"what": "?"}, entered | {"reference": " "}):
        assert browser.post(change, wrong).status_code in (404, 422)
    assert browser.post(change, {"what": "guardian", "pupil": pupil.pk, "email": "no address"}).status_code == 422
    assert browser.post(change, {"what": "remove", "pupil": pupil.pk}).status_code == 302
    assert Guardian.objects.count() == 0
    assert browser.post(change, {"what": "bus", "public_id": "9"}).status_code == 302
    assert Vehicle.objects.get(public_id="9").hidden


def test_the_journal_holds_no_child_and_no_guardian(pupil: Pupil, guardian: Person) -> None:
    kept = str(list(Entry.objects.values_list("data", "subject", "type")))
    for secret in ("L. M.", "ana@example.org", "Harbour", NAME, f"person:{guardian.pk}"):
        assert secret not in kept.replace(f"'person:{guardian.pk}', 'person.consent_given'", "")


def test_near_and_at_school_are_told_once_a_half_day(
    clock: Clock, pupil: Pupil, guardian: Person, rui: Person, bus: Put
) -> None:
    Notification.objects.all().delete()
    now = clock(7, 30)
    bus(NAME, now, kind="school", point=Point(-51.2290, -30.03), speed=8.0)
    runner.look()
    runner.look()
    now = clock(7, 55)
    bus(NAME, now, kind="school", place="hill", speed=0.0)
    runner.look()
    now = clock(7, 56)
    bus(NAME, now, kind="school", place="hill", speed=0.0)
    runner.look()
    titles = [one.title for one in Notification.objects.filter(person=guardian).order_by("pk")]
    assert titles == ["The school bus is about five minutes away", "The school bus is at school"]
    assert not Notification.objects.filter(person=rui).exists()


def test_a_bus_that_is_silent_or_off_is_not_on_the_road(
    clock: Clock, pupil: Pupil, guardian: Person, bus: Put, signed_in: SignIn
) -> None:
    now = clock(8, 2)
    browser = signed_in(guardian)
    assert browser.get(f"/transit/school/{pupil.pk}/bus.geojson").json()["features"] == []
    bus(NAME, clock(7, 50), kind="school")
    clock(8, 2)
    assert "not on the road" in browser.get(f"/transit/school/{pupil.pk}/").content.decode()
    bus(NAME, now, kind="school")
    Vehicle.objects.update(enabled=False)
    assert browser.get(f"/api/transit/school/{pupil.pk}").json() is None


def test_a_pupil_that_is_not_there_is_missing(ana: Person) -> None:
    with pytest.raises(Missing):
        school.bus_of(person_actor(ana), 1, datetime.now(django_settings.CITY.zone))
