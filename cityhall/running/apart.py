"""Work in a process of its own, which ends with it: all that it imported and held is the machine's again.

Loading a city reads feeds, compiles, draws a map. The process that afterwards only looks after others for months should
not keep what that took.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import typer

Made = TypeVar("Made")
INTERRUPTED = 130


def apart(work: Callable[[], Made]) -> Made:
    """What `work` gives, done in a fork of this process; what it gives must pickle.

    What it changes of the environment is changed here too (migrating names the program's role there). Where it ends
    without having given anything it has said why: raises typer.Exit with its status. Where this process has threads
    the work is done here: a fork would have the locks that they hold, and not them.
    """
    if _threads() > 1:
        return work()
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, sending), daemon=True)
    process.start()
    sending.close()
    try:
        made, environment = receiving.recv()
    except EOFError:
        process.join()
        raise typer.Exit(process.exitcode or 1) from None
    process.join()
    os.environ.update(environment)
    return made  # type: ignore[no-any-return]


def _threads() -> int:
    """How many threads this process has, those of libraries too."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return threading.active_count()


def _child(work: Callable[[], Any], sending: Connection) -> None:
    _end_with_parent()
    before = dict(os.environ)
    try:
        made = work()
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except KeyboardInterrupt:
        # The parent has had it too, and says so.
        sys.exit(INTERRUPTED)
    sending.send((made, {name: value for name, value in os.environ.items() if before.get(name) != value}))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(INTERRUPTED)

    threading.Thread(target=watch, daemon=True).start()
