"""What GeoReport v2 answers, as values, and as JSON or XML.

Source: https://wiki.open311.org/GeoReport_v2/, the sections of each method. In XML a list is an element of its items:
`names` says how each is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _

from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.services.reports.models import Category, Report
from cityhall.services.reports.queries import public_text
from cityhall.services.reports.questions import questions

JSON, XML = "json", "xml"
TYPES = {JSON: "application/json; charset=utf-8", XML: "text/xml; charset=utf-8"}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What no XML 1.0 document may hold (section 2.2)."""


@dataclass(frozen=True, slots=True)
class Names:
    """How a list and its items are called in XML, and the lists inside an item."""

    list: str
    item: str
    inside: dict[str, Names] | None = None


SERVICES = Names("services", "service")
REQUESTS = Names("service_requests", "request")
ERRORS = Names("errors", "error")
DEFINITION = Names("service_definition", "attribute", {"values": Names("values", "value")})


def service(category: Category) -> dict[str, Any]:
    """An entry of GET Service List."""
    return {
        "service_code": category.slug,
        "service_name": category.name,
        "description": category.name,
        "metadata": bool(category.asks),
        "type": "realtime",
        "keywords": ", ".join(category.words[:8]),
        "group": category.parent.name if category.parent else "",
    }


def attributes(category: Category) -> list[dict[str, Any]]:
    """The attributes of GET Service Definition."""
    return [
        {
            "variable": True,
            "code": question.code,
            "datatype": question.kind,
            "required": question.required,
            "datatype_description": "",
            "order": place,
            "description": question.text,
            "values": [{"key": key, "name": name} for key, name in question.choices],
        }
        for place, question in enumerate(questions(category), start=1)
    ]


def request(report: Report, photo_url: str = "") -> dict[str, Any]:
    """An entry of GET Service Requests: only what the public may see."""
    case = report.case
    note = State(report.state).label
    return {
        "service_request_id": str(report.pk),
        "status": "open" if report.state in OPEN else "closed",
        "status_notes": str(note),
        "service_name": report.category.name,
        "service_code": report.category.slug,
        "description": public_text(report),
        "agency_responsible": case.agency.name,
        "service_notice": "",
        "requested_datetime": moment(report.filed_at),
        "updated_datetime": moment(report.changed_at),
        "expected_datetime": moment(case.due_at),
        "address": "" if report.category.sensitive else report.address,
        "address_id": "",
        "zipcode": "",
        "lat": round(report.shown.lat, 6),
        "long": round(report.shown.lon, 6),
        "media_url": photo_url,
    }


def moment(at: datetime | None) -> str | None:
    """A time as the standard has it: ISO 8601 to the second with its offset, on the city's clock."""
    return at.astimezone(settings.CITY.zone).isoformat(timespec="seconds") if at else None


def answer(values: list[dict[str, Any]], form: str, names: Names, status: int = 200) -> HttpResponse:
    """A list in the wanted form."""
    body = orjson.dumps(values) if form == JSON else _document(_list(names, values))
    return HttpResponse(body, content_type=TYPES[form], status=status)


def definition(category: Category, form: str) -> HttpResponse:
    """GET Service Definition."""
    items = attributes(category)
    if form == JSON:
        return HttpResponse(
            orjson.dumps({"service_code": category.slug, "attributes": items}), content_type=TYPES[JSON]
        )
    root = ElementTree.Element("service_definition")
    _put(root, "service_code", category.slug)
    root.append(_list(Names("attributes", "attribute", DEFINITION.inside), items))
    return HttpResponse(_document(root), content_type=TYPES[XML])


def errors(form: str, status: int, description: str) -> HttpResponse:
    """A refusal: the standard wants the HTTP status as the code, and a text that a person can read."""
    return answer([{"code": str(status), "description": description}], form, ERRORS, status)


def discovery(base: str, form: str) -> HttpResponse:
    """Service discovery (https://wiki.open311.org/Service_Discovery/)."""
    formats = ["text/xml", "application/json"]
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{base}/reports/open311/v2",
        "type": "production",
        "formats": formats,
        "changeset": "2026-11-24T00:00:00Z",
    }
    head = {
        "changeset": "2026-11-24T00:00:00Z",
        "contact": _("Write to %(city)s.") % {"city": settings.CITY.name},
        "key_service": "",
    }
    if form == JSON:
        return HttpResponse(orjson.dumps({**head, "endpoints": [endpoint]}), content_type=TYPES[JSON])
    root = ElementTree.Element("discovery", xmlns="http://www.open311.org/ns")
    for name, value in head.items():
        _put(root, name, value)
    one = ElementTree.SubElement(ElementTree.SubElement(root, "endpoints"), "endpoint")
    for name in ("specification", "url", "changeset", "type"):
        _put(one, name, endpoint[name])
    forms = ElementTree.SubElement(one, "formats")
    for kind in formats:
        _put(forms, "format", kind)
    return HttpResponse(_document(root), content_type=TYPES[XML])


def _list(names: Names, values: list[dict[str, Any]]) -> ElementTree.Element:
    root = ElementTree.Element(names.list)
    for value in values:
        item = ElementTree.SubElement(root, names.item)
        for name, part in value.items():
            if isinstance(part, list):
                item.append(_list((names.inside or {})[name], part))
            else:
                _put(item, name, part)
    return root


def _put(parent: ElementTree.Element, name: str, value: Any) -> None:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    ElementTree.SubElement(parent, name).text = _NO_XML.sub("", text)


def _document(root: ElementTree.Element) -> bytes:
    body: bytes = ElementTree.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body
