"""HTTP API of the fleet room: advice for drivers, the fleet as it is, and how a day went."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import math
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from cityhall.kernel.devices.receive import asker
from cityhall.kernel.errors import Denied, Invalid, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.streets import streets
from cityhall.services.transit.control import board, holding, quality

router = Router()
HEADER = "Cityhall-Envelope"
LONGEST_WAY_S = 3600


class AdviceOut(Schema):
    """How long a driver should wait at a control point from now on, and the gaps that say so, in seconds."""

    vehicle: str
    hold_s: int
    reason: str = Field(..., description="go, even, longest, riders or alone")
    ahead_s: int | None
    behind_s: int | None
    before: str
    after: str
    at: dt.datetime


@router.get("/vehicles/{vehicle_id}/advice", response=AdviceOut, summary="Headway advice for a driver")
def advice(request: HttpRequest, vehicle_id: str) -> dict[str, Any]:
    """For dispatchers, and for the vehicle's own device.

    A device signs its question: header `Cityhall-Envelope`, an envelope as base64url whose one message is
    `{"kind": "get", "path": <path of this address>}`. A gateway may ask for every vehicle.
    """
    _may_ask(request, vehicle_id)
    now = timezone.now()
    hold = holding.advice(vehicle_id, board.seen(board.states_now(now), now), now)
    return {
        "vehicle": vehicle_id,
        "hold_s": round(hold.hold_s),
        "reason": hold.reason,
        "ahead_s": None if math.isnan(hold.ahead) else round(hold.ahead),
        "behind_s": None if math.isnan(hold.behind) else round(hold.behind),
        "before": hold.before,
        "after": hold.after,
        "at": now,
    }


def _may_ask(request: HttpRequest, vehicle_id: str) -> None:
    """Raises Denied unless a dispatcher or the vehicle's device asks."""
    signed = request.headers.get(HEADER, "")
    if not signed:
        require(actor_of(request), "transit.view_fleet")
        return
    try:
        body = base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4))
    except (binascii.Error, ValueError):
        raise Invalid(_("The envelope is no base64url."), code="malformed", field=HEADER) from None
    device = asker(body, request.path)
    own = device.properties.get("vehicle") or device.public_id
    if device.owner != "transit" or (device.kind != "gateway" and own != vehicle_id):
        raise Denied(
            _("This device may not ask for that vehicle."),
            mend=_("Ask for its own, or register it as a gateway."),
        )


class FleetOut(Schema):
    """Every vehicle on the road, as a GeoJSON FeatureCollection."""

    type: str
    features: list[dict[str, Any]]


@router.get("/fleet", response=FleetOut, summary="The fleet as the fleet room sees it")
def fleet(request: HttpRequest) -> dict[str, Any]:
    """For dispatchers: hidden vehicles are in it."""
    require(actor_of(request), "transit.view_fleet")
    return {"type": "FeatureCollection", "features": [row.feature() for row in board.now_rows()]}


class WayOut(Schema):
    """A way for a bus between two places; `along` false: straight, where no street is known to lead there."""

    points: list[list[float]] = Field(..., description="[lon, lat], the ends as they were asked for snapped")
    along: bool


@router.get("/streets/way", response=WayOut, summary="A way along the streets")
def way(
    request: HttpRequest,
    from_lon: float = Query(..., ge=-180, le=180),
    from_lat: float = Query(..., ge=-90, le=90),
    to_lon: float = Query(..., ge=-180, le=180),
    to_lat: float = Query(..., ge=-90, le=90),
) -> dict[str, Any]:
    """For who draws detours: as a bus drives, by the city's map."""
    require(actor_of(request), "transit.change_alert")
    graph = streets()
    network = graph.network("drive") if graph else None
    start, goal = (network.snap(from_lon, from_lat), network.snap(to_lon, to_lat)) if network else (None, None)
    path = network.route(start, goal, LONGEST_WAY_S) if network and start and goal else None
    if path is None:
        return {"points": [(from_lon, from_lat), (to_lon, to_lat)], "along": False}
    points = zip(path.lon.tolist(), path.lat.tolist(), strict=True)
    return {"points": [(round(lon, 6), round(lat, 6)) for lon, lat in points], "along": True}


class QualityOut(Schema):
    """How a line went on a day; `route` "" is the whole day."""

    service_day: dt.date
    route: str
    line: str
    figures: dict[str, Any]
    computed_at: dt.datetime


@router.get("/quality/{day}", response=list[QualityOut], summary="How a service day went")
def quality_of(request: HttpRequest, day: dt.date) -> list[Any]:
    """For dispatchers; the whole day first."""
    require(actor_of(request), "transit.view_fleet")
    whole, lines = quality.of_day(day)
    if whole is None:
        raise Missing(_("This day has not been computed."), mend=_("Compute it on the quality page."))
    return [whole, *lines]
