"""What somebody wants of a layer: a box, a time, values of its public fields. Read from an address's query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.values import box, moment

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Selection:
    """`bounds` in degrees; `since` and `until` in seconds since 1970, both included; `values` by public field."""

    bounds: Bounds | None = None
    since: float | None = None
    until: float | None = None
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def boxes(self) -> list[Bounds]:
        """The box as one that grows eastwards, or two where it crosses the antimeridian (RFC 7946, section 5.2)."""
        if self.bounds is None:
            return []
        west, south, east, north = self.bounds
        return [self.bounds] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]

    @property
    def key(self) -> str:
        """The same for equal selections, but for the box."""
        return repr((self.since, self.until, sorted(self.values.items())))


def read_times(text: str) -> tuple[float | None, float | None]:
    """A moment, or an interval whose ends may be open: `2026-01-01T00:00:00Z/..` (OGC 17-069r4, 7.15.4).

    Raises Invalid.
    """
    parts = text.split("/")
    ends = [None if part in ("", "..") else _moment(part) for part in parts]
    if len(parts) > 2 or (len(parts) == 1 and ends[0] is None):
        raise _no_time()
    first, last = ends[0], ends[-1]
    if first is not None and last is not None and first > last:
        raise _no_time()
    return first, last


def _moment(text: str) -> float:
    found = moment(text, UTC)
    if found is None:
        raise _no_time()
    return found.timestamp()


def _no_time() -> Invalid:
    return Invalid(
        _("datetime is no moment and no interval."),
        field="datetime",
        mend=_("Write 2026-01-31T08:00:00Z, or two of them with / between; .. leaves an end open."),
    )


def read_selection(layer: Layer, query: QueryDict, *, prefix: str = "") -> Selection:
    """The selection that an address asks for: `bbox`, `datetime`, and public fields by name. Raises Invalid.

    A field may be given several times; any of its values will do.
    """
    values: dict[str, Any] = {}
    for name in layer.public_fields:
        wanted = query.getlist(f"{prefix}{name}")
        if wanted:
            values[name] = tuple(wanted)
    times, edges = query.get("datetime"), query.get("bbox")
    since, until = read_times(times) if times else (None, None)
    bounds = box(edges, across=True) if edges else None
    return Selection(bounds, since, until, values)
