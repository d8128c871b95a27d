"""Django behind ASGI: one turn of one thread for a request whose view is not async."""

from __future__ import annotations

import asyncio
from codecs import lookup
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted, RequestDataTooBig, SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.db import close_old_connections
from django.http.response import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import URLResolver, get_resolver, set_script_prefix

from cityhall.kernel.work import beats
from cityhall.web.bodies import Bodies, TooMuchAtOnce
from cityhall.web.crowd import Full, Places, TooSlow, Unread, patiently, source_of, timely

Scope = dict[str, Any]
Read = tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]
"""A request, or what it is answered where it is none."""
THREADS = 12
"""Requests that are worked on at once; the next wait their turn. A few more than there are database connections."""
STREAMS, STREAMS_OF_ONE = 8_000, 250
"""Live updates that are open at once, of everybody and of one source: half of the server's connections, and those of
a school or a mobile network behind one address."""
STREAM_THREADS = 4
"""Threads that all open streams share for what of them is not async: whether their readers may still hear them."""
BODIES, BODIES_OF_ONE = 2_000, 250
"""Requests whose bodies are still coming."""


class Threads(Executor):
    """Where an async view does what is not async: a thread of its own until it has answered, then those of all streams.

    Django's own way leaves each its thread for as long as it is open, and with it a connection of the database.
    """

    def __init__(self, shared: Executor) -> None:
        self._shared = shared
        self._own: Executor | None = ThreadPoolExecutor(1, "opening stream")

    def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
        """As Executor has it."""
        return (self._own or self._shared).submit(function, *given, **named)

    def share(self) -> None:
        """Gives its own thread back; may be called again."""
        own, self._own = self._own, None
        if own is not None:
            own.shutdown(wait=False)


_threads: ContextVar[Threads] = ContextVar("threads")


class Handler(ASGIHandler):
    """Runs an ordinary view, with all the middleware round it, in one go.

    Django's own handler makes a thread for each request and goes to it and back for most of the middleware: longer
    than many a view takes. Here a request comes in whole, so that a slow sender holds no thread, and a file goes out
    piece by piece. Async views (live updates, which stay open for hours) go Django's way.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ordinary = BaseHandler()
        self._ordinary.load_middleware()
        self._asynchronous = tuple(_async_addresses(get_resolver()))
        self._threads = ThreadPoolExecutor(THREADS, "request")
        self._streams = Places(STREAMS, STREAMS_OF_ONE)
        self._open = ThreadPoolExecutor(STREAM_THREADS, "open stream")
        self._coming = Places(BODIES, BODIES_OF_ONE)
        self._bodies = Bodies()
        self._pulse: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if self._pulse is None:
            self._pulse = asyncio.create_task(_pulse())
        send = timely(send)
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        try:
            with self._bodies.counted(scope, receive) as counted:
                if scope["path"].startswith(self._asynchronous):
                    with self._streams.taken(source_of(scope)):
                        await self._opened(scope, counted, send)
                else:
                    await self._answered(scope, counted, send)
        except (RequestAborted, Unread):
            return
        except RequestDataTooBig as problem:
            await self.send_response(_unread(str(problem), 413), send)
        except (Full, TooMuchAtOnce):
            refused = _unread("Too much is being sent from here at once.", 429)
            refused["Retry-After"] = "30"
            await self.send_response(refused, send)
        except TooSlow:
            await self.send_response(_unread("The request did not come in time.", 408), send)

    async def read_body(self, receive: Any) -> IO[bytes]:
        """The body, in memory or a temporary file. Raises RequestAborted, TooSlow, and what `receive` does."""
        return await super().read_body(patiently(receive))

    def create_request(self, scope: Mapping[str, Any], body: IO[bytes]) -> Read:
        """The request, or what it is answered where it is none (400).

        Later is too late: Django looks at the form and the session again for the page that tells of a mistake in them.
        """
        try:
            read: Read = super().create_request(scope, body)
        except (ValueError, SuspiciousOperation) as problem:
            return None, _unread(str(problem))
        if read[0] is None:
            return read
        request = read[0]
        if any("\0" in value for value in request.COOKIES.values()):
            return None, _unread("A cookie holds no NUL.")
        if request.encoding is not None:
            if lookup(request.encoding).name not in ("utf-8", "ascii"):
                return None, _unread("A request is in UTF-8.")
            request.encoding = "utf-8"
        return request, None

    async def _opened(self, scope: Scope, receive: Any, send: Any) -> None:
        """An async view, with Django's own middleware, and the stream that it may give."""
        threads = Threads(self._open)
        _threads.set(threads)
        try:
            async with ThreadSensitiveContext(executor=threads):
                await self.handle(scope, receive, send)
        finally:
            threads.share()

    async def run_get_response(self, request: Any) -> HttpResponseBase | StreamingHttpResponse:
        """The answer of an async view. Its stream may stay open for hours: it keeps no thread and no connection."""
        try:
            return await super().run_get_response(request)
        finally:
            await sync_to_async(close_old_connections)()
            _threads.get().share()

    async def _answered(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            with self._coming.taken(source_of(scope)):
                body = await self.read_body(receive)
        except RequestAborted:
            # Gone, and then nobody reads this; or there still, and what came is no request (a chunk without a size).
            await self.send_response(_unread("The request broke off."), send)
            return
        response = await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, scope, body)
        if isinstance(response, StreamingHttpResponse):
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        read = self.create_request(scope, body)
        response: HttpResponseBase = read[1] if read[0] is None else self._ordinary.get_response(read[0])
        response._handler_class = type(self)  # type: ignore[attr-defined]
        body.close()
        if response.streaming:
            close_old_connections()
        else:
            response.close()
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Any, send: Any) -> None:
        """Sends what is made or read while it goes out, until the reader is gone."""
        # One thread for all of it: a cursor of the database belongs to the thread that opened it.
        with ThreadPoolExecutor(1, "stream") as thread:
            if not response.is_async:
                response.streaming_content = _pieces(thread, iter(response))
            sending = asyncio.create_task(self.send_response(response, send))
            leaving = asyncio.create_task(self.listen_for_disconnect(receive))
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(thread, response.close)
        if not sending.cancelled():
            sending.result()


async def _pulse() -> None:
    """Shows that this loop takes its turns: where a call holds it up nobody is answered."""
    while True:
        beats.pulse("web")
        await asyncio.sleep(1)


def _unread(why: str, status: int = 400) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain")


async def _pieces(thread: ThreadPoolExecutor, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while (piece := await loop.run_in_executor(thread, next, pieces, None)) is not None:
        yield piece


def _async_addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """How the addresses of async views begin, up to their first parameter."""
    for pattern in resolver.url_patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _async_addresses(pattern, address)
        elif iscoroutinefunction(pattern.callback):
            yield address.partition("<")[0]
