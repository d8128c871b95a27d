"""How well a day went: figures that can be reckoned by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.errors import Denied
from cityhall.kernel.people.actors import ANONYMOUS, system
from cityhall.services.transit.control import quality
from cityhall.services.transit.models import DailyQuality, DayTally, Episode
from tests.services.transit.control.conftest import DAY, at, call

ACTOR = system("test")


def line(name: str = "1") -> dict[str, object]:
    figures: dict[str, object] = DailyQuality.objects.get(line=name, service_day=DAY).figures
    return figures


def run_of(trip: str, late: list[float], hour: int, minute: int) -> None:
    for sequence, late_s in enumerate(late):
        call(trip, sequence, late_s, hour=hour, minute=minute)


def test_on_time_early_late_and_missed(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_of("out0", [-30, -90, 0], 6, 0)
    run_of("out1", [299, 301, 600], 6, 30)
    run_of("out2", [0], 7, 0)  # seen at one stop of three: nobody knows that it ran
    run_of("out4", [0, 0], 8, 0)  # still under way at five past eight
    quality.compute(ACTOR, DAY)
    figures = line()
    assert figures["calls"] == 9
    assert (figures["early"], figures["on_time"], figures["late"]) == (
        pytest.approx(1 / 9, abs=1e-4),
        pytest.approx(6 / 9, abs=1e-4),
        pytest.approx(2 / 9, abs=1e-4),
    )
    # Out and back, those that should be home by five past eight and set out after the first call was seen.
    assert (figures["trips_run"], figures["trips_planned"], figures["trips_cancelled"]) == (2, 8, 0)
    assert figures["trips_missed"] == 6


def test_what_was_before_we_looked_is_not_missed(city: Path) -> None:
    run_of("out3", [0, 0, 0], 7, 30)
    quality.compute(ACTOR, DAY)
    assert line()["trips_planned"] == 2  # out and back at half past seven


def test_a_second_time_changes_nothing_but_the_hour(city: Path) -> None:
    run_of("out0", [0, 0, 0], 6, 0)
    first = {row.route: row.figures for row in quality.compute(ACTOR, DAY)}
    second = {row.route: row.figures for row in quality.compute(ACTOR, DAY)}
    assert first == second and DailyQuality.objects.filter(service_day=DAY).count() == len(first)


def test_episodes_drops_and_classes_of_fix(city: Path) -> None:
    began = at(7)
    common = {"vehicle": "B07", "route": "R1", "service_day": DAY, "began_at": began, "value": 1, "worst": 1}
    over = began + timedelta(minutes=6)
    Episode.objects.create(rule="bunched", seen_at=over, ended_at=over, **common)
    Episode.objects.create(rule="off_route", seen_at=began + timedelta(minutes=3), **common)
    Episode.objects.create(rule="silent", seen_at=over, ended_at=over, **common)
    amounts = {"seen_s": 100, "fix_s:4": 80, "fix_s:1": 20, "moved_m": 500, "moving_s": 100}
    for what, amount in amounts.items():
        DayTally.objects.create(service_day=DAY, route="R1", what=what, amount=amount)
    DropCount.objects.create(day=DAY, device="depot", reason="stale", count=7)
    quality.compute(ACTOR, DAY)
    figures = line()
    assert (figures["bunched_min"], figures["off_route_min"], figures["silent_vehicles"]) == (6.0, 3.0, 1)
    assert figures["speed_kmh"] == 18.0
    assert figures["fixes"] == {"0": 0.0, "1": 0.2, "2": 0.0, "4": 0.8, "5": 0.0}
    whole, lines = quality.of_day(DAY)
    assert whole is not None and whole.figures["dropped"] == {"stale": 7}
    assert [row.line for row in lines] == ["1", "2"]


def test_excess_wait_of_a_line_that_runs_often() -> None:
    """Every ten minutes as planned is no excess; two together every twenty cost five minutes."""

    class Often:
        def __init__(self, minute: int) -> None:
            self.direction, self.stops, self.second = 0, (1,), [60 * minute, 60 * minute]

    def calls(minutes: list[int]) -> list[object]:
        zero = quality.days.clock(DAY, 0)
        return [
            type("Call", (), {"direction": 0, "stop": "s", "departed_at": zero + timedelta(minutes=minute)})()
            for minute in minutes
        ]

    planned = [Often(minute) for minute in range(0, 121, 10)]
    even = quality._waits(calls(list(range(0, 121, 10))), planned, DAY)  # type: ignore[arg-type]
    bunched = quality._waits(calls([m for m in range(0, 121, 20) for _ in (0, 1)]), planned, DAY)  # type: ignore[arg-type]
    assert even == {"wait_s": 300.0, "planned_wait_s": 300.0, "excess_wait_s": 0.0}
    assert bunched["excess_wait_s"] == 300.0


def test_a_day_nobody_saw(city: Path) -> None:
    quality.compute(ACTOR, DAY)
    figures = line()
    assert figures["calls"] == 0 and figures["on_time"] is None and figures["trips_planned"] == 0


def test_the_hourly_task_does_today_and_yesterday(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quality.hourly()
    assert {row.service_day for row in DailyQuality.objects.all()} == {DAY, DAY - timedelta(days=1)}
    written = DailyQuality.objects.get(service_day=DAY - timedelta(days=1), route="").computed_at
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2019, 5, 15, 18, 0, tzinfo=UTC))
    quality.hourly()
    # Everybody of yesterday is home: it is not touched again.
    assert DailyQuality.objects.get(service_day=DAY - timedelta(days=1), route="").computed_at == written


def test_not_for_everybody(city: Path) -> None:
    with pytest.raises(Denied):
        quality.compute(ANONYMOUS, DAY)
