"""The worker process: jobs, the journal's sealer, followers and relay, and the services' regular tasks."""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import cache
from typing import Any

import psycopg

from cityhall.kernel.service import declared, resolve
from cityhall.kernel.work import beats, supervisor
from cityhall.kernel.work.declares import Task
from cityhall.kernel.work.runners import parts
from cityhall.kernel.work.supervisor import Part
from cityhall.kernel.work.taking_up import HEARTBEAT_S, STILL_S

log = logging.getLogger("cityhall.running.worker")


def main(stop: threading.Event) -> None:
    """Runs everything until `stop` is set. Raises supervisor.PartEnded where a part of it ends before."""
    supervisor.run([Part("jobs", jobs), *parts("worker")], stop)


@cache
def register() -> Any:
    """The application that knows every job, once a process: those of the rooms' `tasks` modules, and each declared
    `Task`.

    It closes a job's connections to the database after it (procrastinate.contrib.django.DjangoApp).
    """
    from procrastinate.contrib.django import app

    for service, task in declared(Task):
        _periodic(app, f"{service.slug}.{task.slug}", resolve(task.action), task.cron)
    return app


def _periodic(app: Any, name: str, action: Any, cron: str) -> None:
    """A job that is deferred again and again; it runs once however many workers there are."""

    def run(timestamp: int) -> None:
        action()

    registered = app.task(name=name, queueing_lock=name, pass_context=False)(run)
    app.periodic(cron=cron, periodic_id=name)(registered)


def jobs(stop: threading.Event) -> None:
    """Does the jobs until `stop` is set; ends before only where the loop itself failed, and then raises why."""
    app = register()
    while not stop.is_set():
        try:
            return asyncio.run(_jobs(app, stop))
        except psycopg.OperationalError:
            # The database is away, or this process has just been installed and still compiles what it imports.
            log.warning("the jobs wait for the database")


async def _jobs(app: Any, stop: threading.Event) -> None:
    with app.replace_connector(_connector(app.connector)) as working:
        await _until(stop, working)


def _connector(django: Any) -> Any:
    """What the worker asks the database with; what this process's jobs, followers and deadlines defer is a row of their
    own transaction all the same, as it is in every other process: there where that is committed, and only there."""
    connector = django.get_worker_connector()
    connector.get_sync_connector = lambda: django
    return connector


async def _until(stop: threading.Event, app: Any) -> None:
    async with app.open_async():
        job = asyncio.create_task(
            app.run_worker_async(
                concurrency=4,
                install_signal_handlers=False,
                shutdown_graceful_timeout=5,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STILL_S,
            )
        )
        while not stop.is_set() and not job.done():
            beats.pulse("jobs")
            await asyncio.sleep(0.25)
        job.cancel()
        try:
            await job
        except asyncio.CancelledError:
            log.info("worker stopped")
