"""One `cityhall up` a folder: a second is refused, and what an earlier one left running is ended."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from cityhall.engines.parent import STARTED_BY
from cityhall.running.progress import console

LOCK = ".running"
END_S = 10.0


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Has the city in `folder` (whole path) for this process alone, which starts and stops its parts.

    The lock is the operating system's, and gone with the process. Raises ValueError where another has it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(descriptor, 20, 0).decode()
            raise ValueError(
                f"{folder} is being served already, by process {who}: stop that one first (Ctrl-C, or kill {who})."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        _end_what_is_left(folder)
        yield
    finally:
        os.close(descriptor)


def refuse_where_claimed(folder: Path) -> None:
    """Raises ValueError where another process serves the folder, which need not be there yet."""
    if folder.exists():
        with claimed(folder):
            pass


def _end_what_is_left(folder: Path) -> None:
    """Ends, and names, parts of an earlier start: nobody looks after them, and they are of who knows what version."""
    left = [process for process in psutil.process_iter() if _is_part(process, folder)]
    for process in left:
        with suppress(psutil.Error):
            words = process.cmdline()
            what = words[words.index("--only") + 1] if "--only" in words else " ".join(words[1:4])
            console.print(f"[yellow]process {process.pid} ({what}) of an earlier start still ran here: it is ended")
            process.kill()
    psutil.wait_procs(left, END_S)


def _is_part(process: psutil.Process, folder: Path) -> bool:
    try:
        started_by: str = process.environ().get(STARTED_BY, "")
    except psutil.Error:
        return False
    return process.pid != os.getpid() and started_by.partition(":")[2] == str(folder)
