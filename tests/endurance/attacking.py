"""Lets the hostile loose on a city, in a process of their own: `python -m tests.endurance.attacking CITY SECONDS FILE`.

The city's description is JSON; what came of it is written to the file.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.endurance import asking, devices, wires
from tests.endurance.city import City
from tests.endurance.hostile import Hostile


def kinds() -> list[type[Hostile]]:
    """Every kind there is."""
    found = [
        one
        for module in (wires, asking, devices)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Hostile) and one.__module__ == module.__name__ and one.expected
    ]
    return sorted(found, key=lambda one: one.__name__)


def attack(city: City, stop: threading.Event, only: list[str]) -> dict[str, Any]:
    """Runs every kind, or `only` those of these names, until `stop`; what came of each by its name."""
    chosen = [one(city, number) for number, one in enumerate(kinds()) if not only or one.__name__ in only]
    threads = [threading.Thread(target=one.run, args=(stop,), name=type(one).__name__, daemon=True) for one in chosen]
    for thread in threads:
        thread.start()
        # Not all at the same moment, which says more of this process than of the city.
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    return {type(one).__name__: one.result() for one in chosen}


def main(described: str, seconds: str, file: str, *only: str) -> None:
    """In the process itself: until the time is over or it is told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Timer(float(seconds), stop.set).start()
    told = attack(City(**json.loads(described)), stop, list(only))
    draft = Path(f"{file}.draft")
    draft.write_text(json.dumps(told))
    draft.rename(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
