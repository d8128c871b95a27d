"""The pages: the button for everybody, the desk for operators, the telephone of a unit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.vehicles import register
from cityhall.kernel.vehicles.models import VehicleState
from cityhall.services.safety import actions, calling, desk, dispatching, retention, stream, units
from cityhall.services.safety.models import Alert, Assignment, Shift, UnitPress
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, SETTER_UP, at_desk, officer, only, patrol, put_up

pytestmark = pytest.mark.usefixtures("city")
JSON = {"Accept": "application/json"}


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id or 0), settings.AUTHENTICATION_BACKENDS[0])
    return client


def call(number: int = 0, **given: Any) -> Alert:
    return press(ANONYMOUS, f"{number:032x}", **given).alert


def test_the_button_works_without_a_script_and_each_page_is_another_call() -> None:
    first, second = (Client().get("/safety/") for _page in range(2))
    keys = [re.findall(r'name="key" value="([0-9a-f]{32})"', page.content.decode())[0] for page in (first, second)]
    assert keys[0] != keys[1]
    assert "no-store" not in first["Cache-Control"], "a telephone keeps the page for when there is no network"
    answer = Client().post("/safety/send/", {"key": keys[0], "kind": "medical"}, follow=True)
    assert answer.status_code == 200 and only().kind == "medical"
    assert "The city has your call" in answer.content.decode()
    Client().post("/safety/send/", {"key": keys[0], "kind": "medical"})
    assert only().presses == 1, "a form that is sent again is the same press"


def test_the_page_of_a_call_says_how_it_stands_and_what_was_written() -> None:
    made = press(ANONYMOUS, "a" * 32)
    page = f"/safety/call/{made.code}/"
    Client().post(f"{page}text/", {"text": "I am behind the kiosk"})
    operator = at_desk("ana")
    actions.answer(operator, made.alert.pk)
    calling.reply(operator, made.alert.pk, "A patrol is coming")
    for path in (page, f"{page}?part=1"):
        text = Client().get(path).content.decode()
        assert "has answered your call" in text and "behind the kiosk" in text and "patrol is coming" in text
    answer = Client().get(page)
    assert "no-store" in answer["Cache-Control"] and answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(("held", "duress"), [("1", False), ("", True)])
def test_a_call_that_is_called_off_looks_the_same_however_it_was_pressed(held: str, duress: bool) -> None:
    made = press(ANONYMOUS, "b" * 32)
    page = Client().post(f"/safety/call/{made.code}/cancel/", {"held": held}, follow=True).content.decode()
    assert only().duress is duress and only().is_open
    assert "You have called it off." in page and "duress" not in page.lower() and "I am safe" not in page


def test_a_code_is_found_by_typing_it_and_a_wrong_one_says_what_to_do() -> None:
    made = press(ANONYMOUS, "c" * 32)
    typed = " ".join((made.code[:5].upper(), made.code[5:].upper()))
    found = Client().get("/safety/follow/", {"code": typed})
    assert found.status_code == 302 and found["Location"] == f"/safety/call/{made.code}/"
    wrong = Client().get("/safety/follow/", {"code": "x" * 20})
    assert wrong.status_code == 404 and "follows no alert" in wrong.content.decode()


@pytest.mark.parametrize("path", ["desk/", "desk/queue/", "units/", "buttons/", "unit/", "alerts/1/"])
def test_pages_of_officers_are_for_officers(path: str) -> None:
    assert Client().get(f"/safety/{path}", headers={"Accept": "text/html"}).status_code == 302
    resident = Person.objects.create_user("resident@example.org", name="Resident")
    client = Client()
    client.force_login(resident, settings.AUTHENTICATION_BACKENDS[0])
    assert client.get(f"/safety/{path}").status_code == 403


def test_the_desk_has_what_waits_in_its_order_and_the_words_of_its_script() -> None:
    later = timezone.now()
    numbers = [call(n, at=later - timedelta(seconds=10 - n)).pk for n in range(3)]
    unit = patrol("Patrol 1", person=officer("guard", "guard"))
    first = dispatching.help_me(officer("rui", "supervisor"), unit.pk).pk
    operator = signed_in(at_desk("ana"))
    page = operator.get("/safety/desk/").content.decode()
    assert [int(number) for number in re.findall(r'data-alert="(\d+)"', page)] == [first, *numbers]
    assert '"harassment": "harassment"' in page and "data-row-template" in page
    queue = operator.get("/safety/desk/queue/").json()
    assert [row["id"] for row in queue["rows"]] == [first, *numbers]
    sums = [len(numbers) + 1, sum(row["version"] for row in queue["rows"]), first + sum(numbers)]
    assert queue["mark"] == sums == operator.post("/safety/desk/here/").json()["mark"]


def test_who_changes_the_doors_of_other_systems_is_led_to_them() -> None:
    address = 'href="/safety/doors/"'
    assert address in signed_in(officer("rui", "supervisor")).get("/safety/desk/").content.decode()
    assert address not in signed_in(at_desk("ana")).get("/safety/desk/").content.decode()


def test_a_shift_begins_only_once_the_test_sound_was_heard() -> None:
    operator = signed_in(officer("ana"))
    page = operator.get("/safety/desk/").content.decode()
    assert re.search(r'name="heard" value="1" required disabled', page), (
        "the script lets it be ticked once it has played"
    )
    assert operator.post("/safety/desk/shift/begin/", headers=JSON).status_code == 422
    assert not Shift.objects.exists() and operator.post("/safety/desk/here/").json()["shift"] is False
    assert operator.post("/safety/desk/shift/begin/", {"heard": "1"}).status_code == 302
    assert operator.post("/safety/desk/here/").json()["shift"] is True


def test_the_second_to_answer_is_told_who_was_first() -> None:
    alert = call()
    first, second = signed_in(at_desk("ana")), signed_in(at_desk("rui"))
    answer = first.post(f"/safety/alerts/{alert.pk}/answer/", headers=JSON)
    assert answer.status_code == 200 and answer.json()["state"] == "answered"
    told = second.post(f"/safety/alerts/{alert.pk}/answer/", headers=JSON)
    assert told.status_code == 409 and told.json()["code"] == "taken" and "Ana" in told.json()["message"]
    assert {one["name"] for one in second.get("/safety/desk/queue/").json()["people"].values()} == {"Ana", "Rui"}


def test_a_colleague_whose_browser_is_silent_is_seen_as_that_by_all() -> None:
    long_ago = timezone.now() - desk.SILENT - timedelta(seconds=1)
    ana = at_desk("ana", now=long_ago)
    rui = signed_in(at_desk("rui"))
    people = rui.post("/safety/desk/here/").json()["people"]
    assert people[str(ana.person_id)]["silent"] is True
    signed_in(ana).post("/safety/desk/here/")
    assert rui.post("/safety/desk/here/").json()["people"][str(ana.person_id)]["silent"] is False


def test_the_part_of_an_alert_has_what_can_be_done_with_it_now() -> None:
    alert = call(kind="harassment", point=CENTER)
    patrol("Patrol 1"), patrol("Patrol 2", skills=("harassment",))
    operator = signed_in(at_desk("ana"))

    def part() -> str:
        return str(operator.get(f"/safety/alerts/{alert.pk}/", {"part": "1"}).content.decode())

    def step(name: str, **given: str) -> Any:
        return operator.post(f"/safety/alerts/{alert.pk}/{name}/", given, headers=JSON)

    def offered(page: str) -> set[str]:
        return set(re.findall(rf'action="/safety/alerts/{alert.pk}/([\w-]+)/"', page))

    waiting = part()
    assert "<!doctype" not in waiting and "answer" in offered(waiting) and not {"send", "close"} & offered(waiting)
    step("answer")
    answered = part()
    assert {"send", "close", "put-back"} <= offered(answered)
    assert answered.index("Patrol 2") < answered.index("Patrol 1"), "who has the skill comes first"
    assert step("send").json()["state"] == "answered", "it is offered, and sent when the unit takes it"
    assert Assignment.objects.get().unit.name == "Patrol 2"
    assert step("close").status_code == 422
    assert step("close", outcome="helped").json()["state"] == "closed"
    assert "reopen" in offered(part())


def test_a_call_under_duress_stands_out_at_the_desk_alone() -> None:
    made = press(ANONYMOUS, "d" * 32)
    calling.cancel(made.code, duress=True)
    operator = signed_in(at_desk("ana"))
    assert "under duress" in operator.get(f"/safety/alerts/{made.alert.pk}/?part=1").content.decode()
    assert stream.row(only())["duress"] is True
    assert "duress" not in Client().get(f"/safety/call/{made.code}/").content.decode().lower()


def test_the_units_telephone_takes_an_offer_and_says_that_all_is_well() -> None:
    guard = officer("gil", "guard")
    unit = patrol("Patrol 1", person=guard)
    alert = call(point=CENTER)
    operator = at_desk("ana")
    actions.answer(operator, alert.pk)
    dispatching.offer(operator, alert.pk)
    phone = signed_in(guard)
    whole, part = (phone.get(f"/safety/unit/{what}").content.decode() for what in ("", "?part=1"))
    assert 'href="geo:-30.03,-51.2"' in part and "data-offer" in part
    assert part == phone.get("/safety/unit/?part=1").content.decode(), "what has not changed is not put in anew"
    until = int(re.findall(r'data-until="(\d+)"', whole)[0]) - int(re.findall(r'data-now="(\d+)"', whole)[0])
    assert 0 < until <= dispatching.OFFER_S * 1000
    number = Assignment.objects.get(unit=unit).pk
    for name, state in (("accept", "sent"), ("arrive", "there"), ("well", "there"), ("done", "there")):
        assert phone.post(f"/safety/unit/{number}/{name}/", follow=True).status_code == 200
        alert.refresh_from_db()
        assert alert.state == state, name
        page = phone.get("/safety/unit/").content.decode()
        assert 'id="help"' in page, "their own call for help is on the page whatever they do"
        assert ("say within {} that all is well" in page) == (name in ("arrive", "well")), name
    assert "Nothing is offered" in phone.get("/safety/unit/").content.decode()


def test_whoever_rides_in_no_unit_is_told_so() -> None:
    assert "ride in no unit" in signed_in(officer("gil", "guard")).get("/safety/unit/").content.decode()


def test_the_registers_take_a_new_button_and_a_new_unit() -> None:
    boss = signed_in(officer("eva", "supervisor"))
    page = boss.post("/safety/buttons/", {"name": "Pole 9", "kind": "pole", "lon": "-51.2", "lat": "-30.0"})
    assert "Its key is shown only now" in page.content.decode()
    assert boss.post("/safety/units/", {"name": "Patrol 9", "skills": "medical, harassment"}).status_code == 302
    assert "Patrol 9" in boss.get("/safety/units/").content.decode()
    wrong = boss.post("/safety/buttons/", {"name": "", "kind": "pole"})
    assert "error" in wrong.content.decode()


def test_a_button_that_is_not_there_is_to_be_repaired() -> None:
    made = put_up("Pole 3")
    actor = at_desk("eva", "supervisor")
    boss = signed_in(actor)
    alert = Alert.objects.create(
        kind="panic",
        door="pole",
        button=made.button,
        received_at=timezone.now(),
        pressed_at=timezone.now(),
        waits_since=timezone.now(),
    )
    answer = boss.post(f"/safety/alerts/{alert.pk}/not-there/", {"other": made.button.pk}, headers=JSON)
    assert answer.status_code == 200
    page = boss.get("/safety/buttons/").content.decode()
    assert "not where the register says" in page


def test_a_units_place_says_how_old_it_is_and_is_pale_by_rule() -> None:
    boss = officer("eva", "supervisor")
    now = timezone.now()
    ages = (("new", 10), ("old", 100), ("silent", 700))
    for name, age in ages:
        vehicle = register.enter(SETTER_UP, name, kind="patrol")
        unit = units.keep(SETTER_UP, f"Patrol {name}", vehicle=name, station=CENTER)
        unit.on_duty = True
        unit.save()
        at = now - timedelta(seconds=age)
        VehicleState(vehicle=vehicle, at=at, published_at=at, point=CENTER, measured=CENTER, accuracy_m=3).save()
    patrol("Patrol unheard")
    alert = call(point=CENTER)
    actions.answer(at_desk("ana"), alert.pk)
    listed = signed_in(boss).get("/safety/units/").content.decode()
    chosen = signed_in(boss).get(f"/safety/alerts/{alert.pk}/?part=1").content.decode()
    for page in (listed, chosen):
        told = re.findall(r"<small( class=\"pale\")? data-seen>(?:seen )?(.*?)</small>", page)
        seen = sorted((text, bool(pale)) for pale, text in told)
        assert any(re.match(r"1\d s ago", text) and not pale for text, pale in seen)
        assert any(re.match(r"10\d s ago", text) and pale for text, pale in seen)
        assert ("11 min ago", True) in seen
    assert ">no receiver has spoken<" in listed
    assert chosen.count("at its station") == 2, "of who is silent, and of who has none"


def test_a_units_call_for_help_that_is_sent_again_is_one_press() -> None:
    crew = officer("gil", "guard")
    patrol("P1", person=crew)
    phone = signed_in(crew)
    pages = [phone.get("/safety/unit/").content.decode() for _page in range(2)]
    keys = [re.findall(r'name="key" value="([0-9a-f]{32})"', page)[0] for page in pages]
    assert keys[0] != keys[1] and 'name="key"' not in phone.get("/safety/unit/?part=1").content.decode()
    for _sent in range(2):
        assert phone.post("/safety/unit/help/", {"key": keys[0]}).status_code == 302
    assert (only().presses, only().kind) == (1, "unit")
    for sent, presses in ((keys[1], 2), (keys[1], 2), (keys[0], 2), ("", 3), ("short", 4), ("short", 4 + 1)):
        phone.post("/safety/unit/help/", {"key": sent})
        assert only().presses == presses
    # Another unit's telephone may have made up the same.
    other = officer("rui", "guard")
    patrol("P2", person=other)
    signed_in(other).post("/safety/unit/help/", {"key": keys[0]})
    assert Alert.objects.count() == 2
    # An old page whose answer was lost sends its old key in a new need: nobody calls without being heard.
    Alert.objects.update(state="closed", closed_at=timezone.now())
    for _sent in range(2):
        phone.post("/safety/unit/help/", {"key": keys[0]})
        assert (Alert.objects.count(), Alert.objects.get(state="waiting").presses) == (3, 1)
    Alert.objects.update(state="closed", closed_at=timezone.now())
    retention.erase(timezone.now() + retention.KEEP + timedelta(days=1))
    assert not UnitPress.objects.exists()
