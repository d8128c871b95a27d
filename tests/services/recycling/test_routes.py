"""The day as it goes: the crew's list in the order of the plan, when each is expected, and what the desk is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from cityhall.services.recycling import collecting, evening, planning, queries, rounds, trucks, weighing
from cityhall.services.recycling.models import Pickup, Round
from tests.services.recycling.conftest import asked, crew, officer, said, somebody
from tests.services.recycling.test_pages import browser
from tests.services.recycling.test_rounds import TRUCK, holds, near, tomorrow, with_trucks

pytestmark = pytest.mark.usefixtures("recycling")
Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    def at(moment: datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment.astimezone(timezone.get_default_timezone()))

    return at


def three(hour: int = 8) -> list[Pickup]:
    """Three of tomorrow on a line to the east, asked for from the farthest to the nearest."""
    with_trucks()
    names = {3: "far", 2: "middle", 1: "close"}
    made = {
        east: asked(somebody(name), begin=tomorrow(hour), point=near(east), address=f"{name.title()} Street")
        for east, name in names.items()
    }
    return [made[1], made[2], made[3]]


def test_the_round_is_in_the_order_of_the_plan(clock: Clock) -> None:
    made = three()
    Round.objects.update(order={"one": [one.pk for one in made]})
    clock(tomorrow(7))
    stops = browser(crew()).get("/api/recycling/round").json()
    assert [one["id"] for one in stops] == [one.pk for one in made]
    assert {one["truck"] for one in stops} == {"one"}
    moments = [datetime.fromisoformat(one["expected"]) for one in stops]
    assert moments[0] == tomorrow(8) and moments == sorted(moments)
    page = browser(crew()).get("/recycling/round/").content.decode()
    assert page.index("Close Street") < page.index("Middle Street") < page.index("Far Street")
    assert "Truck 1" in page and "at about 08:00" in page and "0 done, 3 left" in page
    # A round that goes the other way is shown the other way.
    Round.objects.update(order={"one": [one.pk for one in reversed(made)]})
    assert [one.pk for one in queries.round_of(tomorrow().date())] == [one.pk for one in reversed(made)]


def test_who_was_weighed_when_moves_who_is_to_come(clock: Clock) -> None:
    made = three()
    Round.objects.update(order={"one": [one.pk for one in made]})
    clock(tomorrow(7))
    page = browser(somebody("far"))
    assert "expected at about 08:00 – 08:20" in page.get(f"/recycling/pickups/{made[2].pk}/").content.decode()
    # The first takes two hours.
    clock(tomorrow(10))
    collecting.set_out(crew(), made[0].pk)
    weighing.weigh(crew(), said(made[0]))
    text = page.get(f"/recycling/pickups/{made[2].pk}/").content.decode()
    assert "expected at about 10:00 – 10:20" in text and "We are late" not in text
    text = browser(crew()).get("/recycling/round/?truck=one").content.decode()
    assert "1 done, 2 left" in text and "5 kg of 100 kg on board" in text
    # Whoever is on the way is next, though it be out of turn; nobody is expected before now.
    clock(tomorrow(11))
    collecting.set_out(crew(), made[2].pk)
    stops = queries.round_of(tomorrow().date())
    assert [one.pk for one in stops] == [made[2].pk, made[1].pk, made[0].pk]
    assert all(one.coming is not None and one.coming.at >= tomorrow(11) for one in stops[:2])


def test_a_window_that_will_not_be_kept_is_told_while_it_can_still_be_helped(clock: Clock) -> None:
    made = three()
    desk = browser(officer())
    clock(tomorrow(8))
    text = desk.get("/recycling/desk/").content.decode()
    assert "All windows of today are going to be kept." in text and "late: about" not in text
    clock(tomorrow(11) + timedelta(minutes=58))
    text = desk.get("/recycling/desk/").content.decode()
    assert "late: about 12:0" in text and "going to be kept" not in text
    page = browser(somebody("far")).get(f"/recycling/pickups/{made[2].pk}/").content.decode()
    late = browser(somebody("close")).get(f"/recycling/pickups/{made[0].pk}/").content.decode()
    assert "We are late" in page or "We are late" in late
    # Into a route that is late already nothing more is put.
    assert not [one for one in planning.offers("", point=near(1)) if one.begin.date() == tomorrow().date()]


def test_who_is_in_no_round_is_told_to_officers(clock: Clock) -> None:
    made = asked(somebody(), begin=tomorrow(8), address="Lost Street")
    with_trucks(TRUCK | {"compartments": [{"kg": 1}]})
    clock(tomorrow(7))
    text = browser(officer()).get("/recycling/desk/").content.decode()
    assert "in no truck's round" in text and "Lost Street" in text and str(made.pk) in text
    assert "at about" not in browser(somebody()).get(f"/recycling/pickups/{made.pk}/").content.decode()


def test_what_is_asked_for_today_upsets_nobody(clock: Clock) -> None:
    made = three(16)
    clock(tomorrow(8))
    # Nothing is to do before the afternoon: the truck waits where it is, and may still go elsewhere first.
    sooner = asked(somebody("sooner"), begin=tomorrow(12), point=near(0, 2), grams={"paper": 2000})
    assert Round.objects.get().order["one"][0] == sooner.pk
    holds(tomorrow().date())
    clock(tomorrow(12) + timedelta(minutes=2))
    collecting.miss(crew(), sooner.pk, "nobody")
    collecting.set_out(crew(), made[0].pk)
    before = rounds.read(tomorrow().date())
    last = asked(somebody("tonight"), begin=tomorrow(16), point=near(1))
    after = rounds.read(tomorrow().date())
    (route,) = after.plan.routes
    order = [after.pickups[stop.job].pk for stop in route.stops if stop.job is not None]
    assert order[:2] == [sooner.pk, made[0].pk] and last.pk in order[2:]
    assert {one.pk for one in before.pickups} < {one.pk for one in after.pickups} and after.plan.unserved == ()
    for stop in route.stops[1:]:
        assert stop.job is not None and stop.begin <= stop.window[1]


def test_the_line_of_the_round_is_for_those_who_may_see_it(clock: Clock) -> None:
    three()
    clock(tomorrow(8))
    layer = queries.rounds_layer(None)["features"]
    assert [one["properties"]["left"] for one in layer] == [3]
    assert [TRUCK["depot"]] == [list(layer[0]["geometry"]["coordinates"][row]) for row in (0,)]
    assert browser(somebody()).get("/api/map/layers/recycling/rounds").status_code in (403, 404)


def test_the_evening_plans_anew_and_breaks_no_promise(clock: Clock, settings: object) -> None:
    made = three(12)
    with_trucks(TRUCK, TRUCK | {"key": "two"})
    # An order that goes to and fro.
    Round.objects.update(order={"one": [made[2].pk, made[0].pk], "two": [made[1].pk]})
    before = rounds.read(tomorrow().date()).plan.cost
    clock(tomorrow(19) - timedelta(days=1))
    assert evening.plan_ahead(1.0) == 0, "not before the city's hour"
    clock(tomorrow(20) - timedelta(days=1))
    assert evening.plan_ahead(6.0) == 1
    order = Round.objects.get().order
    assert sorted(pk for stops in order.values() for pk in stops) == sorted(one.pk for one in made)
    assert rounds.read(tomorrow().date()).plan.cost < before
    holds(tomorrow().date())
    assert evening.plan_ahead(1.0) == 0, "it is planned until somebody is put in"
    clock(tomorrow(20) - timedelta(hours=23))
    asked(somebody("late"), begin=tomorrow(16))
    assert evening.plan_ahead(1.0) == 1
    holds(tomorrow().date())


def test_what_was_found_for_others_is_not_kept(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    made = three(12)
    clock(tomorrow(20) - timedelta(days=1))
    search = evening.searched

    def meanwhile(*values: object, **more: object) -> object:
        found = search(*values, **more)  # type: ignore[arg-type]
        asked(somebody("meanwhile"), begin=tomorrow(16))
        return found

    monkeypatch.setattr(evening, "searched", meanwhile)
    before = Round.objects.get().order["one"]
    assert evening.plan_ahead(0.5) == 0
    assert [pk for pk in Round.objects.get().order["one"] if pk in before] == before and len(made) == 3
    assert trucks.told()
    holds(tomorrow().date())
