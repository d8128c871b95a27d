"""Recomputing the whole chain: any event changed, removed, inserted or put elsewhere is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from cityhall.kernel.journal.models import Entry, Head
from cityhall.kernel.journal.sealer import START, canonical, chain


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place of a stream. `id` is None where the event is gone."""

    stream: str
    sequence: int
    id: UUID | None
    what: str

    def __str__(self) -> str:
        name = f" (event {self.id})" if self.id else ""
        return f"stream {self.stream!r}, event {self.sequence}{name}: {self.what}"


def _quiet(what: str, share: float) -> None:
    pass


def verify(stream: str) -> Iterator[Fault]:
    """Every fault of a stream, in order.

    After a fault the chain is taken up from the hash that is stored, so that one changed event is one fault.
    """
    expected, before = 1, START
    for entry in Entry.objects.filter(stream=stream, position__isnull=False).order_by("sequence").iterator(2000):
        assert entry.sequence is not None and entry.hash is not None
        if entry.sequence != expected:
            missing = range(expected, entry.sequence)
            for sequence in list(missing)[:100]:
                yield Fault(stream, sequence, None, "it was removed")
        text = canonical(
            entry.id,
            entry.stream,
            entry.sequence,
            entry.type,
            entry.source,
            entry.subject,
            entry.actor,
            entry.time,
            entry.data,
        )
        stored = bytes(entry.hash)
        if entry.sequence == expected and chain(before, text) != stored:
            yield Fault(stream, entry.sequence, entry.id, "it was changed, or put in another's place")
        expected, before = entry.sequence + 1, stored
    head = Head.objects.filter(stream=stream).first()
    if head is None:
        if expected > 1:
            yield Fault(stream, expected - 1, None, "the stream's head was removed")
    elif head.sequence >= expected:
        for sequence in range(expected, min(head.sequence, expected + 99) + 1):
            yield Fault(stream, sequence, None, "it was removed from the end")
    elif head.sequence != expected - 1 or bytes(head.hash) != before:
        yield Fault(stream, expected - 1, None, "the stream ends otherwise than its head says")


def verify_all(progress: Callable[[str, float], None] = _quiet) -> list[Fault]:
    """Every fault of every stream."""
    streams = set(Entry.objects.filter(position__isnull=False).values_list("stream", flat=True).distinct())
    streams |= set(Head.objects.exclude(stream="").values_list("stream", flat=True))
    faults: list[Fault] = []
    for place, stream in enumerate(sorted(streams)):
        progress(stream, place / len(streams))
        faults += verify(stream)
    return faults
