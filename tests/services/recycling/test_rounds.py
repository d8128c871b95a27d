"""Windows that are offered by what the trucks' rounds can keep, and rounds that keep what was promised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cityhall.engines.pickups import check
from cityhall.engines.pickups.schedule import timed, visit
from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.services.recycling import collecting, planning, rounds, trucks
from cityhall.services.recycling.models import Pickup, Round
from tests.services.recycling.conftest import HERE, WINDOWS, asked, officer, somebody

pytestmark = pytest.mark.usefixtures("recycling")
TRUCK: dict[str, Any] = {
    "key": "one",
    "names": {"en": "Truck 1"},
    "compartments": [{"kg": 100}],
    "shift": "07:30-20:30",
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "depot": [HERE.lon, HERE.lat],
    "unloading": [{"at": [HERE.lon + 0.01, HERE.lat], "minutes": 15}],
}
NEXT = timedelta(days=1)


def near(east: float = 0.0, north: float = 0.0) -> Point:
    """A place so many hundredths of a degree from the depot."""
    return Point(HERE.lon + east / 100, HERE.lat + north / 100)


def with_trucks(*said: dict[str, Any], windows: dict[str, Any] = WINDOWS) -> None:
    trucks.keep(said or [TRUCK])
    planning.keep_windows(windows | {"notice_hours": 3})


def tomorrow(hour: int = 8) -> datetime:
    # By the real clock, whatever one a test has set.
    here = timezone.localtime(datetime.now(UTC)) + NEXT
    return here.replace(hour=hour, minute=0, second=0, microsecond=0)


def free(point: Point = HERE, **grams: int) -> list[datetime]:
    """The beginnings of tomorrow's windows that are offered."""
    found = planning.offers("", point=point, grams=grams or {"paper": 5000})
    begins = [timezone.localtime(one.begin) for one in found]
    return [one for one in begins if one.date() == tomorrow().date()]


def holds(day: Any) -> None:
    """All that was promised for a day is kept by the order that is written down, and by nobody's hand but it."""
    read = rounds.read(day)
    assert check(read.plan.problem, read.plan) == [] and read.plan.unserved == ()
    for route in read.plan.routes:
        again = timed(read.plan.problem, route.vehicle, [visit(stop) for stop in route.stops])
        assert again is not None and [one.begin for one in again.stops] == [one.begin for one in route.stops]
        for stop in route.stops:
            if stop.job is not None:
                one = read.pickups[stop.job]
                assert one.begin is not None and one.end is not None
                assert one.begin <= read.moment(stop.begin) <= one.end


def test_windows_become_fewer_as_the_day_fills(settings: Any) -> None:
    # Each takes forty minutes at its door: five of them fill a window of four hours less its margin.
    options = settings.CITY.options["recycling"] | {"door_minutes": 40}
    settings.CITY.options["recycling"] = options
    with_trucks(TRUCK | {"shift": "08:00-16:00"})
    assert [one.hour for one in free()] == [8, 12]
    left = []
    for number in range(12):
        offered = free(near(number % 3))
        left.append(len(offered))
        if not offered:
            break
        asked(somebody(f"one{number}"), begin=offered[0], point=near(number % 3))
    assert left[0] == 2 and left[-1] == 0 and left == sorted(left, reverse=True)
    assert 8 <= Pickup.objects.filter(state="promised").count() < 12
    with pytest.raises(Conflict) as refused:
        asked(somebody("late"), begin=tomorrow(8))
    assert refused.value.code == "taken" and "rounds are full" in str(refused.value.message)
    assert not Pickup.objects.filter(person__email="late@example.org").exists()
    holds(tomorrow().date())


def test_what_no_truck_has_room_for_is_offered_nowhere() -> None:
    with_trucks(TRUCK | {"compartments": [{"materials": ["paper"], "kg": 50}, {"kg": 20}]})
    assert free(paper=50_000) and not free(paper=50_001)
    assert free(glass=15_000, cans=5_000) and not free(glass=15_000, cans=5_001)
    trucks.keep([TRUCK | {"compartments": [{"materials": ["paper"], "kg": 50}]}])
    assert free(paper=1_000) and not free(cans=1_000)


def test_a_truck_that_is_full_unloads_on_its_way() -> None:
    with_trucks()
    for number in range(4):
        asked(somebody(f"one{number}"), begin=tomorrow(8), grams={"paper": 60_000}, point=near(number))
    order = Round.objects.get().order["one"]
    assert order.count("u0") == 3 and len(order) == 7
    holds(tomorrow().date())
    # Who needs it no more drops out, and so does unloading for which nothing was collected.
    for one in Pickup.objects.order_by("pk")[:3]:
        collecting.cancel(somebody(f"one{one.pk - Pickup.objects.order_by('pk')[0].pk}"), one.pk)
    (route,) = rounds.read(tomorrow().date()).plan.routes
    assert [stop.job for stop in route.stops] == [0]


