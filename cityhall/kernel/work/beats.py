"""Beats: a process says again and again that it goes on, and whoever started it hears when one stands still.

They go through a pipe, so that nothing of a dead process is left to be believed, and each has the id of its process:
the web server's workers all speak into that of their part.
"""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress

VARIABLE = "CITYHALL_BEATS"
"""In the environment of a part: the descriptor that it speaks into."""
STILL_S = 30.0
"""Without a word for so long a process that has spoken before stands still. Longer than any one call holds Python."""
LATE_S = 10.0
"""A loop that has shown no pulse for so long holds back the beats of its process."""
HANG_S = 600.0
"""The same for the loops of runners: one round may take minutes where a timetable is new or a table is locked."""
_ONE = struct.Struct("=i")
_voice: int | None = None
_pulses: dict[str, float] = {}
"""When each loop is late, by its name; time.monotonic."""


class Ear:
    """The parent's end: who was heard, and when."""

    def __init__(self) -> None:
        self._hears, self.voice = os.pipe()
        # A child never waits for a parent that does not listen.
        for end in (self._hears, self.voice):
            os.set_blocking(end, False)
        self._heard: dict[int, float] = {}

    def started(self) -> None:
        """The child has its end: with it goes the last."""
        os.close(self.voice)

    def still(self) -> list[int]:
        """Process ids that spoke once, are there, and have said nothing for STILL_S."""
        self._listen()
        now = time.monotonic()
        self._heard = {process: when for process, when in self._heard.items() if _there(process)}
        return [process for process, when in self._heard.items() if now - when > STILL_S]

    def close(self) -> None:
        """Hears no more."""
        os.close(self._hears)

    def _listen(self) -> None:
        with suppress(BlockingIOError):
            while said := os.read(self._hears, 1024 * _ONE.size):
                # A write of a few bytes is never torn (POSIX, PIPE_BUF).
                self._heard.update((process, time.monotonic()) for (process,) in _ONE.iter_unpack(said))


def _there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def speak() -> None:
    """Has this process and its forks speak to whoever started it, where that listens."""
    global _voice
    given = os.environ.pop(VARIABLE, "")
    _voice = int(given) if given else None


def pulse(loop: str, late_s: float | None = None) -> None:
    """To be called again and again by a loop that the process is of no use without, from its first time on.

    It is late after `late_s` without another (LATE_S). Where several threads go by one name, one of them is enough.
    """
    _pulses[loop] = time.monotonic() + (LATE_S if late_s is None else late_s)


def rest(loop: str) -> None:
    """This loop does nothing now that could hang, until its next pulse."""
    _pulses.pop(loop, None)


def beat() -> None:
    """Says that this process goes on, unless a loop of it stands still."""
    now = time.monotonic()
    if _voice is not None and all(late > now for late in tuple(_pulses.values())):
        with suppress(OSError):
            os.write(_voice, _ONE.pack(os.getpid()))
