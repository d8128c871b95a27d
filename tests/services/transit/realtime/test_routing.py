"""Journeys know what is cancelled, closed and late; the timetable alone can still be asked."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.utils import timezone

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import Point
from cityhall.services.transit import days
from cityhall.services.transit.models import Cancellation, TripPrediction
from cityhall.services.transit.plan import Question, plan
from cityhall.services.transit.realtime import notices, routing
from cityhall.services.transit.realtime.notices import CancellationDraft, DetourDraft

DAY = date(2019, 5, 15)
HARBOUR, HILL, SOUTH = Point(-51.23, -30.03), Point(-51.15, -30.03), Point(-51.215, -30.045)
EIGHT = 8 * 3600
ASK = Question(HARBOUR, HILL, DAY, EIGHT)


def arrivals(question: Question = ASK) -> list[str]:
    """When each journey arrives, HH:MM, sooner first."""
    return [f"{at // 3600:02}:{at // 60 % 60:02}" for at in sorted(one.arrival for one in plan(question).journeys)]


def expect(trip: str, first: int, *minutes: float, day: date = DAY, **more: Any) -> None:
    """A prediction: arrival at each call from `first` on, minutes after midnight of the service day."""
    times = [int(days.clock(day, 0).timestamp() + minute * 60) for minute in minutes]
    TripPrediction.objects.update_or_create(
        service_day=day,
        trip=trip,
        defaults={
            "route": "R1",
            "vehicle": "7",
            "first_sequence": first,
            "arrival": times,
            "departure": times,
            "low": times,
            "high": times,
            "made_at": timezone.now(),
        }
        | more,
    )


def test_a_cancelled_trip_is_not_ridden_until_it_is_reinstated(officer: Actor) -> None:
    assert arrivals()[:2] == ["08:12", "08:42"]
    made = notices.cancel(officer, CancellationDraft(DAY, trip="out4"))
    assert arrivals()[0] == "08:42"
    assert arrivals(dataclasses.replace(ASK, planned=True))[:2] == ["08:12", "08:42"]
    notices.withdraw(officer, Cancellation, made.pk)
    assert arrivals()[:2] == ["08:12", "08:42"]


def test_a_part_of_a_lines_day_is_cancelled(officer: Actor) -> None:
    notices.cancel(officer, CancellationDraft(DAY, route="R1", from_second=EIGHT, until_second=EIGHT + 7200))
    assert arrivals()[0] == "10:12"


def test_nobody_is_sent_to_a_closed_stop(officer: Actor) -> None:
    change = Question(HARBOUR, SOUTH, DAY, EIGHT)
    assert arrivals(change)[0] == "08:22"
    noon = datetime(2019, 5, 15, 15, tzinfo=UTC)
    notices.divert(officer, DetourDraft(noon.replace(hour=11), noon, closed_stops=("square",)))
    assert arrivals(change) == [], "one is sooner there on foot than after noon"
    assert arrivals(dataclasses.replace(change, second=12 * 3600))[0] == "12:22"
    assert arrivals()[0] == "08:12", "the trip itself runs"


def test_a_late_trip_is_late_and_an_early_one_cannot_be_caught_any_more(officer: Actor) -> None:
    expect("out4", 0, 8 * 60 + 9, 8 * 60 + 15, 8 * 60 + 25)
    assert arrivals()[0] == "08:25"
    expect("out4", 0, 8 * 60 - 3, 8 * 60 + 2, 8 * 60 + 7)
    assert arrivals()[0] == "08:42"


@pytest.mark.parametrize(
    ("first", "minutes", "more"),
    [
        (0, (500.0, 501.0), {}),  # not every call to come
        (0, (500.0, 501.0, 502.0, 503.0), {}),
        (0, (), {}),
        (0, (5000.0, 5001.0, 5002.0), {}),  # of another day
        (0, (500.0, 501.0, 502.0), {"made_at": datetime(2019, 5, 15, tzinfo=UTC)}),
    ],
)
def test_predictions_that_cannot_be_are_not_followed(
    officer: Actor, first: int, minutes: tuple[float, ...], more: dict[str, Any]
) -> None:
    expect("out4", first, *minutes, **more)
    assert arrivals()[0] == "08:12"


def test_nothing_is_done_where_nothing_has_changed(officer: Actor, django_assert_num_queries: Any) -> None:
    expect("out4", 0, 8 * 60 + 9, 8 * 60 + 15, 8 * 60 + 25)
    before = routing.router(DAY).timetable
    with django_assert_num_queries(1):
        assert routing.router(DAY).timetable is before
    expect("out4", 0, 8 * 60 + 10, 8 * 60 + 15, 8 * 60 + 25)
    assert routing.router(DAY).timetable is not before


def test_while_one_thread_looks_the_others_go_on(officer: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    live = routing.LiveRouter(DAY, routing.router(DAY))
    live.current()
    looking, go_on = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        go_on.wait(5)

    monkeypatch.setattr(live, "_look", look)
    thread = threading.Thread(target=live.current)
    thread.start()
    assert looking.wait(5)
    assert live.current() is live.router
    go_on.set()
    thread.join()
