"""A refusal of the API names a parameter or a field of the body that its address has, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cityhall.kernel.people.models import Person
from tests.services.transit.conftest import city, folder  # noqa: F401

BAD: tuple[Any, ...] = ("nowhere", "", "-1", "999,999", "1,2,3,4", "9" * 30, "\0", [], [["x"]], {"x": "y"}, None, -1)
Document = dict[str, Any]


def resolved(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def sample(document: Document, schema: dict[str, Any], name: str = "") -> Any:
    """A value that the schema takes, so that only the one that is made bad is at fault."""
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return sample(document, schema["anyOf"][0], name)
    if "allOf" in schema:
        return sample(document, schema["allOf"][0], name)
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required", ())
        return {
            key: sample(document, value, key) for key, value in schema.get("properties", {}).items() if key in wanted
        }
    if kind == "array":
        return [sample(document, schema.get("items", {}))] * schema.get("minItems", 0)
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return True
    known = {"date": "2019-05-15", "date-time": "2019-05-15T08:00:00Z", "time": "08:00:00"}
    places = {
        "from": "-51.23,-30.03",
        "to": "-51.215,-30.045",
        "near": "-51.23,-30.03",
        "bbox": "-51.3,-30.1,-51.1,-29.9",
    }
    return known.get(schema.get("format", "")) or places.get(name) or "x" * max(1, schema.get("minLength", 1))


def names_of(document: Document, operation: dict[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Parameters by name; the body's content type; the body's properties."""
    parameters = {one["name"]: one for one in operation.get("parameters", ())}
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = resolved(document, content["schema"])
        return parameters, kind, schema
    return parameters, "", {}


def tries(document: Document, path: str, operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """(path, query, body) with one value bad in each, and the whole body."""
    parameters, kind, schema = names_of(document, operation)
    good = {name: sample(document, one["schema"], name) for name, one in parameters.items() if one.get("required")}
    body = sample(document, schema) if kind else None
    for name, value in [("", None), *((name, bad) for name in parameters for bad in BAD if isinstance(bad, str))]:
        yield from _request(path, parameters, good | ({name: value} if name else {}), body)
    if isinstance(body, dict):
        for name in schema.get("properties", {}):
            for bad in BAD:
                yield from _request(path, parameters, good, body | {name: bad})
            yield from _request(path, parameters, good, {key: value for key, value in body.items() if key != name})
        yield from _request(path, parameters, good, {})
    if kind:
        for bad in ([], "nowhere", None):
            yield from _request(path, parameters, good, bad)


def _request(
    path: str, parameters: dict[str, Any], values: dict[str, Any], body: Any
) -> Iterator[tuple[str, dict[str, Any], Any]]:
    inside = {name: str(value) for name, value in values.items() if parameters[name]["in"] == "path"}
    if not any(not text or "\0" in text for text in inside.values()):
        query = {name: value for name, value in values.items() if parameters[name]["in"] == "query"}
        yield path.format(**inside), query, body


def ask(client: Client, verb: str, path: str, query: dict[str, Any], kind: str, body: Any) -> Any:
    given: dict[str, Any] = {"query_params": query}
    if kind == "application/json":
        given |= {"data": json.dumps(body), "content_type": kind}
    elif kind and isinstance(body, dict):
        given |= {"data": {name: value for name, value in body.items() if isinstance(value, str | int)}}
        if verb != "post":
            return None
    return getattr(client, verb)(path, **given)


@pytest.mark.slow
def test_each_refusal_names_a_field_of_its_own_operation(city: Path, client: Client) -> None:  # noqa: F811
    client.force_login(Person.objects.create_superuser("all@example.org", "a-long-enough-secret-7"))
    document = client.get("/api/openapi.json").json()
    wrong: set[str] = set()
    refused: set[str] = set()
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            parameters, kind, schema = names_of(document, operation)
            names = {"", *parameters, *schema.get("properties", {})}
            for address, query, body in tries(document, path, operation):
                # Whatever was made goes away again, and what the database refused does not stand in the way.
                with transaction.atomic():
                    answer = ask(client, verb, address, query, kind, body)
                    transaction.set_rollback(True)
                if answer is None or not 400 <= answer.status_code < 500:
                    continue
                if answer.status_code == 404 and not answer["Content-Type"].startswith("application/json"):
                    continue  # No operation has such an address: -1 is no number of a path that wants one.
                field = answer.json().get("field", "")
                refused.add(f"{verb} {path} {field}")
                if field not in names:
                    wrong.add(
                        f"{verb} {path} blames {field!r}: {answer.json()['message']} (query {query}, body {body})"
                    )
    assert not wrong, "\n".join(sorted(wrong))
    # The walk did get to what looks at the values.
    assert "get /api/transit/journeys from" in refused and "get /api/transit/journeys to" in refused
    assert len({line.rpartition(" ")[2] for line in refused}) > 40
