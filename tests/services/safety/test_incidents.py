"""Major incidents: each alert stays what it is; one picture, one log, one card, and a stand-down that all hear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, dispatching, exercises, handovers, incidents, retention, stream
from cityhall.services.safety.models import Alert, Incident, IncidentLine, Line
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, S, at_desk, go_on, officer, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def call(name: str = "a", **given: object) -> Alert:
    return press(ANONYMOUS, KEY + name, at=NOON, point=CENTER, **given).alert  # type: ignore[arg-type]


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


@pytest.fixture
def sue() -> Actor:
    return at_desk("sue", "supervisor", now=NOON)


def test_what_is_attached_keeps_its_clock_its_caller_and_its_operator(sue: Actor) -> None:
    ana = at_desk("ana", now=NOON)
    one, two, three = call("1"), call("2"), call("3", kind="fire")
    made = incidents.declare(sue, "Fire at the market", three.pk, now=NOON + S)
    actions.answer(ana, one.pk, now=NOON + S)
    for alert in (one, two):
        incidents.attach(ana, made.pk, alert.pk, now=NOON + 2 * S)
    assert incidents.attach(ana, made.pk, one.pk).pk == made.pk, "twice is once"
    assert made.kind == "fire" and {one.pk for one in stream.queue()} == {one.pk, two.pk, three.pk}
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, one.owner_id, one.part_of_id) == ("answered", ana.person_id, None)
    assert (two.state, two.owner_id, two.level) == ("waiting", None, 0)
    go_on(NOON + 11 * S)
    two.refresh_from_db()
    assert two.level == 1, "nobody has answered it: it goes up as ever"
    actions.close(ana, one.pk, "helped", now=NOON + 12 * S)
    assert set(Alert.objects.values_list("state", flat=True)) == {"closed", "waiting"}, "it alone"


def test_only_a_supervisor_declares_and_ends_one_and_operators_attach(sue: Actor) -> None:
    ana, alert = at_desk("ana"), call()
    with pytest.raises(Denied):
        incidents.declare(ana, "Flood", alert.pk)
    with pytest.raises(Invalid):
        incidents.declare(sue, " ", alert.pk)
    with pytest.raises(Missing):
        incidents.declare(sue, "Flood", alert.pk + 99)
    made = incidents.declare(sue, "Flood", alert.pk)
    with pytest.raises(Denied):
        incidents.stand_down(ana, made.pk)
    with pytest.raises(Denied):
        incidents.attach(officer("guard", "guard"), made.pk, call("b").pk)
    with pytest.raises(Conflict, match="shift"):
        incidents.attach(officer("late"), made.pk, call("b").pk)
    kinds = Entry.objects.filter(subject=f"incident:{made.pk}").values_list("type", "actor")
    assert list(kinds) == [("incident.declared", str(sue))]


def test_of_one_major_incident_at_a_time_and_taken_out_again(sue: Actor) -> None:
    ana = at_desk("ana")
    one, two = call("1"), call("2")
    first, second = incidents.declare(sue, "Flood", one.pk), incidents.declare(sue, "Fire", two.pk)
    with pytest.raises(Conflict, match="another"):
        incidents.attach(ana, second.pk, one.pk)
    incidents.detach(ana, one.pk)
    with pytest.raises(Conflict):
        incidents.detach(ana, one.pk)
    incidents.attach(ana, second.pk, one.pk)
    assert [one.pk for one in incidents.picture(ana, second.pk).alerts] == [one.pk, two.pk]
    assert incidents.picture(ana, first.pk).alerts == []
    assert [line.what for line in Line.objects.filter(alert=one)] == ["attach", "detach", "attach"]
    incidents.stand_down(sue, second.pk)
    with pytest.raises(Conflict, match="over"):
        incidents.detach(ana, one.pk)
    incidents.attach(ana, first.pk, one.pk)
    assert incidents.picture(ana, first.pk).alerts == [one], "what is over holds no alert"


def test_an_exercise_and_the_real_thing_are_never_one(sue: Actor) -> None:
    exercise = exercises.begin(sue, "Drill", timezone.now() + timedelta(hours=1))
    pretended = exercises.pretend(sue, exercise.pk, "fire", place="School", point=CENTER)
    made = incidents.declare(sue, "Fire", call().pk)
    with pytest.raises(Conflict):
        incidents.attach(sue, made.pk, pretended.pk)
    assert incidents.declare(sue, "Fire drill", pretended.pk).exercise


def test_one_card_one_log_and_one_picture(sue: Actor) -> None:
    ana = at_desk("ana")
    one, two = call("1", kind="medical"), call("2", kind="medical")
    made = incidents.declare(sue, "Bus crash", one.pk)
    incidents.attach(ana, made.pk, two.pk)
    incidents.answer(sue, made.pk, "breathing", 0)
    incidents.note(ana, made.pk, "Hospital is told")
    actions.note(ana, two.pk, "Second bus")
    seen = incidents.picture(ana, made.pk)
    assert [one.chosen for one in seen.asked][:2] == [0, None] and seen.asked[1].current
    told = {line.text for line in seen.log}
    assert {"Hospital is told", "Second bus", "Bus crash"} <= told
    assert seen.log == sorted(seen.log, key=lambda line: line.at, reverse=True)
    for wrong in (lambda: incidents.answer(ana, made.pk, "none", 0), lambda: incidents.note(ana, made.pk, " ")):
        with pytest.raises(Invalid):
            wrong()
    (looked,) = Entry.objects.filter(type="incident.seen", subject=f"incident:{made.pk}")
    assert looked.data == {"alerts": [one.pk, two.pk]} and looked.actor == str(ana)


def test_the_stand_down_is_in_every_log_and_with_every_crew_and_closes_nothing(sue: Actor) -> None:
    ana, crew = at_desk("ana"), officer("crew", "guard")
    patrol("Patrol 1", person=crew)
    one, two, over = call("1"), call("2"), call("3")
    made = incidents.declare(sue, "Flood", one.pk)
    for alert in (two, over):
        incidents.attach(ana, made.pk, alert.pk)
    for alert in (one, over):
        actions.answer(ana, alert.pk)
    actions.close(ana, over.pk, "helped")
    sent = dispatching.offer(ana, one.pk)
    dispatching.accept(crew, sent.pk)
    assert [line.name for line in handovers.not_over() if line.url == "/safety/incidents/"]
    incidents.stand_down(sue, made.pk, "The water is gone")
    down = Line.objects.filter(what="stand_down").order_by("alert")
    assert [(line.alert_id, line.text) for line in down] == [(pk, "The water is gone") for pk in (one.pk, two.pk)]
    assert Notification.objects.filter(person_id=crew.person_id, title__contains="Stand-down").count() == 1
    assert list(Alert.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "waiting", "closed"]
    with pytest.raises(Conflict):
        incidents.stand_down(sue, made.pk)
    assert not incidents.going_on().exists()


def test_after_ninety_days_its_log_tells_of_nobody(sue: Actor) -> None:
    made = incidents.declare(sue, "Flood", call().pk, now=NOON)
    incidents.note(sue, made.pk, "Ask Mrs Silva", now=NOON)
    incidents.answer(sue, made.pk, "danger", 0, now=NOON)
    retention.erase(NOON + timedelta(days=200))
    assert IncidentLine.objects.exclude(text="").count() == 3, "it goes on"
    incidents.stand_down(sue, made.pk, "All are out", now=NOON)
    retention.erase(NOON + timedelta(days=91))
    assert not IncidentLine.objects.exclude(text="").exists()
    assert IncidentLine.objects.get(what="card").data == {}


def test_by_the_desks_own_pages(sue: Actor) -> None:
    boss, ana = browser(sue), browser(at_desk("ana"))
    one, two = call("1"), call("2")
    assert "Declare a major incident" not in ana.get(f"/safety/alerts/{one.pk}/").content.decode()
    assert "Declare a major incident" in boss.get(f"/safety/alerts/{one.pk}/").content.decode()
    assert ana.post(f"/safety/alerts/{one.pk}/declare/", {"text": "Flood"}).status_code == 403
    assert boss.post(f"/safety/alerts/{one.pk}/declare/", {"text": "Flood <i>"}).status_code == 302
    made = Incident.objects.get()
    page = ana.get(f"/safety/alerts/{two.pk}/?part=1").content.decode()
    assert f'<option value="{made.pk}" translate="no">Flood &lt;i&gt;</option>' in page
    assert ana.post(f"/safety/alerts/{two.pk}/attach/", {"other": made.pk}).status_code == 302
    assert f"/safety/incidents/{made.pk}/" in ana.get(f"/safety/alerts/{two.pk}/").content.decode()
    assert f"/safety/incidents/{made.pk}/" in ana.get("/safety/desk/").content.decode()
    whole = f"/safety/incidents/{made.pk}/"
    assert ana.post(f"{whole}note/", {"text": "Boats are on their way"}).status_code == 302
    assert ana.post(f"{whole}card/", {"question": "danger", "answer": "0"}).status_code == 302
    shown = ana.get(f"{whole}?part=1").content.decode()
    for words in ("Boats are on their way", f"/safety/alerts/{one.pk}/", f"/safety/alerts/{two.pk}/", "✓"):
        assert words in shown
    assert "Stand-down" not in ana.get(whole).content.decode()
    assert ana.post(f"{whole}stand-down/").status_code == 403
    assert boss.post(f"{whole}stand-down/", {"text": "over"}).status_code == 302
    assert boss.post(f"{whole}nothing/").status_code == 404
    assert "Flood" in ana.get("/safety/incidents/").content.decode()
    for path in ("incidents/", f"incidents/{made.pk}/"):
        assert browser(officer(f"g{len(path)}", "guard")).get(f"/safety/{path}").status_code == 403
