"""What buses drive on: the schedule in service on one day, as the positioning engine takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from django.conf import settings

from cityhall.engines.gtfs import Schedule
from cityhall.engines.positioning import Runs, Settings, Tracker, Ways
from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import days, timetables


@dataclass(frozen=True)
class Network:
    """The schedule in service on one day. `folder` is None before the first feed."""

    folder: Path | None
    day: date
    schedule: Schedule
    ways: Ways
    runs: Runs

    @classmethod
    def now(cls, before: Network | None = None) -> Network:
        """That of this moment; `before` itself where neither feed nor day has changed."""
        day = days.today()
        try:
            service = timetables.service()
        except Unavailable:
            folder, schedule = None, Schedule.empty(settings.CITY.timezone)
        else:
            folder, schedule = service.folder, service.schedule
        if before is not None and before.folder == folder:
            if before.day == day:
                return before
            ways = before.ways
        else:
            ways = Ways.from_schedule(schedule, around=settings.CITY.center)
        return cls(folder, day, schedule, ways, Runs.from_schedule(schedule, ways, day))

    def engine(self) -> Tracker:
        """One that follows vehicles on it."""
        return Tracker(self.ways, self.runs, city_settings())

    def route_row(self, line: str) -> int:
        """Row of the route that a driver's log-on names, by GTFS id or short name; -1 where there is none."""
        return self._routes.get(line, -1)

    @cached_property
    def _routes(self) -> dict[str, int]:
        routes = self.schedule.routes
        by_short_name = {name: row for row, name in enumerate(routes.short_name) if name}
        return by_short_name | {name: row for row, name in enumerate(routes.id)}


def city_settings() -> Settings:
    """What the city says of its streets: `[service.transit] drives_left = true`, `drawn_to_m` of its shapes."""
    said = settings.CITY.options.get("transit", {})
    default = Settings()
    return replace(
        default,
        drives_left=bool(said.get("drives_left", default.drives_left)),
        drawn_to_m=float(said.get("drawn_to_m", default.drawn_to_m)),
    )
