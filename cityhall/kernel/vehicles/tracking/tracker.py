"""The tracker's work: takes all the city's fixes, has each vehicle's fleet follow it, keeps and publishes that."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction

from cityhall.engines.positioning import Settings
from cityhall.kernel import clock
from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.devices import drops
from cityhall.kernel.service import resolve
from cityhall.kernel.vehicles import inbox, kinds
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle, VehicleState
from cityhall.kernel.vehicles.tracking.fleet import Fleet

LOOK_S = 10.0
"""How often the registry of vehicles is read, and what they move on is looked at."""
REST_S = 60.0
"""So long nothing is taken of a vehicle whose fixes the tracker stumbled on."""
AHEAD = timedelta(minutes=1)
log = logging.getLogger("cityhall.vehicles.tracker")


class Tracking:
    """One tracker's work, tick by tick. `fleets` are by what their vehicles' kinds say of the network, "" for none."""

    def __init__(self, now: float | None = None) -> None:
        self._resting: dict[str, float] = {}
        """Until when (Unix seconds) vehicles rest whose fixes were stumbled on."""
        self._begin(clock.time() if now is None else now)

    def _begin(self, now: float) -> None:
        """Starts from what was kept."""
        networks = dict.fromkeys(["", *(kind.network for _service, kind in kinds.kinds().values())])
        self.fleets: dict[str, Fleet] = {path: resolve(path)() if path else Fleet() for path in networks}
        self.looked_at = now
        self._of: dict[str, Fleet] = {}
        self._recall(now)

    def fleet_of(self, kind: str) -> Fleet:
        """The fleet that vehicles of a kind are in."""
        known = kinds.kinds().get(kind)
        return self.fleets[known[1].network if known else ""]

    def _recall(self, now: float) -> None:
        """Goes on where the tracker before this one stopped, or was stopped."""
        moment = datetime.fromtimestamp(now, UTC)
        # Of a clock that was ahead and has come back: not until then, but soon, is a vehicle no more to be seen.
        VehicleState.objects.filter(at__gt=moment + AHEAD).update(at=moment)
        since = moment - timedelta(seconds=Settings().forget_after)
        states: dict[Fleet, list[VehicleState]] = {fleet: [] for fleet in self.fleets.values()}
        for state in VehicleState.objects.filter(at__gte=since).select_related("vehicle"):
            states[self.fleet_of(state.vehicle.kind)].append(state)
        for fleet, known in states.items():
            fleet.recall(known, now)
            self._of |= dict.fromkeys(fleet.row, fleet)
            fleet.look_again(now)

    def tick(self, given: Sequence[Fix] = (), *, waiting: bool = True, now: float | None = None) -> int:
        """Takes `given` fixes and, where `waiting`, those in the inbox; gives how many.

        All that follows from them is in one transaction. Where the database is away nothing in the inbox is lost; what
        is stumbled on is one vehicle's doing, and the others go on.
        """
        now = clock.time() if now is None else now
        try:
            return self._tick(given, waiting, now)
        except Exception as problem:
            if is_outage(problem):
                raise
            log.exception("fixes could not be taken together: each vehicle's are taken by themselves")
            return self._apart(given, waiting, now)

    def _tick(self, given: Sequence[Fix], waiting: bool, now: float) -> int:
        if now - self.looked_at > LOOK_S:
            self._look_again(now)
            self.looked_at = now
        dropped: Counter[tuple[str, str]] = Counter()
        with transaction.atomic():
            fixes = [*given, *inbox.take()] if waiting else list(given)
            self._take_and_keep(fixes, now, dropped)
        self._kept(now, dropped)
        return len(fixes)

    def _take_and_keep(self, fixes: Sequence[Fix], now: float, dropped: Counter[tuple[str, str]]) -> None:
        if fixes:
            dropped += self._take(fixes, now)
        for fleet in self.fleets.values():
            fleet.step(now)

    def _kept(self, now: float, dropped: Counter[tuple[str, str]]) -> None:
        for fleet in self.fleets.values():
            fleet.kept(now)
        for (device, reason), number in dropped.items():
            drops.count(reason, number, device=device)

    def _apart(self, given: Sequence[Fix], waiting: bool, now: float) -> int:
        """Takes each vehicle's fixes by themselves; those of one that is stumbled on are counted ("failed").

        What was in mind may be half changed, so it begins from what was kept, now and after each that fails.
        """
        dropped: Counter[tuple[str, str]] = Counter()
        with transaction.atomic():
            fixes = [*given, *inbox.take()] if waiting else list(given)
            of: dict[str, list[Fix]] = defaultdict(list)
            for fix in fixes:
                of[fix.vehicle].append(fix)
            self._begin(now)
            for vehicle, own in of.items():
                try:
                    with transaction.atomic():
                        self._take_and_keep(own, now, dropped)
                except Exception as problem:
                    if is_outage(problem):
                        raise
                    log.exception("fixes of vehicle %s cannot be taken; it rests for %d s", vehicle, REST_S)
                    dropped.update((fix.device, "failed") for fix in own)
                    self._resting[vehicle] = now + REST_S
                    self._begin(now)
        self._kept(now, dropped)
        return len(fixes)

    def _take(self, fixes: Sequence[Fix], now: float) -> Counter[tuple[str, str]]:
        """Each fleet takes its vehicles' fixes together."""
        dropped: Counter[tuple[str, str]] = Counter()
        if self._resting:
            self._resting = {name: until for name, until in self._resting.items() if until > now}
            dropped.update((fix.device, "failed") for fix in fixes if fix.vehicle in self._resting)
            fixes = [fix for fix in fixes if fix.vehicle not in self._resting]
        self._know((fix.vehicle for fix in fixes), now)
        sorted_: dict[Fleet, list[Fix]] = defaultdict(list)
        for fix in fixes:
            fleet = self._of.get(fix.vehicle)
            if fleet is None:
                dropped[fix.device, "unknown_vehicle"] += 1
            else:
                sorted_[fleet].append(fix)
        for fleet, own in sorted_.items():
            dropped += fleet.take(own, now)
        return dropped

    def _know(self, names: Iterable[str], now: float) -> None:
        """Finds every name's fleet; a vehicle nobody registered is of the kind that may be found, if there is one."""
        new = [name for name in dict.fromkeys(names) if name not in self._of]
        if not new:
            return
        found = {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=new)}
        missing = [Vehicle(public_id=name) for name in new if name not in found] if kinds.found_kind() else []
        if missing:
            Vehicle.objects.bulk_create(missing, ignore_conflicts=True)
            found |= {vehicle.public_id: vehicle for vehicle in Vehicle.objects.filter(public_id__in=new)}
        self._put([found[name] for name in new if name in found], now)

    def _put(self, vehicles: Iterable[Vehicle], now: float) -> None:
        """Puts vehicles into the fleets of their kinds."""
        joining: dict[Fleet, list[Vehicle]] = defaultdict(list)
        for vehicle in vehicles:
            joining[self.fleet_of(vehicle.kind)].append(vehicle)
        for fleet, new in joining.items():
            fleet.know(new, now)
            self._of |= {vehicle.public_id: fleet for vehicle in new}

    def _look_again(self, now: float) -> None:
        """Reads the vehicles anew: an officer may have switched one off, or made it one of another kind."""
        moved = []
        for vehicle in Vehicle.objects.filter(public_id__in=self._of):
            fleet = self._of[vehicle.public_id]
            if fleet is self.fleet_of(vehicle.kind):
                fleet.vehicles[fleet.row[vehicle.public_id]] = vehicle
            else:
                fleet.leave(vehicle.public_id)
                moved.append(vehicle)
        self._put(moved, now)
        for fleet in self.fleets.values():
            fleet.look_again(now)
