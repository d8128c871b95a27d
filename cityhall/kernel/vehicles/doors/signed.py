"""Signed positions, by HTTP or MQTT (`kernel/devices`): what a phone, a beacon or a depot's gateway sends.

A service whose devices send them declares `Door("position", "cityhall.kernel.vehicles.doors.signed:record_positions")`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.devices import drops
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import Invalid
from cityhall.kernel.vehicles import inbox, kinds
from cityhall.kernel.vehicles.fixes import Fix, fault, from_message
from cityhall.kernel.vehicles.models import Vehicle

GATEWAY = "gateway"
"""Kind of the devices that may speak for other vehicles than their own."""


def record_positions(device: Device, messages: list[dict[str, Any]], received_at: datetime) -> None:
    """Takes positions a device has sent, and hands them to the tracker (see tracking).

    A depot's gateway speaks for a fleet and names the `vehicle`; any other device only for its own (its property
    `vehicle`, else its id). What cannot be a position raises Invalid; one that is stale, of the future, impossibly
    fast or of a vehicle that another service runs is counted and left out.
    """
    own = str(device.properties.get("vehicle") or device.public_id)
    fixes = [
        from_message(str(message.get("vehicle") or own) if device.kind == GATEWAY else own, device.public_id, message)
        for message in messages
    ]
    mine = _run_by(device.owner, {fix.vehicle for fix in fixes})
    good: list[Fix] = []
    for fix in fixes:
        why = fault(fix, received_at.timestamp()) or ("" if fix.vehicle in mine else "unknown_vehicle")
        if why == "malformed":
            raise Invalid(_("No vehicle can be there."), mend=_("Check the receiver."), code=why)
        if why:
            drops.count(why, device=device.public_id, at=received_at)
        else:
            good.append(fix)
    inbox.submit(good, received_at)


def _run_by(service: str, names: set[str]) -> set[str]:
    """Those among the vehicles called so that a service runs; one that nobody has entered will be of the found kind."""
    kind = dict.fromkeys(names, kinds.found_kind())
    kind |= dict(Vehicle.objects.filter(public_id__in=names).values_list("public_id", "kind"))
    return {name for name in names if kinds.owner_of(kind[name]) == service}
