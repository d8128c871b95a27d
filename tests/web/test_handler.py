"""Requests through ASGI: whole ones in, streams out piece by piece, and nobody who is slow holds up the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from cityhall.web.handler import THREADS, Handler

made: list[int] = []
opened: list[int] = []
threads: set[int] = set()
closed = threading.Event()


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body[::-1], headers={"X-Method": str(request.method)})


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("of the view's own")


def pieces(request: HttpRequest) -> StreamingHttpResponse:
    def make() -> Iterator[bytes]:
        try:
            for number in range(int(request.GET["count"])):
                made.append(number)
                threads.add(threading.get_ident())
                yield b"" if number == 1 else b"%d," % number
        finally:
            closed.set()

    return StreamingHttpResponse(make())


async def waiting(request: HttpRequest, number: int) -> HttpResponse:
    opened.append(number)
    while len(opened) < 3 * THREADS:
        await asyncio.sleep(0.01)
    return HttpResponse(b"waited")


urlpatterns = [
    path("echo", echo),
    path("broken", broken),
    path("pieces", pieces),
    path("waiting/<int:number>", waiting),
]


@pytest.fixture
def handler(settings: Any) -> Handler:
    settings.ROOT_URLCONF = __name__
    made.clear()
    threads.clear()
    closed.clear()
    return Handler()


class Caller:
    """A connection: sends a body in parts, keeps what comes back, and may hang up after some of it."""

    def __init__(
        self,
        target: str,
        *parts: bytes,
        method: str = "GET",
        hang_up_after: int = 10**9,
        content_type: bytes = b"application/octet-stream",
        cookie: bytes = b"",
    ) -> None:
        where, _, query = target.partition("?")
        headers = [(b"host", b"localhost"), (b"content-type", content_type), (b"cookie", cookie)]
        self.scope = {
            "type": "http",
            "method": method,
            "path": where,
            "query_string": query.encode(),
            "headers": headers,
        }
        self._parts, self._hang_up_after = list(parts) or [b""], hang_up_after
        self._gone = asyncio.Event()
        self.status, self.headers, self.received = 0, dict[bytes, bytes](), list[bytes]()

    def receive(self) -> asyncio.Future[dict[str, Any]]:
        # Something to be awaited, but no coroutine: so the server has it.
        return asyncio.ensure_future(self._receive())

    async def _receive(self) -> dict[str, Any]:
        if self._parts:
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        elif message.get("body"):
            self.received.append(message["body"])
            if len(self.received) >= self._hang_up_after:
                self._gone.set()
                await asyncio.sleep(0.05)

    async def call(self, handler: Handler) -> Caller:
        await handler(self.scope, self.receive, self.send)
        return self


def test_a_body_in_parts_comes_to_the_view_whole(handler: Handler) -> None:
    caller = asyncio.run(Caller("/echo", b"abc", b"", b"de", method="OPTIONS").call(handler))
    assert (caller.status, b"".join(caller.received)) == (200, b"edcba")
    assert caller.headers[b"X-Method"] == b"OPTIONS"
    assert b"Content-Security-Policy" in caller.headers  # the middleware was round it


def test_an_error_of_a_view_is_an_answer(handler: Handler) -> None:
    assert asyncio.run(Caller("/broken").call(handler)).status == 500
    assert asyncio.run(Caller("/echo", b"x" * 6_000_000, method="OPTIONS").call(handler)).status == 400


@pytest.mark.parametrize(
    ("content_type", "cookie", "query"),
    [
        (b"application/x-www-form-urlencoded; charset=utf-16", b"", ""),
        (b"multipart/form-data; boundary=x; charset=hex", b"", ""),
        (b"text/plain; charset*=utf-99''x", b"", ""),
        (b"text/plain; charset=utf-8", b"", "&".join(["a=1"] * 1001)),
        (b"text/plain", rb'sessionid="12345678\000"', ""),
    ],
)
def test_what_would_break_the_page_of_the_refusal_too(
    handler: Handler, content_type: bytes, cookie: bytes, query: str
) -> None:
    caller = Caller(f"/echo?{query}", b"--x--", method="POST", content_type=content_type, cookie=cookie)
    assert asyncio.run(caller.call(handler)).status == 400


def test_a_body_without_end_is_refused_before_it_fills_the_disk(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityhall.web.bodies.LARGEST", 1_000_000)
    for where in ("/echo", "/waiting/1"):
        caller = Caller(where, *[b"x" * 100_000] * 50, method="POST")
        assert asyncio.run(caller.call(handler)).status == 413
        assert len(caller._parts) == 39


def test_who_sends_slowly_holds_up_nobody(handler: Handler) -> None:
    class Slow(Caller):
        async def _receive(self) -> dict[str, Any]:
            await asyncio.sleep(3600)
            raise AssertionError

    async def ask() -> Caller:
        slow = [asyncio.create_task(Slow("/echo", method="OPTIONS").call(handler)) for _ in range(3 * THREADS)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            answered = await Caller("/echo", b"ab", method="OPTIONS").call(handler)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return answered

    assert asyncio.run(ask()).received == [b"ba"]


def test_a_stream_goes_out_as_it_is_made_in_one_thread(handler: Handler) -> None:
    caller = asyncio.run(Caller("/pieces?count=5").call(handler))
    assert caller.received == [b"0,", b"2,", b"3,", b"4,"]
    assert len(threads) == 1
    assert closed.is_set()


def test_a_stream_ends_when_its_reader_is_gone(handler: Handler) -> None:
    asyncio.run(Caller("/pieces?count=100000", hang_up_after=3).call(handler))
    assert closed.wait(5)
    assert len(made) < 50


def test_async_views_wait_together(handler: Handler) -> None:
    """None is answered before all are open: more of them than there are threads."""

    async def ask() -> list[Caller]:
        async with asyncio.timeout(20):
            return await asyncio.gather(*(Caller(f"/waiting/{one}").call(handler) for one in range(3 * THREADS)))

    assert all(caller.received == [b"waited"] for caller in asyncio.run(ask()))
