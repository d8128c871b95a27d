"""What a service may declare of evidence: what kinds it keeps, who may see them, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """A kind of thing that a service keeps as evidence: a recording, a photo, a message as it came.

    Whoever holds `permission` (for the piece's scope, where it has one) may look at it, hand it over and export it. It
    is erased `retention_days` after it was kept, unless it is prolonged. `about` names a function (subject) -> (what it
    is in words, the address of its page or ""), for officers; without one they read the subject as it is.
    """

    slug: str
    name: Text
    permission: str
    retention_days: int
    about: Path = ""
