"""How much of the city free units reach in time, the move that betters it, and that it is asked for and not ordered."""

from __future__ import annotations

import dataclasses
import threading
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from cityhall.engines.streets import PROFILES, StreetGraph
from cityhall.kernel.errors import Conflict, Denied
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.cells import center
from cityhall.kernel.places.models import Zone
from cityhall.kernel.places.point import Point
from cityhall.services.safety import actions, coverage, demand, dispatching, layers, moves, retention, roads
from cityhall.services.safety.models import Alert, Coverage, Move, Unit
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, S, at_desk, go_on, officer, patrol

pytestmark = pytest.mark.usefixtures("city", "street")
STEP_M, STEPS, SPEED = 500.0, 48, 10.0
"""One street of 24 km to the north: five minutes are 3 km of it."""


def north(metres: float) -> Point:
    return Point(CENTER.lon, CENTER.lat + metres / 111_195)


def one_street() -> StreetGraph:
    lat = np.array([north(STEP_M * step).lat for step in range(STEPS + 1)])
    lon = np.full(len(lat), CENTER.lon)
    tail, rows = np.arange(STEPS, dtype=np.int32), np.arange(STEPS)
    ends = np.stack([rows, rows + 1], axis=1).ravel()
    drive = np.zeros((STEPS, len(PROFILES), 2), np.float32)
    drive[:, PROFILES.index("drive")] = SPEED
    return StreetGraph(
        lon=lon,
        lat=lat,
        tail=tail,
        head=tail + 1,
        length=np.full(STEPS, STEP_M, np.float32),
        first=np.arange(0, 2 * STEPS + 1, 2, dtype=np.int64),
        point_lon=lon[ends],
        point_lat=lat[ends],
        name=np.zeros(STEPS, np.int32),
        names=[""],
        speed=drive,
        main=drive.any(axis=2),
    )


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> StreetGraph:
    graph = one_street()
    for module in (coverage, roads):
        monkeypatch.setattr(module, "streets", lambda: graph)
    return graph


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def eva(now: datetime) -> Actor:
    return at_desk("eva", "supervisor", now=now)


def picture(now: datetime) -> Coverage:
    coverage.keep(now)
    return Coverage.objects.get()


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def off_duty(name: str, station: Point) -> Unit:
    unit = patrol(name, station)
    unit.on_duty = False
    unit.save()
    return unit


def test_the_share_is_what_a_free_unit_reaches_in_five_minutes(now: datetime, eva: Actor) -> None:
    south = patrol("South", north(0))
    found = picture(now)
    # 3 km of 24, in cells of about 900 m.
    assert found.share == pytest.approx(3 / 24, abs=0.03) and found.free == 1 and not found.residents
    patrol("Middle", north(12_000))
    both = picture(now)
    assert both.share == pytest.approx(9 / 24, abs=0.04)
    alert = press(ANONYMOUS, "0123456789abcdef-covered", at=now).alert
    actions.answer(eva, alert.pk, now=now)
    dispatching.offer(eva, alert.pk, south.pk, now=now)
    assert picture(now).share == pytest.approx(6 / 24, abs=0.04), "who is asked to help is free no more"
    cells = layers.coverage(None)["features"]
    assert len(cells) == len(both.cells) and sum(one["properties"]["share"] for one in cells) == pytest.approx(
        100, abs=1
    )
    near = [one for one in cells if one["properties"]["minutes"] <= 5]
    assert sum(one["properties"]["share"] for one in near) == pytest.approx(100 * 6 / 24, abs=4)


def two_in_the_south() -> tuple[Unit, Unit]:
    crew = officer("gil", "guard")
    first, second = patrol("P1", north(0), person=crew), patrol("P2", north(100), person=crew)
    off_duty("North", north(20_000))
    return first, second


