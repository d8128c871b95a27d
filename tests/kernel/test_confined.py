"""Work that takes more than it may, in a process that has nothing of ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel.confined import Exceeded, Failed, confined

pytestmark = pytest.mark.attack

MOST: dict[str, Any] = {"memory": 2**29, "seconds": 2, "writes": 2**20}


@pytest.mark.parametrize(
    ("work", "values"),
    [
        ("builtins:bytearray", [2**30]),
        ("time:sleep", [60]),
        ("builtins:exec", ["while True: pass"]),
        ("builtins:exec", ["import os; os._exit(0)"]),
        ("builtins:exec", ["import os; os.abort()"]),
    ],
)
def test_what_takes_too_much_is_ended_and_said(work: str, values: list[Any]) -> None:
    with pytest.raises(Exceeded):
        confined(work, *values, **MOST)


def test_files_have_a_limit_too(tmp_path: Path) -> None:
    writing = f"open({str(tmp_path / 'large')!r}, 'wb').write(bytes(2**22))"
    with pytest.raises((Exceeded, Failed)):
        confined("builtins:exec", writing, **MOST)
    assert (tmp_path / "large").stat().st_size <= 2**20


def test_what_somebody_else_kills_is_begun_once_more(tmp_path: Path) -> None:
    """A photo was refused as damaged, for the process that looked at it had been killed."""
    flag = tmp_path / "killed"
    dying = "import os, pathlib, signal; flag = pathlib.Path({!r})\n{}os.kill(os.getpid(), signal.SIGKILL)"
    once = dying.format(str(flag), "if not flag.exists(): flag.touch(); ")
    assert confined("builtins:exec", once, **MOST) is None
    assert flag.exists()
    with pytest.raises(Exceeded):
        confined("builtins:exec", dying.format(str(flag), ""), **MOST)


def test_it_is_another_process_without_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://owner:secret@localhost/city")
    assert confined("os:getpid", **MOST) != os.getpid()
    assert confined("os:getenv", "DATABASE_URL", **MOST) is None


def test_what_is_given_and_raised_comes_back() -> None:
    assert confined("builtins:sorted", [3, 1, 2], **MOST) == [1, 2, 3]
    assert confined("builtins:exec", "print('not an answer')", **MOST) is None
    with pytest.raises(Failed, match="ValueError"):
        confined("builtins:int", "x", **MOST)
