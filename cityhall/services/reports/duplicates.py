"""Likely duplicates: open reports of the same thing, by place, time, category and words.

Each sign is a number from 0 to 1, and a logistic function weighs them (weights fitted once on labelled pairs of the
simulator; `script/bench reports` prints precision and recall on others).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from cityhall.kernel.cases.workflow import OPEN
from cityhall.kernel.places.point import Point, nearest
from cityhall.services.reports.models import Category, Report
from cityhall.services.reports.suggestion import vectors

CANDIDATES = 40
LIKELY = 0.5
WEIGHTS = {"near": 10.5, "recent": 11.1, "same": 12.1, "kin": 8.9, "alike": 1.0}
"""Fitted on 4,000 labelled pairs, but for `alike`: where residents write in four languages the words alone told
nothing more, so they only decide between candidates that are otherwise equal."""
BIAS = -25.3
FADING_DAYS = 21.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two reports are. `near` falls with distance over the category's own reach, `recent` with days."""

    near: float
    recent: float
    same: float
    kin: float
    alike: float

    @property
    def score(self) -> float:
        """How likely they are of the same thing, 0 to 1."""
        total = BIAS + sum(weight * getattr(self, name) for name, weight in WEIGHTS.items())
        return 1 / (1 + math.exp(-total))


def likeness(
    distance_m: float, reach_m: float, days: float, category: Category, other: Category, alike: float
) -> Likeness:
    """The signs of a pair; `alike` is how alike the words are (see suggestion.vectors)."""
    return Likeness(
        near=math.exp(-((distance_m / reach_m) ** 2)),
        recent=math.exp(-max(0.0, days) / FADING_DAYS),
        same=float(category.pk == other.pk),
        kin=float(category.pk != other.pk and category.parent_id == other.parent_id),
        alike=alike,
    )


def duplicates(
    category: Category, place: Point, text: str, now: datetime, *, count: int = 3, public: bool = True
) -> list[tuple[Report, float, float]]:
    """(report, score, distance in m) of open reports that are likely of the same thing, the likeliest first.

    With `public` none that the public may not see, and none whose place is not told exactly.
    """
    reports = Report.objects.filter(state__in=OPEN).select_related("category")
    if public:
        if category.sensitive:
            return []
        reports = reports.filter(public=True, category__sensitive=False)
    near = nearest(reports, *place, count=CANDIDATES, within_m=2.5 * category.near_m)
    if not near:
        return []
    rows = vectors([text, *(report.text for report, _distance in near)])
    alike = (rows[1:] @ rows[0].T).toarray().ravel() if text else [0.0] * len(near)
    found = []
    for (report, distance), words in zip(near, alike, strict=True):
        days = (now - report.filed_at).total_seconds() / 86_400
        reach = max(category.near_m, report.category.near_m)
        score = likeness(distance, reach, days, category, report.category, float(words)).score
        if score >= LIKELY:
            found.append((report, score, distance))
    return sorted(found, key=lambda one: -one[1])[:count]
