"""What `cityhall check` says of deadlines: those that fail, and those that nobody acts on."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from cityhall.kernel.deadlines.kinds import kinds
from cityhall.kernel.deadlines.models import Deadline


def findings() -> Iterator[tuple[str, str, str]]:
    """(level, what, how to mend it) of everything there is to say."""
    known = list(kinds())
    strange = Deadline.objects.exclude(kind__in=known).values("kind").annotate(count=Count("pk")).order_by("kind")
    for row in strange:
        yield (
            "warning",
            f"deadlines: {row['count']} of {row['kind']} wait, and no service of the city declares it.",
            "Switch its service on again in city.toml; they are kept until then.",
        )
    failing = Deadline.objects.filter(kind__in=known, attempts__gt=0)
    worst = failing.order_by("-attempts").first()
    if worst is not None:
        yield (
            "error",
            f"deadlines: {failing.count()} fail; {worst.kind} {worst.subject} did {worst.attempts} times"
            f" ({worst.problem}).",
            "Mend what it says; they are tried again every five minutes. The worker's log tells where.",
        )
    elif not strange:
        yield "ok", f"deadlines: {Deadline.objects.count()} wait, none fails.", ""
