"""From one shift to the next: alerts and notes, shown until somebody says that they know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, desk, handovers
from cityhall.services.safety.models import Alert, HandOver
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import NOON, S, at_desk, officer

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"
NOTE = "The man at kiosk 7 comes back at night"
HOUR = timedelta(hours=1)


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, at=NOON, **given).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def test_a_colleague_gets_all_alerts_with_the_note_and_says_that_they_know() -> None:
    ana, ben = at_desk("ana"), at_desk("ben")
    alerts = [call(name) for name in "ab"]
    for alert in alerts:
        actions.answer(ana, alert.pk)
    form = {"to": str(ben.person_id), "text": NOTE}
    assert browser(ana).post("/safety/desk/shift/hand-over/", form).status_code == 302
    assert set(Alert.objects.values_list("owner_id", flat=True)) == {ben.person_id}
    made = HandOver.objects.get()
    assert made.alerts == [alert.pk for alert in alerts]
    client = browser(ben)
    page = client.get("/safety/desk/").content.decode()
    assert NOTE in page and f"/safety/alerts/{alerts[1].pk}/" in page
    assert client.post("/safety/desk/here/").json()["handed"] == made.pk
    assert browser(ana).post("/safety/desk/here/").json()["handed"] == 0
    assert browser(ana).post(f"/safety/desk/left/{made.pk}/").status_code == 403, "it was left for ben"
    assert client.post(f"/safety/desk/left/{made.pk}/").status_code == 302
    made.refresh_from_db()
    assert made.read_by_id == ben.person_id and client.post("/safety/desk/here/").json()["handed"] == 0
    assert f"/safety/desk/left/{made.pk}/" not in client.get("/safety/desk/").content.decode()
    desk.end(ana)


def test_a_note_for_whoever_comes_next_waits_for_them_and_is_gone_for_all_once_one_knows() -> None:
    ana = at_desk("ana", now=NOON)
    made = handovers.hand_over(ana, None, NOTE, now=NOON)
    desk.end(ana, now=NOON)
    assert handovers.unread(ana, now=NOON + HOUR) == []
    ben, eva = officer("ben"), officer("eva")
    for actor in (ben, eva):
        assert handovers.unread(actor, now=NOON + HOUR) == [made]
    assert handovers.unread(ben, now=NOON + 25 * HOUR) == [], "it is old"
    handovers.confirm(ben, made.pk, now=NOON + HOUR)
    handovers.confirm(eva, made.pk, now=NOON + 2 * HOUR)
    assert HandOver.objects.get().read_by_id == ben.person_id, "twice is once"
    assert handovers.unread(eva, now=NOON + 3 * HOUR) == []
    assert handovers.lately(now=NOON + 3 * HOUR) == [made]


def test_a_note_keeps_the_alerts_where_they_are() -> None:
    ana = at_desk("ana")
    alert = call()
    actions.answer(ana, alert.pk)
    handovers.hand_over(ana, None, NOTE)
    alert.refresh_from_db()
    assert alert.owner_id == ana.person_id
    with pytest.raises(Conflict, match="still have"):
        desk.end(ana)


def test_to_nobody_who_is_not_here_and_nothing_is_handed_over() -> None:
    ana, ben = at_desk("ana", now=NOON), at_desk("ben", now=NOON - HOUR)
    for to in (ben.person_id, ana.person_id, 999):
        with pytest.raises(Conflict, match="not at the desk"):
            handovers.hand_over(ana, to, NOTE, now=NOON + S)
    with pytest.raises(Invalid, match="nothing to hand over"):
        handovers.hand_over(ana, None, "  ", now=NOON)
    with pytest.raises(Invalid):
        handovers.hand_over(ana, None, "x" * 2001, now=NOON)
    with pytest.raises(Denied):
        handovers.hand_over(officer("gil", "guard"), None, NOTE)
    with pytest.raises(Conflict, match="shift"):
        handovers.hand_over(officer("joe"), None, NOTE)
    assert not HandOver.objects.exists()


def test_what_is_not_over_is_counted_and_exercises_are_not_among_the_real() -> None:
    ana = at_desk("ana")
    assert handovers.not_over() == []
    call("a"), actions.answer(ana, call("b").pk)
    false = call("c")
    actions.answer(ana, false.pk), actions.close(ana, false.pk, "false")
    Alert.objects.create(exercise=True, door="phone", received_at=NOON, pressed_at=NOON, waits_since=NOON)
    assert [one.count for one in handovers.not_over()] == [1, 1, 1]
    page = browser(ana).get("/safety/desk/").content.decode()
    assert "alerts that wait" in page and "units at an alert" not in page


def test_the_journal_has_numbers_only_and_after_ninety_days_nothing_is_left() -> None:
    ana = at_desk("ana")
    made = handovers.hand_over(ana, None, NOTE)
    entry = Entry.objects.get(type="shift.handed_over")
    assert entry.data == {"to": None, "alerts": 0} and entry.subject == f"handover:{made.pk}"
    assert handovers.erase(timezone.now() + timedelta(days=89)) == 0
    assert handovers.erase(timezone.now() + timedelta(days=91)) == 1
