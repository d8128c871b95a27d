"""The HTTP API: one OpenAPI document, one router from each room and service that declares an `Api`.

Every refusal has one form, `Refusal`, whoever refuses: an action, the check of the input, or the sign-in.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.shortcuts import render
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema

from cityhall import __version__
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.service import Api, declared, resolve
from cityhall.web import search
from cityhall.web.declares import Feed
from cityhall.web.failures import refusal_of, wait_of


class Refusal(Schema):
    """What was refused: `code` for programs, `message` and `mend` for people, `field` where one is at fault."""

    code: str
    message: str
    mend: str = ""
    field: str = ""


REFUSALS = {
    "400": "The request cannot be read",
    "403": "The person, or the page it came from, may not do this",
    "404": "There is no such thing",
    "409": "Not in the present state",
    "422": "The input cannot be right",
    "429": "Too many, or too large",
    "503": "Something this stands on is not there now",
}


class CityApi(NinjaAPI):
    """Says in the document what every operation may refuse."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        document["components"].setdefault("schemas", {})["Refusal"] = Refusal.model_json_schema()
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
        for path in document["paths"].values():
            for operation in path.values():
                refusals = REFUSALS | ({"401": "Sign in first"} if operation.get("security") else {})
                # The document's own keys are numbers, where the operation names a status itself.
                named = {str(status) for status in operation["responses"]}
                for status, text in refusals.items():
                    if status not in named:
                        operation["responses"][status] = {"description": text, "content": content}
        return document


class Docs(DocsBase):
    """The document as a page of ours: light, in the city's design, and for a screen reader too."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **parameters: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_params=parameters or None)
        groups: dict[str, list[dict[str, Any]]] = {}
        for path, operations in document["paths"].items():
            for verb, operation in operations.items():
                groups.setdefault(operation["tags"][0], []).append(_described(document, verb, path, operation))
        return render(request, "web/api.html", {"groups": groups, "feeds": declared(Feed)})


def _described(document: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """An operation as the page shows it."""
    return {
        "verb": verb,
        "path": path,
        "id": operation["operationId"],
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "signed_in": bool(operation.get("security")),
        "parameters": [
            {
                "name": parameter["name"],
                "required": parameter.get("required", False),
                "type": _type(document, parameter["schema"]),
                "says": parameter.get("description", parameter["schema"].get("description", "")),
                "default": parameter["schema"].get("default"),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": [
            {"name": name, "type": _type(document, schema), "required": name in body.get("required", ())}
            for body in _bodies(document, operation)
            for name, schema in body.get("properties", {}).items()
        ],
        # One can look at what needs no value.
        "try": path
        if verb == "get" and not any(parameter.get("required") for parameter in operation.get("parameters", []))
        else "",
    }


def _bodies(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    contents = operation.get("requestBody", {}).get("content", {}).values()
    return [_resolved(document, content["schema"]) for content in contents]


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema in a few words: "integer, 1 to 100"."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " | ".join(_type(document, one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    words = [schema.get("format") or str(schema.get("type", "object"))]
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']:g} – {schema['maximum']:g}")
    elif "maxLength" in schema:
        words.append(f"≤ {schema['maxLength']}")
    return ", ".join(words)


api = CityApi(title=f"{settings.CITY.name} — Cityhall", version=__version__, docs_url="/docs", docs=Docs())


@api.exception_handler(CityhallError)
@api.exception_handler(DataError)
@api.exception_handler(RawPostDataException)
def _refuse(request: HttpRequest, error: Exception) -> HttpResponse:
    refusal = refusal_of(request, error)
    assert refusal is not None, "registered for what can be told"
    return wait_of(refusal, api.create_response(request, refusal.to_dict(), status=refusal.status))


def _names(request: HttpRequest) -> frozenset[str]:
    """The names of an operation's parameters and of the fields of its body."""
    match = request.resolver_match
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route) if match else ""
    return _operations().get((path, (request.method or "").lower()), frozenset())


@cache
def _operations() -> dict[tuple[str, str], frozenset[str]]:
    """The names of every operation, by path and method."""
    document = api.get_openapi_schema()
    return {
        (path, verb): frozenset(
            [parameter["name"] for parameter in operation.get("parameters", ())]
            + [name for body in _bodies(document, operation) for name in body.get("properties", {})]
        )
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
    }


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {"loc": [""], "msg": ""}
    known = _names(request)
    place = [str(part) for part in first["loc"]]
    # A fault deep in a body is that of the field which the request has: `ids`, not the place 0 in it.
    start = next((number for number, part in enumerate(place) if number and part in known), len(place))
    field = place[start] if start < len(place) else ""
    said = ".".join(place[start:]) or _("the body")
    body = Refusal(
        code=str(first.get("type", "invalid")),
        message=f"{said}: {first['msg']}",
        mend=_("The API's document says what each value must be: /api/docs"),
        field=field,
    )
    return api.create_response(request, body.model_dump(), status=422)


@api.exception_handler(AuthenticationError)
def _stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    body = Refusal(code="unauthenticated", message=_("Nobody is signed in."), mend=_("Sign in first."))
    return api.create_response(request, body.model_dump(), status=401)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    body = Refusal(code="missing", message=_("There is no such thing."))
    return api.create_response(request, body.model_dump(), status=404)


@api.exception_handler(HttpError)
def _unread(request: HttpRequest, error: HttpError) -> HttpResponse:
    body = Refusal(code="unreadable", message=str(error))
    return api.create_response(request, body.model_dump(), status=error.status_code)


def _router(path: str) -> Router:
    router: Router = resolve(path)
    return router


api.add_router("/search", search.router, tags=["search"])
for owner, item in declared(Api):
    api.add_router(f"/{owner.slug}", _router(item.router), tags=[owner.slug])
