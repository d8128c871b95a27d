"""Pages of stops, lines and buses. `?part=1` gives only what changes, which is asked for again every few seconds."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.reported import Reported, ReportedNear
from cityhall.services.transit import days, queries, validity
from cityhall.services.transit.models import Stop
from cityhall.services.transit.riders import board as boards
from cityhall.services.transit.riders import favourites, lines, vehicles
from cityhall.services.transit.riders.arrivals import lines_at, stop_arrivals
from cityhall.services.transit.riders.notices import notices
from cityhall.web.codes import qr_path
from cityhall.web.layers import chosen_layers

ON_MAP = {"transit/vehicles": True, "transit/lines": False, "transit/stops": True}
"""The layers of a page about some buses, and whether each is seen: along the lines they only glide."""

SHOWN = 9
AT_STOP_M = 30.0
"""What is reported so near to a stop is of the stop."""


def is_part(request: HttpRequest) -> bool:
    """Whether only what changes is wanted."""
    return "part" in request.GET


def vehicle_layers() -> list[dict[str, Any]]:
    """The map's layers for a page about some buses."""
    return chosen_layers(ON_MAP)


@require_safe
@cache_control(no_cache=True, private=True)
def stop(request: HttpRequest, stop_id: str) -> HttpResponse:
    """One stop: what comes next, live; with `?date=` or `?time=` what the timetable says of then."""
    found = queries.find_stop(stop_id)
    if request.GET.get("date") or request.GET.get("time"):
        return _timetable(request, found)
    context = _stop(found)
    if is_part(request):
        return render(request, "transit/stop_arrivals.html", context)
    context |= {
        "layers": vehicle_layers(),
        "favourite": favourites.Wanted("stop", found.gtfs_id, found.name),
        "is_favourite": favourites.is_kept(actor_of(request).person_id, "stop", found.gtfs_id),
        "reported": _reported(found),
    }
    return render(request, "transit/stop.html", context)


def _reported(found: Stop) -> list[Reported]:
    """What is out of order at a stop; nothing where the city takes no reports."""
    near = ask(ReportedNear)
    return near(found.point, AT_STOP_M) if near else []


def _stop(found: Stop) -> dict[str, Any]:
    now = days.now()
    rows = [boards.row(arrival, now) for arrival in stop_arrivals(found, now, SHOWN)]
    calling = lines_at(found)
    return {
        "stop": found,
        "rows": rows,
        "now": now,
        "out_of_date": days.usual_day(now.date()) != now.date() if queries.in_service() else False,
        "day": days.usual_day(now.date()),
        "version": queries.in_service(),
        "notices": notices(now, stops=[found.gtfs_id], lines=calling),
        "ended": validity.not_running(calling),
        "today": now.date(),
        "coming": [row["vehicle"] for row in rows if row["vehicle"]],
    }


def _timetable(request: HttpRequest, found: Stop) -> HttpResponse:
    now = days.now()
    asked = values.day(request.GET.get("date", "")) or now.date()
    day, time = days.usual_day(asked), values.clock_time(request.GET.get("time", "")) or now.time().replace(tzinfo=None)
    context = {
        "stop": found,
        "departures": queries.departures(found, day, days.second_of(day, time)),
        "day": day,
        "time": time,
        "out_of_date": day != asked,
        "version": queries.in_service(),
    }
    return render(request, "transit/stop_timetable.html", context)


@require_safe
@never_cache
def board(request: HttpRequest, stop_id: str) -> HttpResponse:
    """The screen at a stop: large, dark, nothing to press. `?stop=` names more stops, `?theme=light` turns it light."""
    shown = boards.board([stop_id, *request.GET.getlist("stop")], days.now())
    if is_part(request):
        return render(request, "transit/board_rows.html", shown)
    address = request.build_absolute_uri(reverse("transit_stop", args=[stop_id]))
    size, path = qr_path(address)
    again = request.GET.copy()
    again["part"] = "1"
    theme = "light" if request.GET.get("theme") == "light" else "dark"
    context = shown | {"qr_size": size, "qr_path": path, "address": address, "theme": theme, "again": again.urlencode()}
    return render(request, "transit/board.html", context)


@require_safe
@cache_control(no_cache=True, private=True)
def line(request: HttpRequest, line_id: str) -> HttpResponse:
    """One line: its stops in each direction, the buses between them, when the next one comes to each."""
    found, now = queries.find_line(line_id), days.now()
    patterns = lines.diagram(found, now)
    coming = [bus["id"] for pattern in patterns for stop in pattern["stops"] for bus in stop["buses"]]
    context = {
        "line": found,
        "patterns": patterns,
        "now": now,
        "notices": notices(now, lines=[found.gtfs_id]),
        "ended": validity.not_running([found.gtfs_id]),
        "today": now.date(),
        "buses": len(coming),
        "coming": coming,
    }
    if is_part(request):
        return render(request, "transit/line_diagram.html", context)
    name = f"{found.short_name} {found.long_name}"
    context |= {
        "map_data": [_drawn(found.mode, found.color, patterns)],
        "layers": vehicle_layers(),
        "favourite": favourites.Wanted("line", found.gtfs_id, name),
        "is_favourite": favourites.is_kept(actor_of(request).person_id, "line", found.gtfs_id),
    }
    return render(request, "transit/line.html", context)


def _drawn(mode: str, color: str, patterns: list[dict[str, Any]]) -> dict[str, Any]:
    properties = {"mode": mode, "color": f"#{color}" if color else "", "line": ""}
    drawn = [{"type": "Feature", "geometry": one["geometry"], "properties": properties} for one in patterns]
    return {"type": "FeatureCollection", "features": drawn}


@require_safe
@cache_control(no_cache=True, private=True)
def buses(request: HttpRequest) -> HttpResponse:
    """Every bus on the road as a table: the map's buses for who does not use a map."""
    now = days.now()
    context = {"buses": vehicles.listed(now), "now": now, "version": queries.in_service()}
    return render(request, "transit/buses_table.html" if is_part(request) else "transit/buses.html", context)


@require_safe
@never_cache
def bus(request: HttpRequest, public_id: str) -> HttpResponse:
    """One bus: its page, or the panel beside the map."""
    try:
        state = vehicles.find_vehicle(public_id)
    except Missing as gone:
        if not is_part(request):
            raise
        return render(request, "transit/bus_gone.html", {"gone": gone})
    context = {"bus": vehicles.describe(state, days.now()), "layers": vehicle_layers()}
    return render(request, "transit/bus_panel.html" if is_part(request) else "transit/bus.html", context)
