"""A journey that is followed: its state, its breaks, its alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.errors import Conflict, Denied, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.work import checks as work_checks
from cityhall.services.transit.models import FollowedTrip, LeaveAlarm
from cityhall.services.transit.realtime.notices import CancellationDraft, cancel
from cityhall.services.transit.riders import alarms, following, runner
from tests.services.transit.riders.conftest import DAY, OUT_8, Put, at, shown

Clock = Callable[..., datetime]
# Harbour to the square by line 1 (08:00 to 08:06), then line 2 to South Beach (08:16 to 08:22).
ASKED = {
    "from": "Harbour",
    "from_lon": "-51.2300",
    "from_lat": "-30.0300",
    "to": "South Beach",
    "to_lon": "-51.2150",
    "to_lat": "-30.0450",
    "date": str(DAY),
    "time": "07:50",
}
DOWN_8 = "down4"


def follow(client: Client) -> str:
    """Chooses the first journey of the planner's page, as a browser does; gives its secret."""
    page = client.get("/transit/", ASKED)
    option = page.context["options"][0]
    answer = client.post("/transit/trips/", {"from": "Harbour", "to": "South Beach", "offer": option.offer})
    assert answer.status_code == 302, answer.content
    return str(answer["Location"]).split("/")[3]


def state(client: Client, secret: str) -> dict[str, Any]:
    answer = client.get(f"/api/transit/trips/{secret}")
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def test_the_planner_says_when_to_leave_and_where_the_bus_is(clock: Clock, client: Client, bus: Put) -> None:
    now = clock(7, 50)
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=0)
    page = client.get("/transit/", ASKED).content.decode()
    # The bus may leave a moment early, so one leaves early too.
    assert "Leave in" in page and "this bus comes to your stop next" in page
    assert "expected there" in page


def test_another_day_than_today_has_no_now(clock: Clock, client: Client, bus: Put) -> None:
    now = clock(7, 50)
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=600)
    page = client.get("/transit/", ASKED | {"date": "2030-01-01"}).content.decode()
    assert "expected there" not in page and "Follow this journey" not in page


def test_the_steps_of_a_trip(clock: Clock, client: Client) -> None:
    clock(7, 50)
    secret = follow(client)
    seen = []
    for hour, minute in ((7, 50), (8, 0), (8, 3), (8, 8), (8, 18), (8, 30)):
        clock(hour, minute)
        seen.append(state(client, secret)["step"])
    # From stop to stop in one hop: as soon as one is on board, the next stop is the one to get off at.
    assert seen == ["leave", "wait", "alight", "wait", "alight", "arrived"]
    clock(8, 8)
    page = client.get(f"/transit/trips/{secret}/").content.decode()
    assert "Wait for line 2" in page and "noindex" in page


def test_delays_are_shown_beside_the_plan(clock: Clock, client: Client, bus: Put, predict: Any) -> None:
    clock(7, 50)
    secret = follow(client)
    now = clock(7, 58)
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=180)
    predict(OUT_8, now, "7", 0, [(8, 3), (8, 9), (8, 15)])
    told = state(client, secret)
    ride = next(leg for leg in told["legs"] if leg["line"] == "1")
    assert ride["planned_departure"][11:16] == "08:00" and ride["departure"][11:16] == "08:03" and ride["live"]
    assert told["broken"] is None
    page = shown(client.get(f"/transit/trips/{secret}/?part=1"))
    assert "expected 08:03 – 08:09" in page and "planned 08:00 – 08:06" in page and "<html" not in page


def test_a_tight_connection_is_said_to_be_tight(clock: Clock, client: Client, bus: Put, predict: Any) -> None:
    clock(7, 50)
    secret = follow(client)
    now = clock(7, 58)
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=540)
    predict(OUT_8, now, "7", 0, [(8, 9), (8, 15), (8, 21)], half_s=150)
    told = state(client, secret)
    assert [leg["risk"] for leg in told["legs"] if leg["line"]] == ["", "tight"]
    assert "A connection is tight" in client.get(f"/transit/trips/{secret}/").content.decode()


@pytest.fixture
def broken(clock: Clock, client: Client, bus: Put, predict: Any) -> Callable[[Client], str]:
    """A trip whose first bus comes to the change twelve minutes late."""

    def make(browser: Client) -> str:
        clock(7, 50)
        secret = follow(browser)
        now = clock(8, 2)
        bus("7", now, trip=OUT_8, next_sequence=1, delay_s=720)
        predict(OUT_8, now, "7", 1, [(8, 18), (8, 24)])
        return secret

    return make


