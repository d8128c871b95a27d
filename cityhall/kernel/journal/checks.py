"""What `cityhall check` says of the journal: the events that a follower failed on and that were set aside."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from cityhall.kernel.journal.models import Parked


def findings() -> Iterator[tuple[str, str, str]]:
    """(level, what, how to mend it) of everything there is to say."""
    rows = list(Parked.objects.values("follower").annotate(count=Count("pk")).order_by("follower"))
    for row in rows:
        last = Parked.objects.filter(follower=row["follower"]).latest("position")
        yield (
            "warning",
            f"journal: {row['follower']} failed on {row['count']} events, which were set aside; the last is"
            f" {last.event} ({last.error[:200]}).",
            f"Mend what it says, then run cityhall journal again {row['follower']}.",
        )
    if not rows:
        yield "ok", "journal: no follower has failed on an event.", ""
