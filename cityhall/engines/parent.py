"""A process that ends with the one that started it, however that one ended.

A parent that is killed can stop nobody any more. On Linux the system ends the child (prctl(2), PR_SET_PDEATHSIG);
everywhere the child looks itself who its parent is, and ends when that is another.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

STARTED_BY = "CITYHALL_STARTED_BY"
"""In the environment of what `cityhall up` starts: "<the parent's process id>:<the city's folder>"."""
STATUS = 75
"""Of a process that ended because its parent was gone (EX_TEMPFAIL)."""
LOOK_S = 1.0
_PR_SET_PDEATHSIG = 1


def mark(folder: Path) -> dict[str, str]:
    """What a child of this process has in its environment."""
    return {STARTED_BY: f"{os.getpid()}:{folder}"}


def end_with_starter() -> None:
    """Ends this process with the one that started it, where that left its mark; one started by hand lives alone."""
    if given := os.environ.get(STARTED_BY):
        end_with(int(given.partition(":")[0]))


def end_with(parent: int) -> None:
    """Ends this process, at once and without a word, as soon as `parent` (a process id) is no more.

    To be called by the child, early: of a parent that is gone already it is told here.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            # SIGKILL: one that stands still would not hear another.
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(STATUS)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(STATUS)
