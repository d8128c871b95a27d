"""An alert that nobody takes goes up, once a level, in time, whatever else happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.services.safety import actions, escalation
from cityhall.services.safety.models import Alert
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import NOON, S, at_desk, go_on, officer, only

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def call(name: str = "a") -> Alert:
    return press(ANONYMOUS, KEY + name, at=NOON).alert


def levels() -> list[int]:
    told = Entry.objects.filter(type="alert.escalated").order_by("pk").values_list("data", flat=True)
    return [data["level"] for data in told]


def test_it_goes_up_once_a_level_and_no_further() -> None:
    call()
    for seconds, expected in ((9, []), (10, [1]), (29, [1]), (30, [1, 2]), (60, [1, 2, 3]), (120, [1, 2, 3, 4])):
        go_on(NOON + seconds * S)
        assert levels() == expected, seconds
    go_on(NOON + 86_400 * S)
    assert levels() == [1, 2, 3, 4] and not Deadline.objects.exists()


def test_each_level_tells_whom_it_should() -> None:
    operator, supervisor = officer("ana"), officer("eva", "supervisor")
    call()
    go_on(NOON + 10 * S)
    go_on(NOON + 60 * S)
    assert Notification.objects.filter(person_id=operator.person_id).count() == 1
    (told,) = Notification.objects.filter(person_id=supervisor.person_id)
    assert "Nobody answers" in told.title and told.url.startswith("/safety/alerts/")


def test_after_a_standstill_it_is_told_once_as_high_as_it_stands() -> None:
    call()
    go_on(NOON + 65 * S)
    assert levels() == [3]
    go_on(NOON + 120 * S)
    assert levels() == [3, 4]


def test_thousands_at_one_moment_go_up_together_and_the_desk_is_told_once() -> None:
    operator = officer("ana")
    made = [
        Alert(place=f"P{number}", door="pole", received_at=NOON, pressed_at=NOON, waits_since=NOON)
        for number in range(1200)
    ]
    with transaction.atomic():
        escalation.begin([(one.pk, NOON, 0) for one in Alert.objects.bulk_create(made)])
    assert go_on(NOON + 10 * S) == 1200
    assert set(Alert.objects.values_list("level", flat=True)) == {1} and len(levels()) == 1200
    assert Notification.objects.filter(person_id=operator.person_id).count() == 1


def test_what_is_answered_in_time_stays_where_it_is() -> None:
    call()
    actor = at_desk("ana")
    actions.answer(actor, only().pk, now=NOON + 9 * S)
    go_on(NOON + 60 * S)
    assert levels() == [] and only().level == 0


def test_answered_but_nobody_sent_reminds_the_supervisor() -> None:
    supervisor = officer("eva", "supervisor")
    call()
    actions.answer(at_desk("ana"), only().pk, now=NOON + 5 * S)
    go_on(NOON + 64 * S)
    assert not Notification.objects.exists()
    go_on(NOON + 65 * S)
    assert "no unit was sent" in Notification.objects.get(person_id=supervisor.person_id).title


@pytest.mark.parametrize("way", ["put_back", "reopen", "unmerge"])
def test_what_waits_again_has_its_time_anew(way: str) -> None:
    alert, actor = call(), at_desk("ana")
    later = NOON + 100 * S
    if way == "put_back":
        actions.answer(actor, alert.pk, now=NOON + S)
        actions.put_back(actor, alert.pk, now=later)
    elif way == "reopen":
        actions.answer(actor, alert.pk, now=NOON + S)
        actions.close(actor, alert.pk, "helped", now=NOON + 2 * S)
        actions.reopen(actor, alert.pk, "Called again", now=later)
    else:
        other = call("b")
        actions.merge(actor, alert.pk, other.pk, now=NOON + S)
        actions.answer(actor, other.pk, now=NOON + S)
        actions.unmerge(actor, alert.pk, now=later)
    go_on(later + 9 * S)
    assert levels() == []
    go_on(later + 10 * S)
    assert levels() == [1]


def test_an_exercise_tells_nobody_but_goes_up() -> None:
    officer("ana")
    alert = call()
    Alert.objects.filter(pk=alert.pk).update(exercise=True)
    go_on(NOON + timedelta(seconds=10))
    assert levels() == [1] and not Notification.objects.exists()
