"""The alarm companies' door: once, never lost, nobody unknown; and what the desk does goes back to them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone

from cityhall.engines.asap import Notice, Status, read
from cityhall.kernel.devices import keys
from cityhall.kernel.devices.envelope import LONGEST_BODY
from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places import geocoder
from cityhall.services.safety import (
    actions,
    alarm_companies,
    calling,
    carrying,
    company_telling,
    dispatching,
    retention,
    texts,
)
from cityhall.services.safety.models import AlarmCompany, Alert, CompanyAlarm, CompanyMessage
from cityhall.simulator.outside import Outside as Station
from tests.asap import asap_alarm, asap_notice
from tests.services.safety.conftest import SETTER_UP, at_desk, officer, patrol
from tests.services.safety.outside import Outside, name_servers, outside

pytestmark = pytest.mark.usefixtures("city")
DOOR = "/api/safety/alarms"
HERE = ("-51", "12", "0", "-30", "1", "48")


@dataclass
class Company:
    """A registered company, and what it sends with its id and key."""

    row: AlarmCompany
    key: str

    def headers(self) -> dict[str, str]:
        shown = base64.b64encode(f"{self.row.device.public_id}:{self.key}".encode()).decode()
        return {"authorization": f"Basic {shown}"}

    def post(self, body: bytes) -> Any:
        return Client().post(DOOR, body, content_type="application/xml", headers=self.headers())

    def says(self, body: bytes) -> Notice:
        answer = self.post(body)
        assert answer.status_code == 200, answer.content
        notice = read(answer.content)
        assert isinstance(notice, Notice)
        return notice


def register(name: str = "Vigia", callback: str = "") -> Company:
    return Company(*alarm_companies.register(SETTER_UP, name, callback))


def alarm(number: str = "C-1", **given: Any) -> bytes:
    given = {"type": "Burglary", "zone": "Zone 4", "account": "A-77", "street": ("12", "Rua X"), **given}
    return asap_alarm(number, degrees=HERE, **given)


@pytest.fixture
def company(city: object) -> Company:
    return register()


@pytest.fixture
def listening(city: object, settings: Any) -> Iterator[Outside]:
    """A company's own server, in a network that the city has named."""
    name_servers(settings, "127.0.0.1")
    with outside() as server:
        yield server


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id or 0))
    return client


