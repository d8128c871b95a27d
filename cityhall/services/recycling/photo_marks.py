"""What photos of scales are known again by: reckoned once for each, each laid beside those that came before it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from cityhall.kernel.media.storing import path_of
from cityhall.services.recycling.models import PhotoMark, Weighing

MOST = 1500
"""Photos of one night; what is left waits for the next."""
NEAREST = 12
"""So many are laid beside a new one: those whose hash differs least."""


def keep_marks(since: datetime) -> int:
    """Marks the photos that came since then and have none yet, the oldest first; gives how many."""
    from cityhall.engines.weights.photos import CANDIDATES

    assert NEAREST >= CANDIDATES, "the engine is given all that it would look at"
    marked = PhotoMark.objects.values("photo")
    waiting = Weighing.objects.filter(at__gte=since, photo__isnull=False).exclude(photo__in=marked)
    found = list(waiting.select_related("photo").order_by("at", "pk")[:MOST])
    before = PhotoMark.objects.filter(weighing__at__gte=since).exclude(bits=b"").order_by("weighing__at", "pk")
    known = [(pk, bytes(bits)) for pk, bits in before.values_list("pk", "bits")]
    for one in found:
        made = _marked(one, known)
        if made.bits:
            known.append((made.pk, bytes(made.bits)))
    return len(found)


@transaction.atomic
def _marked(weighing: Weighing, known: list[tuple[int, bytes]]) -> PhotoMark:
    """The mark of a weighing's photo, with the one among `known` (number of a mark, bits) that is most like it."""
    from cityhall.engines.weights.photos import mark

    assert weighing.photo is not None
    try:
        made = mark(str(path_of(weighing.photo)))
    except OSError:
        # The file is gone, or is no picture any more: there is nothing to be known again by.
        made = None
    bits, grey = (made.bits.tobytes(), made.grey.tobytes()) if made is not None else (b"", b"")
    alike_to, alike = _nearest(bits, grey, known) if made is not None else (None, None)
    one, _new = PhotoMark.objects.get_or_create(
        photo=weighing.photo,
        defaults={"weighing": weighing, "bits": bits, "grey": grey, "alike_to_id": alike_to, "alike": alike},
    )
    return one


def _nearest(bits: bytes, grey: bytes, known: list[tuple[int, bytes]]) -> tuple[UUID | None, float | None]:
    import numpy as np

    from cityhall.engines.weights.photos import HIGH, WIDE, Mark, same

    if not known:
        return None, None
    own = np.frombuffer(bits, np.uint8)
    every = np.frombuffer(b"".join(one for _pk, one in known), np.uint8).reshape(len(known), -1)
    order = np.argsort(np.bitwise_count(every ^ own).sum(axis=1), kind="stable")[:NEAREST]
    near = PhotoMark.objects.in_bulk([known[int(place)][0] for place in order])
    rows = [near[known[int(place)][0]] for place in order if known[int(place)][0] in near]

    def as_mark(some: bytes, values: bytes) -> Mark:
        return Mark(np.frombuffer(some, np.uint8), np.frombuffer(values, np.uint8).reshape(2 * HIGH, 2 * WIDE))

    found = same(as_mark(bits, grey), [as_mark(bytes(one.bits), bytes(one.grey)) for one in rows])
    return (rows[found[0]].weighing_id, found[1]) if found is not None else (None, None)
