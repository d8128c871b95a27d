"""Running a job as a worker does, in the test's own thread and transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from cityhall.kernel.service import declared, resolve
from cityhall.kernel.work.declares import Task


def run_job(name: str, values: Mapping[str, Any] | None = None, *, number: int = 1) -> None:
    """Runs the job of that name and number with its values. Raises KeyError where the city has none."""
    regular = {f"{owner.slug}.{task.slug}": task.action for owner, task in declared(Task)}
    if name in regular:
        resolve(regular[name])()
        return
    task = app.tasks[name]
    job = Job(id=number, queue="default", lock=None, queueing_lock=None, task_name=name)
    given = [JobContext(start_timestamp=0.0, app=app, job=job, abort_reason=lambda: None)] if task.pass_context else []
    task.func(*given, **(values or {}))
