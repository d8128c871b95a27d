"""Reads that more than one door needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.devices.models import UrgentMessage
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import box_round
from cityhall.services.safety.escalation import levels
from cityhall.services.safety.models import Alert, Assignment, CompanyMessage, TextMessage
from cityhall.services.safety.workflow import OPEN, State
from cityhall.web.rows import Row

HISTORY = timedelta(days=90)
SAME_PLACE_M = 50
"""Metres to each side within which two telephones called from one place."""


def waiting(actor: Actor) -> int:
    """For the desk's card: alerts that are open."""
    return Alert.objects.filter(state__in=OPEN, exercise=False).count()


def late(actor: Actor) -> int:
    """How many of them nobody has answered in time."""
    limit = timezone.now() - timedelta(seconds=levels()[0])
    return Alert.objects.filter(state=State.WAITING, exercise=False, waits_since__lte=limit).count()


def offered_to(actor: Actor) -> int:
    """What the actor's unit has been offered and has not answered."""
    return Assignment.objects.filter(unit__person_id=actor.person_id or 0, state=Assignment.State.OFFERED).count()


def mine(actor: Actor) -> list[Row]:
    """The calls of whoever asks, the latest first."""
    if actor.person_id is None:
        return []
    return [
        Row(
            _("Call for help %(number)d") % {"number": one.pk},
            "/safety/follow/",
            str(State(one.state).label),
            "alarm",
            one.received_at,
            waits=one.is_open,
        )
        for one in Alert.objects.filter(person_id=actor.person_id).order_by("-pk")[:20]
    ]


@dataclass(frozen=True, slots=True)
class History:
    """What has come from here before: how many, how they ended (in words, the most first), and the latest of them."""

    count: int
    ended: list[tuple[str, int]]
    latest: list[Alert]


def history(alert: Alert, *, now: datetime | None = None) -> History:
    """What came in the last 90 days from the same button, telephone, account or place. Exercises are not in it."""
    every = _earlier(alert, now or timezone.now())
    counted = Counter(dict(every.order_by().values_list("outcome").annotate(count=Count("pk"))))
    words = dict(Alert.Outcome.choices)
    ended = [(str(words.get(outcome, _("not over"))), count) for outcome, count in counted.most_common()]
    return History(counted.total(), ended, list(every[:5]) if counted else [])


def _earlier(alert: Alert, now: datetime) -> QuerySet[Alert]:
    every = Alert.objects.filter(exercise=False, received_at__gte=now - HISTORY).exclude(pk=alert.pk)
    same = Q(pk__in=())
    if alert.button_id is not None:
        same |= Q(button_id=alert.button_id)
    if alert.person_id is not None:
        same |= Q(person_id=alert.person_id)
    if alert.phone:
        same |= Q(phone=alert.phone)
    if alert.point is not None and alert.button_id is None and alert.vehicle_id is None:
        same |= Q(point__inside=box_round(alert.point, SAME_PLACE_M), vehicle=None)
    return every.filter(same).order_by("-received_at")


def presses(alert: Alert, most: int = 50) -> list[UrgentMessage]:
    """The presses of a button that are this alert, the latest first."""
    if alert.button is None:
        return []
    sent = UrgentMessage.objects.filter(device_id=alert.button.device_id, subject=f"alert:{alert.pk}")
    return list(sent.order_by("-pk")[:most])


def told_outside(alert: Alert, most: int = 50) -> list[CompanyMessage | TextMessage]:
    """What was told of an alert by other doors, to its company or by text message to its caller, the earliest first."""
    out = CompanyMessage.objects.filter(alarm__alert=alert, way=CompanyMessage.Way.OUT).select_related("company")
    found: list[CompanyMessage | TextMessage] = [*out[:most], *alert.texts.all()[:most]]
    return sorted(found, key=lambda one: one.made_at)
