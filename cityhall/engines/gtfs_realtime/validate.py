"""The rules. Their numbers are those that the field knows them by (MobilityData's GTFS Realtime Validator)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.transit import gtfs_realtime_pb2 as rt

from cityhall.engines.gtfs_realtime.reference import Reference

POSIX_FROM, POSIX_UNTIL = 1_000_000_000, 10_000_000_000
FUTURE_S = 60
OLD_S = 65
FASTEST = 40.0  # m/s; the validator's 26 m/s is for city buses, some of ours take motorways
VERSIONS = ("1.0", "2.0")
_CLOCK = re.compile(r"\d{1,2}:[0-5]\d:[0-5]\d")
_DAY = re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_TRIP, _CALL = rt.TripDescriptor, rt.TripUpdate.StopTimeUpdate


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken: its number (E error, W warning), the entity ("" for the header), and what is wrong."""

    rule: str
    entity: str
    what: str

    @property
    def error(self) -> bool:
        return self.rule.startswith("E")


def validate(
    feed: Any, reference: Reference, now: float, *, before: Any = None, beside: tuple[Any, ...] = ()
) -> list[Finding]:
    """What is wrong with a FeedMessage at `now` (Unix seconds).

    `before` is the edition read before it, `beside` the other feeds of the same moment: both are compared with.
    """
    found = list(_header(feed, now, before))
    ids = Counter(entity.id for entity in feed.entity)
    found += [Finding("E000", name, "The entity's id is there twice.") for name, count in ids.items() if count > 1]
    vehicles = Counter(e.vehicle.vehicle.id for e in feed.entity if e.HasField("vehicle") and e.vehicle.vehicle.id)
    found += [Finding("E052", name, "The vehicle is there twice.") for name, count in vehicles.items() if count > 1]
    for entity in feed.entity:
        found += [Finding(rule, entity.id, what) for rule, what in _entity(entity, feed, reference, now)]
    for other in beside:
        found += _pairs(feed, other)
    return found


def _header(feed: Any, now: float, before: Any) -> Iterator[Finding]:
    header = feed.header
    if header.gtfs_realtime_version not in VERSIONS:
        yield Finding("E038", "", f"gtfs_realtime_version is {header.gtfs_realtime_version!r}.")
    if not header.timestamp:
        yield Finding("E048", "", "The header has no timestamp.")
    if not header.HasField("incrementality"):
        yield Finding("E049", "", "The header does not say its incrementality.")
    for rule, what in _moment(header.timestamp, now):
        yield Finding(rule, "", what)
    if header.timestamp and now - header.timestamp > OLD_S:
        yield Finding("W008", "", f"The feed is {now - header.timestamp:.0f} s old.")
    if before is not None:
        if header.timestamp < before.header.timestamp:
            yield Finding("E018", "", "The header's timestamp has gone back.")
        elif header.timestamp == before.header.timestamp and feed.entity != before.entity:
            yield Finding("E017", "", "The content has changed, and the timestamp has not.")


def _moment(timestamp: int, now: float) -> Iterator[tuple[str, str]]:
    """A time that something was measured or made at."""
    if timestamp and not POSIX_FROM <= timestamp < POSIX_UNTIL:
        yield "E001", f"{timestamp} is no POSIX time in seconds."
    elif timestamp > now + FUTURE_S:
        yield "E050", f"{timestamp} is in the future."


def _entity(entity: Any, feed: Any, reference: Reference, now: float) -> Iterator[tuple[str, str]]:
    if entity.is_deleted and feed.header.incrementality == rt.FeedHeader.FULL_DATASET:
        yield "E039", "A full dataset deletes nothing."
    if entity.HasField("trip_update"):
        yield from _dated(entity.trip_update, feed, now)
        yield from _update(entity.trip_update, reference)
    if entity.HasField("vehicle"):
        yield from _dated(entity.vehicle, feed, now)
        yield from _vehicle(entity.vehicle, reference)
    if entity.HasField("alert"):
        yield from _alert(entity.alert, reference)


def _dated(told: Any, feed: Any, now: float) -> Iterator[tuple[str, str]]:
    if not told.timestamp:
        yield "W001", "It has no timestamp."
    if told.timestamp > feed.header.timestamp:
        yield "E012", "It is younger than the feed."
    yield from _moment(told.timestamp, now)


