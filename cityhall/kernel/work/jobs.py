"""Jobs that actions defer. Each says whether it may run twice, as each declared `Task` does."""

from __future__ import annotations

from typing import Any

from procrastinate.contrib.django import app

from cityhall.kernel.service import declared
from cityhall.kernel.work.declares import Task

TWICE: dict[str, bool] = {}
"""Whether a job may run twice, by its name, of those that `job` has made."""


def job(name: str, *, twice: bool, **options: Any) -> Any:
    """Makes a function of a room's `tasks` module a job: `function.defer(...)` in an action has a worker run it.

    A worker may be killed after it did the work and before it said so. `twice` says that a second run after a first,
    whole or broken off anywhere, leaves what one leaves; then another worker takes it up. Else it is set aside, and
    `cityhall check` tells of it. Options are those of procrastinate's `App.task`. Raises ValueError for one that may
    not run twice and is to be tried again where it fails.
    """
    if options.get("retry") and not twice:
        raise ValueError(f"{name} may not run twice: take `retry` away")
    TWICE[name] = twice
    return app.task(name=name, **options)


def may_run_twice(name: str) -> bool:
    """Whether a job that was begun may be begun again; False for one that no room or service of this city has."""
    regular = {f"{owner.slug}.{task.slug}": task.twice for owner, task in declared(Task)}
    return (TWICE | regular).get(name, False)
