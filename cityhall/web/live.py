"""Live updates to browsers by server-sent events (HTML Standard, section 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from cityhall.kernel import values
from cityhall.kernel.errors import Invalid
from cityhall.kernel.live import LiveTopic, hub
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import declared, resolve
from cityhall.web.moving import View, moving

HEARTBEAT_S = 15.0
# Something must be sent at once: proxies and browsers hold back an answer without a body.
HELLO = b"retry: 2000\n: here\n\n"
STILL_HERE = b": still here\n\n"


async def stream(request: HttpRequest, topic: str) -> StreamingHttpResponse:
    """A topic's messages as they come.

    Layers' topics are for whoever may see the layer: lists of features, each at most once a second, of the whole city
    or of what `?bbox=west,south,east,north` and `?having=name:42` (repeated: any of them) choose. `person-<id>` is for
    that person only, and a service's own topics for whom the manifest says (`LiveTopic`).
    """
    if await _is_layers(request, topic):
        body = _features(topic, _view(request))
    elif await _may_hear(request, topic):
        body = _messages(topic)
    else:
        raise Http404
    return StreamingHttpResponse(
        body,
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


async def _is_layers(request: HttpRequest, topic: str) -> bool:
    """Whether it is the topic of a layer that whoever asks may see."""
    wanted = {layer.permission for _service, layer in declared(Layer) if layer.live == topic}
    if not wanted or "" in wanted:
        return bool(wanted)
    await request.auser()
    return bool(await sync_to_async(_has_one)(request, wanted))


def _has_one(request: HttpRequest, permissions: set[str]) -> bool:
    actor = actor_of(request)
    return any(may(actor, permission) for permission in permissions)


async def _may_hear(request: HttpRequest, topic: str) -> bool:
    if topic.startswith("person-"):
        person = await request.auser()
        return bool(person.is_authenticated) and topic == f"person-{person.pk}"
    for _service, item in declared(LiveTopic):
        if topic.startswith(item.prefix):
            await request.auser()
            return bool(await sync_to_async(_allowed)(request, item.may_hear, topic))
    return False


def _allowed(request: HttpRequest, path: str, topic: str) -> bool:
    return bool(resolve(path)(actor_of(request), topic))


async def _features(topic: str, view: View) -> AsyncIterator[bytes]:
    yield HELLO
    async with moving(topic).reader(view) as queue:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    data = await queue.get()
            except TimeoutError:
                data = STILL_HERE
            if data is None:
                return
            yield data


async def _messages(topic: str) -> AsyncIterator[bytes]:
    yield HELLO
    async with hub().reader(topic) as queue:
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
