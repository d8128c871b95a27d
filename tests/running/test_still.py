"""A process whose threads go on, but not the loop that it is there for, stands still: it is started anew."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from cityhall.kernel.work import beats
from cityhall.running import processes

pytestmark = pytest.mark.attack

# A part as `worker` is one, whose loop shows its pulse until the folder's file tells it to hang.
PART = """
import pathlib, sys, threading, time
from cityhall.kernel.work import beats, supervisor
folder = pathlib.Path(sys.argv[1])
beats.LATE_S = 0.5

def work():
    while (folder / "hang").exists():
        (folder / "hangs").touch()
        time.sleep(0.05)

def loop(stop):
    with (folder / "starts").open("a") as starts:
        starts.write("s")
    LOOP

beats.speak()
supervisor.run([supervisor.Part("loop", loop)], threading.Event())
"""


# The jobs' and the web's, and that of most runners.
LOOPS = {
    "its own": """
    while not stop.is_set():
        beats.pulse("loop")
        time.sleep(0.05)
        work()
""",
    "a runner's": """
    from django.conf import settings
    from cityhall.kernel.work.regular import look_every
    settings.configure()
    beats.HANG_S = 0.5
    look_every(0.05, "the test", work, stop)
""",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_that_hangs_is_started_anew(loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "STILL_S", 4.0)
    stop, until = threading.Event(), time.monotonic() + 60

    def starts() -> int:
        return len((tmp_path / "starts").read_text()) if (tmp_path / "starts").exists() else 0

    def beside() -> None:
        if starts() == 1 and not (tmp_path / "hangs").exists():
            (tmp_path / "hang").touch()
        elif starts() > 1 or time.monotonic() > until:
            stop.set()

    children = [processes.Child("part", [sys.executable, "-c", PART.replace("    LOOP", loop), str(tmp_path)])]
    processes.supervise(children, stop, lambda: None, beside)
    assert starts() > 1
