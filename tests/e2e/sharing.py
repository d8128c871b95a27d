"""What is started once for all of pytest-xdist's workers, and stopped by the last of them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock


@contextmanager
def shared(folder: Path, start: Callable[[], Any], stop: Callable[[Any], None]) -> Iterator[Any]:
    """Gives what `start` gave, as JSON has it, to whoever shares the folder.

    Called by the first who comes; `stop` gets it from the last who leaves. Who dies has left: the system takes its
    lock away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known, turn = folder / "known.json", FileLock(folder / "turn.lock")
    with (folder / "users.lock").open("w") as users:
        with turn:
            if not known.exists():
                known.write_text(json.dumps(start()))
            fcntl.flock(users, fcntl.LOCK_SH)
            given = json.loads(known.read_text())
        try:
            yield given
        finally:
            with turn:
                fcntl.flock(users, fcntl.LOCK_UN)
                if _nobody_else(users.fileno()):
                    known.unlink()
                    stop(given)


def _nobody_else(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
