"""All the city's vehicles in memory, and the positioning engine that follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from cityhall.engines.gtfs import Schedule
from cityhall.engines.positioning import Calls, Estimates, Fixes, Runs, Tracker, Verdict, Ways
from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import days, timetables
from cityhall.services.transit.models import Vehicle
from cityhall.services.transit.tracking.fixes import Fix

REASONS = {verdict: verdict.name.lower() for verdict in Verdict}


@dataclass(frozen=True)
class Network:
    """What the vehicles drive on: the schedule in service on one day. `folder` is None before the first feed."""

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
            ways = Ways.from_schedule(schedule)
        return cls(folder, day, schedule, ways, Runs.from_schedule(schedule, ways, day))

    def route_row(self, line: str) -> int:
        """Row of the route that a driver's log-on names, by GTFS id or short name; -1 where there is none."""
        return self._routes.get(line, -1)

    @cached_property
    def _routes(self) -> dict[str, int]:
        routes = self.schedule.routes
        by_short_name = {name: row for row, name in enumerate(routes.short_name) if name}
        return by_short_name | {name: row for row, name in enumerate(routes.id)}


class Fleet:
    """Vehicles by row, and of each the latest estimate as arrays. For one thread."""

    def __init__(self) -> None:
        self.network = Network.now()
        self.engine = Tracker(self.network.ways, self.network.runs)
        self.row: dict[str, int] = {}
        self.vehicles: list[Vehicle] = []
        self.said: list[Fix | None] = []
        """The newest fix taken of each vehicle."""
        self.latest: dict[str, np.ndarray] = {}
        """The latest estimates, a column each, by the vehicle's row; at least one element a vehicle."""
        self.kept_at = np.zeros(0)
        """Unix seconds of when each vehicle's state was last kept."""
        self.kept_heard = np.zeros(0)

    def __len__(self) -> int:
        return len(self.vehicles)

    def follow_the_timetable(self, now: float) -> None:
        """Goes over to a new feed or a new day where there is one; every vehicle goes on where it stands."""
        network = Network.now(self.network)
        if network is not self.network:
            self.engine = self.engine.successor(network.ways, network.runs, now)
            self.network = network

    def know(self, names: Iterable[str]) -> None:
        """Gives every name a row; a vehicle nobody registered is registered as a bus."""
        new = [name for name in dict.fromkeys(names) if name not in self.row]
        if not new:
            return
        found = {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=new)}
        missing = [Vehicle(public_id=name) for name in new if name not in found]
        if missing:
            Vehicle.objects.bulk_create(missing, ignore_conflicts=True)
            found |= {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=new)}
        for name in new:
            self.row[name] = len(self.vehicles)
            self.vehicles.append(found[name])
            self.said.append(None)
        more = len(new)
        self.kept_at = np.concatenate([self.kept_at, np.zeros(more)])
        self.kept_heard = np.concatenate([self.kept_heard, np.zeros(more)])

    def look_again(self) -> None:
        """Reads the vehicles anew: an officer may have switched one off, or made it a school bus."""
        found = {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=self.row)}
        for name, row in self.row.items():
            self.vehicles[row] = found.get(name, self.vehicles[row])

    def take(self, fixes: Sequence[Fix], now: float) -> tuple[Calls, Counter[tuple[str, str]]]:
        """Takes fixes; gives the calls they brought, and what was dropped, by device and reason."""
        self.know(fix.vehicle for fix in fixes)
        dropped: Counter[tuple[str, str]] = Counter()
        good: list[Fix] = []
        for fix in fixes:
            if self.vehicles[self.row[fix.vehicle]].enabled:
                good.append(fix)
            else:
                dropped[fix.device, "vehicle_disabled"] += 1
        # In the order in which they were measured: what comes by two doors at once may overtake.
        good.sort(key=lambda fix: fix.at)
        update = self.engine.update(self._columns(good), now)
        for fix, verdict in zip(good, update.verdict.tolist(), strict=True):
            if verdict == Verdict.TAKEN:
                self.said[self.row[fix.vehicle]] = fix
            else:
                dropped[fix.device, REASONS[Verdict(verdict)]] += 1
        self._scatter(update.estimates)
        return update.calls, dropped

    def _columns(self, fixes: list[Fix]) -> Fixes:
        trips, route_row = self.network.ways.trip_row, self.network.route_row
        return Fixes.of(
            [self.row[fix.vehicle] for fix in fixes],
            [fix.at for fix in fixes],
            [fix.lon for fix in fixes],
            [fix.lat for fix in fixes],
            fix_class=[fix.fix_class for fix in fixes],
            sigma_m=[fix.sigma_m for fix in fixes],
            speed=[fix.speed for fix in fixes],
            bearing=[fix.bearing for fix in fixes],
            trip=[trips.get(fix.trip, -1) if fix.trip else -1 for fix in fixes],
            route=[route_row(fix.line) if fix.line else -1 for fix in fixes],
        )

    def _scatter(self, estimates: Estimates) -> None:
        """Puts estimates at their vehicles' rows."""
        for column in fields(Estimates):
            values = getattr(estimates, column.name)
            room = self.latest.get(column.name, values[:0])
            if room.size < len(self):
                room = np.concatenate([room, np.zeros(len(self) + 64 - room.size, values.dtype)])
                self.latest[column.name] = room
            room[estimates.vehicle] = values

    def _heard(self) -> np.ndarray:
        """(vehicles,) Unix seconds of each one's newest fix, 0 where there was none."""
        return self.latest["heard"][: len(self)] if self.latest else np.zeros(len(self))

    def reckon(self, now: float) -> None:
        """Moves on those that have fallen silent; they are left alone once they have long been lost."""
        heard, settings = self._heard(), self.engine.settings
        silent = now - heard
        rows = np.flatnonzero((heard > 0) & (silent > settings.reckon_after) & (silent < settings.lost_after + 60.0))
        if rows.size:
            self._scatter(self.engine.predict(now, rows.astype(np.int32)))
            self.kept_heard[rows] = 0.0  # so that what was reckoned is kept too

    def due(self, now: float, every_s: float) -> np.ndarray:
        """Rows of the vehicles with something new to keep and publish, each at most once in `every_s`."""
        return np.flatnonzero((self._heard() > self.kept_heard) & (now - self.kept_at >= every_s))

    def kept(self, rows: np.ndarray, now: float) -> None:
        """Notes that these rows' states have been kept."""
        self.kept_at[rows] = now
        self.kept_heard[rows] = self._heard()[rows]

    def recall(self, name: str, memory: dict[str, Any], now: float) -> None:
        """Goes on where the tracker before this one stood."""
        self.know([name])
        row = self.row[name]
        if self.engine.recall(row, memory, now):
            self._scatter(self.engine.predict(now, np.array([row], np.int32)))
            self.kept_heard[row] = self._heard()[row]
