"""Pages and files of the shell itself."""

from __future__ import annotations

from hashlib import blake2s
from pathlib import Path
from typing import Any, get_args

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import DatabaseError, InterfaceError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import condition, require_POST, require_safe

from cityhall.engines.basemap.style import Kind, style
from cityhall.kernel import values
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places.layers import find_layer, geojson
from cityhall.kernel.work.health import health as look
from cityhall.web import ranges
from cityhall.web.assets import service_worker as service_worker_text
from cityhall.web.basemap import basemap_file
from cityhall.web.context import TEXT_COOKIE, TEXT_SIZES
from cityhall.web.layers import map_layers
from cityhall.web.mine import sections, waiting_for, wrong_now
from cityhall.web.offers import groups
from cityhall.web.trouble import trouble_of

CHUNK = 64 * 1024


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What one needs, what is wrong in the city now, what waits for one, then every service and the map."""
    actor, needs = actor_of(request), groups()
    context = {
        "layers": map_layers(actor),
        "groups": needs,
        "cards": [offer for group in needs for offer in group["offers"] if offer.card],
        "wrong": wrong_now(),
        "waiting": waiting_for(actor),
    }
    return render(request, "web/home.html", context)


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Every service of the city, by need."""
    return render(request, "web/services.html", {"groups": groups()})


@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """What the city keeps for whoever asks, what their browser keeps, and how the pages look."""
    return render(request, "web/mine.html", {"sections": sections(actor_of(request))})


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Keeps a reader's text size, in a cookie of theirs; goes back to the page it was chosen on."""
    back = request.POST.get("next", "/")
    answer = redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "/")
    size = request.POST.get("text", "")
    if size in TEXT_SIZES:
        answer.set_cookie(TEXT_COOKIE, size, max_age=31_536_000, samesite="Lax", secure=settings.SECURE)
    else:
        answer.delete_cookie(TEXT_COOKIE)
    return answer


@require_safe
@cache_control(max_age=86_400, public=True)
def favicon(request: HttpRequest) -> FileResponse:
    """For whoever asks for it by its old name."""
    return FileResponse(Path(str(finders.find("cityhall/favicon.ico"))).open("rb"), content_type="image/x-icon")


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every component of the design system on one page."""
    return render(request, "web/design.html")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker shows when there is no network.

    It also has what a kept page says of itself, in every language of the city: the worker takes it from here.
    """
    words = []
    for code, _name in settings.LANGUAGES:
        with override(code):
            words.append((code, _("As of {}. The city cannot be reached just now.")))
    return render(request, "web/offline.html", {"kept_words": words})


@require_safe
@cache_control(max_age=30)
def layer(request: HttpRequest, service: str, slug: str) -> HttpResponse:
    """A layer as GeoJSON; only the fields its manifest makes public leave the service."""
    _owner, item = find_layer(service, slug, actor_of(request))
    answer = JsonResponse(geojson(item, _bounds(request)), content_type="application/geo+json")
    patch_cache_control(answer, private=bool(item.permission), public=not item.permission)
    return answer


def _bounds(request: HttpRequest) -> tuple[float, float, float, float] | None:
    text = request.GET.get("bbox", "")
    return values.box(text) if text else None


def _basemap_stamp(request: HttpRequest, **_: Any) -> str | None:
    file = basemap_file()
    return f'"{file.parent.name}"' if file else None


@require_safe
@cache_control(max_age=300)
def map_style(request: HttpRequest, kind: str) -> HttpResponse:
    """The basemap's MapLibre style, light or dark, with names in the reader's language.

    A plain ground where the city has no OSM file.
    """
    shade: Kind | None = next((one for one in get_args(Kind) if one == kind), None)
    if shade is None:
        raise Http404
    # The tiles' stamp is part of their address: a new basemap is never mixed with a browser's old ranges.
    stamp = (_basemap_stamp(request) or "").strip('"')
    made = style(
        shade,
        tiles_url=request.build_absolute_uri(f"/map/basemap.pmtiles?v={stamp}"),
        languages=[get_language() or ""],
        attribution=settings.CITY.attribution,
    )
    if not stamp:
        made["sources"] = {}
        made["layers"] = [item for item in made["layers"] if item["type"] == "background"]
    answer = JsonResponse(made)
    patch_vary_headers(answer, ("Accept-Language", "Cookie"))
    return answer


@require_safe
@condition(etag_func=_basemap_stamp)
def basemap(request: HttpRequest) -> HttpResponse | StreamingHttpResponse | FileResponse:
    """The PMTiles file, by byte ranges (RFC 9110, section 14): a browser asks for the few tiles it shows."""
    path = basemap_file()
    if path is None:
        raise Http404
    return ranges.send(request, path, "application/vnd.pmtiles", cache="public, max-age=86400")


@require_safe
def web_manifest(request: HttpRequest) -> HttpResponse:
    """What lets a phone put the city on its home screen (W3C Web Application Manifest)."""
    return render(request, "web/manifest.webmanifest", content_type="application/manifest+json")


def _worker_stamp(_request: HttpRequest) -> str:
    return f'"{blake2s(service_worker_text(), digest_size=8).hexdigest()}"'


@require_safe
@condition(etag_func=_worker_stamp)
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root so that its scope is the whole city: its services' parts and the shell's."""
    return HttpResponse(service_worker_text(), content_type="text/javascript")


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve and keep what it is told: 200, or 503 and what is missing.

    "no worker" is 200: pages are served, and a balancer that took them away would help nobody; whoever watches the city
    reads the word.
    """
    status: str
    try:
        status = look()
    except (DatabaseError, InterfaceError) as problem:
        trouble = trouble_of(problem)
        status = "no writing" if trouble and trouble.code == "full" else "no database"
    return JsonResponse({"status": status}, status=200 if status in ("ok", "no worker") else 503)
