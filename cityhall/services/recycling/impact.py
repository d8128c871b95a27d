"""What recycling keeps out of the air: grams of CO2e for each kilogram, with the source that is shown beside it.

The factors that come with the program are those of the U.S. EPA's Waste Reduction Model (WARM), version 16, December
2023, "Containers, Packaging, and Non-Durable Good Materials": net emissions of recycling in metric tons of CO2e for
each short ton, against making the same of the current mix of inputs (for paper with what forests keep). They hold for
the United States; a city writes its own beside a material, with its source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cityhall.services.recycling.models import Account, Material, Weighed

SHORT_TON_KG = 907.18474
SOURCE = "U.S. EPA, WARM version 16 (2023)"
ADDRESS = "https://www.epa.gov/warm"
WARM = {
    "aluminium": 9.13,
    "steel": 1.83,
    "cardboard": 3.14,
    "paper": 3.55,
    "pet": 1.04,
    "hdpe": 0.76,
    "pp": 0.79,
    "glass": 0.28,
}
"""Metric tons of CO2e kept out of the air for each short ton: aluminium cans, steel cans, corrugated containers, mixed
paper (general), PET, HDPE, PP, glass."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of one material: how many grams, and grams of CO2e."""

    material: Material
    grams: int
    co2e_g: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What an account, or the city, has brought: in all, by material, and whose factors these are."""

    grams: int
    co2e_g: int
    parts: list[Part]
    sources: list[str]


def factor(key: str) -> int:
    """Grams of CO2e for a kilogram of a material that the program has a factor for, else 0."""
    return round(WARM.get(key, 0.0) * 1_000_000 / SHORT_TON_KG)


def of_account(account: Account) -> Impact:
    """What an account has brought. What was spoiled counts for nothing."""
    return of(Weighed.objects.filter(weighing__account=account))


def of(lines: Iterable[Weighed]) -> Impact:
    """The impact of lines of weighings (a QuerySet); those that were corrected and spoiled ones are left out."""
    from django.db.models import QuerySet, Sum

    assert isinstance(lines, QuerySet)
    counted = lines.filter(valid=True).exclude(quality="spoiled")
    sums = dict(counted.values("material").annotate(all=Sum("grams")).values_list("material", "all"))
    known = Material.objects.filter(pk__in=sums)
    parts = [Part(one, sums[one.pk], sums[one.pk] * one.co2e_g // 1000) for one in known]
    parts.sort(key=lambda one: -one.grams)
    sources = sorted({one.material.co2e_source for one in parts if one.material.co2e_g})
    return Impact(sum(one.grams for one in parts), sum(one.co2e_g for one in parts), parts, sources)
