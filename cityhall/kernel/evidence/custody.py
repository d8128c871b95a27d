"""The log of who had a piece: each line is in the table and in the journal, in one transaction."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from cityhall.kernel.evidence.models import Custody, Evidence, Note, What
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor

STREAM = "evidence"
OUTSIDE = "outside"
"""To whom a piece was handed over that has no account here."""


def note_down(
    actor: Actor, piece: Evidence, what: What, *, to: str = "", note: str = "", data: dict[str, Any] | None = None
) -> Custody:
    """Adds a line, in the caller's transaction. `data` (ids, hashes, moments) goes into the journal beside `to`."""
    told = {**({"to": to} if to else {}), **(data or {})}
    event = append(STREAM, event_type(what), told, subject=piece.ref, actor=str(actor))
    line = Custody.objects.create(evidence=piece, at=timezone.now(), what=what, by=str(actor), to=to, event=event)
    if note:
        Note.objects.create(custody=line, text=note)
    return line


def event_type(what: str) -> str:
    """What the journal calls it."""
    return f"evidence.{what}"
