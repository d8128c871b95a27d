"""What a feed may refer to: the trips, routes and stops of a timetable, by the names feeds use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from cityhall.engines.gtfs.schedule import Schedule

_FREQUENCY = re.compile(r"(.*)@(\d\d:\d\d:\d\d)")
DEGREES_A_METRE = 1 / 111_195


@dataclass(frozen=True)
class Reference:
    """A timetable as feeds name it. `templates`: start times of the trips of frequencies.txt."""

    schedule: Schedule
    rows: dict[str, int]
    templates: dict[str, dict[str, int]]
    routes: dict[str, int]
    stops: dict[str, int]
    box: tuple[float, float, float, float]
    sequences: dict[int, dict[int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, schedule: Schedule, margin_m: float = 5_000.0) -> Reference:
        """From a schedule; `margin_m`: how far beyond its stops and shapes a vehicle may be."""
        rows: dict[str, int] = {}
        templates: dict[str, dict[str, int]] = {}
        for row, name in enumerate(schedule.trips.id):
            departure = _FREQUENCY.fullmatch(name)
            if departure:
                templates.setdefault(departure[1], {})[departure[2]] = row
            else:
                rows[name] = row
        lon = np.concatenate([schedule.stops.lon, schedule.shapes.lon])
        lat = np.concatenate([schedule.stops.lat, schedule.shapes.lat])
        high = margin_m * DEGREES_A_METRE
        wide = high / max(0.05, float(np.cos(np.radians(np.abs(lat).max(initial=0.0)))))
        box = (lon.min() - wide, lat.min() - high, lon.max() + wide, lat.max() + high) if lon.size else (0, 0, 0, 0)
        return cls(
            schedule,
            rows,
            templates,
            {name: row for row, name in enumerate(schedule.routes.id)},
            {name: row for row, name in enumerate(schedule.stops.id)},
            (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        )

    def trip(self, trip_id: str, start_time: str = "") -> int | None:
        """Row of a trip, None where there is no such; of a frequency, any departure where no time is given."""
        departures = self.templates.get(trip_id)
        if departures is None:
            return self.rows.get(trip_id)
        return departures.get(start_time) if start_time else next(iter(departures.values()))

    def calls(self, row: int) -> dict[int, str]:
        """stop_id by stop_sequence of a trip's calls."""
        found = self.sequences.get(row)
        if found is None:
            trips, times = self.schedule.trips, self.schedule.stop_times
            block = slice(int(trips.first[row]), int(trips.first[row + 1]))
            stops = [self.schedule.stops.id[stop] for stop in times.stop[block].tolist()]
            found = self.sequences[row] = dict(zip(times.sequence[block].tolist(), stops, strict=True))
        return found
