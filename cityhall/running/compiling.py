"""Compiling beside what else a start does: processes (`engines/ready.py`) that only fill numba's cache.

Whoever needs the code waits for it and then reads it (`engines/groups.py`): nothing is compiled twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityhall.engines import groups, latches, parent
from cityhall.running.progress import console


def wanted() -> bool:
    """Whether there is something to compile: after installing, and after an upgrade."""
    return not all(groups.mark(group).exists() for group in groups.GROUPS)


class Compiling:
    """Processes that compile. What they could not do is done, and said, by whoever needs it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="cityhall-compiling-"))
        os.environ[groups.FOLDER] = str(self._folder)
        # All are shut before the first process looks whether one is.
        held = {group: latches.Latch(self._folder / group) for group in groups.GROUPS}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "cityhall.engines.ready", *(f"{one}:{held[one].descriptor}" for one in process)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[held[one].descriptor for one in process],
                env=os.environ | parent.mark(self._folder),
            )
            for process in groups.PROCESSES
        ]
        for latch in held.values():
            latch.hand_over()
        self._told = False

    def wait(self, *wanted: str) -> None:
        """Returns when these groups have been compiled, all of them where none is named. A fork may wait too."""
        for group in wanted or groups.GROUPS:
            latches.wait(self._folder / group)

    def look(self) -> None:
        """Says, once, when all of it is there, or that something of it could not be compiled."""
        ends = [process.poll() for process in self._processes]
        if self._told or any(end is None for end in ends):
            return
        self._told = True
        if any(ends):
            failed = ", ".join("+".join(names) for names, end in zip(groups.PROCESSES, ends, strict=True) if end)
            console.print(
                f"[yellow]compiling {failed} ended before its time: the first who needs it waits while it is compiled"
            )
        else:
            seconds = time.monotonic() - self._began
            console.print(f"[green]✓[/green] journeys and live positions are ready [dim]({seconds:.0f} s)[/dim]")

    def stop(self) -> None:
        """Ends what is still going on."""
        for process in self._processes:
            process.terminate()
            process.wait()
        os.environ.pop(groups.FOLDER, None)
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def compiling() -> Iterator[Compiling]:
    """Compiles while the block goes on; what has not ended with it is stopped."""
    work = Compiling()
    try:
        yield work
    finally:
        work.stop()
