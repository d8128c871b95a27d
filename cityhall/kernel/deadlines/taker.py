"""Acting on what is due. Every process of the city has a taker; any number of them share the work.

A deadline is found without a lock, claimed by an advisory lock that ends with its transaction (so whoever else finds it
goes on to the next, and a taker that is killed claims nothing), acted on, and taken away, all in one transaction. What
counts is the last step: of two who act on one deadline, one finds it gone and is rolled back.
Moments are compared with the database's clock alone; between looks a taker waits by a clock that nobody can set.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from cityhall.kernel import clock
from cityhall.kernel.database import psycopg_url
from cityhall.kernel.deadlines.actions import CHANNEL, POLL_S, Acting, Lapsed, acting
from cityhall.kernel.deadlines.declares import DeadlineKind, Due
from cityhall.kernel.deadlines.kinds import kinds
from cityhall.kernel.service import resolve

log = logging.getLogger("cityhall.deadlines")
BATCH = 20
"""Of each kind in a look: however many of one kind are overdue, those of the others have their turn."""
LOOK_S = 0.25
"""A look is over after so long even if more of what it found waits: by now something else may be more urgent."""
PATIENCE_MS = 2_000
"""So long an action waits for a lock of somebody else's; then it is tried again later."""
LONGEST_PAUSE_S = 300
CLAIM = 0x0DEAD
"""First number of the advisory locks."""
Outcome = Literal["done", "failed", "passed"]

_FIND = """
SELECT wanted.kind, found.id, extract(epoch FROM found.next_at - asked.now)::float8
FROM (SELECT COALESCE(%(now)s, clock_timestamp() + %(shift)s) AS now) AS asked,
    unnest(%(kinds)s::text[]) AS wanted (kind)
CROSS JOIN LATERAL (
    SELECT id, next_at FROM deadlines_deadline AS d
    WHERE d.kind = wanted.kind AND d.next_at <= asked.now + %(ahead)s * interval '1 second'
    ORDER BY next_at LIMIT %(batch)s
) AS found
"""
# Nobody waits for the disk here. Were the database's machine to lose its last half second, it would lose that this was
# done together with what was done, and it would come again. Whatever goes on from there commits later, and that waits.
_CLAIM = """
SELECT kind, subject, level, version, due_at, data, COALESCE(%(now)s, clock_timestamp() + %(shift)s),
    set_config('lock_timeout', %(patience)s, true), set_config('synchronous_commit', 'off', true)
FROM deadlines_deadline
WHERE id = %(id)s AND next_at <= COALESCE(%(now)s, clock_timestamp() + %(shift)s)
    AND pg_try_advisory_xact_lock(%(claim)s, (id %% 2147483647)::int)
"""
_FAILED = """
UPDATE deadlines_deadline SET attempts = attempts + 1, problem = %(problem)s,
    next_at = COALESCE(%(now)s, clock_timestamp() + %(shift)s)
        + least(power(2, least(attempts, 20)), %(longest)s) * interval '1 second'
WHERE id = %(id)s AND version = %(version)s
"""


def run(stop: threading.Event) -> None:
    """Acts on every deadline at its moment until `stop` is set; an outage of the database is waited for."""
    url = psycopg_url(settings.DATABASES["default"])
    for kind in kinds().values():
        # Imported now: the first deadline of a process should not wait for that.
        resolve(kind.action)
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as listening:
                listening.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    wait = look()[1]
                    if wait > 0:
                        connection.close()
                        for _ in listening.notifies(timeout=wait, stop_after=1):
                            pass
        except (psycopg.Error, DatabaseError, InterfaceError) as problem:
            log.warning("the deadlines wait for the database: %s", type(problem).__name__)
            stop.wait(POLL_S)
        finally:
            connection.close()


def take_due(now: datetime | None = None) -> int:
    """Acts on all that is due by the database's clock, or by `now`; gives on how many it acted."""
    done = 0
    while True:
        acted, wait = look(now)
        done += acted
        if wait > 0:
            return done


def look(now: datetime | None = None) -> tuple[int, float]:
    """One look: (how many were acted on, seconds until the next). 0 seconds: there may be more already."""
    known = kinds()
    due, ahead = _found(known, now)
    until = time.monotonic() + LOOK_S
    outcomes: list[Outcome] = []
    for number in due:
        outcomes.append(_act(number, known, now))
        if time.monotonic() > until:
            break
    done = outcomes.count("done")
    if len(outcomes) < len(due) or len(outcomes) > outcomes.count("passed"):
        return done, 0.0
    return done, min(ahead, POLL_S)


def _found(known: dict[str, DeadlineKind], now: datetime | None) -> tuple[list[int], float]:
    """Ids of what is due, the kinds taking turns and the oldest of each first; and seconds until one is due."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {**_clock(now), "kinds": list(known), "ahead": POLL_S, "batch": BATCH})
        rows = cursor.fetchall()
    of: dict[str, int] = defaultdict(int)
    due: list[tuple[int, float, int]] = []
    ahead = POLL_S
    for kind, number, seconds in sorted(rows, key=lambda row: row[2]):
        if seconds <= 0:
            due.append((of[kind], seconds, number))
            of[kind] += 1
        else:
            ahead = min(ahead, seconds)
    return [number for _turn, _seconds, number in sorted(due)], max(ahead, 0.001)


def _clock(now: datetime | None) -> dict[str, Any]:
    """What moments are compared with: `now`, or the database's clock, shifted as a demo's is whose clock was set."""
    return {"now": now, "shift": timedelta(seconds=clock.ahead())}


def _act(number: int, known: dict[str, DeadlineKind], now: datetime | None) -> Outcome:
    """Acts on a deadline, with all that its action writes, or not at all."""
    one: Acting | None = None
    try:
        with transaction.atomic():
            found = _claim(number, now)
            if found is None:
                return "passed"
            one, due = found
            with acting(one):
                resolve(known[due.kind].action)(due)
                one.take()
    except Lapsed:
        return "passed"
    except Exception as problem:
        if one is None:
            raise
        if not connection.is_usable():
            raise OperationalError("the connection was lost") from problem
        if one.lapsed:
            return "passed"
        log.exception("%s %s could not be done", one.kind, one.subject)
        _failed(one, problem, now)
        return "failed"
    return "done"


def _claim(number: int, now: datetime | None) -> tuple[Acting, Due] | None:
    """A deadline that is due and that nobody else is acting on."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {**_clock(now), "id": number, "claim": CLAIM, "patience": f"{PATIENCE_MS}ms"})
        row = cursor.fetchone()
    if row is None:
        return None
    kind, subject, level, version, due_at, data, moment, *_settings = row
    payload = orjson.loads(data) if isinstance(data, str) else data
    return Acting(number, version, kind, subject, level), Due(kind, subject, level, due_at, moment, payload)


def _failed(one: Acting, problem: Exception, now: datetime | None) -> None:
    """Puts it off: twice as long each time, up to LONGEST_PAUSE_S."""
    text = f"{type(problem).__name__}: {problem}".replace("\0", "")[:300]
    values = {**_clock(now), "problem": text, "longest": LONGEST_PAUSE_S, "id": one.id, "version": one.version}
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, values)
