"""Live updates: `publish` in a transaction, heard by every process's `Hub` once it commits.

PostgreSQL's NOTIFY carries them, so nothing is sent for a change that was rolled back. It takes 8,000 bytes at most:
larger lists are split, larger single messages are refused.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import connection, transaction

from cityhall.kernel.database import psycopg_url
from cityhall.kernel.service import Path

log = logging.getLogger("cityhall.live")
CHANNEL = "cityhall_live"
LIMIT = 7_900
WAITING = 200
"""Messages kept for a reader that is slow; beyond that the oldest go and it is told to load anew."""


@dataclass(frozen=True, slots=True)
class LiveTopic:
    """Declares live topics that not everybody may hear: all those whose names begin with `prefix`.

    `may_hear` names a function (actor, topic) -> bool, asked when somebody begins to listen and again while they
    do. Topics of layers have the layers' permission and need none.
    """

    prefix: str
    may_hear: Path


@dataclass(frozen=True, slots=True)
class Message:
    """`data` is JSON text; `reset` says that messages before it were lost, `last` that this process is stopping."""

    data: str
    reset: bool = False
    last: bool = False


def everybody(_actor: object, _topic: str) -> bool:
    """A `LiveTopic.may_hear` of what is public."""
    return True


def publish(topic: str, payload: dict[str, Any] | list[Any]) -> None:
    """Sends `payload` to whoever watches `topic`, when the transaction commits; a long list as several.

    Raises ValueError for a single message over 7,900 bytes.
    """
    with connection.cursor() as cursor:
        for part in _parts(payload, LIMIT - len(topic.encode()) - 1):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{topic} {part}"])


def publish_after(topic: str, payload: dict[str, Any] | list[Any]) -> None:
    """Sends `payload` right after the transaction has committed, in one of its own that waits for no disk.

    PostgreSQL lets transactions that notify commit one at a time: where many commit at once this keeps them from
    queueing. It may be lost where the process dies between the two, so readers must ask for the whole now and then.
    Raises ValueError as `publish` does, before anything commits.
    """
    parts = [f"{topic} {part}" for part in _parts(payload, LIMIT - len(topic.encode()) - 1)]
    transaction.on_commit(lambda: _send(parts), robust=True)


def _send(parts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT set_config('synchronous_commit', 'off', true), count(pg_notify(%s, part))
            FROM jsonb_array_elements_text(%s::jsonb) AS part
            """,
            [CHANNEL, orjson.dumps(parts).decode()],
        )


def _parts(payload: dict[str, Any] | list[Any], limit: int) -> list[str]:
    text = orjson.dumps(payload)
    if len(text) <= limit:
        return [text.decode()]
    if isinstance(payload, dict) or len(payload) == 1:
        raise ValueError(f"a live message of {len(text)} bytes is too long: send what changed, not everything")
    middle = len(payload) // 2
    return [*_parts(payload[:middle], limit), *_parts(payload[middle:], limit)]


class Hub:
    """One listening connection for all the readers of a process."""

    def __init__(self) -> None:
        self._readers: dict[str, set[asyncio.Queue[Message]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @asynccontextmanager
    async def reader(self, topic: str, waiting: int = WAITING) -> AsyncIterator[asyncio.Queue[Message]]:
        """A queue, of at most `waiting` unread, that the topic's messages come to from now on."""
        queue: asyncio.Queue[Message] = asyncio.Queue(waiting)
        self._readers[topic].add(queue)
        try:
            if self._task is None or self._task.done():
                self._listening.clear()
                self._task = asyncio.create_task(self._listen())
            await self._listening.wait()
            yield queue
        finally:
            self._readers[topic].discard(queue)
            if not self._readers[topic]:
                del self._readers[topic]

    def close(self) -> None:
        """Tells every reader that there is no more to come."""
        for queues in self._readers.values():
            for queue in queues:
                self.put(queue, Message("", last=True))

    async def _listen(self) -> None:
        url = psycopg_url(settings.DATABASES["default"])
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    self._listening.set()
                    async for notice in listening.notifies():
                        topic, _, data = notice.payload.partition(" ")
                        self._hand_out(topic, data)
            except psycopg.Error as problem:
                log.warning("live updates wait for the database: %s", problem)
                await asyncio.sleep(0.5)
                for topic in list(self._readers):
                    self._hand_out(topic, "", lost=True)

    def _hand_out(self, topic: str, data: str, *, lost: bool = False) -> None:
        message = Message(data, reset=lost)
        for queue in self._readers.get(topic, ()):
            self.put(queue, message)

    @staticmethod
    def put(queue: asyncio.Queue[Message], message: Message) -> None:
        """Adds to what a reader has not read yet; too much of it is dropped."""
        if queue.full():
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(Message("", reset=True))
        queue.put_nowait(message)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs.clear()
        _hubs[loop] = Hub()
        _close_on_stop(_hubs[loop], loop)
    return _hubs[loop]


def _close_on_stop(closing: Hub, loop: asyncio.AbstractEventLoop) -> None:
    """Closes the hub before the server stops: it waits for open answers, and a live one is open for ever."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        return

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(closing.close)
        before(number, frame)

    signal.signal(signal.SIGTERM, handle)
