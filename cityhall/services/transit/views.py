"""Pages of the service."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places import geocoder
from cityhall.services.transit import days, queries, timetables
from cityhall.services.transit.api import make_question, read_point
from cityhall.services.transit.itinerary import Itinerary, walk_only
from cityhall.services.transit.models import FeedVersion, Line
from cityhall.services.transit.plan import network_for, plan
from cityhall.services.transit.riders import walking
from cityhall.services.transit.riders.favourites import JOURNEY, Wanted, is_kept
from cityhall.services.transit.riders.offers import offers
from cityhall.services.transit.riders.trip_pages import Option, live_options
from cityhall.services.transit.riders.walking import Wish
from cityhall.services.transit.wire import feature

MODES = ("leave", "arrive")
PREFERENCES = ("fastest", "fewer_transfers", "less_walking")


@require_safe
def journeys(request: HttpRequest) -> HttpResponse:
    """The journey planner. Every answer has its own address, so it can be shared and kept."""
    form = _form(request)
    wish = walking.wish_of(request)
    context: dict[str, Any] = {"form": form, "version": queries.in_service(), **_walking(wish, form["wheelchair"])}
    if form["from_lon"] and form["to_lon"]:
        try:
            context |= _answer(form, actor_of(request).person_id, wish)
        except CityhallError as problem:
            context["problem"] = problem
    elif form["from"] or form["to"]:
        context["choose"] = True
    if request.headers.get("HX-Target") == "results":
        return render(request, "transit/results.html", context)
    answer = render(request, "transit/journeys.html", context)
    later: CityhallError | None = context.get("problem")
    if later and later.wait_s:
        # A program, a cache or a search engine must not take it for the answer.
        answer.status_code, answer["Retry-After"] = later.status, str(later.wait_s)
    return answer


def _form(request: HttpRequest) -> dict[str, Any]:
    """What was asked for; a name without a position is looked up, so that the page works without a script."""
    get = request.GET
    form: dict[str, Any] = {
        name: get.get(name, "")[:200] for name in ("from", "from_lon", "from_lat", "to", "to_lon", "to_lat")
    }
    for end in ("from", "to"):
        if form[end] and not form[f"{end}_lon"]:
            found = geocoder.search(form[end], limit=1)
            if found:
                form |= {f"{end}_lon": str(found[0].point.lon), f"{end}_lat": str(found[0].point.lat)}
    now = days.now()
    form["date"] = get.get("date") or f"{days.usual_day(now.date()):%Y-%m-%d}" if queries.in_service() else ""
    form["time"] = get.get("time") or f"{now:%H:%M}"
    form["mode"] = get.get("mode") if get.get("mode") in MODES else "leave"
    form["prefer"] = get.get("prefer") if get.get("prefer") in PREFERENCES else "fastest"
    form["wheelchair"] = get.get("wheelchair") == "1"
    return form


def _favourite(form: dict[str, Any]) -> Wanted:
    """The journey asked for, as a favourite."""
    ends = [float(form[name]) for name in ("from_lon", "from_lat", "to_lon", "to_lat")]
    return Wanted("journey", JOURNEY % tuple(ends), f"{form['from']} – {form['to']}")


def _walking(wish: Wish, wheelchair: bool) -> dict[str, Any]:
    """How fast and how far one goes on foot: what was said, what the search goes by, and what can be chosen."""
    return {
        "wish": wish,
        "walking": wish.used(wheelchair),
        "paces": [(name, words) for name, (_speed, words) in walking.PACES.items()],
        "longest": walking.LONGEST,
        "streets_known": network_for(True) is not None,
    }


@require_POST
def keep_walking(request: HttpRequest) -> HttpResponse:
    """Keeps how fast and how far somebody goes, and shows again what they looked at."""
    back = request.META.get("HTTP_REFERER", "")
    allowed = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    response = redirect(back if allowed else "transit")
    wish = walking.read(request.POST.get("pace", ""), request.POST.get("longest", ""))
    walking.keep(actor_of(request), wish, response, secure=request.is_secure())
    return response


def _answer(form: dict[str, Any], person_id: int | None, wish: Wish) -> dict[str, Any]:
    origin = read_point(f"{form['from_lon']},{form['from_lat']}", "from")
    goal = read_point(f"{form['to_lon']},{form['to_lat']}", "to")
    used = wish.used(form["wheelchair"])
    question, asked = make_question(
        origin,
        goal,
        values.day(form["date"]),
        values.clock_time(form["time"]),
        form["mode"],
        form["prefer"],
        form["wheelchair"],
        used.speed,
        used.longest_m,
    )
    found = plan(question)
    journeys = offers(found)
    options = live_options(journeys, days.now()) if question.day == asked else [Option(*one) for one in journeys]
    walk = Option(walk_only(question, found.walk_s)) if found.walk_s is not None else None
    names = {"from": form["from"] or _("Start"), "to": form["to"] or _("Destination")}
    return {
        "options": options,
        "walk": walk,
        "names": names,
        "day": question.day,
        "asked_day": asked,
        "out_of_date": question.day != asked,
        "favourite": _favourite(form),
        "is_favourite": is_kept(person_id, "journey", _favourite(form).reference),
        "map_data": [_drawn(option.itinerary) for option in [*options, *([walk] if walk else [])]],
    }


def _drawn(itinerary: Itinerary) -> dict[str, Any]:
    """A journey for the map."""
    return {"type": "FeatureCollection", "features": [feature(leg) for leg in itinerary.legs]}


@require_safe
def gtfs(request: HttpRequest) -> FileResponse:
    """The timetable in service (GTFS Schedule), as the operator gave it; several feeds as one.

    Realtime feeds name trips and stops as this one does. `?file=2` is the second of several as it came.
    """
    files = timetables.feed_files()
    number = values.whole(request.GET.get("file", "0"), len(files))
    if queries.in_service() is None or number is None:
        raise Http404
    path = files[number - 1] if number else timetables.whole_feed()
    return FileResponse(path.open("rb"), content_type="application/zip", filename="gtfs.zip")


@require_safe
def lines(request: HttpRequest) -> HttpResponse:
    """Every line of the city."""
    found = Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE)
    return render(request, "transit/lines.html", {"lines": found, "version": queries.in_service()})
