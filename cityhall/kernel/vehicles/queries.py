"""Reads of the doors: receivers, base stations, and what was not taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, Sum
from django.utils import timezone

from cityhall.kernel.devices.models import Device, DropCount
from cityhall.kernel.service import declared
from cityhall.kernel.vehicles.declares import Rules
from cityhall.kernel.vehicles.fixes import POLLED, UNREAD
from cityhall.kernel.vehicles.models import BaseStation, Receiver, StationState, Vehicle, VehicleState

OWNER = "transit"
"""The service that receivers and base stations are registered for: a role may be held for it alone."""
SCOPE = f"service:{OWNER}"
STATE_OLD_S = 30.0
"""A caster that has not written its stations' state for so long is not running."""


def vehicles(kinds: Sequence[str] | None, search: str = "", after: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Vehicles of these kinds (None: of any) by id, with their receivers' ids and when each was heard of last."""
    found = Vehicle.objects.filter(public_id__gt=after).select_related("state")
    if kinds is not None:
        found = found.filter(kind__in=kinds)
    if search:
        found = found.filter(Q(public_id__icontains=search) | Q(label__icontains=search))
    receivers = Prefetch("receivers", Receiver.objects.select_related("device").order_by("device__public_id"))
    return [_vehicle(one) for one in found.order_by("public_id").prefetch_related(receivers)[:limit]]


def _vehicle(vehicle: Vehicle) -> dict[str, Any]:
    state: VehicleState | None = getattr(vehicle, "state", None)
    return {
        "id": vehicle.public_id,
        "kind": vehicle.kind,
        "kind_name": vehicle.kind_name,
        "label": vehicle.label,
        "capacity": vehicle.capacity,
        "wheelchair": vehicle.wheelchair,
        "enabled": vehicle.enabled,
        "hidden": vehicle.hidden,
        "receivers": [receiver.device.public_id for receiver in vehicle.receivers.all()],
        "heard_at": state.at if state else None,
    }


def receivers(search: str = "", after: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Receivers by id, with when each was heard and what kind of fix its vehicle has."""
    found = Receiver.objects.select_related("device__state", "vehicle__state").filter(device__public_id__gt=after)
    if search:
        found = found.filter(Q(device__public_id__icontains=search) | Q(vehicle__public_id__icontains=search))
    return [_receiver(one) for one in found.order_by("device__public_id")[:limit]]


def receivers_of(vehicle: Vehicle) -> list[dict[str, Any]]:
    """One vehicle's receivers, as `receivers` gives them."""
    found = vehicle.receivers.select_related("device__state", "vehicle__state")
    return [_receiver(one) for one in found.order_by("device__public_id")]


def _receiver(receiver: Receiver) -> dict[str, Any]:
    state: VehicleState | None = getattr(receiver.vehicle, "state", None)
    return {
        "id": receiver.device.public_id,
        "vehicle": receiver.vehicle.public_id,
        "protocol": receiver.protocol,
        "address": receiver.address,
        "corrections": receiver.corrections,
        "enabled": receiver.device.enabled,
        "last_seen": receiver.device.last_seen,
        "fix_class": state.fix_class if state else VehicleState.FixClass.NONE,
        "fix": str(VehicleState.FixClass(state.fix_class).label) if state else "",
        "accuracy_m": state.accuracy_m if state else None,
    }


def fix_classes(within: timedelta = timedelta(minutes=1)) -> list[tuple[str, int]]:
    """How many of the vehicles heard of lately have each class of fix, the best first."""
    classes = VehicleState.objects.filter(at__gte=timezone.now() - within).values_list("fix_class", flat=True)
    number: dict[int, int] = {}
    for one in classes:
        number[one] = number.get(one, 0) + 1
    best = VehicleState.FixClass
    order = (best.RTK_FIXED, best.RTK_FLOAT, best.DGNSS, best.SINGLE, best.NONE)
    return [(str(one.label), number[one.value]) for one in order if number.get(one.value)]


def dropped(days: int = 7, limit: int = 500) -> list[DropCount]:
    """What receivers, gateways and polled feeds have sent and was not taken, the latest day and the most first.

    Devices of other services are left out; "" stands for senders that nobody knows.
    """
    own = Receiver.objects.values("device__public_id")
    since = timezone.now().date() - timedelta(days=days - 1)
    found = DropCount.objects.filter(day__gte=since).filter(
        Q(device__in=own) | Q(device="") | Q(device__startswith=POLLED) | Q(device__in=_gateways())
    )
    # Rules that a feed breaks are counted in the same place, but what breaks them is not thrown away.
    return list(found.exclude(reason__regex=_of_rules()).order_by("-day", "-count", "device", "reason")[:limit])


def broken_rules(days: int = 7) -> list[dict[str, Any]]:
    """Rules that polled systems have broken lately: device, reason (the rule), count, home (where it is explained)."""
    since = timezone.now().date() - timedelta(days=days - 1)
    found = DropCount.objects.filter(day__gte=since, device__startswith=POLLED, reason__regex=_of_rules())
    counted = found.values("device", "reason").annotate(count=Sum("count")).order_by("device", "reason")
    return [one | {"home": _home(one["reason"])} for one in counted]


def unread_feeds(days: int = 7) -> list[tuple[str, int]]:
    """Polled systems that were asked in vain lately, and how often."""
    since = timezone.now().date() - timedelta(days=days - 1)
    found = DropCount.objects.filter(day__gte=since, device__startswith=POLLED, reason=UNREAD)
    return [(one["device"], one["count"]) for one in found.values("device").annotate(count=Sum("count"))]


def _of_rules() -> str:
    """A regular expression of every reason that is a rule's name."""
    return "^(" + "|".join(rules.pattern for _owner, rules in declared(Rules)) + ")$"


def _home(rule: str) -> str:
    return next(rules.home for _owner, rules in declared(Rules) if re.fullmatch(rules.pattern, rule))


def _gateways() -> QuerySet[Device, Any]:
    return Device.objects.filter(owner=OWNER).values("public_id")


def stations() -> Iterator[dict[str, Any]]:
    """Base stations by mountpoint, with what the caster last knew of each."""
    fresh = timezone.now() - timedelta(seconds=STATE_OLD_S)
    for station in BaseStation.objects.select_related("device", "state"):
        state: StationState | None = getattr(station, "state", None)
        running = state is not None and state.written_at >= fresh
        yield {
            "mountpoint": station.mountpoint,
            "id": station.device.public_id,
            "lon": station.point.lon,
            "lat": station.point.lat,
            "source": station.source,
            "enabled": station.device.enabled,
            "connected": bool(running and state and state.connected_at),
            "heard_at": state.heard_at if state else None,
            "age_s": (timezone.now() - state.heard_at).total_seconds() if state and state.heard_at else None,
            "rate": state.rate if state and running else 0.0,
            "readers": state.readers if state and running else 0,
            "messages": dict(sorted(state.messages.items())) if state else {},
            "malformed": state.malformed if state else 0,
        }
