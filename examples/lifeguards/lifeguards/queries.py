"""Reads that more than one door needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import ngettext

from cityhall.kernel.cases.workflow import OPEN, State
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.vehicles.tracking.shown import collection
from lifeguards.models import ANSWER_IN, Alarm, Patrol, Pole

Bounds = tuple[float, float, float, float] | None


def feature(one: Patrol | Pole, *, gone: bool = False) -> dict[str, Any]:
    """A place on the map, the same in the layer and in its live messages; `gone` takes it off."""
    at = getattr(one, "seen_at", None)
    known = {"id": one.pk, "name": one.name} | ({"at": at.isoformat()} if at else {})
    return {
        "type": "Feature",
        "id": one.pk,
        "geometry": {"type": "Point", "coordinates": list(one.point)},
        "properties": {"id": one.pk, "gone": True} if gone else known,
    }


def poles(bounds: Bounds) -> dict[str, Any]:
    """Every pole, for everybody."""
    return {"type": "FeatureCollection", "features": [feature(pole) for pole in Pole.objects.all()]}


def patrols(bounds: Bounds) -> dict[str, Any]:
    """Where patrols are. The manifest keeps it for who holds the layer's permission."""
    return {"type": "FeatureCollection", "features": [feature(one) for one in on_duty()]}


def boats(bounds: Bounds) -> dict[str, Any]:
    """Where rescue boats are: the tracker's work, and its topic's too."""
    return collection("boat")


def on_duty() -> QuerySet[Patrol]:
    """The patrols whose place is known."""
    return Patrol.objects.filter(point__isnull=False).order_by("name")


def alarms() -> QuerySet[Alarm]:
    """Those that are not over, the oldest first."""
    return Alarm.objects.filter(case__state__in=OPEN).select_related("case", "pole").order_by("pk")


def waiting(actor: Actor) -> int:
    """For the desk's card: alarms that are not over."""
    return alarms().count()


def late(actor: Actor) -> int:
    """How many of them nobody has answered in a minute."""
    return alarms().filter(case__state=State.NEW, case__opened_at__lte=timezone.now() - ANSWER_IN).count()


def out() -> float:
    """How many patrols are on the beach."""
    return float(on_duty().count())


def in_time() -> float:
    """Per cent of a year's alarms that were answered within a minute; 100 where there were none."""
    year = Alarm.objects.filter(case__opened_at__gte=timezone.now() - timedelta(days=365))
    every = year.exclude(answered_at=None, case__opened_at__gt=timezone.now() - ANSWER_IN).count()
    return 100 * year.filter(answered_at__lte=F("case__opened_at") + ANSWER_IN).count() / every if every else 100.0


def watched(actor: Actor) -> dict[str, Any]:
    """A Skill's action: how many patrols are out, and nothing of where."""
    count = on_duty().count()
    text = ngettext("%(count)d patrol is on the beach.", "%(count)d patrols are on the beach.", count)
    return {"text": text % {"count": count}, "patrols": count}
