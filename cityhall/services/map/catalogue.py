"""The catalogue of open data (DCAT-AP 3.0), as JSON-LD and as Turtle, from one list of statements."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Service, declared
from cityhall.services.map.opendata import description, licence, of_each, title
from cityhall.services.map.reading import read
from cityhall.web.declares import Feed

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "geo": "http://www.opengis.net/ont/geosparql#",
}
FILE_TYPE = "http://publications.europa.eu/resource/authority/file-type/"
MEDIA_TYPE = "http://www.iana.org/assignments/media-types/"
FORMS = (
    ("geojson", "GEOJSON", "application/geo+json"),
    ("csv", "CSV", "text/csv"),
    ("parquet", "PARQUET", "application/vnd.apache.parquet"),
)
NO_LAYER = Layer("", "", "point")
Node = dict[str, Any]


@require_safe
def catalogue(request: HttpRequest, ending: str) -> HttpResponse:
    """Every public layer, and every feed in a standard form, as a dcat:Dataset with its distributions."""
    if ending not in ("jsonld", "ttl"):
        raise Http404
    nodes = statements(request)
    if ending == "ttl":
        answer = HttpResponse(turtle(nodes), content_type="text/turtle; charset=utf-8")
    else:
        import orjson

        body = {"@context": PREFIXES, "@graph": nodes}
        answer = HttpResponse(orjson.dumps(body), content_type="application/ld+json")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def iri(address: str) -> Node:
    return {"@id": address}


def said(text: str) -> Node:
    return {"@value": text, "@language": get_language() or "en"}


def typed(value: str, kind: str) -> Node:
    return {"@value": value, "@type": kind}


def statements(request: HttpRequest) -> list[Node]:
    """The catalogue, its publisher, data sets and distributions: each a node whose values are nodes."""
    base = request.build_absolute_uri(reverse("map_catalogue", args=["jsonld"]))
    publisher = f"{base}#publisher"
    nodes: list[Node] = [{"@id": publisher, "@type": "foaf:Agent", "foaf:name": said(settings.CITY.name)}]
    datasets = []
    for made in of_each(partial(_dataset, request, base, publisher)):
        datasets.append(iri(made[0]["@id"]))
        nodes += made
    for service, feed in declared(Feed):
        made = _feed(request, base, publisher, service, feed)
        datasets.append(iri(made[0]["@id"]))
        nodes += made
    city = settings.CITY.name
    head = {
        "@id": base,
        "@type": "dcat:Catalog",
        "dct:title": said(_("Open data of %(city)s") % {"city": city}),
        "dct:description": said(_("Every public layer of the city's map, and its feeds.")),
        "dct:publisher": iri(publisher),
        "dct:license": iri(settings.CITY.options.get("map", {}).get("licence", "") or licence(NO_LAYER)),
        "foaf:homepage": iri(request.build_absolute_uri("/")),
        "dcat:dataset": datasets,
    }
    return [head, *nodes]


def _dataset(request: HttpRequest, base: str, publisher: str, name: str, service: Service, layer: Layer) -> list[Node]:
    answers = read(service, layer)
    page = request.build_absolute_uri(reverse("map_ogc_collection", args=[name]))
    forms: list[Node] = [
        {
            "@id": f"{base}#{name}-{ending}",
            "@type": "dcat:Distribution",
            "dct:title": said(f"{title(layer)} ({ending})"),
            "dcat:accessURL": iri(page),
            "dcat:downloadURL": iri(
                request.build_absolute_uri(reverse("map_download", args=[service.slug, layer.slug, ending]))
            ),
            "dct:format": iri(FILE_TYPE + kind),
            "dcat:mediaType": iri(MEDIA_TYPE + media),
            "dct:license": iri(licence(layer)),
        }
        for ending, kind, media in FORMS
    ]
    made: Node = {
        "@id": f"{base}#{name}",
        "@type": "dcat:Dataset",
        "dct:identifier": {"@value": name},
        "dct:title": said(title(layer)),
        "dct:description": said(description(service, layer)),
        "dct:publisher": iri(publisher),
        "dcat:landingPage": iri(page),
        "dcat:keyword": said(str(service.name)),
        "dcat:distribution": [iri(form["@id"]) for form in forms],
    }
    box = answers.extent()
    if box:
        west, south, east, north = box
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        made["dct:spatial"] = {"@type": "dct:Location", "dcat:bbox": typed(f"POLYGON(({ring}))", "geo:wktLiteral")}
    return [made, *forms]


def _feed(request: HttpRequest, base: str, publisher: str, service: Service, feed: Feed) -> list[Node]:
    """What a service publishes in a standard form, as a data set with one distribution."""
    address = request.build_absolute_uri(feed.path)
    form: Node = {
        "@id": f"{base}#feed-{service.slug}-{feed.slug}-as-published",
        "@type": "dcat:Distribution",
        "dct:title": said(f"{feed.name} ({feed.standard})"),
        "dcat:accessURL": iri(address),
        "dct:license": iri(licence(NO_LAYER)),
    }
    made: Node = {
        "@id": f"{base}#feed-{service.slug}-{feed.slug}",
        "@type": "dcat:Dataset",
        "dct:identifier": {"@value": f"{service.slug}-{feed.slug}"},
        "dct:title": said(str(feed.name)),
        "dct:description": said(f"{service.name}: {feed.name} ({feed.standard})."),
        "dct:publisher": iri(publisher),
        "dcat:keyword": said(str(service.name)),
        "dcat:distribution": [iri(form["@id"])],
    }
    return [made, form]


def turtle(nodes: list[Node]) -> str:
    """The nodes as Turtle (RDF 1.1 Turtle)."""
    lines = [f"@prefix {prefix}: <{address}> ." for prefix, address in PREFIXES.items()]
    for node in nodes:
        parts = [f"a {node['@type']}"]
        for key, value in node.items():
            if not key.startswith("@"):
                values = value if isinstance(value, list) else [value]
                if values:
                    parts.append(f"{key} {', '.join(_term(one) for one in values)}")
        lines.append(f"\n{_term(iri(node['@id']))} " + " ;\n    ".join(parts) + " .")
    return "\n".join(lines) + "\n"


def _term(value: Node) -> str:
    if "@id" in value:
        return "<" + "".join(c if c > " " and c not in '<>"{}|^`\\' else f"%{ord(c):02X}" for c in value["@id"]) + ">"
    if "@value" in value:
        escaped = value["@value"].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        ending = f"@{value['@language']}" if "@language" in value else f"^^{value['@type']}" if "@type" in value else ""
        return f'"{escaped}"{ending}'
    inner = " ; ".join(f"{key} {_term(one)}" for key, one in value.items() if not key.startswith("@"))
    return f"[ a {value['@type']} ; {inner} ]"
