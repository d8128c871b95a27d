"""What else befalls a machine: a disk that is full for a while, a clock that jumps."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.faults.ledger import Ledger
from tests.faults.people import Crowd
from tests.faults.town import Town

CLOCK = Path(__file__).with_name("clock.c")
DAY, HOUR = 86_400, 3_600
PATIENCE_S = 60.0
"""How long a jump may keep people from filing before it counts as none filed: processes begin anew after one."""
JUMPS = (2 * DAY, 0, -HOUR, 0)
"""Where the clock is moved to, one after another: seconds from the machine's own."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """A file system of its own at `folder`; False where this user may not make one."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves no room on the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        while True:
            try:
                file.write(b"\0" * 2**20)
                file.flush()
            except OSError:
                break
    return ballast


def full_disk(town: Town, ledger: Ledger, seconds: float, rate: float = 2.0) -> dict[str, Any]:
    """The city on a disk without room for so long, people at its doors; then there is room again."""
    crowd = Crowd(town, ledger, rate)
    crowd.start()
    time.sleep(5)
    ballast = fill(town.data)
    began, said, pages = time.monotonic(), set(), []
    try:
        while time.monotonic() < began + seconds:
            said.add(town.health())
            pages.append(_page(town))
            time.sleep(0.5)
    finally:
        ballast.unlink()
    back = town.wait("ok", 120)
    crowd.end()
    return {
        "seconds": seconds,
        "healthz": sorted(said),
        "pages_served": round(sum(status == 200 for status in pages) / len(pages), 3),
        "pages_wrong": sum(status not in (200, 503, 0) for status in pages),
        "ok_after_s": round(back, 1),
        "free_mb": shutil.disk_usage(town.data).free >> 20,
    }


def _page(town: Town) -> int:
    try:
        return httpx.get(f"{town.address}/reports/", timeout=10).status_code
    except httpx.HTTPError:
        return 0


def can_move_clock() -> bool:
    """Whether there is a C compiler, and a system that loads what it makes before all else."""
    return sys.platform == "linux" and shutil.which("cc") is not None


class Clock:
    """The clock of a city's processes, which can be moved while they run. Raises CalledProcessError."""

    def __init__(self, folder: Path) -> None:
        library, self._file = folder / "clock.so", folder / "clock"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(CLOCK)], check=True)
        self.move(0)
        # The embedded database's own user reads it too.
        self._file.chmod(0o644)
        self.environment = {"LD_PRELOAD": str(library), "CITYHALL_FAULTS_CLOCK": str(self._file)}

    def move(self, seconds: int) -> None:
        """Sets it so far from the machine's, for all processes at once."""
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:
            file.write(struct.pack("=q", seconds))


def jumping_clock(town: Town, clock: Clock, ledger: Ledger, seconds: float, rate: float = 2.0) -> dict[str, Any]:
    """The clock jumps ahead, back, behind and back, for so long each, people at the doors; then all must be as ever."""
    crowd = Crowd(town, ledger, rate)
    crowd.start()
    told = []
    for jump in JUMPS:
        clock.move(jump)
        before, began, first = ledger.count("report"), time.monotonic(), None
        while time.monotonic() < began + (seconds if first is not None else PATIENCE_S):
            time.sleep(0.1)
            if first is None and ledger.count("report") > before:
                first = round(time.monotonic() - began, 1)
        told.append(
            {
                "moved_s": jump,
                "healthz": town.health(),
                "filed": ledger.count("report") - before,
                "first_after_s": first,
            }
        )
    back = town.wait("ok", 60)
    crowd.end()
    return {"jumps": told, "ok_after_s": round(back, 1)}
