"""HTTP API of reports. Filing and "me too" are for everybody; what officers do is in the desk's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile

from cityhall.kernel import values
from cityhall.kernel.cases.workflow import DONE, OPEN
from cityhall.kernel.errors import Invalid
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places.point import Point
from cityhall.services.reports import actions, asking, heat, limits, queries, suggestion
from cityhall.services.reports.categories import chosen
from cityhall.services.reports.duplicates import duplicates
from cityhall.services.reports.filing import MOST_PHOTOS, Filing, file_report
from cityhall.services.reports.models import Category, Photo, Report
from cityhall.services.reports.photo_model import Evidence
from cityhall.services.reports.questions import of_form

router = Router()
SLUG_OR_NONE = r"^[a-z0-9-]*$"


class FiledOut(Schema):
    """A report that was filed. `link` is the only way to follow it without an account: it is not given again."""

    id: int
    link: str
    again: bool = Field(False, description="It had been filed with this key before")


class ReportOut(Schema):
    """A report as the public sees it: `lon` and `lat` are those of an area where the category is sensitive."""

    id: int
    category: str
    state: str
    text: str
    lon: float
    lat: float
    address: str
    agency: str
    filed_at: datetime
    changed_at: datetime
    due_at: datetime | None
    supporters: int
    photos: list[str]


class NearOut(Schema):
    """A report that may be of the same thing; `score` from 0 to 1, `metres` away."""

    id: int
    category: str
    text: str
    score: float
    metres: int
    supporters: int
    filed_at: datetime
    url: str


class SuggestedOut(Schema):
    """A category a text may be of; `share` of certainty from 0 to 1."""

    category: str
    name: str
    share: float


class SeenOut(Schema):
    """What a photo shows: `seen` goes with the next questions about words, so that the photo is sent once."""

    seen: str
    categories: list[SuggestedOut]


class SupportIn(Schema):
    """`named`: the signed-in account hears of what happens."""

    named: bool = False


class SupportOut(Schema):
    """How many others say "me too" by now."""

    id: int
    supporters: int


COLUMNS = (
    *("pk", "category__slug", "category__sensitive", "state", "text", "shown", "address", "case__agency__slug"),
    *("filed_at", "changed_at", "case__due_at", "supporters_count"),
)


def reports_out(reports: QuerySet[Report]) -> list[dict[str, Any]]:
    """Reports as ReportOut has them: two queries, however many."""
    rows = list(reports.values(*COLUMNS))
    photos: dict[int, list[str]] = {}
    published = Photo.objects.filter(report__in=[row["pk"] for row in rows], published__public=True)
    for photo in published.select_related("published"):
        if photo.published is not None:
            photos.setdefault(photo.report_id, []).append(link(photo.published, 960))
    return [
        {
            "id": row["pk"],
            "category": row["category__slug"],
            "state": row["state"],
            "text": "" if row["category__sensitive"] else row["text"],
            "lon": row["shown"].lon,
            "lat": row["shown"].lat,
            "address": "" if row["category__sensitive"] else row["address"],
            "agency": row["case__agency__slug"],
            "filed_at": row["filed_at"],
            "changed_at": row["changed_at"],
            "due_at": row["case__due_at"],
            "supporters": row["supporters_count"],
            "photos": photos.get(row["pk"], []),
        }
        for row in rows
    ]


@router.post("/", response={201: FiledOut, 200: FiledOut}, summary="File a report")
def file(
    request: HttpRequest,
    category: Form[str],
    text: Form[str] = "",
    lon: Form[float | None] = None,
    lat: Form[float | None] = None,
    address: Form[str] = "",
    named: Form[bool] = False,
    email: Form[str] = "",
    key: Form[str] = "",
    photos: File[list[UploadedFile] | None] = None,
) -> Status[dict[str, Any]]:
    """Anybody may. Without `lon` and `lat` the place is the one the camera wrote into the first photo.

    With a `key` (a random UUID) a filing that is sent again is filed once, and answered with 200 and the same link.
    What the category asks further (`/reports/open311/v2/services/{category}.json`) is answered in `attribute[code]`, or
    in `attribute[code][]`, once for each, where several may be chosen.
    """
    filed = file_report(
        actor_of(request),
        Filing(
            category=category,
            text=text,
            lon=lon,
            lat=lat,
            address=address,
            named=named,
            email=email_of(email),
            answers=of_form(request.POST),
            key=key,
            photos=tuple(photo.read() for photo in (photos or [])[: MOST_PHOTOS + 1]),
            source=source_of(request),
        ),
    )
    body = {"id": filed.report.pk, "link": f"/reports/follow/{filed.secret}/", "again": filed.again}
    return Status(200 if filed.again else 201, body)


def email_of(text: str) -> str:
    """An address that can be written to, or "". Raises Invalid."""
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    if not text.strip():
        return ""
    try:
        validate_email(text.strip())
    except ValidationError:
        raise Invalid(
            _("This is no e-mail address."), code="bad_email", field="email", mend=_("Mend it, or leave it empty.")
        ) from None
    return text.strip()


@router.get("/", response=list[ReportOut], summary="Reports, the latest first")
def reports(
    request: HttpRequest,
    category: str = Query("", max_length=50, pattern=SLUG_OR_NONE),
    open: bool | None = Query(None),
    bbox: str = Query("", description="west,south,east,north"),
    before: int = Query(2**62, ge=1, le=2**62, description="Id of the last one of the page before"),
    limit: int = Query(50, ge=1, le=200),
) -> Any:
    """What the public may see."""
    found = queries.public_reports().filter(pk__lt=before)
    if category:
        found = found.filter(category__slug=category)
    if open is not None:
        found = found.filter(state__in=OPEN if open else DONE)
    if bbox:
        found = found.filter(shown__inside=values.box(bbox))
    # Made by us, so it is not checked again on its way out: that would take longer than the queries.
    return HttpResponse(orjson.dumps(reports_out(found.order_by("-pk")[:limit])), content_type="application/json")


@router.get("/map", summary="Reports in a box: points, or cells with their counts")
def map_view(
    request: HttpRequest,
    bbox: str = Query(..., description="west,south,east,north"),
    zoom: float = Query(13, ge=0, le=22),
    category: str = Query("", max_length=50, pattern=SLUG_OR_NONE),
) -> Any:
    """GeoJSON; `kind` says which. Points where at most 1,000 are open in the box."""
    ids = list(Category.objects.filter(slug=category).values_list("pk", flat=True)) if category else None
    found = queries.map_view(values.box(bbox), zoom, ids)
    return HttpResponse(orjson.dumps(found), content_type="application/geo+json")


@router.get("/heat", summary="How many reports lie where, of the whole city")
def heat_map(request: HttpRequest, resolution: int = Query(8, ge=5, le=9), open: bool = Query(True)) -> Any:
    """GeoJSON hexagons (H3) with their `count`."""
    found = heat.heat_geojson(resolution, only_open=open)
    return HttpResponse(orjson.dumps(found), content_type="application/geo+json")


@router.get("/suggest", response=list[SuggestedOut], summary="Which category a text may be of")
def suggest(
    request: HttpRequest,
    text: str = Query("", max_length=500),
    seen: str = Query("", max_length=4000, description="What a photo shows, as POST /suggest says"),
) -> list[dict[str, Any]]:
    """At most three, the likeliest first; none where nothing is likely."""
    return suggested(text, asking.read(seen))


@router.post("/suggest", response=SeenOut, summary="Which category a photo may be of")
def suggest_by_photo(request: HttpRequest, photo: File[UploadedFile], text: Form[str] = "") -> dict[str, Any]:
    """Of a photo of at most 100 kB and 2 megapixels, and the words beside it. Nothing is kept of either."""
    seen = asking.look(photo.read(asking.LARGEST + 1), source_of(request))
    return {"seen": seen, "categories": suggested(text, asking.read(seen))}


def suggested(text: str, told: Evidence) -> list[dict[str, Any]]:
    """As SuggestedOut has them."""
    known = {category.slug: category for category in Category.objects.filter(active=True)}
    found = [(slug, share) for slug, share in suggestion.suggest(text, told=told) if slug in known]
    return [{"category": slug, "name": known[slug].name, "share": share} for slug, share in found]


@router.get("/near", response=list[NearOut], summary="Open reports that may be of the same thing")
def near(
    request: HttpRequest,
    category: str = Query(..., max_length=50),
    lon: float = Query(..., ge=-180, le=180),
    lat: float = Query(..., ge=-90, le=90),
    text: str = Query("", max_length=500),
) -> list[dict[str, Any]]:
    """The likeliest first; none of a sensitive category."""
    found = duplicates(chosen(category), Point(lon, lat), text, timezone.now())
    return [
        {
            "id": report.pk,
            "category": report.category.name,
            "text": report.text[:200],
            "score": round(score, 3),
            "metres": round(metres),
            "supporters": report.supporters_count,
            "filed_at": report.filed_at,
            "url": f"/reports/{report.pk}/",
        }
        for report, score, metres in found
    ]


@router.get("/{report_id}", response=ReportOut, summary="A report")
def report(request: HttpRequest, report_id: int) -> dict[str, Any]:
    """As the public sees it."""
    return reports_out(Report.objects.filter(pk=queries.find_public(report_id).pk))[0]


@router.post("/{report_id}/support", response=SupportOut, summary="Say “me too”")
def support(request: HttpRequest, report_id: int, body: SupportIn) -> dict[str, Any]:
    """Once from each source; a second time changes nothing."""
    limits.check(source_of(request))
    found = actions.support(actor_of(request), report_id, source_of(request), named=body.named)
    return {"id": found.pk, "supporters": found.supporters_count}
