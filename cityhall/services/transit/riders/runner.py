"""What riders wait for, looked at every few seconds by the worker: alarms, broken connections, school buses."""

from __future__ import annotations

import logging
import threading

from django.db import Error
from django.utils import timezone

from cityhall.kernel.work.regular import look_every
from cityhall.services.transit.riders import alarms, following, school

EVERY_S = 10.0
log = logging.getLogger("cityhall.transit.riders")


def run(stop: threading.Event) -> None:
    """Looks until `stop`. Several workers may: every message has a key and is told once."""
    look_every(EVERY_S, "what riders wait for", look, stop)


def look() -> None:
    """One look at everything. What cannot be worked out for one kind does not keep the others waiting."""
    now = timezone.now()
    for work in (alarms.look, following.tell_of_breaks, school.tell_guardians):
        try:
            work(now)
        except Error:
            raise
        except Exception:
            log.exception("%s failed", work.__module__)
