"""Open data: what OGC API - Features, the downloads and the catalogue give, and what can never be in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyarrow.parquet as pq
import pyogrio
import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from cityhall.kernel.service import declared
from cityhall.services.map.openapi import SCHEMAS
from cityhall.services.map.opendata import open_layers
from cityhall.web.declares import Feed

OGC = "/map/ogc"
PROMISED = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    "response_schema_conformance",
]
pytestmark = pytest.mark.django_db


def get(path: str, **query: Any) -> Any:
    answer = Client().get(path, query, headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.content
    return answer.json()


def fits(body: Any, schema: str) -> None:
    """The body has the shape that annex C of the standard gives."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema_rs.validator_for(document).validate(body)


def test_from_the_landing_page_to_a_feature(fleet: Any) -> None:
    landing = get(f"{OGC}/")
    fits(landing, "landingPage")
    links = {link["rel"]: link["href"] for link in landing["links"]}
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(links)
    fits(get(links["conformance"]), "confClasses")
    collections = get(links["data"])
    fits(collections, "collections")
    vehicles = next(one for one in collections["collections"] if one["id"] == "transit-vehicles")
    assert vehicles["extent"]["temporal"]["interval"][0][0].endswith("Z")
    items = next(link["href"] for link in vehicles["links"] if link["rel"] == "items")
    page = get(items)
    fits(page, "featureCollectionGeoJSON")
    assert page["numberReturned"] == 10 and page["numberMatched"] == 40
    seen = []
    while True:
        seen += [feature["id"] for feature in page["features"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        page = get(following[0])
    assert len(seen) == len(set(seen)) == 40
    feature = get(f"{OGC}/collections/transit-vehicles/items/{seen[0]}")
    fits(feature, "featureGeoJSON")
    assert feature["properties"]["id"].startswith("bus-")


def test_choosing(fleet: Any) -> None:
    items = f"{OGC}/collections/transit-vehicles/items"
    assert get(items, bbox="-51.25,-30.05,-51.242,-30.042", limit=100)["numberMatched"] == 5
    assert get(items, bbox="-51.25,-30.05,0,-51.242,-30.042,9", limit=100)["numberMatched"] == 5
    assert get(items, status="off_route", limit=100)["numberMatched"] == 10
    assert get(items, datetime="../2001-01-01T00:00:00Z")["numberMatched"] == 0
    assert get(items, datetime="2001-01-01T00:00:00Z/..")["numberMatched"] == 40
    # East of the box's west edge, across the antimeridian, to its east edge.
    assert get(items, bbox="170,-80,-51.242,80", limit=100)["numberMatched"] == 5


@pytest.mark.parametrize(
    "query",
    [
        {"bbox": "1,2,3"},
        {"bbox": "a,b,c,d"},
        {"bbox": "0,50,1,40"},
        {"datetime": "yesterday"},
        {"datetime": "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z"},
        {"limit": "0"},
        {"limit": "many"},
        {"after": "-1"},
        {"colour": "red"},
        {"f": "xml"},
    ],
    ids=str,
)
def test_what_is_refused(city: Path, query: dict[str, str]) -> None:
    answer = Client().get(f"{OGC}/collections/transit-stops/items", query, headers={"accept": "application/json"})
    assert answer.status_code == 400
    fits(answer.json(), "exception")


def test_pages_for_people(fleet: Any) -> None:
    for path in ("/", "/conformance", "/api", "/collections", "/collections/transit-stops"):
        answer = Client().get(f"{OGC}{path}", headers={"accept": "text/html,*/*;q=0.5"})
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"), path
    first = Client().get(f"{OGC}/?f=html").content.decode()
    assert 'href="/map/data/transit/vehicles.csv" download' in first and "licenses/by/4.0" in first
    page = Client().get(f"{OGC}/collections/transit-vehicles/items?f=html").content.decode()
    assert "<td>L1</td>" in page and f"after={fleet[9].pk}" in page


@pytest.fixture
def application() -> Iterator[Any]:
    """The city as a WSGI application that leaves the test's connection open, as Django's own test client does."""
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    application = get_wsgi_application()
    # The caller takes what is packed for what it is.
    yield lambda environ, start: application(environ | {"HTTP_ACCEPT_ENCODING": "identity"}, start)
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


def test_the_answers_are_as_the_document_says(fleet: Any, application: Any) -> None:
    """Every operation of our OpenAPI document is asked for with generated values, and answers as it says."""
    schema = schemathesis.openapi.from_wsgi(f"{OGC}/api?f=json", application)
    checks = CHECKS.get_by_names(PROMISED)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def one(case: Any) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(checks=checks)

        one()
    assert tried > 50


@pytest.mark.parametrize("ending", ["geojson", "csv", "parquet"])
@pytest.mark.parametrize("layer", ["vehicles", "stops", "lines"])
def test_downloads_can_be_opened(fleet: Any, tmp_path: Path, layer: str, ending: str) -> None:
    answer = Client().get(f"/map/data/transit/{layer}.{ending}")
    assert answer.status_code == 200
    file = tmp_path / f"layer.{ending}"
    file.write_bytes(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    expected = get(f"{OGC}/collections/transit-{layer}/items", limit=1000)["numberMatched"]
    if ending == "parquet":
        table = pq.read_table(file)
        assert table.num_rows == expected and json.loads(table.schema.metadata[b"geo"])["version"] == "1.1.0"
    else:
        assert pyogrio.read_info(file)["features"] == expected


def test_a_formula_does_not_leave_as_one(fleet: Any) -> None:
    from cityhall.services.transit.models import VehicleState

    VehicleState.objects.update(line="=HYPERLINK(1)")
    body = b"".join(Client().get("/map/data/transit/vehicles.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=HYPERLINK(1)" in body and ",=HYPERLINK" not in body


def test_the_catalogue(fleet: Any) -> None:
    graph = Client().get("/map/catalogue.jsonld").json()["@graph"]
    sets = [node for node in graph if node["@type"] == "dcat:Dataset"]
    assert {node["dct:identifier"]["@value"] for node in sets} == set(open_layers()) | {
        f"{service.slug}-{feed.slug}" for service, feed in declared(Feed)
    }
    forms = [node for node in graph if node["@type"] == "dcat:Distribution"]
    for node in forms:
        for name in ("dcat:downloadURL", "dcat:accessURL"):
            if "#feed-" not in node["@id"]:
                assert Client().get(node[name]["@id"], headers={"accept": "application/json"}).status_code == 200
    layers = [node for node in sets if "#feed-" not in node["@id"]]
    assert len(forms) == 3 * len(layers) + len(sets) - len(layers)
    text = Client().get("/map/catalogue.ttl").content.decode()
    assert text.count("a dcat:Distribution") == len(forms)
