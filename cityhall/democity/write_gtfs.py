"""The timetable as a GTFS zip."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cityhall.democity.names import CITY
from cityhall.democity.terrain import to_degrees
from cityhall.democity.transit import LinePlan, Transit, Variant, times

PERIODS = (  # from hour, to hour, which headway, how thick the traffic is
    (0, 5, 3, 0.85),
    (5, 6.5, 2, 0.9),
    (6.5, 9.5, 0, 1.28),
    (9.5, 16, 1, 1.05),
    (16, 19.5, 0, 1.32),
    (19.5, 30, 2, 0.95),
)
NIGHT = 3
"""Which headway is the night's."""
DAYS = {"weekday": (1.0, "1111100"), "saturday": (1.5, "0000010"), "sunday": (2.0, "0000001")}
LAYOVER_S = 240
"""The shortest rest at the end of a trip before the same vehicle drives the next one."""
LONGEST_LAYOVER_S = 4500
"""A vehicle that would stand longer than this goes to the depot."""
HOLIDAYS = ("0101", "0501", "0610", "1225")
YEARS = (2026, 2027, 2028)
Row = dict[str, Any]


def _clock(second: float) -> str:
    whole = round(second)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def write_gtfs(transit: Transit, path: Path, timezone: str) -> None:
    """Writes the zip; the same bytes for the same timetable."""
    tables = {
        "agency.txt": [
            {
                "agency_id": "MT",
                "agency_name": f"{CITY} Transport",
                "agency_url": "https://transport.example",
                "agency_timezone": timezone,
            }
        ],
        "feed_info.txt": [
            {
                "feed_publisher_name": f"{CITY} Transport",
                "feed_publisher_url": "https://transport.example",
                "feed_lang": "en",
                "feed_start_date": "20260101",
                "feed_end_date": "20281231",
                "feed_version": "demo",
            }
        ],
        "stops.txt": _stops(transit),
        "routes.txt": [_route(line) for line in dict.fromkeys(variant.line for variant in transit.variants)],
        "calendar.txt": _calendar(),
        "calendar_dates.txt": _holidays(),
        "shapes.txt": _shapes(transit),
        "transfers.txt": [
            {"from_stop_id": station, "to_stop_id": station, "transfer_type": 2, "min_transfer_time": 90}
            for station in transit.stations
        ],
        "fare_attributes.txt": [
            {
                "fare_id": "single",
                "price": "1.60",
                "currency_type": "EUR",
                "payment_method": 0,
                "transfers": "",
                "transfer_duration": 3600,
            },
            {
                "fare_id": "free",
                "price": "0.00",
                "currency_type": "EUR",
                "payment_method": 0,
                "transfers": "",
                "transfer_duration": "",
            },
        ],
        "fare_rules.txt": [
            {"fare_id": "free" if line.free else "single", "route_id": line.short}
            for line in dict.fromkeys(variant.line for variant in transit.variants)
        ],
        **_timetable(transit),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(tables):
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(member, _csv(tables[name]))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _stops(transit: Transit) -> list[Row]:
    everything = [*transit.stations.values(), *transit.stops.values()]
    degrees = to_degrees(np.array([stop.place for stop in everything])).round(6)
    return [
        {
            "stop_id": stop.id,
            "stop_name": stop.name,
            "stop_lat": lat,
            "stop_lon": lon,
            "location_type": 1 if stop.id in transit.stations else 0,
            "parent_station": stop.parent,
            # One stop in nine has a kerb that is too high: the wheelchair filter has something to do.
            "wheelchair_boarding": 1 if stop.id in transit.stations or int(stop.id[1:]) % 9 else 2,
        }
        for stop, (lon, lat) in zip(everything, degrees.tolist(), strict=True)
    ]


def _route(line: LinePlan) -> Row:
    return {
        "route_id": line.short,
        "agency_id": "MT",
        "route_short_name": line.short,
        "route_long_name": line.long,
        "route_type": line.type,
        "route_color": line.color,
        "route_text_color": "FFFFFF",
    }


def _calendar() -> list[Row]:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return [
        {"service_id": day, **dict(zip(names, marks, strict=True)), "start_date": "20260101", "end_date": "20281231"}
        for day, (_, marks) in DAYS.items()
    ]


def _holidays() -> list[Row]:
    return [
        {"service_id": service, "date": f"{year}{day}", "exception_type": kind}
        for year in YEARS
        for day in HOLIDAYS
        for service, kind in (("weekday", 2), ("saturday", 2), ("sunday", 1))
    ]


def _shape_id(variant: Variant) -> str:
    return f"{variant.line.short}-{variant.direction}"


def _shapes(transit: Transit) -> list[Row]:
    rows = []
    for variant in transit.variants:
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(variant.shape, axis=0).T))])
        for number, ((lon, lat), metres) in enumerate(
            zip(to_degrees(variant.shape).round(6).tolist(), along.round(1).tolist(), strict=True)
        ):
            rows.append(
                {
                    "shape_id": _shape_id(variant),
                    "shape_pt_lat": lat,
                    "shape_pt_lon": lon,
                    "shape_pt_sequence": number,
                    "shape_dist_traveled": metres,
                }
            )
    return rows


