"""Which alerts concern a rider. `alerts_for` is what pages call; `transit/alerts.html` shows what it gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from cityhall.services.transit.models import Detour, Notice, ServiceAlert

SEVERITIES = ("SEVERE", "WARNING", "INFO")
Names = str | Collection[str]


def in_force(at: datetime | None = None) -> list[ServiceAlert]:
    """Alerts that hold at a moment (now where None is given), the gravest first."""
    moment = at or timezone.now()
    found = ServiceAlert.objects.filter(state=Notice.State.IN_FORCE).filter(
        Q(ends_at=None) | Q(ends_at__gt=moment), Q(starts_at=None) | Q(starts_at__lte=moment)
    )
    return sorted((alert for alert in found if holds(alert, moment)), key=_gravity)


def to_come() -> list[ServiceAlert]:
    """Alerts in force that hold now or will later, the soonest first."""
    found = ServiceAlert.objects.filter(state=Notice.State.IN_FORCE)
    found = found.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()))
    return list(found.order_by("starts_at", "-made_at"))


def _gravity(alert: ServiceAlert) -> tuple[int, float]:
    return SEVERITIES.index(alert.severity), -alert.made_at.timestamp()


def holds(alert: ServiceAlert, at: datetime) -> bool:
    """Whether a moment is in one of an alert's periods."""
    for start, end in alert.periods:
        begun = start is None or datetime.fromisoformat(start) <= at
        if begun and (end is None or at < datetime.fromisoformat(end)):
            return True
    return not alert.periods


def alerts_for(
    *,
    route: Names = (),
    stop: Names = (),
    trip: Names = (),
    direction: int | None = None,
    at: datetime | None = None,
    among: Iterable[ServiceAlert] | None = None,
) -> list[ServiceAlert]:
    """Alerts that concern who uses these routes, stops or trips (GTFS ids, one or several) at a moment.

    An alert concerns them where one of its selectors names one of these things and contradicts none; alerts for the
    whole city or an agency concern everybody. `among` spares the query where a page asks more than once.
    """
    found = in_force(at) if among is None else among
    asked = {"route": _set(route), "stop": _set(stop), "trip": _set(trip)}
    return [alert for alert in found if _any(alert.informed, asked, direction)]


def concerns(informed: Iterable[dict[str, Any]], *, route: Names = (), stop: Names = (), trip: Names = ()) -> bool:
    """Whether an alert's `informed`, as the journal's `transit.alert.*` events have it too, concerns these."""
    return _any(informed, {"route": _set(route), "stop": _set(stop), "trip": _set(trip)}, None)


def _any(informed: Iterable[dict[str, Any]], asked: dict[str, set[str]], direction: int | None) -> bool:
    return any(_concerns(one, asked, direction) for one in informed)


def detours_geojson(bounds: tuple[float, float, float, float] | None = None) -> dict[str, Any]:
    """The ways of the detours that hold now, as GeoJSON lines."""
    now = timezone.now()
    found = Detour.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), state=Notice.State.IN_FORCE, starts_at__lte=now)
    features = [
        {
            "type": "Feature",
            "id": detour.pk,
            "geometry": {"type": "LineString", "coordinates": detour.path},
            "properties": {"id": detour.pk, "name": detour.alert.header_text, "url": "/transit/alerts/"},
        }
        for detour in found.select_related("alert")
        if len(detour.path) >= 2
    ]
    return {"type": "FeatureCollection", "features": features}


def _set(names: Names) -> set[str]:
    return {names} - {""} if isinstance(names, str) else set(names)


def _concerns(selector: dict[str, Any], asked: dict[str, set[str]], direction: int | None) -> bool:
    named = [key for key in asked if key in selector]
    if direction is not None and selector.get("direction", direction) != direction:
        return False
    shared = [key for key in named if asked[key]]
    return not named or (bool(shared) and all(selector[key] in asked[key] for key in shared))
