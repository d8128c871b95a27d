"""Small towns for tests: lines drawn in metres, made into a real feed; and vehicles that drive them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from cityhall.engines.gtfs import Schedule, read_feeds
from cityhall.engines.positioning import Fixes, Plane, Runs, Settings, Tracker, Ways
from tests.feeds import write_feed

DAY = date(2026, 6, 3)  # a Wednesday
EIGHT = 8 * 3600
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One way: its line, its stops' metres along, and when its trips leave (seconds of the service day)."""

    name: str
    points: Sequence[Point]
    stops: Sequence[float]
    leaves: Sequence[int] = (EIGHT,)
    direction: int = 0
    speed: float = 8.0
    dwell: int = 0
    block: str = ""
    drawn: bool = True

    def at(self, along: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """x, y so many metres from the start."""
        x, y = np.array(self.points, float).T
        gone = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        return np.interp(along, gone, x), np.interp(along, gone, y)

    def heading(self, along: np.ndarray) -> np.ndarray:
        """Radians from north."""
        ax, ay = self.at(np.maximum(np.asarray(along) - 0.5, 0.0))
        bx, by = self.at(np.asarray(along) + 0.5)
        return np.arctan2(bx - ax, by - ay)


@dataclass(frozen=True)
class Town:
    """Lines as a feed; `turned` degrees and at `origin` (longitude, latitude)."""

    lines: Sequence[Line]
    zone: str = "America/Sao_Paulo"
    origin: Point = (-51.2, -30.0)
    turned: float = 0.0
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def plane(self) -> Plane:
        return Plane(*self.origin)

    def degrees(self, x: np.ndarray | float, y: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Metres of the drawing to degrees."""
        c, s = np.cos(np.radians(self.turned)), np.sin(np.radians(self.turned))
        x, y = np.asarray(x, float), np.asarray(y, float)
        return self.plane.degrees(c * x - s * y, s * x + c * y)

    def metres(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Degrees to metres of the drawing."""
        x, y = self.plane.metres(np.asarray(lon), np.asarray(lat))
        c, s = np.cos(np.radians(self.turned)), np.sin(np.radians(self.turned))
        return c * x + s * y, -s * x + c * y

    @cached_property
    def schedule(self) -> Schedule:
        with tempfile.TemporaryDirectory() as folder:
            schedule, _ = read_feeds([write_feed(Path(folder) / "town.zip", self._tables())])
        return schedule

    @cached_property
    def ways(self) -> Ways:
        return Ways.from_schedule(self.schedule)

    def runs(self, day: date = DAY) -> Runs:
        return Runs.from_schedule(self.schedule, self.ways, day)

    def tracker(self, day: date = DAY) -> Tracker:
        return Tracker(self.ways, self.runs(day), self.settings)

    def trip(self, name: str) -> int:
        """Row of a trip: "A0" is line A's first."""
        return self.ways.trip_row[name]

    def _tables(self) -> dict[str, str]:
        tables = {
            "agency.txt": f"agency_id,agency_name,agency_url,agency_timezone\nA,Bus,https://example.org,{self.zone}\n",
            "calendar.txt": (
                "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
                "daily,1,1,1,1,1,1,1,20260101,20261231\n"
            ),
            "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n",
            "routes.txt": "route_id,route_short_name,route_type\n",
            "trips.txt": "route_id,service_id,trip_id,direction_id,shape_id,block_id\n",
            "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n",
            "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n",
        }
        for route in dict.fromkeys(line.name.rstrip("<>") for line in self.lines):
            tables["routes.txt"] += f"{route},{route},3\n"
        for line in self.lines:
            self._write(tables, line)
        return tables

    def _write(self, tables: dict[str, str], line: Line) -> None:
        for number, along in enumerate(line.stops):
            lon, lat = self.degrees(*line.at(along))
            tables["stops.txt"] += f"{line.name}s{number},Stop {number},{lat:.8f},{lon:.8f}\n"
        if line.drawn:
            for number, point in enumerate(line.points):
                lon, lat = self.degrees(*point)
                tables["shapes.txt"] += f"{line.name},{lat:.8f},{lon:.8f},{number}\n"
        for trip, leaves in enumerate(line.leaves):
            shape = line.name if line.drawn else ""
            route = line.name.rstrip("<>")
            tables["trips.txt"] += f"{route},daily,{line.name}{trip},{line.direction},{shape},{line.block}\n"
            for number, along in enumerate(line.stops):
                comes = leaves + round((along - line.stops[0]) / line.speed) + line.dwell * max(0, number - 1)
                goes = comes + (line.dwell if number else 0)
                tables["stop_times.txt"] += (
                    f"{line.name}{trip},{_clock(comes)},{_clock(goes)},{line.name}s{number},{number + 1}\n"
                )


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def back(points: Sequence[Point]) -> list[Point]:
    """The line the other way."""
    return list(reversed(points))


def seen(
    town: Town,
    line: Line,
    at: np.ndarray,
    along: np.ndarray,
    *,
    vehicle: int = 0,
    aside: np.ndarray | float = 0.0,
    noise: float = 0.0,
    moving: bool = True,
    trip: str = "",
    seed: int = 1,
    **more: object,
) -> Fixes:
    """Fixes of a vehicle at `along` metres of a line and `aside` metres to its left; with speed where `moving`."""
    rng = np.random.default_rng(seed)
    x, y = line.at(along)
    heading = line.heading(along)
    x, y = x - np.cos(heading) * aside, y + np.sin(heading) * aside
    lon, lat = town.degrees(x + rng.normal(0, 1, at.size) * noise, y + rng.normal(0, 1, at.size) * noise)
    speed = np.gradient(along, at) if at.size > 1 else np.zeros(1)
    bearing = (np.degrees(heading + np.where(speed < 0, np.pi, 0.0)) - town.turned) % 360
    given = {"speed": np.abs(speed), "bearing": bearing} if moving else {}
    return Fixes.of(vehicle, at, lon, lat, trip=town.trip(trip) if trip else -1, **{"fix_class": 2, **given, **more})


def joined(*parts: Fixes) -> Fixes:
    """Several vehicles' fixes in order of time."""
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Fixes.__slots__]
    order = np.argsort(columns[1], kind="stable")
    return Fixes(*(column[order] for column in columns))


def follow(tracker: Tracker, fixes: Fixes, every: int = 1) -> dict[str, np.ndarray]:
    """Gives the fixes to the tracker, `every` at a time; what it said each time of the first vehicle in the batch."""
    said: dict[str, list[object]] = {}
    for low in range(0, len(fixes), every):
        batch = fixes.rows(slice(low, low + every))
        update = tracker.update(batch, float(batch.at[-1]))
        if len(update.estimates):
            for name in type(update.estimates).__slots__:
                said.setdefault(name, []).append(getattr(update.estimates, name)[0])
        said.setdefault("calls", []).append(update.calls)
        said.setdefault("verdict", []).extend(update.verdict.tolist())
    return {name: np.array(values) if name != "calls" else values for name, values in said.items()}


def calls_of(said: dict[str, np.ndarray]) -> list[tuple[int, float, float]]:
    """(place in the trip, arrived, departed) of all calls."""
    return [
        (int(sequence), float(arrived), float(left))
        for calls in said["calls"]
        for sequence, arrived, left in zip(calls.sequence, calls.arrived, calls.departed, strict=True)
    ]
