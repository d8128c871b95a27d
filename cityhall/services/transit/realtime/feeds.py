"""GTFS-Realtime: where vehicles are, when trips come, what riders should know. Version 2.0, full datasets.

Source: GTFS Realtime Reference, https://gtfs.org/documentation/realtime/reference/. The feeds of one second are made of
one snapshot (`snapshot.py`). Rows come by one statement a feed, never as model objects: a large city's feed is made in
a few hundredths of a second. JSON is protobuf's own mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from google.protobuf.json_format import MessageToJson
from google.transit import gtfs_realtime_pb2 as rt

from cityhall.engines.gtfs.schedule import Int64
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import ServiceAlert
from cityhall.services.transit.realtime.named import Plan
from cityhall.services.transit.realtime.predictions import Predicted
from cityhall.services.transit.realtime.published import Published
from cityhall.services.transit.realtime.snapshot import LONGEST_S, Snapshot, Snapshots

AHEAD_S = 3 * 3600
"""Trips that leave stops out are told of this long before they set out."""
Make = Callable[[Snapshot], Any]
_SERVED = rt.TripUpdate.StopTimeUpdate.SCHEDULED
_SKIPPED = rt.TripUpdate.StopTimeUpdate.SKIPPED
_IN_TRANSIT, _STOPPED = rt.VehiclePosition.IN_TRANSIT_TO, rt.VehiclePosition.STOPPED_AT


def _feed(now: int) -> rt.FeedMessage:
    feed = rt.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.incrementality = rt.FeedHeader.FULL_DATASET
    feed.header.timestamp = now
    return feed


def vehicle_positions(snapshot: Snapshot) -> rt.FeedMessage:
    """Where every vehicle is that everybody may see, heard within FRESH_S."""
    now, plan = snapshot.now, snapshot.plan
    feed = _feed(now)
    add = feed.entity.add
    for row in snapshot.vehicles:
        public_id, label, wheelchair, lon, lat, bearing, speed, at, trip, route, *rest = row
        day, sequence, at_stop, occupancy = rest
        place = rt.Position(latitude=lat, longitude=lon)
        if bearing is not None:
            place.bearing = bearing % 360
        if speed is not None:
            place.speed = max(0.0, speed)
        vehicle = rt.VehicleDescriptor(id=public_id)
        if label:
            vehicle.label = label
        if wheelchair is not None:
            accessible = (
                rt.VehicleDescriptor.WHEELCHAIR_ACCESSIBLE
                if wheelchair
                else rt.VehicleDescriptor.WHEELCHAIR_INACCESSIBLE
            )
            vehicle.wheelchair_accessible = accessible
        told = rt.VehiclePosition(vehicle=vehicle, position=place, timestamp=min(at, now))
        named = plan.describe(trip, day) if plan and trip else None
        if named is not None:
            told.trip.CopyFrom(named)
            _call(told, plan, trip, sequence, at_stop)
        elif plan and route and route in plan.routes:
            told.trip.route_id = route
        if occupancy is not None and 0 <= occupancy <= 8:
            told.occupancy_status = occupancy
        add(id=public_id, vehicle=told)
    return feed


def _call(told: rt.VehiclePosition, plan: Plan | None, trip: str, place: int | None, at_stop: bool) -> None:
    """The stop a vehicle is at or goes to."""
    if plan is None or place is None:
        return
    row = plan.rows[trip]
    at = plan.first[row] + place
    if not plan.first[row] <= at < plan.first[row + 1]:
        return
    told.stop_id = plan.stop_id[int(plan.stop[at])]
    told.current_stop_sequence = int(plan.sequence[at])
    told.current_status = _STOPPED if at_stop else _IN_TRANSIT


def trip_updates(snapshot: Snapshot) -> rt.FeedMessage:
    """When trips under way and their blocks' next come to each stop; which are cancelled, which leave out stops."""
    now, plan = snapshot.now, snapshot.plan
    feed = _feed(now)
    if plan is None:
        return feed
    cancelled = {day: trips for day, (trips, _calls) in snapshot.off.items()}
    skipped = {day: calls for day, (_trips, calls) in snapshot.off.items()}
    told: set[tuple[date, int]] = set()
    good = []
    for one in snapshot.expected:
        row = plan.rows.get(one.trip)
        if row is None or row in cancelled.get(one.service_day, ()) or _outdated(one, snapshot):
            continue
        if plan.first[row] + one.first_sequence + one.arrival.size == plan.first[row + 1] and one.arrival.size:
            good.append((row, one))
            told.add((one.service_day, row))
    _expected(feed, plan, good, skipped, now)
    _cancelled(feed, plan, cancelled)
    _left_out(feed, plan, skipped, told, cancelled, now)
    return feed


