"""What `cityhall check` says of work that was not done: items that were passed over, and jobs that did not end well."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.models import Count

from cityhall.kernel.work.models import SetAside

_OVER = """
SELECT status::text, task_name, count(*), max(id) FROM procrastinate_jobs
WHERE status IN ('failed', 'aborted') GROUP BY 1, 2 ORDER BY 1, 2
"""
Finding = tuple[str, str, str]


def findings() -> Iterator[Finding]:
    """(level, what, how to mend it) of everything there is to say."""
    found = [*_passed_over(), *_not_done()]
    yield from found or [("ok", "work: nothing was passed over, and no job was given up.", "")]


def _passed_over() -> Iterator[Finding]:
    for row in SetAside.objects.values("work").annotate(count=Count("pk")).order_by("work"):
        last = SetAside.objects.filter(work=row["work"]).latest("last_at")
        yield (
            "warning",
            f"work: {row['count']} of {row['work']} were passed over in the last seven days; the last was {last.item},"
            f" {last.times} times ({last.problem}).",
            "Mend what it says; the others went on meanwhile. The log tells where.",
        )


def _not_done() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_OVER)
        rows = cursor.fetchall()
    for status, name, count, last in rows:
        if status == "failed":
            yield (
                "warning",
                f"jobs: {count} of {name} failed in the last month, the last is number {last}.",
                "The worker's log tells why; what still has to be done is to be asked for anew.",
            )
        else:
            yield (
                "error",
                f"jobs: {count} of {name} broke off with a worker and may not run twice, the last is number {last}.",
                "Find out what it still did (its values are in the staff screens), and do the rest by hand.",
            )
