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
MANY = 200
"""Of a kind whose action takes many together: what it locks others wait for."""
BEHIND_S = {"worker": 0.0, "web": 0.15, "devices": 0.3}
"""How late something must be before a process of a kind acts on it: doors have better to do while the worker lives."""
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
    unnest(%(kinds)s::text[], %(batches)s::int[]) AS wanted (kind, batch)
CROSS JOIN LATERAL (
    (SELECT id, next_at FROM deadlines_deadline AS d
    WHERE d.kind = wanted.kind AND d.next_at <= asked.now + %(ahead)s * interval '1 second'
    ORDER BY next_at LIMIT wanted.batch)
    UNION ALL
    -- Put off by a clock that was ahead and has come back: no pause is so long.
    (SELECT id, asked.now FROM deadlines_deadline AS d
    WHERE d.kind = wanted.kind AND d.attempts > 0 AND d.due_at <= asked.now
        AND d.next_at > asked.now + 2 * %(longest)s * interval '1 second' LIMIT wanted.batch)
) AS found
"""
# Nobody waits for the disk here. Were the database's machine to lose its last half second, it would lose that this was
# done together with what was done, and it would come again. Whatever goes on from there commits later, and that waits.
_CLAIM = """
SELECT id, kind, subject, level, version, due_at, data, COALESCE(%(now)s, clock_timestamp() + %(shift)s),
    set_config('lock_timeout', %(patience)s, true), set_config('synchronous_commit', 'off', true)
FROM deadlines_deadline
WHERE id = ANY(%(ids)s) AND (next_at <= COALESCE(%(now)s, clock_timestamp() + %(shift)s)
        OR attempts > 0 AND due_at <= COALESCE(%(now)s, clock_timestamp() + %(shift)s)
            AND next_at > COALESCE(%(now)s, clock_timestamp() + %(shift)s) + 2 * %(longest)s * interval '1 second')
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
    _run(stop, BEHIND_S["worker"])


def run_in_web(stop: threading.Event) -> None:
    """The same in the web process, which leaves the worker the time to be first."""
    _run(stop, BEHIND_S["web"])


def run_in_devices(stop: threading.Event) -> None:
    """The same in the devices process, which leaves it to both others: its presses must not wait."""
    _run(stop, BEHIND_S["devices"])


def _run(stop: threading.Event, behind_s: float) -> None:
    url = psycopg_url(settings.DATABASES["default"])
    for kind in kinds().values():
        # Imported now: the first deadline of a process should not wait for that.
        resolve(kind.action)
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as listening:
                listening.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    wait = look(behind_s=behind_s)[1]
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


def look(now: datetime | None = None, behind_s: float = 0.0) -> tuple[int, float]:
    """One look at what is late by `behind_s`: (how many were acted on, seconds until the next look).

    0 seconds: there may be more already.
    """
    known = kinds()
    due, ahead = _found(known, now, behind_s)
    until = time.monotonic() + LOOK_S
    outcomes: list[Outcome] = []
    acted = 0
    for together in due:
        outcomes += _act(together, known, now, behind_s)
        acted += len(together)
        if time.monotonic() > until:
            break
    done = outcomes.count("done")
    if acted < sum(map(len, due)) or len(outcomes) > outcomes.count("passed"):
        return done, 0.0
    return done, min(ahead, POLL_S)


def _found(known: dict[str, DeadlineKind], now: datetime | None, behind_s: float) -> tuple[list[list[int]], float]:
    """Ids of what is due, the kinds taking turns and the oldest of each first; and seconds until one is due.

    Those that are acted on together stand together; most are alone.
    """
    with connection.cursor() as cursor:
        batches = [MANY if kind.many else BATCH for kind in known.values()]
        values = {
            **_clock(now, behind_s),
            "kinds": list(known),
            "batches": batches,
            "ahead": POLL_S,
            "longest": LONGEST_PAUSE_S,
        }
        cursor.execute(_FIND, values)
        rows = cursor.fetchall()
    of: dict[str, int] = defaultdict(int)
    due: list[tuple[int, float, list[int]]] = []
    together: dict[str, list[int]] = {}
    ahead = POLL_S
    for kind, number, seconds in sorted(rows, key=lambda row: row[2]):
        if seconds > 0:
            ahead = min(ahead, seconds)
        elif kind in together:
            together[kind].append(number)
        else:
            due.append((of[kind], seconds, numbers := [number]))
            of[kind] += 1
            if known[kind].many:
                together[kind] = numbers
    return [numbers for _turn, _seconds, numbers in sorted(due)], max(ahead, 0.001)


def _clock(now: datetime | None, behind_s: float = 0.0) -> dict[str, Any]:
    """What moments are compared with: `now`, or the database's clock, shifted as a demo's is whose clock was set."""
    return {"now": now, "shift": timedelta(seconds=clock.ahead() - behind_s)}


def _act(numbers: list[int], known: dict[str, DeadlineKind], now: datetime | None, behind_s: float) -> list[Outcome]:
    """Acts on deadlines of one kind, with all that its action writes, or not at all; of many, then on each alone."""
    one: Acting | None = None
    try:
        with transaction.atomic():
            found = _claim(numbers, now, behind_s)
            if found is None:
                return ["passed"] * len(numbers)
            one, due = found
            kind = known[one.kind]
            with acting(one):
                resolve(kind.action)(due if kind.many else due[0])
                one.take()
    except Exception as problem:
        if one is None:
            raise
        if not connection.is_usable():
            raise OperationalError("the connection was lost") from problem
        if len(numbers) > 1:
            return [outcome for number in numbers for outcome in _act([number], known, now, behind_s)]
        if one.lapsed or isinstance(problem, Lapsed):
            return ["passed"]
        subject = due[0].subject
        log.exception("%s %s could not be done", one.kind, subject)
        _failed(one, problem, now)
        return ["failed"]
    outcomes: list[Outcome] = ["done"] * len(due)
    return outcomes + ["passed"] * (len(numbers) - len(due))


def _claim(numbers: list[int], now: datetime | None, behind_s: float) -> tuple[Acting, list[Due]] | None:
    """Those of some deadlines of one kind that are due and that nobody else is acting on, a subject's first only."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "ids": numbers,
            "claim": CLAIM,
            "patience": f"{PATIENCE_MS}ms",
            "longest": LONGEST_PAUSE_S,
        }
        cursor.execute(_CLAIM, {**_clock(now, behind_s), **values})
        rows = sorted(cursor.fetchall(), key=lambda row: (row[2], row[3]))
    if not rows:
        return None
    found: dict[str, Due] = {}
    acting_on: dict[tuple[str, int], tuple[int, int]] = {}
    for number, kind, subject, level, version, due_at, data, moment, *_settings in rows:
        if subject not in found:
            payload = orjson.loads(data) if isinstance(data, str) else data
            found[subject] = Due(kind, subject, level, due_at, moment, payload)
            acting_on[subject, level] = number, version
    return Acting(rows[0][1], acting_on), list(found.values())


def _failed(one: Acting, problem: Exception, now: datetime | None) -> None:
    """Puts it off: twice as long each time, up to LONGEST_PAUSE_S."""
    text = f"{type(problem).__name__}: {problem}".replace("\0", "")[:300]
    [(number, version)] = one.rows.values()
    values = {**_clock(now), "problem": text, "longest": LONGEST_PAUSE_S, "id": number, "version": version}
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, values)
