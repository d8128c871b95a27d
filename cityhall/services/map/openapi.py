"""The OpenAPI 3.0 document of the open data (OGC 17-069r4, section 7.3 and annex C's shapes)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from cityhall import __version__
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Service

TEXT = {"type": "string"}
LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {"href": TEXT, "rel": TEXT, "type": TEXT, "title": TEXT, "hreflang": TEXT},
}
LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
GEOMETRY = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {
            "type": "string",
            "enum": [
                *("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
                "GeometryCollection",
            ],
        },
        "coordinates": {"type": "array", "items": {}},
    },
}
FEATURE = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "geometry": {"$ref": "#/components/schemas/geometry"},
        "properties": {"type": "object", "nullable": True},
        "links": LINKS,
    },
}
COLLECTION = {
    "type": "object",
    "required": ["id", "links"],
    "properties": {
        "id": TEXT,
        "title": TEXT,
        "description": TEXT,
        "links": LINKS,
        "itemType": TEXT,
        "crs": {"type": "array", "items": TEXT},
        "extent": {
            "type": "object",
            "properties": {
                "spatial": {
                    "type": "object",
                    "properties": {
                        "bbox": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
                        },
                        "crs": TEXT,
                    },
                },
                "temporal": {
                    "type": "object",
                    "properties": {
                        "interval": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 2,
                                "items": {"type": "string", "format": "date-time", "nullable": True},
                            },
                        }
                    },
                },
            },
        },
    },
}
SCHEMAS = {
    "link": LINK,
    "geometry": GEOMETRY,
    "exception": {"type": "object", "required": ["code"], "properties": {"code": TEXT, "description": TEXT}},
    "landingPage": {
        "type": "object",
        "required": ["links"],
        "properties": {"title": TEXT, "description": TEXT, "links": LINKS},
    },
    "confClasses": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": TEXT}},
    },
    "collection": COLLECTION,
    "collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": LINKS,
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/collection"}},
        },
    },
    "featureGeoJSON": FEATURE,
    "featureCollectionGeoJSON": {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/featureGeoJSON"}},
            "links": LINKS,
            "timeStamp": {"type": "string", "format": "date-time"},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
        },
    },
}
PARAMETERS = {
    "bbox": {
        "name": "bbox",
        "in": "query",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}]}
        | {"items": {"type": "number"}},
    },
    "datetime": {"name": "datetime", "in": "query", "style": "form", "explode": False, "schema": TEXT},
    "limit": {
        "name": "limit",
        "in": "query",
        "style": "form",
        "explode": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10},
    },
    "after": {
        "name": "after",
        "in": "query",
        "style": "form",
        "explode": False,
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**17, "default": 0},
    },
    "f": {"name": "f", "in": "query", "schema": {"type": "string", "enum": ["json", "html"]}},
}


def _get(name: str, summary: str, schema: str, *parameters: Any, kind: str = "application/json") -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/exception"}}, "text/html": {}}
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}, "text/html": {"schema": TEXT}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "tags": ["Features"],
            "parameters": [*parameters, {"$ref": "#/components/parameters/f"}],
            "responses": {
                "200": {"description": summary, "content": content},
                "400": {"description": _("The request cannot be read"), "content": problem},
                "404": {"description": _("There is no such thing"), "content": problem},
            },
        }
    }


def document(layers: dict[str, tuple[Service, Layer]], server: str) -> dict[str, Any]:
    """The document for the public layers as they are now."""
    paths: dict[str, Any] = {
        "/": _get("getLandingPage", _("The way in"), "landingPage"),
        "/conformance": _get("getConformance", _("What it conforms to"), "confClasses"),
        "/collections": _get("getCollections", _("The collections"), "collections"),
    }
    shared = [{"$ref": f"#/components/parameters/{name}"} for name in ("bbox", "datetime", "limit", "after")]
    for name, (_service, layer) in layers.items():
        fields = [
            {"name": field, "in": "query", "description": str(layer.labels.get(field, field)), "schema": TEXT}
            for field in layer.public_fields
            if field not in ("bbox", "datetime", "limit", "after", "f")
        ]
        path, key = f"/collections/{name}", name.replace("-", "_")
        geojson = "application/geo+json"
        identity = {"name": "featureId", "in": "path", "required": True, "schema": TEXT}
        paths[path] = _get(f"describe_{key}", str(layer.name), "collection")
        paths[f"{path}/items"] = _get(
            f"get_{key}", str(layer.name), "featureCollectionGeoJSON", *shared, *fields, kind=geojson
        )
        paths[f"{path}/items/{{featureId}}"] = _get(
            f"get_{key}_feature", _("One feature"), "featureGeoJSON", identity, kind=geojson
        )
    return {
        "openapi": "3.0.3",
        "info": {"title": _("Open data of %(city)s") % {"city": settings.CITY.name}, "version": __version__},
        "servers": [{"url": server.rstrip("/")}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "parameters": PARAMETERS},
    }
