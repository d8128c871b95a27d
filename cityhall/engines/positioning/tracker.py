"""The tracker: all vehicles' states, and what fixes make of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, Int8, Int32
from cityhall.engines.positioning import memory as memories
from cityhall.engines.positioning.estimate import ESTIMATE, estimate
from cityhall.engines.positioning.follow import follow
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.state import (
    GUESS,
    Records,
    live_of,
    net_of,
    new_guesses,
    new_vehicles,
    rules_of,
)
from cityhall.engines.positioning.stopcalls import CALL
from cityhall.engines.positioning.values import Calls, Estimates, Fixes, Settings, Update
from cityhall.engines.positioning.ways import Ways


class Tracker:
    """Follows vehicles along their ways. Vehicles are rows that the caller gives out, from 0.

    Not for several threads at once.
    """

    def __init__(self, ways: Ways, runs: Runs, settings: Settings | None = None, vehicles: int = 0) -> None:
        self.ways = ways
        self.runs = runs
        self.settings = settings or Settings()
        self._net = net_of(ways, runs)
        self._rules = rules_of(self.settings)
        self._live = live_of(ways, runs)
        self._vehicles = new_vehicles(vehicles)
        self._guesses = new_guesses(vehicles)
        self._most_calls = int(np.diff(ways.call_first).max(initial=0)) + 1

    def __len__(self) -> int:
        """How many vehicles there is room for."""
        return int(self._vehicles.size)

    def update(self, fixes: Fixes, now: float) -> Update:
        """Takes a batch of fixes; `now` is the clock in Unix seconds. Estimates are for each vehicle's newest fix.

        Raises ValueError for a vehicle below 0.
        """
        if len(fixes) and int(fixes.vehicle.min()) < 0:
            raise ValueError("vehicles are rows from 0 on")
        self._room(int(fixes.vehicle.max(initial=-1)) + 1)
        verdict = np.zeros(len(fixes), np.int8)
        calls = self._follow(fixes, self._metres(fixes), now, verdict)
        heard = np.unique(fixes.vehicle[verdict == 0]).astype(np.int32)
        return Update(verdict, self._estimates(heard, np.nan), self._calls(calls))

    def _metres(self, fixes: Fixes) -> tuple[Float64, Float64]:
        """x, y of fixes, NaN where there is no such place on earth."""
        with np.errstate(invalid="ignore", over="ignore"):
            good = (np.abs(fixes.lon) <= 180.0) & (np.abs(fixes.lat) <= 90.0)
            x, y = self.ways.plane.metres(np.where(good, fixes.lon, np.nan), np.where(good, fixes.lat, np.nan))
        return x, y

    def _follow(self, fixes: Fixes, place: tuple[Float64, Float64], now: float, verdict: Int8) -> list[Records]:
        done = 0
        calls: list[Records] = []
        while done < len(fixes):
            out = np.zeros(2 * (len(fixes) - done) + self._most_calls, CALL)
            done, count = follow(
                self._net,
                self._rules,
                self._live,
                self._vehicles,
                self._guesses,
                done,
                fixes.vehicle,
                fixes.at,
                place[0],
                place[1],
                fixes.fix_class,
                fixes.sigma_m,
                fixes.speed,
                fixes.bearing,
                fixes.trip,
                fixes.route,
                float(now),
                verdict,
                out,
                self._most_calls,
            )
            calls.append(out[:count])
        return calls

    def _calls(self, parts: list[Records]) -> Calls:
        found = np.concatenate(parts) if parts else np.zeros(0, CALL)
        run = np.ascontiguousarray(found["run"])
        return Calls(
            vehicle=np.ascontiguousarray(found["vehicle"]),
            run=run,
            trip=self.runs.trip[run],
            service_day=self.runs.service_day[run],
            sequence=np.ascontiguousarray(found["sequence"]),
            arrived=np.ascontiguousarray(found["arrived"]),
            departed=np.ascontiguousarray(found["departed"]),
        )

    def predict(self, now: float, vehicles: Int32 | None = None) -> Estimates:
        """Where vehicles (all, or these rows) are at `now`, by dead reckoning. Changes nothing.

        Status is RECKONED for those not heard lately, LOST for those that should leave the map.
        """
        rows = np.arange(len(self), dtype=np.int32) if vehicles is None else vehicles
        return self._estimates(np.ascontiguousarray(rows, np.int32), float(now))

    def _estimates(self, rows: Int32, now: float) -> Estimates:
        out = np.zeros(rows.size, ESTIMATE)
        spare = np.zeros(1, GUESS)
        estimate(self._net, self._rules, self._live, self._vehicles, self._guesses, rows, now, spare, out)
        columns = {name: np.ascontiguousarray(out[name]) for name in ESTIMATE.names or () if name not in ("x", "y")}
        lon, lat = self.ways.plane.degrees(out["x"], out["y"])
        run, known = columns["run"], columns["run"] >= 0
        trip, day = np.full(rows.size, -1, np.int32), np.zeros(rows.size, np.int32)
        trip[known], day[known] = self.runs.trip[run[known]], self.runs.service_day[run[known]]
        return Estimates(lon=lon, lat=lat, trip=trip, service_day=day, **columns)

    def remember(self, vehicle: int) -> dict[str, Any]:
        """A vehicle's state as JSON can hold it, trips by GTFS id and service day; {} where nothing is known."""
        if not 0 <= vehicle < len(self) or np.isnan(self._vehicles[vehicle]["at"]):
            return {}
        return memories.write(self.ways, self.runs, self._live, self._vehicles[vehicle], self._guesses[vehicle])

    def recall(self, vehicle: int, memory: dict[str, Any], now: float) -> bool:
        """Restores what `remember` gave. False, and the vehicle stays unknown, where the memory is too old, damaged
        or of another version; trips that the feed no longer has are left out.
        """
        self._room(vehicle + 1)
        self.forget(vehicle)
        read = memories.read(self.ways, self.runs, self._net, memory, now, self.settings.forget_after)
        if read is None:
            return False
        self._vehicles[vehicle], self._guesses[vehicle] = read.vehicle, read.guesses
        best = int(read.vehicle["best"])
        if best >= 0:
            run = int(read.guesses[best]["run"])
            self._live.taken[run], self._live.taken_at[run] = vehicle, read.vehicle["at"]
            self._live.called[run] = max(int(self._live.called[run]), min(read.called, self._most_calls))
        return True

    def forget(self, vehicle: int) -> None:
        """The vehicle is as never heard."""
        if 0 <= vehicle < len(self):
            self._live.taken[self._live.taken == vehicle] = -1
            self._vehicles[vehicle], self._guesses[vehicle] = new_vehicles(1)[0], new_guesses(1)[0]

    def successor(self, ways: Ways, runs: Runs, now: float) -> Tracker:
        """A tracker over another day's runs or another feed's ways that goes on where this one stands."""
        new = Tracker(ways, runs, self.settings, len(self))
        for vehicle in range(len(self)):
            memory = self.remember(vehicle)
            if memory:
                new.recall(vehicle, memory, now)
        if ways is self.ways:
            new._live.pace[:] = self._live.pace
        # Calls once given are not given again, whichever vehicle drives the run from now on.
        for run in np.flatnonzero(self._live.called >= 0).tolist():
            trip = ways.trip_row.get(self.ways.trip_id[int(self.runs.trip[run])], -1)
            same = runs.row(trip, date.fromordinal(int(self.runs.service_day[run])))
            if same >= 0:
                new._live.called[same] = max(new._live.called[same], self._live.called[run])
        return new

    def _room(self, vehicles: int) -> None:
        """Makes room for so many vehicles, with some to spare."""
        if vehicles > len(self):
            more = max(vehicles, 2 * len(self), 16) - len(self)
            self._vehicles = np.concatenate([self._vehicles, new_vehicles(more)])
            self._guesses = np.concatenate([self._guesses, new_guesses(more)])
