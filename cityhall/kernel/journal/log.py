"""Appending to the journal and reading what is sealed."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cityhall.kernel import clock
from cityhall.kernel.database.prepared import asked
from cityhall.kernel.journal.models import Entry

log = logging.getLogger("cityhall.journal")
APPENDED = "journal_appended"
SEALED = "journal_sealed"
"""NOTIFY channels: something waits to be sealed; something has been."""


@dataclass(frozen=True, slots=True)
class Event:
    """A sealed event. Names are those of CloudEvents 1.0; `stream`, `sequence`, `actor`, `position` are extensions."""

    id: UUID
    stream: str
    sequence: int
    position: int
    type: str
    source: str
    subject: str
    actor: str
    time: datetime
    data: dict[str, Any]
    hash: bytes

    def envelope(self) -> dict[str, Any]:
        """The event in the JSON format of CloudEvents 1.0 (section 3)."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.astimezone(UTC).isoformat(),
            "datacontenttype": "application/json",
            "stream": self.stream,
            "sequence": str(self.sequence),
            "actor": self.actor,
            "data": self.data,
        }


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): the time in front, so that an index of them grows at its end."""
    millis = int(clock.time() * 1000)
    random = secrets.randbits(74)
    number = millis << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=number)


def append(
    stream: str,
    type: str,
    data: dict[str, Any],
    *,
    subject: str = "",
    actor: str = "",
    source: str = "/cityhall",
) -> UUID:
    """Notes an event in the caller's transaction: it is there if and only if the change is.

    What must be forgettable is never in it, since nothing can be taken out again: `data`, `subject` and `actor` are
    ids, kinds, counts and moments; names, addresses, plates, exact homes and what anybody wrote stand in rows that can
    be erased.

    Waits on no other writer. Numbers are kept as PostgreSQL's jsonb keeps them: a float beyond 2^53 comes back as a
    whole number. Raises TransactionManagementError outside a transaction, TypeError for data that is no JSON.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append an event in the transaction of the change it tells of")
    identity = new_id()
    body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO journal_entry (id, stream, type, source, subject, actor, time, data, transaction)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, pg_current_xact_id()::text::bigint)
            """,
            [identity, stream, type, source, subject, actor, timezone.now(), body],
        )
    wake_after()
    return identity


def append_many(
    stream: str, type: str, told: Sequence[tuple[str, dict[str, Any]]], *, actor: str = "", source: str = "/cityhall"
) -> None:
    """Notes an event of each (subject, data) at once, as `append` does one."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append an event in the transaction of the change it tells of")
    if not told:
        return
    # As one JSON text: arrays of texts would each be looked through for what must be escaped, in Python.
    rows = [{"id": str(new_id()), "subject": subject, "data": data} for subject, data in told]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO journal_entry (id, stream, type, source, subject, actor, time, data, transaction)
            SELECT one.id, %s, %s, %s, one.subject, %s, %s, one.data, pg_current_xact_id()::text::bigint
            FROM jsonb_to_recordset(%s::jsonb) AS one (id uuid, subject text, data jsonb)
            """,
            [stream, type, source, actor, timezone.now(), orjson.dumps(rows).decode()],
        )
    wake_after()


def told_by_the_database(data: dict[str, Any]) -> tuple[UUID, datetime, str]:
    """(id, time, data as JSON) of an event that a room's own database function appends, by `journal_append`.

    Whoever has had one appended so calls `wake_after`.
    """
    return new_id(), timezone.now(), orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


def wake_after() -> None:
    """Wakes the sealer once what was appended is committed."""
    if not connection.in_atomic_block:
        try:
            _wake_sealer()
        except DatabaseError:
            # What was appended is kept, and the sealer finds it by itself: nobody is told that it failed.
            log.warning("the sealer was not woken", exc_info=True)
    elif not any(entry[1] is _wake_sealer for entry in connection.run_on_commit):
        transaction.on_commit(_wake_sealer, robust=True)


def wake(channel: str) -> None:
    """Notifies who listens, in a transaction of its own that waits for no disk.

    PostgreSQL lets transactions that notify commit one at a time, each with its wait for the disk: a notification in
    the change's own transaction makes writers queue. One that is lost is made up for (runner.SAFETY_S).
    """
    asked("SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, '')::text", [channel])


def _wake_sealer() -> None:
    wake(APPENDED)


def to_event(entry: Entry) -> Event:
    """A sealed row as an Event."""
    assert entry.sequence is not None and entry.position is not None and entry.hash is not None
    return Event(
        id=entry.id,
        stream=entry.stream,
        sequence=entry.sequence,
        position=entry.position,
        type=entry.type,
        source=entry.source,
        subject=entry.subject,
        actor=entry.actor,
        time=entry.time,
        data=entry.data,
        hash=bytes(entry.hash),
    )


def events(stream: str = "", type: str = "", after: int = 0, limit: int = 1000) -> list[Event]:
    """Sealed events after a position, in order."""
    rows = Entry.objects.filter(position__gt=after)
    if stream:
        rows = rows.filter(stream=stream)
    if type:
        rows = rows.filter(type=type)
    return [to_event(entry) for entry in rows.order_by("position")[:limit]]
