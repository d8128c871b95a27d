"""`cityhall up`: the processes of a city, kept running together and stopped together.

The web, the worker and the device doors share nothing but the database, so on more than one machine each is started
by itself (`--only`); here one parent starts all of them, starts anew what dies, and stops everything on Ctrl-C.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cityhall.engines import parent
from cityhall.kernel import program_role
from cityhall.kernel.database import EMBEDDED, expected
from cityhall.kernel.work import beats, supervisor
from cityhall.running.progress import console

if TYPE_CHECKING:
    from granian.server.common import AbstractServer

log = logging.getLogger("cityhall.running.processes")
PARTS = ("web", "worker", "devices", "urgent")
NEEDS = {"urgent": "MQTT_URL"}
"""Settings without which a part has nothing to do."""
STOP_SECONDS = 10
FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0
"""Seconds that a part rests which has died once, and one that dies again and again."""
CONNECTIONS = 16_000
"""That a web process holds at once; live streams have half of them at most (web/handler.py)."""
HEAD_S = 15
"""How long a connection may be silent before a request's head is whole, also between two requests."""
GATE = ".getting-ready"
"""The latch in a city's folder that its parts wait at until its tables and files are as this program wants them."""
MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""glibc gives every few threads a heap of their own, each as large as its busiest moment: two do as well."""


@dataclass
class Child:
    """A process that should be running. `wait` is how long it rests before a new start.

    `folder`, the city's, is told to it with who its parent is; it ends with that one where it asks for it (parent.py).
    """

    name: str
    command: list[str]
    folder: Path = field(default_factory=Path)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = FIRST_WAIT
    not_before: float = field(default=0.0)
    ear: beats.Ear | None = None

    def start(self, told: Mapping[str, str] = MappingProxyType({})) -> None:
        """Starts it; `told` is for its environment, where what is known of the database is not in this one's yet."""
        # A session of its own keeps the terminal's Ctrl-C from reaching it before the parent stops it in order.
        if self.ear is not None:
            self.ear.close()
        self.ear = beats.Ear()
        environment = MEMORY | program_role.for_children() | dict(told) | parent.mark(self.folder)
        environment[beats.VARIABLE] = str(self.ear.voice)
        self.process = subprocess.Popen(
            self.command, start_new_session=True, env=environment, pass_fds=[self.ear.voice]
        )
        self.ear.started()
        self.started = time.monotonic()

    def look(self) -> None:
        """Starts it where it is not running or stands still; one that keeps dying is started less and less often."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            if self.ear is not None and (still := self.ear.still()):
                console.print(f"[yellow]{self.name} stands still (process {', '.join(map(str, still))})")
                # One that is stopped hears nothing else.
                self.signal(signal.SIGKILL)
                self.process.wait()
            elif now - self.started > LONGEST_WAIT:
                self.wait = FIRST_WAIT
            return
        if self.process is not None:
            console.print(f"[yellow]{self.name} ended with {self.process.returncode}; starting it again")
            self.process = None
            self.not_before = now + self.wait
            self.wait = min(self.wait * 2, LONGEST_WAIT)
        if now >= self.not_before:
            self.start()

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            # The whole group: the web server has workers of its own.
            os.killpg(self.process.pid, number)


def stop_all(children: list[Child]) -> None:
    """Asks every child to stop, last started first, and kills what has not stopped after STOP_SECONDS."""
    for child in reversed(children):
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.signal(signal.SIGKILL)
            child.process.wait()


def stop_event() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop


def supervise(
    children: list[Child],
    stop: threading.Event,
    first: Callable[[], None],
    beside: Callable[[], None] = lambda: None,
) -> None:
    """Keeps `children` running until `stop` is set; calls `beside` now and then.

    The first of them is started alone, and `first` waits until it is of use: it shares the processors with no other.
    """
    try:
        children[0].look()
        first()
        while not stop.is_set():
            for child in children:
                child.look()
            beside()
            stop.wait(0.25)
    finally:
        stop_all(children)


def wanted() -> list[str]:
    """The parts of a city here: without those that would have nothing to do."""
    return [part for part in PARTS if part not in NEEDS or os.environ.get(NEEDS[part])]


def part_command(part: str, folder: Path, *, host: str, port: int, workers: int = 1) -> list[str]:
    """The command that runs one part of the city in a process of its own."""
    return [
        *(sys.executable, "-m", "cityhall.cli", "up", "--city", folder.name, "--data", str(folder.parent)),
        *("--only", part, "--host", host, "--port", str(port), "--workers", str(workers)),
    ]


def told_early(folder: Path) -> dict[str, str]:
    """What tells a part where the embedded database will be that is still to be started; empty where it cannot be said.

    The role it speaks as may not be there either: it is when the gate opens (program_role.settle).
    """
    if program_role.OWNER in os.environ or program_role.PROGRAM in os.environ:
        return {}
    owner = expected(folder / EMBEDDED)
    if owner is None:
        return {}
    program = program_role.derived(owner, folder)
    return {program_role.OWNER: program, program_role.PROGRAM: program}


def read(part: str) -> None:
    """Imports what a part will need, before its tables are there: Django must be ready, nothing else.

    The web's workers are forks of it. So their code is read once, and one that died is there again at once.
    """
    if part != "web":
        return
    # Neither opens a connection nor begins a thread; what does is each worker's own (cityhall/asgi.py).
    import cityhall.urls
    import cityhall.web.handler  # noqa: F401

    gc.freeze()


def run_part(part: str, *, host: str, port: int, workers: int) -> None:
    """Runs one part in this process until it is told to stop. Django must be ready.

    Where something of it ends by itself the process ends, with status 1, and the parent starts it anew. Raises
    ValueError on a machine of its own where receipts would not hold; else `up` has looked.
    """
    if parent.STARTED_BY not in os.environ:
        from cityhall.kernel.devices.durable import require

        require()
    if part == "web":
        run_web(host, port, workers)
        return
    stop = stop_event()
    if part == "worker":
        from cityhall.running.worker import main
    elif part == "urgent":
        from cityhall.kernel.devices.runner import urgent as main
    else:
        from cityhall.kernel.devices.runner import main
    try:
        main(stop)
    except supervisor.PartEnded as problem:
        log.error("%s: %s", part, problem)
        supervisor.end_for_certain()
        raise SystemExit(1) from None


def run_web(host: str, port: int, workers: int) -> None:
    """Serves the pages and the API (ASGI). Why granian: docs/decisions/004-asgi-server.md."""
    server("cityhall.asgi:application", host, port, workers).serve()


def server(application: str, host: str, port: int, workers: int) -> AbstractServer[Any]:
    """The web server. A connection that says nothing, or half a request's head, is closed after HEAD_S."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 2_000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    made: AbstractServer[Any] = Granian(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        # Where it may be HTTP/2 as well, granian waits without end for the bytes that say which.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_S * 1000),
        workers=workers,
        respawn_failed_workers=True,
        log_level="warning",  # type: ignore[arg-type]
        backpressure=CONNECTIONS,
        workers_kill_timeout=5,
    )
    return made
