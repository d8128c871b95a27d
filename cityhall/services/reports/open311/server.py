"""The city's own GeoReport v2 server. Filing goes through the one action; reading sees what the public may see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from cityhall.kernel.cases.workflow import DONE, OPEN
from cityhall.kernel.errors import CityhallError, Denied, Invalid, Missing
from cityhall.kernel.limits.sources import pseudonym, source_of
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.kernel.places import geocoder
from cityhall.kernel.values import decimal, moment, url_parts, whole
from cityhall.services.reports import questions
from cityhall.services.reports.categories import options
from cityhall.services.reports.filing import MOST_PHOTOS, Filing, file_report, plain
from cityhall.services.reports.following import followed
from cityhall.services.reports.models import ApiKey, Category, Photo, Report
from cityhall.services.reports.open311 import documents
from cityhall.services.reports.queries import public_reports

MOST = 1000
SPAN = timedelta(days=90)
"""Both as the standard has them: the requests a list holds, and how far back it goes where no start is given."""
View = Callable[..., HttpResponse]


def door(*methods: str) -> Callable[[View], View]:
    """Answers refusals in the standard's form; keeps to the methods. Anybody's program may call, so no CSRF token."""

    def around(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def checked(request: HttpRequest, *, form: str, **values: Any) -> HttpResponse:
            if form not in documents.TYPES:
                return documents.errors(documents.JSON, 404, _("There is JSON and XML."))
            if request.method not in methods:
                refusal = documents.errors(form, 405, _("This method is not taken here."))
                refusal["Allow"] = ", ".join(methods)
                return refusal
            try:
                wanted = request.GET.get("jurisdiction_id") or request.POST.get("jurisdiction_id")
                if wanted and wanted not in (settings.CITY.slug, options().get("jurisdiction")):
                    raise Missing(_("jurisdiction_id was not found."))
                return view(request, form=form, **values)
            except CityhallError as problem:
                # 422 and 409 are not of the standard's few codes.
                status = problem.status if problem.status in (400, 403, 404, 413, 429, 503) else 400
                return documents.errors(form, status, str(problem))

        return checked

    return around


@door("GET", "HEAD")
def discovery(request: HttpRequest, form: str) -> HttpResponse:
    """Where the server is."""
    return documents.discovery(settings.PUBLIC_URL, form)


@door("GET", "HEAD")
def services(request: HttpRequest, form: str) -> HttpResponse:
    """GET Service List."""
    found = Category.objects.filter(active=True, agency__isnull=False).select_related("parent")
    return documents.answer([documents.service(category) for category in found], form, documents.SERVICES)


@door("GET", "HEAD")
def definition(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """GET Service Definition."""
    category = Category.objects.filter(slug=plain(code), active=True, agency__isnull=False).first()
    if category is None:
        raise Missing(_("service_code was not found."))
    return documents.definition(category, form)


@door("GET", "HEAD", "POST")
def requests(request: HttpRequest, form: str) -> HttpResponse:
    """GET Service Requests, POST Service Request."""
    return _file(request, form) if request.method == "POST" else _answer(_chosen(request), form)


@door("GET", "HEAD")
def one_request(request: HttpRequest, number: str, form: str) -> HttpResponse:
    """GET Service Request."""
    found = _reports().filter(pk=_number(number)).first()
    if found is None:
        raise Missing(_("service_request_id was not found."))
    return _answer([found], form)


@door("GET", "HEAD")
def token(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """GET service_request_id from a token: the secret of the report's link is its token."""
    found = followed(token)
    values = [{"service_request_id": str(found.pk), "token": token}]
    return documents.answer(values, form, documents.REQUESTS)


def _reports() -> Any:
    return public_reports().select_related("category", "case__agency")


def _answer(reports: list[Report], form: str) -> HttpResponse:
    photos: dict[int, str] = {}
    shown = Photo.objects.filter(report__in=[one.pk for one in reports], published__public=True)
    for photo in shown.select_related("published"):
        if photo.published is not None:
            photos.setdefault(photo.report_id, settings.PUBLIC_URL + link(photo.published, 960))
    values = [documents.request(report, photos.get(report.pk, "")) for report in reports]
    return documents.answer(values, form, documents.REQUESTS)


def _number(text: str) -> int:
    """A number of ours; -1, which none has, for what is none."""
    number = whole(text)
    return -1 if number is None else number


