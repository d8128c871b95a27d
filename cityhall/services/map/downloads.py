"""A whole layer as a file: GeoJSON (RFC 7946), CSV, GeoParquet 1.1. Written a page at a time, however large it is."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from io import StringIO
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Service
from cityhall.kernel.values import BOM, cell
from cityhall.services.map.opendata import every_feature, open_layer
from cityhall.services.map.selection import Selection, read_selection

KINDS = {
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
PIECE = 256 * 1024


@require_safe
def download(request: HttpRequest, service: str, slug: str, ending: str) -> HttpResponse | StreamingHttpResponse:
    """A public layer, or what the query chooses of it, as a file to keep."""
    if ending not in KINDS:
        raise Http404
    owner, layer = open_layer(f"{service}-{slug}")
    selection = read_selection(layer, request.GET)
    name = f"{service}-{slug}.{ending}"
    if ending == "parquet":
        file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the answer)
        write_parquet(owner, layer, selection, file)
        file.seek(0)
        pieces: Iterator[bytes] = iter(lambda: file.read(PIECE), b"")
    else:
        pieces = geojson(owner, layer, selection) if ending == "geojson" else rows(owner, layer, selection)
    answer = StreamingHttpResponse(pieces, content_type=KINDS[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def geojson(service: Service, layer: Layer, selection: Selection) -> Iterator[bytes]:
    """A FeatureCollection in pieces."""
    yield b'{"type":"FeatureCollection","features":['
    first = True
    for page in every_feature(service, layer, selection):
        if page:
            yield (b"" if first else b",") + b",".join(orjson.dumps(feature) for feature in page)
            first = False
    yield b"]}"


def rows(service: Service, layer: Layer, selection: Selection) -> Iterator[bytes]:
    """A table in pieces (RFC 4180): id, longitude and latitude, then the public fields; other shapes as WKT."""
    text = StringIO()
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow(["id", "longitude", "latitude", *map(cell, _fields(layer)), "geometry"])
    for page in every_feature(service, layer, selection):
        for feature in page:
            place = feature["geometry"]
            point = place["type"] == "Point"
            at = place["coordinates"][:2] if point else ["", ""]
            shape = "" if point else shapely.geometry.shape(place).wkt
            values = [cell(feature["properties"].get(name)) for name in _fields(layer)]
            writer.writerow([cell(feature["id"]), *at, *values, shape])
        if page:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _fields(layer: Layer) -> list[str]:
    return [name for name in layer.public_fields if name != "id"]


def write_parquet(service: Service, layer: Layer, selection: Selection, file: BinaryIO) -> None:
    """GeoParquet 1.1.0: WKB in "geometry", longitude and latitude of WGS 84 (CRS84, its default)."""
    pages = list(_kinds(service, layer, selection))
    kinds = {name: _type([kind for page in pages for kind in page[name]]) for name in _fields(layer)}
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    schema = pa.schema(
        [("id", pa.string()), *((name, kind) for name, kind in kinds.items()), ("geometry", pa.binary())],
        metadata={"geo": json.dumps(geo)},
    )
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for page in every_feature(service, layer, selection):
            shapes = [shapely.geometry.shape(feature["geometry"]) for feature in page]
            made: dict[str, Any] = {"id": [str(feature["id"]) for feature in page], "geometry": shapely.to_wkb(shapes)}
            for name, kind in kinds.items():
                values = [feature["properties"].get(name) for feature in page]
                made[name] = (
                    [None if value is None else str(value) for value in values] if kind == pa.string() else values
                )
            writer.write_table(pa.table(made, schema=schema))


def _kinds(service: Service, layer: Layer, selection: Selection) -> Iterator[dict[str, set[type]]]:
    """Which types of value each field has, a page at a time: a file's columns must be known before its first row."""
    for page in every_feature(service, layer, selection):
        yield {name: {type(feature["properties"].get(name)) for feature in page} for name in _fields(layer)}


def _type(kinds: list[type]) -> pa.DataType:
    found = set(kinds) - {type(None)}
    if found and found <= {bool}:
        return pa.bool_()
    if found and found <= {int}:
        return pa.int64()
    return pa.float64() if found and found <= {int, float} else pa.string()
