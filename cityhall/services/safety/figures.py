"""What is measured of a year's alerts. Exercises are in none of it."""

from __future__ import annotations

from datetime import timedelta
from statistics import median

from django.db.models import F, QuerySet
from django.utils import timezone

from cityhall.services.safety.buttons import working
from cityhall.services.safety.models import Alert
from cityhall.services.safety.workflow import OPEN, State

ANSWER_IN = timedelta(seconds=10)
MOST = 20_000


def _year() -> QuerySet[Alert]:
    return Alert.objects.filter(exercise=False, received_at__gte=timezone.now() - timedelta(days=365))


def open_now() -> float:
    """Alerts that are open."""
    return float(Alert.objects.filter(state__in=OPEN, exercise=False).count())


def answered_share() -> float:
    """Per cent that were answered within 10 seconds (NFPA 1225 asks 90); 100 where there were none."""
    late = timezone.now() - ANSWER_IN
    every = _year().exclude(answered_at=None, received_at__gt=late).exclude(part_of__isnull=False).count()
    good = _year().filter(answered_at__lte=F("received_at") + ANSWER_IN, part_of=None).count()
    return 100.0 * good / every if every else 100.0


def arrival_minutes() -> float:
    """Median minutes from the press until a unit is there; 0 where none has gone anywhere."""
    rows = _year().filter(there_at__isnull=False).order_by("-pk").values_list("received_at", "there_at")[:MOST]
    minutes = [(there - received).total_seconds() / 60 for received, there in rows if there is not None]
    return median(minutes) if minutes else 0.0


def false_share() -> float:
    """Per cent of what was closed that was a false alarm and stayed one at review; 0 where nothing was closed."""
    closed = _year().filter(state=State.CLOSED, part_of=None)
    every = closed.count()
    false = closed.filter(outcome=Alert.Outcome.FALSE, reviewer__isnull=False).count()
    return 100.0 * false / every if every else 0.0


def working_share() -> float:
    """Per cent of the buttons that are known to work; 100 where there are none."""
    good, every = working()
    return 100.0 * good / every if every else 100.0
