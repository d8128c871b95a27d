"""A vehicle as the public sees it."""

from __future__ import annotations

from typing import Any

from cityhall.kernel.vehicles.tracking import shown
from cityhall.services.transit.models import VehicleState


def feature(
    *, line: str, color: str, status: str, delay_s: int | None, lane: int | None, **where: Any
) -> dict[str, Any]:
    """The kernel's feature of `where` it is, called by its line, with what it does on the network."""
    told = shown.feature(name=line, **where)
    told["properties"] |= {
        "color": f"#{color}" if color else "",
        "status": status,
        "delay": delay_s,
        "lane": lane,
    }
    return told


def feature_of(state: VehicleState) -> dict[str, Any]:
    """The same from a kept state; its vehicle should have been selected with it."""
    return feature(
        **shown.where(state),
        line=state.line,
        color=state.color,
        status=state.status,
        delay_s=state.delay_s,
        lane=state.lane,
    )
