"""The runners of a process, as the city's rooms and services declare them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Literal

from django.conf import settings

from cityhall.engines import groups
from cityhall.kernel.service import declared, resolve
from cityhall.kernel.work.declares import Runner
from cityhall.kernel.work.supervisor import Part

Run = Callable[[threading.Event], None]
Process = Literal["devices", "worker", "web", "urgent"]


def runners(part: Process) -> dict[str, Run]:
    """What goes on all the time in a process, by its name "<owner>.<runner>", if what it `needs` is there."""
    return {
        f"{owner.slug}.{runner.slug}": partial(_when_compiled, runner.compiled, resolve(runner.run))
        if runner.compiled
        else resolve(runner.run)
        for owner, runner in declared(Runner)
        if runner.part in (part, "all") and (not runner.needs or getattr(settings, runner.needs))
    }


def _when_compiled(group: str, run: Run, stop: threading.Event) -> None:
    if groups.wait(group, stop):
        run(stop)


def parts(part: Process) -> list[Part]:
    """The same, for the supervisor."""
    return [Part(name, run) for name, run in runners(part).items()]
