"""A scene for each job: a city in which it has something to do."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from cityhall.engines.pictures.faces import Found
from cityhall.kernel.city.secrets import journal_key
from cityhall.kernel.journal import append, sealer
from cityhall.kernel.limits.models import Spent
from cityhall.kernel.notify.models import Delivery, Notification
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Household, HouseholdMember, Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places import geocoder
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.work.models import SetAside
from cityhall.services.map.datasets import actions as datasets
from cityhall.services.map.models import SavedView, Trail
from cityhall.services.reports import categories, photos
from cityhall.services.reports.models import OtherCity, Photo, Report
from cityhall.services.safety import alarm_companies, carrying, company_telling, escort_telling, escorts, texting, texts
from cityhall.services.safety.models import Centre, CompanyMessage, Passing, Taken
from cityhall.services.safety.pressing import press
from cityhall.services.safety.sealing import sealed
from cityhall.services.transit import actions as transit
from cityhall.services.transit import days
from cityhall.services.transit.models import FollowedTrip, Guardian, Pupil, StopCall
from cityhall.services.transit.realtime import history
from tests.feeds import write_feed
from tests.services.reports.conftest import CENTER, filed, jpeg


@dataclass(frozen=True)
class Stage:
    """The city's folder, and what may be set for the time of a test."""

    folder: Path
    settings: Any
    patch: pytest.MonkeyPatch

    def city(self, **values: Any) -> None:
        """What city.toml says."""
        self.settings.CITY = dataclasses.replace(self.settings.CITY, **values)

    def lines(self) -> None:
        """The small feed of 2019 in service."""
        self.city(gtfs=("gtfs.zip",), osm="")
        write_feed(self.folder / "gtfs.zip")
        transit.load(lambda what, share: None)


Scene = Callable[[Stage], dict[str, Any]]
SCENES: dict[str, Scene] = {}
LONG_AGO = timedelta(days=400)


def scene(name: str) -> Callable[[Scene], Scene]:
    """Makes a function the scene of a job; it gives the values that the job is deferred with."""

    def made(function: Scene) -> Scene:
        SCENES[name] = function
        return function

    return made


def maria(email: str = "maria@example.org") -> Person:
    return Person.objects.create_user(email, "a long password", name="Maria", language="pt")


@scene("limits.forget")
def old_limits(stage: Stage) -> dict[str, Any]:
    Spent.objects.create(key="then", until=timezone.now() - LONG_AGO)
    return {}


@scene("work.forget")
def old_jobs(stage: Stage) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'test.old')")
        cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded'")
        cursor.execute("UPDATE procrastinate_events SET at = %s", [timezone.now() - LONG_AGO])
    return {}


@scene("work.forget-aside")
def old_notes(stage: Stage) -> dict[str, Any]:
    SetAside.objects.create(work="test", item="1", problem="", last_at=timezone.now() - LONG_AGO)
    return {}


@scene("journal.anchor")
def journal(stage: Stage) -> dict[str, Any]:
    stage.city(anchor_to="auditor@example.org")
    journal_key(stage.folder)
    moment = timezone.now()
    stage.patch.setattr("cityhall.kernel.clock.now", lambda zone=UTC: moment.astimezone(zone))
    append("test", "test.happened", {})
    sealer.seal()
    return {}


@scene("indicators.sample")
def indicators(stage: Stage) -> dict[str, Any]:
    return {}


@scene("people.forget_sessions")
def old_sessions(stage: Stage) -> dict[str, Any]:
    Session.objects.create(session_key="then", session_data="", expire_date=timezone.now() - LONG_AGO)
    return {}


@scene("people.forget_unconfirmed")
def claimed_address(stage: Stage) -> dict[str, Any]:
    claimed = maria()
    EmailAddress.objects.create(user=claimed, email=claimed.email, primary=True, verified=False)
    Person.objects.update(joined_at=timezone.now() - LONG_AGO)
    return {}


def invited(ago: timedelta = timedelta()) -> tuple[Person, HouseholdMember]:
    inviter, household = maria(), Household.objects.create(name="Us")
    member = HouseholdMember.objects.create(household=household, email="rui@example.org")
    HouseholdMember.objects.update(invited_at=timezone.now() - ago)
    return inviter, member


@scene("people.forget_invitations")
def old_invitation(stage: Stage) -> dict[str, Any]:
    invited(LONG_AGO)
    return {}


@scene("people.send_invitation")
def invitation(stage: Stage) -> dict[str, Any]:
    inviter, member = invited()
    return {"member_id": member.pk, "inviter_id": inviter.pk, "language": "pt"}


@scene("media.sweep")
def orphan(stage: Stage) -> dict[str, Any]:
    place = stage.folder / "media" / "ab" / "cd" / "abcd"
    place.mkdir(parents=True)
    for size in ("full", "320"):
        (place / size).write_bytes(b"left by a process that was killed")
    os.utime(place, (0, 0))
    return {}


