"""What a service may declare of what happened: that it wants to hear of it, that its own records stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class Follower:
    """Hears of every event of some streams (all of them where `streams` is empty), in order, at least once.

    `handler` names a function (events: list[Event]) -> None. What it writes to the database happens exactly once: the
    follower's place in the journal moves in the same transaction. It hears of events from the journal's first on. The
    name is the follower's for ever: under another one it would hear of everything again.
    """

    name: str
    handler: Path | Callable[..., Any]
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """A table of the owner's (`model` is its model's name) that the program may add to, but never change or clear.

    The database holds it: the program's role is given no more (kernel/program_role.py). `fills` are fields that may be
    set after the row is there. Partitions of the table are held likewise.
    """

    model: str
    fills: tuple[str, ...] = ()
