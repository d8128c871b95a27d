"""Neighbouring centres: passed on until it is there, ours until they have it, theirs as any alert, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, centres, dispatching, eido, exercises, stream, tasks
from cityhall.services.safety.models import Alert, Centre, Line, Passing, Taken
from cityhall.services.safety.pressing import press
from tests.jobs import run_job
from tests.services.safety.conftest import CENTER, NOON, S, at_desk, go_on, officer, patrol
from tests.services.safety.test_eido import OURS, faults

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"
THEIRS = "their-token-for-us"
DOOR = "/safety/eido/"
THEIR_AGENCY = "next.example"
THEIR_INCIDENT = "urn:emergency:uid:incidentid:abc123def456:next.example"


@dataclass
class Wire:
    """What the other centre was sent, and what it answers: statuses in turn, 0 for no answer, 202 once they are out."""

    sent: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @contextmanager
    def stream(self, _client: Any, _method: str, url: str, *, json: Any, headers: dict[str, str]) -> Iterator[Any]:
        self.sent.append((url, json, headers["Authorization"]))
        status = self.answers.pop(0) if self.answers else 202
        if not status:
            raise httpx.ConnectTimeout("nobody there")
        yield httpx.Response(status, text="Not today" if status >= 300 else "")

    def jobs(self) -> None:
        """A worker does what waits, each once; what fails stays for another time."""
        for one in ProcrastinateJob.objects.filter(task_name__startswith="safety.", status="todo").order_by("id"):
            try:
                run_job(one.task_name, one.args)
            except (CityhallError, httpx.HTTPError):
                continue
            with connection.cursor() as cursor:
                cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [one.id])


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(
        httpx.Client, "stream", lambda self, method, url, **given: made.stream(self, method, url, **given)
    )
    return made


@pytest.fixture
def sue() -> Actor:
    return at_desk("sue", "supervisor")


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, **{"at": NOON, "point": CENTER, "place": "Bridge", **given}).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def neighbour(sue: Actor, name: str = "Next", **given: Any) -> tuple[Centre, str]:
    return centres.enter(sue, name, "https://next.example/eido/", THEIRS, **given)


def post(token: str, body: Any) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return Client().post(DOOR, data, content_type="application/json", headers={"authorization": f"Bearer {token}"})


def theirs(**given: Any) -> dict[str, Any]:
    """An incident of the other centre."""
    fields = {"place": "Harbour", "point": CENTER, "phone": "+351900", "notes": ((NOON, "He fell into the water"),)}
    return eido.incident(eido.Incident(THEIR_INCIDENT, THEIR_AGENCY, "9", "medical", 0, NOON, **fields | given))


def answered(alert: Alert, owns: bool, reason: str = "") -> dict[str, Any]:
    return eido.answer(centres.identifier(alert.pk), THEIR_AGENCY, NOON, owns=owns, reason=reason)


def test_it_is_ours_until_they_acknowledge_it(sue: Actor, wire: Wire) -> None:
    centre, ours = neighbour(sue)
    alert = call(kind="medical", phone="+351911", text="He does not breathe")
    actions.answer(sue, alert.pk)
    passing = centres.pass_on(sue, alert.pk, centre.pk)
    assert passing.state == "queued" and wire.sent == [], "nothing is sent in the transaction"
    wire.jobs()
    ((url, document, token),) = wire.sent
    assert (url, token) == ("https://next.example/eido/", f"Bearer {THEIRS}") and faults(OURS, document) == []
    read = eido.read(document)
    assert (read.kind, read.phone, read.point, read.notes) == ("medical", "+351911", CENTER, ("He does not breathe",))
    passing.refresh_from_db()
    alert.refresh_from_db()
    assert (passing.state, alert.state) == ("delivered", "answered")
    assert Deadline.objects.filter(subject=f"alert:{alert.pk}").exists(), "somebody here is still reminded"
    assert post(ours, answered(alert, owns=True)).status_code == 202
    passing.refresh_from_db()
    alert.refresh_from_db()
    assert (passing.state, alert.state, alert.outcome) == ("acknowledged", "closed", "elsewhere")
    assert not Deadline.objects.filter(subject=f"alert:{alert.pk}").exists()
    assert post(ours, answered(alert, owns=False)).status_code == 202, "an answer is given once"
    passing.refresh_from_db()
    assert passing.state == "acknowledged"
    kinds = [one.type for one in Entry.objects.filter(subject=f"alert:{alert.pk}").order_by("pk")]
    assert {"alert.passed_on", "alert.delivered", "alert.taken_there", "alert.hand_off"} <= set(kinds)
    assert not [one for one in Entry.objects.all() if "breathe" in str(one.data) or "351" in str(one.data)]


def test_refused_it_stays_here_with_the_reason_and_may_go_to_another(sue: Actor, wire: Wire) -> None:
    (centre, ours), (other, _token) = neighbour(sue), neighbour(sue, "Other")
    alert = call()
    actions.answer(sue, alert.pk)
    centres.pass_on(sue, alert.pk, centre.pk)
    with pytest.raises(Conflict):
        centres.pass_on(sue, alert.pk, centre.pk)
    wire.jobs()
    post(ours, answered(alert, owns=False, reason="Not our side of the river"))
    alert.refresh_from_db()
    assert alert.state == "answered" and alert.owner_id == sue.person_id
    assert Notification.objects.filter(person_id=sue.person_id, title__contains="Next").exists()
    page = browser(sue).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "Not our side of the river" in page and "Pass on to" in page
    assert centres.pass_on(sue, alert.pk, other.pk).state == "queued"
    assert centres.pass_on(sue, alert.pk, centre.pk).state == "queued", "and to the first again"


def test_units_on_their_way_are_not_called_back_by_another_centres_word(sue: Actor, wire: Wire) -> None:
    centre, ours = neighbour(sue)
    alert = call()
    patrol("P1")
    actions.answer(sue, alert.pk)
    dispatching.accept(sue, dispatching.offer(sue, alert.pk).pk)
    centres.pass_on(sue, alert.pk, centre.pk)
    wire.jobs()
    post(ours, answered(alert, owns=True))
    alert.refresh_from_db()
    assert alert.state == "sent" and alert.assignments.get().state == "accepted"
    assert Passing.objects.get().state == "acknowledged"


@pytest.mark.parametrize("status", [0, 500, 503, 429])
def test_what_may_help_later_is_sent_again_until_it_is_there(sue: Actor, wire: Wire, status: int) -> None:
    centre, _ours = neighbour(sue)
    centres.pass_on(sue, call().pk, centre.pk)
    wire.answers = [status, status]
    for state in ("queued", "queued", "delivered"):
        wire.jobs()
        assert Passing.objects.get().state == state
    assert len(wire.sent) == 3 and wire.sent[0][1] == wire.sent[2][1], "the same incident"
    assert Passing.objects.get().reason == ""


def test_given_up_it_says_so_at_the_alert_and_to_the_supervisors(sue: Actor, wire: Wire) -> None:
    centre, _ours = neighbour(sue)
    alert = call()
    centres.pass_on(sue, alert.pk, centre.pk)
    wire.answers = [0] * (tasks.ATTEMPTS + 5)
    for _time in range(tasks.ATTEMPTS + 2):
        wire.jobs()
    assert len(wire.sent) == tasks.ATTEMPTS + 1
    assert Passing.objects.get().state == "failed" and "nobody there" in Passing.objects.get().reason
    assert Notification.objects.filter(person_id=sue.person_id).count() == 1
    assert "could not be delivered" in browser(sue).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert Alert.objects.get(pk=alert.pk).state == "waiting"


def test_what_they_will_not_take_is_not_sent_again(sue: Actor, wire: Wire) -> None:
    centre, _ours = neighbour(sue)
    centres.pass_on(sue, call().pk, centre.pk)
    wire.answers = [403]
    wire.jobs()
    wire.jobs()
    assert len(wire.sent) == 1 and Passing.objects.get().state == "failed"
    assert "403 Not today" in Passing.objects.get().reason


def test_what_is_over_before_it_went_is_not_sent(sue: Actor, wire: Wire) -> None:
    centre, _ours = neighbour(sue)
    alert = call()
    centres.pass_on(sue, alert.pk, centre.pk)
    actions.answer(sue, alert.pk)
    actions.close(sue, alert.pk, "nobody")
    wire.jobs()
    assert wire.sent == []


def test_level_four_passes_it_on_by_itself_where_a_centre_takes_such(sue: Actor, wire: Wire) -> None:
    neighbour(sue, "Idle")
    centre, ours = neighbour(sue, takes_unanswered=True)
    alerts = [call(str(number)) for number in range(8)]
    exercise = exercises.begin(sue, "x", NOON + timedelta(hours=1), now=NOON)
    exercises.pretend(sue, exercise.pk, "panic", place="School", now=NOON)
    go_on(NOON + 119 * S)
    assert not Passing.objects.exists()
    go_on(NOON + 120 * S)
    assert set(Passing.objects.values_list("alert_id", "centre_id", "by_id")) == {
        (alert.pk, centre.pk, None) for alert in alerts
    }
    wire.jobs()
    assert len(wire.sent) == 8
    post(ours, answered(alerts[0], owns=True))
    assert Alert.objects.get(pk=alerts[0].pk).state == "closed"
    actions.answer(sue, alerts[1].pk, now=NOON + 130 * S)
    actions.put_back(sue, alerts[1].pk, now=NOON + 130 * S)
    go_on(NOON + 300 * S)
    assert Passing.objects.count() == 8, "once passed on it is not passed on again"


def test_without_a_centre_level_four_is_what_it_was(sue: Actor) -> None:
    neighbour(sue, takes_unanswered=True, enabled=False)
    call()
    go_on(NOON + 120 * S)
    assert Alert.objects.get().level == 4 and not Passing.objects.exists()


def test_theirs_is_an_alert_like_any_other_and_once_however_often_it_comes(sue: Actor, wire: Wire) -> None:
    _centre, ours = neighbour(sue)
    answers = [post(ours, theirs()) for _time in range(3)]
    assert [one.status_code for one in answers] == [202] * 3
    alert = Alert.objects.get()
    assert {one.json()["number"] for one in answers} == {alert.pk}
    assert (alert.kind, alert.door, alert.state, alert.presses) == ("medical", "centre", "waiting", 1)
    assert (alert.point, alert.place, alert.phone, alert.code) == (CENTER, "Harbour", "+351900", None)
    assert Line.objects.get(what="from_centre").text == "He fell into the water"
    assert Deadline.objects.filter(kind="safety.unanswered", subject=f"alert:{alert.pk}").exists()
    assert stream.queue()[0].pk == alert.pk
    wire.jobs()
    assert wire.sent == [], "that it lies here is no acknowledgement"
    actions.answer(sue, alert.pk)
    wire.jobs()
    wire.jobs()
    ((_url, document, token),) = wire.sent
    told = eido.read(document)
    assert token == f"Bearer {THEIRS}" and faults(OURS, document) == []
    assert (told.identifier, told.owns) == (THEIR_INCIDENT, True)
    assert Taken.objects.get().told_at is not None
    with pytest.raises(Conflict):
        centres.give_back(sue, alert.pk, "too late")


def test_theirs_is_given_back_with_a_reason(sue: Actor, wire: Wire) -> None:
    _centre, ours = neighbour(sue)
    post(ours, theirs())
    alert = Alert.objects.get()
    client = browser(sue)
    with pytest.raises(Invalid):
        centres.give_back(sue, alert.pk, "  ")
    assert client.post(f"/safety/alerts/{alert.pk}/give-back/", {"text": "It is on your side"}).status_code == 302
    alert.refresh_from_db()
    assert (alert.state, alert.outcome) == ("closed", "elsewhere")
    wire.answers = [503]
    wire.jobs()
    wire.jobs()
    told = eido.read(wire.sent[-1][1])
    assert len(wire.sent) == 2 and (told.owns, told.notes) == (False, ("It is on your side",))


@pytest.mark.parametrize("token", ["", "wrong", THEIRS])
def test_nobody_else_comes_in(sue: Actor, token: str) -> None:
    centre, ours = neighbour(sue)
    assert post(token, theirs()).status_code == 403 and not Alert.objects.exists()
    centres.enter(sue, "Next", centre.url, enabled=False)
    assert post(ours, theirs()).status_code == 403, "it is out of service"


def test_no_centre_answers_for_another_or_for_what_was_not_passed_on(sue: Actor, wire: Wire) -> None:
    (centre, _ours), (_other, others) = neighbour(sue), neighbour(sue, "Other")
    alert = call()
    centres.pass_on(sue, alert.pk, centre.pk)
    wire.jobs()
    assert post(others, answered(alert, owns=True)).status_code == 404
    assert post(others, answered(call("b"), owns=True)).status_code == 404
    assert Passing.objects.get().state == "delivered" and Alert.objects.filter(state="waiting").count() == 2


def test_the_door_refuses_what_it_cannot_read(sue: Actor, settings: Any) -> None:
    _centre, ours = neighbour(sue)
    for body, status in ((b"no json", 422), (b"[]", 422), (b"{}", 422), (b"[" * 5000, 422), (b" " * 256_001, 429)):
        answer = post(ours, body)
        assert answer.status_code == status, body[:10]
        assert answer.json()["message"]
    assert Client().get(DOOR).status_code == 405 and not Alert.objects.exists()


def test_the_register_shows_our_token_once_and_keeps_theirs_sealed(sue: Actor) -> None:
    client = browser(sue)
    form = {"name": "Next", "url": "https://next.example/eido/", "token": THEIRS, "enabled": "on"}
    page = client.post("/safety/centres/", form).content.decode()
    centre = Centre.objects.get()
    (_door, ours) = re.findall(r'<code class="key" translate="no">([^<]+)</code>', page)
    assert centres.known(ours) == centre
    assert ours not in client.get("/safety/centres/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM safety_centre t")
        (text,) = cursor.fetchone()
    assert THEIRS not in text and THEIRS.encode().hex() not in text and ours not in text
    client.post("/safety/centres/", {**form, "token": "", "takes_unanswered": "on"})
    centre.refresh_from_db()
    assert centre.takes_unanswered and centres.known(ours) == centre
    for bad in ({"url": "http://next.example/"}, {"name": "New", "token": ""}, {"url": "nowhere"}):
        assert "error" in client.post("/safety/centres/", {**form, **bad}).content.decode()
    assert Centre.objects.count() == 1
    with pytest.raises(Invalid):
        centres.enter(sue, "Plain", "http://next.example/", THEIRS)


def test_who_may_not_does_not(sue: Actor) -> None:
    centre, _ours = neighbour(sue)
    ana, alert = at_desk("ana"), call()
    assert browser(ana).get("/safety/centres/").status_code == 403
    with pytest.raises(Denied):
        neighbour(ana, "Mine")
    with pytest.raises(Denied):
        centres.pass_on(officer("gil", "guard"), alert.pk, centre.pk)
    with pytest.raises(Missing):
        centres.pass_on(ana, alert.pk, 999)
    exercise = exercises.begin(sue, "x", NOON + timedelta(hours=1), now=NOON)
    with pytest.raises(Conflict, match="exercise"):
        centres.pass_on(ana, exercises.pretend(sue, exercise.pk, "fire", place="School", now=NOON).pk, centre.pk)
