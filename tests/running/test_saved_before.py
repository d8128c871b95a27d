"""What is kept of backups that `up` makes by itself, and what a backup does not hold."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel.files import placed, put
from cityhall.running import restoring, saving
from tests.testville import CITY_TOML

pytestmark = pytest.mark.attack


def test_the_last_three_are_kept_and_never_less_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def save(folder: Path, url: str, to: Path, *values: Any) -> None:
        to = to.with_name(f"before-{len(made)}.tar")
        to.write_text("x")
        os.utime(to, (len(made), len(made)))
        made.append(to)

    monkeypatch.setattr(saving, "save", save)
    (tmp_path / saving.BEFORE).mkdir()
    (tmp_path / saving.BEFORE / "monday.tar").write_text("somebody's own")
    for _ in range(5):
        saving.before_migrating(tmp_path, "", lambda what, share: None)
    kept = sorted(path.name for path in (tmp_path / saving.BEFORE).iterdir())
    assert kept == ["before-2.tar", "before-3.tar", "before-4.tar", "monday.tar"]

    def fail(*values: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr(saving, "save", fail)
    with pytest.raises(OSError):
        saving.before_migrating(tmp_path, "", lambda what, share: None)
    assert sorted(path.name for path in (tmp_path / saving.BEFORE).iterdir()) == kept


def test_what_lies_outside_the_folder_is_named(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "city", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    for path in (folder / "inside.zip", elsewhere / "outside.zip", elsewhere / "linked.pbf", elsewhere / "own.toml"):
        path.write_text("x")
    (folder / "linked.pbf").symlink_to(elsewhere / "linked.pbf")
    data = '\n[data]\ngtfs = ["inside.zip", "../elsewhere/outside.zip"]\nosm = "linked.pbf"\n'
    options = f'\n[service.reports]\ncategories = "{elsewhere}/own.toml"\n'
    (folder / "city.toml").write_text(CITY_TOML + data + options)
    assert saving.left_outside(folder) == ["../elsewhere/outside.zip", "linked.pbf", f"{elsewhere}/own.toml"]


def test_only_what_nobody_works_on_is_taken_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (".restore-left", ".restore-at-work"):
        (tmp_path / name / "postgres").mkdir(parents=True)
    working = os.open(tmp_path / ".restore-at-work", os.O_RDONLY)
    fcntl.flock(working, fcntl.LOCK_EX)
    try:
        restoring.clear_left(tmp_path)
    finally:
        os.close(working)
    assert [path.name for path in tmp_path.iterdir()] == [".restore-at-work"]
    assert ".restore-left" in capsys.readouterr().err.replace("\n", "")


def test_a_stream_is_put_in_place_whole_or_not_at_all(tmp_path: Path) -> None:
    path, draft = tmp_path / "file", tmp_path / ".file.part"
    put(path, b"before", 0o644)
    draft.write_bytes(b"of one that was killed")
    with pytest.raises(LookupError), placed(path, draft=draft) as file:
        file.write(b"half")
        raise LookupError
    assert path.read_bytes() == b"before" and [one.name for one in tmp_path.iterdir()] == ["file"]
    with placed(path, draft=draft) as file:
        file.write(b"after")
    assert path.read_bytes() == b"after" and path.stat().st_mode & 0o777 == 0o600
