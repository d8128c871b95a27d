"""Starts the worker as a city does, waits until it takes jobs, and prints which ones it knows."""

from __future__ import annotations

import json
import threading
import time
from typing import Any


def known() -> dict[str, Any]:
    """{"jobs": {name: function}, "periodic": {name: cron}} of the worker that runs in this process."""
    from django.db import connection
    from procrastinate.contrib.django import app

    from cityhall.running import worker

    stop = threading.Event()
    running = threading.Thread(target=worker.jobs, args=(stop,))
    running.start()
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_workers")
            if cursor.fetchone()[0]:
                break
        time.sleep(0.1)
    stop.set()
    running.join(20)
    return {
        "jobs": {name: f"{job.func.__module__}:{job.func.__qualname__}" for name, job in app.tasks.items()},
        "periodic": {one.task.name: one.cron for one in app.periodic_registry.periodic_tasks.values()},
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(known()))
