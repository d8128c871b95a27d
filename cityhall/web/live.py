"""Live updates to browsers by server-sent events (HTML Standard, section 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.signals import user_logged_out
from django.db import DatabaseError, close_old_connections
from django.dispatch import receiver
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from cityhall.kernel import values
from cityhall.kernel.errors import Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.live import Hub, LiveTopic, Message, hub, publish
from cityhall.kernel.people.actors import ANONYMOUS, Actor, actor_of
from cityhall.kernel.people.permissions import may
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import declared, resolve
from cityhall.web.moving import View, moving, put

Asks = Callable[[Actor], bool]
AGAIN_S = 30.0
"""How long a stream goes on after its reader's right to it has ended."""
HEARTBEAT_S = 15.0
# Something must be sent at once: proxies and browsers hold back an answer without a body.
HELLO = b"retry: 2000\n: here\n\n"
STILL_HERE = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Right:
    """Why somebody hears what not everybody may: the session they came with, and what was asked of who they are."""

    session: str
    asks: Asks


async def stream(request: HttpRequest, topic: str) -> StreamingHttpResponse:
    """A topic's messages as they come.

    Layers' topics are for whoever may see the layer: lists of features, each at most once a second, of the whole city
    or of what `?bbox=west,south,east,north` and `?having=name:42` (repeated: any of them) choose. `person-<id>` is for
    that person only, and a service's own topics for whom the manifest says (`LiveTopic`). What is not for everybody
    ends when its reader signs out, and within AGAIN_S when they may hear it no longer.
    """
    layers = {layer.permission for _service, layer in declared(Layer) if layer.live == topic}
    right = None
    if "" not in layers:
        asks = _asks_of(topic, layers)
        if asks is None:
            raise Http404
        if not await sync_to_async(asks)(ANONYMOUS):
            if not await sync_to_async(lambda: asks(actor_of(request)))():
                raise Http404
            right = Right(request.session.session_key or "", asks)
    return StreamingHttpResponse(
        _features(topic, _view(request), right) if layers else _messages(topic, right),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _view(request: HttpRequest) -> View:
    """What of the layer is wanted. Raises Invalid for a box that is none."""
    pairs = [pair.partition(":") for pair in request.GET.getlist("having")[:50]]
    having = frozenset((name, value) for name, _colon, value in pairs)
    text = request.GET.get("bbox", "")
    if not text:
        return View.of(None, having)
    box = values.box(text)
    if box[0] == box[2] or box[1] == box[3]:
        raise Invalid(_("This is no box."), field="bbox", mend=_("Give it a width and a height."))
    return View.of(box, having)


def _asks_of(topic: str, permissions: set[str]) -> Asks | None:
    """Whether somebody may hear a topic, as a function of who asks; None where there is no such topic."""
    if permissions:
        return lambda actor: any(may(actor, permission) for permission in permissions)
    if topic.startswith("person-"):
        return lambda actor: actor.person_id is not None and topic == f"person-{actor.person_id}"
    for _service, item in declared(LiveTopic):
        if topic.startswith(item.prefix):
            may_hear = resolve(item.may_hear)
            return lambda actor: bool(may_hear(actor, topic))
    return None


@receiver(user_logged_out)
def _say_signed_out(request: HttpRequest, **_given: Any) -> None:
    if key := request.session.session_key:
        publish(_session_topic(key), {})


def _session_topic(key: str) -> str:
    return f"signed-out-{pseudonym(key)}"


async def _lost(right: Right) -> None:
    """Returns when the reader has signed out or may hear it no longer; where nobody can say, at once."""
    async with hub().reader(_session_topic(right.session)) as signed_out:
        while True:
            try:
                async with asyncio.timeout(AGAIN_S):
                    if not (await signed_out.get()).reset:
                        return
            except TimeoutError:
                pass
            try:
                if not await sync_to_async(_still)(right):
                    return
            except DatabaseError:
                return


def _still(right: Right) -> bool:
    """Asks again, with the session and the account as they are now."""
    try:
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(right.session)
        request.user = get_user(request)
        return right.asks(actor_of(request))
    finally:
        close_old_connections()


@asynccontextmanager
async def _watched(right: Right | None, end: Callable[[], None]) -> AsyncIterator[None]:
    """Calls `end` when the right is lost meanwhile."""
    if right is None:
        yield
        return
    watching = asyncio.create_task(_lost(right))
    watching.add_done_callback(lambda _task: end())
    try:
        yield
    finally:
        watching.cancel()


async def _features(topic: str, view: View, right: Right | None) -> AsyncIterator[bytes]:
    yield HELLO
    async with moving(topic).reader(view) as queue, _watched(right, lambda: put(queue, None)):
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    data = await queue.get()
            except TimeoutError:
                data = STILL_HERE
            if data is None:
                return
            yield data


async def _messages(topic: str, right: Right | None) -> AsyncIterator[bytes]:
    yield HELLO
    async with hub().reader(topic) as queue, _watched(right, lambda: Hub.put(queue, Message("", last=True))):
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    message = await queue.get()
            except TimeoutError:
                yield STILL_HERE
                continue
            if message.last:
                return
            yield b"event: reset\ndata: \n\n" if message.reset else f"data: {message.data}\n\n".encode()
