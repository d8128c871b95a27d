"""Sending what waits in rows: each by one process at a time, again with growing pauses, and given up after a day.

The row itself is the timer, so a restart forgets nothing. A process that is killed after the other side took a message
and before it said so here has it sent twice: each carries its number, by which the other side knows it again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from cityhall.services.safety.models.outgoing import Outgoing

ALONE = timedelta(seconds=60)
"""How long whoever sends a message has it alone; far longer than any try takes."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 300
GIVE_UP = timedelta(days=1)
TIMEOUT_S = 10.0
OK, REFUSED = range(200, 300), (400, 405, 413, 415, 422)
"""Statuses of who took a message, and of who will never take this one."""
log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Outgoing)


def own_servers() -> list[str]:
    """Hosts of the city's own network that may be asked and sent to: `[service.safety] servers` in city.toml."""
    return list(_options().get("servers", []))


def camera_servers() -> list[str]:
    """The same for cameras: also those that a city made by an earlier version names apart, in `camera_hosts`."""
    return [*own_servers(), *_options().get("camera_hosts", [])]


def _options() -> dict[str, list[str]]:
    found: dict[str, list[str]] = settings.CITY.options.get("safety", {})
    return found


@transaction.atomic
def claim(waiting: QuerySet[Row], now: datetime, *, in_order: bool) -> Row | None:
    """The first of the rows that may be sent now, for ALONE; None where there is none.

    `in_order`: none before the first that waits, which may not be due yet, or be with somebody else.
    """
    rows = waiting.filter(state=Outgoing.State.WAITING).order_by("pk")
    if not in_order:
        rows = rows.filter(try_at__lte=now)
    one = rows.select_for_update(of=("self",), skip_locked=not in_order).first()
    if one is None or one.try_at > now:
        return None
    one.try_at = now + ALONE
    one.save(update_fields=["try_at"])
    return one


def ended(one: Outgoing, now: datetime, problem: str, *, for_good: bool = False) -> None:
    """Keeps what became of a try: `problem` "" where it was taken; else it is tried again, unless `for_good`."""
    changes: dict[str, object] = {"attempts": one.attempts + 1, "problem": problem[:100]}
    if not problem:
        changes |= {"state": Outgoing.State.SENT, "done_at": now}
    elif for_good or now - one.made_at >= GIVE_UP:
        log.error("%s %s is given up: %s", one._meta.model_name, one.pk, problem)
        changes |= {"state": Outgoing.State.FAILED, "done_at": now}
    else:
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(one.attempts, 16))
        changes["try_at"] = now + timedelta(seconds=pause)
    # Whoever it is for may have fetched it meanwhile.
    type(one)._default_manager.filter(pk=one.pk, state=Outgoing.State.WAITING).update(**changes)


def due() -> None:
    """Every minute: has a worker send what is due (a Task)."""
    from django.utils import timezone

    from cityhall.services.safety.models import CompanyMessage, TextMessage
    from cityhall.services.safety.tasks import send_texts, tell_company

    now = timezone.now()
    wait = {"state": Outgoing.State.WAITING, "try_at__lte": now}
    waiting = CompanyMessage.objects.filter(**wait, way=CompanyMessage.Way.OUT).exclude(company__callback="")
    with transaction.atomic():
        for company in waiting.order_by("company").values_list("company", flat=True).distinct():
            tell_company.defer(company_id=company)
        if TextMessage.objects.filter(**wait).exists():
            send_texts.defer()
