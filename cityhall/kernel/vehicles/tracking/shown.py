"""Where vehicles are as maps take it, and the live topics that move them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.models import VehicleState

FRESH = timedelta(minutes=5)
"""A vehicle that was heard of longer ago is on no map."""
TOPICS = "vehicles-"


def topic_of(kind: str) -> str:
    """The live topic on which vehicles of a kind move that is matched on no network."""
    return f"{TOPICS}{kind}"


def may_hear(actor: Actor, topic: str) -> bool:
    """Whether `actor` may hear a kind's topic: everybody, but of a hidden kind only who may see its vehicles."""
    known = kinds.kinds().get(topic.removeprefix(TOPICS))
    if known is None or known[1].network:
        return False
    kind = known[1]
    return not kind.hidden or kind.slug in kinds.seen_by(actor)


def feature(
    *,
    vehicle: str,
    name: str,
    lon: float,
    lat: float,
    bearing: float | None,
    speed: float | None,
    at: float,
    accuracy_m: float,
    fix_class: int,
) -> dict[str, Any]:
    """A GeoJSON feature; `at` is when it was last heard, Unix seconds."""
    return {
        "type": "Feature",
        "id": vehicle,
        # A seventh digit would be a centimetre: less than the best receiver can tell.
        "geometry": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
        "properties": {
            "id": vehicle,
            "name": name,
            "bearing": None if bearing is None else round(bearing),
            "speed": None if speed is None else round(speed, 1),
            "at": round(at, 2),
            "accuracy": round(accuracy_m, 2),
            "fix": fix_class,
        },
    }


def where(state: VehicleState) -> dict[str, Any]:
    """What `feature` takes, but for the name, from a kept state; its vehicle should have been selected with it."""
    return {
        "vehicle": state.vehicle.public_id,
        "lon": state.point.lon,
        "lat": state.point.lat,
        "bearing": state.bearing,
        "speed": state.speed,
        "at": state.at.timestamp(),
        "accuracy_m": state.accuracy_m,
        "fix_class": state.fix_class,
    }


def collection(kind: str) -> dict[str, Any]:
    """The vehicles of a kind that were heard of within FRESH, as GeoJSON: the source of a layer that `topic_of` moves.

    Who may see them is for the layer to say.
    """
    found = VehicleState.objects.filter(vehicle__kind=kind, vehicle__enabled=True, at__gte=timezone.now() - FRESH)
    states = found.select_related("vehicle").defer("memory")
    features = [feature(name=str(state.vehicle), **where(state)) for state in states]
    return {"type": "FeatureCollection", "features": features}
