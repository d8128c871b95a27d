"""Keeps one source from taking every place, and who is slow or silent from keeping theirs.

A place is one of a process's: a live stream, or a request whose body is still coming. Pages need none, so what is left
of the server's connections is theirs. Silent connections are closed by the server itself (running/processes.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from cityhall.kernel.limits.proxies import client_address, household_of

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
SILENT_S = 20.0
"""How long a body may pause, and a reader may leave what was sent unread."""
SLOWEST = 10_000
"""Bytes in a second that a body comes with at least, once FIRST_S are over: a phone at the edge of a cell does."""
FIRST_S = 30.0


class Full(Exception):
    """Every place is taken, or every one that a source has."""


class TooSlow(Exception):
    """A body that does not come."""


class Unread(Exception):
    """An answer that its reader does not take."""


class Places:
    """As many as `of_all`, of which one source has `of_one`."""

    def __init__(self, of_all: int, of_one: int) -> None:
        self._of_all, self._of_one = of_all, of_one
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, source: str) -> Iterator[None]:
        """A place for as long as the block runs. Raises Full."""
        if self._taken[source] >= self._of_one or self._taken.total() >= self._of_all:
            raise Full
        self._taken[source] += 1
        try:
            yield
        finally:
            self._taken[source] -= 1
            if not self._taken[source]:
                del self._taken[source]


def source_of(scope: Mapping[str, Any]) -> str:
    """Where a request comes from, as `kernel.limits.sources` tells sources apart, before there is a session."""
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    peer = (scope.get("client") or ("",))[0]
    return household_of(client_address(peer, forwarded, settings.TRUSTED_PROXIES))


def patiently(receive: Receive) -> Receive:
    """`receive` for a body that must keep coming. Raises TooSlow."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    bytes_in = 0

    async def received() -> Message:
        nonlocal bytes_in
        until = min(loop.time() + SILENT_S, began + FIRST_S + bytes_in / SLOWEST)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        bytes_in += len(message.get("body", b""))
        return message

    return received


def timely(send: Send) -> Send:
    """`send` to a reader who must keep reading. Raises Unread."""

    async def sent(message: Message) -> None:
        try:
            async with asyncio.timeout(SILENT_S):
                await send(message)
        except TimeoutError:
            raise Unread from None

    return sent
