"""What recycling is measured by, as indicators and on the officers' page."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Sum
from django.utils import timezone

from cityhall.kernel.ledger.models import Account as LedgerAccount
from cityhall.kernel.payments.money import decimals
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.models import Zone
from cityhall.services.recycling import stock
from cityhall.services.recycling.models import Pickup, Weighed, Weighing
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.workflow import COLLECTED, OURS, State

DAYS = 30
COST_DAYS = 90
"""Costs come by the month: a tonne's are reckoned over a quarter."""


def since(days: int = DAYS) -> datetime:
    """When a period of so many days began."""
    return timezone.now() - timedelta(days=days)


def kilograms() -> float:
    """Kilograms of 30 days."""
    found = Weighed.objects.filter(valid=True, weighing__at__gte=since()).aggregate(all=Sum("grams"))["all"]
    return (found or 0) / 1000


def participation(days: int = DAYS) -> float:
    """Of the city's accounts the share in per cent that had something weighed in so many days, for their household."""
    people = Person.objects.filter(is_active=True).count()
    took_part = Weighing.objects.filter(at__gte=since(days)).aggregate(n=Count("account", distinct=True))["n"]
    return min(100.0, 100.0 * (took_part or 0) / people) if people else 0.0


def kept_windows(days: int = DAYS) -> float:
    """Of the promised windows of so many days that are over, the share in per cent in which the crew came.

    What was not collected for a reason that is not the city's counts as kept; a window that nobody came to does not.
    """
    over = Pickup.objects.filter(end__gte=since(days), end__lt=timezone.now()).exclude(
        state__in=(State.CANCELLED, State.ASKED)
    )
    every = over.count()
    came = over.filter(state__in=COLLECTED, came_at__gte=F("begin") - timedelta(minutes=15), came_at__lte=F("end"))
    not_ours = over.filter(state=State.MISSED, came_at__lte=F("end")).exclude(why__in=OURS)
    return 100.0 * (came.count() + not_ours.count()) / every if every else 100.0


def spent_share() -> float:
    """Of all points that were given, the share in per cent that was spent."""
    given = LedgerAccount.objects.filter(key="recycling:given").values_list("posted", flat=True).first() or 0
    return 100.0 * sum(mix().values()) / given if given else 0.0


def mix() -> dict[str, int]:
    """What points were spent on: "fees", "shops", "payouts" -> points."""
    found = LedgerAccount.objects.filter(key__startswith="recycling:spent:").values_list("key", "posted")
    return {key.rpartition(":")[2]: -posted for key, posted in found}


def fee_share() -> float:
    """Of the points that were spent, the share in per cent that paid the waste fee."""
    spent = mix()
    return 100.0 * spent.get("fees", 0) / sum(spent.values()) if sum(spent.values()) else 0.0


def cost_per_tonne(days: int = COST_DAYS) -> float:
    """What a tonne of so many days cost the city without what sales brought; 0.0 where no cost was told, or no weight.

    In whole units of the city's currency.
    """
    until = today()
    cost = stock.costs(until - timedelta(days=days), until)
    found = Weighed.objects.filter(valid=True, weighing__at__gte=since(days)).aggregate(all=Sum("grams"))["all"] or 0
    return cost / 10 ** decimals(settings.CITY.currency) / (found / 1_000_000) if found else 0.0


def by_zone() -> list[tuple[str, int]]:
    """Grams of 30 days by the name of the district, the most first."""
    rows = (
        Weighed.objects.filter(valid=True, weighing__at__gte=since())
        .values("weighing__zone")
        .annotate(all=Sum("grams"))
        .values_list("weighing__zone", "all")
    )
    names = dict(Zone.objects.filter(kind="district").values_list("slug", "name"))
    return sorted(((names.get(zone, ""), grams) for zone, grams in rows), key=lambda one: -one[1])


def by_material() -> list[tuple[str, int]]:
    """Grams of 30 days by the name of the material, the most first."""
    from cityhall.services.recycling.models import Material

    rows = (
        Weighed.objects.filter(valid=True, weighing__at__gte=since())
        .values("material")
        .annotate(all=Sum("grams"))
        .values_list("material", "all")
    )
    names = {one.pk: one.name for one in Material.objects.all()}
    return sorted(((names[material], grams) for material, grams in rows), key=lambda one: -one[1])
