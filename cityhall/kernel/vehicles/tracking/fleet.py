"""Vehicles in memory, and the positioning engine that follows them.

Here they move freely. A service whose vehicles move on a network of its own derives its fleet from this one, and its
`VehicleKind.network` names that: it gives the engine the network, and keeps and publishes what they do there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from django.conf import settings

from cityhall.engines.gtfs import Schedule
from cityhall.engines.gtfs.schedule import Bool, Float64, Int32, Int64
from cityhall.engines.positioning import Estimates, Fixes, Runs, Tracker, Update, Verdict, Ways
from cityhall.kernel import clock
from cityhall.kernel.live import publish
from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.keeping import keep_places
from cityhall.kernel.vehicles.models import Vehicle, VehicleState
from cityhall.kernel.vehicles.tracking.shown import feature, topic_of

TICK_S = 0.25
EVERY_S = 0.9
"""A vehicle's state is kept and published at most so often; a map that moves each second needs no more."""
REMEMBER_S = 15.0
"""How often what the filter knows of a vehicle is kept, for a tracker that has to go on from there."""
FEW = 500
"""So many states are kept in one tick without a thought."""
REASONS = {verdict: verdict.name.lower() for verdict in Verdict}
Columns = dict[str, list[Any]]
"""Values by name, one a vehicle, in the order of the rows that they are of."""
Rows = Int64


