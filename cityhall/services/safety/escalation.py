"""An alert that nobody takes goes up: louder, to the next desk, to the supervisors, to the neighbouring centre.

Each level is a deadline, acted on by whichever process of the city lives, many at one moment where many were pressed
at one moment. How long each may take stands in city.toml; without it, ANSWER_S and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import Lapsed, clear, set_deadline, set_deadlines
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.journal import append
from cityhall.kernel.journal.log import append_many
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import system
from cityhall.services.safety import stream
from cityhall.services.safety.models import Alert
from cityhall.services.safety.workflow import State

UNANSWERED, UNSENT = "safety.unanswered", "safety.unsent"
LEVELS = (10.0, 30.0, 60.0, 120.0)
"""Seconds after which an alert that waits goes up: to level 1, 2, ... (NFPA 1225, section 15.4: 90 % within 10 s)."""
SEND_S = 60.0
"""Seconds in which a unit should be on its way once an alert was answered (the same section, 90 %)."""
FEW = 5
"""So many are told one by one; of more the desk is told once."""


# In the order in which presses lock them, so that neither waits for the other for ever.
_RISE = """
UPDATE safety_alert AS a SET level = x.level, version = a.version + 1
FROM (SELECT one.id, one.was, one.level FROM safety_alert AS locked
    JOIN unnest(%s::bigint[], %s::int[], %s::int[]) AS one (id, was, level) ON locked.id = one.id
    ORDER BY locked.button_id, locked.id FOR NO KEY UPDATE OF locked) AS x
WHERE a.id = x.id AND a.state = 'waiting' AND a.level = x.was
RETURNING a.id, a.version
"""


class Risen(NamedTuple):
    """An alert that has gone up."""

    pk: int
    waits_since: datetime
    was: int
    level: int
    place: str
    exercise: bool


@dataclass(frozen=True, slots=True)
class Level:
    """Whom a level tells, and what."""

    role: str
    one: Promise | str
    many: Promise | str


TELLS = {
    1: Level("safety.operator", _("Alert at %(place)s: nobody has answered yet"), _("%(count)d alerts wait")),
    2: Level("safety.operator", _("Alert at %(place)s goes to every desk"), _("%(count)d alerts go to every desk")),
    3: Level("safety.supervisor", _("Nobody answers the alert at %(place)s"), _("Nobody answers %(count)d alerts")),
    4: Level(
        "safety.supervisor",
        _("Call the neighbouring centre: alert at %(place)s"),
        _("Call the neighbouring centre: %(count)d alerts"),
    ),
}


NEIGHBOUR = 4
"""The level at which the neighbouring centre is called: one that takes what nobody answers is passed it on."""


def levels() -> tuple[float, ...]:
    """Seconds of each level, as the city wants them."""
    given = settings.CITY.options.get("safety", {}).get("escalate_s", LEVELS)
    return tuple(float(seconds) for seconds in given)[: len(TELLS)]


def due_at(since: datetime, level: int) -> datetime | None:
    """When an alert that waits `since` goes up from a level; None from the last."""
    limits = levels()
    return since + timedelta(seconds=limits[level]) if level < len(limits) else None


def begin(alerts: Sequence[tuple[int, datetime, int]]) -> None:
    """Their time to be answered begins: of each the number, since when it waits, and its level."""
    moments = [(stream.subject(pk), due) for pk, since, level in alerts if (due := due_at(since, level))]
    set_deadlines(UNANSWERED, moments)


def end(alert: Alert) -> None:
    """Somebody has it, or it is over."""
    clear(UNANSWERED, stream.subject(alert.pk))
    clear(UNSENT, stream.subject(alert.pk))


def answered(alert: Alert, at: datetime) -> None:
    """Somebody has it: now a unit should be sent."""
    clear(UNANSWERED, stream.subject(alert.pk))
    set_deadline(UNSENT, stream.subject(alert.pk), at + timedelta(seconds=SEND_S))


def unanswered(together: list[Due]) -> None:
    """The moment of a level has come for these alerts (a DeadlineKind's action).

    They are locked as late as may be: whoever presses one meanwhile waits for this.
    """
    from cityhall.services.safety import centres

    numbers = sorted(stream.number(due.subject) for due in together)
    waiting = Alert.objects.filter(pk__in=numbers, state=State.WAITING).order_by("pk")
    now, limits = together[0].now, levels()
    up: list[Risen] = []
    later: list[tuple[int, datetime, int]] = []
    for pk, since, level, place, exercise in waiting.values_list("pk", "waits_since", "level", "place", "exercise"):
        # After a standstill several levels have gone by: it is told once, as high as it stands now.
        risen = max(level, sum(now >= since + timedelta(seconds=limit) for limit in limits))
        if risen > level:
            up.append(Risen(pk, since, level, risen, place, exercise))
        later.append((pk, since, risen))
    told = [(stream.subject(one.pk), {"level": one.level}) for one in up]
    append_many("safety", "alert.escalated", told, actor=str(system("safety")))
    _tell(up, now)
    versions = _rise(up)
    begin(later)
    stream.risen([(one.pk, one.level, versions[one.pk]) for one in up])
    centres.by_itself([one.pk for one in up if one.level >= NEIGHBOUR and not one.exercise], now)


def _rise(alerts: Sequence[Risen]) -> dict[int, int]:
    """Their new versions, by number. Raises Lapsed where one was answered meanwhile."""
    if not alerts:
        return {}
    with connection.cursor() as cursor:
        columns = [[one.pk for one in alerts], [one.was for one in alerts], [one.level for one in alerts]]
        cursor.execute(_RISE, columns)
        versions = dict(cursor.fetchall())
    if len(versions) < len(alerts):
        raise Lapsed(UNANSWERED)
    return versions


def _tell(alerts: Sequence[Risen], now: datetime) -> None:
    real = [alert for alert in alerts if not alert.exercise]
    for number, level in TELLS.items():
        these = [alert for alert in real if alert.level == number]
        if len(these) <= FEW:
            for alert in these:
                send_to_holders(
                    level.one,
                    role=level.role,
                    values={"place": alert.place or str(alert.pk)},
                    url=f"/safety/alerts/{alert.pk}/",
                    key=f"alert-{alert.pk}-{number}-{alert.waits_since.timestamp():.0f}",
                )
        else:
            send_to_holders(
                level.many,
                role=level.role,
                values={"count": len(these)},
                url="/safety/desk/",
                key=f"alerts-{number}-{now:%Y%m%d%H%M}",
            )


def unsent(due: Due) -> None:
    """A minute after it was answered no unit is on its way (a DeadlineKind's action): its operator is reminded."""
    alert = Alert.objects.select_for_update().filter(pk=stream.number(due.subject), state=State.ANSWERED).first()
    if alert is None:
        return
    append("safety", "alert.unsent", {}, subject=due.subject, actor=str(system("safety")))
    stream.anew(alert)
    if not alert.exercise:
        send_to_holders(
            _("Alert at %(place)s: no unit was sent within a minute"),
            role="safety.supervisor",
            values={"place": alert.place or str(alert.pk)},
            url=f"/safety/alerts/{alert.pk}/",
            key=f"alert-{alert.pk}-unsent-{due.due_at.timestamp():.0f}",
        )
