"""What a service may declare to be done by itself in the city's processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class Task:
    """Work done again and again by the worker. `cron` is a crontab line in UTC.

    `twice` says whether another worker may begin it again after one that broke off in it (jobs.job).
    """

    slug: str
    action: Path
    cron: str
    twice: bool


@dataclass(frozen=True, slots=True)
class Runner:
    """Work that goes on all the time in a thread of a process: a door that listens, a tracker.

    `part` says in which kind of process; "all" is for what any number of threads may share, in each of them. "urgent"
    is for what may wait behind nothing else: whatever a process reckons, all its threads wait for.

    `run` names a function (stop: threading.Event) -> None. Where it ends before `stop` is set, the whole process is
    started anew.
    """

    slug: str
    run: Path
    part: Literal["devices", "worker", "web", "urgent", "all"] = "devices"
    needs: str = ""
    """A setting without which there is nothing to run, as "MQTT_URL"."""
    compiled: str = ""
    """The group of compiled code (engines/groups.py) that it calls; it begins when that is there."""
