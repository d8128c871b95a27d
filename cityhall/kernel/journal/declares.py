"""What a service may declare of the journal: that it wants to hear of what happened."""

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
