"""What the desk's screens hear of alerts: rows as they change, and a mark by which a screen knows that it has them all.

The rows are sent right after the commit, and may be lost with the process; the mark is reckoned from the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from cityhall.kernel.live import publish_after
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.services.safety.models import Alert
from cityhall.services.safety.workflow import OPEN, State

TOPIC = "safety-desk"
CALL = "safety-call-"
"""Topics of callers begin so; then comes the hash of their code, in hexadecimal."""
SUBJECT = "alert:"


def subject(number: int) -> str:
    """What the journal, deadlines and receipts call an alert."""
    return f"{SUBJECT}{number}"


def number(name: str) -> int:
    """The alert's number in what `subject` gave."""
    return int(name.removeprefix(SUBJECT))


def may_hear(actor: Actor, topic: str) -> bool:
    """Who hears the desk's topic (a LiveTopic's may_hear)."""
    return topic == TOPIC and may(actor, "safety.answer_alert")


def may_follow(_actor: Actor, topic: str) -> bool:
    """Who hears that a call is another way (a LiveTopic's may_hear): whoever has its code, and so its hash."""
    try:
        code = bytes.fromhex(topic.removeprefix(CALL))
    except ValueError:
        return False
    return bool(code) and Alert.objects.filter(code=code).exists()


def topic_of(alert: Alert) -> str:
    """The topic of an alert's caller, "" where nobody follows it by a code."""
    return CALL + bytes(alert.code).hex() if alert.code else ""


def tell_caller(alert: Alert) -> None:
    """Has the caller's page look anew, once this transaction commits. What there is to see does not go through it."""
    if topic := topic_of(alert):
        publish_after(topic, {})


def row(alert: Alert) -> dict[str, Any]:
    """An alert in a screen's list: moments in ms since 1970 UTC, None where it has not happened."""
    return {
        "id": alert.pk,
        "version": alert.version,
        "state": alert.state,
        "kind": alert.kind,
        "door": alert.door,
        "priority": alert.priority,
        "place": alert.place,
        "lon": alert.point.lon if alert.point else None,
        "lat": alert.point.lat if alert.point else None,
        "received": millis(alert.received_at),
        "waits": millis(alert.waits_since),
        "answered": millis(alert.answered_at),
        "sent": millis(alert.sent_at),
        "there": millis(alert.there_at),
        "presses": alert.presses,
        "pressed": millis(alert.pressed_at),
        "unread": millis(alert.unread_since),
        "doubtful": alert.doubtful,
        "level": alert.level,
        "owner": alert.owner_id,
        "cancelled": alert.cancelled_at is not None,
        "duress": alert.duress,
        "exercise": alert.exercise,
        "part_of": alert.part_of_id,
    }


NOTHING_YET: dict[str, Any] = {
    "version": 0,
    "state": State.WAITING,
    "lon": None,
    "lat": None,
    "answered": None,
    "unread": None,
    "sent": None,
    "there": None,
    "level": 0,
    "owner": None,
    "cancelled": False,
    "duress": False,
    "exercise": False,
    "part_of": None,
}
"""What `row` says of an alert to which nothing has happened yet."""


def opened(rows: list[dict[str, Any]]) -> None:
    """Has the screens told of new alerts, once this transaction commits."""
    if rows:
        publish_after(TOPIC, rows)


def millis(at: datetime | None) -> int | None:
    """Milliseconds since 1970, UTC."""
    return None if at is None else round(at.timestamp() * 1000)


def changed(alerts: Sequence[Alert]) -> None:
    """Has the screens told of alerts that are new or another way, once this transaction commits."""
    if alerts:
        publish_after(TOPIC, [row(alert) for alert in alerts])


def anew(alert: Alert, *fields: str) -> None:
    """Something of a locked alert is another way, these fields of it among that: kept, and its screens look anew."""
    alert.version += 1
    alert.save(update_fields=[*fields, "version"])
    changed([alert])


def pressed_again(presses: Sequence[tuple[int, int, int]], at: datetime) -> None:
    """The same of (alert, how often it was pressed, version)."""
    if presses:
        pressed = millis(at)
        publish_after(
            TOPIC, [{"id": pk, "presses": times, "version": now, "pressed": pressed} for pk, times, now in presses]
        )


def risen(alerts: Sequence[tuple[int, int, int]]) -> None:
    """The same of (alert, level, version)."""
    if alerts:
        publish_after(TOPIC, [{"id": pk, "level": level, "version": now} for pk, level, now in alerts])


def mark() -> list[int]:
    """How many alerts are open, and the sums of their versions and numbers: the same on a screen that has them all."""
    found = Alert.objects.filter(state__in=OPEN).aggregate(
        count=Count("pk"), versions=Sum("version", default=0), numbers=Sum("pk", default=0)
    )
    # PostgreSQL sums what a key is of (bigint) to a numeric.
    return [int(found[name]) for name in ("count", "versions", "numbers")]


def queue() -> QuerySet[Alert]:
    """The open alerts in the order in which they are to be taken: by priority, then the longest waiting first.

    There may be thousands: whoever wants the first asks for no more.
    """
    return Alert.objects.filter(state__in=OPEN).order_by("priority", "received_at", "pk")
