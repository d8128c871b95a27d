"""What other services are told of a bus under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.driving import DrivingNow
from cityhall.kernel.ports.lines import LineStop, LineStops
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit.models import TripPrediction
from tests.services.transit.riders.conftest import OUT_8, Put, bus, city, clock, predict  # noqa: F401


def driving(*vehicles: str, now: datetime, ahead: int = 50) -> dict:
    port = ask(DrivingNow)
    assert port is not None
    return port(vehicles, now.astimezone(UTC), ahead)


def test_line_direction_and_the_stops_before_it_with_an_interval(
    clock: Callable[..., datetime],  # noqa: F811
    bus: Put,  # noqa: F811
    predict: Callable[..., TripPrediction],  # noqa: F811
) -> None:
    now = clock(8, 3)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=180)
    predict(OUT_8, now, "7", 1, [(8, 9), (8, 15)])
    (found,) = driving("7", "8", now=now).values()
    assert (found.line, found.line_name, found.trip, found.direction) == ("R1", "1", OUT_8, 0)
    assert found.previous is not None and found.previous.stop == "harbour" and found.headsign == "Hill"
    assert [(one.at.stop, one.at.name) for one in found.ahead] == [("square", "Market Square"), ("hill", "Hill")]
    assert (found.ahead[0].at.lon, found.ahead[0].at.lat) == (-51.215, -30.03)
    assert [one.arrival for one in found.ahead] == [clock(8, 9), clock(8, 15)]
    first = found.ahead[0]
    assert first.latest is not None and first.earliest is not None
    assert first.latest - first.earliest == timedelta(minutes=2)


def test_no_more_stops_than_are_asked_for(clock: Callable[..., datetime], bus: Put) -> None:  # noqa: F811
    now = clock(8, 3)
    bus("7", now, trip=OUT_8, next_sequence=0, at_stop=True)
    found = driving("7", now=now, ahead=1)["7"]
    assert [one.at.stop for one in found.ahead] == ["harbour"] and found.previous is None and found.at_stop
    # Nothing is predicted and no delay is known: it is the timetable's time, and says so.
    assert found.ahead[0].earliest is None and found.ahead[0].latest is None


def test_who_is_on_no_trip_silent_or_hidden_is_left_out(
    clock: Callable[..., datetime],  # noqa: F811
    bus: Put,  # noqa: F811
) -> None:
    now = clock(8, 3)
    bus("7", now, trip="")
    bus("8", now, trip=OUT_8, next_sequence=1, at=now - timedelta(minutes=6))
    bus("9", now, kind="school", trip=OUT_8, next_sequence=1)
    bus("10", now, trip="gone", next_sequence=1)
    bus("11", now, trip=OUT_8, next_sequence=1, status="lost")
    bus("12", now, trip=OUT_8, next_sequence=None)
    found = driving(*Vehicle.objects.values_list("public_id", flat=True), now=now)
    assert set(found) == {"12"} and found["12"].ahead == ()


def test_one_that_has_left_its_way_says_so(clock: Callable[..., datetime], bus: Put) -> None:  # noqa: F811
    now = clock(8, 3)
    bus("7", now, trip=OUT_8, next_sequence=None, status="off_route")
    bus("8", now, trip="out5", next_sequence=1)
    found = driving("7", "8", now=now)
    assert found["7"].off_way and found["7"].ahead == () and not found["8"].off_way


def test_which_line_calls_where(city: Path) -> None:  # noqa: F811
    port = ask(LineStops)
    assert port is not None
    found = port()
    assert LineStop("R2", "2", "north", "North Gate") in found
    assert {(one.line, one.stop) for one in found} == {
        *(("R1", stop) for stop in ("harbour", "square", "hill")),
        *(("R2", stop) for stop in ("north", "square", "south")),
    }
    assert len(found) == 6


def test_without_a_timetable_there_is_none(settings: Any, tmp_path: Path, db: None) -> None:
    settings.DERIVED = tmp_path / "derived"
    port = ask(LineStops)
    assert port is not None and port() == []
