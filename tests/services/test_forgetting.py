"""What must be forgettable is never where nothing can be erased: a resident's day, told in words that are searched for.

Every name, text, address and place that is entered has a sign in it. The journal, what everybody may hear live, and
the jobs must hold none of them; once the resident is erased, neither may any other table.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Agency
from cityhall.kernel.cases.workflow import OFFICER
from cityhall.kernel.devices import registry, silence
from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.journal import verify_all
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.journal.sealer import seal_all
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people import consents, households
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.people.privacy import erase
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.registry import register_receiver, register_station
from cityhall.services.map import actions as views
from cityhall.services.map import tasks as map_tasks
from cityhall.services.map.datasets import actions as datasets
from cityhall.services.map.datasets import pictures
from cityhall.services.reports import actions as reports
from cityhall.services.reports import categories, routing
from cityhall.services.reports.models import Report
from cityhall.services.reports.tasks import KEEP_DAYS, erase_personal
from cityhall.services.transit.models import FollowedTrip
from cityhall.services.transit.realtime import notices
from cityhall.services.transit.riders import alarms, favourites, school
from tests.services.transit.riders.conftest import PLACES, city, clock  # noqa: F401
from tests.services.transit.riders.test_trips import ASKED, follow

ME, CITY = "zqxme", "zqxcity"
"""In all that is the resident's own; in what officers write."""
WORDS = "zqxwords"
"""In what the resident tells the city in a report: it stays with the report, as nobody's, until its time is over."""
HOME = (-51.2012345, -30.0312345)
PLATE, IP = "ZQXCITY-12-AB", "203.0.113.77"
SIGNS = (ME, CITY, WORDS, "2012345", "312345", IP)
STAYS = {
    "reports_report.text": "what is wrong where is the city's to know; goes with the report's time",
    "reports_report.address": "where the work is",
    "reports_report.answers": "goes with the report's time",
    "reports_report.point": "where the work is",
    "reports_report.shown": "where the work is",
    "cases_comment.text": "an answer to the city's question, as nobody's; goes with the report's time",
}
"""What an erased account leaves, and why."""


@dataclass
class Heard:
    """What was published live, by topic, while it was listened."""

    messages: list[str] = field(default_factory=list)

    def public(self) -> list[str]:
        """What anybody may hear: not a person's own topic, nor the technicians'."""
        return [one for one in self.messages if not one.startswith(("person", "notify", "inbox", "devices"))]


