"""Recomputing the whole chain: any event changed, removed, inserted or put elsewhere is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from cityhall.kernel.journal.anchors import Anchor
from cityhall.kernel.journal.models import Entry, Head
from cityhall.kernel.journal.sealer import START, canonical, chain, whole


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place of a stream; of the stream "" it is a position among all events.

    `id` is None where the event is gone.
    """

    stream: str
    sequence: int
    id: UUID | None
    what: str

    def __str__(self) -> str:
        name = f" (event {self.id})" if self.id else ""
        place = f"stream {self.stream!r}, event" if self.stream else "the whole, position"
        return f"{place} {self.sequence}{name}: {self.what}"


def _quiet(what: str, share: float) -> None:
    pass


@contextmanager
def _one_moment() -> Iterator[None]:
    """What is read inside is as it was at one moment, while the city goes on appending and sealing."""
    inside = connection.in_atomic_block
    with transaction.atomic():
        if not inside:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _as_stored(entry: Entry, before: bytes) -> bool:
    """Whether an event's hash is that of what it says."""
    assert entry.sequence is not None and entry.hash is not None
    try:
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
    except TypeError:
        # Data that no `append` takes, as a number of more than 64 bits.
        return False
    return chain(before, text) == bytes(entry.hash)


def verify(stream: str) -> Iterator[Fault]:
    """Every fault of a stream, in order.

    After a fault the chain is taken up from the hash that is stored, so that one changed event is one fault.
    """
    expected, before = 1, START
    sealed = Entry.objects.filter(stream=stream, position__isnull=False).order_by("sequence", "position")
    for entry in sealed.iterator(2000):
        if entry.sequence is None or entry.hash is None or entry.sequence < expected:
            # Only where a constraint was taken away can a place have two.
            yield Fault(stream, entry.sequence or 0, entry.id, "it was put in")
            continue
        if entry.sequence != expected:
            missing = range(expected, entry.sequence)
            for sequence in list(missing[:100]):
                yield Fault(stream, sequence, None, "it was removed")
        elif not _as_stored(entry, before):
            yield Fault(stream, entry.sequence, entry.id, "it was changed, or put in another's place")
        expected, before = entry.sequence + 1, bytes(entry.hash)
    head = Head.objects.filter(stream=stream).first()
    if head is None:
        if expected > 1:
            yield Fault(stream, expected - 1, None, "the stream's head was removed")
    elif head.sequence >= expected:
        for sequence in range(expected, min(head.sequence, expected + 99) + 1):
            yield Fault(stream, sequence, None, "it was removed from the end")
    elif head.sequence != expected - 1 or bytes(head.hash) != before:
        yield Fault(stream, expected - 1, None, "the stream ends otherwise than its head says")


def verify_whole() -> Iterator[Fault]:
    """Every fault of the one order of all streams: positions without a gap to the last ever given, none given twice."""
    expected, digest, found = 1, START, False
    sealed = Entry.objects.filter(position__isnull=False).order_by("position").values_list("position", "id", "hash")
    for position, identity, event in sealed.iterator(10_000):
        assert position is not None
        if position < expected:
            yield Fault("", position, identity, "it was put in")
            found = True
            continue
        if position > expected:
            yield _gap(expected, position - 1)
            found = True
        digest = chain(digest, bytes(event or b""))
        expected = position + 1
    head = Head.objects.filter(stream="").first()
    last = head.sequence if head else 0
    if last >= expected:
        yield _gap(expected, last)
    elif last != expected - 1:
        yield Fault("", expected - 1, None, f"the last position that was given is {last}, if its head is right")
    elif head and not found and bytes(head.hash) not in (digest, START):
        yield Fault("", last, None, "the order is not the one that events were sealed in")


def _gap(first: int, last: int) -> Fault:
    more = f", and all up to {last}" if last > first else ""
    return Fault("", first, None, f"there is nothing at this position{more}: it was removed")


def verify_against(anchor: Anchor) -> Iterator[Fault]:
    """Where the journal up to an anchor is not what it was when the anchor was made.

    Hashes are taken as they are stored, so that `verify` of each stream belongs to it.
    """
    sealed = Entry.objects.filter(position__isnull=False)
    for stream, (sequence, digest) in sorted(anchor.streams.items()):
        here = sealed.filter(stream=stream)
        kept = here.filter(sequence=sequence).values_list("hash", flat=True).first()
        if kept is None:
            last = here.order_by("-sequence").values_list("sequence", flat=True).first()
            cut = f"the end was cut off, from event {last + 1} on" if last else "the whole stream was removed"
            yield Fault(stream, sequence, None, f"{cut}: the anchor has {sequence} events of it")
        elif bytes(kept).hex() != digest:
            yield Fault(stream, sequence, None, "up to here it is not what it was when the anchor was made")
    before = sealed.filter(position__lte=anchor.position).values_list("stream", flat=True)
    for stream in sorted(set(before.distinct()) - set(anchor.streams)):
        yield Fault(stream, 1, None, "the stream was put in: the anchor does not know it")
    if whole(anchor.position).hex() != anchor.hash:
        yield Fault("", anchor.position, None, "up to here it is not what it was when the anchor was made")


def verify_all(progress: Callable[[str, float], None] = _quiet, anchor: Anchor | None = None) -> list[Fault]:
    """Every fault of every stream, of all together, and of what stood before `anchor`."""
    with _one_moment():
        streams = set(Entry.objects.filter(position__isnull=False).values_list("stream", flat=True).distinct())
        streams |= set(Head.objects.exclude(stream="").values_list("stream", flat=True))
        faults: list[Fault] = []
        for place, stream in enumerate(sorted(streams)):
            progress(stream, place / len(streams))
            faults += verify(stream)
        faults += verify_whole()
        if anchor:
            faults += verify_against(anchor)
        return faults