@scene("notify.deliver")
def delivery(stage: Stage) -> dict[str, Any]:
    send(maria(), "The bridge is closed", channels=["email"])
    return {"delivery_id": Delivery.objects.get().pk}


@scene("notify.prune")
def read_long_ago(stage: Stage) -> dict[str, Any]:
    send(maria(), "The bridge is closed", channels=[])
    Notification.objects.update(read_at=timezone.now() - LONG_AGO)
    return {}


class Heard:
    """The other centre answers that it has got what was sent."""

    def __init__(self, *_values: Any, **_more: Any) -> None:
        self.answer = httpx.Response(202, json={"received": True})

    def __enter__(self) -> httpx.Response:
        return self.answer

    def __exit__(self, *_problem: object) -> None:
        return None


def centre(stage: Stage) -> Centre:
    stage.patch.setattr(httpx.Client, "stream", Heard)
    return Centre.objects.create(name="Next", url="https://next.example/", outgoing=sealed("a token"), incoming=b"1")


@scene("safety.pass_on")
def passed_on(stage: Stage) -> dict[str, Any]:
    alert = press(ANONYMOUS, "0123456789abcdef").alert
    passing = Passing.objects.create(alert=alert, centre=centre(stage), at=timezone.now())
    return {"passing_id": passing.pk}


@scene("safety.answer_back")
def taken(stage: Stage) -> dict[str, Any]:
    alert = press(ANONYMOUS, "0123456789abcdef").alert
    Taken.objects.create(alert=alert, centre=centre(stage), identifier="urn:x", answer="acknowledged")
    return {"alert_id": alert.pk}


@scene("map.forget-trails")
def old_trail(stage: Stage) -> dict[str, Any]:
    Trail.objects.create(layer="transit/vehicles", at=timezone.now() - LONG_AGO, places={})
    return {}


@scene("map.forget-deleted")
def deleted_long_ago(stage: Stage) -> dict[str, Any]:
    SavedView.objects.create(owner=maria(), name="Mine", state={}, deleted_at=timezone.now() - LONG_AGO)
    return {}


@scene("map.import_dataset")
def data_set(stage: Stage) -> dict[str, Any]:
    officer = maria()
    grant(system("test"), officer, "map.publisher")
    actor = person_actor(officer)
    slug = datasets.create(actor, "Street trees").slug
    version = datasets.upload(actor, slug, io.BytesIO(b"longitude,latitude,kind\n-51.2,-30,oak\n"), "trees.csv")
    return {"version_id": version.pk, "language": "pt"}


def seen(_photo: Photo, public: Path | None) -> tuple[Found, bytes]:
    if public is not None:
        public.write_bytes(jpeg(seed=3))
    return Found(((40, 40, 80, 80),), sure=True), b"\0" * 1280


