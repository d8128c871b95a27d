"""The doors of the city's one search: a page that works without a script, a list for programs, and pages of places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from ninja import Router, Schema
from ninja.params.functions import Query

from cityhall.kernel.errors import Missing
from cityhall.kernel.places import geocoder, kinds
from cityhall.kernel.places.point import Point
from cityhall.kernel.places.zones import zone_at
from cityhall.kernel.service import declared
from cityhall.kernel.values import decimal
from cityhall.web.declares import PlaceAction
from cityhall.web.searching import LONGEST, MOST, Answer, examples, grouped, search

router = Router()
NAMES_M = 150
"""How far a place's address may be from the name it is shown under."""


class AnswerOut(Schema):
    """Something the city has: `url` leads to it; `group` and `kind` in words; a place has `lon` and `lat`, degrees."""

    group: str
    kind: str
    name: str
    detail: str
    area: str
    icon: str
    url: str
    lon: float | None = None
    lat: float | None = None


@router.get("/", response=list[AnswerOut], summary="Find anything in the city")
def find(
    request: HttpRequest,
    q: str = Query(..., max_length=LONGEST, description="What somebody needs, in their own words"),
    lon: float | None = Query(None, ge=-180, le=180, description="with `lat`: nearer places come first"),
    lat: float | None = Query(None, ge=-90, le=90),
    limit: int = Query(MOST, ge=1, le=MOST),
) -> list[Answer]:
    """Services, what may be done, pages, lines, stops, streets and places; those of a group stand together.

    Kinds ("hospital", "farmácia", "병원") and slightly misspelt words are found, in every language of the city.
    """
    return search(q, (lon, lat) if lon is not None and lat is not None else None, limit)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything in the city by what somebody needs; while nothing is asked, examples of what may be."""
    asked = request.GET.get("q", "").replace("\0", "")[:LONGEST].strip()
    answers = search(asked, _near(request)) if asked else []
    context = {"asked": asked, "groups": grouped(answers), "examples": examples()}
    return render(request, "web/search.html", context)


def _near(request: HttpRequest) -> tuple[float, float] | None:
    """Where the reader said they are, None where the address says nothing that is on the globe."""
    lon, lat = decimal(request.GET.get("lon", "")), decimal(request.GET.get("lat", ""))
    if lon is None or lat is None or abs(lon) > 180 or abs(lat) > 90:
        return None
    return lon, lat


@require_safe
def place(request: HttpRequest) -> HttpResponse:
    """A place: its name, what it is, where, and what may be done with it."""
    near = _near(request)
    if near is None:
        raise Missing(_("There is no such place."), code="no_such_place", mend=_("Search for it by its name."))
    lon, lat = near
    name, kind = _named(lon, lat, request.GET.get("name", "").strip(), request.GET.get("kind", ""))
    zone = zone_at(lon, lat)
    context: dict[str, Any] = {
        "name": name,
        "kind": kinds.kind_name(kind),
        "icon_of_kind": kinds.kind_icon(kind),
        "area": zone.name if zone and zone.name != name else "",
        "here": Point(lon, lat),
        "pin": Point(lon, lat),
        "here_zoom": 16,
        "actions": list(_actions(name, lon, lat)),
    }
    return render(request, "web/place.html", context)


def _named(lon: float, lat: float, said: str, kind: str) -> tuple[str, str]:
    """The name to show and the kind of what is there: what the city has there under that name, else its nearest.

    The address may say any name: one that the city does not have there is not shown as if it had.
    """
    there = geocoder.around(lon, lat, within_m=NAMES_M)
    called = [one for one in there if said in (one.name, *one.names.values())]
    chosen = next((one for one in called if one.kind == kind), called[0] if called else None)
    chosen = chosen or geocoder.here(lon, lat, within_m=NAMES_M)
    return geocoder.label(chosen), chosen.kind


def _actions(name: str, lon: float, lat: float) -> Iterator[dict[str, str]]:
    for _service, item in declared(PlaceAction):
        url = item.url.format(name=quote(name, safe=""), lon=f"{lon:.6f}", lat=f"{lat:.6f}")
        yield {"name": str(item.name), "url": url, "icon": item.icon}
