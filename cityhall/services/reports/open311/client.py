"""Other cities' GeoReport v2 servers: what is theirs to resolve is sent there, and its status is read back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.errors import Conflict, Invalid, Unavailable
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.work.aside import passing_over
from cityhall.services.reports.models import OtherCity, Report

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("cityhall.reports")
TIMEOUT_S = 15
MOST_ASKED = 500
"""Reports that a city is asked about at once."""
LARGEST = 2_000_000
"""Bytes of an answer that are read."""


def _call(city: OtherCity, method: str, path: str, client: httpx.Client | None, values: dict[str, str]) -> Any:
    """One call, answered as a list of dicts. Raises Unavailable, or Invalid with what the server says of the input."""
    # A sixth of a second of every process, and most ask no other city.
    import httpx

    own = client or httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)
    values = {**values, **({"jurisdiction_id": city.jurisdiction} if city.jurisdiction else {})}
    try:
        asked = {"data": values} if method == "POST" else {"params": values}
        answer = own.request(method, f"{city.url.rstrip('/')}/{path}", **asked)  # type: ignore[arg-type]
    except httpx.HTTPError as problem:
        raise Unavailable(
            _("%(city)s does not answer.") % {"city": city.name}, code="other_city", mend=_("Try again later.")
        ) from problem
    finally:
        if client is None:
            own.close()
    found = _read(answer.content[:LARGEST], answer.headers.get("Content-Type", ""))
    if answer.status_code >= 500:
        raise Unavailable(_("%(city)s does not answer.") % {"city": city.name}, code="other_city")
    if answer.status_code >= 400 or not found:
        said = "; ".join(str(one.get("description", "")) for one in found)[:300]
        raise Invalid(_("%(city)s says: %(said)s") % {"city": city.name, "said": said}, code="other_city")
    return found


def _read(body: bytes, content_type: str) -> list[dict[str, Any]]:
    """JSON or XML, whichever the server speaks; [] for what is neither."""
    import orjson

    try:
        if "xml" in content_type or body.lstrip()[:1] == b"<":
            root: Element = ElementTree.fromstring(body, forbid_dtd=True)
            return [{part.tag: part.text or "" for part in item} for item in root]
        values = orjson.loads(body)
    except (ValueError, ElementTree.ParseError, DefusedXmlException):
        return []
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def service_list(city: OtherCity, client: httpx.Client | None = None) -> list[dict[str, Any]]:
    """What another city takes, for an officer who maps its services to ours."""
    found: list[dict[str, Any]] = _call(city, "GET", "services.json", client, {})
    return found


@transaction.atomic
def send_to(actor: Actor, report_id: int, city: OtherCity, client: httpx.Client | None = None) -> str:
    """Sends a report to the city it belongs to; gives its number or token there. Who reported it is not sent.

    Raises Denied, Conflict where it was sent before or the category has no service there, Unavailable, Invalid.
    """
    case = cases.locked(report_id)
    require(actor, "reports.work_case", case)
    report = Report.objects.select_related("category").get(pk=report_id)
    if "city" in report.elsewhere:
        raise Conflict(_("It was sent before."), code="sent_before")
    code = city.services.get(report.category.slug)
    if not code:
        raise Conflict(
            _("%(city)s has no service for this category.") % {"city": city.name},
            code="no_service",
            mend=_("Add it to the city's services first."),
        )
    values = {
        "service_code": code,
        "lat": f"{report.point.lat:.6f}",
        "long": f"{report.point.lon:.6f}",
        "description": report.text,
        # Cities that grew from one list ask alike; what theirs does not know it passes over.
        **{
            f"attribute[{code}]" + ("[]" if isinstance(answer, list) else ""): answer
            for code, answer in report.answers.items()
        },
        "api_key": settings.SECRETS.get("open311", {}).get(city.slug, ""),
    }
    first = _call(city, "POST", "requests.json", client, values)[0]
    there = _plain(first.get("service_request_id") or first.get("token"))
    if not there:
        raise Unavailable(_("%(city)s gave no number.") % {"city": city.name}, code="other_city")
    kind = "number" if first.get("service_request_id") else "token"
    report.elsewhere = {**report.elsewhere, "city": city.slug, kind: there, "status": "open"}
    report.save(update_fields=["elsewhere"])
    append("reports", "report.sent_elsewhere", {"city": city.slug}, subject=f"case:{case.pk}", actor=str(actor))
    return there


def read_back(city: OtherCity, client: httpx.Client | None = None) -> int:
    """Reads how reports sent to a city stand there; resolves those that are closed. Gives how many changed."""
    changed = 0
    sent = Report.objects.filter(elsewhere__city=city.slug, elsewhere__status="open").select_related("case")
    # In any order: where more wait than are asked for at once, each has its turn.
    for report in sent.order_by("?")[:MOST_ASKED]:
        try:
            with passing_over("reports.other-cities", f"{city.slug} {report.pk}"):
                changed += _read_one(city, report, client)
        except Unavailable as problem:
            # It does not answer: asked about the others now, it would keep the other cities waiting.
            log.warning("report %s in %s: %s", report.pk, city.slug, problem)
            break
    return changed


def _read_one(city: OtherCity, report: Report, client: httpx.Client | None) -> bool:
    there = dict(report.elsewhere)
    if "number" not in there:
        found = _call(city, "GET", f"tokens/{there['token']}.json", client, {})[0]
        if not found.get("service_request_id"):
            return False
        there["number"] = _plain(found["service_request_id"])
    found = _call(city, "GET", f"requests/{there['number']}.json", client, {})[0]
    there["status"], note = (_plain(found.get(name))[:300] for name in ("status", "status_notes"))
    there["status"] = there["status"][:50] or "open"
    if there == report.elsewhere:
        return False
    with transaction.atomic():
        Report.objects.filter(pk=report.pk).update(elsewhere=there)
        if there["status"] == "closed" and report.case.is_open:
            said = f"{city.name}: {note}" if note else city.name
            cases.act(system("open311"), report.pk, "resolve", reason=said)
    return True


def _plain(value: Any) -> str:
    """What another city wrote, as the database keeps it."""
    return str(value or "").replace("\0", "")


def read_all_back() -> None:
    """Every quarter of an hour: how reports stand in other cities."""
    for city in OtherCity.objects.all():
        read_back(city)
