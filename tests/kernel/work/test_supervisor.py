"""A part of a process that ends by itself: the process ends, says why, and is started anew."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from cityhall.kernel.work import supervisor
from cityhall.kernel.work.supervisor import Part
from cityhall.running import processes

ROOT = Path(__file__).parents[3]


def waits(stop: threading.Event) -> None:
    stop.wait()


def test_parts_run_until_they_are_stopped() -> None:
    stop, order = threading.Event(), list[str]()

    def part(name: str) -> Part:
        def work(stop: threading.Event) -> None:
            stop.wait()
            order.append(name)

        return Part(name, work)

    threading.Timer(0.3, stop.set).start()
    supervisor.run([part("first"), part("second")], stop)
    assert sorted(order) == ["first", "second"]


@pytest.mark.parametrize("how", ["raises", "returns"])
def test_one_that_ends_takes_the_others_along(how: str, caplog: pytest.LogCaptureFixture) -> None:
    def ends(stop: threading.Event) -> None:
        if how == "raises":
            raise LookupError("the map of sea monsters is lost")

    stopped = threading.Event()

    def other(stop: threading.Event) -> None:
        stop.wait()
        stopped.set()

    with pytest.raises(supervisor.PartEnded, match="odd"):
        supervisor.run([Part("other", other), Part("odd", ends)], threading.Event())
    assert stopped.is_set()
    assert ("sea monsters" in caplog.text and "Traceback" in caplog.text) == (how == "raises")


def test_a_deaf_part_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    deaf = threading.Event()
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    supervisor.run([Part("deaf", lambda stop: deaf.wait()), Part("good", waits)], stop, join_s=0.5)
    assert time.monotonic() - began < 3 and "deaf" in caplog.text
    deaf.set()


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Path:
    """Processes started from here work on the test's database; each start of one leaves a line in this file."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", urlunsplit(parts._replace(path=f"/{name}")))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    monkeypatch.setenv("STARTS", str(tmp_path / "starts"))
    monkeypatch.chdir(ROOT)
    return tmp_path / "starts"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "ending", "status"),
    [
        ("worker", "raises", 1),
        ("worker", "returns", 1),
        ("worker", "jobs_end", 1),
        ("devices", "raises", 1),
        ("devices", "returns", 1),
        ("devices", "hangs", supervisor.EXIT_STATUS),
        # The web server starts its own worker anew, before the parent needs to.
        ("web", "raises", None),
    ],
)
def test_a_process_ends_with_its_part_and_is_started_anew(
    city: Path, capfd: pytest.CaptureFixture[str], part: str, ending: str, status: int | None
) -> None:
    child = processes.Child(part, [sys.executable, "-m", "tests.kernel.work.endings", part, ending])
    stop = threading.Event()
    parent = threading.Thread(target=processes.supervise, args=([child], stop, lambda: None))
    parent.start()
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and (not city.exists() or len(city.read_text().split()) < 2):
            time.sleep(0.1)
        starts = city.read_text().split()
    finally:
        stop.set()
        parent.join(20)
    out, err = capfd.readouterr()
    said = " ".join((out + err).split())
    assert len(set(starts)) >= 2, f"started twice, each a process of its own: {said}"
    if status is not None:
        assert f"{part} ended with {status}" in said
        assert child.wait > processes.FIRST_WAIT, "the more often it dies, the longer it rests"
    if ending in ("raises", "hangs"):
        assert "odd.odd has failed" in said and "LookupError: the map of sea monsters is lost" in said
    else:
        assert ("jobs" if ending == "jobs_end" else "odd.odd") + " has ended by itself" in said