def test_the_second_unit_of_a_place_is_asked_to_where_there_is_none(now: datetime, eva: Actor) -> None:
    first, second = two_in_the_south()
    found = picture(now)
    assert found.unit in (first, second) and found.post == "North" and found.point == north(20_000)
    assert found.gain > 0.05 and found.share_then > found.share + 0.2
    boss = browser(eva)
    page = boss.get("/safety/desk/coverage/").content.decode()
    assert f"+{found.points:.1f} points" in page and 'id="ask-move"' in page
    assert boss.post("/safety/desk/coverage/move/", {"unit": found.unit_id}).status_code == 302
    move = Move.objects.get()
    assert (move.state, move.unit_id, move.post) == ("offered", found.unit_id, "North")
    assert Notification.objects.filter(title="Please wait at the station of North").count() == 1
    assert 'id="ask-move"' not in boss.get("/safety/desk/coverage/?part=1").content.decode(), "once is enough"
    told = Entry.objects.get(type="unit.move_offered")
    assert set(told.data) == {"move", "gain"} and told.subject == f"unit:{found.unit_id}"


def test_the_unit_goes_and_counts_where_it_goes_and_stays_free(now: datetime, eva: Actor) -> None:
    two_in_the_south()
    unit = picture(now).unit
    assert unit is not None
    move = moves.offer(eva, unit.pk, now=now)
    with pytest.raises(Conflict):
        moves.offer(eva, unit.pk, now=now)
    crew = _actor(unit.person_id or 0)
    phone = browser(crew)
    Unit.objects.exclude(pk=unit.pk).update(person=None)
    assert "Wait at the station of" in phone.get("/safety/unit/").content.decode()
    assert phone.post(f"/safety/unit/move/{move.pk}/accept/").status_code == 302
    page = phone.get("/safety/unit/").content.decode()
    assert f'href="geo:{north(20_000).lat},{north(20_000).lon}"' in page and 'id="moved"' in page
    assert picture(now).unit_id is None, "it is on its way there"
    alert = press(ANONYMOUS, "0123456789abcdef-free", point=north(0), at=now).alert
    actions.answer(eva, alert.pk, now=now)
    one = dispatching.offer(eva, alert.pk, unit.pk, now=now)
    assert Move.objects.get().state == "accepted", "it may refuse the alert"
    dispatching.accept(crew, one.pk, now=now)
    assert Move.objects.get().state == "over"
    assert [entry.type for entry in Entry.objects.filter(type__startswith="unit.move").order_by("pk")] == [
        "unit.move_offered",
        "unit.move_accepted",
        "unit.move_over",
    ]


def _actor(person_id: int) -> Actor:
    return person_actor(Person.objects.get(pk=person_id))


@pytest.mark.parametrize("how", ["refuse", "silence"])
def test_who_does_not_want_to_is_not_asked_again(now: datetime, eva: Actor, how: str) -> None:
    two_in_the_south()
    unit = picture(now).unit
    assert unit is not None
    move = moves.offer(eva, unit.pk, now=now)
    if how == "refuse":
        moves.refuse(_actor(unit.person_id or 0), move.pk, now=now)
    else:
        go_on(now + (moves.OFFER_S + 1) * S)
    move.refresh_from_db()
    assert move.state == ("refused" if how == "refuse" else "lapsed")
    other = picture(now + 2 * 60 * S).unit
    assert other is not None and other != unit
    with pytest.raises(Conflict):
        moves.accept(eva, move.pk, now=now + 61 * S)


def test_no_more_moves_an_hour_than_the_city_wants(now: datetime, eva: Actor, settings: Any) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {"moves_an_hour": 1}})
    two_in_the_south()
    first = picture(now).unit
    assert first is not None
    moves.refuse(_actor(first.person_id or 0), moves.offer(eva, first.pk, now=now).pk, now=now)
    capped = picture(now + 60 * S)
    assert capped.unit_id is None and capped.capped
    assert "as many as the city wants" in browser(eva).get("/safety/desk/coverage/").content.decode()
    Coverage.objects.update(unit=Unit.objects.exclude(pk=first.pk).filter(on_duty=True)[0], point=north(20_000))
    with pytest.raises(Conflict, match="as many moves"):
        moves.offer(eva, Coverage.objects.get().unit_id or 0, now=now + 60 * S)
    assert picture(now + timedelta(minutes=61)).unit_id is not None


def test_moves_are_kept_for_a_year(now: datetime, eva: Actor) -> None:
    two_in_the_south()
    moves.offer(eva, picture(now).unit_id or 0, now=now)
    retention.erase(now + timedelta(days=364))
    assert Move.objects.exists()
    retention.erase(now + timedelta(days=366))
    assert not Move.objects.exists()