class Fleet:
    """Vehicles by row, and of each the latest estimate as arrays. For one thread."""

    def __init__(self) -> None:
        self.engine = self.new_engine()
        self.row: dict[str, int] = {}
        self.vehicles: list[Vehicle] = []
        self.said: list[Fix | None] = []
        """The newest fix taken of each vehicle."""
        self.latest: dict[str, np.ndarray] = {}
        """The latest estimates, a column each, by the vehicle's row; at least one element a vehicle."""
        self.kept_at = np.zeros(0)
        """Unix seconds of when each vehicle's state was last kept."""
        self.kept_heard = np.zeros(0)
        self.remembered_at = np.zeros(0)
        self.due_now: tuple[Rows, Bool] = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        """The rows that are kept in this tick, and which of them with the filter's memory."""

    def __len__(self) -> int:
        return len(self.vehicles)

    def new_engine(self) -> Tracker:
        """The engine over what they move on: here nothing but the plane around the city's middle."""
        nothing = Schedule.empty(settings.CITY.timezone)
        ways = Ways.from_schedule(nothing, around=settings.CITY.center)
        return Tracker(ways, Runs.from_schedule(nothing, ways, clock.now(settings.CITY.zone).date()))

    def warm(self) -> None:
        """Has the engine compiled, so that no vehicle waits for it."""
        engine = Tracker(self.engine.ways, self.engine.runs, self.engine.settings)
        plane = engine.ways.plane
        engine.update(Fixes.of([0, 0], [1.0, 2.0], [plane.lon] * 2, [plane.lat] * 2), 2.0)
        engine.predict(10.0)

    def know(self, vehicles: Sequence[Vehicle], now: float) -> None:
        """Gives every one a row."""
        first = len(self)
        for vehicle in vehicles:
            self.row[vehicle.public_id] = len(self.vehicles)
            self.vehicles.append(vehicle)
            self.said.append(None)
        none = np.zeros(len(vehicles))
        self.kept_at, self.kept_heard = np.append(self.kept_at, none), np.append(self.kept_heard, none)
        # Each is remembered in its turn: all of them in one tick would hold the others up.
        turns = now - REMEMBER_S + np.arange(first, len(self)) % 60 * (REMEMBER_S / 60)
        self.remembered_at = np.append(self.remembered_at, turns)
        self.latest = {name: self._roomy(column) for name, column in self.latest.items()}

    def leave(self, name: str) -> None:
        """Lets go of a vehicle that another fleet has from now on. Its row stays, with nobody in it."""
        row = self.row.pop(name)
        self.engine.forget(row)
        self.said[row] = None
        self.kept_heard[row] = 0.0
        if self.latest:
            self.latest["heard"][row] = 0.0

    def look_again(self, now: float) -> None:
        """Called every few seconds, when the vehicles have been read anew: what they move on may have changed too."""

    def take(self, fixes: Sequence[Fix], now: float) -> Counter[tuple[str, str]]:
        """Takes fixes of vehicles that it knows; gives what was dropped, by device and reason."""
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
        for fix, row, verdict in zip(good, columns.vehicle.tolist(), update.verdict.tolist(), strict=True):
            if verdict == Verdict.TAKEN:
                self.said[row] = fix
            else:
                dropped[fix.device, REASONS[Verdict(verdict)]] += 1
        self.scatter(update.estimates)
        self.took(columns, update)
        return dropped

    def _columns(self, fixes: list[Fix]) -> Fixes:
        trip, route = self.logged_on(fixes)
        return Fixes.of(
            [self.row[fix.vehicle] for fix in fixes],
            [fix.at for fix in fixes],
            [fix.lon for fix in fixes],
            [fix.lat for fix in fixes],
            fix_class=[fix.fix_class for fix in fixes],
            sigma_m=[fix.sigma_m for fix in fixes],
            speed=[fix.speed for fix in fixes],
            bearing=[fix.bearing for fix in fixes],
            trip=trip,
            route=route,
        )

    def logged_on(self, fixes: list[Fix]) -> tuple[list[int], list[int]]:
        """The trip and the line, as the network's rows, that each fix's driver has logged on to; -1 for none."""
        none = [-1] * len(fixes)
        return none, none

    def took(self, fixes: Fixes, update: Update) -> None:
        """Told of every batch and what it brought; `latest` holds the estimates already."""

    def scatter(self, estimates: Estimates) -> None:
        """Puts estimates at their vehicles' rows."""
        for column in fields(Estimates):
            values = getattr(estimates, column.name)
            room = self.latest[column.name] = self._roomy(self.latest.get(column.name, values[:0]))
            room[estimates.vehicle] = values

    def _roomy(self, column: np.ndarray) -> np.ndarray:
        """The column, made longer where it has no room for every vehicle."""
        missing = len(self) - column.size
        return np.concatenate([column, np.zeros(missing + 64, column.dtype)]) if missing > 0 else column

    def heard(self) -> Float64:
        """(vehicles,) Unix seconds of each one's newest fix, 0 where there was none."""
        return self.latest["heard"][: len(self)] if self.latest else np.zeros(len(self))

    def step(self, now: float) -> None:
        """Keeps and publishes what is due, in the caller's transaction; `kept` is called once that is committed."""
        self.settle(now)
        rows = self.due(now)
        remember = now - self.remembered_at[rows] >= REMEMBER_S
        self.due_now = rows, remember
        if rows.size:
            places = self.places(rows, remember)
            keep_places(places)
            self.keep(rows, places)

    def settle(self, now: float) -> None:
        """What is to be decided of all of them before any is kept."""

    def due(self, now: float) -> Rows:
        """Rows of the vehicles with something new to keep and publish, each at most once in EVERY_S.

        They are shared out over the ticks of a second, those that have waited longest first, so that none is a heavy
        one.
        """
        rows = np.flatnonzero((self.heard() > self.kept_heard) & (now - self.kept_at >= EVERY_S))
        share = max(FEW, int(len(self) * 1.25 * TICK_S) + 1)
        return rows[np.argsort(self.kept_at[rows], kind="stable")[:share]] if rows.size > share else rows

    def places(self, rows: Rows, remember: Bool) -> Columns:
        """Where some are, as `keep_places` takes it; those in the mask `remember` with the filter's memory."""
        said = [self.said[row] for row in rows.tolist()]
        names = ("heard", "lon", "lat", "accuracy_m", "fix_class")
        at, lon, lat, accuracy_m, fix_class = (self.latest[name][rows].tolist() for name in names)
        return {
            "vehicle_id": [self.vehicles[row].pk for row in rows.tolist()],
            "at": at,
            "lon": lon,
            "lat": lat,
            "measured_lon": [fix.lon if fix else other for fix, other in zip(said, lon, strict=True)],
            "measured_lat": [fix.lat if fix else other for fix, other in zip(said, lat, strict=True)],
            "accuracy_m": accuracy_m,
            "fix_class": fix_class,
            "bearing": known(self.latest["bearing"][rows]),
            "speed": known(self.latest["speed"][rows]),
            "memory": [
                self.engine.remember(row) if wanted else None
                for row, wanted in zip(rows.tolist(), remember.tolist(), strict=True)
            ],
        }

    def keep(self, rows: Rows, places: Columns) -> None:
        """What else is kept and published of these rows, in the same transaction: here each kind's live topic."""
        shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
        names = ("lon", "lat", "bearing", "speed", "at", "accuracy_m", "fix_class")
        values = zip(*(places[name] for name in names), strict=True)
        for row, told in zip(rows.tolist(), values, strict=True):
            vehicle = self.vehicles[row]
            where = dict(zip(names, told, strict=True))
            shown[vehicle.kind].append(feature(vehicle=vehicle.public_id, name=str(vehicle), **where))
        for kind in shown.keys() & kinds.kinds().keys():
            publish(topic_of(kind), shown[kind])

    def kept(self, now: float) -> None:
        """Notes that what was due has been kept."""
        rows, remembered = self.due_now
        self.kept_at[rows] = now
        self.kept_heard[rows] = self.heard()[rows]
        self.remembered_at[rows[remembered]] = now

    def recall(self, states: Sequence[VehicleState], now: float) -> list[int]:
        """Goes on where the tracker before this one stood; gives the keys of the vehicles whose memory was of use."""
        states = [state for state in states if state.memory]
        self.know([state.vehicle for state in states], now)
        row = {state.pk: self.row[state.vehicle.public_id] for state in states}
        recalled = [state.pk for state in states if self.engine.recall(row[state.pk], state.memory, now)]
        rows: Int32 = np.array([row[pk] for pk in recalled], np.int32)
        self.scatter(self.engine.predict(now, rows))
        self.kept_heard[rows] = self.heard()[rows]
        return recalled


def known(values: np.ndarray) -> list[float | None]:
    """NaN as None."""
    return [None if value != value else value for value in values.tolist()]
