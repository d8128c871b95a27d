"""Tells the service worker which session a page was made for, so that a device that is shared keeps nobody's pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.decorators import sync_and_async_middleware

HEADER = "City-Reader"


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    morsel = response.cookies.get(settings.SESSION_COOKIE_NAME)
    # What the answer itself begins or ends counts: the next request comes with it.
    session = morsel.value if morsel is not None else request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if session and response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers[HEADER] = salted_hmac(__name__, session, algorithm="sha256").hexdigest()[:20]
    return response


@sync_and_async_middleware
def mark_readers(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Adds the header to pages of a session; it says nothing of the session but that another is another."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return _told(request, await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return _told(request, cast(HttpResponseBase, get_response(request)))

    return synchronous
