"""Features that move, for many readers at once: gathered, thinned and encoded once, however many read.

A layer's live topic carries lists of GeoJSON features, each with an `id`. Each process reads a topic once; what came
within a tick goes out together, the newest of each feature, and no feature more often than EVERY_S. Readers who want
the same part of the city share the encoded message. A feature that leaves a reader's box is sent once more from outside
it, so that it does not stand still at the edge.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from cityhall.kernel.live import hub

TICK_S = 0.1
EVERY_S = 1.0
SLACK_S = 0.15
"""A feature that comes every second, as receivers do, must not wait because one came a little early."""
KEPT_S = 120.0
"""How long it is remembered when a feature was last sent."""
WAITING = 16
"""Messages kept for a slow reader; beyond that they are dropped and it is told to load anew."""
SOURCE_WAITING = 5000
"""Notifications kept unread for the whole process: a large fleet's come in bursts."""
RESET = b"event: reset\ndata: \n\n"
Box = tuple[float, float, float, float]
Reader = asyncio.Queue[bytes | None]


@dataclass(frozen=True, slots=True)
class View:
    """What a reader wants: features in a box (west, south, east, north) that have one of the (property, value) pairs.

    Nothing said means everything.
    """

    box: Box | None = None
    having: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, box: Box | None, having: frozenset[tuple[str, str]] = frozenset()) -> View:
        """A view with its box widened to a grid of about a quarter of its size, so that neighbours share one."""
        return cls(None if box is None else _widened(box), having)

    def wants(self, feature: dict[str, Any]) -> bool:
        """Whether a feature has one of the properties; the box is not looked at."""
        values = feature.get("properties") or {}
        return not self.having or any(str(values.get(name)) == value for name, value in self.having)

    def holds(self, feature: dict[str, Any]) -> bool:
        """Whether a feature is in the box. One that is nowhere is everywhere."""
        place = (feature.get("geometry") or {}).get("coordinates")
        if self.box is None or not place:
            return True
        west, south, east, north = self.box
        return bool(west <= place[0] <= east and south <= place[1] <= north)


def _widened(box: Box) -> Box:
    west, south, east, north = box
    step = 2.0 ** (math.ceil(math.log2(max(east - west, north - south, 1e-4))) - 2)
    return (
        math.floor(west / step) * step,
        math.floor(south / step) * step,
        math.ceil(east / step) * step,
        math.ceil(north / step) * step,
    )


@dataclass
class _Watched:
    """A view that somebody has open: who, and which features they were shown inside its box."""

    readers: set[Reader] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)


class Moving:
    """One live topic, in one process, for all its readers."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._views: dict[View, _Watched] = {}
        self._waiting: dict[str, tuple[float, dict[str, Any]]] = {}
        self._sent: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._ticking = False

    @asynccontextmanager
    async def reader(self, view: View) -> AsyncIterator[Reader]:
        """A queue of encoded server-sent events; None says that this process is stopping."""
        queue: Reader = asyncio.Queue(WAITING)
        self._views.setdefault(view, _Watched()).readers.add(queue)
        if self._task is None or self._task.done():
            self._listening.clear()
            self._task = asyncio.create_task(self._run())
        try:
            await self._listening.wait()
            yield queue
        finally:
            watched = self._views[view]
            watched.readers.discard(queue)
            if not watched.readers:
                del self._views[view]
            if not self._views:
                self._task.cancel()

    async def _run(self) -> None:
        async with hub().reader(self._topic, SOURCE_WAITING) as source:
            self._listening.set()
            while True:
                message = await source.get()
                if message.last:
                    self._put_all(None)
                elif message.reset:
                    self._put_all(RESET)
                else:
                    now = time.monotonic()
                    for feature in orjson.loads(message.data):
                        self._waiting[str(feature["id"])] = now, feature
                    self._tick_later()

    def _tick_later(self) -> None:
        if self._waiting and not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        """Sends what is due; a feature sent a moment ago waits for a later tick, and a newer one may replace it."""
        self._ticking = False
        now = time.monotonic()
        due = {}
        for name, (came, feature) in self._waiting.items():
            before = self._sent.get(name, -math.inf)
            if came - before >= EVERY_S - SLACK_S or now - before >= EVERY_S:
                due[name] = feature
                self._sent[name] = came
        for name in due:
            del self._waiting[name]
        self._tick_later()
        if len(self._sent) > 2 * len(due) + 1000:
            self._sent = {name: at for name, at in self._sent.items() if now - at < KEPT_S}
        encoded = {name: orjson.dumps(feature) for name, feature in due.items()}
        for view, watched in self._views.items():
            chosen = _chosen(view, watched, due)
            if chosen:
                data = b"data: [" + b",".join([encoded[name] for name in chosen]) + b"]\n\n"
                for queue in watched.readers:
                    put(queue, data)

    def _put_all(self, data: bytes | None) -> None:
        for watched in self._views.values():
            for queue in watched.readers:
                put(queue, data)


def _chosen(view: View, watched: _Watched, due: dict[str, dict[str, Any]]) -> list[str]:
    """Which of the features that are due a view gets: those inside, and those that have just left."""
    if view.box is None:
        return [name for name, feature in due.items() if view.wants(feature)] if view.having else list(due)
    chosen = []
    for name, feature in due.items():
        if view.holds(feature) and view.wants(feature):
            watched.inside.add(name)
            chosen.append(name)
        elif name in watched.inside:
            watched.inside.discard(name)
            chosen.append(name)
    return chosen


def put(queue: Reader, data: bytes | None) -> None:
    """Adds to what a reader has not read yet; too much of it is dropped."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(RESET)
    queue.put_nowait(data)


_moving: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Moving]] = WeakKeyDictionary()


def moving(topic: str) -> Moving:
    """The running event loop's one reader of a topic."""
    return _moving.setdefault(asyncio.get_running_loop(), {}).setdefault(topic, Moving(topic))
