"""Compiling beside a start: who needs the code waits for it, and whatever becomes of those who compile, can go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityhall.build.assets import ROOT
from cityhall.engines import groups, latches
from cityhall.kernel.work.runners import runners
from cityhall.running import compiling, processes
from cityhall.running.compiling import Compiling

# In place of `cityhall.engines.ready`: tells who it is, opens its first latch when it is told to, then the others.
SLOW = """
import os, pathlib, sys, time
from cityhall.engines import latches
folder = pathlib.Path(sys.argv[1])
for one in sys.argv[2:]:
    group, latch = one.split(":")
    while not (folder / group).exists():
        time.sleep(0.02)
    if (folder / group).read_text() == "fails":
        sys.exit(1)
    latches.open_for(int(latch))
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compiling]:
    """Compiling that gets on with a group when a file called after it appears in `tmp_path`."""
    start = subprocess.Popen

    def popen(command: list[str], **values: object) -> subprocess.Popen[bytes]:
        assert command[1:3] == ["-m", "cityhall.engines.ready"]
        return start([sys.executable, "-c", SLOW, str(tmp_path), *command[3:]], **values)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setenv(groups.FOLDER, "")
    with monkeypatch.context() as only:
        only.setattr(subprocess, "Popen", popen)
        made = Compiling()
    yield made
    made.stop()


def until(what: Callable[[], object]) -> bool:
    """Whether `what()` becomes true within twenty seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def test_each_group_is_ready_when_it_has_been_compiled(
    work: Compiling, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = [sys.executable, "-c", "from cityhall.engines.groups import *; print(*map(ready, GROUPS))"]

    def elsewhere() -> list[bool]:
        said = subprocess.run(seen, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        return [one == "True" for one in said]

    assert elsewhere() == [False, False, False]
    (tmp_path / "feeds").write_text("done")
    work.wait(groups.FEEDS)
    assert elsewhere() == [True, False, False]
    work.look()
    assert "ready" not in capfd.readouterr().err
    for group in groups.GROUPS:
        (tmp_path / group).write_text("done")
    work.wait()
    assert elsewhere() == [True, True, True]
    assert until(lambda: work.look() or "ready" in capfd.readouterr().err)


def test_one_that_fails_keeps_nobody_waiting_and_is_told(
    work: Compiling, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "positioning").write_text("fails")
    assert until(lambda: groups.ready("positioning"))
    assert not groups.ready("journeys")
    (tmp_path / "feeds").write_text("done")
    (tmp_path / "journeys").write_text("done")
    work.wait()
    assert until(lambda: work.look() or "compiling positioning ended before its time" in capfd.readouterr().err)


def test_a_city_that_stops_stops_those_that_compile(work: Compiling) -> None:
    folder = Path(os.environ[groups.FOLDER])
    running = [process for process in work._processes if process.poll() is None]
    work.stop()
    assert len(running) == len(groups.PROCESSES) and all(process.poll() is not None for process in running)
    assert not folder.exists() and groups.FOLDER not in os.environ


def test_a_part_of_a_process_begins_when_what_it_calls_is_compiled(work: Compiling, tmp_path: Path) -> None:
    # The tracker, of all parts: it would end at once here, as no database is to be used.
    run = runners("devices")["vehicles.tracker"]
    stop = threading.Event()
    part = threading.Thread(target=run, args=(stop,))
    part.start()
    time.sleep(0.5)
    assert part.is_alive()
    stop.set()
    part.join(5)
    assert not part.is_alive()


def test_a_latch_opens_with_the_end_of_whoever_holds_it(tmp_path: Path) -> None:
    latch = latches.Latch(tmp_path / "latch")
    holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[latch.descriptor])
    latch.hand_over()
    try:
        assert latches.shut(latch.path)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert not latches.shut(latch.path)
    latches.wait(latch.path)
    # The file is still there, from a crash perhaps: it means nothing.
    assert latch.path.exists() and not latches.shut(tmp_path / "none")


def test_what_has_been_compiled_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    assert compiling.wanted()
    for group in groups.GROUPS:
        groups.set_mark(group)
    assert not compiling.wanted()
    (older,) = (tmp_path / "kept").glob("ready-feeds-*")
    older.rename(older.with_name("ready-feeds-0123456789abcdef"))
    assert compiling.wanted(), "another version of the engines, of Python or of the compiler"
    groups.set_mark("feeds")
    assert len(list((tmp_path / "kept").glob("ready-feeds-*"))) == 1


def test_the_first_process_has_the_processors_until_it_answers(tmp_path: Path) -> None:
    def child(name: str) -> processes.Child:
        code = f"import pathlib, time; pathlib.Path({str(tmp_path / name)!r}).touch(); time.sleep(60)"
        return processes.Child(name, [sys.executable, "-c", code])

    stop, seen = threading.Event(), []

    def first() -> None:
        assert until(lambda: (tmp_path / "web").exists())
        seen.append((tmp_path / "worker").exists())

    def beside() -> None:
        if (tmp_path / "worker").exists():
            stop.set()

    processes.supervise([child("web"), child("worker")], stop, first, beside)
    assert seen == [False] and (tmp_path / "worker").exists()