def test_where_a_connection_breaks_there_is_another_way(client: Client, broken: Callable[[Client], str]) -> None:
    secret = broken(client)
    told = state(client, secret)
    assert [leg["risk"] for leg in told["legs"] if leg["line"]] == ["", "missed"]
    page = client.get(f"/transit/trips/{secret}/")
    text = page.content.decode()
    assert "This connection breaks" in text and "Other ways on" in text
    # A journey from where the trip began does not go on from where it broke.
    other = client.get("/transit/", ASKED).context["options"][0].offer
    assert client.post(f"/transit/trips/{secret}/another-way/", {"offer": other}).status_code == 409
    way = page.context["ways"][0]
    assert way["progress"].legs[-1].arrival >= at(8, 46)
    # Anybody with the address may take it, without an account.
    assert client.post(f"/transit/trips/{secret}/another-way/", {"offer": way["offer"]}).status_code == 302
    told = state(client, secret)
    assert told["broken"] is None and [leg["line"] for leg in told["legs"] if leg["line"]] == ["1", "2"]
    assert told["legs"][-1]["planned_departure"][11:16] == "08:46"
    assert told["arrival"][11:16] == "08:52"
    assert Entry.objects.filter(type="transit.trip.replanned").count() == 1
    gone = client.post(f"/transit/trips/{secret}/another-way/", {"offer": "no such way"})
    assert gone.status_code == 409


def test_what_was_shown_is_what_is_followed(clock: Clock, client: Client, bus: Put) -> None:
    """While one reads the answer its bus is late or gone, and a search of now gives other journeys."""
    now = clock(7, 50)
    shown = client.get("/transit/", ASKED).context["options"][0]
    cancel(system("dispatch"), CancellationDraft(service_day=DAY, trip=OUT_8))
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=720)
    answer = client.post("/transit/trips/", {"from": "Harbour", "to": "South Beach", "offer": shown.offer})
    assert answer.status_code == 302, answer.content
    told = state(client, str(answer["Location"]).split("/")[3])
    assert next(leg["risk"] for leg in told["legs"] if leg["line"]) == "cancelled"
    assert [leg["planned_departure"] for leg in told["legs"] if leg["line"]] == [
        leg.departure.isoformat() for leg in shown.itinerary.rides
    ]
    forged = client.post("/transit/trips/", {"offer": shown.offer[:-1]})
    assert forged.status_code == 409


def test_who_is_signed_in_is_told_once(
    ana: Person, signed_in: Callable[[Person], Client], broken: Callable[[Client], str]
) -> None:
    secret = broken(signed_in(ana))
    for _again in range(3):
        runner.look()
    told = Notification.objects.get(person=ana)
    assert "South Beach" in told.title and "line 2" in told.body and told.url == f"/transit/trips/{secret}/"


def test_a_trip_is_forgotten_when_it_is_ended_and_when_it_is_old(clock: Clock, client: Client) -> None:
    clock(7, 50)
    first, second = follow(client), follow(client)
    assert first != second and len(first) >= 32
    client.post(f"/transit/trips/{first}/end/")
    assert client.get(f"/transit/trips/{first}/").status_code == 404
    clock(21, 0)
    following.forget_old()
    assert FollowedTrip.objects.count() == 0
    assert client.get(f"/api/transit/trips/{second}").status_code == 404


def test_the_journal_does_not_know_where_anybody_goes(clock: Clock, client: Client) -> None:
    clock(7, 50)
    follow(client)
    written = Entry.objects.filter(type__startswith="transit.trip")
    assert written
    for entry in written:
        assert "Beach" not in str(entry.data) and "51.2" not in str(entry.data) and entry.actor == ""


def test_the_alarm_of_a_trip_moves_with_the_bus_and_goes_off_once(
    clock: Clock, ana: Person, signed_in: Callable[[Person], Client], bus: Put, predict: Any
) -> None:
    clock(7, 40)
    browser = signed_in(ana)
    secret = follow(browser)
    assert browser.post(f"/transit/trips/{secret}/alarm/").status_code == 302
    alarm = LeaveAlarm.objects.get()
    first = alarm.leave_at
    now = clock(7, 50)
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=600)
    predict(OUT_8, now, "7", 0, [(8, 10), (8, 16), (8, 22)])
    runner.look()
    alarm.refresh_from_db()
    assert alarm.leave_at - first >= timedelta(minutes=8) and Notification.objects.count() == 0
    assert "it was" in browser.get("/transit/alarms/").content.decode()
    now = clock(8, 8, 40)
    predict(OUT_8, now, "7", 0, [(8, 10), (8, 16), (8, 22)])
    bus("7", now, trip=OUT_8, next_sequence=0, delay_s=600)
    runner.look()
    runner.look()
    assert ["Leave now" in told.title for told in Notification.objects.all()] == [True]
    # It was told, and the bus has lost six more minutes: that is worth a word.
    predict(OUT_8, now, "7", 0, [(8, 16), (8, 22), (8, 28)])
    runner.look()
    assert any("more time" in told.title for told in Notification.objects.all())


