"""One call that is two incidents, two calls that are one, and what the callers of parts do meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, calling, dispatching, retention
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, S, at_desk, go_on, officer, only, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, **{"at": NOON, "point": CENTER, "place": "Square", **given}).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def test_the_second_has_its_own_clock_and_owner_and_neither_has_the_others_lines() -> None:
    ana, ben = at_desk("ana", now=NOON), at_desk("ben", now=NOON)
    first = call(text="They fight, and a man lies there", phone="+351 900")
    actions.answer(ana, first.pk, now=NOON + 5 * S)
    second = actions.split(ana, first.pk, "medical", text="a man lies there", now=NOON + 60 * S)
    first.refresh_from_db()
    assert (first.state, first.owner_id) == ("answered", ana.person_id)
    assert (second.state, second.kind, second.owner_id) == ("waiting", "medical", None)
    assert (second.waits_since, second.point, second.place) == (NOON + 60 * S, CENTER, "Square")
    assert (second.phone, second.person_id, second.key, second.code) == ("", None, None, None)
    assert Deadline.objects.filter(kind="safety.unanswered", subject=f"alert:{second.pk}").exists()
    assert list(first.lines.values_list("what", flat=True)) == ["said", "answer", "split"]
    assert list(second.lines.values_list("what", flat=True)) == ["split_off"]
    go_on(NOON + 71 * S)
    second.refresh_from_db()
    assert second.level == 1, "it goes up by itself"
    assert actions.answer(ben, second.pk, now=NOON + 72 * S).owner_id == ben.person_id
    pages = [browser(ana).get(f"/safety/alerts/{one.pk}/").content.decode() for one in (first, second)]
    assert f"/safety/alerts/{second.pk}/" in pages[0] and f"/safety/alerts/{first.pk}/" in pages[1]
    assert "They fight" in pages[0] and "They fight" not in pages[1]


def test_both_journals_tell_of_it_by_numbers() -> None:
    ana, first = at_desk("ana"), call()
    actions.answer(ana, first.pk)
    second = actions.split(ana, first.pk, "fire", text="the kiosk burns")
    (entry,) = Entry.objects.filter(type="alert.split")
    assert entry.subject == f"alert:{first.pk}" and entry.data["alert"] == second.pk
    (entry,) = Entry.objects.filter(type="alert.opened", subject=f"alert:{second.pk}")
    assert entry.data["split_from"] == first.pk
    assert not [one for one in Entry.objects.all() if "kiosk" in str(one.data)]


def test_units_of_the_first_stay_with_it_and_merging_undoes_it() -> None:
    ana, first = at_desk("ana"), call()
    patrol("P1")
    actions.answer(ana, first.pk)
    sent = dispatching.offer(ana, first.pk)
    dispatching.accept(ana, sent.pk)
    second = actions.split(ana, first.pk, "medical")
    assert not second.assignments.exists() and Alert.objects.get(pk=first.pk).state == "sent"
    actions.merge(ana, second.pk, first.pk)
    second.refresh_from_db()
    assert second.state == "merged" and second.part_of_id == first.pk
    assert not Deadline.objects.filter(subject=f"alert:{second.pk}").exists()
    actions.close(ana, first.pk, "helped")
    second.refresh_from_db()
    assert (second.state, second.outcome) == ("closed", "helped")


def test_of_the_second_too_nobody_can_tell_where_it_was_after_ninety_days() -> None:
    ana, first = at_desk("ana"), call()
    actions.answer(ana, first.pk, now=NOON)
    second = actions.split(ana, first.pk, "medical", text="a man lies there", now=NOON)
    actions.answer(ana, second.pk, now=NOON)
    for one in (first, second):
        actions.close(ana, one.pk, "helped", now=NOON)
    assert retention.erase(NOON + timedelta(days=91)) == 2
    second.refresh_from_db()
    assert (second.point, second.place) == (None, "") and not second.lines.exclude(text="").exists()
    assert retention.erase(NOON + timedelta(days=91)) == 0


@pytest.mark.parametrize("kind", ["", "unit", "dance"])
def test_a_second_of_no_kind_is_not_made(kind: str) -> None:
    ana, first = at_desk("ana"), call()
    actions.answer(ana, first.pk)
    with pytest.raises(Invalid):
        actions.split(ana, first.pk, kind)
    assert only() == first


def test_who_has_it_not_splits_nothing_and_what_waits_or_is_over_is_whole() -> None:
    ana, ben, first = at_desk("ana"), at_desk("ben"), call()
    with pytest.raises(Conflict):
        actions.split(ana, first.pk, "fire")
    actions.answer(ana, first.pk)
    with pytest.raises(Conflict, match="has this alert"):
        actions.split(ben, first.pk, "fire")
    with pytest.raises(Denied):
        actions.split(officer("gil", "guard"), first.pk, "fire")
    actions.close(ana, first.pk, "helped")
    with pytest.raises(Conflict):
        actions.split(ana, first.pk, "fire")
    assert only().split_off.count() == 0


def test_by_the_desks_own_page() -> None:
    ana, first = at_desk("ana"), call()
    client = browser(ana)
    path = f"/safety/alerts/{first.pk}/"
    assert 'id="split-kind"' not in client.get(path).content.decode(), "nobody has answered it"
    client.post(f"{path}answer/")
    assert 'id="split-kind"' in client.get(path).content.decode()
    assert client.post(f"{path}split/", {"kind": "medical", "text": "a man lies there"}).status_code == 302
    assert Line.objects.get(what="split_off").text == "a man lies there"


def test_what_the_caller_of_a_part_does_reaches_whoever_has_the_whole() -> None:
    ana, whole = at_desk("ana"), call("whole")
    made = press(ANONYMOUS, KEY + "part", at=NOON)
    actions.answer(ana, whole.pk)
    actions.merge(ana, made.alert.pk, whole.pk)
    before = Alert.objects.get(pk=whole.pk).version
    calling.tell(made.code, "He comes back")
    calling.cancel(made.code, duress=True)
    whole.refresh_from_db()
    assert whole.version > before + 1 and whole.duress, "somebody forces one of its callers"
    assert list(whole.lines.values_list("what", flat=True))[-2:] == ["part_said", "part_off"]
    assert "under duress" in browser(ana).get(f"/safety/alerts/{whole.pk}/").content.decode()
    actions.unmerge(ana, made.alert.pk)
    calling.tell(made.code, "Hello")
    assert list(whole.lines.values_list("what", flat=True))[-1] == "part_off", "it is a part no more"