def _outdated(one: Predicted, snapshot: Snapshot) -> bool:
    """Whether it was reckoned from a vehicle that another has taken the trip from since: its times are wrong too."""
    driver = snapshot.drivers.get((one.trip, one.service_day), one.vehicle)
    return bool(one.vehicle) and driver != one.vehicle


def _expected(
    feed: rt.FeedMessage,
    plan: Plan,
    expected: list[tuple[int, Predicted]],
    skipped: dict[date, dict[int, list[int]]],
    now: int,
) -> None:
    """The predictions. Times are made to increase along each trip, as the specification asks."""
    times = _increasing([(one.arrival, one.departure) for _row, one in expected])
    for (row, one), (arrival, departure) in zip(expected, times, strict=True):
        update = feed.entity.add(id=f"{one.trip} {one.service_day:%Y%m%d}").trip_update
        update.trip.CopyFrom(plan.describe(one.trip, one.service_day))
        update.timestamp = min(one.made_at, now)
        if one.vehicle:
            update.vehicle.id = one.vehicle
            if one.label:
                update.vehicle.label = one.label
        sequence, stops = plan.calls(row)
        left_out = skipped.get(one.service_day, {}).get(row, ())
        add = update.stop_time_update.add
        for place, (comes, goes) in enumerate(zip(arrival, departure, strict=True), one.first_sequence):
            call = add(stop_id=stops[place])
            if sequence[place] >= 0:
                call.stop_sequence = sequence[place]
            call.schedule_relationship = _SKIPPED if place in left_out else _SERVED
            if place not in left_out:
                call.arrival.time, call.departure.time = comes, goes


def _increasing(pairs: list[tuple[Int64, Int64]]) -> list[tuple[list[int], list[int]]]:
    """Arrivals and departures a second or more after the departure before, each departure not before its arrival."""
    if not pairs:
        return []
    lengths = np.array([arrival.size for arrival, _departure in pairs])
    both = np.empty((lengths.sum(), 2), np.int64)
    both[:, 0] = np.concatenate([arrival for arrival, _departure in pairs])
    both[:, 1] = np.concatenate([departure for _arrival, departure in pairs])
    # Less a second for each call before, to increase is not to decrease; and far apart, trips are told in one go.
    owner = np.repeat(np.arange(lengths.size), lengths)
    base = (owner * np.int64(1 << 36) - np.arange(both.shape[0]))[:, None]
    flat = np.maximum.accumulate((both + base).ravel()).reshape(-1, 2) - base
    parts = np.split(flat, np.cumsum(lengths)[:-1])
    return [(part[:, 0].tolist(), part[:, 1].tolist()) for part in parts]


def _cancelled(feed: rt.FeedMessage, plan: Plan, cancelled: dict[date, set[int]]) -> None:
    for day, rows in sorted(cancelled.items()):
        for row in sorted(rows):
            update = feed.entity.add(id=f"{plan.trip_id[row]} {day:%Y%m%d}").trip_update
            update.trip.CopyFrom(plan.describe(plan.trip_id[row], day))
            update.trip.schedule_relationship = rt.TripDescriptor.CANCELED
            update.timestamp = feed.header.timestamp


