"""Errors of the kernel's family, shown as a page or, to a program, as JSON."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from django.contrib.auth.views import redirect_to_login
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, RawPostDataException
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext_lazy as _
from django.views.defaults import page_not_found, server_error

from cityhall.kernel.errors import CityhallError, Denied, Invalid, Missing, unkeepable
from cityhall.kernel.people.actors import actor_of
from cityhall.web.trouble import for_program, told, trouble_of

log = logging.getLogger(__name__)


def refusal_of(request: HttpRequest, exception: Exception) -> CityhallError | None:
    """What a reader is told of an exception; None: it is our own fault, and not for their eyes.

    The database takes no NUL in a text and no number beyond its column: who sent such a value is told so, wherever it
    went in, and since the database took nothing, nothing is half-done.
    """
    if isinstance(exception, DataError):
        log.warning("%s %s holds what the database does not take: %s", request.method, request.path, exception)
        return unkeepable()
    if isinstance(exception, RawPostDataException):
        # A form came where JSON is wanted: it was read as a form, for its CSRF token, and is gone.
        return Invalid(_("The request is no JSON."), code="unreadable")
    return exception if isinstance(exception, CityhallError) else None


def wait_of(refusal: CityhallError, answer: HttpResponse) -> HttpResponse:
    """The answer to what was refused, with when to try again where that is known (RFC 9110, 10.2.3)."""
    if refusal.wait_s:
        answer["Retry-After"] = str(refusal.wait_s)
    return answer


def _is_for_signing_in(request: HttpRequest, refusal: CityhallError) -> bool:
    """Whether a stranger's browser asks for a page that is not for strangers: who is signed in may well see it."""
    asks = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "")
    return isinstance(refusal, Denied) and asks and actor_of(request).person_id is None


class _ShowErrors:
    """`process_exception` is the one hook Django gives for what a view raised."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if (trouble := trouble_of(exception)) is not None:
            return told(request, trouble, exception)
        refusal = refusal_of(request, exception)
        if refusal is None:
            return None
        if for_program(request):
            return wait_of(refusal, JsonResponse(refusal.to_dict(), status=refusal.status))
        if _is_for_signing_in(request, refusal):
            return redirect_to_login(request.get_full_path())
        return wait_of(refusal, render(request, "web/error.html", {"error": refusal}, status=refusal.status))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """What has no address: a page for people, for programs the refusal that the API's document promises."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    return JsonResponse(Missing(_("There is no such thing."), code="missing").to_dict(), status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """What was raised outside of a view, as where a session is kept: trouble that passes, else a defect (500)."""
    exception = sys.exc_info()[1]
    trouble = trouble_of(exception)
    if exception is None or trouble is None:
        return server_error(request)
    return told(request, trouble, exception)


@sync_and_async_middleware
def show_errors(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Middleware around every view."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return cast(HttpResponseBase, await get_response(request))

        asynchronous.process_exception = _ShowErrors().process_exception  # type: ignore[attr-defined]
        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return cast(HttpResponseBase, get_response(request))

    synchronous.process_exception = _ShowErrors().process_exception  # type: ignore[attr-defined]
    return synchronous
