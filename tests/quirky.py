"""A city's feed of our own making with the quirks of real ones, so that nobody needs a real one to meet them.

The same bytes every time. What is odd in it: a byte-order mark and CRLF, quoted line breaks, columns nobody uses and in
another order, blanks round values, a station with platforms, loops, an out-and-back on one street, shapes for some
trips only, stops without times, trips past midnight, frequencies of both kinds, services of dates alone, a day taken
out, blocks, transfers that forbid or lengthen, stops where one may only get on or off, trips whose stops skip numbers,
a stop nobody serves, a line nobody drives.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from tests.feeds import write_feed

DAY = date(2026, 5, 13)
"""A Wednesday on which everything runs but the services that are taken out."""
WIDE, HIGH, STEP = 14, 12, 0.0032
Table = list[dict[str, object]]


def clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _csv(rows: Table, *, end: str = "\n", mark: str = "") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return mark + out.getvalue()


def _stop(x: int, y: int) -> str:
    return f"s{x:02}{y:02}"


class _City:
    """Collects the tables while lines are laid over a grid of stops."""

    def __init__(self) -> None:
        self.draw = random.Random(12)
        self.trips: Table = []
        self.times: Table = []
        self.shapes: Table = []
        self.routes: Table = []
        self.frequencies: Table = []
        self.place: dict[str, tuple[float, float]] = {}
        for x in range(WIDE):
            for y in range(HIGH):
                lon, lat = (-8.68 + STEP * x, 41.14 + STEP * 0.75 * y)
                self.place[_stop(x, y)] = (
                    round(lon + self.draw.uniform(-3e-4, 3e-4), 6),
                    round(lat + self.draw.uniform(-3e-4, 3e-4), 6),
                )

    def line(self, number: int, stops: list[str]) -> None:
        """A line both ways, or round and round where it ends where it begins."""
        name = f"L{number:02}"
        self.routes.append(
            {"route_type": 3 if number % 5 else 0, "route_id": name, "route_short_name": f" {number} ",
             "route_long_name": f'Line "{number}"', "agency_id": "", "route_sort_order": number}
        )  # fmt: skip
        loop = stops[0] == stops[-1]
        for direction, way in enumerate([stops] if loop else [stops, stops[::-1]]):
            shape = f"{name}-{direction}" if number % 3 else ""
            if shape:
                self._shape(shape, way)
            every = self.draw.choice((8, 12, 15, 20, 30)) * 60
            if number % 6 == 1:
                self._by_headway(name, direction, way, shape, every, exact=number % 4 == 1)
                continue
            for trip, start in enumerate(range(5 * 3600 + 60 * number, 25 * 3600, every)):
                service = ("wk", "dates", "wk", "off", "wk", "sat")[(trip + number) % 6]
                self._trip(f"{name}.{direction}.{trip}", name, direction, way, shape, service, start)

    def _by_headway(self, route: str, direction: int, way: list[str], shape: str, every: int, exact: bool) -> None:
        trip = f"{route}.{direction}.f"
        self._trip(trip, route, direction, way, shape, "wk", 0, whole=True)
        for start, end, pace in ((6, 10, every), (10, 20, every * 2), (22, 26, every * 3)):
            self.frequencies.append(
                {"trip_id": trip, "start_time": clock(start * 3600), "end_time": clock(end * 3600),
                 "headway_secs": pace, "exact_times": int(exact)}
            )  # fmt: skip

    def _trip(
        self, trip: str, route: str, direction: int, way: list[str], shape: str, service: str, start: int,
        *, whole: bool = False,
    ) -> None:  # fmt: skip
        self.trips.append(
            {"trip_id": trip, "bikes_allowed": "", "service_id": service, "route_id": route, "shape_id": shape,
             "direction_id": direction, "block_id": f"b{len(self.trips) // 3}", "wheelchair_accessible": 1}
        )  # fmt: skip
        now, skip = start, self.draw.choice((1, 1, 5))
        for number, stop in enumerate(way):
            timed = whole or number in (0, len(way) - 1) or number % 4 == 0
            wait = 60 if timed and number % 8 == 4 else 0
            self.times.append(
                {"stop_id": stop, "trip_id": trip, "stop_sequence": 1 + skip * number,
                 "arrival_time": clock(now) if timed else "", "departure_time": clock(now + wait) if timed else "",
                 "pickup_type": 1 if number == len(way) - 1 else 0, "drop_off_type": 1 if number == 0 else "",
                 "stop_headsign": "", "timepoint": int(timed)}
            )  # fmt: skip
            now += wait + self.draw.randrange(60, 150)

    def _shape(self, shape: str, way: list[str]) -> None:
        points = []
        for stop, after in pairwise(way):
            (lon, lat), (lon2, lat2) = self.place[stop], self.place[after]
            points += [(lon, lat), ((lon + lon2) / 2 + 2e-4, (lat + lat2) / 2)]
        points.append(self.place[way[-1]])
        self.shapes += [
            {
                "shape_pt_lat": round(lat, 6),
                "shape_pt_lon": round(lon, 6),
                "shape_id": shape,
                "shape_pt_sequence": 10 * at,
            }
            for at, (lon, lat) in enumerate(points)
        ]


def tables() -> dict[str, str]:
    """The feed's texts by file."""
    city = _City()
    for number in range(1, 25):
        city.line(number, _way(city.draw, number))
    stops: Table = [
        {"stop_lat": lat, "stop_lon": lon, "stop_id": stop, "stop_name": f" {stop.upper()}, north ", "zone_id": "",
         "stop_desc": f'By the "{stop}"\nround the corner' if stop.endswith("0") else "", "location_type": "",
         "parent_station": "central" if stop in ("s0505", "s0605") else "", "wheelchair_boarding": int(stop[-1]) % 3}
        for stop, (lon, lat) in city.place.items()
    ]  # fmt: skip
    station = {"stop_lat": 41.15, "stop_lon": -8.66, "stop_id": "central", "stop_name": "Central", "location_type": 1}
    stops.append({**dict.fromkeys(stops[0], ""), **station})
    empty = {"route_type": 3, "route_id": "none", "route_short_name": "X"}
    city.routes.append({**dict.fromkeys(city.routes[0], ""), **empty})
    days = {f"{day:%A}".lower(): 0 for day in (DAY + timedelta(days=step) for step in range(7))}
    weekday = {**days, **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), 1)}
    calendar: Table = [
        {"service_id": service, **runs, "start_date": "20260101", "end_date": "20261231"}
        for service, runs in (("wk", weekday), ("off", weekday), ("sat", {**days, "saturday": 1}))
    ]
    dates: Table = [{"service_id": "off", "date": f"{DAY:%Y%m%d}", "exception_type": 2}]
    dates += [
        {"service_id": "dates", "date": f"{DAY + timedelta(days=step):%Y%m%d}", "exception_type": 1}
        for step in range(-20, 20)
    ]
    transfers: Table = [
        {"from_stop_id": a, "to_stop_id": b, "transfer_type": kind, "min_transfer_time": seconds}
        for a, b, kind, seconds in _transfers(city)
    ]
    return {
        "agency.txt": "agency_name,agency_url,agency_timezone\nRio Velano Buses,https://example.org,Europe/Lisbon\n",
        "stops.txt": _csv(stops, mark="\ufeff"),
        "routes.txt": _csv(city.routes, end="\r\n"),
        "trips.txt": _csv(city.trips),
        "stop_times.txt": _csv(city.times, end="\r\n", mark="\ufeff"),
        "shapes.txt": _csv(city.shapes),
        "frequencies.txt": _csv(city.frequencies),
        "calendar.txt": _csv(calendar),
        "calendar_dates.txt": _csv(dates) + "\n",
        "transfers.txt": _csv(transfers),
        "notes.txt": "nobody,reads\nthis,file\n",
    }


