"""A worker with a job that never ends: it writes a line to a file, and waits to be killed."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import django


def main(told: Path) -> None:
    from procrastinate.contrib.django import app

    from cityhall.running import worker

    @app.task(name="test.endless", queue="test-endless")
    def endless() -> None:
        with told.open("a") as file:
            file.write("begun\n")
        time.sleep(600)

    worker.jobs(threading.Event())


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