def _left_out(
    feed: rt.FeedMessage,
    plan: Plan,
    skipped: dict[date, dict[int, list[int]]],
    told: set[tuple[date, int]],
    cancelled: dict[date, set[int]],
    now: int,
) -> None:
    """Trips that nothing is expected of yet, but that will leave out stops within AHEAD_S."""
    times = timetables.service().schedule.stop_times
    for day, trips in sorted(skipped.items()):
        midnight = clock(day, 0).timestamp()
        for row, calls in sorted(trips.items()):
            begins = midnight + int(times.departure[plan.first[row]])
            ends = midnight + int(times.arrival[plan.first[row + 1] - 1])
            if (day, row) in told or row in cancelled.get(day, ()) or begins > now + AHEAD_S or ends < now:
                continue
            update = feed.entity.add(id=f"{plan.trip_id[row]} {day:%Y%m%d}").trip_update
            update.trip.CopyFrom(plan.describe(plan.trip_id[row], day))
            update.timestamp = now
            sequence, stops = plan.calls(row)
            for place in calls:
                call = update.stop_time_update.add(stop_id=stops[place])
                call.schedule_relationship = _SKIPPED
                if sequence[place] >= 0:
                    call.stop_sequence = sequence[place]


def service_alerts(snapshot: Snapshot) -> rt.FeedMessage:
    """Alerts that hold now or will, in every language they are written in."""
    feed, plan = _feed(snapshot.now), snapshot.plan
    for alert in snapshot.alerts:
        informed = list(_informed(alert, plan))
        if not informed:
            continue
        told = feed.entity.add(id=f"alert-{alert.pk}").alert
        told.cause = rt.Alert.Cause.Value(alert.cause)
        told.effect = rt.Alert.Effect.Value(alert.effect)
        told.severity_level = rt.Alert.SeverityLevel.Value(alert.severity)
        for field, texts in (("header_text", "header"), ("description_text", "description"), ("url", "url")):
            for language, text in getattr(alert, texts).items():
                getattr(told, field).translation.add(text=text, language=language)
        for start, end in alert.periods:
            told.active_period.add(**_span(start, end))
        told.informed_entity.extend(informed)
    return feed


def _span(start: str | None, end: str | None) -> dict[str, int]:
    ends = (("start", start), ("end", end))
    return {name: int(datetime.fromisoformat(moment).timestamp()) for name, moment in ends if moment}


def _informed(alert: ServiceAlert, plan: Plan | None) -> Iterable[rt.EntitySelector]:
    """An alert's selectors; what a newer timetable has no more is left out, and the whole city is each agency."""
    agencies = timetables.service().schedule.agencies if plan else {"": ""}
    for selector in alert.informed:
        if not selector:
            yield from (rt.EntitySelector(agency_id=agency) for agency in agencies)
            continue
        if plan and not plan.knows(selector):
            continue
        names = {f"{key}_id": selector[key] for key in ("agency", "route", "stop") if key in selector}
        told = rt.EntitySelector(**names)
        if "direction" in selector and "route" in selector:
            told.direction_id = selector["direction"]
        if "trip" in selector:
            day = selector.get("service_day")
            named = plan.describe(selector["trip"], date.fromisoformat(day) if day else None) if plan else None
            if named is None:
                continue
            told.trip.CopyFrom(named)
        yield told


def _bytes(make: Make, snapshots: Snapshots, now: int) -> bytes:
    return bytes(make(snapshots.at(now)).SerializeToString())


def _json(make: Make, snapshots: Snapshots, now: int) -> bytes:
    return str(MessageToJson(make(snapshots.at(now)), indent=None, ensure_ascii=False)).encode()


FEEDS = {"vehicle-positions": vehicle_positions, "trip-updates": trip_updates, "alerts": service_alerts}
JSON_EVERY_S = LONGEST_S
"""JSON takes protobuf ten times as long to write, and is for people who look rather than for machines."""
_every_second, _for_people = Snapshots(), Snapshots()
_published = {
    **{
        f"{name}.pb": Published(partial(_bytes, make, _every_second), "application/x-protobuf")
        for name, make in FEEDS.items()
    },
    **{
        f"{name}.json": Published(partial(_json, make, _for_people), "application/json", JSON_EVERY_S)
        for name, make in FEEDS.items()
    },
}


def forget() -> None:
    """Makes every feed anew when it is next asked for, as after a start."""
    for snapshots in (_every_second, _for_people):
        snapshots.forget()
    for published in _published.values():
        published.forget()


@require_safe
def feed(request: HttpRequest, name: str) -> HttpResponse:
    """A feed as protobuf (`.pb`) or JSON (`.json`)."""
    if name not in _published:
        raise Http404
    return _published[name].answer(request)