def _text(value: str | bytes) -> str:
    """What was sent as text; protobuf hands over as bytes what is no UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _descriptor(trip: Any, reference: Reference) -> Iterator[tuple[str, str]]:
    """A TripDescriptor, whatever it is for."""
    if trip.start_date and not _DAY.fullmatch(_text(trip.start_date)):
        yield "E021", f"start_date is {trip.start_date!r}."
    if trip.start_time and not _CLOCK.fullmatch(_text(trip.start_time)):
        yield "E020", f"start_time is {trip.start_time!r}."
    if trip.route_id and trip.route_id not in reference.routes:
        yield "E004", f"There is no route {trip.route_id!r}."
    added = trip.schedule_relationship == _TRIP.ADDED
    if not trip.trip_id:
        return
    if not trip.HasField("schedule_relationship"):
        yield "W009", "The trip does not say its schedule_relationship."
    if trip.trip_id in reference.templates and not (trip.start_time and trip.start_date):
        yield "E006", "A trip of frequencies.txt needs start_time and start_date."
    row = reference.trip(trip.trip_id, trip.start_time)
    if row is None:
        if not added:
            yield "E003", f"There is no trip {trip.trip_id!r}."
        return
    if added:
        yield "E016", f"Trip {trip.trip_id!r} is in the timetable, so it is not added."
    schedule = reference.schedule
    if trip.route_id and schedule.routes.id[int(schedule.trips.route[row])] != trip.route_id:
        yield "E035", f"Trip {trip.trip_id!r} is not one of route {trip.route_id!r}."
    direction = int(schedule.trips.direction[row])
    if trip.HasField("direction_id") and direction >= 0 and trip.direction_id != direction:
        yield "E024", f"Trip {trip.trip_id!r} goes in direction {direction}."
    if trip.start_time and trip.trip_id not in reference.templates:
        starts = int(schedule.stop_times.departure[schedule.trips.first[row]])
        if trip.start_time != f"{starts // 3600:02}:{starts // 60 % 60:02}:{starts % 60:02}":
            yield "E023", f"Trip {trip.trip_id!r} does not set out at {trip.start_time}."


def _update(update: Any, reference: Reference) -> Iterator[tuple[str, str]]:
    yield from _descriptor(update.trip, reference)
    if not update.trip.trip_id:
        yield "W006", "A trip update names no trip."
    cancelled = update.trip.schedule_relationship in (_TRIP.CANCELED, _TRIP.DELETED)
    if not update.stop_time_update and not cancelled:
        yield "E041", "There is no stop_time_update."
    row = reference.trip(update.trip.trip_id, update.trip.start_time)
    calls = reference.calls(row) if row is not None else {}
    stops = Counter(calls.values())
    last_sequence, last_stop, last_time = -1, "", -math.inf
    for call in update.stop_time_update:
        yield from _call(call, reference, calls, stops)
        if call.HasField("stop_sequence"):
            if call.stop_sequence == last_sequence:
                yield "E036", f"stop_sequence {call.stop_sequence} is there twice in a row."
            elif call.stop_sequence < last_sequence:
                yield "E002", f"stop_sequence {call.stop_sequence} comes after {last_sequence}."
            last_sequence = call.stop_sequence
        elif call.stop_id and call.stop_id == last_stop:
            yield "E037", f"Stop {call.stop_id!r} is there twice in a row."
        last_stop = call.stop_id
        comes, goes = call.arrival.time, call.departure.time
        if comes and goes and goes < comes:
            yield "E025", f"It leaves {call.stop_id!r} before it comes."
        for moment in (comes, goes):
            if moment and not POSIX_FROM <= moment < POSIX_UNTIL:
                yield "E001", f"{moment} is no POSIX time in seconds."
        if (comes or goes) and (comes or goes) <= last_time:
            yield "E022", f"It is at {call.stop_id!r} no later than at the stop before."
        last_time = max(goes, comes) or last_time


def _call(call: Any, reference: Reference, calls: dict[int, str], stops: Counter[str]) -> Iterator[tuple[str, str]]:
    if not call.HasField("stop_sequence") and not call.stop_id:
        yield "E040", "A stop_time_update has neither stop_sequence nor stop_id."
    if not call.HasField("stop_sequence") and stops[call.stop_id] > 1:
        yield "E009", f"The trip calls at {call.stop_id!r} twice: stop_sequence is needed."
    yield from _stop(call.stop_id, reference)
    if call.HasField("stop_sequence") and calls:
        if call.stop_sequence not in calls:
            yield "E051", f"The trip has no stop_sequence {call.stop_sequence}."
        elif call.stop_id and calls[call.stop_sequence] != call.stop_id:
            yield "E045", f"stop_sequence {call.stop_sequence} is not {call.stop_id!r}."
    events = [event for event in ("arrival", "departure") if call.HasField(event)]
    relation = call.schedule_relationship
    if not call.HasField("schedule_relationship"):
        yield "W009", "A stop_time_update does not say its schedule_relationship."
    if relation == _CALL.NO_DATA and events:
        yield "E042", "NO_DATA, and yet there are times."
    if relation == _CALL.SCHEDULED and not events:
        yield "E043", "There is neither arrival nor departure."
    for event in events:
        one = getattr(call, event)
        if not one.HasField("time") and not one.HasField("delay"):
            yield "E044", f"The {event} has neither time nor delay."


def _stop(stop_id: str, reference: Reference) -> Iterator[tuple[str, str]]:
    if not stop_id:
        return
    row = reference.stops.get(stop_id)
    if row is None:
        yield "E011", f"There is no stop {stop_id!r}."
    elif int(reference.schedule.stops.location_type[row]) != 0:
        yield "E015", f"{stop_id!r} is a station: name the platform."


def _vehicle(told: Any, reference: Reference) -> Iterator[tuple[str, str]]:
    if not told.vehicle.id:
        yield "W002", "The vehicle has no id."
    if told.HasField("trip"):
        yield from _descriptor(told.trip, reference)
    place = told.position
    lon, lat = place.longitude, place.latitude
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (lat == 0 and lon == 0):
        yield "E026", f"({lon}, {lat}) is no place."
    else:
        west, south, east, north = reference.box
        if not (west <= lon <= east and south <= lat <= north):
            yield "E028", f"({lon:.5f}, {lat:.5f}) is far from every line."
    if place.HasField("bearing") and not 0 <= place.bearing <= 360:
        yield "E027", f"The bearing is {place.bearing}."
    if place.HasField("speed") and not 0 <= place.speed <= FASTEST:
        yield "W004", f"The speed is {place.speed:.1f} m/s."
    yield from _stop(told.stop_id, reference)
    row = reference.trip(told.trip.trip_id, told.trip.start_time)
    if row is not None and told.HasField("current_stop_sequence"):
        calls = reference.calls(row)
        if told.current_stop_sequence not in calls:
            yield "E051", f"The trip has no stop_sequence {told.current_stop_sequence}."
        elif told.stop_id and calls[told.current_stop_sequence] != told.stop_id:
            yield "E045", f"stop_sequence {told.current_stop_sequence} is not {told.stop_id!r}."


def _alert(alert: Any, reference: Reference) -> Iterator[tuple[str, str]]:
    if not alert.informed_entity:
        yield "E032", "The alert is for nobody."
    if not any(text.text for text in alert.header_text.translation):
        yield "E054", "The alert says nothing."
    languages = Counter(text.language for text in alert.header_text.translation)
    if any(count > 1 for count in languages.values()):
        yield "E055", "A language is there twice."
    for period in alert.active_period:
        if period.HasField("start") and period.HasField("end") and period.end <= period.start:
            yield "E056", "A period ends before it begins."
    for selector in alert.informed_entity:
        if not selector.ListFields():
            yield "E033", "A selector selects nothing."
        if selector.agency_id and selector.agency_id not in reference.schedule.agencies:
            yield "E034", f"There is no agency {selector.agency_id!r}."
        if selector.route_id and selector.route_id not in reference.routes:
            yield "E004", f"There is no route {selector.route_id!r}."
        if selector.stop_id and selector.stop_id not in reference.stops:
            yield "E011", f"There is no stop {selector.stop_id!r}."
        if selector.HasField("trip"):
            yield from _descriptor(selector.trip, reference)
            if selector.route_id and selector.trip.route_id and selector.route_id != selector.trip.route_id:
                yield "E031", "The selector's route is not its trip's."


def _pairs(feed: Any, other: Any) -> Iterator[Finding]:
    """E047: a trip has the same vehicle in both feeds."""
    vehicles = {
        (entity.trip_update.trip.trip_id, entity.trip_update.trip.start_time): entity.trip_update.vehicle.id
        for entity in other.entity
        if entity.HasField("trip_update") and entity.trip_update.vehicle.id
    }
    for entity in feed.entity:
        told = entity.vehicle
        if not entity.HasField("vehicle") or not told.trip.trip_id:
            continue
        known = vehicles.get((told.trip.trip_id, told.trip.start_time))
        if known is not None and known != told.vehicle.id:
            yield Finding("E047", entity.id, f"Trip {told.trip.trip_id!r} has vehicle {known!r} in the other feed.")
