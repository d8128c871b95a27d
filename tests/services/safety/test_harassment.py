"""Harassment in a bus: what the alert carries, what comes after, and who may read it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel import service as manifests
from cityhall.kernel.errors import Conflict, Denied, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.privacy import erase as erase_account
from cityhall.kernel.ports import driving
from cityhall.kernel.vehicles.models import Vehicle, VehicleState
from cityhall.services.safety import actions, afterwards, checks, dispatching, journeys, retention
from cityhall.services.safety.models import Alert, Choice, Journey, Statement
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, SETTER_UP, at_desk, officer, only, patrol, put_up
from tests.services.safety.test_pressing import PRESS, send

pytestmark = pytest.mark.usefixtures("city")
KEY = "fedcba9876543210fedcba9876543210"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def bus(db: None) -> Vehicle:
    vehicle = Vehicle.objects.create(public_id="7", kind="bus", label="Bus 7")
    VehicleState.objects.create(
        vehicle=vehicle, at=timezone.now(), published_at=timezone.now(), point=CENTER, measured=CENTER, accuracy_m=5.0
    )
    return vehicle


def at(stop: str) -> driving.At:
    return driving.At(stop, f"Stop {stop}", -51.2, -30.03)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, bus: Vehicle) -> list[Any]:
    """What the city's buses say they are doing; change it in the list."""
    coming = driving.Coming(at("square"), NOW, None, None)
    known = driving.Driving("R1", "12", "t1", 0, "Hill", at("harbour"), (coming,), False, NOW)
    said: list[Any] = [{"7": known}]

    def port(vehicles: Any, now: datetime, ahead: int) -> dict[str, driving.Driving]:
        if isinstance(said[0], Exception):
            raise said[0]
        return {one: said[0][one] for one in vehicles if one in said[0]}

    monkeypatch.setattr(journeys, "ask", lambda _port: port)
    return said


def call(kind: str = "harassment", key: str = KEY, **given: Any) -> Any:
    values = {"key": key, "kind": kind, "bus": "7"} | given
    return Client().post("/safety/send/", values)


def code_of(answer: Any) -> str:
    return str(answer["Location"].rstrip("/").rpartition("/")[2])


def test_the_alert_carries_line_vehicle_stop_and_time(line: list[Any]) -> None:
    page = Client().get("/safety/?bus=7")
    assert b'value="harassment" checked' in page.content, "the code on a bus asks for this kind first"
    assert call().status_code == 302
    alert = only()
    assert (alert.kind, alert.vehicle.public_id, alert.point) == ("harassment", "7", CENTER)
    journey = alert.journey
    assert (journey.line, journey.line_name, journey.direction, journey.headsign) == ("R1", "12", 0, "Hill")
    assert (journey.stop, journey.stop_name) == ("square", "Stop square")
    actor = at_desk("ana")
    browser = Client()
    browser.force_login(Person.objects.get(pk=actor.person_id))
    shown = browser.get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "12" in shown and "Stop square" in shown and "Hill" in shown


def test_the_buss_own_button_too(line: list[Any], bus: Vehicle) -> None:
    made = put_up("Bus 7", "bus", None, vehicle="7")
    assert send(made, PRESS | {"type": "harassment"}).status_code == 200
    assert only().journey.line == "R1" and only().door == "bus"
    send(made, PRESS | {"type": "harassment"})
    assert Journey.objects.count() == 1


def test_behind_the_last_stop_it_is_the_last_one(line: list[Any]) -> None:
    line[0]["7"] = dataclasses.replace(line[0]["7"], ahead=())
    call()
    assert only().journey.stop == "harbour"


@pytest.mark.parametrize("broken", [RuntimeError("no"), "sql"])
def test_a_press_is_never_lost_because_nobody_can_say_where_the_bus_is(line: list[Any], broken: Any) -> None:
    class Broken(dict):  # type: ignore[type-arg]
        def __contains__(self, one: object) -> bool:
            Alert.objects.raw("SELECT nothing FROM nowhere")[0]
            return False

    line[0] = broken if isinstance(broken, Exception) else Broken()
    call()
    assert only().kind == "harassment" and not Journey.objects.exists()
    assert Entry.objects.filter(type="alert.opened").count() == 1


def test_where_no_service_knows_buses_there_is_no_journey(monkeypatch: pytest.MonkeyPatch, bus: Vehicle) -> None:
    alone = [one for one in manifests.city_services() if one.slug == "safety"]
    monkeypatch.setattr(manifests, "city_services", lambda: alone)
    assert press(ANONYMOUS, KEY, kind="harassment", vehicle_id=bus.pk).alert.pk == only().pk
    assert not Journey.objects.exists()


def test_whoever_called_chooses_what_comes_next_and_changes_it(line: list[Any], settings: Any) -> None:
    support = [{"name": "Women's Centre", "phone": "180", "hours": "0-24"}, {"phone": "1"}, "x"]
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {"support": support}})
    code = code_of(call())
    browser = Client()
    follow = browser.get(f"/safety/call/{code}/").content.decode()
    assert f"/safety/call/{code}/next/" in follow
    page = browser.get(f"/safety/call/{code}/next/")
    text = page.content.decode()
    assert "Women&#x27;s Centre" in text and "tel:180" in text and page["Referrer-Policy"] == "same-origin"
    for what in ("nothing", "support", "support"):
        assert browser.post(f"/safety/call/{code}/choose/", {"what": what}).status_code == 302
    assert [one.what for one in Choice.objects.order_by("pk")] == ["nothing", "support"]
    assert "talk to somebody who helps" in browser.get(f"/safety/call/{code}/next/").content.decode()
    assert browser.post(f"/safety/call/{code}/choose/", {"what": "x"}).status_code == 422


