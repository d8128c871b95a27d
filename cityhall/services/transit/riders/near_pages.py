"""Pages and parts that say what leaves next: near somebody, from one stop, for a favourite journey."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.places import geocoder
from cityhall.services.transit import days, queries
from cityhall.services.transit.api import read_point
from cityhall.services.transit.riders import near
from cityhall.services.transit.riders.pages import is_part


@require_safe
@never_cache
def near_me(request: HttpRequest) -> HttpResponse:
    """The next departures at the stops nearest to `?at=lon,lat`; without a device that says where, to a typed place.

    The position is used for the answer and kept nowhere.
    """
    get, now = request.GET, days.now()
    text, at = get.get("place", "")[:200], get.get("at", "")
    if not at and get.get("place_lon"):
        at = f"{get.get('place_lon', '')},{get.get('place_lat', '')}"
    elif not at and text:
        found = geocoder.search(text, limit=1)
        at = f"{found[0].point.lon},{found[0].point.lat}" if found else ""
    context: dict[str, Any] = {"now": now, "text": text, "at": at, "unknown": bool(text and not at)}
    if at:
        try:
            context["stops"] = near.nearest(read_point(at, "at"), now)
        except CityhallError as problem:
            if not is_part(request):
                raise
            context["problem"] = problem
    return render(request, "transit/near_stops.html" if is_part(request) else "transit/near_page.html", context)


@require_safe
@never_cache
def stop_next(request: HttpRequest, stop_id: str) -> HttpResponse:
    """A stop's next departures in few words: for the map's pop-up and for favourites."""
    found, now = queries.find_stop(stop_id), days.now()
    if not is_part(request):
        return redirect("transit_stop", stop_id)
    return render(
        request,
        "transit/next_rows.html",
        {"rows": near.rows_of(found, now), "stop": found, "panel": "bare" not in request.GET},
    )


@require_safe
@never_cache
def journey_next(request: HttpRequest) -> HttpResponse:
    """The next journeys of a favourite, `?journey=lon,lat;lon,lat`, in few words."""
    try:
        context: dict[str, Any] = {"options": near.next_journeys(request.GET.get("journey", ""), days.now())}
    except CityhallError as problem:
        context = {"problem": problem}
    return render(request, "transit/next_journeys.html", context)
