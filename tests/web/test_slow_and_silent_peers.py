"""Who takes places and does nothing with them: silent connections, bodies that do not come, streams by the thousand."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from cityhall.web import crowd
from cityhall.web import handler as handlers
from cityhall.web.handler import Handler

pytestmark = pytest.mark.attack

sent: list[int] = []
asked: list[Any] = []


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


async def open_for_ever(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> Any:
        yield b"here"
        await asyncio.Event().wait()

    return StreamingHttpResponse(pieces())


async def much(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> Any:
        for number in range(100_000):
            sent.append(number)
            yield b"x" * 1000

    return StreamingHttpResponse(pieces())


async def asking(request: HttpRequest) -> StreamingHttpResponse:
    """A stream that asks the database first, as one does that is not for everybody."""

    def ask() -> None:
        Session.objects.exists()
        asked.append(connections[DEFAULT_DB_ALIAS])

    await sync_to_async(ask)()
    return await open_for_ever(request)


urlpatterns = [path("echo", echo), path("open", open_for_ever), path("much", much), path("asking", asking)]


@pytest.fixture
def handler(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Handler:
    settings.ROOT_URLCONF = __name__
    settings.TRUSTED_PROXIES = ()
    monkeypatch.setattr(crowd, "SILENT_S", 0.5)
    monkeypatch.setattr(crowd, "FIRST_S", 1.0)
    monkeypatch.setattr(handlers, "STREAMS", 6)
    monkeypatch.setattr(handlers, "STREAMS_OF_ONE", 3)
    monkeypatch.setattr(handlers, "BODIES_OF_ONE", 3)
    return Handler()


class Peer:
    """A connection from an address that sends a body's pieces, each after `every` seconds, and perhaps never reads."""

    def __init__(
        self, target: str, address: str = "192.0.2.1", *, every: float = 0, pieces: int = 1, reads: bool = True
    ):
        headers = [(b"host", b"localhost"), (b"content-type", b"application/octet-stream")]
        self.scope = {
            "type": "http", "method": "OPTIONS", "path": target, "query_string": b"", "headers": headers,
            "client": (address, 5000),
        }  # fmt: skip
        self._every, self._left, self._reads, self.status = every, pieces, reads, 0
        self.begun = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self._left:
            await asyncio.Event().wait()
        await asyncio.sleep(self._every)
        self._left -= 1
        return {"type": "http.request", "body": b"x", "more_body": self._left > 0}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.begun.set()
        if not self._reads:
            await asyncio.Event().wait()

    async def call(self, handler: Handler) -> int:
        await handler(self.scope, self.receive, self.send)
        return self.status


def within(seconds: float, what: Any) -> Any:
    async def waited() -> Any:
        async with asyncio.timeout(seconds):
            return await what

    return asyncio.run(waited())


@pytest.mark.parametrize(("every", "pieces"), [(3600, 2), (0.1, 10**9)], ids=["silent", "a byte now and then"])
@pytest.mark.parametrize("target", ["/echo", "/open"])
def test_a_body_that_does_not_come_is_not_waited_for(handler: Handler, target: str, every: float, pieces: int) -> None:
    async def call() -> int:
        return await Peer(target, every=every, pieces=pieces).call(handler)

    assert within(20, call()) == 408


def test_who_does_not_read_loses_the_stream(handler: Handler) -> None:
    async def call() -> int:
        return await Peer("/much", reads=False).call(handler)

    within(20, call())
    assert len(sent) < 10


def test_one_source_cannot_take_every_stream_nor_streams_every_place(handler: Handler) -> None:
    async def statuses() -> tuple[list[int], list[int], int, int, int]:
        held = []

        async def opened(address: str) -> int:
            peer = Peer("/open", address)
            held.append(asyncio.create_task(peer.call(handler)))
            await peer.begun.wait()
            return peer.status

        greedy = [await opened("192.0.2.1") for _ in range(5)]
        # A household's /64 is one source, whatever address of it is used.
        others = [await opened(f"2001:db8::{number}") for number in range(4)]
        late = await opened("198.51.100.1")
        page = await Peer("/echo", "192.0.2.1").call(handler)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        again = Peer("/open", "192.0.2.1")
        task = asyncio.create_task(again.call(handler))
        await again.begun.wait()
        task.cancel()
        return greedy, others, late, page, again.status

    greedy, others, late, page, again = within(20, statuses())
    assert greedy == [200, 200, 200, 429, 429]
    assert others == [200, 200, 200, 429]
    assert (late, page, again) == (429, 200, 200)


def opened(handler: Handler, target: str, look: Callable[[], Any]) -> Any:
    """What `look` gives while a dozen streams from as many addresses are open."""

    async def play() -> Any:
        held = []
        for number in range(12):
            peer = Peer(target, f"192.0.2.{number}")
            held.append(asyncio.create_task(peer.call(handler)))
            await peer.begun.wait()
        try:
            return look()
        finally:
            for task in held:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)

    return within(30, play())


def test_open_streams_hold_no_thread_each(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_streams", crowd.Places(100, 100))
    before = threading.active_count()
    assert opened(handler, "/open", threading.active_count) - before <= handlers.STREAM_THREADS


@pytest.mark.django_db(transaction=True)
def test_open_streams_hold_no_connection_of_the_database(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are eight of them, and pages need them."""
    monkeypatch.setattr(handler, "_streams", crowd.Places(100, 100))
    asked.clear()
    held = opened(handler, "/asking", lambda: [one for one in asked if one.connection is not None])
    assert len(asked) == 12 and not held


def test_one_source_cannot_have_bodies_on_their_way_without_end(handler: Handler) -> None:
    async def statuses() -> tuple[int, int]:
        slow = [asyncio.create_task(Peer("/echo", every=3600).call(handler)) for _ in range(3)]
        await asyncio.sleep(0.05)
        same, other = await Peer("/echo").call(handler), await Peer("/echo", "192.0.2.2").call(handler)
        await asyncio.gather(*slow)
        return same, other

    assert within(20, statuses()) == (429, 200)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The web server as `cityhall up` sets it up, before an application of one word."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    code = (
        "from cityhall.running import processes; processes.HEAD_S = 2; "
        f"processes.server('tests.web.one_word:application', '127.0.0.1', {number}, 1).serve()"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        for _ in range(200):
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", number)) == 0:
                    break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        yield number
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_silent_connection_is_closed(port: int, said: bytes) -> None:
    """Before a request, in its head, and after it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(said)
        heard = b""
        while piece := connection.recv(1000):
            heard += piece
    assert (b"word" in heard) == said.endswith(b"\r\n\r\n")
