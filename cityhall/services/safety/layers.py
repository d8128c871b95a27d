"""What of safety is drawn on the map: buttons for everybody; patrols, alerts and cameras for who works with them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.places.cells import outline
from cityhall.kernel.vehicles.tracking.shown import collection
from cityhall.services.safety import meetings as planned
from cityhall.services.safety.models import Alert, Button, Camera, Coverage, Meeting
from cityhall.services.safety.workflow import OPEN, State

NEVER = 99
"""Minutes that are shown for a cell that no unit reaches in any useful time."""
Bounds = tuple[float, float, float, float] | None


def _features(found: list[tuple[int, tuple[float, float], dict[str, Any]]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": number,
                "geometry": {"type": "Point", "coordinates": list(point)},
                "properties": {"id": number, **properties},
            }
            for number, point, properties in found
        ],
    }


def buttons(bounds: Bounds) -> dict[str, Any]:
    """The buttons that stand somewhere and are in service."""
    found = Button.objects.filter(device__enabled=True, vehicle=None, point__isnull=False)
    return _features(
        [(one.pk, one.point, {"name": one.name, "kind": one.get_kind_display()}) for one in found if one.point]
    )


def units(bounds: Bounds) -> dict[str, Any]:
    """Where patrols are. The manifest keeps it for who holds the layer's permission."""
    return collection("patrol")


def meetings(bounds: Bounds) -> dict[str, Any]:
    """Where units that are on their way to buses meet them, and those buses. The manifest keeps it for operators."""
    found = Meeting.objects.filter(assignment__ended_at=None).order_by("pk")
    drawn = [one for meeting in found for one in planned.features(meeting) if "gone" not in one["properties"]]
    return {"type": "FeatureCollection", "features": drawn}


def coverage(bounds: Bounds) -> dict[str, Any]:
    """How soon a free unit is in each cell, by the newest picture. The manifest keeps it for operators."""
    picture = Coverage.objects.filter(pk=1).first()
    cells = picture.cells if picture is not None else []
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": number,
                "geometry": {"type": "Polygon", "coordinates": [outline(cell)]},
                "properties": {
                    "id": number,
                    "minutes": NEVER if seconds is None else round(seconds / 60, 1),
                    "share": round(100 * share, 2),
                },
            }
            for number, (cell, share, seconds) in enumerate(cells)
        ],
    }


def alerts(bounds: Bounds) -> dict[str, Any]:
    """The open alerts whose place is known. The manifest keeps it for who answers them."""
    found = Alert.objects.filter(state__in=OPEN, point__isnull=False).order_by("pk")[:5000]
    return _features(
        [
            (
                one.pk,
                one.point,
                {
                    "name": f"{_('EXERCISE')} · {one.place}" if one.exercise else one.place,
                    "state": State(one.state).label,
                    "at": one.received_at.isoformat(),
                },
            )
            for one in found
            if one.point
        ]
    )


def cameras(bounds: Bounds) -> dict[str, Any]:
    """The cameras in service. The manifest keeps them for who answers alerts."""
    found = Camera.objects.filter(in_service=True)[:5000]
    return _features(
        [(one.pk, one.point, {"name": one.name, "owner": one.owner, "heading": one.heading}) for one in found]
    )
