"""Pages of the fleet room."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import clock, values
from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days, queries, timetables
from cityhall.services.transit.control import board, presses, quality, runs, strings
from cityhall.services.transit.control.rules import BY_SLUG, rules
from cityhall.services.transit.kinds import KINDS
from cityhall.services.transit.models import Episode, FeedVersion, Line, StopCall, TripPrediction, VehicleState
from cityhall.web import undo
from cityhall.web.layers import chosen_layers

WINDOWS = (60, 120, 240)
SHOWN_EPISODES = 40


def _names() -> dict[str, Any]:
    """Words that the page's script needs."""
    crowding = (_("empty"), _("many seats"), _("few seats"), _("standing"), _("crushed"), _("full"))
    return {
        "rules": {slug: str(rule.name) for slug, rule in BY_SLUG.items()},
        "levels": dict(board.LEVELS),
        "fixes": {str(value): str(label) for value, label in VehicleState.FixClass.choices},
        "occupancy": {str(place): word for place, word in enumerate(crowding)},
        "kinds": {kind.slug: str(kind.name) for kind in KINDS},
        "hold": _("wait %s s"),
        "go": _("go"),
        "stale": _("not heard for 10 min"),
    }


def _require(request: HttpRequest) -> None:
    require(actor_of(request), "transit.view_fleet")


@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    """The fleet now. Filters are in the address, so that it works without a script and can be shared."""
    _require(request)
    rows = board.now_rows()
    wanted = {name: request.GET.get(name, "")[:100] for name in ("state", "line", "q")}
    names = _names()
    counts = Counter(state for row in rows for state in row.states)
    context = {
        "rows": [_shown(row, names, wanted) for row in rows],
        "names": names,
        "counts": [(rule, counts[rule.slug]) for rule in rules()],
        "well": not any(row.level in ("bad", "warn") for row in rows),
        "on_road": sum(not row.stale for row in rows),
        "may_tell": may(actor_of(request), "transit.change_alert"),
        "lines": sorted({row.line for row in rows if row.line}, key=lambda line: (len(line), line)),
        "wanted": wanted,
        "layers": chosen_layers({"transit/fleet": True}, actor_of(request)),
        "tab": "fleet",
    }
    return render(request, "transit/control/fleet.html", context)


