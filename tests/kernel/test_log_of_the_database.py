"""The embedded database's log stays below a bound, and holds nothing that anybody wrote."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cityhall.kernel import derived
from cityhall.kernel.database import embedded, postmaster
from cityhall.kernel.notify import tasks
from cityhall.running.database import Server
from cityhall.services.map import tasks as map_tasks
from cityhall.services.map.datasets import actions

pytestmark = pytest.mark.attack


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    with embedded(tmp_path / "postgres") as url:
        yield (tmp_path / "postgres").resolve(), url


def test_it_stays_below_its_bound_and_keeps_what_was_said_last(
    server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = server
    monkeypatch.setattr(postmaster, "LOG_BYTES", 20_000)
    monkeypatch.setattr("cityhall.running.database.PING_S", 0.05)
    looking, stop = Server(folder, url), threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            looking.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        with psycopg.connect(url, autocommit=True) as asking:
            for number in range(3_000):
                asking.execute(
                    f"DO $$ BEGIN RAISE WARNING 'number {number} of many, as long as a line of a log'; END $$"
                )
        time.sleep(0.3)
    finally:
        stop.set()
        thread.join(10)
    said = [(folder / name).stat().st_size for name in (postmaster.LOG, postmaster.LOG_BEFORE)]
    assert said[0] < 40_000 and 0 < said[1] <= 20_000, said
    text = (folder / postmaster.LOG_BEFORE).read_text() + (folder / postmaster.LOG).read_text()
    assert "number 2999" in text and "number 5 " not in text
    with psycopg.connect(url, autocommit=True) as asking:
        asking.execute("DO $$ BEGIN RAISE WARNING 'it goes on'; END $$")
    assert "it goes on" in (folder / postmaster.LOG).read_text()


def test_nothing_is_kept_for_long(tmp_path: Path) -> None:
    (tmp_path / postmaster.LOG).write_text("of a month ago")
    postmaster.trim_log(tmp_path)
    assert (tmp_path / postmaster.LOG).read_text() == ""
    (tmp_path / postmaster.LOG).write_text("of today")
    postmaster.trim_log(tmp_path)
    assert (tmp_path / postmaster.LOG).read_text() == "of today"
    week_ago = time.time() - 8 * 86_400
    os.utime(tmp_path / postmaster.LOG_BEFORE, (week_ago, week_ago))
    postmaster.trim_log(tmp_path)
    assert (tmp_path / postmaster.LOG_BEFORE).read_text() == "of today"


def test_no_line_has_what_anybody_wrote(server: tuple[Path, str]) -> None:
    folder, url = server
    with psycopg.connect(url, autocommit=True) as asking:
        asking.execute("CREATE TABLE told (name text UNIQUE, number int NOT NULL)")
        asking.execute("INSERT INTO told VALUES ('maria@example.org', 1)")
        for statement in (
            "INSERT INTO told VALUES ('maria@example.org', 2)",
            "INSERT INTO told VALUES ('rui@example.org', NULL)",
            "SELECT 'ana@example.org' FROM nowhere",
        ):
            with pytest.raises(psycopg.Error):
                asking.execute(statement)
    said = (folder / postmaster.LOG).read_text()
    assert "duplicate key" in said and "@example.org" not in said


def test_what_killed_readers_and_builders_left_goes(tmp_path: Path, settings: Any, db: None) -> None:
    settings.MEDIA_ROOT, settings.DERIVED, settings.EMAIL_FILE_PATH = tmp_path, tmp_path / "derived", tmp_path / "mail"
    (tmp_path / "mail").mkdir()
    long_ago = time.time() - 40 * 86_400
    for made in (actions.folder() / "left", actions.folder() / "new", tmp_path / "mail" / "old.log"):
        made.write_text("x")
        if made.name != "new":
            os.utime(made, (long_ago, long_ago))
    (tmp_path / "derived").mkdir()
    draft = tmp_path / "derived" / ".streets-abcd1234"
    draft.mkdir()
    map_tasks.forget_deleted()
    tasks._forget_mails(tmp_path / "mail")
    derived.build("streets", "1", lambda folder: None)
    assert [path.name for path in actions.folder().iterdir()] == ["new"]
    assert not draft.exists() and not list((tmp_path / "mail").iterdir())
