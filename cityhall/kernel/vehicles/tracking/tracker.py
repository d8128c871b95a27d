"""The tracker's work: takes all the city's fixes, has each vehicle's fleet follow it, keeps and publishes that."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction

from cityhall.engines.positioning import Settings
from cityhall.kernel import clock
from cityhall.kernel.devices import drops
from cityhall.kernel.service import resolve
from cityhall.kernel.vehicles import inbox, kinds
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle, VehicleState
from cityhall.kernel.vehicles.tracking.fleet import Fleet

LOOK_S = 10.0
"""How often the registry of vehicles is read, and what they move on is looked at."""


class Tracking:
    """One tracker's work, tick by tick. `fleets` are by what their vehicles' kinds say of the network, "" for none."""

    def __init__(self, now: float | None = None) -> None:
        now = clock.time() if now is None else now
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
        since = datetime.fromtimestamp(now, UTC) - timedelta(seconds=Settings().forget_after)
        states: dict[Fleet, list[VehicleState]] = {fleet: [] for fleet in self.fleets.values()}
        for state in VehicleState.objects.filter(at__gte=since).select_related("vehicle"):
            states[self.fleet_of(state.vehicle.kind)].append(state)
        for fleet, known in states.items():
            fleet.recall(known, now)
            self._of |= dict.fromkeys(fleet.row, fleet)
            fleet.look_again(now)

    def tick(self, given: Sequence[Fix] = (), *, waiting: bool = True, now: float | None = None) -> int:
        """Takes `given` fixes and, where `waiting`, those in the inbox; gives how many.

        All that follows from them is in one transaction. Where that fails nothing in the inbox is lost.
        """
        now = clock.time() if now is None else now
        if now - self.looked_at > LOOK_S:
            self._look_again(now)
            self.looked_at = now
        dropped: Counter[tuple[str, str]] = Counter()
        with transaction.atomic():
            fixes = [*given, *inbox.take()] if waiting else list(given)
            if fixes:
                dropped = self._take(fixes, now)
            for fleet in self.fleets.values():
                fleet.step(now)
        for fleet in self.fleets.values():
            fleet.kept(now)
        for (device, reason), number in dropped.items():
            drops.count(reason, number, device=device)
        return len(fixes)

    def _take(self, fixes: Sequence[Fix], now: float) -> Counter[tuple[str, str]]:
        """Each fleet takes its vehicles' fixes together."""
        self._know((fix.vehicle for fix in fixes), now)
        dropped: Counter[tuple[str, str]] = Counter()
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
