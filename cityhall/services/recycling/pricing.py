"""Tariffs and campaigns by date: what each gave, and new tariffs from a day that is not past, told in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling.models import Campaign, Material, Tariff, Weighed
from cityhall.services.recycling.rules import today

CHANGE = "recycling.change_tariffs"
MOST_POINTS = 100_000


@dataclass(frozen=True, slots=True)
class Held:
    """A tariff with its last day (None: until another comes), "past", "now" or "coming", and what it gave so far."""

    tariff: Tariff
    until: date | None
    when: str
    grams: int
    points: int


@dataclass(frozen=True, slots=True)
class Ran:
    """A campaign with "past", "now" or "coming", what was weighed in it, and the points that it put on top."""

    campaign: Campaign
    when: str
    grams: int
    points: int


def tariffs() -> list[tuple[Material, list[Held]]]:
    """Every material with its tariffs, what comes first first."""
    return [(one, _held(one)) for one in Material.objects.prefetch_related("tariffs").filter(active=True)]


def _held(material: Material) -> list[Held]:
    held: list[Held] = []
    until: date | None = None
    for one in sorted(material.tariffs.all(), key=lambda tariff: tariff.since, reverse=True):
        grams, points = _gave(Q(material=material), one.since, until)
        held.append(Held(one, until, _when(one.since, until), grams, points))
        until = one.since - timedelta(days=1)
    return held


def campaigns() -> list[Ran]:
    """Every campaign, the latest first; what was weighed on its days counts where it put points on top."""
    ran = []
    for one in Campaign.objects.select_related("material").order_by("-since", "key"):
        of = Q(bonus__gt=0) & (Q(material=one.material) if one.material_id is not None else Q())
        sums = _between(one.since, one.until).filter(of).aggregate(grams=Sum("grams"), points=Sum("bonus"))
        ran.append(Ran(one, _when(one.since, one.until), sums["grams"] or 0, sums["points"] or 0))
    return ran


def _gave(of: Q, since: date, until: date | None) -> tuple[int, int]:
    sums = _between(since, until).filter(of).aggregate(grams=Sum("grams"), points=Sum("base"))
    return sums["grams"] or 0, sums["points"] or 0


def _between(since: date, until: date | None) -> QuerySet[Weighed]:
    zone = settings.CITY.zone
    found = Weighed.objects.filter(valid=True, weighing__at__gte=datetime.combine(since, datetime.min.time(), zone))
    if until is None:
        return found
    return found.filter(weighing__at__lt=datetime.combine(until + timedelta(days=1), datetime.min.time(), zone))


def _when(since: date, until: date | None) -> str:
    if since > today():
        return "coming"
    return "past" if until is not None and until < today() else "now"


@transaction.atomic
def set_tariff(actor: Actor, material: str, since: date, points: int, mixed_percent: int) -> Tariff:
    """From `since` on a kilogram of a material brings so many points. What is to come may be set anew until its day.

    Raises Denied, Missing, Invalid, Conflict for today where a tariff began today: weights are paid by it already.
    """
    require(actor, CHANGE)
    found = Material.objects.select_for_update().filter(key=material, active=True).first()
    if found is None:
        raise Missing(_("There is no such material."), code="no_such_material", field="material")
    if since < today():
        raise Invalid(
            _("A tariff cannot begin on a day that is past."),
            code="past",
            field="since",
            mend=_("Choose today or a later day."),
        )
    if not 0 <= points <= MOST_POINTS or not 0 <= mixed_percent <= 100:
        raise Invalid(_("This is no tariff."), code="bad_tariff", field="points", mend=_("Write whole points."))
    if since == today() and found.tariffs.filter(since=since).exists():
        raise Conflict(_("A tariff began today already."), code="began", mend=_("Let another begin tomorrow."))
    made, _new = Tariff.objects.update_or_create(
        material=found, since=since, defaults={"points_per_kg": points, "mixed_percent": mixed_percent}
    )
    told = {"material": found.key, "since": since.isoformat(), "points": points, "mixed_percent": mixed_percent}
    append("recycling", "tariff.set", told, subject=f"material:{found.pk}", actor=str(actor))
    return made


@transaction.atomic
def drop_tariff(actor: Actor, number: int) -> None:
    """Takes back a tariff whose day has not come. Raises Denied, Missing, Conflict for one that began."""
    require(actor, CHANGE)
    mine = Tariff.objects.select_for_update().filter(pk=number).first() if number < 2**63 else None
    if mine is None:
        raise Missing(_("There is no such tariff."), code="no_such_tariff")
    if mine.since <= today():
        raise Conflict(_("It began already: let another one begin."), code="began")
    told = {"since": mine.since.isoformat(), "points": mine.points_per_kg}
    append("recycling", "tariff.dropped", told, subject=f"material:{mine.material_id}", actor=str(actor))
    mine.delete()
