"""A service with deadlines whose actions leave a line each: what was done, when, and by which process."""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta

from django.db import connection

from cityhall.kernel import service
from cityhall.kernel.deadlines.actions import set_deadlines
from cityhall.kernel.deadlines.declares import DeadlineKind, Due
from cityhall.kernel.service import Service

TABLE = """
CREATE TABLE IF NOT EXISTS deadline_done (
    kind text NOT NULL, subject text NOT NULL, level int NOT NULL, due timestamptz NOT NULL,
    seen timestamptz NOT NULL, process int NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
SERVICE = Service("trial", "Trial", "", "cityhall.services.trial", declares=(
    DeadlineKind("note", f"{__name__}:note"),
    DeadlineKind("slow", f"{__name__}:slow"),
    DeadlineKind("fails", f"{__name__}:fails"),
    DeadlineKind("many", f"{__name__}:many", many=True),
))  # fmt: skip


def use() -> None:
    """The city of this process has this service and no other."""
    service.city_services = lambda: (SERVICE,)


def note(due: Due) -> None:
    """Leaves a line."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deadline_done VALUES (%s, %s, %s, %s, %s, %s)",
            [due.kind, due.subject, due.level, due.due_at, due.now, os.getpid()],
        )


def slow(due: Due) -> None:
    """Leaves a line, and takes a while before and after."""
    time.sleep(random.uniform(0, 0.02))
    note(due)
    time.sleep(random.uniform(0, 0.02))


def fails(due: Due) -> None:
    """Leaves a line that must not stay."""
    note(due)
    raise LookupError("the siren is broken")


def many(together: list[Due]) -> None:
    """Leaves a line of each, with how many were together as its level; a broken siren spoils all it is with."""
    with connection.cursor() as cursor:
        for due in together:
            cursor.execute(
                "INSERT INTO deadline_done VALUES (%s, %s, %s, %s, %s, %s)",
                [due.kind, due.subject, len(together), due.due_at, due.now, os.getpid()],
            )
    if any(due.subject.startswith("siren") for due in together):
        raise LookupError("the siren is broken")
    anew = [(due.subject, due.now + timedelta(seconds=10)) for due in together if due.subject.startswith("bell")]
    set_deadlines("trial.many", anew)
