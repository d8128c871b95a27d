"""The devices process: the doors that keep a connection open, and the watch for silent devices. And that of presses."""

from __future__ import annotations

import threading

from cityhall.kernel.devices import drops
from cityhall.kernel.work import supervisor
from cityhall.kernel.work.runners import Process, parts


def main(stop: threading.Event) -> None:
    """Runs every door until `stop` is set. Raises supervisor.PartEnded where one of them closes before."""
    _run("devices", stop)


def urgent(stop: threading.Event) -> None:
    """The same for what is urgent, in a process to itself: a press waits for nobody's reckoning."""
    _run("urgent", stop)


def _run(part: Process, stop: threading.Event) -> None:
    try:
        supervisor.run(parts(part), stop)
    finally:
        drops.flush()
