"""What a dispatcher enters once is on every rider's page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.test import Client

from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import LeaveAlarm
from cityhall.services.transit.realtime.notices import (
    AlertDraft,
    CancellationDraft,
    DetourDraft,
    cancel,
    divert,
    publish_alert,
)
from cityhall.services.transit.riders import runner
from tests.services.transit.riders.conftest import DAY, OUT_8, at
from tests.services.transit.riders.test_trips import follow, set_alarm, state

Clock = Callable[..., datetime]
DISPATCH = system("dispatch")


def test_an_alert_is_on_the_pages_it_concerns_and_no_other(clock: Clock, client: Client) -> None:
    clock(8, 2)
    said = {"en": "The lift is out of order", "pt": "O elevador não funciona"}
    publish_alert(DISPATCH, AlertDraft(header=said, informed=[{"stop": "square"}]))
    for path in ("/transit/stops/square/", "/transit/stops/square/?part=1", "/transit/stops/square/board/"):
        assert "The lift is out of order" in client.get(path).content.decode(), path
    for path in ("/transit/stops/hill/", "/transit/lines/R2/"):
        assert "The lift" not in client.get(path).content.decode(), path
    secret = follow_at(clock, client)
    assert "The lift" in client.get(f"/transit/trips/{secret}/").content.decode()
    in_portuguese = client.get("/transit/stops/square/", headers={"accept-language": "pt"}).content.decode()
    assert "O elevador não funciona" in in_portuguese


def follow_at(clock: Clock, client: Client) -> str:
    clock(7, 50)
    return follow(client)


def test_a_cancelled_trip_is_struck_out_and_breaks_the_journey(clock: Clock, client: Client) -> None:
    secret = follow_at(clock, client)
    cancel(DISPATCH, CancellationDraft(service_day=DAY, trip=OUT_8))
    one = next(row for row in client.get("/api/transit/stops/square/arrivals").json() if row["trip"] == OUT_8)
    assert one["cancelled"] is True
    assert "<s>" in client.get("/transit/stops/square/board/").content.decode()
    told = state(client, secret)
    assert next(leg["risk"] for leg in told["legs"] if leg["line"]) == "cancelled" and told["broken"] is not None
    page = client.get(f"/transit/trips/{secret}/")
    assert "is cancelled" in page.content.decode()
    offer = page.context["ways"][0]["offer"]
    assert client.post(f"/transit/trips/{secret}/another-way/", {"offer": offer}).status_code == 302
    told = state(client, secret)
    # The next bus of the line is half an hour later.
    assert told["broken"] is None and told["arrival"][11:16] == "08:52"


def test_an_alarm_says_that_its_bus_does_not_run(clock: Clock, ana: Person) -> None:
    clock(7, 40)
    set_alarm(ana)
    cancel(DISPATCH, CancellationDraft(service_day=DAY, trip=OUT_8))
    runner.look()
    runner.look()
    assert "does not run" in Notification.objects.get().title
    assert LeaveAlarm.objects.get().state == "lapsed"


def test_a_closed_stop_has_no_departures(clock: Clock, client: Client) -> None:
    clock(8, 2)
    before = client.get("/api/transit/stops/square/arrivals").json()
    divert(DISPATCH, DetourDraft(starts_at=at(8, 0), ends_at=at(9, 0), route="R1", closed_stops=["square"]))
    after = client.get("/api/transit/stops/square/arrivals").json()
    assert {row["line"] for row in before} == {"1", "2"}
    assert not [row for row in after if row["line"] == "1" and row["scheduled"] < at(9, 0).isoformat()]
