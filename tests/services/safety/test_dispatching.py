"""Which unit goes, what happens to an offer that nobody takes, and how far a unit is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityhall.kernel.errors import Conflict, Denied
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles import register
from cityhall.kernel.vehicles.models import VehicleState
from cityhall.services.safety import actions, choosing, dispatching, roads, units
from cityhall.services.safety.models import Alert, Assignment
from cityhall.services.safety.pressing import press
from cityhall.services.safety.workflow import State
from tests.services.safety.conftest import CENTER, NOON, SETTER_UP, S, at_desk, go_on, officer, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def away(metres: float) -> Point:
    return Point(CENTER.lon, CENTER.lat + metres / 111_195)


@pytest.fixture
def ana(city: object) -> Actor:
    return at_desk("ana", now=NOON)


def answered(ana: Actor, kind: str = "panic", name: str = "a") -> Alert:
    alert = press(ANONYMOUS, KEY + name, kind=kind, point=CENTER, at=NOON).alert
    return actions.answer(ana, alert.pk, now=NOON + S)


def test_the_nearest_free_one_is_the_first_choice_and_says_how_far(ana: Actor) -> None:
    far, near, busy = patrol("far", away(3000)), patrol("near", away(700)), patrol("busy", away(10))
    dispatching.offer(ana, answered(ana, name="b").pk, busy.pk, now=NOON)
    found = choosing.choices(answered(ana), now=NOON)
    assert [one.unit for one in found] == [near, far]
    assert found[0].seconds == pytest.approx(700 / roads.CROW_M_S, rel=0.01) and not found[0].road


def test_who_can_do_what_is_wanted_goes_before_who_is_nearer(ana: Actor) -> None:
    patrol("near", away(100))
    skilled = patrol("skilled", away(2000), skills=("harassment",))
    alert = answered(ana, "harassment")
    assert choosing.choices(alert, now=NOON)[0].unit == skilled
    assert dispatching.offer(ana, alert.pk, now=NOON).unit == skilled


def test_where_a_receiver_is_silent_the_station_counts_and_it_is_told(ana: Actor) -> None:
    vehicle = register.enter(SETTER_UP, "P7", kind="patrol")
    unit = units.keep(SETTER_UP, "P7", vehicle="P7", station=away(5000))
    unit.on_duty = True
    unit.save()
    state = VehicleState(vehicle=vehicle, at=NOON, published_at=NOON, point=away(50), measured=away(50), accuracy_m=3)
    state.save()
    alert = answered(ana)
    fresh = choosing.choices(alert, now=NOON + S)[0]
    assert fresh.at == NOON and fresh.seconds is not None and fresh.seconds < 10
    stale = choosing.choices(alert, now=NOON + timedelta(minutes=5))[0]
    assert stale.at is None and stale.seconds == pytest.approx(5000 / roads.CROW_M_S, rel=0.01)


def test_an_offer_that_nobody_takes_goes_to_the_next_and_then_the_supervisor_is_told(ana: Actor) -> None:
    boss = officer("eva", "supervisor")
    first, second = patrol("first", away(100)), patrol("second", away(200))
    alert = answered(ana)
    dispatching.offer(ana, alert.pk, now=NOON)
    go_on(NOON + 19 * S)
    assert Assignment.objects.get().unit == first
    go_on(NOON + 20 * S)
    assert [(one.unit, one.state) for one in Assignment.objects.order_by("pk")] == [
        (first, "lapsed"),
        (second, "offered"),
    ]
    go_on(NOON + 41 * S)
    assert not Assignment.objects.filter(state="offered").exists()
    told = Notification.objects.filter(person_id=boss.person_id).values_list("title", flat=True)
    assert any("No unit takes" in title for title in told)


def test_the_way_of_a_unit_moves_the_alert(ana: Actor) -> None:
    crew = officer("gil", "guard")
    patrol("P1", person=crew)
    alert = answered(ana)
    one = dispatching.offer(ana, alert.pk, now=NOON)
    assert Notification.objects.filter(person_id=crew.person_id).count() == 1
    for step, state in ((dispatching.accept, "sent"), (dispatching.arrive, "there")):
        step(crew, one.pk, now=NOON + S)
        step(crew, one.pk, now=NOON + 2 * S)
        alert.refresh_from_db()
        assert alert.state == state
    assert (alert.sent_at, alert.there_at) == (NOON + S, NOON + S), "twice is once"
    go_on(NOON + (dispatching.CHECK_S + 2) * S)
    assert Notification.objects.filter(title__contains="has not said that all is well").exists()
    actions.close(ana, alert.pk, "helped", now=NOON + 700 * S)
    one.refresh_from_db()
    assert one.state == "done"


def test_of_two_units_at_an_alert_one_may_leave(ana: Actor) -> None:
    patrol("P1"), patrol("P2")
    alert = answered(ana)
    first, second = (dispatching.offer(ana, alert.pk, now=NOON) for _unit in range(2))
    for one in (first, second):
        dispatching.accept(ana, one.pk, now=NOON)
    dispatching.arrive(ana, first.pk, now=NOON)
    dispatching.done(ana, first.pk, now=NOON)
    alert.refresh_from_db()
    assert alert.state == State.THERE, "the second is still on its way"
    dispatching.call_back(ana, second.pk, now=NOON)
    alert.refresh_from_db()
    assert alert.state == State.ANSWERED, "nobody goes any more: somebody must be sent again"


def test_who_goes_after_the_last_one_left_is_on_its_way_and_not_there(ana: Actor) -> None:
    patrol("P1")
    alert = answered(ana)
    for _time in range(2):
        one = dispatching.offer(ana, alert.pk, now=NOON)
        dispatching.accept(ana, one.pk, now=NOON)
        alert.refresh_from_db()
        assert alert.state == State.SENT
        dispatching.arrive(ana, one.pk, now=NOON)
        dispatching.done(ana, one.pk, now=NOON)
        alert.refresh_from_db()
        assert alert.state == State.THERE, "whether more is needed the operator says"


def test_nobody_steers_another_unit(ana: Actor) -> None:
    crew, other = officer("gil", "guard"), officer("rui", "guard")
    patrol("P1", person=crew)
    one = dispatching.offer(ana, answered(ana).pk, now=NOON)
    for actor in (other, ANONYMOUS):
        with pytest.raises(Denied):
            dispatching.accept(actor, one.pk, now=NOON)


def test_a_unit_in_danger_comes_before_all_others(ana: Actor) -> None:
    crew = officer("gil", "guard")
    unit = patrol("P1", person=crew)
    press(ANONYMOUS, KEY + "early", at=NOON - 60 * S)
    made = dispatching.help_me(crew, unit.pk, now=NOON)
    again = dispatching.help_me(crew, unit.pk, now=NOON + S)
    assert again.pk == made.pk and again.presses == 2
    from cityhall.services.safety import stream

    assert stream.queue()[0].pk == made.pk and made.kind == Alert.Kind.UNIT


def test_off_duty_is_off_duty(ana: Actor) -> None:
    crew = officer("gil", "guard")
    unit = patrol("P1", person=crew)
    dispatching.duty(crew, unit.pk, on=False)
    alert = answered(ana)
    with pytest.raises(Conflict):
        dispatching.offer(ana, alert.pk, now=NOON)
    dispatching.duty(crew, unit.pk, on=True)
    dispatching.offer(ana, alert.pk, now=NOON)
    with pytest.raises(Conflict):
        dispatching.duty(crew, unit.pk, on=False)
