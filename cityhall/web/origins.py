"""A change that comes with somebody's session must come from a page of ours, whatever door it goes in by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext_lazy as _
from django.views.csrf import csrf_failure

from cityhall.kernel.errors import Denied

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


class SessionsFromOurPages(CsrfViewMiddleware):
    """Django's check, and no view is exempt from it for a request that carries a session.

    Doors for programs (the API, Open311) are exempt as a whole: a program has no session. A browser sends its session
    with whatever another site makes it send, so such a door asks then for the token as well, or for the browser's word
    that the request was made here (`Origin`, RFC 6454: the service worker, which sends what was kept without a network,
    holds no token).
    """

    def process_view(  # type: ignore[override]
        self, request: HttpRequest, callback: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        exempt = getattr(callback, "csrf_exempt", False)
        if exempt and settings.SESSION_COOKIE_NAME in request.COOKIES and not _made_here(request):
            return super().process_view(request, _asked_for_its_token, args, kwargs)
        return super().process_view(request, callback, args, kwargs)


def _made_here(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    here = f"{request.scheme}://{request.get_host()}"
    return request.method not in SAFE and origin is not None and origin in (here, settings.PUBLIC_URL)


def _asked_for_its_token(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is exempt, while Django looks whether it is."""
    raise AssertionError("never called")


def refused(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """The answer to a change that came from nowhere: a page for people, a refusal for programs."""
    if not request.path.startswith("/api/"):
        return csrf_failure(request, reason)
    refusal = Denied(
        _("This did not come from a page of the city."),
        code="csrf",
        mend=_("Send the page's token as X-CSRFToken, or no session."),
    )
    return JsonResponse(refusal.to_dict(), status=refusal.status)
