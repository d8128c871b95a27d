"""What is kept of compiled code, when it is of other files or damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A small engine: one kernel that calls what is in another file.
FILES = {
    "__init__.py": "",
    "inner.py": "from cityhall.engines.compiled import compiled\n\n@compiled()\ndef more(x):\n    return x + 1\n",
    "outer.py": "from cityhall.engines.compiled import compiled\nfrom small.inner import more\n\n"
    "@compiled()\ndef twice(x):\n    return 2 * more(x)\n",
}
ASK = "from small.outer import twice; print(twice(3), sum(twice.stats.cache_hits.values()))"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def ask(small: Path) -> list[int]:
    """[what the kernel gives, how often it was taken from what is kept], asked in a new process."""
    paths = f"{Path(__file__).parents[2]}{os.pathsep}{small.parent}"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(small.parent / "kept"), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def test_it_is_kept_for_these_very_files(small: Path) -> None:
    assert [ask(small), ask(small)] == [[8, 0], [8, 1]]
    (small / "inner.py").write_text(FILES["inner.py"].replace("x + 1", "x + 2"))
    assert [ask(small), ask(small)] == [[10, 0], [10, 1]]


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_what_was_half_written_is_made_anew(small: Path, kind: str, share: float) -> None:
    assert ask(small) == [8, 0]
    kept = list((small.parent / "kept").rglob(kind))
    assert kept
    for file in kept:
        whole = file.read_bytes()
        file.write_bytes(whole[: int(share * len(whole))])
    assert [ask(small), ask(small)] == [[8, 0], [8, 1]]