def test_an_alarm_is_an_alert_that_the_desk_sees_whole(company: Company) -> None:
    notice = company.says(alarm(details="Motion", telephone="+55 51 5550100"))
    alert = Alert.objects.get()
    assert notice.status == Status.ACCEPTED and notice.call == str(alert.pk) and notice.number == "C-1"
    assert (alert.kind, alert.door, alert.state) == ("burglary", "alarm", "waiting")
    assert alert.place == "12 Rua X" and alert.point is not None and alert.point.lon == pytest.approx(-51.2)
    page = browser(at_desk("ana")).get(f"/safety/alerts/{alert.pk}/").content.decode()
    for shown in ("Vigia", "A-77", "Zone 4", "Burglary", "C-1", "+55 51 5550100", "alarm company", "Motion"):
        assert shown in page, shown
    told = Entry.objects.filter(subject=f"alert:{alert.pk}")
    assert {"alert.opened", "company.said"} <= set(told.values_list("type", flat=True))
    assert "Rua X" not in str(list(told.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("FIRE", "fire"),
        ("Carbon Monoxide", "fire"),
        ("Hold-up", "panic"),
        ("MEDICAL", "medical"),
        ("BURG", "burglary"),
        ("Tank level 7", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_type_that_nobody_knows_is_an_unknown_alert_and_never_nothing(company: Company, type: str, kind: str) -> None:
    assert company.says(alarm(type=type)).status == Status.ACCEPTED
    assert Alert.objects.get().kind == kind


def test_the_same_number_is_the_same_alert_however_often_it_comes(company: Company) -> None:
    first = company.says(alarm())
    for again in (alarm(), alarm(), alarm(details="Glass broke too")):
        assert company.says(again).call == first.call
    alert = Alert.objects.get()
    assert alert.presses == 1
    assert list(alert.lines.filter(what="said").values_list("text", flat=True)) == ["Burglary", "Glass broke too"]
    assert register("Other").says(alarm()).call != first.call


def test_a_number_used_anew_after_its_alert_was_closed_is_another_alert(company: Company) -> None:
    first = company.says(alarm(at=(timezone.now() - timedelta(minutes=5)).isoformat()))
    ana = at_desk("ana")
    actions.answer(ana, int(first.call))
    actions.close(ana, int(first.call), "helped")
    assert company.says(alarm(details="late copy")).call == first.call
    later = (timezone.now() + timedelta(seconds=1)).isoformat()
    second = company.says(alarm(at=later))
    assert second.call != first.call and Alert.objects.get(pk=int(second.call)).state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_two_at_a_moment_are_one_alert() -> None:
    company = register()
    for turn in range(5):
        start = threading.Barrier(2)

        def send(detail: str, number: str = f"T-{turn}", start: threading.Barrier = start) -> str:
            try:
                start.wait(5)
                return company.says(alarm(number, details=detail)).call
            finally:
                connection.close()
                close_old_connections()

        with ThreadPoolExecutor(2) as pool:
            calls = set(pool.map(send, ("one", "two")))
        assert len(calls) == 1
    assert Alert.objects.count() == 5 and CompanyAlarm.objects.count() == 5


def test_what_is_rejected_says_why_and_is_kept(company: Company) -> None:
    nowhere = company.says(asap_alarm("C-1", type="Fire"))
    old = company.says(alarm("C-2", at=(timezone.now() - timedelta(hours=3)).isoformat()))
    stray = company.says(asap_notice("C-9", "Cancel"))
    theirs = company.says(asap_notice("C-2", "Dispatched"))
    assert {one.status for one in (nowhere, old, stray, theirs)} == {Status.REJECTED}
    assert "address" in nowhere.reason and old.reason == "too old" and "no such alarm" in stray.reason
    assert not Alert.objects.exists() and CompanyMessage.objects.exclude(reason="").count() == 4
    page = browser(officer("sue", "supervisor")).get(f"/safety/doors/{company.row.pk}/").content.decode()
    assert "too old" in page and "C-9" in page


def test_a_cancellation_that_came_before_its_alarm_counts_when_it_comes_again(company: Company) -> None:
    assert company.says(asap_notice("C-1", "Cancel")).status == Status.REJECTED
    company.says(alarm())
    assert company.says(asap_notice("C-1", "Cancel")).status == Status.ACCEPTED
    assert Alert.objects.get().cancelled_at is not None


def test_called_off_by_the_company_it_stays_open_for_an_operator(company: Company) -> None:
    company.says(alarm())
    for _again in range(2):
        assert company.says(asap_notice("C-1", "Cancel", "Key-holder gave the code")).status == Status.ACCEPTED
    alert = Alert.objects.get()
    assert alert.is_open and alert.cancelled_at is not None and not alert.duress
    assert alert.lines.filter(what="cancel").count() == 1
    assert alert.lines.filter(text="Key-holder gave the code").count() == 1
    ana = at_desk("ana")
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "false")
    assert "closed" in company.says(asap_notice("C-1", "Update", "still ringing")).reason


def test_who_shows_no_key_or_a_wrong_one_says_nothing(company: Company) -> None:
    device = company.row.device
    wrong = base64.b64encode(f"{device.public_id}:{keys.as_text(b'x' * 32)}".encode()).decode()
    for header in ("", f"Basic {wrong}", "Basic ü", "Bearer " + company.key, "Basic " + "A" * 600):
        answer = Client().post(DOOR, alarm(), content_type="application/xml", headers={"authorization": header})
        assert answer.status_code == 401, header
    alarm_companies.switch(SETTER_UP, company.row.pk, on=False)
    assert company.post(alarm()).status_code == 403
    alarm_companies.switch(SETTER_UP, company.row.pk, on=True)
    fresh = alarm_companies.new_key(SETTER_UP, company.row.pk)
    assert company.post(alarm()).status_code == 401
    assert Company(company.row, fresh).says(alarm()).status == Status.ACCEPTED
    assert Alert.objects.count() == 1


def test_another_kind_of_device_is_no_company(company: Company) -> None:
    device, key = texts.register(SETTER_UP, "Gateway")
    company.row.device, company.key = device, key
    assert company.post(alarm()).status_code == 401


def test_guessing_keys_and_flooding_are_refused_with_when_to_come_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityhall.kernel.devices.presented.TRIES", 2)
    monkeypatch.setattr("cityhall.services.safety.door_api.MOST", 2)
    stranger = Company(company.row, keys.as_text(b"x" * 32))
    assert [stranger.post(alarm()).status_code for _turn in range(3)] == [401, 401, 429]
    answers = [company.post(alarm(f"F-{number}")) for number in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429] and int(answers[2]["Retry-After"]) > 0


def test_what_cannot_be_read_is_refused_unread(company: Company) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + alarm().partition(b"?>")[2]
    for body in (b"", b"<x/>", b"not xml", bomb):
        answer = company.post(body)
        assert answer.status_code == 422, body
        assert answer.json()["code"] == "no_asap"
    assert company.post(alarm() + b" " * LONGEST_BODY).status_code == 413
    assert not Alert.objects.exists() and not CompanyMessage.objects.exists()


def test_without_coordinates_the_street_is_found_by_its_name(company: Company) -> None:
    geocoder.replace_names("test", [geocoder.Named("Rua dos Andradas", "street", -51.23, -30.031)])
    company.says(asap_alarm("C-1", street=("1234", "Rua dos Andradas")))
    company.says(asap_alarm("C-2", street=("1", "Rua que ninguém conhece")))
    known, unknown = Alert.objects.order_by("pk")
    assert known.point is not None and known.point.lat == pytest.approx(-30.031)
    assert unknown.point is None and unknown.place == "1 Rua que ninguém conhece"
    page = browser(at_desk("ana")).get(f"/safety/alerts/{known.pk}/").content.decode()
    assert "go by the address" in page


def served(company: Company) -> Alert:
    """An alarm that the desk answers, sends a unit to, and closes."""
    alert = Alert.objects.get(pk=int(company.says(alarm()).call))
    ana = at_desk("ana")
    patrol("P1")
    actions.answer(ana, alert.pk)
    sent = dispatching.offer(ana, alert.pk)
    dispatching.accept(ana, sent.pk)
    dispatching.arrive(ana, sent.pk)
    calling.reply(ana, alert.pk, "Is a key-holder coming?")
    actions.close(ana, alert.pk, "false")
    return alert


def test_what_the_desk_does_goes_back_signed_and_in_order(listening: Outside) -> None:
    company = register(callback=listening.url)
    alert = served(company)
    company_telling.send_waiting(company.row.pk)
    said = [read(one.body) for one in listening.sent]
    assert [one.status for one in said if isinstance(one, Notice)] == ["Dispatched", "Arrived", "Update", "Closed"]
    closed, update = said[3], said[2]
    assert isinstance(closed, Notice) and closed.disposition == "false alarm" and closed.call == str(alert.pk)
    assert isinstance(update, Notice) and update.text == "Is a key-holder coming?"
    for one in listening.sent:
        key = base64.urlsafe_b64decode(company.key + "=")
        number = int(one.headers["Cityhall-Message"])
        device = company.row.device.public_id
        assert one.headers["Cityhall-Signature"] == company_telling.signature(key, device, number, one.body)
    assert not CompanyMessage.objects.filter(state="waiting").exists()
    company_telling.send_waiting(company.row.pk)
    assert len(listening.sent) == 4


def test_while_the_company_is_away_everything_waits_in_order_and_is_tried_again(listening: Outside) -> None:
    company = register(callback=listening.url)
    listening.status = 503
    served(company)
    company_telling.send_waiting(company.row.pk)
    assert len(listening.sent) == 1, "what is behind one that cannot be told waits"
    first = CompanyMessage.objects.filter(way="out").earliest("pk")
    assert first.state == "waiting" and first.attempts == 1 and first.problem == "HTTP 503"
    company_telling.send_waiting(company.row.pk)
    assert len(listening.sent) == 1, "its pause is not over"
    listening.status = 204
    CompanyMessage.objects.filter(pk=first.pk).update(try_at=timezone.now())
    company_telling.send_waiting(company.row.pk)
    assert CompanyMessage.objects.filter(way="out", state="sent").count() == 4
    assert len({one.headers["Cityhall-Message"] for one in listening.sent}) == 4


def test_after_a_day_it_is_given_up_and_one_that_is_refused_for_good_holds_up_nothing(listening: Outside) -> None:
    company = register(callback=listening.url)
    served(company)
    listening.status = 422
    company_telling.send_waiting(company.row.pk)
    assert CompanyMessage.objects.filter(way="out", state="failed").count() == 4
    CompanyMessage.objects.filter(way="out").update(
        state="waiting", made_at=timezone.now() - carrying.GIVE_UP, try_at=timezone.now()
    )
    listening.status = 500
    company_telling.send_waiting(company.row.pk)
    assert CompanyMessage.objects.filter(way="out", state="failed").count() == 4


def test_only_one_process_sends_at_a_time(listening: Outside) -> None:
    company = register(callback=listening.url)
    served(company)
    out = CompanyMessage.objects.filter(company=company.row, way="out")
    assert carrying.claim(out, timezone.now(), in_order=True) is not None
    company_telling.send_waiting(company.row.pk)
    assert listening.sent == []


def test_no_redirect_is_followed_and_no_own_network_reached(listening: Outside, settings: Any) -> None:
    company = register(callback=listening.url)
    served(company)
    listening.status, listening.headers = 302, {"Location": listening.url + "/else"}
    company_telling.send_waiting(company.row.pk)
    assert [one.path for one in listening.sent] == ["/hear"]
    name_servers(settings)
    CompanyMessage.objects.filter(way="out").update(try_at=timezone.now())
    for address in (listening.url, listening.url.replace("http:", "https:")):
        AlarmCompany.objects.update(callback=address)
        CompanyMessage.objects.filter(way="out").update(try_at=timezone.now())
        company_telling.send_waiting(company.row.pk)
    assert len(listening.sent) == 1
    assert CompanyMessage.objects.filter(way="out").earliest("pk").problem in ("ConnectionError", "InvalidSchema")
    for address in (listening.url, "https://user:pw@example.org/", "ftp://example.org/", "file:///etc/passwd"):
        with pytest.raises(Invalid):
            alarm_companies.register(SETTER_UP, "X", address)


def test_a_company_without_an_address_fetches_what_waits_and_says_when_it_has_it(company: Company) -> None:
    served(company)
    other = register("Other")
    path = f"{DOOR}/messages"
    got = Client().get(path, headers=company.headers()).json()
    assert [one["kind"] for one in got] == ["Dispatched", "Arrived", "Update", "Closed"]
    assert read(got[0]["xml"].encode()).number == "C-1"
    assert Client().get(path, headers=other.headers()).json() == []
    assert [one["id"] for one in Client().get(path, headers=company.headers()).json()] == [one["id"] for one in got]
    until = {"until": got[1]["id"]}
    theirs = Client().post(f"{path}/taken", until, content_type="application/json", headers=other.headers())
    assert theirs.json() == {"taken": 0}
    done = Client().post(f"{path}/taken", until, content_type="application/json", headers=company.headers())
    assert done.json() == {"taken": 2}
    left = Client().get(path, headers=company.headers()).json()
    assert [one["kind"] for one in left] == ["Update", "Closed"]
    assert Client().get(path).status_code == 401


def test_of_an_alarm_that_was_made_part_of_another_the_company_hears_too(company: Company) -> None:
    one, two = (int(company.says(alarm(number)).call) for number in ("C-1", "C-2"))
    ana = at_desk("ana")
    patrol("P1")
    actions.answer(ana, one)
    actions.merge(ana, two, one)
    assert company.says(asap_notice("C-2", "Update", "seen on camera")).status == Status.ACCEPTED
    assert Alert.objects.get(pk=one).lines.filter(text="seen on camera").exists()
    dispatching.accept(ana, dispatching.offer(ana, one).pk)
    actions.close(ana, one, "helped")
    told = CompanyMessage.objects.filter(way="out").values_list("number", "kind")
    assert sorted(told) == [("C-1", "Closed"), ("C-1", "Dispatched"), ("C-2", "Closed"), ("C-2", "Dispatched")]


def test_the_supervisor_registers_a_company_and_nobody_else_does(city: object) -> None:
    for actor in (officer("ana"), officer("gil", "guard")):
        assert browser(actor).get("/safety/doors/").status_code == 403
        with pytest.raises(Denied):
            alarm_companies.register(actor, "X")
    assert Client().get("/safety/doors/").status_code in (302, 403)
    sue = browser(officer("sue", "supervisor"))
    given = {"what": "alarm-company", "name": "Vigia", "callback": "https://vigia.example/hear"}
    page = sue.post("/safety/doors/", given).content.decode()
    made = AlarmCompany.objects.select_related("device").get()
    key = keys.as_text(keys.unseal(bytes(made.device.key)))
    assert key in page and key not in sue.get("/safety/doors/").content.decode()
    assert Company(made, key).says(alarm()).status == Status.ACCEPTED
    one = f"/safety/doors/{made.pk}/"
    assert sue.post(one, {"callback": "http://10.0.0.1/"}).status_code == 422
    assert sue.post(one, {"callback": "https://other.example/"}).status_code == 302
    fresh = sue.post(f"{one}key/").content.decode()
    made.device.refresh_from_db()
    assert keys.as_text(keys.unseal(bytes(made.device.key))) in fresh
    assert sue.post(f"{one}off/").status_code == 302 and "shut out" in sue.get(one).content.decode()


def test_ninety_days_later_nothing_tells_of_whose_alarm_it_was(company: Company) -> None:
    company.says(alarm(details="Motion", telephone="+55 51 5550100"))
    company.says(asap_alarm("C-9", details="rejected words"))
    alert = Alert.objects.get()
    ana = at_desk("ana")
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "helped")
    retention.erase(timezone.now() + timedelta(days=91))
    alert.refresh_from_db()
    row = CompanyAlarm.objects.get()
    assert (row.account, row.zone, row.details, alert.phone, alert.place) == ("", "", "", "", "")
    assert not CompanyMessage.objects.exclude(text="").exists()


def test_the_demos_central_station_and_gateway_go_by_the_public_doors(company: Company) -> None:
    device, key = texts.register(SETTER_UP, "Gateway")

    def city(request: httpx.Request) -> httpx.Response:
        headers = {"authorization": request.headers["authorization"]}
        given = {"content_type": request.headers.get("content-type", ""), "headers": headers}
        path = request.url.path
        answer = Client().get(path, headers=headers) if request.method == "GET" else None
        answer = answer or Client().post(path, request.read(), **given)
        return httpx.Response(answer.status_code, content=answer.content)

    client = httpx.Client(base_url="http://city.example", transport=httpx.MockTransport(city))
    shown = (company.row.device.public_id, company.key)
    station = Station(client, shown, (device.public_id, key), np.random.default_rng(7))
    for _turn in range(12):
        station.call(-51.2, -30.03)
    assert set(Alert.objects.values_list("door", flat=True)) == {"alarm", "sms"} and Alert.objects.count() == 12
    assert not CompanyMessage.objects.exclude(reason="").exists()
    assert CompanyAlarm.objects.exclude(account="").exclude(zone="").exclude(told_at=None).exists()
