"""Followers: code that hears of every event of some streams, in order, at least once.

A follower's cursor moves in the same transaction as what its handler writes to the database, so those effects happen
exactly once; what it does outside the database may happen twice after a crash, and must bear it.
"""

from __future__ import annotations

import logging

from django.db import connection, transaction

from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.journal.declares import Follower
from cityhall.kernel.journal.log import to_event
from cityhall.kernel.journal.models import Cursor, Entry, Parked
from cityhall.kernel.service import ServiceError, declared, resolve

log = logging.getLogger("cityhall.journal")
BATCH = 500
ATTEMPTS = 5


def followers() -> list[Follower]:
    """Every follower of the city. Raises ServiceError for a name that two of them have."""
    found: dict[str, Follower] = {}
    for owner, item in declared(Follower):
        if item.name in found:
            raise ServiceError(f"two followers are called {item.name!r} (one of {owner.slug}): rename one")
        found[item.name] = item
    return list(found.values())


def follow(follower: Follower, batch: int = BATCH) -> int:
    """Hands a follower its next events; returns how many. One process at a time runs a follower.

    What the handler raises passes through, with nothing moved; after ATTEMPTS failures on one event, that event is
    parked and the next come. An outage of the database is no event's doing and counts as no failure.
    """
    try:
        return _advance(follower, batch)
    except Exception as problem:
        if is_outage(problem):
            raise
        log.exception("follower %s failed", follower.name)
        if _failed(follower) >= ATTEMPTS:
            _advance_one_by_one(follower, problem)
        raise


def _advance(follower: Follower, batch: int) -> int:
    with transaction.atomic():
        cursor = _take(follower)
        if cursor is None:
            return 0
        entries, last = _next(follower, cursor.position, batch)
        if last == cursor.position:
            return 0
        if entries:
            resolve(follower.handler)([to_event(entry) for entry in entries])
        cursor.position, cursor.failures = last, 0
        cursor.save(update_fields=["position", "failures"])
        return len(entries)


def _take(follower: Follower) -> Cursor | None:
    """The follower's cursor, locked; None where another process has it."""
    with connection.cursor() as sql:
        sql.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 1))", [follower.name])
        if not sql.fetchone()[0]:
            return None
    cursor, _ = Cursor.objects.select_for_update().get_or_create(name=follower.name)
    return cursor


def _next(follower: Follower, position: int, batch: int) -> tuple[list[Entry], int]:
    """The next events, and the position after which to go on: that of the last one, or of the journal's end."""
    end = Entry.objects.filter(position__gt=position).order_by("-position").values_list("position", flat=True).first()
    if end is None:
        return [], position
    rows = Entry.objects.filter(position__gt=position, position__lte=end)
    if follower.streams:
        rows = rows.filter(stream__in=follower.streams)
    entries = list(rows.order_by("position")[:batch])
    if len(entries) == batch:
        end = entries[-1].position
    assert end is not None
    return entries, end


def _failed(follower: Follower) -> int:
    with transaction.atomic():
        cursor, _ = Cursor.objects.select_for_update().get_or_create(name=follower.name)
        cursor.failures += 1
        cursor.save(update_fields=["failures"])
        return cursor.failures


def _advance_one_by_one(follower: Follower, problem: Exception) -> None:
    """Goes on event by event up to the one that fails, and parks that one."""
    while True:
        try:
            if _advance(follower, 1) == 0:
                return
        except Exception as again:
            if is_outage(again):
                raise
            with transaction.atomic():
                cursor = Cursor.objects.select_for_update().get(name=follower.name)
                entries, last = _next(follower, cursor.position, 1)
                if entries:
                    Parked.objects.create(
                        follower=follower.name, event=entries[0].id, position=last, error=repr(again)[:2000]
                    )
                cursor.position, cursor.failures = last, 0
                cursor.save(update_fields=["position", "failures"])
            log.error("follower %s: event parked: %r (first seen as %r)", follower.name, again, problem)
            return


def hand_again(follower: Follower) -> tuple[int, int]:
    """Hands a follower the events that were parked for it, each in a transaction of its own, in their order.

    Gives how many it took and how many it failed on again, which stay parked. They come after what came meanwhile.
    """
    taken = failed = 0
    for parked in Parked.objects.filter(follower=follower.name).order_by("position"):
        try:
            with transaction.atomic():
                if not Parked.objects.select_for_update().filter(pk=parked.pk).exists():
                    continue
                resolve(follower.handler)([to_event(Entry.objects.get(id=parked.event))])
                parked.delete()
            taken += 1
        except Exception as problem:
            if is_outage(problem):
                raise
            log.exception("follower %s failed again on event %s", follower.name, parked.event)
            Parked.objects.filter(pk=parked.pk).update(error=repr(problem)[:2000])
            failed += 1
    return taken, failed
