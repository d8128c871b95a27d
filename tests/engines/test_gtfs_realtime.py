"""Every rule finds the fault that it is for, and nothing else; a sound feed has no finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2 as rt
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs_realtime import Reference, validate
from tests.feeds import tables, write_feed

NOW = 1_700_000_000


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    texts = tables()
    texts["frequencies.txt"] = "trip_id,start_time,end_time,headway_secs\nback5,08:30:00,10:30:00,600\n"
    schedule, _ = read_feeds([write_feed(tmp_path_factory.mktemp("feed") / "gtfs.zip", texts)])
    return Reference.of(schedule)


def sound() -> rt.FeedMessage:
    """A feed of one trip, one vehicle and one alert."""
    feed = rt.FeedMessage()
    feed.header.gtfs_realtime_version, feed.header.timestamp = "2.0", NOW
    feed.header.incrementality = rt.FeedHeader.FULL_DATASET
    update = feed.entity.add(id="t").trip_update
    update.trip.trip_id, update.trip.route_id, update.trip.direction_id = "out4", "R1", 0
    update.trip.start_date, update.trip.schedule_relationship = "20190515", rt.TripDescriptor.SCHEDULED
    update.timestamp, update.vehicle.id = NOW - 3, "7"
    for number, stop in enumerate(("harbour", "square", "hill")):
        call = update.stop_time_update.add(stop_sequence=number + 1, stop_id=stop)
        call.schedule_relationship = rt.TripUpdate.StopTimeUpdate.SCHEDULED
        call.arrival.time = call.departure.time = NOW + 100 * number
    told = feed.entity.add(id="v").vehicle
    told.vehicle.id, told.timestamp = "7", NOW - 3
    told.trip.CopyFrom(update.trip)
    told.position.latitude, told.position.longitude = -30.03, -51.22
    told.position.bearing, told.position.speed = 90, 8
    told.current_stop_sequence, told.stop_id = 2, "square"
    alert = feed.entity.add(id="a").alert
    alert.header_text.translation.add(text="Hello", language="en")
    alert.informed_entity.add(route_id="R1")
    return feed


def _trip(feed: Any) -> Any:
    return feed.entity[0].trip_update


def _set(part: Callable[[Any], Any], **values: Any) -> Callable[[Any], None]:
    def change(feed: Any) -> None:
        for name, value in values.items():
            setattr(part(feed), name, value)

    return change


def _swap(feed: Any) -> None:
    first, second = _trip(feed).stop_time_update[0], _trip(feed).stop_time_update[1]
    first.stop_sequence, second.stop_sequence = 2, 1
    first.stop_id, second.stop_id = "square", "harbour"


def _again(feed: Any) -> None:
    _trip(feed).stop_time_update[1].stop_sequence = 1
    _trip(feed).stop_time_update[1].stop_id = "harbour"


def _same_stop(feed: Any) -> None:
    for call in _trip(feed).stop_time_update[:2]:
        call.ClearField("stop_sequence")
        call.stop_id = "harbour"


def _nameless_call(feed: Any) -> None:
    _trip(feed).stop_time_update[0].ClearField("stop_sequence")
    _trip(feed).stop_time_update[0].ClearField("stop_id")


def _frequency(feed: Any) -> None:
    del feed.entity[1:]
    _trip(feed).trip.trip_id = "back5"
    for number, stop in enumerate(("hill", "square", "harbour")):
        _trip(feed).stop_time_update[number].stop_id = stop


def _no_data(feed: Any) -> None:
    _trip(feed).stop_time_update[0].schedule_relationship = rt.TripUpdate.StopTimeUpdate.NO_DATA


def _no_times(feed: Any) -> None:
    _trip(feed).stop_time_update[0].ClearField("arrival")
    _trip(feed).stop_time_update[0].ClearField("departure")


def _empty_time(feed: Any) -> None:
    _trip(feed).stop_time_update[0].arrival.ClearField("time")


def _other_vehicle(feed: Any) -> None:
    feed.entity[1].vehicle.vehicle.id = "8"


def _wrong_agency(feed: Any) -> None:
    feed.entity[2].alert.informed_entity.add(agency_id="none")


def _other_routes_trip(feed: Any) -> None:
    selector = feed.entity[2].alert.informed_entity[0]
    selector.route_id, selector.trip.trip_id, selector.trip.route_id = "R2", "out4", "R1"
    selector.trip.schedule_relationship = rt.TripDescriptor.SCHEDULED


def _twice(feed: Any) -> None:
    feed.entity.add().CopyFrom(feed.entity[1])
    feed.entity[3].id = "w"


POSITION: Callable[[Any], Any] = lambda feed: feed.entity[1].vehicle.position  # noqa: E731
FAULTS: list[tuple[str, Callable[[Any], Any]]] = [
    ("E000", _set(lambda feed: feed.entity[1], id="t")),
    ("E001", _set(lambda feed: _trip(feed), timestamp=12)),
    ("E002", _swap),
    ("E003", _set(lambda feed: feed.entity[1].vehicle.trip, trip_id="none")),
    ("E004", _set(lambda feed: feed.entity[2].alert.informed_entity[0], route_id="none")),
    ("E006", _frequency),
    ("E011", _set(lambda feed: feed.entity[2].alert.informed_entity[0], stop_id="none")),
    ("E012", _set(lambda feed: _trip(feed), timestamp=NOW + 5)),
    ("E016", _set(lambda feed: _trip(feed).trip, schedule_relationship=rt.TripDescriptor.ADDED)),
    ("E020", _set(lambda feed: _trip(feed).trip, start_time="8 o'clock")),
    ("E021", _set(lambda feed: _trip(feed).trip, start_date="20190532")),
    ("E022", _set(lambda feed: _trip(feed).stop_time_update[2].arrival, time=NOW + 100)),
    ("E023", _set(lambda feed: _trip(feed).trip, start_time="08:01:00")),
    ("E024", _set(lambda feed: _trip(feed).trip, direction_id=1)),
    ("E025", _set(lambda feed: _trip(feed).stop_time_update[0].departure, time=NOW - 1)),
    ("E026", _set(POSITION, latitude=91)),
    ("E026", _set(POSITION, latitude=0, longitude=0)),
    ("E027", _set(POSITION, bearing=361)),
    ("E028", _set(POSITION, latitude=40)),
    ("E031", _other_routes_trip),
    ("E032", lambda feed: feed.entity[2].alert.ClearField("informed_entity")),
    ("E033", lambda feed: feed.entity[2].alert.informed_entity.add()),
    ("E034", _wrong_agency),
    ("E035", _set(lambda feed: _trip(feed).trip, route_id="R2")),
    ("E036", _again),
    ("E037", _same_stop),
    ("E038", _set(lambda feed: feed.header, gtfs_realtime_version="3")),
    ("E039", _set(lambda feed: feed.entity[2], is_deleted=True)),
    ("E040", _nameless_call),
    ("E041", lambda feed: _trip(feed).ClearField("stop_time_update")),
    ("E042", _no_data),
    ("E043", _no_times),
    ("E044", _empty_time),
    ("E045", _set(lambda feed: _trip(feed).stop_time_update[0], stop_id="north")),
    ("E047", _other_vehicle),
    ("E048", lambda feed: feed.header.ClearField("timestamp")),
    ("E049", lambda feed: feed.header.ClearField("incrementality")),
    ("E050", _set(lambda feed: feed.header, timestamp=NOW + 300)),
    ("E051", _set(lambda feed: _trip(feed).stop_time_update[2], stop_sequence=99)),
    ("E052", _twice),
    ("E054", lambda feed: feed.entity[2].alert.ClearField("header_text")),
    ("E055", lambda feed: feed.entity[2].alert.header_text.translation.add(text="Hi", language="en")),
    ("E056", lambda feed: feed.entity[2].alert.active_period.add(start=NOW, end=NOW)),
    ("W001", lambda feed: _trip(feed).ClearField("timestamp")),
    ("W002", lambda feed: feed.entity[1].vehicle.ClearField("vehicle")),
    ("W004", _set(POSITION, speed=90)),
    ("W006", lambda feed: _trip(feed).trip.ClearField("trip_id")),
    ("W008", _set(lambda feed: feed.header, timestamp=NOW - 70)),
    ("W009", lambda feed: _trip(feed).trip.ClearField("schedule_relationship")),
]


def test_a_sound_feed_has_no_finding(reference: Reference) -> None:
    assert validate(sound(), reference, NOW, before=sound(), beside=(sound(),)) == []


@pytest.mark.parametrize(("rule", "break_it"), FAULTS, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(FAULTS)])
def test_each_fault_is_found(reference: Reference, rule: str, break_it: Callable[[Any], Any]) -> None:
    feed = sound()
    break_it(feed)
    beside = (sound(),) if rule == "E047" else ()
    found = {finding.rule for finding in validate(feed, reference, NOW, beside=beside)}
    # What else may follow from the one fault.
    follow = {"E048": {"E012"}, "E020": {"E023"}, "W006": {"E009"}, "W008": {"E012"}, "E002": {"E022"}}.get(rule, set())
    assert rule in found and found <= {rule} | follow, found


def test_a_departure_of_frequencies_is_known_by_its_time(reference: Reference) -> None:
    feed = sound()
    _frequency(feed)
    for start, rules in (("08:40:00", set()), ("08:45:00", {"E003"})):
        _trip(feed).trip.start_time = start
        assert {finding.rule for finding in validate(feed, reference, NOW)} == rules


def test_editions_follow_one_another(reference: Reference) -> None:
    later, changed = sound(), sound()
    later.header.timestamp = NOW + 1
    assert validate(later, reference, NOW, before=sound()) == []
    assert [finding.rule for finding in validate(sound(), reference, NOW, before=later)] == ["E018"]
    changed.entity[1].vehicle.position.latitude = -30.02
    assert [finding.rule for finding in validate(changed, reference, NOW, before=sound())] == ["E017"]


@given(data=st.data())
def test_no_feed_whatever_makes_it_fail(reference: Reference, data: st.DataObject) -> None:
    """Bytes of a sound feed with some of them changed: what can still be read is judged, not stumbled over."""
    body = bytearray(sound().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    feed = rt.FeedMessage()
    try:
        feed.ParseFromString(bytes(body))
    except Exception:
        return
    for finding in validate(feed, reference, NOW, before=sound(), beside=(sound(),)):
        assert finding.rule and finding.what
