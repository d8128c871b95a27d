"""Rows that are read on: whatever has happened to them since, they are those that the database has."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import all_layers
from cityhall.kernel.places.point import Point
from cityhall.kernel.places.rows import TURNS, Reading, read_on, read_rows
from cityhall.kernel.service import resolve
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.map import reading
from cityhall.services.map.asked import Asked
from cityhall.services.map.held import Held
from cityhall.services.map.rollups import heat
from cityhall.services.map.selection import Selection
from cityhall.services.transit.models import VehicleState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer() -> Layer:
    return next(one for owner, one in all_layers() if (owner.slug, one.slug) == ("transit", "vehicles"))


@pytest.fixture
def buses(transactional_db: None) -> list[int]:
    """Forty buses, each committed by itself."""
    return [make(number) for number in range(1, 41)]


def make(number: int) -> int:
    now, place = timezone.now(), Point(-51.2 + number / 500, -30.0)
    vehicle = Vehicle.objects.create(public_id=f"bus-{number}", kind="bus")
    VehicleState.objects.create(
        vehicle=vehicle,
        at=now,
        published_at=now,
        point=place,
        measured=place,
        accuracy_m=2,
        line="1",
        status="on_route",
    )
    return vehicle.pk


def rows(layer: Layer) -> Any:
    return resolve(layer.query)()


def assert_same(layer: Layer, found: Reading) -> None:
    assert found.table.to_pylist() == read_rows(layer, rows(layer)).table.to_pylist()


def test_whatever_happens_is_seen_by_the_next_reading(buses: list[int], layer: Layer) -> None:
    """Moves, deletes, new rows, changes of a row that is joined, rows that time lets go of and that come back."""
    rng = np.random.default_rng(7)
    found = read_rows(layer, rows(layer))
    assert found.table.num_rows == 40 and found.ended
    number = 100
    for _ in range(60):
        for what in rng.integers(0, 7, rng.integers(0, 4)):
            state = VehicleState.objects.filter(pk=rng.choice(buses))
            vehicle = Vehicle.objects.filter(pk=rng.choice(buses))
            if what == 0:
                state.update(point=Point(*rng.normal(0, 1, 2).tolist()))
            elif what == 1:
                state.delete()
            elif what == 2:
                buses.append(make(number := number + 1))
            elif what == 3:
                vehicle.update(public_id=f"named-{(number := number + 1)}")
            elif what == 4:
                vehicle.update(enabled=bool(rng.integers(2)))
            elif what == 5:
                state.update(at=timezone.now() - timedelta(hours=int(rng.integers(2)) * 9))
            else:
                state.update(status=rng.choice(["lost", "on_route"]), line='ü, "x"\n')
        found = read_on(layer, rows(layer), found)
        assert_same(layer, found)


def wait_till_nothing_goes_on() -> None:
    """A transaction of whatever database of the server keeps rows from being known as old: other tests have theirs."""
    deadline = time.monotonic() + 120
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_snapshot_xmin(now) = pg_snapshot_xmax(now) FROM pg_current_snapshot() AS now")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("a transaction went on for two minutes")


def test_only_what_changed_is_fetched(buses: list[int], layer: Layer) -> None:
    """Of rows nobody changed only their keys come, and one in TURNS, to be sure."""
    wait_till_nothing_goes_on()
    before = read_rows(layer, rows(layer))
    VehicleState.objects.filter(pk=buses[0]).update(line="seen")
    # As if a query had computed something else then: no row's version tells of that.
    odd = dataclasses.replace(before, table=before.table.set_column(1, "lon", [[0.0] * 40]))
    found = read_on(layer, rows(layer), odd)
    fetched = [row["pk"] for row in found.table.to_pylist() if row["lon"] != 0.0]
    assert buses[0] in fetched and len(fetched) <= 4
    for _ in range(TURNS):
        found = read_on(layer, rows(layer), found)
    assert_same(layer, found)


def test_a_transaction_that_takes_long_is_not_overlooked(buses: list[int], layer: Layer) -> None:
    """What was changed before a reading and is committed after it shows in the next."""
    settings = connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}
    settings = {name: value for name, value in settings.items() if name not in ("context", "prepare_threshold")}
    with psycopg.connect(**settings) as slow:
        slow.execute("UPDATE transit_driving SET line = 'late' WHERE vehicle_id = %s", [buses[3]])
        found = read_rows(layer, rows(layer))
        for bus in buses[5:9]:
            VehicleState.objects.filter(pk=bus).update(line="soon")
            found = read_on(layer, rows(layer), found)
        assert "late" not in str(found.table.to_pylist())
    found = read_on(layer, rows(layer), found)
    assert str(found.table.to_pylist()).count("'late'") == 1
    assert_same(layer, found)


def test_a_moved_bus_is_in_the_next_answers(buses: list[int], layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a clock that is set back or forth changes nothing: nobody asks it."""
    monkeypatch.setattr(reading, "LIVE_S", 0.0)
    monkeypatch.setattr(reading, "SHARE", 0.0)
    owner = next(one for one, found in all_layers() if found is layer)
    first = reading.read(owner, layer)
    year = timedelta(days=365)
    VehicleState.objects.filter(pk=buses[0]).update(point=Point(10.0, 10.0), published_at=timezone.now() - year)
    second = reading.read(owner, layer)
    assert isinstance(first, Held) and isinstance(second, Held) and first.digest != second.digest
    assert second.extent() is not None and max(second.table.lon) == 10.0
    assert reading.read(owner, layer) is second


def test_a_large_layer_is_answered_for_at_once_and_held_soon(
    buses: list[int], layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to look is given the database's answer while a thread reads; both answers are the same."""
    monkeypatch.setattr(reading, "AT_ONCE", 10)
    owner = next(one for one, found in all_layers() if found is layer)
    chosen = Selection((-51.3, -30.1, -51.151, -29.9), None, None, {"status": ("on_route",)})
    first = reading.read(owner, layer)
    assert isinstance(first, Asked)
    until = time.monotonic() + 30
    while isinstance(found := reading.read(owner, layer), Asked):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert found.count(chosen) == first.count(chosen) == 24
    for answers in (first, found):
        cells = heat(answers, chosen, 7)["features"]
        assert sum(cell["properties"]["count"] for cell in cells) == 24
    # Pages are alike too: one who leafs through them does not see which of the two answers.
    after: int | None = 0
    while after is not None:
        pages = [answers.features(chosen, after, 10) for answers in (first, found)]
        (one, after), (other, same) = pages
        assert after == same and [row["id"] for row in one] == [row["id"] for row in other]


def test_a_slow_reading_is_waited_for_by_nobody(
    buses: list[int], layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks while a busy machine reads is given what is known, never the busy database; then what is new."""
    owner = next(one for one, found in all_layers() if found is layer)
    assert isinstance(reading.read(owner, layer), Held)

    def slowly(*arguments: Any) -> Reading:
        time.sleep(0.6)
        return read_on(*arguments)

    monkeypatch.setattr(reading, "read_on", slowly)
    monkeypatch.setattr(reading, "SLOW_S", 0.0)
    for constant in ("LIVE_S", "LATE_S"):
        monkeypatch.setattr(reading, constant, 0.3)
    reading.read(owner, layer)
    VehicleState.objects.filter(pk=buses[0]).update(point=Point(10.0, 10.0))
    until, answered, east = time.monotonic() + 30, 0, 0.0
    while east != 10.0:
        found = reading.read(owner, layer)
        assert isinstance(found, Held) and time.monotonic() < until
        east, answered = max(found.table.lon), answered + 1
        time.sleep(0.01)
    assert answered > 3
