"""The officers' figures of a period: by material and district, what a tonne cost, what points are spent on and owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum

from cityhall.kernel.ledger import queries as books
from cityhall.kernel.ledger.models import Entry
from cityhall.kernel.places.models import Zone
from cityhall.services.recycling import points, stock
from cityhall.services.recycling.figures import since
from cityhall.services.recycling.models import Material, Weighed
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.spending import FEES, PAYOUTS, SHOPS

PERIODS = (30, 90, 365)
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Grid:
    """Grams by material (rows) and district (columns, "" is outside of all), with the sums of both."""

    zones: tuple[str, ...]
    rows: tuple[tuple[Material, tuple[int, ...], int], ...]
    sums: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.sums)


@dataclass(frozen=True, slots=True)
class Tonne:
    """Money of a period in the smallest part of the currency; `each` is what a tonne cost, `net` less what sales
    brought: None where nothing was weighed."""

    grams: int
    costs: int
    revenue: int

    @property
    def each(self) -> int | None:
        return round(self.costs * 1_000_000 / self.grams) if self.grams else None

    @property
    def net(self) -> int | None:
        return round((self.costs - self.revenue) * 1_000_000 / self.grams) if self.grams else None


def grid(days: int) -> Grid:
    """What was weighed by material and district."""
    found = Weighed.objects.filter(valid=True, weighing__at__gte=since(days))
    cells: dict[tuple[int, str], int] = {
        (material, zone): grams
        for material, zone, grams in found.values("material", "weighing__zone")
        .annotate(all=Sum("grams"))
        .values_list("material", "weighing__zone", "all")
    }
    names = dict(Zone.objects.filter(kind="district").values_list("slug", "name"))
    zones = sorted({zone for _material, zone in cells}, key=lambda one: (one == "", names.get(one, one)))
    rows = []
    for material in Material.objects.filter(pk__in={one for one, _zone in cells}):
        amounts = tuple(cells.get((material.pk, zone), 0) for zone in zones)
        rows.append((material, amounts, sum(amounts)))
    rows.sort(key=lambda row: -row[2])
    sums = tuple(sum(row[1][place] for row in rows) for place in range(len(zones)))
    return Grid(tuple(names.get(one, one) for one in zones), tuple(rows), sums)


def tonne(days: int, grams: int) -> Tonne:
    """What the tonnes of a period cost, and what sales brought in it."""
    begin, until = today() - timedelta(days=days), today()
    return Tonne(grams, stock.costs(begin, until), stock.revenue(begin, until))


def redeemed(days: int) -> list[tuple[str, int]]:
    """Points of a period by what became of them (fees, shops, payouts, expired), less what was given back of it."""
    begin = since(days)
    keys = {what: f"recycling:spent:{what}" for what in (FEES, SHOPS, PAYOUTS)} | {EXPIRED: f"{points.UNIT}:expired"}
    entries = Entry.objects.filter(account__key__in=keys.values(), at__gte=begin).values("account__key")
    sums = dict(entries.annotate(all=Sum("amount")).values_list("account__key", "all"))
    return [(what, -sums.get(key, 0)) for what, key in keys.items()]


def liability() -> list[tuple[date | None, int]]:
    """Points that the city owes by the month in which they expire (its first day; None: never)."""
    months: dict[date | None, int] = {}
    for month, _origin, amount in books.liability(points.UNIT):
        months[month] = months.get(month, 0) + amount
    return list(months.items())


def period_of(said: str) -> int:
    """A period that somebody asked for, else the first."""
    return next((days for days in PERIODS if str(days) == said), PERIODS[0])


def total(amounts: Sequence[tuple[object, int]]) -> int:
    """The sum of pairs' second parts."""
    return sum(amount for _what, amount in amounts)
