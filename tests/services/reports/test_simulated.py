"""The demo's residents and officers, through the doors they use: an hour of them, in some seconds.

All of it lies within the window in which reports are of one event, so that it takes seconds changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import shapely
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.cases.models import Comment
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.reports import importing, sensing
from cityhall.services.reports.models import Category, Incident, Photo, Refused, Report
from cityhall.simulator.officers import Officers, Worker
from cityhall.simulator.past import COLUMNS, write_past
from cityhall.simulator.reporters import Reporters
from cityhall.simulator.residents import Residents
from cityhall.simulator.visits import home
from tests.services.reports.conftest import CENTER

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AREA = shapely.box(-51.26, -30.08, -51.14, -29.98).difference(shapely.box(-51.22, -30.08, -51.14, -30.04))
HOUR_S = 3600


class Door(httpx.BaseTransport):
    """Carries requests to the city as they would come from a home."""

    def __init__(self, address: str) -> None:
        self.browser = Client(enforce_csrf_checks=True, REMOTE_ADDR=address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        kind = headers.pop("content-type", "application/octet-stream")
        path = request.url.raw_path.decode()
        answer = self.browser.generic(request.method, path, request.read(), kind, headers=headers)
        self.browser.cookies.clear()  # The simulated browser has a jar of its own.
        given = [*answer.items(), *(("Set-Cookie", one.OutputString()) for one in answer.cookies.values())]
        return httpx.Response(answer.status_code, headers=given, content=b"".join(answer))


def connect(number: int) -> httpx.Client:
    """From the home of that number, as the server sees it."""
    return httpx.Client(base_url="http://localhost", transport=Door(home(number)))


def an_hour(seed: int = 7, per_hour: float = 40, accounts: list[tuple[str, str]] | None = None) -> Reporters:
    reporters = Reporters(connect, AREA, seed=seed, per_hour=per_hour, accounts=accounts)
    for now in range(0, HOUR_S, 5):
        reporters.step(float(now))
    return reporters


def test_in_an_hour_a_cloudburst_raises_an_incident_that_everybody_sees(city: Path) -> None:
    an_hour()
    assert Report.objects.count() > 30 and not Refused.objects.filter(reason="flood").exists()
    assert Report.objects.values("source").distinct().count() > 30
    sensing.sense()
    incident = Incident.objects.filter(category__slug="flood").latest("reporters")
    assert incident.reporters >= 8 and incident.severity >= 2 and incident.ended_at is None
    seen = Client().get("/map/layers/reports/incidents.geojson").json()["features"]
    assert incident.pk in {one["properties"]["id"] for one in seen}
    address = f'href="/reports/incidents/{incident.pk}/"'
    assert address in Client().get("/reports/").content.decode()
    olga = Person.objects.create_user("olga@example.org")
    Membership.objects.create(person=olga, role="reports.officer", scope="agency:water")
    desk = Client()
    desk.force_login(olga)
    assert address in desk.get("/reports/desk/").content.decode()


def test_one_resident_who_floods_the_city_raises_none(city: Path) -> None:
    values = {"category": "flood", "text": "Water everywhere", "lon": CENTER[0], "lat": CENTER[1]}
    with connect(1) as client:
        answers = [client.post("/api/reports/", data=values).status_code for _ in range(50)]
    assert (answers.count(201), answers.count(429)) == (20, 30)
    sensing.sense()
    assert not Incident.objects.exists()


def test_the_same_seed_tells_the_same(city: Path) -> None:
    def told(seed: int) -> list[tuple[str, str, bytes]]:
        Report.objects.all().delete()
        an_hour(seed, per_hour=6)
        rows = Report.objects.order_by("pk").values_list("category__slug", "text", "key")
        return [(slug, text, bytes(key)) for slug, text, key in rows]

    first = told(3)
    assert told(3) == first and told(4) != first


def confirmed(email: str, name: str) -> Person:
    """Somebody with an account who has confirmed the address."""
    person = Person.objects.create_user(email, "a long password", name=name)
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    return person


def test_officers_and_crews_keep_reports_going(city: Path) -> None:
    with connection.cursor() as cursor:
        # What becomes of a report follows from its number, so here it always has the same.
        cursor.execute("SELECT setval(pg_get_serial_sequence('cases_case', 'id'), 100000)")
    people = []
    for agency in ("public-works", "cleansing", "water", "parks"):
        for crew in (False, True):
            email = f"{agency}.{crew}@demo.example"
            person = confirmed(email, email)
            Membership.objects.create(person=person, role="reports.officer", scope=f"agency:{agency}")
            people.append(Worker(email, crew))
    rita = confirmed("rita@demo.example", "Rita")
    reporters = an_hour(seed=5, per_hour=25, accounts=[("rita@demo.example", "a long password")])
    officers = Officers(connect, people, "a long password")
    done = [officers.step() for _ in range(240)]
    left = Report.objects.filter(state="new").count()
    assert 0 < left < Report.objects.count() / 2, "some are left lying, as in life"
    for now in range(HOUR_S, HOUR_S + 900, 20):
        reporters.step(float(now))
    assert {"accept", "ask", "start", "resolve"} <= set(done) and {"recategorise", "reroute"} & set(done)
    types = set(Entry.objects.filter(stream="reports").values_list("type", flat=True))
    assert {"case.transfer", "case.resolve", "case.ask", "case.answer", "case.confirm", "report.voted"} <= types
    assert Photo.objects.filter(kind=Photo.Kind.AFTER).exists()
    assert Comment.objects.filter(transition="transfer").exclude(text="").exists()
    assert rita.reports.exists() and rita.notifications.exists()


def test_the_past_gives_agencies_their_places(city: Path) -> None:
    from zoneinfo import ZoneInfo

    from cityhall.kernel.cases.queries import ranking

    now = timezone.now()
    write_past(city / "past.csv", Residents(AREA, 4), 300, now, lambda lon, lat: f"{lon:.3f} {lat:.3f}")
    categories = {one.slug: one for one in Category.objects.filter(active=True).select_related("agency")}
    mapping = importing.Mapping({name: name for name in COLUMNS}, categories, "", ZoneInfo("UTC"))
    result = importing.import_csv(system("test"), city / "past.csv", mapping, lambda what, share: None)
    assert (result.taken, result.refused) == (300, [])
    standings = {one.agency.slug: one for one in ranking("reports", now - timedelta(days=90), now)}
    assert all(standings[slug].done > 5 for slug in ("public-works", "cleansing", "water", "parks"))
    assert len({standings[slug].share for slug in ("public-works", "cleansing", "water", "parks")}) == 4
    near = AREA.buffer(0.002)
    assert all(near.covers(shapely.Point(*one)) for one in Report.objects.values_list("point", flat=True))
    lights = [report.case.light(now) for report in Report.objects.filter(state="new").select_related("case")]
    assert {"red", "amber", "green"} == set(lights)
