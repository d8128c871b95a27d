"""GTFS-Realtime: what is published is valid whatever the state is, is for everybody, and is made once a second."""

from __future__ import annotations

import dataclasses
import gzip
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from google.protobuf.json_format import Parse
from google.transit import gtfs_realtime_pb2 as rt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs_realtime import Reference, validate
from cityhall.kernel import clock
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import actions, days, timetables
from cityhall.services.transit.models import Cancellation, ServiceAlert, TripPrediction, VehicleState
from cityhall.services.transit.realtime import feeds, notices
from cityhall.services.transit.realtime.notices import AlertDraft, CancellationDraft, DetourDraft
from cityhall.services.transit.realtime.published import Published
from cityhall.services.transit.realtime.snapshot import FRESH_S, Snapshot
from cityhall.web.declares import Feed
from tests.feeds import write_feed

DAY = date(2019, 5, 15)
MIDNIGHT = 1557889200


def drive(name: str, kind: str = "bus", enabled: bool = True, **state: Any) -> None:
    vehicle, _ = Vehicle.objects.update_or_create(
        public_id=name, defaults={"kind": kind, "enabled": enabled, "label": f"No. {name}"}
    )
    fields = {
        "at": timezone.now() - timedelta(seconds=2),
        "published_at": timezone.now(),
        "point": Point(-51.22, -30.03),
        "measured": Point(-51.22, -30.03),
        "accuracy_m": 3.0,
    }
    VehicleState.objects.update_or_create(vehicle=vehicle, defaults=fields | state)


def expect(trip: str, first: int, arrival: list[int], departure: list[int] | None = None, vehicle: str = "7") -> None:
    times = {"arrival": arrival, "departure": departure or arrival, "low": arrival, "high": arrival}
    TripPrediction.objects.update_or_create(
        service_day=DAY,
        trip=trip,
        defaults={"route": "R1", "vehicle": vehicle, "first_sequence": first, "made_at": timezone.now(), **times},
    )


def everything() -> tuple[rt.FeedMessage, ...]:
    """The three feeds of one moment, each without an error by the rules."""
    now = int(time.time())
    snapshot = Snapshot.of(now)
    made = tuple(make(snapshot) for make in feeds.FEEDS.values())
    reference = Reference.of(timetables.service().schedule)
    for feed in made:
        assert validate(feed, reference, time.time(), beside=made) == []
        # Whatever is published can be read again, from both forms.
        assert rt.FeedMessage.FromString(feed.SerializeToString()) == feed
    return made


def test_what_was_heard_after_an_editions_second_is_in_it(city: Path) -> None:
    """JSON editions stay for seconds; one that is made late in them must not leave out who was heard just now."""
    drive("7", at=timezone.now())
    positions = feeds.vehicle_positions(Snapshot.of(int(time.time()) - feeds.JSON_EVERY_S + 1))
    assert [entity.id for entity in positions.entity] == ["7"]
    assert positions.entity[0].vehicle.timestamp <= positions.header.timestamp