def _timetable(transit: Transit) -> dict[str, list[Row]]:
    trips: list[Row] = []
    stop_times: list[Row] = []
    frequencies: list[Row] = []
    for variant in transit.variants:
        for day, (thinner, _) in DAYS.items():
            if variant.line.free:
                _headway_trip(variant, day, thinner, trips, stop_times, frequencies)
            else:
                _timed_trips(variant, day, thinner, trips, stop_times)
    _blocks(trips, stop_times, {variant.line.short for variant in transit.variants if variant.line.loop})
    return {"trips.txt": trips, "stop_times.txt": stop_times, "frequencies.txt": frequencies}


def _trip(variant: Variant, day: str, number: int) -> Row:
    return {
        "route_id": variant.line.short,
        "service_id": day,
        "trip_id": f"{variant.line.short}-{variant.direction}-{day}-{number:03}",
        "trip_headsign": variant.stops[-1].name if not variant.line.loop else variant.line.long.split(": ")[-1],
        "direction_id": variant.direction,
        "block_id": "",
        "shape_id": _shape_id(variant),
        "wheelchair_accessible": 2 if number % 10 == 7 and variant.line.type == 3 else 1,
    }


def _second(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _blocks(trips: list[Row], stop_times: list[Row], loops: set[str]) -> None:
    """Gives each timed trip the block of the vehicle that has waited longest where it begins, else a new one."""
    start: dict[str, int] = {}
    end: dict[str, int] = {}
    for call in stop_times:
        start.setdefault(call["trip_id"], _second(call["departure_time"]))
        end[call["trip_id"]] = _second(call["arrival_time"])
    waiting: dict[tuple[str, str, int], list[tuple[int, str]]] = {}
    made: dict[tuple[str, str], int] = {}
    timed = [trip for trip in trips if trip["block_id"] is not None]
    for trip in sorted(timed, key=lambda trip: (start[trip["trip_id"]], trip["trip_id"])):
        line, day, direction = trip["route_id"], trip["service_id"], trip["direction_id"]
        begins = start[trip["trip_id"]]
        here = waiting.setdefault((line, day, direction), [])
        here[:] = sorted(item for item in here if begins - item[0] <= LONGEST_LAYOVER_S)
        if here and begins - here[0][0] >= LAYOVER_S:
            trip["block_id"] = here.pop(0)[1]
        else:
            made[line, day] = made.get((line, day), 0) + 1
            trip["block_id"] = f"{line}-{day}-{made[line, day]:02}"
        back = direction if line in loops else 1 - direction
        waiting.setdefault((line, day, back), []).append((end[trip["trip_id"]], trip["block_id"]))
    for trip in trips:
        trip["block_id"] = trip["block_id"] or ""


def _calls(variant: Variant, trip: str, start: float, slow: float) -> list[Row]:
    return [
        {
            "trip_id": trip,
            "arrival_time": _clock(start + arrival),
            "departure_time": _clock(start + departure),
            "stop_id": stop.id,
            "stop_sequence": number,
            "shape_dist_traveled": round(along, 1),
        }
        for number, (stop, along, (arrival, departure)) in enumerate(
            zip(variant.stops, variant.along, times(variant, slow), strict=True), start=1
        )
    ]


def _timed_trips(variant: Variant, day: str, thinner: float, trips: list[Row], calls: list[Row]) -> None:
    first, last = variant.line.hours
    now, number = first * 3600 + variant.direction * 240, 0
    while now < last * 3600:
        _, _, which, slow = next(period for period in PERIODS if period[0] <= now / 3600 < period[1])
        trip = _trip(variant, day, number)
        trips.append(trip)
        calls += _calls(variant, trip["trip_id"], now, slow)
        number += 1
        # At night a line has as many trips on every day: fewer would be none.
        now += variant.line.headway[which] * 60 * (1.0 if which == NIGHT else thinner)


def _headway_trip(
    variant: Variant, day: str, thinner: float, trips: list[Row], calls: list[Row], frequencies: list[Row]
) -> None:
    # Vehicles that go round by headway are given out by the hour, not by a block.
    trip = _trip(variant, day, 0) | {"block_id": None}
    trips.append(trip)
    first, last = variant.line.hours
    calls += _calls(variant, trip["trip_id"], first * 3600, 1.1)
    for begin, end, which, _ in PERIODS:
        if max(begin, first) < min(end, last):
            frequencies.append(
                {
                    "trip_id": trip["trip_id"],
                    "start_time": _clock(max(begin, first) * 3600),
                    "end_time": _clock(min(end, last) * 3600),
                    "headway_secs": round(variant.line.headway[which] * 60 * thinner),
                    "exact_times": 0,
                }
            )
