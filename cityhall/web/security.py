"""Headers that keep a page to what this server sends: no outside scripts, no framing, no sniffing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from inspect import iscoroutinefunction
from io import BytesIO
from typing import cast
from urllib.parse import urlsplit

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import sync_and_async_middleware

# MapLibre runs its worker from a blob; styles are set on elements by it and by the map's markers.
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "worker-src": "'self' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}


def policy(pictures: tuple[str, ...] = ()) -> str:
    """The header of a page that may also ask for pictures at these addresses: of those servers, and no others."""
    servers = {(part.scheme, part.netloc) for part in map(urlsplit, pictures) if SERVER.fullmatch(part.netloc)}
    hosts = [f"{scheme}://{server}" for scheme, server in sorted(servers)]
    allowed = {name: " ".join([_POLICY[name], *hosts]) for name in ("img-src", "connect-src")}
    return "; ".join(f"{name} {value}" for name, value in (_POLICY | allowed).items())


SERVER = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")
POLICY = policy()


def permissions(*, microphone: bool = False, scales: bool = False) -> str:
    """The header that says what a page may ask the browser for (W3C Permissions Policy): the microphone few may, and
    a scale by Bluetooth or by a cable only the page on which a crew weighs."""
    asked = {"microphone": microphone, "bluetooth": scales, "serial": scales}
    others = ", ".join(f"{name}={'(self)' if may else '()'}" for name, may in asked.items())
    return f"geolocation=(self), camera=(self), {others}"


PERMISSIONS = permissions()


def _secure(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    return response


@sync_and_async_middleware
def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Adds the headers to every answer."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return _secure(await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return _secure(cast(HttpResponseBase, get_response(request)))

    return synchronous


@lru_cache(maxsize=8)
def headers(scheme: str, forwarded: bytes | None) -> tuple[tuple[bytes, bytes], ...]:
    """What the middleware adds to every answer, for one that is given without it (swift.py).

    `scheme` is the connection's, `forwarded` what the city's own web server says of the resident's (X-Forwarded-Proto).
    """
    said = [] if forwarded is None else [(b"x-forwarded-proto", forwarded)]
    request = ASGIRequest({"method": "GET", "path": "/", "scheme": scheme, "headers": said}, BytesIO())
    middleware = XFrameOptionsMiddleware(SecurityMiddleware(lambda _request: _secure(HttpResponse())))
    given = cast(HttpResponseBase, middleware(request))
    del given["Content-Type"]
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items())
