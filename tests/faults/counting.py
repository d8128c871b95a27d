"""What the database holds of a run of presses: each once, each alert answered or gone up, each event once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.callers import Press
from tests.faults.shore import FIRST_LEVEL_S
from tests.faults.town import Town

LATE_S = 5
"""Seconds by which a level may be late after an outage."""
RISEN_S = 30.0

_WAITS = """
SELECT count(*) FROM safety_alert WHERE id > %s AND state = 'waiting' AND level = 0
    AND waits_since < now() - %s * interval '1 second'
"""
_MESSAGES = """
SELECT message.key, message.subject FROM devices_urgentmessage AS message
JOIN safety_alert AS alert ON 'alert:' || alert.id = message.subject WHERE alert.id > %s
"""
_PRESSES = "SELECT coalesce(sum(presses), 0) FROM safety_alert WHERE id > %s AND button_id IS NOT NULL"
_CALLS = "SELECT key, 'alert:' || id FROM safety_alert WHERE id > %s AND key IS NOT NULL"
_OPENED = """
SELECT 'alert:' || alert.id, count(entry.subject) FROM safety_alert AS alert
LEFT JOIN journal_entry AS entry ON entry.type = 'alert.opened' AND entry.subject = 'alert:' || alert.id
WHERE alert.id > %s GROUP BY 1 HAVING count(entry.subject) <> 1
"""
_LEVELS = """
SELECT subject, data->>'level', count(*) FROM journal_entry
WHERE type = 'alert.escalated' AND split_part(subject, ':', 2)::bigint > %s GROUP BY 1, 2 HAVING count(*) > 1
"""
_OPEN = """
UPDATE safety_alert SET state = 'closed', outcome = 'false', closed_at = now(), owner_id = NULL WHERE state <> 'closed'
"""


@dataclass(frozen=True)
class Count:
    """Of a run: receipts without what they promised, presses that counted more than once, alerts that nobody knows."""

    lost: int
    doubled: int
    unreached: int
    faults: list[str] = field(default_factory=list)


def last_alert(town: Town) -> int:
    """The highest number of an alert. Raises psycopg.Error, OSError."""
    with town.owner() as look:
        return _number(look, "SELECT coalesce(max(id), 0) FROM safety_alert", [])


def risen(town: Town, first: int) -> None:
    """Waits until each alert after `first` was answered or has gone up, RISEN_S at most."""
    until = time.monotonic() + RISEN_S
    while time.monotonic() < until:
        with suppress(psycopg.Error, OSError, IndexError), town.owner() as look:
            if not _number(look, _WAITS, [first, 0]):
                return
        time.sleep(0.25)


def count(town: Town, first: int, presses: Sequence[Press]) -> Count:
    """What became of the presses of a run, whose alerts have numbers above `first`. Raises psycopg.Error, OSError."""
    with town.owner() as look:
        messages = look.execute(_MESSAGES, [first]).fetchall()
        calls = look.execute(_CALLS, [first]).fetchall()
        counted = _number(look, _PRESSES, [first])
        unreached = _number(look, _WAITS, [first, FIRST_LEVEL_S + LATE_S])
        faults = [f"{subject}: opened {times} times" for subject, times in look.execute(_OPENED, [first]).fetchall()]
        levels = look.execute(_LEVELS, [first]).fetchall()
        faults += [f"{subject}: level {level} {times} times" for subject, level, times in levels]
    kept = dict(messages) | dict(calls)
    lost = [press for press in presses if press.subject and kept.get(press.token) != press.subject]
    faults += [f"{press.token}: {press.subject} was promised, {kept.get(press.token)} is there" for press in lost]
    times = Counter(token for token, _subject in (*messages, *calls))
    twice = [token for token, number in times.items() if number > 1]
    faults += [f"{token} is there {times[token]} times" for token in twice]
    if more := counted - len(messages):
        faults.append(f"{counted} presses are counted of {len(messages)} messages")
    return Count(len(lost), abs(more) + len(twice), unreached, faults)


def close(town: Town) -> None:
    """Ends all alerts, so that the next run's are new ones; not by the city's own means, which would take long."""
    with town.owner() as look:
        look.execute(_OPEN)
        look.execute("DELETE FROM deadlines_deadline WHERE kind LIKE 'safety.%'")


def _number(look: psycopg.Connection[Any], sql: str, values: list[Any]) -> int:
    (found,) = look.execute(sql, values).fetchone() or (0,)
    return int(found)