def test_only_the_desk_asks_and_only_the_own_crew_answers(now: datetime, eva: Actor) -> None:
    two_in_the_south()
    unit = picture(now).unit
    assert unit is not None
    stranger = officer("rui", "guard")
    assert browser(stranger).get("/safety/desk/coverage/").status_code in (403, 404)
    assert Client().get("/map/layers/safety/coverage.geojson").status_code == 404
    with pytest.raises(Denied):
        moves.offer(stranger, unit.pk, now=now)
    move = moves.offer(eva, unit.pk, now=now)
    with pytest.raises(Denied):
        moves.accept(stranger, move.pk, now=now)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, now: datetime, eva: Actor) -> None:
    boss = browser(eva)
    page = "/safety/desk/coverage/"
    assert "Nothing is reckoned yet" in boss.get(page).content.decode()
    coverage.keep(now)
    assert "No unit is free" in boss.get(page).content.decode()
    monkeypatch.setattr(coverage, "streets", lambda: None)
    coverage.keep(now)
    assert "no street graph" in boss.get(page).content.decode()
    Coverage.objects.update(made_at=now - timedelta(minutes=5))
    assert "This is old" in boss.get(page).content.decode()


def test_where_people_call_counts_more_and_exercises_do_not(street: StreetGraph, now: datetime) -> None:
    even = demand.demand(street, now)
    assert even.share.sum() == pytest.approx(1) and np.ptp(even.share) == 0
    for number in range(10):
        press(ANONYMOUS, f"{number:020d}", point=north(0), at=now)
        press(ANONYMOUS, f"{number + 10:020d}", point=north(20_000), at=now)
    Alert.objects.filter(key__gte=f"{10:020d}").update(exercise=True)
    called = demand.demand(street, now)
    assert called.share.sum() == pytest.approx(1) and called.share.max() > 0.5 and not called.residents
    assert np.sort(called.share)[-2] == pytest.approx(0.5 / len(called.cells)), "all else is the floor"


def test_residents_count_where_the_city_knows_them(street: StreetGraph, now: datetime) -> None:
    def box(low: float, high: float) -> dict[str, Any]:
        west, east = CENTER.lon - 0.1, CENTER.lon + 0.1
        ring = [[west, low], [east, low], [east, high], [west, high], [west, low]]
        return {"type": "Polygon", "coordinates": [ring]}

    middle = north(12_000).lat
    made = [("South", 9000, CENTER.lat - 0.1, middle), ("North", 1000, middle, CENTER.lat + 1)]
    for name, people, low, high in made:
        bounds = {"west": CENTER.lon - 0.1, "east": CENTER.lon + 0.1, "south": low, "north": high}
        Zone.objects.create(
            slug=name.lower(), name=name, kind="district", population=people, geometry=box(low, high), **bounds
        )
    found = demand.demand(street, now)
    south = [share for cell, share in zip(found.cells, found.share, strict=True) if _lat(cell) < middle]
    assert found.residents and sum(south) == pytest.approx(0.9)
    patrol("South", north(6_000))
    assert picture(now).share == pytest.approx(0.45, abs=0.1)


def _lat(cell: int) -> float:
    return center(cell)[1]


def test_it_is_reckoned_when_units_change_and_not_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    kept: list[float] = []
    monkeypatch.setattr(coverage, "monotonic", lambda: clock[0])
    monkeypatch.setattr(coverage, "keep", lambda now, ground: kept.append(clock[0]))

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += timeout or 0.0
            return False

    class Holding:
        def execute(self, _text: str) -> None:
            pass

    rounds = coverage._watch(Stop(), Holding())  # type: ignore[arg-type]
    for _round in range(5):
        next(rounds)
    assert kept == [0.0], "nothing has changed"
    patrol("P1")
    while clock[0] < 20:
        next(rounds)
    assert kept == [0.0, 10.0], "not sooner than ten seconds after the last"
    while clock[0] < 68:
        next(rounds)
    assert len(kept) == 2
    next(rounds)
    assert kept[2:] == [70.0], "units drive, also where none becomes free"
