"""The devices process: the doors that keep a connection open, and the watch for silent devices."""

from __future__ import annotations

import threading

from cityhall.kernel.devices import drops
from cityhall.kernel.work import supervisor
from cityhall.kernel.work.runners import parts


def main(stop: threading.Event) -> None:
    """Runs every door until `stop` is set. Raises supervisor.PartEnded where one of them closes before."""
    try:
        supervisor.run(parts("devices"), stop)
    finally:
        drops.flush()
