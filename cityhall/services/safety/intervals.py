"""How long alerts took: answered, a unit sent, a unit there; by button, area and kind. Exercises are in none of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from cityhall.kernel.places import zones
from cityhall.services.safety.models import Alert
from cityhall.services.safety.patterns import midnight

MOST = 50_000
LISTED = 100
PUBLIC = 20
"""Of fewer alerts no figure is published: a median of a few tells of each."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Median and 90th percentile in seconds; None where nothing was measured."""

    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that have something in common. `answer` counts from the press, `dispatch` from the answer, `arrival`
    from the press. `false_share` is per cent of what was closed that was a false alarm also at review."""

    name: str
    count: int
    answer: Interval
    dispatch: Interval
    arrival: Interval
    false_share: float | None


def alerts(first: date, last: date) -> list[Alert]:
    """The alerts of these days, both included; the latest MOST. What is part of another is in that one."""
    begin, end = midnight(first), midnight(last + timedelta(days=1))
    found = Alert.objects.filter(exercise=False, part_of=None, received_at__gte=begin, received_at__lt=end)
    return list(found.select_related("button").order_by("-received_at")[:MOST])


def by_kind(found: Sequence[Alert]) -> list[Group]:
    """By what was called for, the most first."""
    return _grouped(found, lambda one: str(Alert.Kind(one.kind).label))


def by_button(found: Sequence[Alert]) -> list[Group]:
    """By button, the most first; telephones are one."""
    return _grouped(found, lambda one: one.button.name if one.button else str(Alert.Door(one.door).label))


def by_area(found: Sequence[Alert]) -> list[Group]:
    """By district, the most first; "–" where no district is known."""
    outlines = zones.outlines()
    names: dict[tuple[float, float] | None, str] = {None: "–"}

    def name(one: Alert) -> str:
        if one.point not in names and one.point is not None:
            zone = zones.zone_at(one.point.lon, one.point.lat, among=outlines)
            names[one.point] = zone.name if zone else "–"
        return names[one.point]

    return _grouped(found, name)


def _grouped(found: Sequence[Alert], name: Callable[[Alert], str]) -> list[Group]:
    groups: dict[str, list[Alert]] = {}
    for one in found:
        groups.setdefault(name(one), []).append(one)
    made = [_group(label, members) for label, members in groups.items()]
    return sorted(made, key=lambda group: (-group.count, group.name))[:LISTED]


def _group(name: str, members: Sequence[Alert]) -> Group:
    closed = [one for one in members if one.closed_at is not None]
    false = [one for one in closed if one.outcome == Alert.Outcome.FALSE and one.reviewer_id is not None]
    return Group(
        name,
        len(members),
        _interval([(one.received_at, one.answered_at) for one in members]),
        _interval([(one.answered_at, one.sent_at) for one in members]),
        _interval([(one.received_at, one.there_at) for one in members]),
        100.0 * len(false) / len(closed) if closed else None,
    )


def _interval(pairs: Sequence[tuple[datetime | None, datetime | None]]) -> Interval:
    seconds = [(end - begin).total_seconds() for begin, end in pairs if begin is not None and end is not None]
    if not seconds:
        return Interval(None, None)
    median, p90 = np.percentile(seconds, [50, 90]).tolist()
    return Interval(median, p90)


def public(first: date, last: date) -> list[dict[str, Any]]:
    """By kind, and without counts: median and 90th percentile of kinds of which PUBLIC alerts were measured."""
    every, made = alerts(first, last), []
    for kind in Alert.Kind.values:
        members = [one for one in every if one.kind == kind]
        row: dict[str, Any] = {"kind": kind}
        for name, begin, end in (("answer", "received_at", "answered_at"), ("arrival", "received_at", "there_at")):
            pairs = [(getattr(one, begin), getattr(one, end)) for one in members]
            if sum(until is not None for _since, until in pairs) >= PUBLIC:
                found = _interval(pairs)
                row |= {f"{name}_median_s": found.median, f"{name}_p90_s": found.p90}
        if len(row) > 1:
            made.append(row)
    return made
