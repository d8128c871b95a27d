"""What may be declared to be done at a moment, and what its action is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class DeadlineKind:
    """Something to be done at a moment unless it has happened. `action` names a function (Due) -> None.

    It is called in a transaction that takes the deadline away, so what it writes is written once, or not at all. What
    it raises is tried again after growing pauses, without an end.

    `many`: thousands may be due at one moment, and the function (list[Due]) -> None is given those of a look together,
    in one transaction, each subject once. Where that fails, or one of them was cleared meanwhile, it is given each
    alone. It locks its subjects in one order.
    """

    slug: str
    action: Path
    many: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline whose moment has come. `now` is the database's clock, which decided that; both moments in UTC."""

    kind: str
    subject: str
    level: int
    due_at: datetime
    now: datetime
    data: dict[str, Any]
