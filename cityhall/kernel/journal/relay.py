"""The journal on NATS JetStream, for what runs on other machines.

Each event is published with its id as `Nats-Msg-Id`, so the server drops one that comes twice within its window. A
window is not for ever: before it goes on, the relay looks at the last message of the stream, which tells how far it
really came, however long it or the server was away.
An event that no server will ever take (too large for it) is passed over and told by `cityhall check`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading

import nats
import nats.errors
import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.journal.log import Event, events
from cityhall.kernel.journal.models import Cursor
from cityhall.kernel.work.aside import note

log = logging.getLogger("cityhall.journal.relay")
STREAM = "CITYHALL"
NAME = "relay"
BATCH = 256
POSITION = "Cityhall-Position"
REST = 1.0
MESSAGE_TOO_LONG = 10054
"""JetStream's code for a message over the limit of its stream (JSStreamMessageExceedsMaximumErr)."""


def subject(event: Event) -> str:
    """`cityhall.<stream>.<type>` with what NATS keeps for itself taken out."""
    clean = [re.sub(r"[^\w.-]", "_", part).strip(".") or "_" for part in (event.stream.replace(".", "_"), event.type)]
    # A part without a letter is no subject.
    return re.sub(r"\.{2,}", ".", f"cityhall.{clean[0]}.{clean[1]}")


async def _published(stream: JetStreamContext) -> int | None:
    """The position of the last event in JetStream, None where there is none."""
    try:
        info = await stream.stream_info(STREAM)
    except NotFoundError:
        await stream.add_stream(StreamConfig(name=STREAM, subjects=["cityhall.>"], duplicate_window=120))
        return None
    if info.state.messages == 0:
        return None
    last = await stream.get_msg(STREAM, seq=info.state.last_seq)
    return int((last.headers or {}).get(POSITION, 0))


def _cursor() -> int:
    return Cursor.objects.get_or_create(name=NAME)[0].position


def _save(position: int) -> None:
    with transaction.atomic():
        Cursor.objects.update_or_create(name=NAME, defaults={"position": position})


def _for_good(problem: Exception) -> bool:
    """Whether it is the event that cannot be published, today or ever, and not the server or the way to it."""
    if isinstance(problem, APIError):
        return problem.err_code == MESSAGE_TOO_LONG
    if isinstance(problem, nats.errors.MaxPayloadError | nats.errors.BadSubjectError):
        return True
    return not isinstance(problem, nats.errors.Error | OSError | TimeoutError) and not is_outage(problem)


async def _batch(stream: JetStreamContext, position: int) -> int:
    """Publishes the next events and waits until each is acknowledged; returns the new position."""
    found = await sync_to_async(events)(after=position, limit=BATCH)
    for event in found:
        headers = {"Nats-Msg-Id": str(event.id), POSITION: str(event.position)}
        try:
            await stream.publish(subject(event), orjson.dumps(event.envelope()), headers=headers, timeout=5)
        except Exception as problem:
            if not _for_good(problem):
                raise
            log.error("event %s cannot be relayed and is passed over: %r", event.id, problem)
            await sync_to_async(note)("journal.relay", event.id, problem)
        position = event.position
    if found:
        await sync_to_async(_save)(position)
    return position


async def relay(stop: threading.Event, wake: threading.Event) -> None:
    """Publishes until `stop`. Waits out an outage of the server and goes on where it really came to."""
    while not stop.is_set():
        connection = None
        try:
            connection = await nats.connect(settings.NATS_URL, max_reconnect_attempts=2, connect_timeout=3)
            stream = connection.jetstream()
            position = await sync_to_async(_cursor)()
            position = max(position, await _published(stream) or 0)
            while not stop.is_set():
                wake.clear()
                now = await _batch(stream, position)
                if now == position:
                    await asyncio.to_thread(wake.wait, REST)
                position = now
        except Exception as problem:
            log.warning("the relay to NATS waits: %r", problem)
            await asyncio.sleep(REST)
        finally:
            if connection is not None and not connection.is_closed:
                await connection.close()
