"""How long a demo takes to its front page, with nothing compiled and again, and what its processes hold after that."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil

from cityhall.build.assets import ROOT

LONGEST_S = 900.0


def run(settle_s: float = 180.0) -> list[dict[str, Any]]:
    """A row for each of two starts, then one for each process after `settle_s` more seconds; memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, NUMBA_CACHE_DIR=f"{folder}/compiled")
        return [
            *_start("first", Path(folder) / "data", environment, None),
            *_start("second", Path(folder) / "data", environment, settle_s),
        ]


def _start(name: str, data: Path, environment: dict[str, str], settle_s: float | None) -> Iterator[dict[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cityhall.cli", "demo", "--data", str(data), "--port", str(port)]
    began = time.monotonic()
    city = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(f"http://localhost:{port}/", city, began + LONGEST_S)
        top = psutil.Process(city.pid)
        row = {"start": name, "seconds": time.monotonic() - began, "processor_s": sum(map(_processor, _tree(top)))}
        # What is left of the compiling is not to be the second start's.
        while any("cityhall.engines.ready" in process.cmdline() for process in _tree(top)):
            time.sleep(0.5)
        yield row | {"all_ready_s": time.monotonic() - began}
        if settle_s is not None:
            time.sleep(settle_s)
            yield from _held(top)
    finally:
        city.send_signal(signal.SIGINT)
        city.wait(60)


def _wait_for(address: str, city: subprocess.Popen[bytes], until: float) -> None:
    while time.monotonic() < until and city.poll() is None:
        try:
            with urlopen(address, timeout=5) as page:
                page.read()
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the demo did not start")


def _tree(top: psutil.Process) -> list[psutil.Process]:
    return [top, *top.children(recursive=True)]


def _processor(process: psutil.Process) -> float:
    """Seconds of the process and of those it has started that have ended."""
    used = process.cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


def _held(top: psutil.Process) -> Iterator[dict[str, Any]]:
    """What is its own (USS), and its share with what is held in common (PSS), a row a process; the database as one."""
    for process in _tree(top):
        memory, words = process.memory_full_info(), process.cmdline()
        if "--only" in words:
            name = words[words.index("--only") + 1]
        else:
            name = "simulator" if "cityhall.simulator" in words else "parent"
        yield {"process": name, "own_mb": memory.uss >> 20, "share_mb": memory.pss >> 20, "rss_mb": memory.rss >> 20}
