"""The city's clock: what every part means by "now". The machine's own, but for a demo whose clock was set.

`cityhall demo --at 2026-11-27T16:30` sets it for all the demo's processes: they get how far ahead they are by
`CITYHALL_CLOCK`. Django's `timezone.now` follows, so `auto_now` and whatever asks Django is right as well; nothing else
of the program may read the machine's clock (ruff's TID251 says so), nor ask PostgreSQL. `time.monotonic` is no clock.
"""

from __future__ import annotations

import time as machine
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo

from django.utils import timezone

VARIABLE = "CITYHALL_CLOCK"
"""Seconds that the clock is ahead of the machine's."""
MOST_S = 50 * 366 * 86_400.0
_ahead = 0.0
_djangos_own = timezone.now


def time() -> float:
    """Now, Unix seconds."""
    return machine.time() + _ahead  # noqa: TID251 (this is the one place)


def now(zone: tzinfo = UTC) -> datetime:
    """Now, in a zone."""
    return datetime.fromtimestamp(time(), zone)


def ahead() -> float:
    """Seconds that the clock is ahead of the machine's; 0 in every real city."""
    return _ahead


def set_ahead(seconds: float) -> None:
    """Sets the clock of this process."""
    global _ahead
    _ahead = seconds
    timezone.now = now if seconds else _djangos_own


def ahead_of(moment: datetime) -> float:
    """How far ahead a clock is that shows `moment` (with a zone) now."""
    return moment.timestamp() - machine.time()  # noqa: TID251


def read(value: str) -> float:
    """What `CITYHALL_CLOCK` says. Raises ValueError."""
    try:
        seconds = float(value or 0)
    except ValueError:
        seconds = float("nan")
    if not abs(seconds) <= MOST_S:
        raise ValueError(f"{VARIABLE} = {value!r} is no number of seconds: take it out, or use `cityhall demo --at`.")
    return seconds


@contextmanager
def running_from(moment: datetime) -> Iterator[None]:
    """Within, the clock runs from `moment` on: for tests."""
    before = _ahead
    set_ahead(ahead_of(moment))
    try:
        yield
    finally:
        set_ahead(before)
