"""An oracle for journeys: a GTFS zip read row by row, and a plain Dijkstra over moments in time.

It shares no code with the engine and knows none of its tricks: no patterns, no rounds, no bounds. Times between
timepoints are the one thing it is given (`filled`), because where along a shape a stop lies is a matter of rounding
and not of search; those are tested with the reader of feeds.
"""

from __future__ import annotations

import csv
import heapq
import io
import math
import zipfile
from bisect import bisect_left
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

WALKING_SPEED = 1.33
METRES_A_DEGREE = 111_195.08
DAY = 86_400
NEVER = 2**30
MAYBE = ("calendar.txt", "calendar_dates.txt", "frequencies.txt", "transfers.txt")
Filled = dict[str, list[tuple[int, int]]]


class Call(NamedTuple):
    """A trip at a stop; whether one may get on and off there."""

    stop: str
    arrives: int
    leaves: int
    on: bool
    off: bool


class RawFeed:
    """A day of a feed: trips as lists of (stop, arrival, departure), walks of at most `radius_m` between stops."""

    def __init__(self, path: Path, day: date, filled: Filled, radius_m: float = 300.0) -> None:
        with zipfile.ZipFile(path) as archive:
            tables = {
                name: list(csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8-sig", newline="")))
                for name in ("stops.txt", "trips.txt", "stop_times.txt", *MAYBE)
                if name not in MAYBE or name in archive.namelist()
            }
        tables |= {name: [] for name in MAYBE if name not in tables}
        self.trips: list[list[Call]] = []
        self._read_trips(tables, day, filled)
        self.departures: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for number, calls in enumerate(self.trips):
            for place, call in enumerate(calls[:-1]):
                if call.on:
                    self.departures[call.stop].append((call.leaves, number, place))
        for leaving in self.departures.values():
            leaving.sort()
        stops = [row for row in tables["stops.txt"] if row.get("location_type") in (None, "", "0")]
        self.walks = self._near(stops, radius_m)
        self.change: dict[str, int] = {}
        self._apply(tables["transfers.txt"], stops)

    def _read_trips(self, tables: dict[str, list[dict[str, str]]], day: date, filled: Filled) -> None:
        calls: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in tables["stop_times.txt"]:
            calls[row["trip_id"]].append(row)
        often: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in tables["frequencies.txt"]:
            often[row["trip_id"]].append(row)
        running = {shift: services_on(tables, day + timedelta(days=shift)) for shift in (-1, 0, 1)}
        for trip in tables["trips.txt"]:
            rows = sorted(calls[trip["trip_id"]], key=lambda row: int(row["stop_sequence"]))
            times = [
                (clock(row["arrival_time"]), clock(row["departure_time"])) if row["arrival_time"] else known
                for row, known in zip(rows, filled.get(trip["trip_id"], [(0, 0)] * len(rows)), strict=True)
            ]
            starts = [start for row in often.get(trip["trip_id"], []) for start in _starts(row)]
            for shift, services in running.items():
                for start in starts if trip["trip_id"] in often else [times[0][0]]:
                    # A timetable holds the day after only until noon: for who misses the last one.
                    late = start - times[0][0] + shift * DAY
                    if trip["service_id"] in services and (shift < 1 or times[0][1] + late < DAY + DAY // 2):
                        self.trips.append(
                            [
                                Call(
                                    row["stop_id"],
                                    arrives + late,
                                    leaves + late,
                                    row.get("pickup_type") != "1",
                                    row.get("drop_off_type") != "1",
                                )
                                for row, (arrives, leaves) in zip(rows, times, strict=True)
                            ]
                        )

    def _apply(self, transfers: list[dict[str, str]], stops: list[dict[str, str]]) -> None:
        """transfers.txt: 3 forbids, the others make a walk possible that takes no less than they say."""
        place = {stop["stop_id"]: (float(stop["stop_lon"]), float(stop["stop_lat"])) for stop in stops}
        for row in transfers:
            origin, target = row["from_stop_id"], row["to_stop_id"]
            least = int(row["min_transfer_time"] or 0)
            if origin == target:
                self.change[origin] = NEVER if row["transfer_type"] == "3" else least
                continue
            known = dict(self.walks[origin]).get(target)
            self.walks[origin] = [walk for walk in self.walks[origin] if walk[0] != target]
            if row["transfer_type"] != "3":
                (lon, lat), (lon2, lat2) = place[origin], place[target]
                wide = math.cos(math.radians((lat + lat2) / 2))
                straight = math.ceil(METRES_A_DEGREE * math.hypot((lon2 - lon) * wide, lat2 - lat) / WALKING_SPEED)
                self.walks[origin].append((target, max(least, straight if known is None else known)))

    @staticmethod
    def _near(stops: list[dict[str, str]], radius_m: float) -> dict[str, list[tuple[str, int]]]:
        latitudes = sorted(float(stop["stop_lat"]) for stop in stops)
        middle = len(latitudes) // 2
        median = latitudes[middle] if len(latitudes) % 2 else (latitudes[middle - 1] + latitudes[middle]) / 2
        wide = METRES_A_DEGREE * math.cos(math.radians(median))
        plane = sorted(
            (float(stop["stop_lon"]) * wide, float(stop["stop_lat"]) * METRES_A_DEGREE, stop["stop_id"])
            for stop in stops
        )
        walks: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for place, (x, y, stop) in enumerate(plane):
            for x2, y2, other in plane[place + 1 :]:
                if x2 - x > radius_m:
                    break
                metres = math.hypot(x2 - x, y2 - y)
                if metres <= radius_m:
                    seconds = math.ceil(metres / WALKING_SPEED)
                    walks[stop].append((other, seconds))
                    walks[other].append((stop, seconds))
        return walks

    def earliest_arrivals(self, origin: str, goals: set[str], departure: int) -> dict[str, tuple[int, int]]:
        """goal -> (arrival, rides) of a quickest way with one walk before, between and after rides, where one is."""
        found: dict[str, tuple[int, int]] = {}
        # What waits to be looked at: (time, rides so far, stop, whether one came by vehicle).
        waiting: list[tuple[int, int, str, bool]] = [(departure, 0, origin, False)]
        for stop, seconds in self.walks[origin]:
            heapq.heappush(waiting, (departure + seconds, 0, stop, False))
        seen: set[tuple[str, bool]] = set()
        from_call: dict[int, int] = {}  # trip -> the first call one has boarded it at
        looked: dict[str, int] = {}  # stop -> departures from here on were taken already
        while waiting and len(found) < len(goals):
            time, rides, stop, by_vehicle = heapq.heappop(waiting)
            if (stop, by_vehicle) in seen:
                continue
            if stop in goals:
                found.setdefault(stop, (time, rides))
            seen.add((stop, by_vehicle))
            if by_vehicle:
                for other, seconds in self.walks[stop]:
                    heapq.heappush(waiting, (time + seconds, rides, other, False))
            leaving = self.departures.get(stop, [])
            ready = time + (self.change.get(stop, 0) if by_vehicle else 0)
            first, last = bisect_left(leaving, (ready, -1, -1)), looked.get(stop, len(leaving))
            looked[stop] = min(first, last)
            for _, trip, place in leaving[first:last]:
                calls = self.trips[trip]
                end = from_call.get(trip, len(calls))
                for at in range(place + 1, min(end + 1, len(calls))):
                    if calls[at].off:
                        heapq.heappush(waiting, (calls[at].arrives, rides + 1, calls[at].stop, True))
                from_call[trip] = min(end, place)
        return found


def _starts(row: dict[str, str]) -> range:
    """When a trip of frequencies.txt starts: the first at the beginning, the last before the end."""
    return range(clock(row["start_time"]), clock(row["end_time"]), int(row["headway_secs"]))


def services_on(tables: dict[str, list[dict[str, str]]], day: date) -> set[str]:
    """The services that run on a day."""
    text, weekday = f"{day:%Y%m%d}", day.strftime("%A").lower()
    found = {
        row["service_id"]
        for row in tables["calendar.txt"]
        if row["start_date"] <= text <= row["end_date"] and row[weekday] == "1"
    }
    for row in tables["calendar_dates.txt"]:
        if row["date"] == text:
            (found.add if row["exception_type"] == "1" else found.discard)(row["service_id"])
    return found


def clock(text: str) -> int:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds
