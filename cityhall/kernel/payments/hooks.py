"""Messages of providers: read and kept first, acted on then; what is refused is counted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.payments.facts import Heard
from cityhall.kernel.payments.intents import heard
from cityhall.kernel.payments.models import Hook
from cityhall.kernel.payments.providers import Refused, provider

LONGEST = 256 * 1024
"""Bytes of a message."""
KEPT = timedelta(days=90)
"""How long one is remembered. One sent again later is too old for its signature."""
TRIED = timedelta(days=2)
"""How long one that cannot be acted on is tried: some are of payments that this city never began."""
MOST = 500
log = logging.getLogger("cityhall.payments")


def take(slug: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Takes a provider's message: gives how many payments of ours it tells something new about.

    What it says is kept before anything is done; what cannot be done now is done by the next `act_on_waiting`. Raises
    Refused for what is not to be believed, Missing for a provider that the city does not have.
    """
    try:
        said = provider(slug).read(body, headers)
    except Refused as refused:
        count(slug, refused.reason)
        raise
    new = [hook for one in said if (hook := _keep(slug, one)) is not None]
    for hook in new:
        act_on(hook)
    return len(new)


def _keep(slug: str, said: Heard) -> Hook | None:
    """The message, kept; None where it was here before."""
    hook = Hook(provider=slug, event_id=said.event_id[:200], said=said.to_json(), heard_at=timezone.now())
    Hook.objects.bulk_create([hook], ignore_conflicts=True)
    mine = Hook.objects.get(provider=slug, event_id=hook.event_id)
    if mine.done_at is not None:
        count(slug, "again")
        return None
    return mine


def act_on(hook: Hook) -> bool:
    """Does what a kept message says, once; False where it cannot be done now."""
    try:
        with transaction.atomic():
            mine = Hook.objects.select_for_update().get(pk=hook.pk)
            if mine.done_at is None:
                heard(mine.provider, Heard.from_json(mine.said, mine.event_id), "webhook")
                mine.done_at, mine.problem = timezone.now(), ""
                mine.save(update_fields=["done_at", "problem"])
    except CityhallError as problem:
        log.warning("a message of %s: %s", hook.provider, problem)
        Hook.objects.filter(pk=hook.pk).update(problem=problem.code[:200])
        return False
    return True


def act_on_waiting() -> int:
    """Does what kept messages say that were not acted on, and forgets old ones (a Task's action)."""
    now = timezone.now()
    Hook.objects.filter(heard_at__lt=now - KEPT).delete()
    since = (now - TRIED, now - timedelta(seconds=30))
    waiting = Hook.objects.filter(done_at=None, heard_at__range=since).order_by("pk")
    return sum(act_on(hook) for hook in waiting[:MOST])


def count(slug: str, reason: str) -> None:
    """Counts a message that was not taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO payments_hookrefusal AS r (day, provider, reason, count) VALUES (%s, %s, %s, 1)
            ON CONFLICT (day, provider, reason) DO UPDATE SET count = r.count + 1
            """,
            [timezone.now().date(), slug[:50], reason[:50]],
        )
