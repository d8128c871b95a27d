"""The map page, and what it asks for while one looks around."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from cityhall.kernel.errors import Invalid
from cityhall.kernel.indicators.reading import headlines
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, roles
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import find_layer
from cityhall.kernel.values import decimal, link, moment, whole
from cityhall.services.map import actions
from cityhall.services.map.facets import Facet
from cityhall.services.map.models import SavedView, Trail
from cityhall.services.map.reading import Answers, read
from cityhall.services.map.replay import sightings, tracks
from cityhall.services.map.rollups import choropleth, heat, resolution_for
from cityhall.services.map.selection import Selection, read_selection
from cityhall.services.map.specs import layer_specs, outside_specs, spans, words
from cityhall.services.map.table import seconds
from cityhall.web import undo
from cityhall.web.security import policy

ROWS = 50
BARS = 48
CLOSE = 16
"""The zoom at which one sees a place and what is around it."""
LONGEST = timedelta(hours=2)


@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The one map; with `lon` and `lat`, close to a place; with `layers` ("transit.stops,reports.all"), of those."""
    lon, lat = decimal(request.GET.get("lon", "")), decimal(request.GET.get("lat", ""))
    there = lon is not None and lat is not None and abs(lon) <= 180 and abs(lat) <= 90
    state: dict[str, Any] = {"center": [lon, lat], "zoom": CLOSE} if there else {}
    if asked := request.GET.get("layers", ""):
        # What there is not, or is not for the reader, the map passes over.
        state["layers"] = {one.replace(".", "/", 1): {} for one in asked[:500].split(",") if one}
    return _page(request, {"state": state} if state else {})


@ensure_csrf_cookie
@require_safe
def view_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The map as a saved view has it."""
    view = actions.find_view(actor_of(request), public_id)
    return _page(request, {"view": view, "state": view.state})


@ensure_csrf_cookie
@require_safe
def screen(request: HttpRequest) -> HttpResponse:
    """The map for a wall of the city hall: no chrome, large numbers, views one after another."""
    views = [
        {"name": view.name, "state": view.state}
        for view in actions.views_of(actor_of(request))
        if view.audience == SavedView.Audience.PUBLIC or request.GET.get("views") == "all"
    ]
    return _page(request, {"screen": True, "cycle": views, "numbers": numbers()})


def _page(request: HttpRequest, more: dict[str, Any]) -> HttpResponse:
    actor = actor_of(request)
    outside = outside_specs()
    layers = layer_specs(actor)
    groups: dict[str, list[dict[str, Any]]] = {}
    for layer in layers:
        groups.setdefault(layer["group"], []).append(layer)
    now = timezone.localtime(timezone=settings.CITY.zone)
    context = {
        "layers": layers,
        "groups": groups,
        "outside": outside,
        "words": words(),
        "views": actions.views_of(actor),
        "may_publish": may(actor, "map.publish_dataset"),
        "may_share": actions.may_share(actor),
        "roles": [(slug, role.name) for slug, role in sorted(roles().items())] if actions.may_share(actor) else [],
        "hour": max(now - timedelta(hours=1), _first_kept(now)).strftime("%Y-%m-%dT%H:%M"),
        "latest": now.strftime("%Y-%m-%dT%H:%M"),
        "spans": spans(),
        "state": {},
        "cycle": [],
    }
    answer = render(request, "map/page.html", context | more)
    answer.headers["Content-Security-Policy"] = policy(tuple(one["tiles"] for one in outside))
    return answer


def _first_kept(now: datetime) -> datetime:
    """From when on there may be something to replay."""
    first = Trail.objects.order_by("at").values_list("at", flat=True).first()
    return first.astimezone(settings.CITY.zone) if first else now - timedelta(hours=1)


def numbers() -> list[dict[str, Any]]:
    """Every headline indicator of the city."""
    return [
        {
            "name": str(one.indicator.name),
            "value": one.value,
            "unit": one.indicator.unit,
            "service": str(one.service.name),
        }
        for one in headlines()
    ]


@require_safe
def numbers_now(request: HttpRequest) -> JsonResponse:
    """The same, for a screen that stays open."""
    return JsonResponse({"numbers": numbers()})


def _asked(request: HttpRequest, service: str, slug: str) -> tuple[Layer, Answers, Selection]:
    owner, layer = find_layer(service, slug, actor_of(request))
    return layer, read(owner, layer), read_selection(layer, request.GET)


def _json(body: dict[str, Any], layer: Layer) -> HttpResponse:
    # A heat map is long: ten times as quick as the json of Python's library.
    answer = HttpResponse(
        orjson.dumps(body, default=str, option=orjson.OPT_SERIALIZE_NUMPY), content_type="application/json"
    )
    answer.headers["Cache-Control"] = "private, max-age=2" if layer.permission else "public, max-age=2"
    return answer


@require_safe
def summary(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """How many features the view has, and the layer's facets in it."""
    layer, answers, selection = _asked(request, service, slug)
    body: dict[str, Any] = {"count": answers.count(selection)}
    if request.GET.get("facets") == "1":
        body["facets"] = [
            _facet(layer, facet) for facet in answers.facets(selection) if facet.field not in layer.unshown
        ]
    return _json(body, layer)


