"""Ways and runs: what is driven, where, and when."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.positioning import Runs
from tests.engines.positioning.small import DAY, EIGHT, Line, Town, back

STREET = [(0.0, 0.0), (1000.0, 0.0), (1000.0, 1000.0)]
TOWN = Town(
    [
        Line("A>", STREET, (0, 500, 1500, 2000), leaves=(EIGHT, EIGHT + 600, 24 * 3600 + 600)),
        Line("A<", back(STREET), (0, 500, 1500, 2000), direction=1, leaves=(EIGHT + 300,), block="b1"),
        Line("B", [(0.0, 0.0), (600.0, 800.0)], (0, 1000), drawn=False, leaves=(EIGHT + 900,), block="b1"),
    ]
)


def test_trips_that_drive_alike_share_a_way() -> None:
    ways = TOWN.ways
    assert len(ways) == 3
    assert ways.trip_way[TOWN.trip("A>0")] == ways.trip_way[TOWN.trip("A>1")]
    assert ways.trip_way[TOWN.trip("A<0")] != ways.trip_way[TOWN.trip("A>0")]
    way = ways.trip_way[TOWN.trip("A>0")]
    along = ways.stop_along[ways.call_first[way] : ways.call_first[way + 1]]
    np.testing.assert_allclose(along, [0, 500, 1500, 2000], atol=1.0)
    assert abs(ways.length(int(way)) - 2000) < 1.0


def test_where_there_is_no_shape_straight_lines_stand_for_it() -> None:
    way = TOWN.ways.trip_way[TOWN.trip("B0")]
    assert TOWN.ways.shape[way] == -1
    assert abs(TOWN.ways.length(int(way)) - 1000) < 1.0
    assert TOWN.ways.spread[way] > TOWN.ways.spread[TOWN.ways.trip_way[TOWN.trip("A>0")]]


def test_times_are_counted_from_noon_minus_twelve_hours() -> None:
    zone = ZoneInfo("Europe/Lisbon")
    town = Town([Line("A", STREET, (0, 2000), leaves=(EIGHT,))], zone="Europe/Lisbon")
    spring = date(2026, 3, 29)  # the clock goes from 1:00 to 2:00
    runs = town.runs(spring)
    starts = runs.departure[runs.first[:-1]][runs.service_day == spring.toordinal()]
    assert starts.tolist() == [datetime(2026, 3, 29, 8, tzinfo=zone).timestamp()]


def test_runs_of_the_night_before_and_the_next_morning_are_there() -> None:
    runs = TOWN.runs()
    late = TOWN.trip("A>2")
    assert runs.row(late, date(2026, 6, 2)) >= 0, "ten past midnight belongs to the day before"
    assert runs.row(late, DAY) >= 0
    assert runs.row(TOWN.trip("A>0"), date(2026, 6, 2)) == -1
    assert runs.row(TOWN.trip("A>0"), date(2026, 6, 4)) >= 0
    assert runs.row(999_999, DAY) == -1


def test_a_block_goes_on_with_its_next_run() -> None:
    runs = TOWN.runs()
    one, two = runs.row(TOWN.trip("A<0"), DAY), runs.row(TOWN.trip("B0"), DAY)
    assert runs.after[one] == two
    assert runs.after[two] == -1


def test_a_feed_without_trips_on_a_day_has_no_runs() -> None:
    runs = TOWN.runs(date(2030, 1, 1))
    assert len(runs) == 0
    assert isinstance(runs, Runs)


@given(st.floats(0, 2000), st.floats(-50, 50), st.floats(-50, 50))
def test_the_grid_has_every_segment_near_a_point(along: float, dx: float, dy: float) -> None:
    ways, grid = TOWN.ways, TOWN.ways.grid
    x, y = ways.place(0, along)
    if np.hypot(dx, dy) > 55:
        return
    column, row = int((x + dx - grid.left) // grid.side), int((y + dy - grid.bottom) // grid.side)
    cell = row * grid.columns + column
    entries = grid.segment[grid.first[cell] : grid.first[cell + 1]]
    a = int(np.searchsorted(ways.along[: ways.first[1]], along, side="right")) - 1
    assert min(a, int(ways.first[1]) - 2) in entries