def test_no_truck_on_a_day_no_window_on_it() -> None:
    days = [(timezone.localtime() + timedelta(days=ahead)).isoweekday() for ahead in (2, 4)]
    with_trucks(TRUCK | {"weekdays": days})
    found = {one.begin.date() for one in planning.offers("", 50, point=HERE)}
    assert found and {day.isoweekday() for day in found} == set(days)


def test_without_trucks_places_are_counted() -> None:
    for number in range(2):
        assert [one.left for one in planning.offers("", 50) if one.begin == tomorrow(8)] == [2 - number]
        asked(somebody(f"one{number}"), begin=tomorrow(8))
    assert not [one for one in planning.offers("", 50) if one.begin == tomorrow(8)]
    assert not Round.objects.exists()


def test_trucks_told_of_later_take_what_was_promised_before() -> None:
    early = asked(somebody(), begin=tomorrow(8))
    with_trucks()
    holds(tomorrow().date())
    asked(somebody("ben"), begin=tomorrow(12))
    assert early.pk in Round.objects.get().order["one"]


def test_who_gave_no_place_on_the_map_is_reckoned_with() -> None:
    with_trucks()
    asked(somebody(), begin=tomorrow(8), point=None)
    (route,) = rounds.read(tomorrow().date()).plan.routes
    assert route.stops[0].leave - route.stops[0].begin == 20 * 60
    holds(tomorrow().date())


def test_an_officer_promises_what_the_round_keeps() -> None:
    with_trucks()
    waiting = asked(somebody(), begin=None)
    collecting.promise(officer(), waiting.pk, tomorrow(16))
    assert Round.objects.get().order == {"one": [waiting.pk]}


STEP = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 90))


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=4, max_size=18))
def test_whatever_is_asked_and_cancelled_all_promises_are_kept(recycling: None, steps: list[Any]) -> None:
    from django.db import transaction

    point = transaction.savepoint()
    try:
        with_trucks(TRUCK, TRUCK | {"key": "two", "compartments": [{"kg": 60}], "shift": "10:00-18:00"})
        made: list[Pickup] = []
        for number, (what, window, east, north, kilos) in enumerate(steps):
            if what == 0 and made:
                gone = made.pop(number % len(made))
                collecting.cancel(somebody(gone.person.name if gone.person else ""), gone.pk)
            else:
                values = {"begin": tomorrow(8 + 4 * window), "point": near(east / 4, north / 4)}
                try:
                    made.append(asked(somebody(f"r{number}"), grams={"paper": kilos * 1000}, **values))
                except Conflict as problem:
                    assert problem.code == "taken"
            holds(tomorrow().date())
    finally:
        transaction.savepoint_rollback(point)


def at_once(*what: Callable[[], Any]) -> list[str]:
    """What each says that is done at one moment: "ok", or the code of what was refused."""
    start = threading.Barrier(len(what))

    def one(done: Callable[[], Any]) -> str:
        start.wait()
        try:
            done()
        except Conflict as problem:
            return problem.code
        finally:
            connection.close()
        return "ok"

    with ThreadPoolExecutor(len(what)) as pool:
        return sorted(pool.map(one, what))


@pytest.mark.django_db(transaction=True)
def test_the_last_place_that_a_plan_can_keep_is_one_residents() -> None:
    # Who has no place on the map takes what is left of the window: there is room for one of them.
    with_trucks(TRUCK | {"shift": "08:00-08:30"}, windows=WINDOWS | {"times": ["08:00-12:00"]})
    for turn in range(4):
        when = tomorrow(8) + timedelta(days=turn)
        people = [somebody(f"racer{number}-{turn}") for number in range(4)]
        said = at_once(*(lambda who=who, at=when: asked(who, begin=at, point=None, key=uuid4()) for who in people))
        assert said == ["ok", "taken", "taken", "taken"], said
        holds(when.date())


def test_the_api_says_what_can_be_kept_for_what_there_is_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with_trucks()
    client = Client()
    asked_for: dict[str, Any] = {"lon": HERE.lon, "lat": HERE.lat, "material": ["paper", "cans"]}
    found = client.get("/api/recycling/windows", asked_for | {"grams": [60_000, 40_000]}).json()
    assert found and all(one["left"] is None for one in found)
    assert client.get("/api/recycling/windows", asked_for | {"grams": [60_000, 40_001]}).json() == []
    monkeypatch.setattr("cityhall.services.recycling.planning.ASKED_A_MINUTE", 2)
    codes = [client.get("/api/recycling/windows", asked_for).status_code for _time in range(4)]
    assert codes[0] in (200, 429) and codes[-1] == 429
    page = Client()
    page.force_login(Person.objects.get(pk=somebody().person_id or 0))
    place = {"place": f"{HERE.lon},{HERE.lat}|1 Main Street", "m-paper": "4"}
    codes = [page.get("/recycling/ask/when/", place).status_code for _time in range(4)]
    assert codes[0] in (200, 429) and codes[-1] == 429