@contextmanager
def listening() -> Iterator[Heard]:
    heard = Heard()

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if "pg_notify" in str(sql) and params:
            heard.messages.append(str(params[-1]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield heard


def where(signs: tuple[str, ...], tables: tuple[str, ...] = ()) -> dict[str, str]:
    """By "table.column", a value of any type that has one of the signs in it."""
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t "
            "USING (table_schema, table_name) WHERE table_schema = current_schema() AND t.table_type = 'BASE TABLE'"
        )
        columns = [(table, column) for table, column in cursor.fetchall() if not tables or table in tables]
        for table, column in columns:
            text = f'lower("{column}"::text)'
            cursor.execute(
                f'SELECT "{column}"::text FROM "{table}" WHERE {text} LIKE ANY (%s) LIMIT 1',
                [[f"%{sign.lower()}%" for sign in signs]],
            )
            if row := cursor.fetchone():
                found[f"{table}.{column}"] = row[0]
    return found


@pytest.fixture
def officer(db: None) -> Actor:
    person = Person.objects.create_user("olga@example.org", "a long password", name="Olga")
    person.is_superuser = person.is_staff = True
    person.save()
    return person_actor(person)


@pytest.fixture
def resident(db: None) -> Person:
    person = Person.objects.create_user(f"{ME}@example.org", "a long password", name=f"{ME} Maria")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    return person


@pytest.fixture
def browser(resident: Person) -> Client:
    client = Client(REMOTE_ADDR=IP, headers={"user-agent": f"{ME} browser", "accept-language": "en"})
    assert client.login(email=resident.email, password="a long password")
    return client


def _household(me: Actor) -> None:
    households.make_household(me, f"{ME} house")
    households.invite(me, f"{ME}-guest@example.org")
    consents.give_consent(me, "town.newsletter")


def _devices(officer: Actor) -> None:
    device, _key = registry.register(
        officer, kind="counter", owner="transit", label=f"{CITY} Ana's counter", silence_after=10,
        properties={"street": f"{CITY} street"},
    )  # fmt: skip
    DeviceState.objects.filter(device=device).update(last_seen=timezone.now() - timedelta(hours=1))
    silence.look(timezone.now())
    registry.disable(officer, device.public_id, reason=f"{CITY} stolen by Rui")
    registry.enable(officer, device.public_id)
    register_receiver(officer, vehicle="7", address=IP)
    source = f"ntrip://{CITY}user:{CITY}pass@{CITY}.example:2101/MNT"
    register_station(officer, mountpoint="MNT", point=Point(*HOME), country="PRT", source=source, label=f"{CITY} roof")


def _school(me: Actor, email: str, officer: Actor) -> None:
    bus = school.hide_bus(officer, "S9", f"{CITY} {PLATE}")
    places = (f"{CITY} home", Point(*HOME)), (f"{CITY} school", Point(*PLACES["hill"]))
    pupil = school.add_pupil(officer, f"{CITY} L. M.", bus.pk, *places)
    guardian = school.link_guardian(officer, pupil.pk, email)
    school.agree(me)
    school.disagree(me)
    school.unlink_guardian(officer, guardian.pk)
    school.link_guardian(officer, pupil.pk, email)


def _riding(me: Actor, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ASKED, "from", f"{ME} my home")
    follow(browser)
    alarm = alarms.set_for_trip(me, FollowedTrip.objects.get(person_id=me.person_id))
    alarms.cancel(me, alarm.pk)
    favourites.add(me, favourites.Wanted("stop", "square", f"{ME} square", ""))


def _map(me: Actor, officer: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    view = views.save_view(me, name=f"{ME} my street", state={"layers": {}, "center": list(HOME), "zoom": 14})
    views.delete_view(me, str(view.public_id))
    views.restore_view(me, str(view.public_id))
    made = datasets.create(officer, f"{CITY} Ana's trees", f"{CITY} summary")
    rows = f"name,lon,lat,{CITY}_owner\n{CITY} oak,{HOME[0]},{HOME[1]},{CITY} Ana\n".encode()
    version = datasets.upload(officer, made.slug, io.BytesIO(rows), f"{CITY}-ana.csv")
    map_tasks.run(version)
    datasets.change(officer, made.slug, summary=f"{CITY} other", public={f"{CITY}_owner"})
    datasets.publish(officer, made.slug, on=True)
    monkeypatch.setattr(datasets, "checked_address", lambda url: None)
    datasets.take_from(officer, made.slug, f"https://{CITY}.example/items")
    datasets.delete(officer, made.slug)
    monkeypatch.setattr(pictures, "check", lambda made: None)
    url = f"https://{CITY}.example/{{z}}/{{x}}/{{y}}.png?key={CITY}"
    outside = datasets.add_outside(officer, name=CITY, kind="xyz", url=url, layer="", attribution=CITY)
    datasets.remove_outside(officer, outside.pk)


def _report(browser: Client, officer: Actor, photo: bytes) -> None:
    values = {
        "category": "pothole", "text": f"{WORDS} before my door", "lon": HOME[0], "lat": HOME[1], "named": True,
        "name": f"{ME} Maria", "email": f"{ME}@example.org", "phone": f"{ME} 123", "address": f"{WORDS} street 4",
    }  # fmt: skip
    picture = SimpleUploadedFile(f"{ME}.jpg", photo, "image/jpeg")
    filed = browser.post("/api/reports/", values | {"photos": picture}).json()
    other = browser.post("/api/reports/", values | {"text": f"{WORDS} again"}).json()
    report = Report.objects.select_related("case").get(pk=filed["id"])
    Client(REMOTE_ADDR="203.0.113.78").post(f"/api/reports/{report.pk}/support", {}, content_type="application/json")
    cases.act(officer, report.pk, "accept", who=OFFICER)
    cases.act(officer, report.pk, "ask", who=OFFICER, reason=f"{CITY} which house?")
    me = person_actor(report.person) if report.person else officer
    report.refresh_from_db()
    reports.by_reporter(me, Report.objects.select_related("case").get(pk=report.pk), "answer", reason=f"{WORDS} 4")
    cases.comment(officer, report.pk, f"{CITY} note on Maria", public=False)
    reports.translate(officer, report.pk, f"{CITY} translated")
    to = Agency.objects.exclude(pk=report.case.agency_id).exclude(superior=None).first()
    assert to is not None
    reports.reroute(officer, report.pk, to.slug, f"{CITY} theirs")
    reports.split(officer, report.pk, "graffiti", f"{CITY} and paint")
    reports.merge(officer, [other["id"]], report.pk)
    routing.save_rules(officer, [], f"{CITY} rules for Maria")
    cases.act(officer, report.pk, "accept", who=OFFICER)
    cases.act(officer, report.pk, "start", who=OFFICER)
    cases.act(officer, report.pk, "resolve", who=OFFICER, reason=f"{CITY} done, Maria")


def _notices(officer: Actor, now: datetime) -> None:
    words = {"en": f"{CITY} road closed at Ana's"}
    alert = notices.publish_alert(officer, notices.AlertDraft(words, description=words))
    notices.change_alert(officer, alert.pk, notices.AlertDraft(words))
    stops = [{"name": f"{CITY} before Ana's house", "lon": HOME[0], "lat": HOME[1]}]
    path = (PLACES["harbour"], HOME, PLACES["square"])
    notices.divert(officer, notices.DetourDraft(now, None, "R1", 0, path=path, temporary_stops=stops))


@pytest.fixture
def lived(
    city: Path,  # noqa: F811
    clock: Callable[..., datetime],  # noqa: F811
    settings: Any,
    tmp_path: Path,
    officer: Actor,
    resident: Person,
    browser: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> Heard:
    """A day in the city of the resident: everything that may be entered, entered with a sign in it."""
    from tests.services.reports.conftest import jpeg

    settings.MEDIA_ROOT = tmp_path / "media"
    categories.load(lambda what, share: None)
    me, now = person_actor(resident), clock(7, 50)
    with listening() as heard, django_capture_on_commit_callbacks(execute=True):
        _household(me)
        _devices(officer)
        _school(me, resident.email, officer)
        _riding(me, browser, monkeypatch)
        _map(me, officer, monkeypatch)
        _report(browser, officer, jpeg(gps=HOME))
        _notices(officer, now)
        grant(officer, resident, "map.analyst")
        send(resident, "%(name)s", values={"name": f"{ME} Maria"})
        staff = Client()
        staff.force_login(Person.objects.get(pk=officer.person_id))
        page = f"/admin/people/person/{resident.pk}/change/"
        form = staff.get(page).context["adminform"].form.initial | {"name": f"{ME} Maria B."}
        inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
        staff.post(page, {name: value for name, value in form.items() if isinstance(value, str | int)} | inline)
    seal_all()
    return heard


@pytest.mark.django_db
def test_nothing_of_anybody_stands_where_it_cannot_be_erased(lived: Heard) -> None:
    told = set(Entry.objects.values_list("type", flat=True))
    assert len(told) > 45, f"the day was a dull one: {sorted(told)}"
    assert where(SIGNS, ("journal_entry", "journal_head")) == {}
    assert where(SIGNS, ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers")) == {}
    assert lived.messages
    assert [one for one in lived.public() if any(sign in one.lower() for sign in (ME, CITY, WORDS, IP))] == []
    assert verify_all() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone()[0] > 3, "jobs were left"


@pytest.mark.django_db
def test_an_erased_resident_is_in_no_table(lived: Heard, resident: Person) -> None:
    assert where((IP,)).keys() <= {"transit_receiver.address"}, "who asked from where is kept nowhere"
    assert len(where((ME,))) > 8, "there was something to erase"
    erase(person_actor(resident), resident)
    assert where((ME,)) == {}
    left = where((WORDS,))
    assert left and left.keys() <= STAYS.keys(), left
    Report.objects.update(changed_at=timezone.now() - timedelta(days=KEEP_DAYS + 1))
    assert erase_personal() == 2
    assert where((WORDS,)).keys() == {"reports_report.address"}
