"""All the city's vehicles in memory, and the positioning engine that follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from django.conf import settings

from cityhall.engines.gtfs import Schedule
from cityhall.engines.positioning import Calls, Estimates, Fixes, Runs, Settings, Tracker, Verdict, Ways
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days, timetables
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.tracking.claims import GONE, Claims

FEW = 500
"""So many states are kept in one tick without a thought."""
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


def city_settings() -> Settings:
    """What the city says of its streets: `[service.transit] drives_left = true`, `drawn_to_m` of its shapes."""
    said = settings.CITY.options.get("transit", {})
    default = Settings()
    return replace(
        default,
        drives_left=bool(said.get("drives_left", default.drives_left)),
        drawn_to_m=float(said.get("drawn_to_m", default.drawn_to_m)),
    )


def warm() -> None:
    """Has the engine compiled and the ways made, so that no bus waits for it."""
    network = Network.now()
    engine = Tracker(network.ways, network.runs, city_settings())
    plane = network.ways.plane
    engine.update(Fixes.of([0, 0], [1.0, 2.0], [plane.lon] * 2, [plane.lat] * 2), 2.0)
    engine.predict(10.0)


class Fleet:
    """Vehicles by row, and of each the latest estimate as arrays. For one thread."""

    def __init__(self) -> None:
        self.network = Network.now()
        self.engine = Tracker(self.network.ways, self.network.runs, city_settings())
        self.row: dict[str, int] = {}
        self.vehicles: list[Vehicle] = []
        self.said: list[Fix | None] = []
        """The newest fix taken of each vehicle."""
        self.latest: dict[str, np.ndarray] = {}
        """The latest estimates, a column each, by the vehicle's row; at least one element a vehicle."""
        self.kept_at = np.zeros(0)
        """Unix seconds of when each vehicle's state was last kept."""
        self.kept_heard = np.zeros(0)
        self.logged = np.zeros(0, np.int32)
        """The trip that each driver has logged on to, -1 none."""
        self.may_drive = np.zeros(0, np.bool_)
        """Whether each is in service, and no school bus: that one drives along lines, never on them."""
        self.claims = Claims()

    def __len__(self) -> int:
        return len(self.vehicles)

    def follow_the_timetable(self, now: float) -> None:
        """Goes over to a new feed or a new day where there is one; every vehicle goes on where it stands."""
        before, network = self.network, Network.now(self.network)
        if network is before:
            return
        self.engine = self.engine.successor(network.ways, network.runs, now)
        self.network = network
        if network.schedule is not before.schedule:
            trips = network.ways.trip_row
            self.logged = np.array([trips.get(fix.trip, -1) if fix else -1 for fix in self.said], np.int32)
            self.claims.rename(lambda row: trips.get(before.schedule.trips.id[row], -1))
        # What was estimated before names the rows of before.
        self._scatter(self.engine.predict(now, np.flatnonzero(self._heard() > 0).astype(np.int32)))

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
        self.logged = np.concatenate([self.logged, np.full(more, -1, np.int32)])
        self.may_drive = np.concatenate([self.may_drive, [_may_drive(one) for one in self.vehicles[-more:]]])
        self.claims.room(len(self))
        self.latest = {name: self._roomy(column) for name, column in self.latest.items()}

    def look_again(self) -> None:
        """Reads the vehicles anew: an officer may have switched one off, or made it a school bus."""
        found = {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=self.row)}
        for name, row in self.row.items():
            self.vehicles[row] = found.get(name, self.vehicles[row])
        self.may_drive = np.array([_may_drive(one) for one in self.vehicles], np.bool_)

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
        columns = self._columns(good)
        update = self.engine.update(columns, now)
        for fix, trip, verdict in zip(good, columns.trip.tolist(), update.verdict.tolist(), strict=True):
            if verdict == Verdict.TAKEN:
                row = self.row[fix.vehicle]
                self.said[row], self.logged[row] = fix, trip
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
            room = self.latest[column.name] = self._roomy(self.latest.get(column.name, values[:0]))
            room[estimates.vehicle] = values

    def _roomy(self, column: np.ndarray) -> np.ndarray:
        """The column, made longer where it has no room for every vehicle."""
        missing = len(self) - column.size
        return np.concatenate([column, np.zeros(missing + 64, column.dtype)]) if missing > 0 else column

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

    def settle(self, now: float) -> None:
        """Gives each trip to one of the vehicles that are believed on it."""
        self.claims.settle(self.latest, self.logged, self.may_drive, now)

    def due(self, now: float, every_s: float, ticks: int) -> np.ndarray:
        """Rows of the vehicles with something new to keep and publish, each at most once in `every_s`.

        They are shared out over `ticks` ticks, those that have waited longest first, so that none is a heavy one.
        Who has lost its trip to another is kept at once, so that no two are ever kept on one.
        """
        rows = np.flatnonzero((self._heard() > self.kept_heard) & (now - self.kept_at >= every_s))
        share = max(FEW, -(-len(self) * 5 // (4 * ticks)))
        if rows.size > share:
            rows = rows[np.argsort(self.kept_at[rows], kind="stable")[:share]]
        return np.union1d(rows, self.claims.to_give_up())

    def kept(self, rows: np.ndarray, now: float) -> None:
        """Notes that these rows' states have been kept."""
        self.kept_at[rows] = now
        self.kept_heard[rows] = self._heard()[rows]
        self.claims.keep(rows)

    def recall(self, state: VehicleState, now: float) -> bool:
        """Goes on where the tracker before this one stood; False where its memory is of no use."""
        self.know([state.vehicle.public_id])
        row = self.row[state.vehicle.public_id]
        if not self.engine.recall(row, state.memory, now):
            return False
        self._scatter(self.engine.predict(now, np.array([row], np.int32)))
        self.kept_heard[row] = self._heard()[row]
        if state.trip:
            self.claims.kept_trip[row] = self.network.ways.trip_row.get(state.trip, GONE)
            self.claims.kept_day[row] = state.service_day.toordinal() if state.service_day else 0
        return True


def _may_drive(vehicle: Vehicle) -> bool:
    return vehicle.enabled and not vehicle.hidden
