"""Where the buses are: each drives its trip along its shape, from stop to stop as the timetable says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from cityhall.engines.gtfs import Schedule
from cityhall.engines.gtfs.schedule import Int64

DAY = 86_400


@dataclass(frozen=True)
class Fleet:
    """A feed's vehicles. One vehicle drives one trip; its name is the trip's."""

    schedule: Schedule

    @cached_property
    def _span(self) -> tuple[Int64, Int64]:
        trips, times = self.schedule.trips, self.schedule.stop_times
        return times.departure[trips.first[:-1]].astype(np.int64), times.arrival[trips.first[1:] - 1].astype(np.int64)

    def running(self, now: datetime) -> list[tuple[int, int]]:
        """(trip, second of its service day) of every trip under way at a moment of the city's clock."""
        start, end = self._span
        found: list[tuple[int, int]] = []
        for back in (0, 1):
            day = (now - timedelta(days=back)).date()
            second = now.hour * 3600 + now.minute * 60 + now.second + back * DAY
            active = self.schedule.services.on(day)[self.schedule.trips.service]
            found += [(int(trip), second) for trip in np.flatnonzero(active & (start <= second) & (second <= end))]
        return found

    def position(self, trip: int, second: int, lateness: float = 0.0) -> dict[str, Any]:
        """A message of kind "position" for a trip at a second of its service day."""
        schedule = self.schedule
        rows = slice(int(schedule.trips.first[trip]), int(schedule.trips.first[trip + 1]))
        times = schedule.stop_times
        moments = np.column_stack([times.arrival[rows], times.departure[rows]]).ravel()
        along = np.repeat(times.shape_distance[rows], 2)
        gone = float(np.interp(second - lateness, moments, along))
        lon, lat, bearing = self._on_shape(int(schedule.trips.shape[trip]), gone)
        ahead = float(np.interp(second + 1 - lateness, moments, along))
        route = int(schedule.trips.route[trip])
        return {
            "kind": "position",
            "vehicle": schedule.trips.id[trip],
            "trip": schedule.trips.id[trip],
            "line": schedule.routes.short_name[route],
            "color": schedule.routes.color[route],
            "lon": round(lon, 6),
            "lat": round(lat, 6),
            "bearing": round(bearing, 1),
            "speed": round(max(0.0, ahead - gone), 1),
        }

    def _on_shape(self, shape: int, gone: float) -> tuple[float, float, float]:
        shapes = self.schedule.shapes
        points = slice(int(shapes.first[shape]), int(shapes.first[shape + 1]))
        distance, lon, lat = shapes.distance[points], shapes.lon[points], shapes.lat[points]
        at = int(np.clip(np.searchsorted(distance, gone), 1, distance.size - 1))
        east = (lon[at] - lon[at - 1]) * np.cos(np.radians(lat[at]))
        bearing = float(np.degrees(np.arctan2(east, lat[at] - lat[at - 1]))) % 360
        return float(np.interp(gone, distance, lon)), float(np.interp(gone, distance, lat)), bearing
