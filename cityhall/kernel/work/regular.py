"""Looking at something every so many seconds: the loop of most runners."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error, connections

from cityhall.kernel.work import beats

log = logging.getLogger("cityhall.work")


def look_every(seconds: float, what: str, look: Callable[[], object], stop: threading.Event) -> None:
    """Calls `look` every so many seconds until `stop`, and closes its connections to the database after it.

    What fails of the database is logged as that `what` waits for it; all else that it raises passes through, and the
    process is started anew. So it is where one look takes longer than beats.HANG_S: it hangs.
    """
    try:
        while not stop.wait(seconds):
            beats.pulse(what, seconds + beats.HANG_S)
            try:
                look()
            except Error as problem:
                log.warning("%s waits for the database: %r", what, problem)
            finally:
                connections.close_all()
    finally:
        beats.rest(what)
