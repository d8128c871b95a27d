"""A vehicle as the public sees it."""

from __future__ import annotations

from typing import Any

from cityhall.services.transit.models import VehicleState


def feature(
    *,
    vehicle: str,
    lon: float,
    lat: float,
    line: str,
    color: str,
    bearing: float | None,
    speed: float | None,
    at: float,
    accuracy_m: float,
    fix_class: int,
    status: str,
    delay_s: int | None,
    lane: int | None,
) -> dict[str, Any]:
    """A GeoJSON feature; `at` is when it was last heard, Unix seconds."""
    return {
        "type": "Feature",
        "id": vehicle,
        # A seventh digit would be a centimetre: less than the best receiver can tell.
        "geometry": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
        "properties": {
            "id": vehicle,
            "name": line,
            "color": f"#{color}" if color else "",
            "bearing": None if bearing is None else round(bearing),
            "speed": None if speed is None else round(speed, 1),
            "at": round(at, 2),
            "accuracy": round(accuracy_m, 2),
            "fix": fix_class,
            "status": status,
            "delay": delay_s,
            "lane": lane,
        },
    }


def feature_of(state: VehicleState) -> dict[str, Any]:
    """The same from a kept state; its vehicle should have been selected with it."""
    return feature(
        vehicle=state.vehicle.public_id,
        lon=state.point.lon,
        lat=state.point.lat,
        line=state.line,
        color=state.color,
        bearing=state.bearing,
        speed=state.speed,
        at=state.at.timestamp(),
        accuracy_m=state.accuracy_m,
        fix_class=state.fix_class,
        status=state.status,
        delay_s=state.delay_s,
        lane=state.lane,
    )
