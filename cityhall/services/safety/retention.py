"""What of an alert must not be kept: some time after it is closed nobody can tell who called, and where exactly."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import system
from cityhall.services.safety.models import (
    Alert,
    CompanyAlarm,
    CompanyMessage,
    IncidentLine,
    Line,
    Meeting,
    Move,
    Passing,
    Shift,
    Taken,
    TextMessage,
    UnitPress,
)
from cityhall.services.safety.workflow import State

KEEP = timedelta(days=90)
KEEP_SHIFTS = timedelta(days=365)


@transaction.atomic
def erase(now: datetime | None = None) -> int:
    """Takes out of old alerts what tells of people (a Task); gives of how many. Their times and kinds stay."""
    now = now or timezone.now()
    old = Alert.objects.filter(state=State.CLOSED, closed_at__lt=now - KEEP)
    # What a button of the city called stands where the button stands, which is no secret.
    placed = Q(button=None) & (Q(point__isnull=False) | ~Q(place="") | Q(vehicle__isnull=False))
    named = old.filter(placed | ~Q(key=None, code=None, person=None, phone="", accuracy_m=None))
    said = Line.objects.filter(alert__in=old).exclude(text="", phrase="", key="", seen_at=None)
    said.update(text="", phrase="", key="", translations={}, seen_at=None)
    Meeting.objects.filter(assignment__alert__in=old).delete()
    UnitPress.objects.filter(alert__in=old).delete()
    Line.objects.filter(alert__in=old, what="card").update(data={})
    over = IncidentLine.objects.filter(incident__ended_at__lt=now - KEEP)
    over.exclude(text="").update(text="")
    over.filter(what="card").update(data={})
    Passing.objects.filter(alert__in=old).exclude(reason="").update(reason="")
    Taken.objects.filter(alert__in=old).exclude(reason="").update(reason="")
    numbers = list(named.values_list("pk", flat=True))
    Alert.objects.filter(pk__in=numbers).update(
        person=None, phone="", key=None, code=None, language="", accuracy_m=None
    )
    Alert.objects.filter(pk__in=numbers, button=None).update(point=None, place="", vehicle=None)
    _erase_of_others(old, now)
    Shift.objects.filter(ended_at__lt=now - KEEP_SHIFTS).delete()
    Move.objects.filter(offered_at__lt=now - KEEP_SHIFTS).delete()
    if numbers:
        append("safety", "alerts.erased", {"count": len(numbers)}, actor=str(system("safety")))
    return len(numbers)


def _erase_of_others(old: QuerySet[Alert], now: datetime) -> None:
    """What companies told of these alerts and were told, what was rejected, and that text messages were sent."""
    CompanyAlarm.objects.filter(alert__in=old).update(account="", zone="", details="")
    told = CompanyMessage.objects.exclude(text="").filter(made_at__lt=now - KEEP)
    told.filter(Q(alarm=None) | Q(alarm__alert__in=old)).update(text="")
    TextMessage.objects.filter(made_at__lt=now - KEEP).exclude(state=TextMessage.State.WAITING).delete()