def _shown(row: board.Row, names: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
    hidden = (
        (wanted["state"] and wanted["state"] not in row.states and wanted["state"] != row.level)
        or (wanted["line"] and wanted["line"] != row.line)
        or (wanted["q"] and wanted["q"].lower() not in f"{row.vehicle} {row.line} {row.headsign}".lower())
    )
    return {
        "row": row,
        "hidden": bool(hidden),
        "states": [(state, names["rules"].get(state, state), board.LEVELS.get(state, "warn")) for state in row.states],
        "delay": None if row.delay_s is None else f"{row.delay_s / 60:+.0f}",
        "fix": names["fixes"].get(str(row.fix), ""),
        "occupancy": names["occupancy"].get(str(row.occupancy), ""),
        "hold": "" if row.hold_s is None else names["hold"] % row.hold_s if row.hold_s else names["go"],
        "stale": names["stale"] if row.stale else "",
        "late": "late" in row.states and not row.stale,
        "age": max(0, round(clock.time() - row.at)),
    }


@require_POST
def press(request: HttpRequest) -> HttpResponse:
    """Tells riders of a late bus or cancels its trip, with the way back on the fleet room's page."""
    actor, cancels = actor_of(request), request.POST.get("do") == "cancel"
    do = presses.cancel_trip if cancels else presses.tell_of_delay
    try:
        made = do(actor, request.POST.get("vehicle", ""), request.POST.get("trip", ""))
    except CityhallError as problem:
        if problem.status == 403:
            raise
        messages.error(request, str(problem))
    else:
        name, told = "alerts", _("Riders of the line are told for an hour.")
        if cancels:
            name, told = "cancellations", _("The trip is cancelled, and riders are told.")
        undo.done(request, told, f"{reverse('transit_notice_withdraw', args=[name, made.pk])}?from=fleet")
    return redirect("transit_control")


@require_safe
def vehicle(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """One vehicle: where it is, its trip stop by stop, and what happened to it lately."""
    _require(request)
    found = Vehicle.objects.filter(public_id=vehicle_id).first()
    if found is None:
        raise Missing(_("There is no such vehicle."), mend=_("Look for it in the fleet room."))
    row = next((row for row in board.now_rows() if row.vehicle == vehicle_id), None)
    state = VehicleState.objects.filter(vehicle=found).defer("memory").first()
    wanted = {"state": "", "line": "", "q": ""}
    context = {
        "vehicle": found,
        "state": state,
        "shown": _shown(row, _names(), wanted) if row else None,
        "stops": _stops(state) if state else [],
        "episodes": [
            (episode, BY_SLUG[episode.rule])
            for episode in Episode.objects.filter(vehicle=vehicle_id).order_by("-began_at")[:SHOWN_EPISODES]
            if episode.rule in BY_SLUG
        ],
        "tab": "fleet",
    }
    return render(request, "transit/control/vehicle.html", context)


def _stops(state: VehicleState) -> list[dict[str, Any]]:
    """The trip's stops: planned, and as it was or is expected."""
    trip = runs.find(state.trip) if state.trip and queries.in_service() else None
    if trip is None:
        return []
    day = runs.service_day(state.service_day, trip, state.at)
    called = {call.sequence: call for call in StopCall.objects.filter(service_day=day, trip=trip.id)}
    expected: dict[int, float] = {}
    prediction = TripPrediction.objects.filter(service_day=day, trip=trip.id).first()
    if prediction is not None:
        expected = {prediction.first_sequence + place: at for place, at in enumerate(prediction.arrival)}
    schedule = timetables.service().schedule
    shown = []
    for place, stop in enumerate(trip.stops):
        planned = trip.moment(day, 2 * place)
        call = called.get(place)
        was = call.arrived_at if call else None
        will = strings.days_utc(int(expected[place])) if place in expected and was is None else None
        seen = was or will
        off = seen - planned if seen else None
        shown.append(
            {
                "name": schedule.stops.name[stop],
                "planned": planned,
                "was": was,
                "will": will,
                "delay": None if off is None or trip.headway_line else f"{off.total_seconds() / 60:+.0f}",
                "next": state.next_sequence == place,
            }
        )
    return shown


@require_safe
def lines(request: HttpRequest) -> HttpResponse:
    """A line's string diagram."""
    _require(request)
    known = list(Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE))
    chosen = next((line for line in known if line.gtfs_id == request.GET.get("line", "")), known[0] if known else None)
    direction = 1 if request.GET.get("direction") == "1" else 0
    asked = values.whole(request.GET.get("window", ""))
    window = asked if asked in WINDOWS else WINDOWS[0]
    diagram = strings.Diagram()
    if chosen is not None:
        diagram = strings.draw(chosen.gtfs_id, direction, back_min=window, ahead_min=window // 2)
        if not diagram.strings and direction == 0:
            diagram = strings.draw(chosen.gtfs_id, -1, back_min=window, ahead_min=window // 2)
    context = {
        "lines": known,
        "line": chosen,
        "direction": direction,
        "window": window,
        "windows": WINDOWS,
        "diagram": diagram,
        "width": strings.WIDTH,
        "height": strings.HEIGHT,
        "left": strings.LEFT,
        "top": strings.TOP,
        "tab": "lines",
    }
    return render(request, "transit/control/lines.html", context)


@require_safe
def quality_page(request: HttpRequest) -> HttpResponse:
    """How a day went, beside another one."""
    _require(request)
    computed = quality.computed_days()
    latest = computed[-1][0] if computed else days.today()
    day = values.day(request.GET.get("day", "")) or latest
    compare = values.day(request.GET.get("compare", ""))
    whole, found = quality.of_day(day)
    other_whole, other = quality.of_day(compare) if compare else (None, [])
    by_route = {row.route: quality.telling(row.figures) for row in other}
    context = {
        "day": day,
        "compare": compare,
        "whole": whole,
        "figures": quality.telling(whole.figures) if whole else {},
        "other": quality.telling(other_whole.figures) if other_whole else None,
        "lines": [_quality_row(row, by_route.get(row.route)) for row in found],
        "trend": _trend(computed),
        "today": days.today(),
        "fixes": _fixes(whole.figures) if whole else [],
        "may_compute": may(actor_of(request), "transit.change_fleet"),
        "tab": "quality",
    }
    return render(request, "transit/control/quality.html", context)


def _quality_row(row: Any, other: dict[str, Any] | None) -> dict[str, Any]:
    figures = quality.telling(row.figures)
    shares = [figures.get(name) or 0.0 for name in ("early", "on_time", "late")]
    before = (other or {}).get("on_time")
    change = None if before is None or figures.get("on_time") is None else round(100 * (figures["on_time"] - before))
    return {
        "line": row.line,
        "route": row.route,
        "figures": figures,
        "bars": [
            {"kind": kind, "x": round(300 * sum(shares[:place]), 1), "width": round(300 * share, 1)}
            for place, (kind, share) in enumerate(zip(("early", "ontime", "late"), shares, strict=True))
            if share
        ],
        "change": None if change is None else f"{change:+d}",
    }


def _trend(computed: list[tuple[dt.date, dict[str, Any], dt.datetime]]) -> list[dict[str, Any]]:
    """The on-time share of the last days as bars of a drawing 100 high; without those of too few calls."""
    shown = [(day, quality.telling(figures)["on_time"]) for day, figures, _at in computed]
    known = [(day, share) for day, share in shown if share is not None]
    return [
        {
            "day": day,
            "x": 8 + 40 * place,
            "height": round(100 * share, 1),
            "y": round(100 - 100 * share, 1),
            "share": share,
        }
        for place, (day, share) in enumerate(known)
    ]


def _fixes(figures: dict[str, Any]) -> list[tuple[str, float]]:
    names = {str(value): str(label) for value, label in VehicleState.FixClass.choices}
    return [(names.get(name, name), share) for name, share in (figures.get("fixes") or {}).items() if share]


@require_POST
def compute(request: HttpRequest) -> HttpResponse:
    """Computes a day anew."""
    day = values.day(request.POST.get("day", "")) or days.today()
    try:
        quality.compute(actor_of(request), day)
        messages.success(request, _("The day has been computed anew."))
    except CityhallError as problem:
        if problem.status == 403:
            raise
        messages.error(request, str(problem))
    return redirect(f"{reverse('transit_control_quality')}?day={day}")


@require_safe
def quality_file(request: HttpRequest, form: str) -> HttpResponse:
    """A day's quality as CSV or JSON; every figure, a row a line, the whole day's first."""
    _require(request)
    day = values.day(request.GET.get("day", "")) or days.today()
    whole, found = quality.of_day(day)
    if whole is None:
        raise Missing(_("This day has not been computed."), mend=_("Compute it on the quality page."))
    if form == "json":
        rows = [{"route": row.route, "line": row.line, **row.figures} for row in (whole, *found)]
        return JsonResponse({"service_day": f"{day}", "rows": rows})
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="quality-{day}.csv"'
    flat = [name for name in quality.FIGURES if name not in ("fixes", "dropped")]
    answer.write(values.BOM)
    table = csv.writer(answer)
    table.writerow(["service_day", "route", "line", *flat, *(f"fix_{name}" for name in quality.FIXES)])
    for row in (whole, *found):
        fixes = row.figures.get("fixes") or {}
        cells = [row.figures.get(name) for name in flat] + [fixes.get(name) for name in quality.FIXES]
        table.writerow([day, values.cell(row.route), values.cell(row.line), *cells])
    return answer
