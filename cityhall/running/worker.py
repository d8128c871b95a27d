"""The worker process: jobs, the journal's sealer, followers and relay, and the services' regular tasks."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from cityhall.kernel.service import declared, resolve
from cityhall.kernel.work.declares import Task
from cityhall.kernel.work.runners import runners

log = logging.getLogger("cityhall.running.worker")


def main(stop: threading.Event) -> None:
    """Runs everything until `stop` is set."""
    threads = [threading.Thread(target=run, args=(stop,), name=name) for name, run in runners("worker").items()]
    for thread in threads:
        thread.start()
    try:
        asyncio.run(_jobs(stop))
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=8)


def _register(app: Any) -> None:
    """Each `Task` of a service's manifest becomes a periodic job; it runs once however many workers there are."""
    for service, task in declared(Task):
        action = resolve(task.action)

        def run(timestamp: int, action: Any = action) -> None:
            action()

        name = f"{service.slug}.{task.slug}"
        registered = app.task(name=name, queueing_lock=name, pass_context=False)(run)
        app.periodic(cron=task.cron, periodic_id=name)(registered)


async def _jobs(stop: threading.Event) -> None:
    from procrastinate.contrib.django import app

    _register(app)
    with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
        await _until(stop, working)


async def _until(stop: threading.Event, app: Any) -> None:
    async with app.open_async():
        job = asyncio.create_task(
            app.run_worker_async(concurrency=4, install_signal_handlers=False, shutdown_graceful_timeout=5)
        )
        while not stop.is_set() and not job.done():
            await asyncio.sleep(0.25)
        job.cancel()
        try:
            await job
        except asyncio.CancelledError:
            log.info("worker stopped")
