"""A started city whose parts are killed, stopped and left alone: it goes on, and nothing of it goes on without it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.e2e.conftest import ROOT, Demo, outside, start, stop_demo
from tests.testville import CITY_TOML, owner

pytestmark = [pytest.mark.slow, pytest.mark.attack]
PAGE, PROGRAM = {"Accept": "text/html"}, {"Accept": "application/json"}
WAIT_S = 90
"""For what takes seconds on a machine that has nothing else to do."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A small city with two web workers, running. Its log is log.txt beside its data."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "data" / "small").mkdir(parents=True)
    toml = CITY_TOML.replace('"transit", "reports", "safety", "house", "map"', '"reports"')
    toml = toml.replace('slug = "testville"', 'slug = "small"')
    (folder / "data" / "small" / "city.toml").write_text(toml)
    running = start("up", folder / "data", folder / "log.txt", "--city", "small", "--workers", "2")
    try:
        yield running
    finally:
        with suppress(psutil.Error):
            stop_demo(running)


def until(what: Callable[[], object]) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.2)
    return False


def part(city: Demo, name: str) -> psutil.Process | None:
    """A part's process, once it is more than a copy of its parent."""
    with suppress(psutil.Error):
        for child in city.process.children():
            words = child.cmdline()
            if "--only" in words and words[words.index("--only") + 1] == name:
                return child
    return None


def postmaster(city: Demo) -> int:
    with suppress(OSError):
        return int((city.data / "small" / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    return 0


def lives(number: int) -> bool:
    with suppress(psutil.Error):
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    return False


def health(city: Demo) -> str:
    with suppress(httpx.HTTPError):
        return str(httpx.get(f"{city.address}/healthz", timeout=30).json()["status"])
    return "no answer"


def command(city: Demo) -> list[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    up = [sys.executable, "-m", "cityhall.cli", "up", "--city", "small"]
    return [*up, "--data", str(city.data), "--port", port]


def test_a_second_start_on_the_folder_is_refused(city: Demo) -> None:
    done = subprocess.run(command(city), cwd=ROOT, env=outside(), capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "served already" in done.stdout + done.stderr
    assert str(city.process.pid) in done.stdout + done.stderr
    assert until(lambda: health(city) == "ok"), "the first one goes on"


def test_as_many_web_workers_as_were_asked_for(city: Demo) -> None:
    web = part(city, "web")
    assert web is not None and len(web.children()) == 2


def test_a_malformed_chunk_is_the_senders_mistake(city: Demo) -> None:
    port = int(city.address.rpartition(":")[2])
    with socket.create_connection(("localhost", port), timeout=30) as line:
        line.sendall(
            b"POST /api/reports/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/json\r\n\r\nno size\r\n{}\r\n0\r\n\r\n"
        )
        assert line.recv(4096).split(b"\r\n")[0].split()[1] == b"400"


def test_a_database_that_keeps_nothing_is_told(city: Demo) -> None:
    def all_anew(holding: psycopg.Connection[tuple[object, ...]], how: str) -> None:
        holding.execute(f"ALTER DATABASE cityhall SET default_transaction_read_only = {how}")
        holding.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cityhall_app'")

    report = {"category": "pothole", "text": "A deep hole", "lon": -51.2, "lat": -30.03}
    with owner(city.data / "small") as holding:
        # Meant for others: this one may write, to take it back.
        holding.execute("SET default_transaction_read_only = off")
        try:
            all_anew(holding, "on")
            assert until(lambda: health(city) == "no writing")
            refused = httpx.post(f"{city.address}/api/reports/", data=report, timeout=30)
            assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
            assert refused.json()["code"] == "full"
        finally:
            all_anew(holding, "off")
    assert until(lambda: health(city) in ("ok", "no worker"))


def test_a_killed_database_is_trouble_that_passes(city: Demo) -> None:
    """It is back by itself; while it is away (nobody looks: the parent is stopped) every door says so."""
    before = postmaster(city)
    city.process.suspend()
    try:
        os.kill(before, signal.SIGKILL)
        page = httpx.get(f"{city.address}/accounts/login/", headers=PAGE, timeout=60, cookies={"sessionid": "x" * 32})
        told = httpx.get(f"{city.address}/api/reports/", headers=PROGRAM, timeout=60)
        assert health(city) == "no database"
    finally:
        city.process.resume()
    assert until(lambda: health(city) == "ok"), health(city)
    assert lives(postmaster(city)) and postmaster(city) != before
    assert page.status_code == 503 and int(page.headers["Retry-After"]) > 0
    assert "text/html" in page.headers["Content-Type"] and "Testville" in page.text
    assert told.status_code == 503 and told.json()["code"] == "no_database" and int(told.headers["Retry-After"]) > 0


def test_what_stands_still_is_started_anew(city: Demo) -> None:
    assert until(lambda: health(city) == "ok")
    database, worker, web = postmaster(city), part(city, "worker"), part(city, "web")
    assert worker is not None and web is not None
    one = web.children()[0]
    for number in (database, worker.pid, one.pid):
        os.kill(number, signal.SIGSTOP)
    assert until(lambda: postmaster(city) not in (0, database)), "the database"
    assert until(lambda: part(city, "worker") not in (None, worker)), "the worker"
    assert until(lambda: part(city, "web") not in (None, web)), "the web, for one of its workers"
    assert until(lambda: health(city) == "ok")
    assert not any(lives(number) for number in (database, worker.pid, one.pid))


def test_its_parts_end_with_it_and_the_next_start_ends_what_is_left(city: Demo, tmp_path: Path) -> None:
    parts = city.process.children(recursive=True)
    assert len(parts) >= 5, "web, its two workers, worker, devices"
    marked = next(one for one in parts if "--only" in one.cmdline()).environ()["CITYHALL_STARTED_BY"]
    # A part of a program that did not look who its parent was.
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], env={"CITYHALL_STARTED_BY": marked})
    try:
        city.process.kill()
        _gone, there = psutil.wait_procs(parts, 10)
        assert not [one for one in there if lives(one.pid)]
        again = start("up", city.data, tmp_path / "log.txt", "--city", "small")
        try:
            assert left.poll() == -signal.SIGKILL
            assert f"process {left.pid}" in " ".join((tmp_path / "log.txt").read_text().split())
            database = postmaster(again)
        finally:
            assert stop_demo(again) == 0
        assert not lives(database), "who was killed uses it no more: the last one stopped it"
    finally:
        left.kill()
        left.wait()
