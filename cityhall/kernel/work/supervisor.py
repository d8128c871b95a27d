"""One supervisor for every process: what runs in it is a list of parts, and a part that ends takes the process along.

A part is not started anew in its place: what it shares with the others (caches, connections, half-made states) may be
what it died of. The parent starts the whole process again, and rests longer each time (`processes.Child`).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cityhall.kernel.work import beats

log = logging.getLogger("cityhall.work")
JOIN_S = 8.0
"""So long all the parts together may take to stop; the parent kills what has not ended after ten."""
LOOK_S = 0.25
BACK_S = 60.0
"""A clock that goes back by more than this in one look was ahead before, and so is much of what a process has in mind:
when it last did something, what is newest. It begins anew instead."""
EXIT_STATUS = 70
"""Of a process that had to be ended because a part of it was over but its threads would not stop (EX_SOFTWARE)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Work of a process that goes on until `stop` is set: `run(stop)` in a thread called `name`."""

    name: str
    run: Callable[[threading.Event], object]


class PartEnded(RuntimeError):
    """A part returned or raised though nobody asked it to stop. The process must end, with a status that says so."""


class _Thread(threading.Thread):
    def __init__(self, part: Part, stop: threading.Event) -> None:
        # A daemon: one that does not listen to `stop` cannot keep the process from ending.
        super().__init__(name=part.name, daemon=True)
        self._part, self._until, self.failed = part, stop, False

    def run(self) -> None:
        try:
            self._part.run(self._until)
        except BaseException:
            # Also while everything stops: a part may be what made it stop.
            self.failed = True
            log.exception("%s has failed", self.name)
        else:
            if not self._until.is_set():
                self.failed = True
                log.error("%s has ended by itself", self.name)
        finally:
            # A thread that is gone would else keep its place among the process's few connections. Imported here: the
            # process that starts the others loads no Django.
            from django.db import connections

            connections.close_all()


def run(parts: Iterable[Part], stop: threading.Event, *, join_s: float = JOIN_S) -> None:
    """Runs every part until `stop` is set, then waits for them in their order, `join_s` seconds in all.

    Where a part ends before, or the clock goes back by more than BACK_S, sets `stop` for the others, waits for them
    alike, and raises PartEnded that says so.
    """
    threads = [_Thread(part, stop) for part in parts]
    for thread in threads:
        thread.start()
    before, back = _clock(), 0.0
    while back <= BACK_S and not stop.wait(LOOK_S) and not any(thread.failed for thread in threads):
        beats.beat()
        now = _clock()
        before, back = now, before - now
    stop.set()
    _join(threads, join_s)
    failed = [thread.name for thread in threads if thread.failed]
    if back > BACK_S:
        raise PartEnded(f"the clock went back by {back:.0f} s")
    if failed:
        raise PartEnded(f"ended before its time: {', '.join(failed)}")


def _clock() -> float:
    """How far the city's clock is from the one that nobody can set."""
    # Imported here: the process that starts the others loads no Django.
    from cityhall.kernel import clock

    return clock.time() - time.monotonic()


def _join(threads: Sequence[threading.Thread], seconds: float) -> None:
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        log.warning("did not stop in time: %s", ", ".join(late))


def end_for_certain(after_s: float = 5.0) -> None:
    """Ends this process after so long whatever its threads do; called when it is about to end because of a fault.

    A thread that is no daemon and waits for something for ever would else keep a process in which nothing works any
    more, and the parent would believe that it runs.
    """
    timer = threading.Timer(after_s, os._exit, args=(EXIT_STATUS,))
    timer.daemon = True
    timer.start()


def beside(parts: Iterable[Part]) -> None:
    """Runs parts in a process whose main thread is another's (the web server's) until it ends.

    Where one ends before, this process is asked to end too (SIGTERM), and whoever started it starts it anew.
    """
    listed = tuple(parts)

    def work() -> None:
        try:
            run(listed, threading.Event())
        except PartEnded as problem:
            log.error("%s; the process ends", problem)
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=work, name="supervisor", daemon=True).start()