def set_alarm(person: Person, walk_s: int = 300) -> LeaveAlarm:
    return alarms.set_for_bus(person_actor(person), "square", OUT_8, DAY, 1, walk_s)


def test_the_alarm_of_a_bus_at_a_stop(clock: Clock, ana: Person, signed_in: Callable[[Person], Client]) -> None:
    clock(7, 40)
    browser = signed_in(ana)
    asked = {"stop": "square", "trip": OUT_8, "day": str(DAY), "sequence": 1, "walk_s": 300}
    made = browser.post("/api/transit/alarms", asked, content_type="application/json")
    assert made.status_code == 200 and made.json()["leave_at"].startswith("2019-05-15T08:00")
    assert browser.post("/api/transit/alarms", asked, content_type="application/json").status_code == 409
    assert len(browser.get("/api/transit/alarms").json()) == 1
    form = {"stop": "square", "trip": "out5", "day": str(DAY), "sequence": "1", "walk": "5"}
    assert browser.post("/transit/alarms/new/", form).status_code == 302
    assert LeaveAlarm.objects.count() == 2
    clock(7, 59, 30)
    runner.look()
    told = Notification.objects.get()
    assert told.title == "Leave now for line 1 at Market Square" and "08:00" in told.body
    assert browser.delete(f"/api/transit/alarms/{made.json()['id']}").status_code == 404
    waiting = LeaveAlarm.objects.get(state="waiting")
    assert browser.post(f"/transit/alarms/{waiting.pk}/cancel/").status_code == 302
    clock(8, 30)
    runner.look()
    assert Notification.objects.count() == 1


def test_alarms_are_their_persons_alone(clock: Clock, ana: Person, signed_in: Callable[[Person], Client]) -> None:
    clock(7, 40)
    alarm = set_alarm(ana)
    other = Person.objects.create_user("rui@example.org")
    with pytest.raises(Missing):
        alarms.cancel(person_actor(other), alarm.pk)
    assert signed_in(other).get("/api/transit/alarms").json() == []
    assert "Market" not in signed_in(other).get("/transit/alarms/").content.decode()
    with pytest.raises(Denied):
        alarms.set_for_bus(ANONYMOUS, "square", OUT_8, DAY, 1, 300)
    assert Client().get("/api/transit/alarms").status_code == 401
    assert Client().post("/transit/alarms/new/", {}).status_code == 302


def test_an_alarm_that_comes_too_late_or_for_nothing_is_refused(clock: Clock, ana: Person) -> None:
    clock(8, 3)
    with pytest.raises(Conflict, match="time to leave"):
        set_alarm(ana)
    for stop, trip, sequence in (("none", OUT_8, 1), ("square", "none", 1), ("square", OUT_8, 99), ("hill", OUT_8, 1)):
        with pytest.raises(Missing):
            alarms.set_for_bus(person_actor(ana), stop, trip, DAY, sequence, 0)


@pytest.mark.attack
def test_an_alarm_that_nobody_can_work_out_keeps_no_other_waiting(
    clock: Clock, ana: Person, signed_in: Callable[[Person], Client]
) -> None:
    clock(7, 40)
    browser = signed_in(ana)
    secret = follow(browser)
    assert browser.post(f"/transit/trips/{secret}/alarm/").status_code == 302
    # As another version of the program may have left it, first in the line.
    FollowedTrip.objects.update(itinerary={"nobody": "knows"})
    set_alarm(ana)
    for moment in ((7, 59, 30), (7, 59, 40)):
        clock(*moment)
        runner.look()
    assert [told.title for told in Notification.objects.all()] == ["Leave now for line 1 at Market Square"]
    said = [what for level, what, _mend in work_checks.findings() if level == "warning"]
    assert any("transit.alarms" in what for what in said) and any("transit.trips" in what for what in said)
