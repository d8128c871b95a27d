"""Passing over an item that cannot be done, so that it does not keep those behind it waiting.

Used as `with passing_over("transit.alarms", pk), transaction.atomic(): ...` by whoever works through a list: what is
raised within is noted for officers with staff screens and for `cityhall check`, and the next item comes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.work.models import SetAside

log = logging.getLogger("cityhall.work")
KEEP = timedelta(days=7)
"""What did not happen again for so long is forgotten."""
_NOTE = """
INSERT INTO work_setaside AS s (work, item, problem, times, last_at) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (work, item) DO UPDATE SET problem = excluded.problem, times = s.times + 1, last_at = excluded.last_at
"""


@contextmanager
def passing_over(work: str, item: object) -> Iterator[None]:
    """What is raised within is noted; what is no item's doing passes on: an outage of the database, Unavailable.

    Whatever is written within is to be in a transaction of its own.
    """
    try:
        yield
    except Exception as problem:
        if isinstance(problem, Unavailable) or is_outage(problem):
            raise
        log.exception("%s: %s could not be done", work, item)
        note(work, item, problem)


def note(work: str, item: object, problem: BaseException) -> None:
    """Notes that an item was passed over. A failure of that is only logged: the others go on."""
    text = f"{type(problem).__name__}: {problem}".replace("\0", "").encode("utf-8", "replace").decode()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NOTE, [work[:100], str(item).replace("\0", "")[:200], text[:300], timezone.now()])
    except (DatabaseError, InterfaceError):
        log.exception("%s: that %s was passed over could not be noted", work, item)


def forget_old() -> None:
    """Every hour: forgets what did not happen again for KEEP (manifest `Task`)."""
    SetAside.objects.filter(last_at__lt=timezone.now() - KEEP).delete()
