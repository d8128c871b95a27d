"""What is compiled before it is called (`ready.py`), and whether it is there: for whoever must load no library.

While a city is served that has just been installed, other processes still compile for it. Each group is a latch then
(`latches.py`) in the folder that CITYHALL_COMPILING names; it opens when the group is compiled, and also when the
process that compiles ends before: whoever needs the code then compiles for itself, later but rightly.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path

from cityhall.engines import latches

FEEDS, JOURNEYS, POSITIONING = "feeds", "journeys", "positioning"
GROUPS = (FEEDS, JOURNEYS, POSITIONING)
PROCESSES = ((FEEDS, JOURNEYS), (POSITIONING,))
"""The groups that one process compiles, one after the other; both take about equally long."""
FOLDER = "CITYHALL_COMPILING"
HERE = Path(__file__).parent


def ready(group: str) -> bool:
    """Whether a group can be called without a wait. True as well where nobody compiles it beside."""
    folder = os.environ.get(FOLDER)
    return not folder or not latches.shut(Path(folder) / group)


def wait(group: str, stop: threading.Event) -> bool:
    """Waits until a group is ready; False where `stop` came first."""
    while not ready(group):
        if stop.wait(0.25):
            return False
    return True


def mark(group: str) -> Path:
    """The file that says that these engines' group has been compiled here, with this Python and this compiler.

    It is only a hint that saves looking again: the compiler checks every piece of code that it has kept.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(kept) if kept else HERE / "__pycache__") / f"ready-{group}-{_digest()}"


@cache
def _digest() -> str:
    digest = hashlib.sha256(f"{sys.version} {version('numba')} {version('llvmlite')}".encode())
    for path in sorted(HERE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def set_mark(group: str) -> None:
    """Writes the mark, and takes away those of other versions. Raises OSError where nothing can be kept."""
    file = mark(group)
    file.parent.mkdir(parents=True, exist_ok=True)
    for other in file.parent.glob(f"ready-{group}-*"):
        other.unlink(missing_ok=True)
    file.touch()