def _transfers(city: _City) -> list[tuple[str, str, int, object]]:
    """Where most lines meet: changing takes long or is forbidden; so are some of the walks to the stops beside."""
    lines = {stop: set[str]() for stop in city.place}
    for row in city.times:
        lines[str(row["stop_id"])].add(str(row["trip_id"]).split(".")[0])
    busy = sorted(lines, key=lambda stop: (-len(lines[stop]), stop))[:24]
    found: list[tuple[str, str, int, object]] = [("s0505", "s0605", 2, 400), ("s0202", "s0402", 2, 300)]
    found += [(stop, stop, *((2, 300), (3, ""), (2, 900), (0, ""))[place % 4]) for place, stop in enumerate(busy)]
    for place, stop in enumerate(busy):
        x, y = int(stop[1:3]), int(stop[3:5])
        beside = [_stop(x + 1, y), _stop(x - 1, y), _stop(x, y + 1), _stop(x, y - 1)]
        beside = [other for other in beside if other in lines and lines[other] - lines[stop]]
        found += [(stop, other, 3 if place % 3 else 2, "" if place % 3 else 420) for other in beside]
    return list({(a, b): (a, b, kind, seconds) for a, b, kind, seconds in found}.values())


def _way(draw: random.Random, number: int) -> list[str]:
    """Stops of a line: straight, bent, a loop, or out and back on one street."""
    x, y = draw.randrange(3), draw.randrange(3)
    wide, high = draw.randrange(6, WIDE - x), draw.randrange(4, HIGH - y)
    across = [_stop(x + step, y) for step in range(wide)]
    up = [_stop(x + wide - 1, y + step) for step in range(1, high)]
    if number % 7 == 0:
        back = [_stop(x + step, y + high - 1) for step in range(wide - 2, -1, -1)]
        return [*across, *up, *back, *[_stop(x, y + step) for step in range(high - 2, -1, -1)]]
    if number % 8 == 3:
        return [*across[:4], *up[:0], *across[2:0:-1], _stop(x + 1, y + 1), _stop(x + 1, y + 2)]
    return [*across, *up] if number % 2 else [_stop(x, y + step) for step in range(high)]


def write(path: Path) -> Path:
    """Writes the feed's zip."""
    return write_feed(path, tables())
