"""Every job that the tree declares is known to the started worker: none is written and then never run."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, connections
from procrastinate.contrib.django import app

from cityhall.kernel import service
from cityhall.kernel.people.models import Person
from cityhall.kernel.work.declares import Task
from cityhall.kernel.work.jobs import TWICE
from cityhall.running import worker

ROOT = Path(__file__).parents[3]
TREE = sorted(path for path in (ROOT / "cityhall").rglob("*.py") if "migrations" not in path.parts)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def decorated() -> Iterator[str]:
    """ "module:function" of every function that is a job by its decorator."""
    for path in TREE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if any(
                    isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "job"
                    for call in node.decorator_list
                ):
                    yield f"{module(path)}:{node.name}"


def declared() -> Iterator[tuple[str, str]]:
    """(slug, cron) of every `Task` in a manifest of the tree."""
    for path in TREE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Task":
                cron = next((word.value for word in node.keywords if word.arg == "cron"), None) or node.args[2]
                yield ast.literal_eval(node.args[0]), ast.literal_eval(cron)


def words(tree: ast.AST) -> Iterator[str]:
    """Every name that is used in a module, and every one that a dotted path in a text names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            yield node.value.rpartition(":")[2]


@pytest.fixture(scope="module")
def started(django_db_setup: None) -> dict[str, Any]:
    """What the started worker knows."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.kernel.work.started"],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_started_worker_knows_every_job(started: dict[str, Any]) -> None:
    functions = set(started["jobs"].values())
    jobs = set(decorated())
    assert len(jobs) >= 6, "the tree was searched"
    assert sorted(jobs - functions) == [], "written as jobs, but no module that the worker imports has them"
    said = {*TWICE, *(f"{owner.slug}.{task.slug}" for owner, task in service.declared(Task))}
    own = {name for name in started["jobs"] if "procrastinate.builtin_tasks" not in name}
    assert own == said, "each says whether it may run twice"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_started_worker_runs_every_declared_task(started: dict[str, Any]) -> None:
    wanted = sorted(declared())
    assert len(wanted) >= 8, "the tree was searched"
    known = sorted((name.rpartition(".")[2], cron) for name, cron in started["periodic"].items())
    assert [one for one in wanted if one not in known] == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_job_leaves_its_connection_open() -> None:
    seen: list[Any] = []

    @app.task(name="test.looks")
    def looks() -> None:
        assert Person.objects.count() == 0 and connection.connection is not None
        seen.append(connections["default"])

    looks.defer()
    stop = threading.Event()
    running = threading.Thread(target=worker.jobs, args=(stop,))
    running.start()
    try:
        end = time.monotonic() + 30
        while not seen or seen[0].connection is not None:
            assert time.monotonic() < end, "its thread keeps a place among the few of the database"
            time.sleep(0.05)
    finally:
        stop.set()
        running.join(20)
        del app.tasks["test.looks"]


def test_what_stands_among_jobs_is_used() -> None:
    """A function of a `tasks` module that lost its decorator, or its line in the manifest, would never run again."""
    used = {path: set(words(ast.parse(path.read_text()))) for path in TREE}
    jobs = set(decorated())
    idle = []
    for path in TREE:
        if path.name != "tasks.py":
            continue
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef) or f"{module(path)}:{node.name}" in jobs:
                continue
            if not any(node.name in found for found in used.values()):
                idle.append(f"{module(path)}:{node.name}")
    assert idle == []
