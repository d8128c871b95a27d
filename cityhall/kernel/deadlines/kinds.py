"""The kinds of deadlines that this city knows."""

from __future__ import annotations

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.service import declared


def kinds() -> dict[str, DeadlineKind]:
    """Every kind that the city's rooms and services declare, by its name "<owner>.<kind>"."""
    return {f"{owner.slug}.{kind.slug}": kind for owner, kind in declared(DeadlineKind)}
