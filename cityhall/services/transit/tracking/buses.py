"""The buses: vehicles that are matched on the timetable's network (the `network` of their kinds)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection

from cityhall.engines.positioning import Fixes, Tracker, Update, Verdict
from cityhall.kernel.live import publish
from cityhall.kernel.vehicles import models as places_kept
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking.fleet import Columns, Fleet, Rows
from cityhall.services.transit.kinds import KINDS
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.tracking import keeping
from cityhall.services.transit.tracking.claims import GONE, NONE, Claims
from cityhall.services.transit.tracking.network import Network

TOPIC = "vehicles"
NO_TRIP = {"trip": "", "service_day": None, "next_sequence": None, "delay_s": None, "at_stop": False, "along_m": None}
_NO_BUSES = """
DELETE FROM transit_driving d USING transit_vehicle v WHERE v.id = d.vehicle_id AND v.kind <> ALL(%s)
"""


class Buses(Fleet):
    """Buses by row, and which trip each drives."""

    network: Network

    def __init__(self) -> None:
        super().__init__()
        self.logged = np.zeros(0, np.int32)
        """The trip that each driver has logged on to, -1 none."""
        self.may_drive = np.zeros(0, np.bool_)
        """Whether each is in service, and no school bus: that one drives along lines, never on them."""
        self.claims = Claims()
        self._calls: list[tuple[Any, ...]] = []

    def new_engine(self) -> Tracker:
        """The engine over the network of this moment."""
        self.network = Network.now()
        return self.network.engine()

    def know(self, vehicles: Sequence[Vehicle], now: float) -> None:
        """Gives every one a row."""
        super().know(vehicles, now)
        self.logged = np.append(self.logged, np.full(len(vehicles), -1, np.int32))
        self.may_drive = np.append(self.may_drive, np.array([_may_drive(one) for one in vehicles], np.bool_))
        self.claims.room(len(self))

    def leave(self, name: str) -> None:
        """Lets go of one that is no bus any more: its trip is another's to drive."""
        row = self.row[name]
        super().leave(name)
        self.logged[row], self.may_drive[row] = -1, False
        self.claims.kept_trip[row] = NONE

    def look_again(self, now: float) -> None:
        """Goes over to a new feed or a new day where there is one; every vehicle goes on where it stands."""
        with connection.cursor() as cursor:
            cursor.execute(_NO_BUSES, [[kind.slug for kind in KINDS]])
        self.may_drive = np.array([_may_drive(one) for one in self.vehicles], np.bool_)
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
        self.scatter(self.engine.predict(now, np.flatnonzero(self.heard() > 0).astype(np.int32)))

    def logged_on(self, fixes: list[Fix]) -> tuple[list[int], list[int]]:
        """The trip and the line that each driver has logged on to; -1 for none."""
        trips, route_row = self.network.ways.trip_row, self.network.route_row
        return (
            [trips.get(fix.trip, -1) if fix.trip else -1 for fix in fixes],
            [route_row(fix.line) if fix.line else -1 for fix in fixes],
        )

    def took(self, fixes: Fixes, update: Update) -> None:
        """Notes who is logged on to what, and the calls that were seen."""
        taken = update.verdict == Verdict.TAKEN
        # Of several of one vehicle the last is the newest.
        self.logged[fixes.vehicle[taken]] = fixes.trip[taken]
        self._calls += keeping.call_rows(self, update.calls)

    def settle(self, now: float) -> None:
        """Moves on those that have fallen silent, and gives each trip to one of the buses that are believed on it."""
        self._reckon(now)
        self.claims.settle(self.latest, self.logged, self.may_drive, now)

    def _reckon(self, now: float) -> None:
        """They are left alone once they have long been lost."""
        heard, settings = self.heard(), self.engine.settings
        silent = now - heard
        rows = np.flatnonzero((heard > 0) & (silent > settings.reckon_after) & (silent < settings.lost_after + 60.0))
        if rows.size:
            self.scatter(self.engine.predict(now, rows.astype(np.int32)))
            self.kept_heard[rows] = 0.0  # so that what was reckoned is kept too

    def due(self, now: float) -> Rows:
        """Those with something new; and who has lost its trip to another at once, so that no two are kept on one."""
        return np.union1d(super().due(now), self.claims.to_give_up())

    def step(self, now: float) -> None:
        """Keeps and publishes what is due; calls that were seen before a failure are kept with the next tick."""
        super().step(now)
        if self._calls:
            keeping.keep_calls(self, self._calls)

    def keep(self, rows: Rows, places: Columns) -> None:
        """Keeps what they do on the network, and publishes them."""
        columns = places | keeping.driving(self, rows)
        keeping.keep_driving(columns)
        keeping.keep_history(self, rows, columns)
        # A vehicle that not everybody may see is on no topic at all: a stream stays open when a right is taken away.
        features = zip(rows.tolist(), keeping.features(self, rows, columns), strict=True)
        public = [feature for row, feature in features if not self.vehicles[row].hidden]
        if public:
            publish(TOPIC, public)

    def kept(self, now: float) -> None:
        """Notes that what was due has been kept."""
        super().kept(now)
        self.claims.keep(self.due_now[0])
        self._calls.clear()

    def recall(self, states: Sequence[places_kept.VehicleState], now: float) -> list[int]:
        """Goes on where the tracker before this one stood."""
        recalled = super().recall(states, now)
        for state in VehicleState.objects.filter(pk__in=recalled).exclude(trip="").select_related("vehicle"):
            row = self.row[state.vehicle.public_id]
            self.claims.kept_trip[row] = self.network.ways.trip_row.get(state.trip, GONE)
            self.claims.kept_day[row] = state.service_day.toordinal() if state.service_day else 0
        # What is not remembered is on no trip any more: another vehicle may be given it.
        VehicleState.objects.exclude(trip="").exclude(pk__in=recalled).update(**NO_TRIP)
        return recalled


def _may_drive(vehicle: Vehicle) -> bool:
    return vehicle.enabled and not vehicle.hidden
