"""Whether every piece is as it came: the file, the table, the custody log and the journal say the same of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from cityhall.kernel.evidence import sealing
from cityhall.kernel.evidence.custody import STREAM, event_type
from cityhall.kernel.evidence.models import Custody, Evidence, Seal, What
from cityhall.kernel.journal.models import Entry

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A piece that is not whole, by its number, and what is wrong with it."""

    piece: int
    kind: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"piece {self.piece} ({self.kind}, {self.subject}): {self.what}"


@dataclass(frozen=True, slots=True)
class Found:
    """How many pieces there are, erased ones among them, and each fault."""

    pieces: int
    broken: list[Fault] = field(default_factory=list)

    @property
    def whole(self) -> int:
        return self.pieces - len({fault.piece for fault in self.broken if fault.kind})


def verify_all(report: Report) -> Found:
    """Reads every file whole. The journal's own chain is another matter: `cityhall journal verify`.

    What the first look finds is looked at again: meanwhile its retention may have ended.
    """
    total, broken = _look(Evidence.objects.all(), report)
    if broken:
        _total, broken = _look(Evidence.objects.filter(pk__in={fault.piece for fault in broken}), report, broken)
    return Found(total, broken)


def _look(pieces: QuerySet[Evidence], report: Report, again: list[Fault] | None = None) -> tuple[int, list[Fault]]:
    """How many pieces there are, and each fault. The tables are as they were at one moment while files are read."""
    broken: list[Fault] = []
    with _one_moment():
        entries = Entry.objects.filter(stream=STREAM)
        if again is not None:
            entries = entries.filter(subject__in={f"evidence:{fault.piece}" for fault in again})
        events: dict[str, list[Entry]] = {}
        for entry in entries.order_by("entry").iterator():
            events.setdefault(entry.subject, []).append(entry)
        total = pieces.count()
        for number, piece in enumerate(pieces.order_by("pk").iterator()):
            told = {entry.id: entry for entry in events.pop(piece.ref, [])}
            broken += [Fault(piece.pk, piece.kind, piece.subject, what) for what in _faults(piece, told)]
            report(f"piece {piece.pk}", (number + 1) / total)
        # What the journal knows and the table does not.
        for subject in events:
            broken.append(Fault(int(subject.removeprefix("evidence:")), "", "", "it was removed from the table"))
    return total, broken


@contextmanager
def _one_moment() -> Iterator[None]:
    inside = connection.in_atomic_block
    with transaction.atomic():
        if not inside:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _faults(piece: Evidence, told: dict[Any, Entry]) -> Iterator[str]:
    received = next((one for one in told.values() if one.type == event_type(What.RECEIVED)), None)
    if received is None:
        yield "the journal does not know that it was received"
    else:
        said = {name: received.data.get(name) for name in ("kind", "about", "sha256", "sealed", "size")}
        row = {"kind": piece.kind, "about": piece.subject, "sha256": piece.digest, "sealed": piece.sealed_digest}
        if said != row | {"size": piece.size}:
            yield "its row was changed: the journal has other hashes, another size, kind or subject"
    yield from _custody_faults(piece, dict(told))
    erased = any(one.type == event_type(What.ERASED) for one in told.values())
    seal = Seal.objects.filter(evidence=piece).first()
    if seal is None:
        if not erased:
            yield "its key is gone, though nobody erased it"
        return
    if erased:
        yield "it was erased, but its key is there"
    yield from _file_faults(piece, bytes(seal.key))


def _custody_faults(piece: Evidence, told: dict[Any, Entry]) -> Iterator[str]:
    for line in Custody.objects.filter(evidence=piece):
        event = told.pop(line.event, None)
        if event is None:
            yield f"the journal does not know of line {line.pk} of its custody"
        elif (event.type, event.actor, event.data.get("to", "")) != (event_type(line.what), line.by, line.to):
            yield f"line {line.pk} of its custody was changed"
    for event in told.values():
        yield f"a line of its custody was removed: {event.type} of {event.time:%Y-%m-%d %H:%M}"


def _file_faults(piece: Evidence, key: bytes) -> Iterator[str]:
    path = sealing.path_of(piece.uid)
    try:
        if sealing.digest_of(path) != piece.sealed_digest:
            yield "its file was changed"
            return
        original = hashlib.sha256()
        with path.open("rb") as file:
            for chunk in sealing.unseal(file, key, piece.uid):
                original.update(chunk)
    except FileNotFoundError:
        yield "its file is gone"
    except OSError as problem:
        yield f"its file cannot be read ({problem.strerror})"
    except sealing.Broken as problem:
        yield f"its key does not open it: {problem}"
    else:
        if original.hexdigest() != piece.digest:
            yield "what is in its file is not what was received"
