"""What a weight is worth: the tariff of its day, less what is mixed or spoiled, more by campaigns. Whole points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid
from cityhall.services.recycling.models import Campaign, Material, Quality, Tariff

MOST_GRAMS = 5_000_000
"""Of one line: no scale of a truck weighs more."""
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """So many grams of a material (its key), as clean as the scale's people say."""

    material: str
    grams: int
    quality: str = Quality.CLEAN


@dataclass(frozen=True, slots=True)
class Worth:
    """A line with its points: `base` by the tariff, `bonus` by the best campaign of the day."""

    material: Material
    grams: int
    quality: str
    base: int
    bonus: int


def reckon(lines: Sequence[Line], day: date) -> list[Worth]:
    """The points of a weighing on a day, rounded down once for each line.

    Raises Invalid for lines that are none; a material without a tariff on that day brings no points.
    """
    check(lines)
    known = {one.key: one for one in Material.objects.filter(key__in={one.material for one in lines})}
    if len(known) < len({one.material for one in lines}):
        raise Invalid(_("There is no such material."), code="no_such_material", field="lines")
    return [_worth(known[one.material], one, day) for one in lines]


def check(lines: Sequence[Line]) -> None:
    """Raises Invalid for what is no weight, whatever the tariffs are."""
    if not lines or len(lines) > MOST_LINES:
        raise Invalid(_("Say what was weighed."), code="no_lines", field="lines")
    if any(type(one.grams) is not int or not 0 < one.grams <= MOST_GRAMS for one in lines):
        raise Invalid(
            _("A weight is a whole number of grams above zero."),
            code="bad_weight",
            field="lines",
            mend=_("Weigh again."),
        )
    if any(one.quality not in Quality.values for one in lines):
        raise Invalid(_("Say how clean it is."), code="bad_quality", field="lines")
    if len({(one.material, one.quality) for one in lines}) < len(lines):
        raise Invalid(_("Each material is there once for each quality."), code="twice", field="lines")


def tariff(material: Material, day: date) -> Tariff | None:
    """What holds for a material on a day."""
    return material.tariffs.filter(since__lte=day).order_by("-since").first()


def campaign(material: Material, day: date) -> Campaign | None:
    """The campaign of a day that gives the most for a material."""
    of = Q(material=None) | Q(material=material)
    return Campaign.objects.filter(of, since__lte=day, until__gte=day).order_by("-percent", "pk").first()


def _worth(material: Material, line: Line, day: date) -> Worth:
    holds = tariff(material, day)
    if holds is None or line.quality == Quality.SPOILED:
        return Worth(material, line.grams, line.quality, 0, 0)
    counts = holds.mixed_percent if line.quality == Quality.MIXED else 100
    base = line.grams * holds.points_per_kg * counts // (1000 * 100)
    # Nothing more for what is not clean.
    more = campaign(material, day) if line.quality == Quality.CLEAN else None
    return Worth(material, line.grams, line.quality, base, base * (more.percent - 100) // 100 if more else 0)