@scene("reports.look_at_photos")
def photo(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    # What is seen in a photo is the same every time; here it only takes time.
    stage.patch.setattr(photos, "seen_in", seen)
    return {"report_id": filed(photos=(jpeg(), jpeg(seed=2))).report.pk}


@scene("reports.mail_reporter")
def waiting_reporter(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    report = filed(email="jo@example.org", language="es").report
    return {"report_id": report.pk, "state": "accepted", "comment_id": None}


@scene("reports.fold")
def counts(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    for _number in range(3):
        filed()
    return {}


@scene("reports.sense")
def cloudburst(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    officer = maria("olga@example.org")
    for number in range(8):
        report = filed(category="flood", source=f"{number}").report
    assert report.category.agency is not None
    grant(system("test"), officer, "reports.officer", scope=report.category.agency.scope)
    return {}


@scene("reports.mail")
def letters(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    stage.city(options={"reports": {"maildir": "mail"}})
    grant(system("test"), maria("olga@example.org"), "reports.officer")
    geocoder.replace_names("test", [geocoder.Named("Rua da Praia", "street", *CENTER)])
    box = stage.folder / "mail"
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True)
    for number, text in enumerate(("It is dark.\nPlace: Rua da Praia", "It is dark, I do not say where.")):
        letter = EmailMessage()
        letter["From"], letter["Subject"] = f"maria{number}@example.org", "Street light out"
        letter["Message-ID"] = f"<{number}@example.org>"
        letter.set_content(text)
        (box / "new" / f"{number}").write_bytes(bytes(letter))
    (box / "new" / "2").write_bytes(b"From: nobody at all\n\nx")
    return {}


@scene("reports.other_cities")
def sent_elsewhere(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    OtherCity.objects.create(slug="next", name="Nextville", url="https://next.example", services={"tree": "tree"})
    report = filed(category="tree", email="jo@example.org").report
    Report.objects.update(elsewhere={"city": "next", "number": "7", "status": "open"})
    assert report.case.is_open

    def answer(*_values: Any, **_more: Any) -> httpx.Response:
        told = [{"service_request_id": "7", "status": "closed", "status_notes": "Cut down"}]
        return httpx.Response(200, json=told)

    stage.patch.setattr(httpx.Client, "request", answer)
    return {}


@scene("reports.learn")
def lessons(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    for number in range(6):
        filed(category="parking", text=f"xylofoon blokkeert uitrit {number}", source=f"{number}")
    return {}


@scene("reports.erase")
def report_of_then(stage: Stage) -> dict[str, Any]:
    categories.load(lambda what, share: None)
    filed(email="jo@example.org", photos=(jpeg(),))
    then = timezone.now() - LONG_AGO
    Report.objects.update(state="closed", changed_at=then, filed_at=then, source="somewhere")
    return {}


DAY = date(2019, 5, 15)


def called(trip: str = "out4", *days_ago: int) -> None:
    """A bus calls at the three stops of a trip, a little late, on the day and so many days before."""
    for ago in (0, *days_ago):
        day = DAY - timedelta(days=ago)
        for sequence, stop in enumerate(("harbour", "square", "hill")):
            planned = days.clock(day, 8 * 3600 + 360 * sequence)
            StopCall.objects.create(
                service_day=day,
                trip=trip,
                sequence=sequence,
                stop=stop,
                route="R1",
                vehicle="7",
                arrived_at=planned + timedelta(minutes=1),
                departed_at=planned + timedelta(minutes=2),
                scheduled_arrival=planned,
                scheduled_departure=planned,
            )


@scene("transit.history")
def day_that_is_over(stage: Stage) -> dict[str, Any]:
    vehicle = Vehicle.objects.create(public_id="7", kind="bus")
    noon = timezone.now() - timedelta(days=3)
    state = dict.fromkeys(history.COLUMNS) | {"lon": -51.2, "lat": -30.0, "accuracy_m": 2.0, "fix_class": 4}
    state |= {"status": "on_route", "route": "R1", "direction": 0, "trip": "", "at_stop": False}
    state |= {"vehicle": vehicle, "at": noon.timestamp()}
    history.keep([vehicle], {name: [state[name]] for name in history.COLUMNS})
    called()
    return {}


@scene("safety.tell_company")
def told_company(stage: Stage) -> dict[str, Any]:
    company, _key = alarm_companies.register(system("tests"), "Vigia", "https://vigia.example/hear")
    told = {"company": company, "way": "out", "made_at": timezone.now(), "try_at": timezone.now()}
    for kind in ("Dispatched", "Arrived"):
        CompanyMessage.objects.create(number="C-1", kind=kind, **told)
    # As if the minute were over in which a worker that died had it alone.
    stage.patch.setattr(carrying, "ALONE", timedelta(0))
    stage.patch.setattr(company_telling, "_post", lambda *_given: ("", False))
    return {"company_id": company.pk}


@scene("safety.send_texts")
def texts_to_send(stage: Stage) -> dict[str, Any]:
    stage.settings.SMS_URL = "https://gateway.example/send"
    gateway, _key = texts.register(system("tests"), "Gateway")
    texts.take(gateway, {"id": "1", "from": "+5551955501000", "text": "help"})
    stage.patch.setattr(carrying, "ALONE", timedelta(0))
    stage.patch.setattr(texting.HttpGateway, "send", lambda *_given: ("", False))
    return {}


@scene("transit.forget_trips")
def trip_of_then(stage: Stage) -> dict[str, Any]:
    then = timezone.now() - LONG_AGO
    values = {"origin_name": "a", "goal_name": "b", "goal": Point(*CENTER), "itinerary": {}}
    FollowedTrip.objects.create(secret="then", leaves_at=then, arrives_at=then, **values)
    return {}


@scene("safety.mail_follower")
def follower_without_an_account(stage: Stage) -> dict[str, Any]:
    made = escorts.begin(ANONYMOUS, 30)
    return {"follower_id": escort_telling.follow(ANONYMOUS, made.escort, "eva@example.org").pk, "what": "overdue"}


@scene("transit.invite_guardian")
def guardian(stage: Stage) -> dict[str, Any]:
    bus = Vehicle.objects.create(public_id="s", kind="school")
    pupil = Pupil.objects.create(
        reference="17", vehicle=bus, stop_name="a", stop=Point(*CENTER), school_name="b", school=Point(*CENTER)
    )
    return {"guardian_id": Guardian.objects.create(pupil=pupil, email="mother@example.org").pk, "language": "pt"}


@scene("transit.quality")
def day_to_look_back_on(stage: Stage) -> dict[str, Any]:
    stage.lines()
    called("out4", 1)
    moment = datetime(2019, 5, 15, 13, tzinfo=UTC)
    stage.patch.setattr("django.utils.timezone.now", lambda: moment)
    stage.patch.setattr(days, "today", lambda: DAY)
    return {}


@scene("transit.arrivals")
def calls_to_learn_from(stage: Stage) -> dict[str, Any]:
    stage.lines()
    called("out4", 1, 2)
    moment = datetime(2019, 5, 16, 13, tzinfo=UTC)
    stage.patch.setattr("cityhall.kernel.clock.now", lambda zone=UTC: moment.astimezone(zone))
    return {}
