"""Reads that more than one door needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.engines.gtfs.clock import shift
from cityhall.kernel.errors import Missing
from cityhall.kernel.places.geocoder import Named
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.itinerary import ride_shape
from cityhall.services.transit.models import FeedVersion, Line, Stop, VehicleState
from cityhall.services.transit.modes import mode_of
from cityhall.services.transit.tracking.shown import feature_of

Bounds = tuple[float, float, float, float] | None
FRESH = timedelta(minutes=5)


def in_service() -> FeedVersion | None:
    """The feed in service, None before the first."""
    return FeedVersion.objects.filter(state=FeedVersion.State.IN_SERVICE).first()


def find_stop(gtfs_id: str) -> Stop:
    """A stop of the feed in service. Raises Missing."""
    stop = Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE, gtfs_id=gtfs_id).first()
    if stop is None:
        raise Missing(_("There is no such stop."), mend=_("It may have been moved: search for it by name."))
    return stop


def find_line(gtfs_id: str) -> Line:
    """A line of the feed in service. Raises Missing."""
    line = Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE, gtfs_id=gtfs_id).first()
    if line is None:
        raise Missing(_("There is no such line."), mend=_("Look for it in the list of lines."))
    return line


def vehicles_on_the_road() -> int:
    """How many vehicles have said where they are within FRESH."""
    return shown_vehicles().count()


def lines_in_service() -> int:
    """How many lines the feed in service has."""
    return Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE).count()


def stops_in_service() -> int:
    """How many stops the feed in service has."""
    return Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE).count()


@dataclass(frozen=True, slots=True)
class Departure:
    """A trip that leaves a stop."""

    line: str
    line_id: str
    color: str
    text_color: str
    headsign: str
    mode: str
    at: datetime
    wheelchair: int


def departures(stop: Stop, day: date, second: int, limit: int = 20) -> list[Departure]:
    """The next trips from a stop (all platforms of a station) at or after a second of a service day."""
    now = timetables.service()
    schedule, (first, rows_by_stop) = now.schedule, now.calls
    places = [stop.row, *np.flatnonzero(np.asarray(schedule.stops.parent) == stop.row).tolist()]
    rows = np.concatenate([rows_by_stop[first[place] : first[place + 1]] for place in places])
    trip = now.trip_of[rows]
    found: list[tuple[int, int]] = []
    for offset in (-1, 0, 1):
        other = day + timedelta(days=offset)
        runs = schedule.services.on(other)[schedule.trips.service[trip]]
        time = np.asarray(schedule.stop_times.departure)[rows] + shift(day, other, schedule.timezone)
        last = rows == np.asarray(schedule.trips.first)[trip + 1] - 1
        good = runs & (time >= second) & ~last & (np.asarray(schedule.stop_times.pickup)[rows] != 1)
        found += zip(time[good].tolist(), trip[good].tolist(), strict=True)
    return [_departure(day, second, trip) for second, trip in sorted(found)[:limit]]


def _departure(day: date, second: int, trip: int) -> Departure:
    now = timetables.service()
    schedule, routes, route = now.schedule, now.schedule.routes, int(now.schedule.trips.route[trip])
    return Departure(
        line=now.line(route),
        line_id=routes.id[route],
        color=routes.color[route],
        text_color=routes.text_color[route],
        headsign=now.headsign(trip),
        mode=mode_of(int(routes.type[route])),
        at=clock(day, second),
        wheelchair=int(schedule.trips.wheelchair[trip]),
    )


def patterns_of(line: Line) -> list[dict[str, Any]]:
    """The ways a line goes: for each direction its most common sequence of stops, with its shape."""
    schedule = timetables.service().schedule
    trips, times = schedule.trips, schedule.stop_times
    seen: dict[tuple[int, bytes], list[int]] = {}
    for trip in np.flatnonzero(np.asarray(trips.route) == line.row).tolist():
        stops = np.asarray(times.stop[trips.first[trip] : trips.first[trip + 1]])
        seen.setdefault((int(trips.direction[trip]), stops.tobytes()), []).append(trip)
    best: dict[int, list[int]] = {}
    for (direction, _stops), members in seen.items():
        if len(members) > len(best.get(direction, [])):
            best[direction] = members
    return [_pattern(members[0], len(members)) for _direction, members in sorted(best.items())]


def _pattern(trip: int, count: int) -> dict[str, Any]:
    now = timetables.service()
    schedule = now.schedule
    first, last = int(schedule.trips.first[trip]), int(schedule.trips.first[trip + 1]) - 1
    called = now.stops_of(trip)
    stops = schedule.stops
    return {
        "direction": int(schedule.trips.direction[trip]),
        "headsign": now.headsign(trip),
        "trips": count,
        "stops": [
            {
                "id": stops.id[row],
                "name": stops.name[row],
                "lon": float(stops.lon[row]),
                "lat": float(stops.lat[row]),
            }
            for row in called
        ],
        "geometry": {"type": "LineString", "coordinates": ride_shape(trip, first, last)},
    }


def stops_geojson(bounds: Bounds = None) -> dict[str, Any]:
    """Stops in a box as GeoJSON, stations without their platforms' clutter."""
    stops = Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE)
    if bounds:
        stops = stops.filter(point__inside=bounds)
    return _collection(
        {
            "type": "Feature",
            "id": stop.row,
            "geometry": {"type": "Point", "coordinates": list(stop.point)},
            "properties": {
                "id": stop.gtfs_id,
                "name": stop.name,
                "lines": ", ".join(stop.lines[:12]),
                "url": f"/transit/stops/{stop.gtfs_id}/",
            },
        }
        for stop in stops[:20_000]
    )


def lines_geojson(bounds: Bounds = None) -> dict[str, Any]:
    """Every line's shapes as GeoJSON."""
    features = []
    for line in Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE):
        for pattern in patterns_of(line):
            features.append(
                {
                    "type": "Feature",
                    "geometry": pattern["geometry"],
                    "properties": {
                        "id": line.gtfs_id,
                        "name": line.short_name,
                        "color": f"#{line.color}" if line.color else "",
                        "url": f"/transit/lines/{line.gtfs_id}/",
                    },
                }
            )
    return _collection(features)


def vehicles_geojson(bounds: Bounds = None) -> dict[str, Any]:
    """Vehicles heard of in the last minutes as GeoJSON."""
    states = shown_vehicles()
    if bounds:
        states = states.filter(point__inside=bounds)
    return _collection(feature_of(state) for state in states[:20_000])


def shown_vehicles() -> QuerySet[VehicleState]:
    """States of the vehicles that everybody may see, heard of within FRESH."""
    states = VehicleState.objects.public().filter(at__gte=timezone.now() - FRESH)
    return states.exclude(status=VehicleState.Status.LOST).select_related("vehicle")


def vehicle_rows() -> QuerySet[VehicleState]:
    """What `tracking.shown` says, as rows: for tiles and downloads of a fleet of any size."""
    hue = Case(When(color="", then=Value("")), default=Concat(Value("#"), F("color")))
    return shown_vehicles().select_related(None).annotate(hue=hue)


def _collection(features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def stop_names() -> Iterator[Named]:
    """Stops by name, for the search; platforms of one name close together stand once."""
    seen: set[tuple[str, int, int]] = set()
    for stop in Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE).order_by("row"):
        key = (stop.name, round(stop.point.lon * 200), round(stop.point.lat * 200))
        if key not in seen:
            seen.add(key)
            yield Named(
                name=stop.name,
                kind="stop",
                lon=stop.point.lon,
                lat=stop.point.lat,
                detail=", ".join(stop.lines[:6]),
                reference=stop.code,
                weight=30,
            )
