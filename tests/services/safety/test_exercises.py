"""Exercises: marked for all who see them, told to nobody else, in no figure, in nobody's way, and over at their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import (
    actions,
    cards,
    dispatching,
    exercises,
    figures,
    layers,
    patterns,
    queries,
    stream,
)
from cityhall.services.safety.models import Alert, Exercise, Repair, Unit
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, S, at_desk, go_on, officer, patrol, put_up

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"
HOUR = timedelta(hours=1)


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


@pytest.fixture
def sue() -> Actor:
    return at_desk("sue", "supervisor", now=NOON - HOUR)


def begun(sue: Actor, *units: Unit, ends_at: Any = NOON + HOUR, now: Any = NOON) -> Exercise:
    return exercises.begin(sue, "Fire at school", ends_at, [unit.pk for unit in units], now=now)


def pretend(sue: Actor, exercise: Exercise, kind: str = "panic", now: Any = NOON, **given: Any) -> Alert:
    return exercises.pretend(sue, exercise.pk, kind, **{"place": "School", "point": CENTER, "now": now, **given})


def really_pressed(made: Any) -> Alert:
    body = made.signer.envelope([{"kind": "press"}])
    answer = Client().post("/api/devices/urgent", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return Alert.objects.get(button=made.button, exercise=False)


def test_a_real_press_of_the_same_button_is_a_real_alert_and_stands_before_it(sue: Actor) -> None:
    made = put_up()
    exercise = begun(sue)
    first = pretend(sue, exercise, button_id=made.button.pk)
    second = pretend(sue, exercise, button_id=made.button.pk)
    real = really_pressed(made)
    assert len({first.pk, second.pk, real.pk}) == 3 and not real.exercise
    assert [one.exercise for one in stream.queue()] == [False, True, True]
    cards.answer(sue, first.pk, "hurt", 0)
    assert stream.queue()[0].pk == real.pk, "however urgent what is pretended may be"


def test_everybody_who_sees_it_reads_that_it_is_one(sue: Actor) -> None:
    gil = officer("gil", "guard")
    unit = patrol("P1", person=gil)
    alert = pretend(sue, begun(sue, unit, ends_at=timezone.now() + HOUR, now=timezone.now()), now=timezone.now())
    client = browser(sue)
    assert client.get("/safety/desk/").content.decode().count("EXERCISE") >= 3, "banner, row, and rows to come"
    assert "EXERCISE" in client.get(f"/safety/alerts/{alert.pk}/").content.decode()
    (feature,) = layers.alerts(None)["features"]
    assert feature["properties"]["name"].startswith("EXERCISE")
    (row,) = client.get("/safety/desk/queue/").json()["rows"]
    assert row["exercise"] is True
    actions.answer(sue, alert.pk)
    dispatching.offer(sue, alert.pk)
    assert "EXERCISE" in browser(gil).get("/safety/unit/").content.decode()
    (told,) = Notification.objects.all()
    assert told.person_id == gil.person_id and told.title.startswith("EXERCISE")


def test_nobody_outside_is_told_however_long_nobody_answers(sue: Actor) -> None:
    officer("ben"), officer("eva", "supervisor")
    unit = patrol("P1", person=officer("gil", "guard"))
    alert = pretend(sue, begun(sue, unit))
    for seconds in (11, 31, 61, 121):
        go_on(NOON + seconds * S)
    alert.refresh_from_db()
    assert alert.level == 4, "at the desk it goes up as a real one does"
    actions.answer(sue, alert.pk, now=NOON + 130 * S)
    go_on(NOON + 200 * S)
    sent = dispatching.offer(sue, alert.pk, now=NOON + 200 * S)
    dispatching.refuse(sue, sent.pk, now=NOON + 201 * S)
    assert Notification.objects.exclude(person_id=unit.person_id).count() == 0


def test_only_the_chosen_units_take_part_and_any_is_free_for_the_real_thing(sue: Actor) -> None:
    chosen, _other = patrol("P1"), patrol("P2")
    alert = pretend(sue, begun(sue, chosen))
    actions.answer(sue, alert.pk, now=NOON)
    assert [one.unit for one in dispatching.choices(alert, now=NOON)] == [chosen]
    sent = dispatching.offer(sue, alert.pk, now=NOON)
    dispatching.accept(sue, sent.pk, now=NOON)
    real = press(ANONYMOUS, KEY, point=CENTER, at=NOON).alert
    actions.answer(sue, real.pk, now=NOON)
    assert {one.unit.name for one in dispatching.choices(real, now=NOON)} == {"P1", "P2"}
    dispatching.offer(sue, real.pk, chosen.pk, now=NOON)
    sent.refresh_from_db()
    alert.refresh_from_db()
    assert sent.state == "recalled" and alert.state == "answered"
    assert dispatching.choices(alert, now=NOON) == [], "at the real thing it is not free for an exercise"


def test_it_is_in_no_figure_and_no_history(sue: Actor) -> None:
    made = put_up()
    before = (figures.open_now(), figures.answered_share(), figures.arrival_minutes(), figures.false_share())
    alert = pretend(sue, begun(sue), "harassment", button_id=made.button.pk)
    pretend(sue, begun(sue), "harassment")
    actions.answer(sue, alert.pk, now=NOON + 50 * S)
    assert (
        figures.open_now(),
        figures.answered_share(),
        figures.arrival_minutes(),
        figures.false_share(),
    ) == before
    actions.close(sue, alert.pk, "false", now=NOON + 60 * S)
    assert queries.waiting(sue) == 0 and queries.late(sue) == 0
    assert patterns.reports(NOON.date(), NOON.date()) == []
    assert queries.history(really_pressed(made), now=NOON).count == 0


def test_it_ends_by_itself_and_all_of_it_is_closed(sue: Actor) -> None:
    unit = patrol("P1")
    exercise = begun(sue, unit)
    alerts = {name: pretend(sue, exercise) for name in ("waits", "answered", "there", "merged", "closed")}
    real = press(ANONYMOUS, KEY, at=NOON).alert
    for name in ("answered", "there", "closed"):
        actions.answer(sue, alerts[name].pk, now=NOON)
    sent = dispatching.offer(sue, alerts["there"].pk, now=NOON)
    dispatching.accept(sue, sent.pk, now=NOON), dispatching.arrive(sue, sent.pk, now=NOON)
    actions.merge(sue, alerts["merged"].pk, alerts["waits"].pk, now=NOON)
    actions.close(sue, alerts["closed"].pk, "helped", now=NOON)
    split = actions.split(sue, alerts["answered"].pk, "fire", now=NOON)
    assert split.exercise
    go_on(NOON + HOUR - S)
    assert Exercise.objects.get().ended_at is None
    go_on(NOON + HOUR)
    assert Exercise.objects.get().ended_at is not None
    states = set(Alert.objects.filter(exercise=True).values_list("state", flat=True))
    assert states == {"closed"} and Alert.objects.get(pk=real.pk).state == "waiting"
    sent.refresh_from_db()
    assert sent.state == "done"
    subjects = [f"alert:{one.pk}" for one in (*alerts.values(), split)] + [f"assignment:{sent.pk}"]
    assert not Deadline.objects.filter(subject__in=subjects).exists()
    with pytest.raises(Conflict, match="over"):
        pretend(sue, exercise)
    with pytest.raises(Conflict, match="over"):
        actions.reopen(sue, alerts["closed"].pk, "again")


def test_a_real_alert_is_no_part_of_an_exercise_and_its_button_is_not_sent_for_repair(sue: Actor) -> None:
    made = put_up()
    alert = pretend(sue, begun(sue), button_id=made.button.pk)
    real = press(ANONYMOUS, KEY, at=NOON).alert
    for one, into in ((alert, real), (real, alert)):
        with pytest.raises(Conflict, match="exercise"):
            actions.merge(sue, one.pk, into.pk)
    assert "not-there" not in browser(sue).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert not Repair.objects.exists()


def test_by_its_page_from_its_beginning_to_the_list_of_past_ones(sue: Actor) -> None:
    client, unit = browser(sue), patrol("P1")
    form = {"name": "Night drill", "minutes": "30", "units": [str(unit.pk)]}
    assert client.post("/safety/exercises/", form).status_code == 302
    exercise = Exercise.objects.get()
    assert list(exercise.units.all()) == [unit] and exercise.begun_by_id == sue.person_id
    press_at = f"/safety/exercises/{exercise.pk}/press/"
    assert client.post(press_at, {"kind": "fire", "place": "School"}).status_code == 302
    assert client.post(press_at, {"kind": "fire"}).status_code == 200, "neither a button nor a place"
    alert = Alert.objects.get()
    actions.answer(sue, alert.pk, now=alert.received_at + 7 * S)
    assert client.post(f"/safety/exercises/{exercise.pk}/end/").status_code == 302
    assert client.post(f"/safety/exercises/{exercise.pk}/end/").status_code == 302, "twice is once"
    page = client.get("/safety/exercises/").content.decode()
    assert "Night drill" in page and "1 answered" in page and "answered after 7 s" in page


def test_only_a_supervisor_and_only_with_a_name_and_an_end(sue: Actor) -> None:
    ana = at_desk("ana")
    assert browser(ana).get("/safety/exercises/").status_code == 403
    with pytest.raises(Denied):
        begun(ana)
    for name, ends_at in (("", NOON + HOUR), ("x", NOON), ("x", NOON + 13 * HOUR)):
        with pytest.raises(Invalid):
            exercises.begin(sue, name, ends_at, now=NOON)
    with pytest.raises(Denied):
        pretend(ana, begun(sue))
