"""A season of weighings as the columns that engines/weights reads, and what of it an officer is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, Sum
from django.utils import timezone

from cityhall.services.recycling.models import Estimate, Weighed, Weighing
from cityhall.services.recycling.rules import day_of
from cityhall.services.recycling.scales import FIELDS, scale_of

if TYPE_CHECKING:
    from cityhall.engines.weights import Season

WEEKS = 26
SHOWN = 80
"""Weighings of a pair that are kept as evidence, the latest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A weighing at a door that was announced: both in grams, `points` what it brought."""

    uid: UUID
    at: datetime
    scale: str
    crew: int | None
    account: int
    grams: int
    announced: int
    points: int


def begin() -> datetime:
    """From when on the season of tonight counts."""
    return timezone.now() - timedelta(weeks=WEEKS)


def rows(since: datetime) -> list[Row]:
    """What was announced and weighed at doors from then on, in its order.

    Drop-off points and machines are left out: nobody announces anything to them. What an earlier system weighed counts
    where it says what was announced.
    """
    announced = dict(
        Estimate.objects.filter(pickup__weighing__at__gte=since)
        .values("pickup__weighing")
        .annotate(all=Sum("grams"))
        .values_list("pickup__weighing", "all")
    )
    weighed = {
        uid: (grams, points)
        for uid, grams, points in Weighed.objects.filter(valid=True, weighing__at__gte=since)
        .values("weighing")
        .annotate(all=Sum("grams"), brought=Sum(F("base") + F("bonus")))
        .values_list("weighing", "all", "brought")
    }
    earlier = Weighing.objects.filter(at__gte=since, announced__gt=0)
    announced.update(earlier.values_list("pk", "announced"))
    found = Weighing.objects.filter(at__gte=since).exclude(pickup=None, announced=None).order_by("at", "pk")
    rows = []
    for uid, at, person, account, *known in found.values_list("pk", "at", "person_id", "account_id", *FIELDS):
        if announced.get(uid, 0) > 0 and uid in weighed:
            grams, points = weighed[uid]
            rows.append(Row(uid, at, scale_of(*known), person, account, grams, announced[uid], points))
    return rows


def columns(found: Sequence[Row], whose: Sequence[str | int]) -> tuple[Season, list[str | int], list[int]]:
    """The season of rows, `whose` (scale or crew) and accounts numbered from 0: it, and what the numbers mean."""
    import numpy as np

    from cityhall.engines.weights import Season

    names, accounts = sorted(set(whose), key=str), sorted({one.account for one in found})
    number, account = {one: at for at, one in enumerate(names)}, {one: at for at, one in enumerate(accounts)}
    first = found[0].at
    season = Season(
        np.array([(one.at - first) / timedelta(days=1) for one in found], np.float64),
        np.array([number[one] for one in whose], np.int64),
        np.array([account[one.account] for one in found], np.int64),
        np.array([one.grams for one in found], np.float64),
        np.array([one.announced for one in found], np.float64),
    )
    return season, names, accounts


def weekly(found: Sequence[Row], scale: str) -> list[list[Any]]:
    """[monday, weighings, per cent of what was announced, per cent at all other scales] by week; None for none."""
    weeks: dict[date, tuple[list[float], list[float]]] = {}
    for one in found:
        day = day_of(one.at)
        own, others = weeks.setdefault(day - timedelta(days=day.weekday()), ([], []))
        (own if one.scale == scale else others).append(100 * one.grams / one.announced)
    return [
        [monday.isoformat(), len(own), _middle(own), _middle(others)] for monday, (own, others) in sorted(weeks.items())
    ]


def _middle(values: list[float]) -> float | None:
    return round(median(values), 1) if values else None


def of_account(found: Sequence[Row], account: int, crew: int) -> list[list[Any]]:
    """[day, grams, points, whether it was that crew] of an account's weighings, the latest SHOWN."""
    rows = [one for one in found if one.account == account][-SHOWN:]
    return [[day_of(one.at).isoformat(), one.grams, one.points, one.crew == crew] for one in rows]
