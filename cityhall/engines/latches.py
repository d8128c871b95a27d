"""Latches: a file is locked (flock) as long as somebody works on what others wait for.

The lock is the operating system's: it is gone with the last process that holds it, so one that crashed shuts nobody
out, and no file that it left is believed.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Latch:
    """Shut from its making until `open`. A process that is given its `descriptor` keeps it shut too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def hand_over(self) -> None:
        """Leaves it to the processes that were given the descriptor: it opens when the last of them is gone."""
        os.close(self.descriptor)

    def open(self) -> None:
        """Lets everybody pass, whoever else has the descriptor."""
        open_for(self.descriptor)


def open_for(descriptor: int) -> None:
    """Opens the latch whose descriptor this process was given."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def shut(path: Path) -> bool:
    """Whether one must wait. One that is not there is open."""
    return not _passed(path, fcntl.LOCK_SH | fcntl.LOCK_NB)


def wait(path: Path) -> None:
    """Returns when the latch is open."""
    _passed(path, fcntl.LOCK_SH)


def _passed(path: Path, how: int) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
