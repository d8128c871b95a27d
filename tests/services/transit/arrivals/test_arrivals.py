"""Predictions in the running city: learned from calls, kept up to date, read by stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from cityhall.engines.gtfs import read_feeds
from cityhall.kernel import clock as city_clock
from cityhall.kernel import derived
from cityhall.kernel.database import psycopg_url
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import actions, queries
from cityhall.services.transit.arrivals import learn, predict
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import StopCall, TripPrediction, VehicleState
from cityhall.services.transit.riders.arrivals import stop_arrivals
from tests.feeds import tables, write_feed

DAY = date(2019, 4, 3)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return clock(DAY, hour * 3600 + minute * 60 + second).astimezone(UTC)


def put(vehicle: str, trip: str, moment: datetime, sequence: int, **more: Any) -> VehicleState:
    known, _ = Vehicle.objects.get_or_create(public_id=vehicle, defaults={"kind": more.pop("kind", "bus")})
    values = {
        "at": moment,
        "published_at": moment,
        "point": Point(-51.2, -30.03),
        "measured": Point(-51.2, -30.03),
        "accuracy_m": 5.0,
        "status": VehicleState.Status.ON_ROUTE,
        "trip": trip,
        "service_day": DAY,
        "next_sequence": sequence,
    }
    state, _ = VehicleState.objects.update_or_create(vehicle=known, defaults=values | more)
    return state


def calls(day: date, trip: str, start: int, minutes: tuple[int, ...], stops: tuple[str, ...]) -> Iterator[StopCall]:
    """Calls of a trip planned at `start` (minute of the day) every six minutes, seen so many minutes after it."""
    for sequence, (late, stop) in enumerate(zip(minutes, stops, strict=True)):
        seen, planned = clock(day, (start + late) * 60), clock(day, (start + 6 * sequence) * 60)
        yield StopCall(
            service_day=day,
            trip=trip,
            sequence=sequence,
            stop=stop,
            route="R1",
            vehicle="7",
            arrived_at=seen,
            departed_at=seen + timedelta(seconds=20),
            scheduled_arrival=planned,
            scheduled_departure=planned,
        )


@pytest.mark.django_db
def test_a_vehicle_under_way_is_predicted_and_forgotten_when_it_is_silent(city: Path) -> None:
    rounds = predict.Rounds()
    # Half past ten from the harbour, three minutes late on the way to the square.
    put("7", "out9", at(10, 36), 1)
    assert rounds.step(at(10, 36)) == 1
    row = TripPrediction.objects.get()
    assert (row.service_day, row.trip, row.route, row.vehicle, row.first_sequence) == (DAY, "out9", "R1", "7", 1)
    assert len(row.arrival) == len(row.departure) == len(row.low) == len(row.high) == 2
    assert row.arrival[0] >= at(10, 36).timestamp()
    assert all(a <= b <= c for a, b, c in zip(row.low, row.arrival, row.high, strict=True))
    assert row.arrival[0] <= row.departure[0] <= row.arrival[1]
    # What is on time by the timetable leaves nothing to predict but the rest of it.
    assert abs(row.arrival[1] - row.arrival[0] - 360) < 120
    assert rounds.step(at(10, 45)) == 0
    assert not TripPrediction.objects.exists()


@pytest.mark.django_db
def test_a_delay_goes_on_and_an_early_vehicle_waits_to_begin(city: Path) -> None:
    put("7", "out9", at(10, 47), 1, at_stop=True)
    put("8", "out10", at(10, 50), 0, at_stop=True)
    predict.Rounds().step(at(10, 50))
    late, waiting = TripPrediction.objects.order_by("vehicle")
    assert late.arrival[-1] >= at(10, 51).timestamp()
    assert waiting.first_sequence == 0
    assert waiting.departure[0] >= at(11, 0).timestamp() - 60
    assert waiting.arrival[1] >= at(11, 4).timestamp()


@pytest.fixture
def blocks(folder: Path) -> Path:
    """The small feed, whose first three trips there and back are driven by one vehicle."""
    texts = tables()
    lines = texts["trips.txt"].splitlines()
    texts["trips.txt"] = "\n".join(
        [lines[0] + ",block_id"]
        + [f"{line},{'A' if line.split(',')[2] in ('out9', 'back10', 'out11') else ''}" for line in lines[1:]]
    )
    write_feed(folder / "gtfs.zip", texts)
    actions.load(lambda what, share: None)
    return folder


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes_late", "leaves"), [(0, 0), (10, 0), (40, 24)])
def test_a_layover_takes_up_what_delay_it_can(blocks: Path, minutes_late: int, leaves: int) -> None:
    # out9 ends at 10:42; back10 leaves at 11:00, when the layover has taken up a delay of 16 minutes.
    put("7", "out9", at(10, 42) + timedelta(minutes=minutes_late), 2, at_stop=True)
    predict.Rounds().step(at(10, 42) + timedelta(minutes=minutes_late))
    row = TripPrediction.objects.get(trip="back10")
    assert row.first_sequence == 0
    assert abs(row.departure[0] - at(11, leaves).timestamp()) <= 1
    assert row.vehicle == "7"
    assert not TripPrediction.objects.filter(trip="out11").exists()


@pytest.mark.django_db
def test_the_next_trip_is_its_own_vehicles_once_that_drives_it(blocks: Path) -> None:
    put("7", "out9", at(10, 43), 2)
    put("8", "back10", at(10, 43), 0, at_stop=True)
    predict.Rounds().step(at(10, 43))
    assert TripPrediction.objects.get(trip="back10").vehicle == "8"


@pytest.mark.django_db
def test_who_must_not_be_seen_or_is_on_no_known_trip_is_not_predicted(city: Path) -> None:
    put("school", "out9", at(10, 36), 1, kind="school")
    put("lost", "", at(10, 36), 1)
    put("old feed", "gone", at(10, 36), 1)
    put("no place", "back9", at(10, 36), 1, next_sequence=None)
    put("beyond", "down9", at(10, 36), 17)
    assert predict.Rounds().step(at(10, 36)) == 0


@pytest.mark.django_db
def test_a_new_process_goes_on_and_clears_what_was_left(city: Path) -> None:
    put("7", "out9", at(10, 36), 1)
    predict.Rounds().step(at(10, 36))
    put("7", "back10", at(11, 1), 1)
    predict.Rounds().step(at(11, 1))
    assert [row.trip for row in TripPrediction.objects.all()] == ["back10"]


@pytest.mark.django_db(transaction=True)
def test_watchers_are_told_of_what_changes(city: Path) -> None:
    with psycopg.connect(psycopg_url(connection.settings_dict), autocommit=True) as listening:
        listening.execute("LISTEN cityhall_live")
        rounds = predict.Rounds()
        for second, sequence in ((0, 1), (5, 1), (10, 1)):
            put("7", "out9", at(10, 36, second), sequence, at_stop=second == 10)
            rounds.step(at(10, 36, second))
        VehicleState.objects.all().delete()
        rounds.step(at(10, 36, 15))
        notices = [notice.payload for notice in listening.notifies(timeout=2, stop_after=4)]
    told = [one for payload in notices for one in json.loads(payload.partition(" ")[2])]
    assert {payload.partition(" ")[0] for payload in notices} == {predict.TOPIC}
    assert told[0]["trip"] == "out9" and told[0]["first"] == 1 and len(told[0]["arrival"]) == 2
    assert told[-1] == {"day": "2019-04-03", "trip": "out9", "over": True}


@pytest.mark.django_db
def test_a_stop_shows_predictions_in_place_of_the_timetable(city: Path) -> None:
    now = at(10, 44)
    put("7", "out9", now, 1)
    predict.Rounds().step(now)
    found = {one.trip.id: one for one in stop_arrivals(queries.find_stop("square"), now, 20)}
    row, late = TripPrediction.objects.get(), found["out9"]
    assert late.vehicle == "7"
    assert late.call.arrival.timestamp() == row.arrival[0] > late.call.scheduled_arrival.timestamp()
    put("7", "out9", now, 2)
    predict.Rounds().step(now)
    assert "out9" not in {one.trip.id for one in stop_arrivals(queries.find_stop("square"), now, 20)}


@pytest.mark.django_db
def test_the_city_learns_from_calls(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert learn.learn() is None
    stops = ("harbour", "square", "hill")
    for back in range(1, 6):
        day = DAY - timedelta(days=back)
        for number in range(32):
            # The way to the square takes nine minutes, not six; on to the hill six.
            StopCall.objects.bulk_create(calls(day, f"out{number}", 360 + 30 * number, (0, 9, 15), stops))
    monkeypatch.setattr(city_clock, "now", lambda zone: at(12, 0).astimezone(zone))
    folder = learn.learn()
    assert folder is not None and folder == derived.current(learn.KIND)
    assert learn.learn() == folder
    learned = learn.model()
    segments = dict(zip(learned.segments.names, learned.segments.dwell.tolist(), strict=True))
    assert 15 < segments["square>hill"] <= 20
    put("7", "out9", at(10, 30), 0, at_stop=True)
    predict.Rounds().step(at(10, 30))
    row = TripPrediction.objects.get()
    assert abs(row.arrival[1] - at(10, 39).timestamp()) < 90
    assert abs(row.arrival[2] - row.arrival[1] - 360) < 60


@pytest.mark.django_db
def test_days_that_leave_the_window_are_kept_in_mind(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_clock, "now", lambda zone: at(12, 0).astimezone(zone))
    monkeypatch.setattr(learn, "WINDOW", 2)
    stops = ("harbour", "square", "hill")
    for back in (2, 1):
        StopCall.objects.bulk_create(calls(DAY - timedelta(days=back), "out9", 630, (0, 9, 15), stops))
    learn.learn()
    assert learn.model().older.day == 0
    StopCall.objects.bulk_create(calls(DAY - timedelta(days=3), "out9", 630, (0, 9, 15), stops))
    monkeypatch.setattr(learn, "WINDOW", 1)
    learn.learn()
    model = learn.model()
    assert model.older.day == (DAY - timedelta(days=2)).toordinal()
    assert model.segments.local_weight.sum() > model.older.local_weight.sum() > 0


def test_the_small_feed_has_the_trips_that_are_tested(tmp_path: Path) -> None:
    schedule, _ = read_feeds([write_feed(tmp_path / "gtfs.zip")])
    assert {"out9", "back9", "back10", "out11"} <= set(schedule.trips.id)
