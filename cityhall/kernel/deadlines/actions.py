"""The only writers of deadlines: called in the transaction of what they belong to, so both are there or neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.deadlines.kinds import kinds
from cityhall.kernel.journal.log import wake

CHANNEL = "cityhall_deadlines"
POLL_S = 0.5
"""How often a taker looks at least. Only what is due sooner than twice that need wake it."""

_SET = """
INSERT INTO deadlines_deadline AS d (kind, subject, level, due_at, next_at, version, attempts, problem, data)
VALUES (%(kind)s, %(subject)s, %(level)s, %(due)s, %(due)s, 0, 0, '', %(data)s::jsonb)
ON CONFLICT (kind, subject, level) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.next_at,
    data = excluded.data, version = d.version + 1, attempts = 0, problem = ''
"""
# In one order, so that two who set the same ones at once do not wait on one another for ever.
_SET_MANY = """
INSERT INTO deadlines_deadline AS d (kind, subject, level, due_at, next_at, version, attempts, problem, data)
SELECT %s, one.subject, 0, one.due, one.due, 0, 0, '', '{}'
FROM unnest(%s::text[], %s::timestamptz[]) AS one (subject, due) ORDER BY one.subject
ON CONFLICT (kind, subject, level) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.next_at,
    data = excluded.data, version = d.version + 1, attempts = 0, problem = ''
"""
_MOVE = """
UPDATE deadlines_deadline SET due_at = %(due)s, next_at = %(due)s, version = version + 1, attempts = 0, problem = ''
WHERE kind = %(kind)s AND subject = %(subject)s AND level = %(level)s
"""
_CLEAR = """
DELETE FROM deadlines_deadline
WHERE kind = %(kind)s AND subject = %(subject)s AND (%(level)s::int IS NULL OR level = %(level)s)
"""
_TAKE = """
DELETE FROM deadlines_deadline AS d USING unnest(%s::bigint[], %s::int[]) AS found (id, version)
WHERE d.id = found.id AND d.version = found.version
"""


class Lapsed(Exception):
    """A deadline was cleared, moved or acted on by another while it was being acted on: all of it is rolled back."""


@dataclass(slots=True)
class Acting:
    """The deadlines of a kind that this thread is acting on: (id, version) by subject and level."""

    kind: str
    rows: dict[tuple[str, int], tuple[int, int]]
    lapsed: bool = False
    taken: bool = False

    def has(self, kind: str, subject: str, level: int | None) -> bool:
        """Whether one of them is that one; `level` None: of any level."""
        if kind != self.kind:
            return False
        if level is not None:
            return (subject, level) in self.rows
        return any(subject == mine for mine, _level in self.rows)

    def take(self) -> None:
        """Takes their rows away, once. Raises Lapsed where one is no more as it was found.

        The rows are locked only now and not when they were found: whoever does what one waits for locks the subject
        first and clears the deadline then, and so does its action; the other way round the two would wait on each
        other.
        """
        if not self.taken:
            with connection.cursor() as cursor:
                cursor.execute(_TAKE, [list(column) for column in zip(*self.rows.values(), strict=True)])
                if cursor.rowcount < len(self.rows):
                    self.lapsed = True
                    raise Lapsed(self.kind)
        self.taken = True


_acting: ContextVar[Acting | None] = ContextVar("deadline", default=None)


@contextmanager
def acting(one: Acting) -> Iterator[None]:
    """While a deadline is acted on; for the taker."""
    token = _acting.set(one)
    try:
        yield
    finally:
        _acting.reset(token)


def set_deadline(
    kind: str, subject: str, due_at: datetime, *, level: int = 0, data: dict[str, Any] | None = None
) -> None:
    """Has the kind's action called at `due_at`, once; what was set before for the subject and level is replaced.

    `data` (ids and numbers) comes back to the action. Raises ValueError for a kind that nobody declares or a moment
    without a time zone, TransactionManagementError outside a transaction.
    """
    _ready(kind, due_at)
    _let_go(kind, subject, level)
    with connection.cursor() as cursor:
        cursor.execute(
            _SET,
            {
                "kind": kind,
                "subject": subject,
                "level": level,
                "due": due_at,
                "data": orjson.dumps(data or {}).decode(),
            },
        )
    _wake_for(due_at)


def set_deadlines(kind: str, moments: Iterable[tuple[str, datetime]]) -> None:
    """Sets many at once, (subject, due_at) each, all of level 0. Raises as set_deadline does."""
    found = dict(moments)
    if not found:
        return
    _known(kind)
    for subject, due_at in found.items():
        _moment(due_at)
        _let_go(kind, subject, 0)
    with connection.cursor() as cursor:
        cursor.execute(_SET_MANY, [kind, list(found), list(found.values())])
    _wake_for(min(found.values()))


def move(kind: str, subject: str, due_at: datetime, *, level: int = 0) -> bool:
    """Gives one that waits another moment; False where none does: it was acted on, cleared or never set."""
    _ready(kind, due_at)
    _let_go(kind, subject, level)
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"kind": kind, "subject": subject, "level": level, "due": due_at})
        moved = bool(cursor.rowcount)
    if moved:
        _wake_for(due_at)
    return moved


def clear(kind: str, subject: str, *, level: int | None = None) -> int:
    """What it waited for has happened: nothing is done any more, at this level or (None) at any; gives how many waited.

    Once this transaction commits no action of it does: one that is at work at this moment is rolled back.
    """
    _let_go(kind, subject, level)
    with connection.cursor() as cursor:
        cursor.execute(_CLEAR, {"kind": kind, "subject": subject, "level": level})
        return int(cursor.rowcount)


def _ready(kind: str, due_at: datetime) -> None:
    _known(kind)
    _moment(due_at)


def _known(kind: str) -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("set a deadline in the transaction of what it belongs to")
    if kind not in kinds():
        raise ValueError(f"no service or room of the city declares the deadline {kind!r}")


def _moment(due_at: datetime) -> None:
    if timezone.is_naive(due_at):
        raise ValueError("a deadline needs a moment with a time zone")


def _let_go(kind: str, subject: str, level: int | None) -> None:
    """An action that sets or clears its own deadline has taken that away first: what it sets is a new one."""
    one = _acting.get()
    if one is not None and one.has(kind, subject, level):
        one.take()


def _wake_for(due_at: datetime) -> None:
    # What is due later is found by looking in time; a lost notification costs POLL_S.
    if due_at - timezone.now() < timedelta(seconds=2 * POLL_S):
        if not any(entry[1] is _wake for entry in connection.run_on_commit):
            transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    wake(CHANNEL)
