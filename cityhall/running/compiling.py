"""Compiling beside what else a load does: a process for each group of engines (`engines/ready.py`), that only fills
numba's cache. Whoever needs the code waits for it and then reads it: nothing is compiled twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cityhall.engines.groups import GROUPS


class Compiling:
    """Processes that compile. They say nothing: what they could not do is done, and said, by the load itself."""

    def __init__(self) -> None:
        # Whoever has the reading end, a fork of this process too, sees the end of it when the last of them is gone.
        self._ended, held = os.pipe()
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "cityhall.engines.ready", group],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(held,),
            )
            for group in GROUPS
        ]
        os.close(held)

    def wait(self) -> None:
        """Returns when all of it has been compiled."""
        os.read(self._ended, 1)

    def stop(self) -> None:
        """Ends what is still going on."""
        for process in self._processes:
            process.terminate()
            process.wait()
        os.close(self._ended)


@contextmanager
def compiling() -> Iterator[Compiling]:
    """Compiles while the block goes on; what has not ended with it is stopped."""
    work = Compiling()
    try:
        yield work
    finally:
        work.stop()
