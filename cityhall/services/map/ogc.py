"""OGC API - Features, Part 1: Core (OGC 17-069r4): every public layer as a collection, as JSON and as pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Service
from cityhall.kernel.values import whole
from cityhall.services.map.held import Held
from cityhall.services.map.openapi import document
from cityhall.services.map.opendata import description, licence, of_each, open_layer, open_layers, title
from cityhall.services.map.reading import read
from cityhall.services.map.selection import read_selection
from cityhall.services.map.tiles import tiles_path

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMS = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "html", "geojson")
]
USUAL, MOST = 10, 10_000
GEOJSON = "application/geo+json"
FILE_TYPES = (GEOJSON, "text/csv", "application/vnd.apache.parquet")
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
View = Callable[..., HttpResponse]
Link = dict[str, str]


def _door(view: Callable[..., tuple[str, dict[str, Any]]]) -> View:
    """The view as JSON or, to a browser, as a page; what it refuses in the form of section 7.5.1."""

    @require_safe
    def opened(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        page = _wants_page(request)
        try:
            if request.GET.get("f", "json") not in ("json", "html"):
                raise Invalid(_("f is json or html."), field="f")
            name, body = view(request, *arguments, **named)
        except CityhallError as problem:
            status = 400 if isinstance(problem, Invalid) else problem.status
            if page:
                return render(request, "web/error.html", {"error": problem}, status=status)
            return JsonResponse({"code": problem.code, "description": str(problem)}, status=status)
        if page:
            sets = _data_sets() if name == "landing" else []
            return render(
                request, "map/ogc.html", {"kind": name, "body": body, "tables": _tables(name, body), "sets": sets}
            )
        answer = JsonResponse(body)
        answer.headers["Content-Type"] = GEOJSON if name in ("items", "item") else "application/json"
        if name == "api":
            answer.headers["Content-Type"] = OPENAPI
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Vary"] = "Accept"
        return answer

    return opened


def _wants_page(request: HttpRequest) -> bool:
    if "f" in request.GET:
        return request.GET["f"] == "html"
    return request.get_preferred_type(["application/json", GEOJSON, "text/html"]) == "text/html"


def _only(request: HttpRequest, *known: str) -> None:
    """Refuses parameters that mean nothing here (requirement /req/core/query-param-unknown)."""
    strange = sorted(set(request.GET) - {"f", *known})
    if strange:
        raise Invalid(
            _("There is no parameter %(name)s.") % {"name": strange[0][:100]},
            code="InvalidParameterValue",
            field=strange[0][:100],
            mend=_("Known ones: %(names)s.") % {"names": ", ".join(["f", *known])},
        )


def _link(request: HttpRequest, path: str, rel: str, kind: str = "application/json", what: str = "") -> Link:
    made = {"href": request.build_absolute_uri(path), "rel": rel, "type": kind}
    return made | ({"title": what} if what else {})


def _own_links(request: HttpRequest, kind: str = "application/json") -> list[Link]:
    """This answer, and itself in the other form."""
    query = {key: request.GET.getlist(key) for key in request.GET if key != "f"}
    path = request.path + (f"?{urlencode(query, doseq=True)}" if query else "")
    joined = "&" if query else "?"
    return [
        _link(request, f"{path}{joined}f=json", "self", kind),
        _link(request, f"{path}{joined}f=html", "alternate", "text/html"),
    ]


@_door
def landing(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """The way in (section 7.2)."""
    _only(request)
    return "landing", {
        "title": _("Open data of %(city)s") % {"city": settings.CITY.name},
        "description": _("Every public layer of the city's map, as OGC API - Features."),
        "links": [
            *_own_links(request),
            _link(request, reverse("map_ogc_api") + "?f=json", "service-desc", OPENAPI, _("The API's document")),
            _link(request, reverse("map_ogc_api") + "?f=html", "service-doc", "text/html", _("The API, to read")),
            _link(request, reverse("map_ogc_conformance"), "conformance", what=_("What it conforms to")),
            _link(request, reverse("map_ogc_collections"), "data", what=_("The collections")),
            _link(request, reverse("map_catalogue", args=["jsonld"]), "related", "application/ld+json", "DCAT-AP"),
        ],
    }


@_door
def conformance(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """What is promised (section 7.4)."""
    _only(request)
    return "conformance", {"conformsTo": CONFORMS}


@_door
def api(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """The OpenAPI 3.0 document (section 7.3)."""
    _only(request)
    return "api", document(open_layers(), request.build_absolute_uri(reverse("map_ogc")))


@_door
def collections(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """Every public layer (section 7.13)."""
    _only(request)
    found = of_each(partial(_collection, request))
    return "collections", {"links": _own_links(request), "collections": found}


@_door
def collection(request: HttpRequest, name: str) -> tuple[str, dict[str, Any]]:
    """One of them (section 7.14)."""
    _only(request)
    made = _collection(request, name, *open_layer(name))
    return "collection", made | {"links": [*_own_links(request), *made["links"]]}


def _collection(request: HttpRequest, name: str, service: Service, layer: Layer) -> dict[str, Any]:
    answers = read(service, layer)
    items = reverse("map_ogc_items", args=[name])
    extent: dict[str, Any] = {}
    box, times = answers.extent(), answers.times()
    if box:
        extent["spatial"] = {"bbox": [list(box)], "crs": CRS84}
    if times:
        extent["temporal"] = {"interval": [[_stamp(moment) for moment in times]]}
    return {
        "id": name,
        "title": title(layer),
        "description": description(service, layer),
        "itemType": "feature",
        "crs": [CRS84],
        **({"extent": extent} if extent else {}),
        "links": [
            _link(request, f"{items}?f=json", "items", GEOJSON, title(layer)),
            _link(request, f"{items}?f=html", "items", "text/html", title(layer)),
            *(
                _link(request, path, "enclosure", kind, what)
                for (what, path), kind in zip(_files(service, layer), FILE_TYPES, strict=True)
            ),
            _link(request, tiles_path(service, layer), "tiles", "application/vnd.mapbox-vector-tile"),
        ],
    }


def _files(service: Service, layer: Layer) -> list[tuple[str, str]]:
    """The whole layer as a file: what it is called, and where it is."""
    endings = (("GeoJSON", "geojson"), ("CSV", "csv"), ("GeoParquet", "parquet"))
    return [(what, reverse("map_download", args=[service.slug, layer.slug, ending])) for what, ending in endings]


def _data_sets() -> list[dict[str, Any]]:
    """What there is to have, for the first page: people come for the data, programs for the links."""
    return [
        {
            "title": title(layer),
            "description": description(service, layer),
            "items": f"{reverse('map_ogc_items', args=[name])}?f=html",
            "files": _files(service, layer),
            "licence": licence(layer),
        }
        for name, (service, layer) in open_layers().items()
    ]


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@_door
def items(request: HttpRequest, name: str) -> tuple[str, dict[str, Any]]:
    """A page of features (section 7.15): `bbox`, `datetime`, `limit`, any public field, `after` of the page before."""
    service, layer = open_layer(name)
    _only(request, "bbox", "datetime", "limit", "after", *layer.public_fields)
    limit = min(_number(request, "limit", USUAL, 1), MOST)
    after = _number(request, "after", 0, 0)
    selection = read_selection(layer, request.GET)
    answers = read(service, layer)
    features, following = answers.features(selection, after, limit)
    links = [*_own_links(request, GEOJSON), _link(request, reverse("map_ogc_collection", args=[name]), "collection")]
    if following is not None:
        query = {key: request.GET.getlist(key) for key in request.GET} | {"after": [str(following)]}
        links.append(_link(request, f"{request.path}?{urlencode(query, doseq=True)}", "next", GEOJSON))
    made: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": features,
        "links": links,
        "timeStamp": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "numberReturned": len(features),
    }
    if isinstance(answers, Held):
        made["numberMatched"] = answers.count(selection)
    return "items", made


def _number(request: HttpRequest, name: str, usual: int, least: int) -> int:
    text = request.GET.get(name)
    if text is None:
        return usual
    number = whole(text)
    if number is None or number < least:
        raise Invalid(
            _("%(name)s is no whole number from %(least)s up.") % {"name": name, "least": least},
            code="InvalidParameterValue",
            field=name,
        )
    return number


@_door
def item(request: HttpRequest, name: str, identity: str) -> tuple[str, dict[str, Any]]:
    """One feature (section 7.16)."""
    _only(request)
    found = read(*open_layer(name)).feature(identity)
    if found is None:
        raise Missing(_("There is no such feature."), code="NotFound", mend=_("Look for it among the items."))
    links = [*_own_links(request, GEOJSON), _link(request, reverse("map_ogc_collection", args=[name]), "collection")]
    return "item", found | {"links": links}


def _tables(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a page shows of an answer: its features as rows, each with the way to it."""
    features = body.get("features", [body] if kind == "item" else [])
    named = dict.fromkeys(key for feature in features for key in feature.get("properties") or {})
    fields = [name for name in named if name != "id"]
    rows = [(feature.get("id"), [feature["properties"].get(name) for name in fields]) for feature in features]
    links = {link["rel"]: link["href"] for link in body.get("links", [])}
    return {"fields": fields, "rows": rows, "next": links.get("next", ""), "json": links.get("self", "")}