def _facet(layer: Layer, facet: Facet) -> dict[str, Any]:
    return {
        "field": facet.field,
        "label": str(layer.labels.get(facet.field, facet.field)),
        "counts": [{"value": value, "count": count} for value, count in facet.counts],
        "bars": facet.bars,
        "more": facet.more,
    }


@require_safe
def heat_map(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """The view's H3 cells with their counts, in cells that suit `zoom`."""
    layer, answers, selection = _asked(request, service, slug)
    try:
        resolution = resolution_for(float(request.GET.get("zoom", "12")))
    except (ValueError, OverflowError) as problem:
        raise Invalid(_("zoom is no number."), field="zoom") from problem
    return _json(heat(answers, selection, resolution), layer)


@require_safe
def zone_map(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """The districts with their counts."""
    layer, answers, selection = _asked(request, service, slug)
    return _json(choropleth(answers, selection), layer)


@require_safe
def timeline(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """How many features of the view there are in each of BARS equal parts of `datetime`, which has both ends."""
    layer, answers, selection = _asked(request, service, slug)
    if selection.since is None or selection.until is None or selection.since == selection.until:
        raise Invalid(_("datetime has no beginning and end."), field="datetime")
    return _json({"counts": answers.timeline(selection, BARS)}, layer)


@require_safe
def table(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """The features of the view as rows: the layer for who does not look at a map."""
    layer, answers, selection = _asked(request, service, slug)
    after = whole(request.GET.get("after", "")) or 0
    features, following = answers.features(selection, after, ROWS)
    query = request.GET.copy()
    query["after"] = str(following or 0)
    fields = [name for name in layer.public_fields if name not in layer.unshown]
    words = {name: layer.words(name) for name in fields}
    rows = [
        {
            "id": one["id"],
            "url": link(one["properties"].get("url")) or layer.panel.replace("{id}", quote(str(one["id"]))),
            "values": [_told(layer, name, one["properties"].get(name), words[name]) for name in fields],
            "place": one["geometry"]["coordinates"] if one["geometry"]["type"] == "Point" else None,
        }
        for one in features
    ]
    context = {
        "layer": layer,
        "fields": [layer.labels.get(name, name) for name in fields],
        "rows": rows,
        "count": answers.count(selection),
        "next": f"{request.path}?{query.urlencode()}" if following is not None else "",
        "first": after == 0,
    }
    return render(request, "map/table.html", context)


def _told(layer: Layer, name: str, value: Any, words: dict[str, str]) -> Any:
    """A value as people read it: in words, and moments on the city's clock."""
    if name == layer.time and value:
        moment = datetime.fromtimestamp(seconds(value), settings.CITY.zone)
        return date_format(moment, "SHORT_DATETIME_FORMAT")
    return words.get(str(value), value)


@require_safe
def replay(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """Where things were from `start` on (city's clock where no zone is said), for `minutes`."""
    owner, layer = find_layer(service, slug, actor_of(request))
    start = _moment(request.GET.get("start", ""))
    minutes = whole(request.GET.get("minutes", ""), 999)
    span = min(timedelta(minutes=60 if minutes is None else minutes), LONGEST)
    found = tracks(sightings(owner, layer, start, start + span))
    return _json({"start": start.timestamp(), "end": (start + span).timestamp(), "tracks": found}, layer)


def _moment(text: str) -> datetime:
    found = moment(text, settings.CITY.zone)
    if found is None:
        raise Invalid(_("start is no moment."), field="start", mend=_("Write 2026-01-31T08:00."))
    return found.astimezone(UTC)


@require_http_methods(["POST"])
def save_view(request: HttpRequest) -> JsonResponse:
    """Keeps a view, or changes one."""
    body = _body(request)
    view = actions.save_view(
        actor_of(request),
        name=str(body.get("name", "")),
        state=body.get("state"),
        audience=str(body.get("audience", "private")),
        role=str(body.get("role", "")),
        public_id=str(body.get("id", "")),
    )
    url = reverse("map_view", args=[view.public_id])
    return JsonResponse({"id": str(view.public_id), "name": view.name, "url": url}, status=201)


@require_http_methods(["POST"])
def delete_view(request: HttpRequest, public_id: str) -> HttpResponse:
    """Deletes one's own view; the answer has the way back, for the map's script or on the page of what is theirs."""
    view = actions.delete_view(actor_of(request), public_id)
    restore = reverse("map_restore_view", args=[public_id])
    if not _is_form(request):
        return JsonResponse({"restore": restore})
    undo.done(request, _("%(name)s is deleted.") % {"name": view.name}, restore)
    return redirect("mine")


@require_http_methods(["POST"])
def restore_view(request: HttpRequest, public_id: str) -> HttpResponse:
    """Brings one's own deleted view back."""
    view = actions.restore_view(actor_of(request), public_id)
    if not _is_form(request):
        return JsonResponse({})
    messages.success(request, _("%(name)s is here again.") % {"name": view.name})
    return redirect("mine")


def _is_form(request: HttpRequest) -> bool:
    """Whether a page's form asks, and not the map's script."""
    return "text/html" in request.headers.get("Accept", "")


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except ValueError as problem:
        raise Invalid(_("The request is no JSON.")) from problem
    if not isinstance(body, dict):
        raise Invalid(_("The request is no JSON."))
    return body
