"""Errors of the kernel's family, shown as a page or, to a program, as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware

from cityhall.kernel.errors import CityhallError


class _ShowErrors:
    """`process_exception` is the one hook Django gives for what a view raised."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, CityhallError):
            return None
        if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", "text/html"):
            return JsonResponse(exception.to_dict(), status=exception.status)
        return render(request, "web/error.html", {"error": exception}, status=exception.status)


@sync_and_async_middleware
def show_errors(
    get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]:
    """Middleware around every view."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return await get_response(request)  # type: ignore[misc]

        asynchronous.process_exception = _ShowErrors().process_exception  # type: ignore[attr-defined]
        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return get_response(request)  # type: ignore[return-value]

    synchronous.process_exception = _ShowErrors().process_exception  # type: ignore[attr-defined]
    return synchronous