def test_a_busy_moment(officer: Actor) -> None:
    drive("7", trip="out4", route="R1", service_day=DAY, next_sequence=1, at_stop=True, bearing=91.5, speed=8.3)
    drive("8", route="R2", occupancy=3)
    drive("9", route="gone", trip="gone", bearing=360.0, speed=-1.0)
    expect("out4", 1, [MIDNIGHT + 29_400, MIDNIGHT + 29_800])
    expect("out5", 0, [MIDNIGHT + 30_600, MIDNIGHT + 30_960, MIDNIGHT + 31_320], vehicle="")
    notices.cancel(officer, CancellationDraft(DAY, trip="out6"))
    later = timezone.now() + timedelta(days=1)
    notices.divert(officer, DetourDraft(datetime(2019, 5, 15, tzinfo=UTC), later, "R1", closed_stops=("square",)))
    notices.publish_alert(officer, AlertDraft({"en": "Hello", "ko": "안녕"}, url={"en": "https://example.org/"}))
    positions, trips, alerts = everything()
    seven = next(entity.vehicle for entity in positions.entity if entity.id == "7")
    assert (seven.trip.trip_id, seven.trip.start_date, seven.stop_id) == ("out4", "20190515", "square")
    assert seven.current_status == rt.VehiclePosition.STOPPED_AT and seven.current_stop_sequence == 2
    eight, nine = (next(e.vehicle for e in positions.entity if e.id == name) for name in ("8", "9"))
    assert eight.trip.route_id == "R2" and eight.occupancy_status == rt.VehiclePosition.STANDING_ROOM_ONLY
    assert not nine.HasField("trip") and nine.position.bearing == 0 and nine.position.speed == 0
    by_trip = {entity.trip_update.trip.trip_id: entity.trip_update for entity in trips.entity}
    calls = by_trip["out4"].stop_time_update
    assert [(call.stop_sequence, call.stop_id) for call in calls] == [(2, "square"), (3, "hill")]
    assert calls[0].schedule_relationship == rt.TripUpdate.StopTimeUpdate.SKIPPED
    assert calls[1].arrival.time == MIDNIGHT + 29_800
    assert by_trip["out6"].trip.schedule_relationship == rt.TripDescriptor.CANCELED
    assert not by_trip["out6"].stop_time_update
    texts = {text.language: text.text for entity in alerts.entity for text in entity.alert.header_text.translation}
    assert texts["ko"] and len(alerts.entity) == 2, "the cancellation of 2019 is over"


def test_school_buses_and_silent_ones_are_in_no_feed(officer: Actor) -> None:
    drive("school", kind="school", trip="out4", service_day=DAY)
    drive("off", enabled=False)
    drive("silent", at=timezone.now() - timedelta(seconds=FRESH_S + 5))
    drive("ahead", at=timezone.now() + timedelta(minutes=1))
    expect("out4", 1, [MIDNIGHT + 29_400, MIDNIGHT + 29_800], vehicle="school")
    positions, trips, _ = everything()
    assert not positions.entity and not trips.entity


moments = st.integers(MIDNIGHT - 90_000, MIDNIGHT + 200_000)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["out3", "out4", "down7", "none", ""]),
            st.sampled_from(["R1", "R2", "none", ""]),
            st.integers(-1, 9),
            st.floats(-720, 720),
            st.floats(-5, 40),
            st.integers(-2, 12),
            st.booleans(),
        ),
        max_size=4,
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["out3", "out4", "back4", "none"]),
            st.integers(0, 4),
            st.lists(moments, max_size=4),
            st.lists(moments, min_size=4, max_size=4),
        ),
        max_size=4,
    ),
)
def test_whatever_the_state_is_the_feeds_are_valid(officer: Actor, vehicles: Any, expected: Any) -> None:
    VehicleState.objects.all().delete()
    TripPrediction.objects.all().delete()
    for number, (trip, route, place, bearing, speed, occupancy, at_stop) in enumerate(vehicles):
        more = {"next_sequence": place, "bearing": bearing, "speed": speed, "at_stop": at_stop, "occupancy": occupancy}
        drive(str(number), trip=trip, route=route, service_day=DAY if number % 2 else None, **more)
    for trip, first, arrival, departure in expected:
        expect(trip, first, arrival, departure[: len(arrival)], vehicle="")
    everything()


