"""The only writers of evidence: each one transaction, with its line of custody and its event in the journal."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.evidence import sealing
from cityhall.kernel.evidence.custody import OUTSIDE, note_down
from cityhall.kernel.evidence.kinds import kinds, may_hold, require_piece
from cityhall.kernel.evidence.models import Custody, Evidence, Note, Seal, What
from cityhall.kernel.files import placed
from cityhall.kernel.people.actors import Actor, person_actor, system
from cityhall.kernel.people.models import Person

RETENTION = "evidence.retention"
LONGEST = timedelta(days=366 * 30)
"""How far ahead a piece may be kept."""
log = logging.getLogger(__name__)


@transaction.atomic
def keep(
    kind: str,
    subject: str,
    original: bytes | Path,
    *,
    name: str,
    content_type: str,
    actor: Actor,
    scope: str = "",
) -> Evidence:
    """Seals the bytes as they are, and keeps them for as long as their kind says. The file is durable on return.

    `kind` is "<service>.<slug>" of an EvidenceKind, `subject` what it is about ("alert:12"), `name` what officers see
    it called. No permission is asked: the service that keeps it decides who may bring some. Raises ValueError for a
    kind that nobody declares, Invalid for nothing at all, OSError where it cannot be written.
    """
    declared = kinds().get(kind)
    if declared is None:
        raise ValueError(f"no service or room of the city declares the evidence {kind!r}")
    piece, key = Evidence(kind=kind, subject=subject, scope=scope, kept_at=timezone.now()), sealing.new_key()
    sealed = _sealed(original, piece, key)
    piece.digest, piece.sealed_digest, piece.size = sealed.digest, sealed.sealed_digest, sealed.size
    piece.save(force_insert=True)
    until = piece.kept_at + timedelta(days=declared.retention_days)
    Seal.objects.create(
        evidence=piece, key=key, name=name[:200] or kind, content_type=content_type[:100], keep_until=until
    )
    hashes = {"kind": kind, "about": subject, "sha256": sealed.digest, "sealed": sealed.sealed_digest}
    note_down(actor, piece, What.RECEIVED, data={**hashes, "size": sealed.size, "until": until.isoformat()})
    set_deadline(RETENTION, piece.ref, until)
    return piece


def _sealed(original: bytes | Path, piece: Evidence, key: bytes) -> sealing.Sealed:
    """Where the transaction is rolled back afterwards, the file is left without its key; `sweep` takes it away."""
    path = sealing.path_of(piece.uid)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source: IO[bytes] = io.BytesIO(original) if isinstance(original, bytes) else original.open("rb")
    with source, placed(path) as target:
        sealed = sealing.seal(source, target, key, piece.uid)
        if not sealed.size:
            raise Invalid(_("There is nothing in this file."), code="empty")
    return sealed


def seal_of(piece: Evidence) -> Seal:
    """What opens the piece. Raises Missing where its retention has ended."""
    seal = Seal.objects.filter(evidence=piece).first()
    if seal is None:
        raise Missing(_("This was erased when its time was over."), code="erased")
    return seal


@transaction.atomic
def view(actor: Actor, piece: Evidence) -> None:
    """Somebody looks at what is known of it, not at itself. Raises Denied."""
    require_piece(actor, piece)
    note_down(actor, piece, What.VIEWED)


@transaction.atomic
def open_original(actor: Actor, piece: Evidence) -> Iterator[bytes]:
    """The original, a MiB at a time; that it was opened is noted before the first byte.

    Raises Denied, Missing where it was erased or its file is gone, Conflict where that is not as it was sealed.
    """
    require_piece(actor, piece)
    seal = seal_of(piece)
    file = _file(piece)
    note_down(actor, piece, What.OPENED)
    return _bytes(file, bytes(seal.key), piece)


def _file(piece: Evidence) -> IO[bytes]:
    """Its file, once it is known to be as it was sealed: half an original would be worse than none."""
    path = sealing.path_of(piece.uid)
    try:
        if sealing.digest_of(path) != piece.sealed_digest:
            raise Conflict(
                _("The file of this piece of evidence is not as it was kept."),
                code="changed",
                mend=_("Tell who runs the city: a backup may have it whole."),
            )
        return path.open("rb")
    except FileNotFoundError:
        raise Missing(_("The file of this piece of evidence is gone."), code="gone") from None


def _bytes(file: IO[bytes], key: bytes, piece: Evidence) -> Iterator[bytes]:
    with file:
        yield from sealing.unseal(file, key, piece.uid)


@contextmanager
def reading(piece: Evidence, seal: Seal) -> Iterator[Iterator[bytes]]:
    """The original for who has noted down why; for the room itself."""
    with _file(piece) as file:
        yield sealing.unseal(file, bytes(seal.key), piece.uid)


@transaction.atomic
def hand_over(actor: Actor, piece: Evidence, *, to: Person | None = None, note: str = "") -> Custody:
    """Gives a piece into somebody's keeping: an officer's, or by `note` (name, office, receipt) somebody's outside.

    Raises Denied; Invalid where neither is named or the officer may not have it; Missing where it was erased.
    """
    require_piece(actor, piece)
    seal_of(piece)
    note = note.strip()
    if to is None and not note:
        raise Invalid(_("Say to whom it goes."), code="nobody", field="note")
    if to is not None and not may_hold(person_actor(to), piece):
        raise Invalid(
            _("This person may not have it."),
            code="may_not_hold",
            field="email",
            mend=_("Choose an officer whose role opens this kind of evidence."),
        )
    return note_down(actor, piece, What.HANDED_OVER, to=str(person_actor(to)) if to else OUTSIDE, note=note[:500])


@transaction.atomic
def prolong(actor: Actor, piece: Evidence, until: datetime, *, why: str) -> None:
    """Keeps a piece longer than its kind says: a case is open. Raises Denied, Missing; Invalid for a moment before."""
    require_piece(actor, piece)
    # Locked, so that the end of its retention comes before or after.
    seal = Seal.objects.select_for_update().filter(evidence=piece).first() or seal_of(piece)
    if not seal.keep_until < until <= timezone.now() + LONGEST:
        raise Invalid(_("Choose a day after the one until which it is kept already."), code="not_longer", field="until")
    if not why.strip():
        raise Invalid(_("Say why it is kept longer."), code="no_reason", field="why")
    seal.keep_until = until
    seal.save(update_fields=["keep_until"])
    set_deadline(RETENTION, piece.ref, until)
    note_down(actor, piece, What.PROLONGED, note=why.strip()[:500], data={"until": until.isoformat()})


def retention_ended(due: Due) -> None:
    """The moment has come: see `erase`."""
    piece = Evidence.objects.filter(pk=int(due.subject.removeprefix("evidence:"))).first()
    if piece is not None:
        erase(system("retention"), piece)


@transaction.atomic
def erase(actor: Actor, piece: Evidence) -> None:
    """Destroys the key, the name and the notes of a piece; its file follows. Hashes and custody stay.

    For the end of its retention, and for what the law has erased before. Raises Conflict where somebody who is no part
    of the program tries it; erasing twice is no error.
    """
    if actor.kind != "system":
        raise Conflict(_("Evidence is erased when its time is over, not by hand."), code="not_by_hand")
    seal = Seal.objects.select_for_update().filter(evidence=piece).first()
    if seal is None:
        return
    Note.objects.filter(custody__evidence=piece).delete()
    seal.delete()
    clear(RETENTION, piece.ref)
    note_down(actor, piece, What.ERASED)
    transaction.on_commit(lambda: sealing.path_of(piece.uid).unlink(missing_ok=True))
