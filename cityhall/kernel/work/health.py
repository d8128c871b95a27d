"""Whether a city can do its work now: not only read, and not only serve pages."""

from __future__ import annotations

import shutil
from typing import Literal
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.limits.models import Spent
from cityhall.kernel.reference import Reference
from cityhall.kernel.work.taking_up import STILL_S

Health = Literal["ok", "no room", "no worker"]
ROOM = 64 * 2**20
"""Bytes free where the city's folder is, below which uploads, mails and soon the embedded database fail."""


def _look() -> Health:
    _write()
    if shutil.disk_usage(settings.CITY_FOLDER).free < ROOM:
        return "no room"
    return "ok" if _worker_lives() else "no worker"


health = Reference(_look)
"""How it is, at most a second old, however often it is asked. Raises Django's DatabaseError or InterfaceError where the
database is away or takes nothing: a server that only reads answers every other question as if all were well."""


def _write() -> None:
    with transaction.atomic():
        Spent.objects.create(key=f"health {uuid4()}", until=timezone.now())
        transaction.set_rollback(True)


def _worker_lives() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM procrastinate_workers "
            "WHERE last_heartbeat BETWEEN now() - %s * interval '1 second' AND now() + %s * interval '1 second')",
            [STILL_S, STILL_S],
        )
        return bool(cursor.fetchone()[0])
