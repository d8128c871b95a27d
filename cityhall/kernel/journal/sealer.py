"""Giving committed events their order and hash, many at a time, a few milliseconds after they were committed.

Only the sealer numbers events, so writers share nothing: no counter to wait for, no gap from a rollback. Positions
are given in the sealer's own transactions, one after another, so a follower that has read up to a position has read
everything that will ever stand before it. A transaction still open is simply not seen yet; its events get later
positions when it commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from cityhall.kernel.journal.log import SEALED, wake
from cityhall.kernel.journal.models import Entry

BATCH = 5000
LOCK = 0x6A6F_7572  # "jour": only one process seals at a time
START = bytes(32)


def canonical(
    id: UUID,
    stream: str,
    sequence: int,
    type: str,
    source: str,
    subject: str,
    actor: str,
    time: datetime,
    data: Any,
) -> bytes:
    """The bytes an event is hashed as: a JSON array, keys of `data` sorted, time in UTC to the microsecond."""
    moment = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = [str(id), stream, sequence, type, source, subject, actor, moment, data]
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def chain(before: bytes, event: bytes) -> bytes:
    """SHA-256 over the hash before and the event's canonical bytes."""
    return hashlib.sha256(before + event).digest()


def whole(position: int) -> bytes:
    """The hash over the hashes of all events up to a position, in the order of positions: that of the head ""."""
    digest = START
    rows = Entry.objects.filter(position__gte=1, position__lte=position).order_by("position")
    for (event,) in rows.values_list("hash").iterator(10_000):
        digest = chain(digest, bytes(event or b""))
    return digest


def seal() -> int:
    """Seals what is committed, at most BATCH events; returns how many. 0 as well where another process is sealing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        # The order of transactions is that of their first write; whoever began after another had committed comes
        # after it. Statements see one snapshot: an effect is never seen without its cause.
        cursor.execute(
            """
            SELECT entry, id, stream, type, source, subject, actor, time, data::text FROM journal_entry
            WHERE position IS NULL ORDER BY transaction, entry LIMIT %s
            """,
            [BATCH],
        )
        rows = cursor.fetchall()
        if rows:
            _number(cursor, rows)
    if rows:
        wake(SEALED)
    return len(rows)


def _number(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    streams = sorted({row[2] for row in rows} | {""})
    cursor.execute("SELECT stream, sequence, hash FROM journal_head WHERE stream = ANY(%s) FOR UPDATE", [streams])
    heads = {stream: (sequence, bytes(digest)) for stream, sequence, digest in cursor.fetchall()}
    position, everything = heads.get("", (0, START))
    if position and everything == START:
        # Of a version that kept no hash of the whole.
        everything = whole(position)
    sealed: list[tuple[int, int, int, bytes]] = []
    for entry, identity, stream, kind, source, subject, actor, time, data in rows:
        sequence, before = heads.get(stream, (0, START))
        sequence, position = sequence + 1, position + 1
        text = canonical(identity, stream, sequence, kind, source, subject, actor, time, orjson.loads(data))
        heads[stream] = (sequence, chain(before, text))
        everything = chain(everything, heads[stream][1])
        sealed.append((entry, sequence, position, heads[stream][1]))
    heads[""] = (position, everything)
    cursor.execute(
        """
        UPDATE journal_entry SET sequence = given.sequence, position = given.position, hash = given.hash
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) AS given(entry, sequence, position, hash)
        WHERE journal_entry.entry = given.entry
        """,
        [list(column) for column in zip(*sealed, strict=True)],
    )
    _save_heads(cursor, ((stream, *heads[stream]) for stream in streams))


def _save_heads(cursor: Any, heads: Iterable[tuple[str, int, bytes]]) -> None:
    cursor.execute(
        """
        INSERT INTO journal_head (stream, sequence, hash)
        SELECT * FROM unnest(%s::varchar[], %s::bigint[], %s::bytea[])
        ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
        """,
        [list(column) for column in zip(*heads, strict=True)],
    )


def seal_all() -> int:
    """Seals until nothing that is committed is left; returns how many events."""
    total = 0
    while count := seal():
        total += count
    return total
