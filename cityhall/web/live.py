"""Live updates to browsers by server-sent events (HTML Standard, section 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from django.http import Http404, HttpRequest, StreamingHttpResponse

from cityhall.kernel.live import hub
from cityhall.kernel.service import declared

HEARTBEAT_S = 15.0


async def stream(request: HttpRequest, topic: str) -> StreamingHttpResponse:
    """A topic's messages as they come. Layers' topics are for everybody, `person-<id>` for that person only."""
    if not await _may_hear(request, topic):
        raise Http404
    return StreamingHttpResponse(
        _messages(topic),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _may_hear(request: HttpRequest, topic: str) -> bool:
    if topic.startswith("person-"):
        person = await request.auser()
        return bool(person.is_authenticated) and topic == f"person-{person.pk}"
    return any(layer.live == topic and not layer.permission for _, layer in declared("layers"))


async def _messages(topic: str) -> AsyncIterator[bytes]:
    # Something must be sent at once: proxies and browsers hold back an answer without a body.
    yield b"retry: 2000\n: here\n\n"
    async with hub().reader(topic) as queue:
        while True:
            try:
                message = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if message.last:
                return
            yield b"event: reset\ndata: \n\n" if message.reset else f"data: {message.data}\n\n".encode()
