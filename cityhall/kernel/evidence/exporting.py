"""Pieces as one file to take along: originals, a manifest with hashes and custody, its signature, and a watermark."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import cityhall
from cityhall.kernel.city.secrets import journal_key
from cityhall.kernel.evidence.actions import reading, seal_of
from cityhall.kernel.evidence.custody import note_down
from cityhall.kernel.evidence.kinds import require_piece
from cityhall.kernel.evidence.models import Evidence, Seal, What
from cityhall.kernel.evidence.sealing import FOLDER
from cityhall.kernel.journal import anchors
from cityhall.kernel.journal.log import new_id
from cityhall.kernel.people.actors import Actor

MANIFEST, SIGNATURE, WATERMARK = "manifest.json", "manifest.sig", "READ-ME-FIRST.txt"


@transaction.atomic
def export(actor: Actor, pieces: Sequence[Evidence]) -> IO[bytes]:
    """A ZIP of the pieces, open at its beginning; it has no name on the disk and goes when it is closed.

    Each is noted as exported, by this export's number, which the watermark has too. Raises Denied, Missing where one
    was erased, Conflict where one is not as it was sealed: nothing is exported then.
    """
    seals = {}
    for piece in pieces:
        require_piece(actor, piece)
        seals[piece.pk] = seal_of(piece)
    number = new_id()
    for piece in pieces:
        note_down(actor, piece, What.EXPORTED, data={"export": str(number)})
    place = Path(settings.CITY_FOLDER) / FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    file: IO[bytes] = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 (the caller closes it)
    try:
        _write(file, actor, number, pieces, seals)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write(file: IO[bytes], actor: Actor, number: UUID, pieces: Sequence[Evidence], seals: dict[int, Seal]) -> None:
    mark = _mark(actor, number)
    entries = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
        bundle.comment = mark.encode()[:65_535]
        bundle.writestr(WATERMARK, mark)
        for piece in pieces:
            name = f"pieces/{piece.pk}-{_safe(seals[piece.pk].name)}"
            with reading(piece, seals[piece.pk]) as chunks, bundle.open(name, "w", force_zip64=True) as entry:
                for chunk in chunks:
                    entry.write(chunk)
            entries.append(_entry(piece, seals[piece.pk], name))
        manifest = {
            "export": str(number),
            "city": settings.CITY.slug,
            "exported_by": str(actor),
            "exported_by_name": actor.name,
            "exported_at": timezone.now().isoformat(timespec="seconds"),
            "program": f"cityhall {cityhall.__version__}",
            "pieces": entries,
        }
        text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode()
        key = journal_key(Path(settings.CITY_FOLDER))
        bundle.writestr(MANIFEST, text)
        bundle.writestr(SIGNATURE, f"{anchors.own_fingerprint(key)}\n{key.sign(text).hex()}\n")


def _mark(actor: Actor, number: UUID) -> str:
    who = f"{actor.name} ({actor})" if actor.name else str(actor)
    return (
        f"Evidence of {settings.CITY.name}, exported by {who} at {timezone.now():%Y-%m-%d %H:%M:%S} UTC.\n"
        f"Export {number}. That it was exported is in the city's journal.\n"
        f"{MANIFEST} has the SHA-256 of every piece; {SIGNATURE} has the fingerprint of the city's key and its Ed25519 "
        f"signature of {MANIFEST}, in hex.\n"
    )


def _entry(piece: Evidence, seal: Seal, name: str) -> dict[str, Any]:
    return {
        "piece": piece.pk,
        "uid": str(piece.uid),
        "file": name,
        "name": seal.name,
        "type": seal.content_type,
        "kind": piece.kind,
        "subject": piece.subject,
        "sha256": piece.digest,
        "bytes": piece.size,
        "kept_at": piece.kept_at.isoformat(),
        "kept_until": seal.keep_until.isoformat(),
        "custody": [
            {"at": line.at.isoformat(), "what": line.what, "by": line.by, "to": line.to, "event": str(line.event)}
            for line in piece.custody.all()
        ],
    }


def _safe(name: str) -> str:
    """A name that is one on any machine, and no path."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._")[:80] or "piece"