def test_the_forms_of_a_feed(city: Path, client: Client) -> None:
    drive("7")
    body = client.get("/transit/gtfs-rt/vehicle-positions.pb")
    assert body.headers["Content-Type"] == "application/x-protobuf"
    feed = rt.FeedMessage.FromString(body.content)
    assert [entity.id for entity in feed.entity] == ["7"]
    read = client.get("/transit/gtfs-rt/vehicle-positions.json")
    assert [entity.id for entity in Parse(read.content, rt.FeedMessage()).entity] == ["7"]
    packed = client.get("/transit/gtfs-rt/vehicle-positions.pb", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
    assert rt.FeedMessage.FromString(gzip.decompress(packed.content)).entity[0].id == "7"
    for name in ("trip-updates.pb", "trip-updates.json", "alerts.pb", "alerts.json"):
        assert client.get(f"/transit/gtfs-rt/{name}").status_code == 200
    assert client.get("/transit/gtfs-rt/secrets.pb").status_code == 404
    assert client.post("/transit/gtfs-rt/alerts.pb").status_code == 405


def test_every_feed_of_the_manifest_is_there(city: Path, client: Client, settings: Any) -> None:
    paths = [feed.path for service in settings.SERVICES for feed in service.of(Feed)]
    assert paths
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_before_any_timetable_positions_are_published_all_the_same(folder: Path, client: Client) -> None:
    drive("7", trip="out4", route="R1")
    now = Snapshot.of(int(time.time()))
    assert feeds.vehicle_positions(now).entity[0].vehicle.position.latitude == pytest.approx(-30.03)
    assert not feeds.trip_updates(now).entity
    assert not feeds.service_alerts(now).entity


def test_an_edition_is_made_once_a_second_and_sent_once_to_each(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make(second: int) -> bytes:
        made.append(second)
        return f"edition of {second}".encode()

    now = [1000.2]
    monkeypatch.setattr(clock, "time", lambda: now[0])
    paper = Published(make, "text/plain")
    first = paper.answer(rf.get("/"))
    assert first.content == b"edition of 1000" and paper.answer(rf.get("/")).content == first.content
    assert made == [1000]
    again = paper.answer(rf.get("/", headers={"If-None-Match": first.headers["ETag"]}))
    assert again.status_code == 304 and again.content == b""
    packed = paper.answer(rf.get("/", headers={"If-None-Match": first.headers["ETag"], "Accept-Encoding": "gzip"}))
    assert packed.status_code == 200, "what is packed is another representation"
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert paper.answer(rf.get("/", headers=since)).status_code == 304
    now[0] = 1001.0
    assert paper.answer(rf.get("/", headers=since)).content == b"edition of 1001"
    assert made == [1000, 1001]


def test_what_is_cancelled_or_withdrawn_is_in_the_next_edition(officer: Actor) -> None:
    made = notices.cancel(officer, CancellationDraft(days.usual_day(days.today()), trip="out6"))
    expect("out7", 0, [MIDNIGHT + 34_000, MIDNIGHT + 34_100, MIDNIGHT + 34_200])
    TripPrediction.objects.update(service_day=made.service_day)
    assert {entity.trip_update.trip.trip_id for entity in everything()[1].entity} == {"out6", "out7"}
    notices.withdraw(officer, Cancellation, made.pk)
    assert {entity.trip_update.trip.trip_id for entity in everything()[1].entity} == {"out7"}
    alert = notices.publish_alert(officer, AlertDraft({"en": "x"}))
    assert len(everything()[2].entity) == 1
    notices.withdraw(officer, ServiceAlert, alert.pk)
    assert not everything()[2].entity


def test_of_several_feeds_the_timetable_has_the_ids_that_realtime_names(
    folder: Path, client: Client, settings: Any
) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, gtfs=("gtfs.zip", "ferries.zip"))
    write_feed(folder / "ferries.zip")
    actions.load(lambda what, share: None)
    drive("7", trip="ferries:out4", route="ferries:R1", service_day=DAY, next_sequence=0)
    positions, *_rest = everything()
    body = b"".join(client.get("/transit/gtfs.zip").streaming_content)  # type: ignore[arg-type]
    (folder / "read.zip").write_bytes(body)
    read, _ = read_feeds([folder / "read.zip"])
    assert positions.entity[0].vehicle.trip.trip_id == "ferries:out4" in read.trips.id
    assert validate(positions, Reference.of(read), time.time()) == []
    for number, name in ((1, "gtfs.zip"), (2, "ferries.zip")):
        raw = b"".join(client.get(f"/transit/gtfs.zip?file={number}").streaming_content)  # type: ignore[arg-type]
        assert raw == (folder / name).read_bytes()
