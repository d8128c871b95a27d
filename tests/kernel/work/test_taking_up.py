"""A worker is killed in the middle of a job: another takes it up, once, and does not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from django.utils import timezone

from cityhall.kernel.work import checks, jobs, taking_up

pytestmark = pytest.mark.attack
ROOT = Path(__file__).parents[3]
QUERY = "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = 'test.endless'"


def rows(query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall()) if cursor.description else []


def defer(lock: str | None = None) -> None:
    rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, queueing_lock)"
        " VALUES ('test-endless', 'test.endless', '{}', %s)",
        (lock,),
    )


def until(true: Callable[[], bool], patience_s: float = 90) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


def killed_worker(told: Path) -> None:
    """A worker begins a job and is killed."""
    before = len(told.read_text().splitlines()) if told.exists() else 0
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "tests.kernel.work.dying", str(told)]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as worker:
        try:
            until(lambda: told.exists() and len(told.read_text().splitlines()) > before)
        finally:
            worker.kill()


@pytest.fixture(autouse=True)
def may_run_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.TWICE, "test.endless", True)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_workers_job_is_taken_up_once_and_given_up_at_last(tmp_path: Path) -> None:
    told = tmp_path / "told"
    defer()
    for attempts in range(taking_up.MOST_ATTEMPTS + 1):
        killed_worker(told)
        assert rows(QUERY) == [("doing", attempts)], "what it held says that it is being done"
        taking_up.take_up()
        assert rows(QUERY) == [("doing", attempts)], "a worker that was heard of a moment ago may live"
        taking_up.take_up(still_s=0)
        assert taking_up.take_up(still_s=0) == 0, "once"
        if attempts < taking_up.MOST_ATTEMPTS:
            assert rows(QUERY) == [("todo", attempts + 1)]
    assert rows(QUERY) == [("failed", taking_up.MOST_ATTEMPTS + 1)], "one that kills its workers is not done for ever"
    assert len(told.read_text().splitlines()) == taking_up.MOST_ATTEMPTS + 1


@pytest.mark.django_db
def test_a_regular_job_that_was_left_makes_room_for_the_next(caplog: pytest.LogCaptureFixture) -> None:
    defer("regular")
    rows("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'test.endless'")
    defer("regular")
    assert taking_up.take_up() == 1
    assert sorted(rows(QUERY)) == [("failed", 1), ("todo", 0)]


@pytest.mark.django_db
@pytest.mark.parametrize("says", [False, None], ids=["that it may not", "nothing"])
def test_a_job_that_may_not_run_twice_is_set_aside_and_told(
    says: bool | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if says is None:
        monkeypatch.delitem(jobs.TWICE, "test.endless")
    else:
        monkeypatch.setitem(jobs.TWICE, "test.endless", says)
    assert [level for level, _what, _mend in checks.findings()] == ["ok"]
    defer()
    rows("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'test.endless'")
    assert taking_up.take_up() == 1
    assert rows(QUERY) == [("aborted", 1)], "nobody begins it again"
    assert "may not run twice" in caplog.text
    ((level, what, mend),) = checks.findings()
    assert level == "error" and "1 of test.endless broke off" in what and "by hand" in mend


@pytest.mark.django_db
def test_a_job_that_failed_is_told() -> None:
    defer()
    rows("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = 'test.endless'")
    ((level, what, _mend),) = checks.findings()
    assert level == "warning" and "1 of test.endless failed" in what


def test_what_may_not_run_twice_is_not_tried_again_either() -> None:
    with pytest.raises(ValueError, match="may not run twice"):
        jobs.job("test.once", twice=False, retry=3)


@pytest.mark.django_db
def test_what_is_over_is_forgotten_after_a_while() -> None:
    for number, status in enumerate(("succeeded", "failed", "aborted", "todo")):
        for age in (1, 8, 40):
            defer()
            (job,) = rows("SELECT max(id) FROM procrastinate_jobs")[0]
            rows("UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status WHERE id = %s", (status, job))
            at = timezone.now() - timedelta(days=age, seconds=number)
            rows("UPDATE procrastinate_events SET at = %s WHERE job_id = %s", (at, job))
    taking_up.forget_old()
    left = [status for status, _attempts in rows(QUERY)]
    assert {one: left.count(one) for one in set(left)} == {"succeeded": 1, "failed": 2, "aborted": 2, "todo": 3}
