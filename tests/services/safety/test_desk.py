"""The desk: who has an alert, what becomes of it, and that a screen can tell whether it has them all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test import Client

from cityhall.kernel.cases.workflow import State as CaseState
from cityhall.kernel.devices.models import DeviceState
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, buttons, calling, desk, retention, stream
from cityhall.services.safety.models import Alert, Line, Repair
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, S, at_desk, officer, only, put_up

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, at=NOON, **given).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def test_no_shift_without_the_sound_and_no_answer_without_a_shift() -> None:
    actor = officer("ana")
    with pytest.raises(Invalid):
        desk.begin(actor, heard=False)
    with pytest.raises(Conflict, match="shift"):
        actions.answer(actor, call().pk)
    desk.begin(actor, heard=True)
    assert actions.answer(actor, only().pk).owner_id == actor.person_id


@pytest.mark.parametrize("role", ["guard", ""])
def test_who_is_no_operator_sees_and_does_nothing(role: str) -> None:
    alert = call()
    actor = officer("gil", role) if role else ANONYMOUS
    client = browser(actor) if role else Client()
    for path in ("/safety/desk/", "/safety/desk/queue/", f"/safety/alerts/{alert.pk}/", "/live/safety-desk"):
        assert client.get(path, headers={"accept": "application/json"}).status_code in (403, 404), path
    assert client.get("/api/safety/alerts").status_code == 403
    with pytest.raises(Denied):
        actions.answer(actor, alert.pk)


def test_a_colleagues_alert_is_taken_when_they_are_silent_or_just_began() -> None:
    ana, ben = at_desk("ana", now=NOON), at_desk("ben", now=NOON)
    alert = call()
    actions.answer(ana, alert.pk, now=NOON)
    desk.here(ana, now=NOON + 60 * S)
    with pytest.raises(Denied, match="is working on"):
        actions.take_over(ben, alert.pk, now=NOON + 61 * S)
    assert actions.take_over(ben, alert.pk, now=NOON + 69 * S).owner_id == ben.person_id
    eva = at_desk("eva", "supervisor", now=NOON)
    desk.here(ben, now=NOON + 100 * S)
    with pytest.raises(Invalid):
        actions.take_over(eva, alert.pk, now=NOON + 101 * S)
    assert actions.take_over(eva, alert.pk, reason="Ben is ill", now=NOON + 101 * S).owner_id == eva.person_id


@pytest.mark.django_db(transaction=True)
def test_of_two_who_answer_at_one_moment_one_has_it() -> None:
    operators = [at_desk("ana"), at_desk("ben")]
    for number in range(12):
        alert = call(f"race-{number}")
        start = threading.Barrier(2)

        def take(actor: Actor, pk: int = alert.pk, start: threading.Barrier = start) -> str:
            close_old_connections()
            start.wait()
            try:
                actions.answer(actor, pk)
            except Conflict as problem:
                return problem.code
            finally:
                connection.close()
            return "has it"

        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(take, operators))
        assert outcomes == ["has it", "taken"]
        assert Entry.objects.filter(type="alert.answer", subject=f"alert:{alert.pk}").count() == 1


def test_merged_and_parted_again_with_nothing_lost() -> None:
    ana = at_desk("ana")
    made = put_up()
    one, two, three = call("1"), call("2"), call("3")
    actions.merge(ana, one.pk, two.pk)
    actions.merge(ana, two.pk, three.pk)
    assert set(Alert.objects.filter(part_of=three).values_list("pk", flat=True)) == {one.pk, two.pk}
    actions.unmerge(ana, one.pk)
    one.refresh_from_db()
    assert one.state == "waiting" and one.part_of is None
    actions.answer(ana, three.pk)
    actions.close(ana, three.pk, "helped")
    two.refresh_from_db()
    assert two.state == "closed" and two.outcome == "helped"
    for alert, into in ((one, one), (one, three)):
        with pytest.raises(Conflict):
            actions.merge(ana, alert.pk, into.pk)
    assert made.button.alerts.count() == 0


def test_a_telephone_that_sends_again_says_where_it_is_also_where_its_call_is_part_of_another() -> None:
    ana = at_desk("ana")
    one, whole = call("1"), call("2")
    actions.merge(ana, one.pk, whole.pk)
    assert call("1", point=CENTER).pk == one.pk
    one.refresh_from_db()
    assert (one.state, one.presses, one.point) == ("merged", 1, CENTER)
    actions.answer(ana, whole.pk)
    actions.close(ana, whole.pk, "helped")
    call("1")
    one.refresh_from_db()
    assert (one.state, one.presses) == ("closed", 1), "what is over takes no press"


def test_a_false_alarm_is_looked_at_by_somebody_else() -> None:
    ana, ben = at_desk("ana"), at_desk("ben")
    alert = call()
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "false")
    with pytest.raises(Denied):
        actions.review(ana, alert.pk, agreed=True)
    assert actions.review(ben, alert.pk, agreed=False).state == "waiting"
    actions.answer(ben, alert.pk)
    actions.close(ben, alert.pk, "false")
    assert actions.review(ana, alert.pk, agreed=True).reviewer_id == ana.person_id
    with pytest.raises(Conflict):
        actions.review(ana, alert.pk, agreed=True)


def test_called_off_under_duress_it_looks_the_same_to_the_caller_and_stays_open() -> None:
    pages = {}
    for held in ("1", ""):
        code = press(ANONYMOUS, f"{KEY}held{held}", at=NOON).code
        answer = Client().post(f"/safety/call/{code}/cancel/", {"held": held})
        assert answer.status_code == 302
        pages[held] = Client().get(f"/safety/call/{code}/?part=1").content
    assert pages["1"] == pages[""]
    assert [one.duress for one in Alert.objects.order_by("pk")] == [False, True]
    assert all(one.is_open for one in Alert.objects.all())
    shown = browser(at_desk("ana")).get(f"/safety/alerts/{Alert.objects.get(duress=True).pk}/").content.decode()
    assert "under duress" in shown


def test_the_mark_tells_a_screen_whether_it_has_them_all() -> None:
    ana = at_desk("ana")
    client = browser(ana)
    call("1"), call("2")
    said = client.get("/safety/desk/queue/").json()
    rows = said["rows"]
    assert said["mark"] == [2, sum(row["version"] for row in rows), sum(row["id"] for row in rows)]
    before = said["mark"]
    press(ANONYMOUS, KEY + "1", point=CENTER, at=NOON)
    after = client.post("/safety/desk/here/").json()
    assert after["mark"] != before and after["shift"] and after["people"][str(ana.person_id)]["silent"] is False


def test_what_has_waited_longest_stands_first_however_many_come() -> None:
    early = call("early")
    now = NOON + timedelta(hours=1)
    Alert.objects.bulk_create(
        Alert(place=str(n), door="pole", received_at=now, pressed_at=now, waits_since=now) for n in range(500)
    )
    assert stream.queue()[0].pk == early.pk


def test_each_look_at_an_alert_is_in_the_journal() -> None:
    alert, client = call(), browser(at_desk("ana"))
    for _look in range(3):
        client.get(f"/safety/alerts/{alert.pk}/")
    assert Entry.objects.filter(type="alert.seen", subject=f"alert:{alert.pk}").count() == 3


def test_every_step_by_the_desks_own_pages() -> None:
    ana = at_desk("ana")
    client, alert = browser(ana), call()
    step = f"/safety/alerts/{alert.pk}/"
    answer = client.post(f"{step}answer/", headers={"accept": "application/json"})
    assert answer.json()["state"] == "answered" and answer.json()["owner"] == ana.person_id
    assert client.post(f"{step}note/", {"text": "Two persons"}).status_code == 302
    assert client.post(f"{step}reply/", {"text": "Stay where you are"}).status_code == 302
    assert client.post(f"{step}put-back/").status_code == 302
    assert client.post(f"{step}answer/").status_code == 302
    assert client.post(f"{step}close/", {"outcome": "nobody"}).status_code == 302
    assert client.post(f"{step}reopen/", {"text": "Called again"}).status_code == 302
    assert client.post(f"{step}dance/").status_code == 404
    assert client.post("/safety/alerts/999999/answer/").status_code == 404
    page = client.get(step).content.decode()
    assert "Two persons" in page and "Stay where you are" in page


def test_caller_and_desk_write_to_each_other() -> None:
    made = press(ANONYMOUS, KEY, at=NOON)
    Client().post(f"/safety/call/{made.code}/text/", {"text": "Behind the church"})
    calling.reply(at_desk("ana"), made.alert.pk, "We come")
    page = Client().get(f"/safety/call/{made.code}/").content.decode()
    assert "Behind the church" in page and "We come" in page
    assert Client().get("/safety/call/aaaaaaaaaaaaaaaaaaaa/").status_code == 404


def test_a_button_that_is_not_there_is_a_case_and_one_only() -> None:
    ana, made = at_desk("ana"), put_up()
    client = browser(ana)
    alert = Alert.objects.create(
        button=made.button, door="pole", place="x", received_at=NOON, pressed_at=NOON, waits_since=NOON
    )
    for _press in range(2):
        client.post(f"/safety/alerts/{alert.pk}/not-there/", {"other": str(made.button.pk)})
    repair = Repair.objects.get()
    assert repair.why == "place" and repair.case.state == CaseState.NEW
    assert client.post(f"/safety/buttons/repaired/{repair.case_id}/").status_code == 302
    assert not Repair.objects.filter(case__state=CaseState.NEW).exists()


def test_silent_low_and_opened_buttons_are_repaired_and_the_share_that_works_is_told() -> None:
    good, silent, low, opened = (put_up(name) for name in ("good", "silent", "low", "opened"))

    def beat(made: Any, **message: Any) -> None:
        body = made.signer.envelope([{"kind": "heartbeat", **message}])
        assert Client().post("/api/devices/messages", body, content_type="application/json").status_code == 200

    for made, message in ((good, {"battery": 90}), (silent, {}), (low, {"battery": 9}), (opened, {"tamper": True})):
        beat(made, **message)
    DeviceState.objects.filter(device=silent.button.device).update(silent_since=NOON)
    assert buttons.look_for_silent() == 1 and buttons.look_for_silent() == 0
    assert dict(Repair.objects.values_list("button__name", "why")) == {
        "silent": "silent",
        "low": "battery",
        "opened": "tamper",
    }
    assert buttons.working() == (1, 4)


def test_after_ninety_days_nobody_can_tell_who_called() -> None:
    ana = at_desk("ana")
    made = press(ANONYMOUS, KEY, phone="+351 900 000", place="Rua X 7", text="He has a knife", at=NOON)
    actions.answer(ana, made.alert.pk, now=NOON)
    actions.close(ana, made.alert.pk, "helped", text="Taken home", now=NOON)
    assert retention.erase(NOON + timedelta(days=89)) == 0
    assert retention.erase(NOON + timedelta(days=91)) == 1
    with connection.cursor() as cursor:
        for table in ("safety_alert", "safety_line"):
            cursor.execute(f"SELECT string_agg(row_to_json(t)::text, '') FROM {table} t")
            (text,) = cursor.fetchone()
            for trace in ("900 000", "Rua X", "knife", "Taken home", KEY):
                assert trace not in text, (table, trace)
    with pytest.raises(Missing):
        calling.by_code(made.code)
    assert Line.objects.count() > 0 and Alert.objects.get().outcome == "helped"