def test_a_city_that_names_nobody_says_so(line: list[Any]) -> None:
    code = code_of(call())
    assert "has entered nobody here yet" in Client().get(f"/safety/call/{code}/next/").content.decode()
    assert [level for level, _what, _mend in checks.check()] == ["warning"]


def test_a_statement_is_read_by_few_each_look_is_known_and_it_can_be_taken_back(line: list[Any]) -> None:
    code = code_of(call())
    browser = Client()
    browser.post(f"/safety/call/{code}/state/", {"text": "A man in a zqxred coat"})
    alert = only()
    assert alert.choices.get().what == "report"
    operator = at_desk("ana", "supervisor")
    with pytest.raises(Denied):
        afterwards.read(operator, alert.pk)
    person = Person.objects.create_user("rita@example.org", name="Rita")
    Membership.objects.create(person=person, role="safety.reader")
    reader = Client()
    reader.force_login(person)
    assert b"zqxred" not in reader.get("/safety/statements/").content, "the list shows nothing of it"
    assert afterwards.unread(person_actor(person)) == 1
    for _look in range(2):
        assert b"zqxred" in reader.get(f"/safety/statements/{alert.pk}/").content
    looks = Entry.objects.filter(type="statement.read", subject=f"alert:{alert.pk}")
    assert [one.actor for one in looks] == [f"person:{person.pk}"] * 2
    assert afterwards.unread(person_actor(person)) == 0
    browser.post(f"/safety/call/{code}/state/", {"text": "It was a zqxblue coat"})
    assert afterwards.unread(person_actor(person)) == 1, "it says something else now"
    assert "zqx" not in "".join(str(one.data) for one in Entry.objects.all())
    browser.post(f"/safety/call/{code}/take-back/")
    assert not Statement.objects.exists()
    assert reader.get(f"/safety/statements/{alert.pk}/").status_code == 404


def test_a_stranger_with_no_code_gets_nothing() -> None:
    assert Client().get("/safety/call/aaaaaaaaaaaaaaaaaaaa/next/").status_code == 404
    assert Client().post("/safety/call/aaaaaaaaaaaaaaaaaaaa/state/", {"text": "x"}).status_code == 404
    tries = [Client().get("/safety/call/bbbbbbbbbbbbbbbbbbbb/next/").status_code for _try in range(40)]
    assert tries[-1] == 429
    assert not Statement.objects.exists()


def test_whoever_has_no_code_is_given_one_by_the_desk_or_the_guard_who_came(line: list[Any], bus: Vehicle) -> None:
    made = put_up("Bus 7", "bus", None, vehicle="7")
    send(made, PRESS | {"type": "harassment"})
    alert, other = only(), at_desk("ana")
    guard, stranger = officer("gil", "guard"), officer("eva", "guard")
    with pytest.raises(Denied):
        afterwards.hand_code(guard, alert.pk)
    patrol("P1", person=guard)
    actions.answer(other, alert.pk)
    sent = dispatching.offer(other, alert.pk)
    dispatching.accept(guard, sent.pk)
    with pytest.raises(Denied):
        afterwards.hand_code(stranger, alert.pk)
    browser = Client()
    browser.force_login(Person.objects.get(pk=guard.person_id))
    address = f"/safety/codes/{alert.pk}/"
    assert address in browser.get("/safety/unit/").content.decode()
    assert "<code" not in browser.get(address).content.decode(), "only a press makes one"
    assert Client().get(address).status_code == 403
    page = browser.post(address).content.decode()
    code = page.partition('<code translate="no">')[2].partition("</code>")[0]
    assert len(code) == 20, "100 bits"
    assert Client().get(f"/safety/call/{code}/next/").status_code == 200
    with pytest.raises(Conflict):
        afterwards.hand_code(other, alert.pk)
    assert Entry.objects.get(type="alert.code_given").actor == f"person:{guard.person_id}"


def test_it_works_days_later_and_is_erased_when_its_time_is_over(line: list[Any]) -> None:
    code = code_of(call())
    operator = at_desk("ana")
    alert = actions.answer(operator, only().pk)
    actions.close(operator, alert.pk, "helped")
    closed = timezone.now()
    Client().post(f"/safety/call/{code}/state/", {"text": "Days later"})
    assert afterwards.erase(closed + timedelta(days=89)) == 0 and Statement.objects.exists()
    assert afterwards.erase(closed + timedelta(days=91)) == 2
    assert not Statement.objects.exists() and not Choice.objects.exists()
    retention.erase(closed + timedelta(days=91))
    assert Client().get(f"/safety/call/{code}/next/").status_code == 404
    assert Journey.objects.get().line == "R1", "of which line it was is nobody's secret"


def test_an_erased_account_takes_its_statement_along(line: list[Any]) -> None:
    person = Person.objects.create_user("bea@example.org", name="Bea")
    made = press(person_actor(person), KEY, kind="harassment")
    afterwards.state(made.code, "Mine")
    other = press(ANONYMOUS, KEY + "x", kind="harassment")
    afterwards.state(other.code, "Another's")
    erase_account(SETTER_UP, person)
    assert [one.text for one in Statement.objects.all()] == ["Another's"]


def test_nobody_reads_a_statement_that_is_not_there() -> None:
    person = Person.objects.create_user("rita@example.org", name="Rita")
    Membership.objects.create(person=person, role="safety.reader")
    with pytest.raises(Missing):
        afterwards.read(person_actor(person), 12)
