"""A bus under way: who meets it where, what the crew and the desk are told, and what happens when it goes elsewhere."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.kernel.ports.driving import At, Coming, Driving
from cityhall.kernel.vehicles.models import Vehicle, VehicleState
from cityhall.services.safety import actions, choosing, dispatching, intercepting, layers, meetings, retention
from cityhall.services.safety.models import Alert, Assignment, Line, Meeting
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, S, at_desk, go_on, officer, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef-met"
BUS_M_S = 10.0


def north(metres: float) -> Point:
    return Point(CENTER.lon, CENTER.lat + metres / 111_195)


class Bus:
    """A bus that drives north from CENTER past a stop each kilometre; what is known of it is what it says here."""

    def __init__(self, now: datetime) -> None:
        self.vehicle = Vehicle.objects.create(public_id="7", kind="bus", label="Bus 7")
        self.off_way = self.unknown = False
        self.slow = 1.0
        self.asked = 0
        self.at = 0.0
        self.seen(now, 0.0)

    def seen(self, now: datetime, at: float) -> None:
        self.at = at
        known = {"at": now, "published_at": now, "point": north(at), "measured": north(at), "accuracy_m": 5.0}
        VehicleState.objects.update_or_create(vehicle=self.vehicle, defaults=known)

    def driving(self, vehicles: Any, now: datetime, ahead: int) -> dict[str, Driving]:
        self.asked += 1
        if self.unknown or "7" not in vehicles:
            return {}
        coming = []
        for number in range(1, 7):
            gone = (number * 1000 - self.at) / BUS_M_S * self.slow
            if gone > 0:
                place = north(number * 1000)
                at = At(f"s{number}", f"Stop {number}", place.lon, place.lat)
                coming.append(Coming(at, now + gone * S, now + 0.9 * gone * S, now + 1.2 * gone * S))
        ahead_of = () if self.off_way else tuple(coming[:ahead])
        return {"7": Driving("R1", "12", "t1", 0, "Hill", None, ahead_of, False, now, self.off_way)}


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, city: object, now: datetime) -> Bus:
    made = Bus(now)
    monkeypatch.setattr(intercepting, "ask", lambda _port: made.driving)
    return made


@pytest.fixture
def ana(city: object, now: datetime) -> Actor:
    return at_desk("ana", now=now)


def answered(ana: Actor, bus: Bus, now: datetime) -> Alert:
    alert = press(ANONYMOUS, KEY, vehicle_id=bus.vehicle.pk, point=CENTER, at=now).alert
    return actions.answer(ana, alert.pk, now=now)


def page_of(actor: Actor, path: str) -> str:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client.get(path).content.decode()


def test_who_waits_before_the_bus_goes_before_who_is_nearer_behind_it(ana: Actor, bus: Bus, now: datetime) -> None:
    behind, before = patrol("behind", north(-300)), patrol("before", north(3200))
    first, second = choosing.choices(answered(ana, bus, now), now=now)
    assert (first.unit, second.unit) == (before, behind)
    assert first.meet is not None and first.meet.sure and first.meet.chance >= 0.9
    # 1,200 m at 7 m/s are 171 s, and 200 s the bus: sure is only the stop next to it, 29 s against 300.
    assert first.meet.at.stop == "s3" and first.seconds == pytest.approx(200 / 7, rel=0.05)
    assert str(first.meet) == "meets line 12 at Stop 3 in 29 s, 4 min before it"
    assert second.meet is None and second.chases == "it cannot be before it: chase the last position"


def test_the_first_of_two_that_are_sure_is_the_one_that_meets_it_sooner(ana: Actor, bus: Bus, now: datetime) -> None:
    far, soon = patrol("far", north(5000)), patrol("soon", north(2000))
    found = choosing.choices(answered(ana, bus, now), now=now)
    assert [one.unit for one in found] == [soon, far]
    assert [one.meet.at.stop for one in found if one.meet] == ["s2", "s4"]


def test_a_bus_off_its_line_is_chased_to_where_it_was_seen_last(ana: Actor, bus: Bus, now: datetime) -> None:
    near, _far = patrol("near", north(600)), patrol("far", north(5000))
    alert = answered(ana, bus, now)
    bus.seen(now, 500)
    bus.off_way = True
    first = choosing.choices(alert, now=now)[0]
    assert first.unit == near and first.meet is None and first.chases == "off its line: chase the last position"
    assert first.seconds == pytest.approx(100 / 7, rel=0.05), "from where it is now, not from where it was pressed"


def test_nobody_knows_buses_or_whoever_knows_them_fails(
    monkeypatch: pytest.MonkeyPatch, ana: Actor, bus: Bus, now: datetime
) -> None:
    patrol("P1", north(2000))
    alert = answered(ana, bus, now)

    def broken(*_asked: object) -> dict[str, Driving]:
        raise RuntimeError("no timetable")

    for port in (None, broken):
        monkeypatch.setattr(intercepting, "ask", lambda _port, port=port: port)
        found = choosing.choices(alert, now=now)[0]
        assert found.meet is None and found.chases == "" and found.seconds is not None
        assert dispatching.offer(ana, alert.pk, now=now).seconds == found.seconds
        assert not Meeting.objects.exists()
        dispatching.call_back(ana, Assignment.objects.get(ended_at=None).pk, now=now)


def sent(ana: Actor, bus: Bus, now: datetime) -> tuple[Actor, Assignment]:
    crew = officer("gil", "guard")
    patrol("P1", north(3200), person=crew)
    alert = answered(ana, bus, now)
    one = dispatching.offer(ana, alert.pk, now=now)
    return crew, dispatching.accept(crew, one.pk, now=now)


def test_the_crew_and_the_desk_are_told_where_and_why(ana: Actor, bus: Bus, now: datetime) -> None:
    crew, one = sent(ana, bus, now)
    told = Notification.objects.get(person_id=crew.person_id)
    assert told.title == "Go to Stop 3"
    page = page_of(crew, "/safety/unit/")
    assert "meets line 12 at Stop 3 in" in page
    assert f'href="geo:{north(3000).lat},{north(3000).lon}"' in page
    desk = page_of(ana, f"/safety/alerts/{one.alert_id}/")
    assert "data-meeting" in desk and "meets line 12 at Stop 3" in desk
    drawn = {one["properties"]["what"]: one for one in layers.meetings(None)["features"]}
    assert drawn["place"]["properties"]["name"] == "Stop 3" and drawn["bus"]["properties"]["name"] == "12"
    offered = Entry.objects.get(type="unit.offered")
    assert offered.data["chance"] >= 0.9 and "Stop" not in str(offered.data), "the journal knows no places"


def test_it_is_planned_anew_at_a_new_position_and_only_then(ana: Actor, bus: Bus, now: datetime) -> None:
    crew, _one = sent(ana, bus, now)
    asked = bus.asked
    go_on(now + 6 * S)
    go_on(now + 12 * S)
    assert bus.asked == asked, "the bus has said nothing since"
    assert Deadline.objects.filter(kind=meetings.MEET).count() == 1
    # It stands in a jam: an earlier stop is within reach now, more than a minute sooner.
    bus.slow = 8.0
    bus.seen(now + 13 * S, 100)
    go_on(now + 18 * S)
    meeting = Meeting.objects.get()
    assert meeting.stop == "s1" and meeting.kind == Meeting.Kind.SURE and meeting.seen_at == now + 13 * S
    assert Notification.objects.filter(person_id=crew.person_id, title="Meet the bus at Stop 1 instead").count() == 1
    assert Line.objects.filter(what="redirected").count() == Entry.objects.filter(type="unit.redirected").count() == 1
    before = Alert.objects.get().version
    bus.seen(now + 19 * S, 110)
    go_on(now + 24 * S)
    assert Alert.objects.get().version == before, "the same stop: nobody is told again"


def test_a_stop_that_is_as_sure_is_kept(bus: Bus, now: datetime) -> None:
    driving = bus.driving(["7"], now, 20)["7"]
    (first,) = intercepting.meets(driving, [north(2000)], now)
    (kept,) = intercepting.meets(driving, [north(2000)], now, keep="s3")
    assert first is not None and first.at.stop == "s2"
    assert kept is not None and kept.at.stop == "s2", "a hundred seconds sooner is worth a turn"
    driving = dataclasses.replace(driving, ahead=(driving.ahead[0], _soon(driving, 40), *driving.ahead[1:]))
    (kept,) = intercepting.meets(driving, [north(2000)], now, keep="s2")
    assert kept is not None and kept.at.stop == "s2"


def _soon(driving: Driving, before: float) -> Coming:
    second = driving.ahead[1]
    at = dataclasses.replace(second.at, stop="extra")
    return Coming(at, second.arrival - before * S, None, second.latest)


@pytest.mark.parametrize("said", [True, False], ids=["its tracker says so", "nobody knows its way"])
def test_it_falls_back_within_two_positions(ana: Actor, bus: Bus, now: datetime, said: bool) -> None:
    crew, _one = sent(ana, bus, now)
    bus.off_way, bus.unknown = said, not said
    bus.seen(now + 3 * S, 100)
    go_on(now + 6 * S)
    first = Meeting.objects.get()
    assert (first.kind, first.stop) == (("off", "") if said else ("sure", "s3")), "one alone is doubt"
    bus.seen(now + 9 * S, 200)
    go_on(now + 12 * S)
    meeting = Meeting.objects.get()
    assert (meeting.kind, meeting.stop, meeting.point) == ("off", "", north(200))
    assert "off its line: chase the last position" in page_of(crew, "/safety/unit/")
    assert [one["properties"]["what"] for one in layers.meetings(None)["features"]] == ["bus"]
    assert Notification.objects.filter(person_id=crew.person_id, title__contains="has left its line").count() == 1
    # It is back on its line: it is met again.
    bus.off_way = bus.unknown = False
    bus.seen(now + 15 * S, 300)
    go_on(now + 18 * S)
    assert Meeting.objects.get().kind == "sure"


def test_it_ends_with_the_unit_and_is_forgotten_with_the_call(ana: Actor, bus: Bus, now: datetime) -> None:
    crew, one = sent(ana, bus, now)
    dispatching.arrive(crew, one.pk, now=now + S)
    bus.seen(now + 2 * S, 100)
    go_on(now + 10 * S)
    assert Meeting.objects.get().seen_at == now, "they have met it"
    actions.close(ana, one.alert_id, "helped", now=now + 60 * S)
    assert not Deadline.objects.filter(kind=meetings.MEET).exists()
    assert layers.meetings(None)["features"] == []
    retention.erase(now + retention.KEEP + 61 * S)
    assert not Meeting.objects.exists()