def _chosen(request: HttpRequest) -> list[Report]:
    """The reports a query asks for. Where it names them, nothing else counts."""
    get, found = request.GET, _reports()
    if get.get("service_request_id"):
        numbers = [_number(text.strip()) for text in get["service_request_id"].split(",")[:MOST]]
        return list(found.filter(pk__in=numbers).order_by("-filed_at"))
    if get.get("service_code"):
        found = found.filter(category__slug__in=plain(get["service_code"]).split(",")[:100])
    status = get.get("status", "")
    if status and not {"open", "closed"} >= set(status.split(",")):
        raise Invalid(_("status is open or closed."))
    if status and set(status.split(",")) != {"open", "closed"}:
        found = found.filter(state__in=OPEN if status.startswith("open") else DONE)
    end = _moment(get.get("end_date", ""), "end_date")
    start = _moment(get.get("start_date", ""), "start_date") or (end or timezone.now()) - SPAN
    found = found.filter(filed_at__gte=start)
    if end is not None:
        found = found.filter(filed_at__lte=end)
    page = max(1, min(_number(get.get("page", "1")), 10_000))
    size = max(1, min(_number(get.get("page_size", str(MOST))), MOST))
    return list(found.order_by("-filed_at")[(page - 1) * size : page * size])


def _moment(text: str, field: str) -> datetime | None:
    if not text:
        return None
    at = moment(text, settings.CITY.zone)
    if at is None:
        raise Invalid(_("%(field)s is no date and time of ISO 8601.") % {"field": field})
    return at


def _file(request: HttpRequest, form: str) -> HttpResponse:
    key = _key(request.POST.get("api_key", ""))
    filing = _filing(request, key)
    filed = file_report(ANONYMOUS, filing)
    notice = _("Follow it at %(link)s") % {"link": f"{settings.PUBLIC_URL}/reports/follow/{filed.secret}/"}
    values = [{"service_request_id": str(filed.report.pk), "service_notice": notice, "account_id": ""}]
    return documents.answer(values, form, documents.REQUESTS, 200 if filed.again else 201)


def _key(given: str) -> ApiKey | None:
    """Whose program it is. Raises Denied for a key that is not known, and for none where the city wants one."""
    if not given:
        if options().get("open311_key") == "required":
            raise Denied(_("api_key is missing."))
        return None
    found = ApiKey.objects.filter(digest=hashlib.sha256(given.encode()).digest(), enabled=True).first()
    if found is None:
        raise Denied(_("api_key is not known."))
    return found


def _filing(request: HttpRequest, key: ApiKey | None) -> Filing:
    post = request.POST
    lon, lat = _place(post)
    if not post.get("service_code"):
        raise Invalid(_("service_code is missing."))
    media = post.get("media_url", "")[:500]
    return Filing(
        category=post["service_code"],
        text=post.get("description", ""),
        lon=lon,
        lat=lat,
        address=post.get("address_string", ""),
        photos=tuple(file.read() for file in request.FILES.getlist("media")[: MOST_PHOTOS + 1]),
        name=f"{post.get('first_name', '')} {post.get('last_name', '')}".strip(),
        email=_email(post.get("email", "")),
        phone=post.get("phone", ""),
        answers=questions.of_form(post),
        # Never fetched: an address that a stranger names may lead anywhere, into the city's own network too.
        elsewhere={"media_url": media} if url_parts(media).scheme in ("http", "https") else {},
        via=Report.Via.API,
        key=post.get("key", ""),
        source=pseudonym(f"key {key.pk}") if key else source_of(request),
        per_hour=key.per_hour if key else None,
    )


def _email(text: str) -> str:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    if not text:
        return ""
    try:
        validate_email(text)
    except ValidationError:
        raise Invalid(_("email is no e-mail address.")) from None
    return text


def _place(post: Any) -> tuple[float | None, float | None]:
    if post.get("lat") or post.get("long"):
        lon, lat = decimal(post.get("long", "")), decimal(post.get("lat", ""))
        if lon is None or lat is None:
            raise Invalid(_("lat and long are degrees, both or none."))
        return lon, lat
    if post.get("address_string"):
        found = geocoder.search(plain(post["address_string"])[:200], limit=1)
        if found:
            return found[0].point.lon, found[0].point.lat
    return None, None
