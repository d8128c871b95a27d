"""Vector tiles over HTTP: cut from what is held, tagged by content, told unchanged where it is (RFC 9110, 13)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import find_layer
from cityhall.kernel.service import Service
from cityhall.services.map.reading import LIVE_S, STILL_S, Answers, at_hand, read, tile
from cityhall.services.map.selection import read_selection

LAST_ZOOM = 22
WORTH_PACKING = 900
TILE = re.compile(r"/map/tiles/([\w-]+)/([\w-]+)/(\d{1,2})/(\d{1,8})/(\d{1,8})\.mvt")


@require_safe
def layer_tile(request: HttpRequest, service: str, slug: str, z: int, x: int, y: int) -> HttpResponse:
    """A tile of a layer, chosen from by its public fields and `datetime`; 204 where it is empty."""
    owner, layer = find_layer(service, slug, actor_of(request))
    given = _tile(owner, read(owner, layer), (z, x, y), request.GET, request.headers.get)
    if given is None:
        raise Http404
    return given


def swift(path: str, query: bytes, headers: dict[bytes, bytes]) -> HttpResponse | None:
    """The same answer from what is in memory, before Django; None where the view must be asked."""
    named = TILE.fullmatch(path)
    found = at_hand(named[1], named[2]) if named else None
    if named is None or found is None:
        return None
    owner, answers = found
    try:
        return _tile(
            owner,
            answers,
            (int(named[3]), int(named[4]), int(named[5])),
            QueryDict(query),
            lambda name, default: headers.get(name.lower().encode(), default.encode()).decode("latin-1"),
        )
    except (CityhallError, SuspiciousOperation):
        return None


def _tile(
    owner: Service,
    answers: Answers,
    address: tuple[int, int, int],
    query: QueryDict,
    header: Callable[[str, str], str],
) -> HttpResponse | None:
    z, x, y = address
    if z > LAST_ZOOM or x >= 1 << z or y >= 1 << z:
        return None
    layer = answers.layer
    selection = read_selection(layer, query)
    packed = "gzip" in header("Accept-Encoding", "")
    chosen = blake2b(selection.key.encode(), digest_size=4).hexdigest()
    tag = f'"{answers.digest}-{z}.{x}.{y}-{chosen}{"-gzip" if packed else ""}"'
    if tag in header("If-None-Match", "").replace("W/", ""):
        return _headers(HttpResponse(status=304), layer, tag)
    body = tile(owner, answers, z, x, y, selection)
    if not body:
        return _headers(HttpResponse(status=204), layer, tag)
    answer = HttpResponse(content_type="application/vnd.mapbox-vector-tile")
    if packed and len(body) > WORTH_PACKING:
        body = gzip.compress(body, 1, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
    answer.content = body
    return _headers(answer, layer, tag)


def _headers(answer: HttpResponse, layer: Layer, tag: str) -> HttpResponse:
    # What people publish they may withdraw: it is asked for again, and by its tag not sent again.
    age = LIVE_S if layer.live or layer.stamp else STILL_S
    answer.headers["ETag"] = tag
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = f"{'private' if layer.permission else 'public'}, max-age={age:.0f}"
    return answer


@require_safe
def tilejson(request: HttpRequest, service: str, slug: str) -> JsonResponse:
    """What a map program must know of a layer's tiles (TileJSON 3.0.0)."""
    owner, layer = find_layer(service, slug, actor_of(request))
    extent = read(owner, layer).extent()
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": str(layer.name),
        "tiles": [request.build_absolute_uri(tiles_path(owner, layer))],
        "minzoom": 0,
        "maxzoom": 16,
        "vector_layers": [{"id": "layer", "fields": dict.fromkeys(layer.public_fields, "")}],
    }
    if extent:
        made["bounds"] = extent
    return JsonResponse(made)


def tiles_path(service: Service, layer: Layer) -> str:
    """The template of a layer's tiles: /map/tiles/transit/stops/{z}/{x}/{y}.mvt."""
    return reverse("map_tilejson", args=[service.slug, layer.slug]).removesuffix(".json") + "/{z}/{x}/{y}.mvt"
